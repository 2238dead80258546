"""The expressions of indexed equations: a closed set of frozen nodes, in the order the author wrote.

SymPy sorts the terms of a sum and captures bound indices when it differentiates, so lines that are
read by people are kept in these nodes, and SymPy expressions are made of them on request
(:mod:`symbp.calculus.bridge`).  Every bound index is unique (:class:`~symbp.calculus.affine.Index`),
so no substitution can capture one.

The arithmetic operators build nodes literally: ``a + 0`` stays ``a + 0``.  The smart constructors
``add``, ``mul`` … at the end of the module drop what does nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from typing import TypeVar, Union

from symbp.calculus.affine import ALONE, Affine, Index, affine, fresh

E = TypeVar("E", bound="Expr")
Scalar = Union["Expr", int, Fraction]


class Expr:
    """The base of all nodes; ``+ - * / **`` build sums, products, quotients and powers."""

    __slots__ = ()

    def __add__(self, other: Scalar) -> Expr:
        return Add((*_terms(self), *_terms(expr(other))))

    def __radd__(self, other: Scalar) -> Expr:
        return expr(other) + self

    def __sub__(self, other: Scalar) -> Expr:
        return Add((*_terms(self), Neg(expr(other))))

    def __rsub__(self, other: Scalar) -> Expr:
        return expr(other) - self

    def __mul__(self, other: Scalar) -> Expr:
        return Mul((*_factors(self), *_factors(expr(other))))

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


def _terms(node: Expr) -> tuple[Expr, ...]:
    return node.terms if isinstance(node, Add) else (node,)


def _factors(node: Expr) -> tuple[Expr, ...]:
    return node.factors if isinstance(node, Mul) else (node,)


# ── reading and rebuilding ────────────────────────────────────────────────────────────────────────


def children(node: Expr) -> tuple[Expr, ...]:
    """The expressions directly below a node."""
    match node:
        case Add(terms):
            return terms
        case Mul(factors):
            return factors
        case Neg(arg):
            return (arg,)
        case Div(num, den):
            return (num, den)
        case Pow(base, exponent):
            return (base, exponent)
        case Call(_, args, _) | Logic(_, args) | Functional(_, _, args, _, _):
            return args
        case Reduce(_, _, body) | Weights(_, _, body, _):
            return (body,)
        case Where(cond, then, other):
            return (cond, then, other)
        case Compare(_, left, right):
            return (left, right)
        case Partial(body, wrt):
            return (body, wrt)
        case Number() | Integer() | Ref() | Adjoint() | Indicator() | Within():
            return ()
        case _:
            raise TypeError(f"{type(node).__name__} is not an expression node")


def rebuild(node: Expr, parts: tuple[Expr, ...]) -> Expr:
    """The same node over other children."""
    if all(a is b for a, b in zip(parts, children(node), strict=True)):
        return node
    match node:
        case Add():
            return Add(parts)
        case Mul():
            return Mul(parts)
        case Neg():
            return Neg(*parts)
        case Div():
            return Div(*parts)
        case Pow():
            return Pow(*parts)
        case Call() | Logic() | Functional():
            return replace(node, args=parts)
        case Reduce() | Weights():
            return replace(node, body=parts[0])
        case Where():
            return Where(*parts)
        case Compare(op):
            return Compare(op, *parts)
        case Partial(_, wrt):
            new = parts[1]
            return Partial(parts[0], new if isinstance(new, Ref) else wrt)
        case _:
            raise TypeError(f"{type(node).__name__} has no children")


def map_children(node: Expr, change: Callable[[Expr], Expr]) -> Expr:
    """``change`` applied to every child."""
    below = children(node)
    return rebuild(node, tuple(change(child) for child in below)) if below else node


def positions(node: Expr) -> tuple[Affine, ...]:
    """The affine expressions that stand in a node itself."""
    match node:
        case Ref(_, indices) | Adjoint(_, indices):
            return indices
        case Integer(value):
            return (value,)
        case Indicator(left, right):
            return (left, right)
        case Within(value, lo, hi):
            return (value, lo, hi)
        case Weights(_, _, _, at):
            return (at,)
        case Functional(_, _, _, _, at):
            return at
        case _:
            return ()


def map_positions(node: E, change: Callable[[Affine], Affine]) -> E:
    """The node with ``change`` applied to the affine expressions that stand in it."""
    match node:
        case Ref(_, indices) | Adjoint(_, indices) if indices:
            return replace(node, indices=tuple(map(change, indices)))
        case Integer(value):
            return replace(node, value=change(value))
        case Indicator(left, right):
            return replace(node, left=change(left), right=change(right))
        case Within(value, lo, hi):
            return replace(node, value=change(value), lo=change(lo), hi=change(hi))
        case Weights(_, _, _, at):
            return replace(node, at=change(at))
        case Functional(_, _, _, _, at) if at:
            return replace(node, at=tuple(map(change, at)))
        case _:
            return node


def bound(node: Expr) -> tuple[Index, ...]:
    """The indices that a node binds."""
    match node:
        case Reduce(_, indices, _) | Functional(_, indices, _, _, _):
            return indices
        case Weights(_, index, _, _):
            return (index,)
        case _:
            return ()


def walk(node: Expr) -> Iterator[Expr]:
    """The node and all below it, outermost and leftmost first; gathered elements too."""
    yield node
    for position in positions(node):
        for atom in position.atoms():
            if isinstance(atom, Ref):
                yield atom
    for child in children(node):
        yield from walk(child)


def free_indices(node: Expr) -> tuple[Index, ...]:
    """The indices on which the value depends, in order of appearance, each once."""
    found: dict[Index, None] = {}
    for position in positions(node):
        found.update(dict.fromkeys(position.indices()))
    inner: dict[Index, None] = {}
    for child in children(node):
        inner.update(dict.fromkeys(free_indices(child)))
    for index in bound(node):
        for end in (index.lo, index.hi):
            if end is not None:
                inner.update(dict.fromkeys(end.indices()))
    # One sum's ranges may depend on its own earlier indices: Σ_l Σ_j, j up to n[l].
    hidden = bound(node)
    found.update((i, None) for i in inner if i not in hidden)
    return tuple(found)


def refs(node: Expr) -> tuple[Ref, ...]:
    """The array elements that occur, in order of appearance, each once."""
    return tuple(dict.fromkeys(n for n in walk(node) if isinstance(n, Ref)))


def size(node: Expr) -> int:
    """The number of nodes: a measure of how long a line is."""
    return 1 + sum(map(size, children(node)))


# ── substitution ──────────────────────────────────────────────────────────────────────────────────


def substitute(node: Expr, mapping: Mapping[Index, Affine]) -> Expr:
    """Replace free indices, without capture.

    A bound index is renewed where its range changes or where a replacement mentions it.
    """
    if not mapping:
        return node
    hidden = bound(node)
    if not hidden:
        moved = map_positions(node, lambda p: p.substitute(mapping))
        return map_children(moved, lambda child: substitute(child, mapping))
    inner = {i: v for i, v in mapping.items() if i not in hidden}
    used = {i for value in inner.values() for i in value.indices()}
    renewed: list[Index] = []
    for index in hidden:
        renewed.append(_moved(index, inner, index in used))
        if renewed[-1] is not index:
            inner[index] = affine(renewed[-1])
    moved = map_positions(node, lambda p: p.substitute(mapping))
    below = tuple(substitute(child, inner) for child in children(node))
    if isinstance(moved, Weights):
        return replace(moved, index=renewed[0], body=below[0])
    return rebuild(replace(moved, indices=tuple(renewed)), below)  # type: ignore[type-var]


def _moved(index: Index, mapping: Mapping[Index, Affine], force: bool) -> Index:
    lo = index.lo.substitute(mapping) if index.lo is not None else None
    hi = index.hi.substitute(mapping) if index.hi is not None else None
    if not force and lo == index.lo and hi == index.hi:
        return index
    return fresh(index.name, lo, hi, index.sequence)


def refresh(node: Expr) -> Expr:
    """A copy in which every bound index is new: needed before an expression is used a second time.

    An index with the ``uid`` ``ALONE`` stays what it is.
    """
    match node:
        case Weights(op, index, body, at):
            new = fresh(index.name, index.lo, index.hi, index.sequence)
            return Weights(op, new, refresh(substitute(body, {index: affine(new)})), at)
        case Reduce() | Functional():
            renewed: dict[Index, Affine] = {}
            indices: list[Index] = []
            for i in node.indices:
                if i.uid == ALONE:
                    indices.append(i)
                    continue
                lo = i.lo.substitute(renewed) if i.lo is not None else None
                hi = i.hi.substitute(renewed) if i.hi is not None else None
                indices.append(fresh(i.name, lo, hi, i.sequence))
                renewed[i] = affine(indices[-1])
            node = replace(node, indices=tuple(indices))
            return map_children(node, lambda child: refresh(substitute(child, renewed)))
        case _:
            return map_children(node, refresh)


def replace_nodes(node: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Top down: where ``change`` returns something, that stands instead and is not entered."""
    new = change(node)
    if new is not None:
        return new
    return map_children(node, lambda child: replace_nodes(child, change))


