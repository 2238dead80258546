"""Matrix expressions as people write them: products, transposes, ⊙, diag; no indices.

A matrix expression stands for a column vector, a matrix or a scalar.  :func:`entry` reads it back as
an indexed expression, so that the oracle can check what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.construct import add, mul, neg
from symbp.calculus.expr import (
    ONE,
    ZERO,
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
    number,
)
from symbp.calculus.tree import refresh, substitute


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
class Zeros:
    """The zero vector, or matrix, along axes like ``likes``."""

    likes: tuple[Index, ...]


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
    """A matrix product; ``inner`` are the indices summed between neighbours.

    None stands between a column and a row, where nothing is summed: u vᵀ is an outer product.
    """

    args: tuple[Matrix, ...]
    inner: tuple[Index | None, ...]


@dataclass(frozen=True, slots=True)
class MatrixPower:
    """A whole power of a square matrix, by matrix products: X X is X²."""

    base: Matrix
    exponent: int
    like: Index


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
    """sum, max, min, prod or logsumexp of all entries of a vector, or a matrix: a scalar."""

    op: str
    arg: Matrix
    like: Index
    across: Index | None = None
    """The index of the columns, of a matrix."""


@dataclass(frozen=True, slots=True)
class Norm:
    """‖x‖₂ of a vector, ‖X‖_F of a matrix: the root of the sum of the squares of all entries."""

    arg: Matrix
    likes: tuple[Index, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The sum of the diagonal of a square matrix."""

    arg: Matrix
    like: Index


@dataclass(frozen=True, slots=True)
class Diagonal:
    """The diagonal of a square matrix, as a column vector."""

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
    Leaf | Scalar | Ones | Zeros | Unit | Identity | Transpose | Product | MatrixPower | Hadamard | Quotient
    | Power | Plus | Minus | Scaled | Mapped | Softmax | Folded | Norm | Trace | Diagonal | Diag | SequenceSum
)  # fmt: skip


def parts(node: Matrix) -> tuple[Matrix, ...]:
    """The matrix expressions directly below a node."""
    match node:
        case Leaf() | Scalar() | Ones() | Zeros() | Unit() | Identity():
            return ()
        case Transpose(arg) | Minus(arg) | Diag(arg) | Softmax(arg) | Power(arg) | MatrixPower(arg):
            return (arg,)
        case Norm(arg) | Trace(arg) | Diagonal(arg) | Folded(_, arg) | SequenceSum(_, arg):
            return (arg,)
        case Product(args) | Hadamard(args) | Plus(args) | Mapped(_, args):
            return args
        case Quotient(a, b) | Scaled(a, b):
            return (a, b)
        case _:
            raise TypeError(f"{type(node).__name__} is not a matrix node")


def with_parts(node: Matrix, below: tuple[Matrix, ...]) -> Matrix:
    """The same node over other parts."""
    match node:
        case Leaf() | Scalar() | Ones() | Zeros() | Unit() | Identity():
            return node
        case Product() | Hadamard() | Plus() | Mapped():
            return replace(node, args=below)
        case Quotient() | Scaled():
            return type(node)(*below)
        case Power() | MatrixPower():
            return replace(node, base=below[0])
        case _:
            return replace(node, arg=below[0])


Shape = tuple[bool, bool]
"""Whether a matrix expression has rows, and whether it has columns."""


def shape(node: Matrix) -> Shape:
    """A scalar has neither rows nor columns, a column vector rows alone, a matrix both."""
    match node:
        case Leaf(_, axes) | Zeros(axes):
            return (True, len(axes) == 2)
        case Scalar() | Folded() | Norm() | Trace():
            return (False, False)
        case Ones() | Unit() | Diagonal():
            return (True, False)
        case Identity() | Diag() | MatrixPower():
            return (True, True)
        case Transpose(arg):
            return shape(arg)[::-1]
        case Product(args):
            return (shape(args[0])[0], shape(args[-1])[1])
        case _:
            found = [shape(p) for p in parts(node)]
            return (any(r for r, _ in found), any(c for _, c in found))


def transposed(node: Matrix) -> Matrix:
    """(AᵀB)ᵀ is written BᵀA."""
    match node:
        case Transpose(arg):
            return arg
        case Diag() | Identity():
            return node
        case Product(args, inner):
            return Product(tuple(transposed(a) for a in reversed(args)), inner[::-1])
        case _:
            return node if shape(node) == (False, False) else Transpose(node)


def outer(left: Matrix, right: Matrix) -> Matrix:
    """u vᵀ of two column vectors."""
    return Product((left, transposed(right)), (None,))


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
        case Zeros():
            return ZERO
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
        case MatrixPower(base, exponent, like):
            return _product((base,) * exponent, (like,) * (exponent - 1), row, col)
        case Hadamard(args):
            return mul(entry(a, row, col) for a in args)
        case Quotient(num, den):
            return Div(_broadcast(num, row, col), _broadcast(den, row, col))
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
        case Folded() | Norm() | Trace():
            return _folded(node)
        case Diagonal(arg):
            place = row if row is not None else col
            return entry(arg, place, place)
        case Diag(arg):
            assert row is not None and col is not None
            return mul((Indicator(row, col), entry(arg, row, None)))
        case SequenceSum(indices, arg):
            return refresh(Reduce("sum", indices, entry(arg, row, col)))
        case _:
            raise TypeError(f"{type(node).__name__} is not a matrix node")


def _broadcast(node: Matrix, row: Affine | None, col: Affine | None) -> Expr:
    return entry(node, None, None) if shape(node) == (False, False) else entry(node, row, col)


def _folded(node: Folded | Norm | Trace) -> Expr:
    match node:
        case Folded(op, arg, like, across):
            over = [_copy(i) for i in (like, across) if i is not None]
            return Reduce(op, tuple(over), entry(arg, *_places(over)))
        case Norm(arg, likes):
            over = [_copy(i) for i in likes]
            square = Pow(entry(arg, *_places(over)), number(2))
            return Pow(Reduce("sum", tuple(over), square), number(Fraction(1, 2)))
        case Trace(arg, like):
            index = _copy(like)
            return Reduce("sum", (index,), entry(arg, affine(index), affine(index)))


def _places(over: list[Index]) -> tuple[Affine, Affine | None]:
    return affine(over[0]), affine(over[1]) if len(over) > 1 else None


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
    args: tuple[Matrix, ...], inner: tuple[Index | None, ...], row: Affine | None, col: Affine | None
) -> Expr:
    """A B C at (row, col): Σ over the indices between neighbours."""
    between = [None if i is None else _copy(i) for i in inner]
    places = [row, *(affine(i) if i is not None else None for i in between), col]
    factors = [entry(a, places[n], places[n + 1]) for n, a in enumerate(args)]
    summed = tuple(i for i in between if i is not None)
    return Reduce("sum", summed, mul(factors)) if summed else mul(factors)
