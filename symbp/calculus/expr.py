"""The expressions of indexed equations: a closed set of frozen nodes, in the order the author wrote.

SymPy sorts the terms of a sum and captures bound indices when it differentiates, so lines that are
read by people are kept in these nodes, and SymPy expressions are made of them on request
(:mod:`symbp.calculus.bridge`).  Every bound index is unique (:class:`~symbp.calculus.affine.Index`),
so no substitution can capture one.

The arithmetic operators build nodes literally: ``a + 0`` stays ``a + 0``.  The smart constructors
``add``, ``mul`` … of :mod:`symbp.calculus.construct` drop what does nothing; :mod:`symbp.calculus.tree`
reads and rebuilds expressions.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Union

from symbp.calculus.affine import Affine, Index

Scalar = Union["Expr", int, Fraction]


class Expr:
    """The base of all nodes; ``+ - * / **`` build sums, products, quotients and powers."""

    __slots__ = ()

    def __add__(self, other: Scalar) -> Expr:
        return Add((*as_terms(self), *as_terms(expr(other))))

    def __radd__(self, other: Scalar) -> Expr:
        return expr(other) + self

    def __sub__(self, other: Scalar) -> Expr:
        return Add((*as_terms(self), Neg(expr(other))))

    def __rsub__(self, other: Scalar) -> Expr:
        return expr(other) - self

    def __mul__(self, other: Scalar) -> Expr:
        return Mul((*as_factors(self), *as_factors(expr(other))))

    def __rmul__(self, other: Scalar) -> Expr:
        return expr(other) * self

    def __truediv__(self, other: Scalar) -> Expr:
        return Div(self, expr(other))

    def __rtruediv__(self, other: Scalar) -> Expr:
        return Div(expr(other), self)

    def __pow__(self, other: Scalar) -> Expr:
        return Pow(self, expr(other))

    def __neg__(self) -> Expr:
        return Neg(self)


@dataclass(frozen=True, slots=True)
class Number(Expr):
    """A rational number; ``decimal`` prints it as 0.5, as the author wrote it, instead of 1/2."""

    value: Fraction
    decimal: bool = False


@dataclass(frozen=True, slots=True)
class Integer(Expr):
    """A size, or the value of an index, used as a number: the ``T`` of ``/T``."""

    value: Affine


@dataclass(frozen=True, slots=True)
class Ref(Expr):
    """An element of an array: ``w[l,j,k]``.  A scalar has no indices."""

    name: str
    indices: tuple[Affine, ...] = ()


@dataclass(frozen=True, slots=True)
class Adjoint(Expr):
    """The adjoint ∂C/∂name[indices] of a variable or parameter, as the value of a named array."""

    name: str
    indices: tuple[Affine, ...] = ()


@dataclass(frozen=True, slots=True)
class Partial(Expr):
    """A derivative that has not been taken: ∂(body)/∂(wrt).

    ``body`` may be the cost or a variable (∂z_j/∂a_k: through its equation) or any expression (then
    every other element is held fixed).
    """

    body: Expr
    wrt: Ref


@dataclass(frozen=True, slots=True)
class Add(Expr):
    """A sum of two or more terms; a difference has a :class:`Neg` term."""

    terms: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Mul(Expr):
    """A product of two or more factors."""

    factors: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Neg(Expr):
    """The negative of a term."""

    arg: Expr


@dataclass(frozen=True, slots=True)
class Div(Expr):
    """A quotient."""

    num: Expr
    den: Expr


@dataclass(frozen=True, slots=True)
class Pow(Expr):
    """A power."""

    base: Expr
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Call(Expr):
    """An elementwise function of one or more arguments; ``orders`` counts derivatives by argument.

    ``Call("sigma", (z,), (1,))`` is σ′(z).
    """

    function: str
    args: tuple[Expr, ...]
    orders: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Reduce(Expr):
    """``op`` over all values of ``indices``; op is sum, prod, max, min or logsumexp."""

    op: str
    indices: tuple[Index, ...]
    body: Expr


@dataclass(frozen=True, slots=True)
class Weights(Expr):
    """Weights over ``index`` that sum to 1, read at position ``at``; 0 outside of the range of ``index``.

    ``softmax``: exp(body)/Σ exp(body).  ``argmax``, ``argmin``: 1/m at the m places where body is
    largest (smallest), 0 elsewhere: the derivative of max (min), shared equally at a tie.
    """

    op: str
    index: Index
    body: Expr
    at: Affine


@dataclass(frozen=True, slots=True)
class Functional(Expr):
    """An undefined function of whole arrays: ``C(a[L,j], j)`` is C of the vector a^L.

    With ``position`` and ``at`` it is the partial derivative of that function with respect to the
    element ``at`` of its argument number ``position``: (∇_a C)_k.
    """

    name: str
    indices: tuple[Index, ...]
    args: tuple[Expr, ...]
    position: int = -1
    at: tuple[Affine, ...] = ()


@dataclass(frozen=True, slots=True)
class Where(Expr):
    """``then`` where the condition holds, else ``other``.  Only the chosen branch has to be finite."""

    cond: Expr
    then: Expr
    other: Expr


@dataclass(frozen=True, slots=True)
class Compare(Expr):
    """A condition: op is one of < <= > >= == !=."""

    op: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True)
class Logic(Expr):
    """``and``, ``or``, ``not`` of conditions."""

    op: str
    args: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Indicator(Expr):
    """Iverson's bracket [left = right]: 1 where the integers agree, else 0."""

    left: Affine
    right: Affine


@dataclass(frozen=True, slots=True)
class Within(Expr):
    """[lo ≤ value ≤ hi]: 1 inside the range, else 0; what follows is not read outside of it."""

    value: Affine
    lo: Affine
    hi: Affine


Binder = (Reduce, Weights, Functional)
ZERO, ONE = Number(Fraction(0)), Number(Fraction(1))


def number(value: int | Fraction) -> Number:
    """``value`` as a node."""
    return Number(Fraction(value))


def expr(value: Scalar) -> Expr:
    """``value`` as a node."""
    return value if isinstance(value, Expr) else number(value)


def as_terms(node: Expr) -> tuple[Expr, ...]:
    """The terms of a sum; anything else is one term."""
    return node.terms if isinstance(node, Add) else (node,)


def as_factors(node: Expr) -> tuple[Expr, ...]:
    """The factors of a product; anything else is one factor."""
    return node.factors if isinstance(node, Mul) else (node,)