def rewrite(node: Expr, change: Callable[[Expr], Expr | None]) -> Expr:
    """Bottom up, once: ``change`` sees nodes whose children are rewritten already."""
    inner = map_children(node, lambda child: rewrite(child, change))
    new = change(inner)
    return inner if new is None else new


def same(left: Expr, right: Expr) -> bool:
    """Equality up to the names of bound indices."""
    return canonical(left) == canonical(right)


def canonical(node: Expr, depth: int = 0) -> Expr:
    """The node with its bound indices numbered from outside in: equal for expressions that are."""
    indices = bound(node)
    if not indices:
        return map_children(node, lambda child: canonical(child, depth))
    renamed: dict[Index, Affine] = {}
    numbered: list[Index] = []
    for offset, i in enumerate(indices):
        lo = i.lo.substitute(renamed) if i.lo is not None else None
        hi = i.hi.substitute(renamed) if i.hi is not None else None
        numbered.append(Index(i.name, _number(depth + offset, lo, hi), lo, hi, i.sequence))
        renamed[i] = affine(numbered[-1])
    below = tuple(canonical(substitute(c, renamed), depth + len(indices)) for c in children(node))
    if isinstance(node, Weights):
        return replace(node, index=numbered[0], body=below[0])
    return rebuild(replace(node, indices=tuple(numbered)), below)  # type: ignore[type-var]


