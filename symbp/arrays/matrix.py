"""From indices to matrices: Σ_j w_jk δ_j is wᵀδ, because the sum runs over the first index of w.

Each summed index joins the factors that carry it.  Factors with that index alone are vectors, factors
with one more are matrices; two matrices that share it are a product, with a diagonal matrix between
them for a vector on it.  Where an index joins more than two matrices, or a factor carries three
indices, there is no matrix form, and None says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from symbp.arrays.matrix_nodes import (
    Diag,
    Folded,
    Hadamard,
    Identity,
    Leaf,
    Mapped,
    Matrix,
    Minus,
    Ones,
    Outer,
    Plus,
    Power,
    Product,
    Quotient,
    Scalar,
    Scaled,
    SequenceSum,
    Softmax,
    Transpose,
    Unit,
)
from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Div,
    Expr,
    Functional,
    Indicator,
    Mul,
    Neg,
    Pow,
    Reduce,
    Ref,
    Weights,
    free_indices,
)
from symbp.model.core import Array

Axis = Index | None


class NoMatrixForm(Exception):
    """The expression has no form with products, transposes and ⊙ alone."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The arrays of the model and the summed or free indices that stand for vectors' axes."""

    arrays: Mapping[str, Array]


def matrix_form(
    arrays: Mapping[str, Array], node: Expr, row: Axis = None, col: Axis = None
) -> Matrix | None:
    """``node`` as a matrix with rows along ``row`` and columns along ``col``; None if it has none."""
    if any(i is not None and i not in free_indices(node) for i in (row, col)):
        return None
    try:
        return _build(Scope(arrays), node, row, col)
    except NoMatrixForm:
        return None


def _build(scope: Scope, node: Expr, row: Axis, col: Axis) -> Matrix:
    own = [i for i in (row, col) if i is not None and i in free_indices(node)]
    if not own:
        return _scalar(scope, node)
    if row is not None and col is not None and len(own) == 1:
        # a vector beside a matrix would have to be spread out with ones
        raise NoMatrixForm
    match node:
        case Ref() | Adjoint():
            return _leaf(scope, node, row, col)
        case Functional(_, _, _, position, _) if position >= 0:
            return Leaf(node, _open(node.at, own))
        case Neg(arg):
            return Minus(_build(scope, arg, row, col))
        case Add(terms):
            return Plus(tuple(_build(scope, t, row, col) for t in terms))
        case Mul(factors):
            return _multiply(scope, factors, row, col)
        case Div(num, den):
            return _divide(scope, num, den, row, col)
        case Pow(base, exponent) if not _depends(exponent, own):
            return Power(_full(scope, base, row, col), exponent)
        case Call(function, args, orders):
            return Mapped(function, tuple(_full(scope, a, row, col) for a in args), orders)
        case Reduce("sum" | "dot"):
            return _sum(scope, node, row, col)
        case Weights("softmax", index, body, at):
            return _softmax(scope, index, body, at, row, col)
        case Indicator(left, right):
            return _indicator(left, right, row, col)
        case _:
            raise NoMatrixForm


def _scalar(scope: Scope, node: Expr) -> Matrix:
    """What depends on neither axis: sums inside it may be inner products."""
    match node:
        case Reduce("sum" | "dot"):
            return _sum(scope, node, None, None)
        case Reduce(op, (index,), body) if not index.sequence:
            return Folded(op, _full(scope, body, index, None), index)
        case Mul(factors) if any(isinstance(f, Reduce) for f in factors):
            return _multiply(scope, factors, None, None)
        case Neg(arg):
            return Minus(_scalar(scope, arg))
        case Add(terms):
            return Plus(tuple(_scalar(scope, t) for t in terms))
        case Div(num, den):
            return Quotient(_scalar(scope, num), _scalar(scope, den))
        case Pow(base, exponent):
            return Power(_scalar(scope, base), exponent)
        case Call(function, args, orders):
            return Mapped(function, tuple(_scalar(scope, a) for a in args), orders)
        case Ref() | Adjoint():
            if any(i for p in node.indices for i in p.indices() if not i.sequence):
                raise NoMatrixForm
            return Scalar(node)
        case _:
            if any(not i.sequence for i in free_indices(node)) or _has_reduction(node):
                raise NoMatrixForm
            return Scalar(node)


