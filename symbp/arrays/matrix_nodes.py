"""Matrix expressions as people write them: products, transposes, ⊙, diag; no indices.

A matrix expression stands for a column vector, a matrix or a scalar.  :func:`entry` reads it back as
an indexed expression, so that the oracle can check what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import (
    ONE,
    Adjoint,
    Call,
    Div,
    Expr,
    Functional,
    Indicator,
    Pow,
    Reduce,
    Ref,
    Weights,
    add,
    mul,
    neg,
    refresh,
    substitute,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A named array: ``node`` is its element at ``axes``, its open positions in their order."""

    node: Ref | Adjoint | Functional
    axes: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number, a size or an indexed scalar; among vectors it stands in every entry."""

    node: Expr


@dataclass(frozen=True, slots=True)
class Ones:
    """The vector of ones along an axis like ``like``."""

    like: Index


@dataclass(frozen=True, slots=True)
class Unit:
    """The unit vector e_c along an axis like ``like``: 1 at position ``at``."""

    at: Affine
    like: Index


@dataclass(frozen=True, slots=True)
class Identity:
    """The unit matrix."""

    like: Index


@dataclass(frozen=True, slots=True)
class Transpose:
    """Aᵀ."""

    arg: Matrix


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product; ``inner`` are the indices summed between neighbours."""

    args: tuple[Matrix, ...]
    inner: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Outer:
    """u vᵀ of two column vectors."""

    left: Matrix
    right: Matrix


@dataclass(frozen=True, slots=True)
class Hadamard:
    """The product entry by entry."""

    args: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class Quotient:
    """Division entry by entry, or by a scalar."""

    num: Matrix
    den: Matrix


@dataclass(frozen=True, slots=True)
class Power:
    """A power entry by entry."""

    base: Matrix
    exponent: Expr


@dataclass(frozen=True, slots=True)
class Plus:
    """A sum."""

    args: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class Minus:
    """The negative."""

    arg: Matrix


@dataclass(frozen=True, slots=True)
class Scaled:
    """A scalar times a matrix."""

    factor: Matrix
    arg: Matrix


@dataclass(frozen=True, slots=True)
class Mapped:
    """An elementwise function of arrays of one shape."""

    function: str
    args: tuple[Matrix, ...]
    orders: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Softmax:
    """softmax of a vector, or of each row of a matrix if ``rows``."""

    arg: Matrix
    like: Index


@dataclass(frozen=True, slots=True)
class Folded:
    """sum, max, min, prod or logsumexp of all entries of a vector: a scalar."""

    op: str
    arg: Matrix
    like: Index


@dataclass(frozen=True, slots=True)
class Diag:
    """The diagonal matrix with a vector on its diagonal."""

    arg: Matrix


@dataclass(frozen=True, slots=True)
class SequenceSum:
    """Σ over a sequence index: over layers, over time."""

    indices: tuple[Index, ...]
    arg: Matrix


Matrix = (
    Leaf | Scalar | Ones | Unit | Identity | Transpose | Product | Outer | Hadamard | Quotient | Power
    | Plus | Minus | Scaled | Mapped | Softmax | Folded | Diag | SequenceSum
)  # fmt: skip


def parts(node: Matrix) -> tuple[Matrix, ...]:
    """The matrix expressions directly below a node."""
    match node:
        case Leaf() | Scalar() | Ones() | Unit() | Identity():
            return ()
        case Transpose(arg) | Minus(arg) | Diag(arg) | Softmax(arg) | Power(arg):
            return (arg,)
        case Folded(_, arg) | SequenceSum(_, arg):
            return (arg,)
        case Product(args) | Hadamard(args) | Plus(args) | Mapped(_, args):
            return args
        case Outer(a, b) | Quotient(a, b) | Scaled(a, b):
            return (a, b)
        case _:
            raise TypeError(f"{type(node).__name__} is not a matrix node")


def entry(node: Matrix, row: Affine | None, col: Affine | None) -> Expr:
    """The entry of a matrix expression at ``row`` and ``col`` (None where it has no such axis).

    Raises:
        TypeError: on a node of an unknown type.
    """
    match node:
        case Leaf(element, axes):
            places = [p for p in (row, col) if p is not None]
            return substitute(refresh(element), dict(zip(axes, places, strict=True)))
        case Scalar(expression):
            return refresh(expression)
        case Ones():
            return ONE
        case Unit(at):
            place = row if row is not None else col
            assert place is not None
            return Indicator(place, at)
        case Identity():
            assert row is not None and col is not None
            return Indicator(row, col)
        case Transpose(arg):
            return entry(arg, col, row)
        case Product(args, inner):
            return _product(args, inner, row, col)
        case Outer(left, right):
            return mul((entry(left, row, None), entry(right, col, None)))
        case Hadamard(args):
            return mul(entry(a, row, col) for a in args)
        case Quotient(num, den):
            return Div(entry(num, row, col), _broadcast(den, row, col))
        case Power(base, exponent):
            return Pow(entry(base, row, col), exponent)
        case Plus(args):
            return add(_broadcast(a, row, col) for a in args)
        case Minus(arg):
            return neg(entry(arg, row, col))
        case Scaled(factor, arg):
            return mul((entry(factor, None, None), entry(arg, row, col)))
        case Mapped(function, args, orders):
            return Call(function, tuple(_broadcast(a, row, col) for a in args), orders)
        case Softmax(arg, like):
            return _softmax(arg, like, row, col)
        case Folded(op, arg, like):
            index = _copy(like)
            return Reduce(op, (index,), entry(arg, affine(index), None))
        case Diag(arg):
            assert row is not None and col is not None
            return mul((Indicator(row, col), entry(arg, row, None)))
        case SequenceSum(indices, arg):
            return refresh(Reduce("sum", indices, entry(arg, row, col)))
        case _:
            raise TypeError(f"{type(node).__name__} is not a matrix node")


def _broadcast(node: Matrix, row: Affine | None, col: Affine | None) -> Expr:
    return entry(node, None, None) if isinstance(node, Scalar) else entry(node, row, col)


def _copy(index: Index) -> Index:
    return fresh(index.name, index.lo, index.hi, index.sequence)


def _softmax(arg: Matrix, like: Index, row: Affine | None, col: Affine | None) -> Expr:
    index = _copy(like)
    if col is not None and row is not None:
        return Weights("softmax", index, entry(arg, row, affine(index)), col)
    place = row if row is not None else col
    assert place is not None
    return Weights("softmax", index, entry(arg, affine(index), None), place)


def _product(
    args: tuple[Matrix, ...], inner: tuple[Index, ...], row: Affine | None, col: Affine | None
) -> Expr:
    """A B C at (row, col): Σ over the indices between neighbours."""
    between = [_copy(i) for i in inner]
    places = [row, *(affine(i) for i in between), col]
    factors = [entry(a, places[n], places[n + 1]) for n, a in enumerate(args)]
    return Reduce("sum", tuple(between), mul(factors)) if between else mul(factors)