@cache
def _number(depth: int, lo: Affine | None, hi: Affine | None) -> int:
    """The identity of the bound index at a depth with a range: Σ_{k<K} and Σ_{k<K-1} are not the same."""
    return -next(_numbers)


_numbers = itertools.count(1)


# ── smart constructors ────────────────────────────────────────────────────────────────────────────


def add(terms: Iterable[Expr]) -> Expr:
    """A sum without zeros; nested sums are joined."""
    flat: list[Expr] = []
    for term in terms:
        flat.extend(t for t in _terms(term) if t != ZERO)
    return ZERO if not flat else flat[0] if len(flat) == 1 else Add(tuple(flat))


def mul(factors: Iterable[Expr]) -> Expr:
    """A product: signs move to the front, numbers are multiplied, ones and nested products go."""
    coefficient, rest, decimal = Fraction(1), list[Expr](), False
    for factor in factors:
        for part in _factors(factor):
            while isinstance(part, Neg):
                coefficient, part = -coefficient, part.arg
            for inner in _factors(part):
                if isinstance(inner, Number):
                    coefficient, decimal = coefficient * inner.value, decimal or inner.decimal
                else:
                    rest.append(inner)
    if coefficient == 0:
        return ZERO
    if abs(coefficient) != 1 or not rest:
        rest.insert(0, Number(abs(coefficient), decimal))
    product = rest[0] if len(rest) == 1 else Mul(tuple(rest))
    return Neg(product) if coefficient < 0 else product


def flatten(node: Expr) -> Expr:
    """Products and sums within products and sums joined; ones and zeros gone."""
    return rewrite(node, _flatten_node)


def _flatten_node(node: Expr) -> Expr | None:
    match node:
        case Mul(factors):
            return mul(factors)
        case Add(terms):
            return add(terms)
        case Reduce("sum", _, body) if body == ZERO:
            return ZERO
        case _:
            return None


def neg(arg: Expr) -> Expr:
    """``-arg``."""
    match arg:
        case Neg(inner):
            return inner
        case Number(value, decimal) if value <= 0:
            return Number(-value, decimal)
        case _:
            return Neg(arg)


def div(num: Expr, den: Expr) -> Expr:
    """A quotient; 0/x is 0 and x/1 is x."""
    if num == ZERO or den == ONE:
        return num
    match num, den:
        case Number(a, d), Number(b, e) if b:
            return Number(a / b, d or e)
        case Neg(inner), _:
            return neg(div(inner, den))
        case _:
            return Div(num, den)


def power(base: Expr, exponent: Expr) -> Expr:
    """A power; x^1 is x and x^0 is 1."""
    if exponent == ZERO:
        return ONE
    return base if exponent == ONE else Pow(base, exponent)


def reduce_sum(indices: Iterable[Index], body: Expr) -> Expr:
    """Σ over ``indices``; a sum over nothing is its body, and a sum of zeros is 0."""
    chosen = tuple(indices)
    if body == ZERO or not chosen:
        return body
    return Reduce("sum", chosen, body)