def _has_reduction(node: Expr) -> bool:
    return isinstance(node, (Reduce, Weights))


def _leaf(scope: Scope, node: Ref | Adjoint, row: Axis, col: Axis) -> Matrix:
    axes = scope.arrays[node.name].axes
    opened: list[Index] = []
    for axis, position in zip(axes, node.indices, strict=True):
        index = position.as_index()
        if index is not None and index in (row, col):
            opened.append(index)
        elif not axis.sequence or any(not i.sequence for i in position.indices()):
            raise NoMatrixForm
    if len(set(opened)) != len(opened):
        raise NoMatrixForm
    leaf = Leaf(node, tuple(opened))
    if opened == [row, col] or opened == [row]:
        return leaf
    return Transpose(leaf)


def _open(at: tuple[Affine, ...], own: list[Index]) -> tuple[Index, ...]:
    if len(at) != 1 or at[0].as_index() not in own:
        raise NoMatrixForm
    (only,) = at[0].indices()
    return (only,)


def _full(scope: Scope, node: Expr, row: Axis, col: Axis) -> Matrix:
    """An argument of an elementwise operation: all axes or none; one of two would need ones."""
    own = [i for i in (row, col) if i is not None]
    found = [i for i in own if i in free_indices(node)]
    if found and len(found) < len(own):
        raise NoMatrixForm
    return _build(scope, node, row, col)


def _depends(node: Expr, indices: Iterable[Index]) -> bool:
    own = free_indices(node)
    return any(i in own for i in indices)


# ── products ──────────────────────────────────────────────────────────────────────────────────────


def _multiply(scope: Scope, factors: tuple[Expr, ...], row: Axis, col: Axis) -> Matrix:
    """Factors sorted by the axes they carry: scalars, columns, rows, matrices."""
    both, rows, cols, plain, links = (list[Expr]() for _ in range(5))
    for factor in factors:
        by_row, by_col = _depends(factor, [row] if row else []), _depends(factor, [col] if col else [])
        if by_row and by_col:
            (links if _links(factor, row, col) else both).append(factor)
        else:
            (rows if by_row else cols if by_col else plain).append(factor)
    core = _core(scope, both, rows, cols, links, row, col)
    if not plain:
        return core
    front = _join_scalars([_scalar(scope, f) for f in plain])
    return front if isinstance(core, Scalar) and core.node == _ONE else Scaled(front, core)


_ONE = Mul(())


def _links(factor: Expr, row: Axis, col: Axis) -> bool:
    if not isinstance(factor, Indicator) or row is None or col is None:
        return False
    return {factor.left.as_index(), factor.right.as_index()} == {row, col}


def _core(
    scope: Scope,
    both: list[Expr],
    rows: list[Expr],
    cols: list[Expr],
    links: list[Expr],
    row: Axis,
    col: Axis,
) -> Matrix:
    u = [_build(scope, f, row, None) for f in rows]
    if links and not both:
        u += [_build(scope, f, col, None) for f in cols]
        return Diag(_hadamard(u)) if u else Identity(_present(row))
    v = [_build(scope, f, col, None) for f in cols]
    if both:
        middle = _hadamard([_build(scope, f, row, col) for f in both])
        left = (Diag(_hadamard(u)), middle) if u else (middle,)
        all_ = (*left, Diag(_hadamard(v))) if v else left
        inner = ((_present(row),) if u else ()) + ((_present(col),) if v else ())
        return Product(all_, inner) if len(all_) > 1 else middle
    if u and v:
        return Outer(_hadamard(u), _hadamard(v))
    if v:
        return Transpose(_hadamard(v))
    return _hadamard(u) if u else Scalar(_ONE)


def _present(index: Axis) -> Index:
    assert index is not None
    return index


