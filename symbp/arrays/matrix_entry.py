"""A matrix expression read back as an indexed one, so that the oracle can check what is printed."""

from __future__ import annotations

from fractions import Fraction

from symbp.arrays.matrix_nodes import (
    Bracket,
    Diag,
    Diagonal,
    Folded,
    Hadamard,
    Identity,
    Leaf,
    Mapped,
    Matrix,
    MatrixPower,
    Minus,
    Norm,
    OneHot,
    Ones,
    Plus,
    Power,
    Product,
    Quotient,
    Raised,
    Scalar,
    Scaled,
    SequenceSum,
    Softmax,
    Trace,
    Transpose,
    Unit,
    Zeros,
    shape,
)
from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.construct import add, mul, neg
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Call,
    Compare,
    Div,
    Expr,
    Indicator,
    Logic,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    number,
)
from symbp.calculus.tree import refresh, substitute


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
        case OneHot(arg):
            label = entry(arg, row, None)
            assert isinstance(label, Ref) and col is not None
            return Indicator(affine(label), col)
        case Transpose(arg):
            return entry(arg, col, row)
        case Product(args, inner):
            return _product(args, inner, row, col)
        case MatrixPower(base, exponent, like):
            return _product((base,) * exponent, (like,) * (exponent - 1), row, col)
        case Hadamard(args) if any(isinstance(a, Bracket) for a in args):
            return _where(args, row, col)
        case Hadamard(args):
            return mul(entry(a, row, col) for a in args)
        case Bracket():
            return Where(_condition(node, row, col), ONE, ZERO)
        case Quotient(num, den):
            return Div(_broadcast(num, row, col), _broadcast(den, row, col))
        case Power(base, exponent):
            return Pow(entry(base, row, col), exponent)
        case Raised(args):
            return Pow(*(_broadcast(a, row, col) for a in args))
        case Plus(args):
            return add(_broadcast(a, row, col) for a in args)
        case Minus(arg):
            return neg(entry(arg, row, col))
        case Scaled(factor, arg):
            return mul((entry(factor, None, None), entry(arg, row, col)))
        case Mapped(function, args, orders):
            return Call(function, tuple(_broadcast(a, row, col) for a in args), orders)
        case Softmax():
            return _softmax(node, row, col)
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


def _softmax(node: Softmax, row: Affine | None, col: Affine | None) -> Expr:
    index = _copy(node.like)
    if col is not None and row is not None:
        return Weights(node.op, index, entry(node.arg, row, affine(index)), col)
    place = row if row is not None else col
    assert place is not None
    return Weights(node.op, index, entry(node.arg, affine(index), None), place)


def _where(args: tuple[Matrix, ...], row: Affine | None, col: Affine | None) -> Expr:
    """Factors behind brackets: where one of those is 0 the others need not be finite."""
    holds = [_condition(a, row, col) for a in args if isinstance(a, Bracket)]
    rest = mul(entry(a, row, col) for a in args if not isinstance(a, Bracket))
    return Where(holds[0] if len(holds) == 1 else Logic("and", tuple(holds)), rest, ZERO)


def _condition(node: Matrix, row: Affine | None, col: Affine | None) -> Expr:
    assert isinstance(node, Bracket)
    if node.op in ("and", "or", "not"):
        return Logic(node.op, tuple(_condition(a, row, col) for a in node.args))
    left, right = (_broadcast(a, row, col) for a in node.args)
    return Compare(node.op, left, right)


def _product(
    args: tuple[Matrix, ...], inner: tuple[Index | None, ...], row: Affine | None, col: Affine | None
) -> Expr:
    """A B C at (row, col): Σ over the indices between neighbours."""
    between = [None if i is None else _copy(i) for i in inner]
    places = [row, *(affine(i) if i is not None else None for i in between), col]
    factors = [entry(a, places[n], places[n + 1]) for n, a in enumerate(args)]
    summed = tuple(i for i in between if i is not None)
    return Reduce("sum", summed, mul(factors)) if summed else mul(factors)