def _hadamard(args: list[Matrix]) -> Matrix:
    plain = tuple(a.arg for a in args if isinstance(a, Transpose))
    if len(args) > 1 and len(plain) == len(args):
        return Transpose(Hadamard(plain))
    return args[0] if len(args) == 1 else Hadamard(tuple(args))


def _join_scalars(args: list[Matrix]) -> Matrix:
    return args[0] if len(args) == 1 else Scaled(args[0], _join_scalars(args[1:]))


def _divide(scope: Scope, num: Expr, den: Expr, row: Axis, col: Axis) -> Matrix:
    if not _depends(den, [i for i in (row, col) if i is not None]):
        return Quotient(_build(scope, num, row, col), _scalar(scope, den))
    return Quotient(_full(scope, num, row, col), _full(scope, den, row, col))


def _softmax(scope: Scope, index: Index, body: Expr, at: Affine, row: Axis, col: Axis) -> Matrix:
    place = at.as_index()
    if place is None or _depends(body, [place]):
        raise NoMatrixForm
    if place == row and not _depends(body, [col] if col else []):
        return Softmax(_full(scope, body, index, None), index)
    if place == col and row is not None:
        return Softmax(_full(scope, body, row, index), index)
    raise NoMatrixForm


def _indicator(left: Affine, right: Affine, row: Axis, col: Axis) -> Matrix:
    if row is not None and col is not None and {left.as_index(), right.as_index()} == {row, col}:
        return Identity(row)
    for mine, other in ((left, right), (right, left)):
        index = mine.as_index()
        if index is not None and index == row and not any(not i.sequence for i in other.indices()):
            return Unit(other, index)
        if index is not None and index == col and not any(not i.sequence for i in other.indices()):
            return Transpose(Unit(other, index))
    raise NoMatrixForm


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────


def _sum(scope: Scope, node: Reduce, row: Axis, col: Axis) -> Matrix:
    sequence = tuple(i for i in node.indices if i.sequence)
    plain = tuple(i for i in node.indices if not i.sequence)
    body = _contract(scope, node.body, plain, row, col)
    return SequenceSum(sequence, body) if sequence else body


def _contract(scope: Scope, body: Expr, over: tuple[Index, ...], row: Axis, col: Axis) -> Matrix:
    match body:
        case Neg(arg):
            return Minus(_contract(scope, arg, over, row, col))
        case Add(terms) if over:
            return Plus(tuple(_contract(scope, t, over, row, col) for t in terms))
        case Div(num, den) if not _depends(den, over):
            if _depends(den, [i for i in (row, col) if i is not None]):
                raise NoMatrixForm
            return Quotient(_contract(scope, num, over, row, col), _scalar(scope, den))
        case Reduce("sum", inner, deeper) if not any(i.sequence for i in inner):
            return _contract(scope, deeper, (*over, *inner), row, col)
        case _:
            if not over:
                return _build(scope, body, row, col)
            return _join(scope, body, over, row, col)


@dataclass(frozen=True, slots=True)
class _Factor:
    """A matrix (two axes), a column vector (one) or a scalar (none) in a product under a sum."""

    node: Matrix
    axes: tuple[Index, ...]

    def toward(self, first: Index) -> Matrix:
        """The matrix with its rows along ``first``."""
        return self.node if self.axes[0] == first else _transposed(self.node)


def _transposed(node: Matrix) -> Matrix:
    """(AᵀB)ᵀ is written BᵀA."""
    match node:
        case Transpose(arg):
            return arg
        case Diag() | Identity():
            return node
        case Product(args, inner):
            return Product(tuple(_transposed(a) for a in reversed(args)), inner[::-1])
        case _:
            return Transpose(node)


def _join(scope: Scope, body: Expr, over: tuple[Index, ...], row: Axis, col: Axis) -> Matrix:
    axes = tuple(i for i in (*over, row, col) if i is not None)
    factors = [_factor(scope, f, axes) for f in _flat(body)]
    for index in _elimination_order(over, factors):
        factors = _eliminate(factors, index)
    return _assemble(factors, row, col)


def _flat(body: Expr) -> list[Expr]:
    if isinstance(body, Mul):
        return [inner for f in body.factors for inner in _flat(f)]
    if isinstance(body, Pow) and not isinstance(body.base, (Ref, Adjoint)):
        return [body]
    return [body]


def _factor(scope: Scope, node: Expr, axes: tuple[Index, ...]) -> _Factor:
    own = tuple(i for i in axes if i in free_indices(node))
    if len(own) > 2:
        raise NoMatrixForm
    if not own:
        return _Factor(_scalar(scope, node), ())
    first = own[0]
    second = own[1] if len(own) > 1 else None
    if isinstance(node, (Ref, Adjoint)) and second is not None:
        stored = [p.as_index() for p in node.indices if p.as_index() in own]
        if stored == [second, first]:
            first, second = second, first
            own = (first, second)
    return _Factor(_build(scope, node, first, second), own)


def _elimination_order(over: tuple[Index, ...], factors: list[_Factor]) -> list[Index]:
    """Indices that join the fewest matrices first."""
    return sorted(over, key=lambda i: sum(i in f.axes and len(f.axes) == 2 for f in factors))


def _eliminate(factors: list[_Factor], index: Index) -> list[_Factor]:
    mine = [f for f in factors if index in f.axes]
    rest = [f for f in factors if index not in f.axes]
    vectors = [f.node for f in mine if len(f.axes) == 1]
    ends: dict[Index, list[_Factor]] = {}
    for f in mine:
        if len(f.axes) == 2:
            other = f.axes[1] if f.axes[0] == index else f.axes[0]
            ends.setdefault(other, []).append(f)
    if len(ends) > 2 or not mine:
        raise NoMatrixForm
    return [*_joined(ends, vectors, index), *rest]


def _joined(ends: Mapping[Index, list[_Factor]], vectors: list[Matrix], index: Index) -> list[_Factor]:
    if not ends:
        return [_Factor(_inner_product(vectors, index), ())]
    if len(ends) == 1:
        ((other, group),) = ends.items()
        matrix = _hadamard([f.toward(other) for f in group])
        vector = _hadamard(vectors) if vectors else Ones(index)
        return [_Factor(_product(matrix, vector, index), (other,))]
    (first, a), (second, b) = ends.items()
    left, right = _hadamard([f.toward(first) for f in a]), _hadamard([f.toward(index) for f in b])
    if vectors:
        left = _product(left, Diag(_hadamard(vectors)), index)
    return [_Factor(_product(left, right, index), (first, second))]


def _inner_product(vectors: list[Matrix], index: Index) -> Matrix:
    if len(vectors) == 1:
        return Folded("sum", vectors[0], index)
    return _product(Transpose(vectors[0]), _hadamard(vectors[1:]), index)


def _product(left: Matrix, right: Matrix, index: Index) -> Matrix:
    """left @ right, products of products written in one row."""
    first = left if isinstance(left, Product) else Product((left,), ())
    second = right if isinstance(right, Product) else Product((right,), ())
    return Product((*first.args, *second.args), (*first.inner, index, *second.inner))


def _assemble(factors: list[_Factor], row: Axis, col: Axis) -> Matrix:
    """What is left carries only the row and the column."""
    scalars = [f.node for f in factors if not f.axes]
    rows = [f.node for f in factors if f.axes == (row,)]
    cols = [f.node for f in factors if f.axes == (col,)]
    both = [f.toward(_present(row)) for f in factors if len(f.axes) == 2]
    core: Matrix | None = None
    if both:
        core = _hadamard(both)
        if rows:
            core = _product(Diag(_hadamard(rows)), core, _present(row))
        if cols:
            core = _product(core, Diag(_hadamard(cols)), _present(col))
    elif rows and cols:
        core = Outer(_hadamard(rows), _hadamard(cols))
    elif rows:
        core = _hadamard(rows)
    elif cols:
        core = Transpose(_hadamard(cols))
    if core is None:
        return _join_scalars(scalars)
    return Scaled(_join_scalars(scalars), core) if scalars else core
