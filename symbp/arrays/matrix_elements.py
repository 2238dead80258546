"""Elements of arrays as matrices: whole arrays, their transposes, diagonals, and rows that labels choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbp.arrays.matrix_factors import chosen_place, depends, repeated
from symbp.arrays.matrix_join import Axis, NoMatrixForm, present
from symbp.arrays.matrix_nodes import (
    Diagonal,
    Hadamard,
    Identity,
    Leaf,
    Matrix,
    OneHot,
    Ones,
    Product,
    Transpose,
    Unit,
    transposed,
)
from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import Adjoint, Ref
from symbp.calculus.tree import free_indices
from symbp.model.core import Array


@dataclass(frozen=True, slots=True)
class Scope:
    """The arrays of the model and the summed or free indices that stand for vectors' axes."""

    arrays: Mapping[str, Array]


def element(scope: Scope, node: Ref | Adjoint, row: Axis, col: Axis) -> Matrix:
    """An element at free indices as the array of which it is one.

    Raises:
        NoMatrixForm: for a part of an axis, and for more axes than a matrix has.
    """
    axes = scope.arrays[node.name].axes
    if (twice := repeated(node)) is not None:
        other = fresh(twice.name, twice.lo, twice.hi, twice.sequence)
        second = max(n for n, p in enumerate(node.indices) if p.as_index() == twice)
        places = (*node.indices[:second], affine(other), *node.indices[second + 1 :])
        return Diagonal(element(scope, replace(node, indices=places), twice, other), other)
    if (place := chosen_place(node)) is not None:
        return _gathered(scope, node, place, row, col)
    opened: list[Index] = []
    for axis, position in zip(axes, node.indices, strict=True):
        index = position.as_index()
        if index is not None and index in (row, col):
            known = dict(zip(axes, node.indices, strict=True))
            if (index.low, index.high) != (axis.low.substitute(known), axis.high.substitute(known)):
                # a part of the axis: the name of the array would say all of it
                raise NoMatrixForm
            opened.append(index)
        elif not axis.sequence or any(not i.sequence for i in position.indices()):
            raise NoMatrixForm
    if len(set(opened)) != len(opened):
        raise NoMatrixForm
    leaf = Leaf(node, tuple(opened))
    if opened == [row, col] or opened == [row]:
        return leaf
    return Transpose(leaf)


def _gathered(scope: Scope, node: Ref | Adjoint, place: int, row: Axis, col: Axis) -> Matrix:
    """E[tok_m, d]: the rows of E that labels choose are a product with the one-hot rows of the labels."""
    axis, label = scope.arrays[node.name].axes[place], node.indices[place].as_atom()
    known = dict(zip(scope.arrays[node.name].axes, node.indices, strict=True))
    inner = fresh(axis.name, axis.low.substitute(known), axis.high.substitute(known))
    whole = replace(node, indices=(*node.indices[:place], affine(inner), *node.indices[place + 1 :]))
    assert isinstance(label, Ref)
    (mine,) = [i for i in free_indices(label) if not i.sequence]
    choice = OneHot(Leaf(label, (mine,)), inner)
    other = next((i for i in (row, col) if i not in (None, mine) and depends(whole, [i])), None)
    if depends(whole, [mine]):
        # s[n, y_n]: the entries of each row that the labels choose
        if other is not None:
            raise NoMatrixForm
        entries = Hadamard((element(scope, whole, mine, inner), choice))
        return _upright(Product((entries, Ones(inner)), (inner,)), mine, row)
    return _upright(Product((choice, element(scope, whole, inner, other)), (inner,)), mine, row)


def _upright(node: Matrix, mine: Index, row: Axis) -> Matrix:
    """Rows along ``mine``, or columns where the rows are another's."""
    return node if mine == row else transposed(node)


def indicator(left: Affine, right: Affine, row: Axis, col: Axis) -> Matrix:
    """[i = k] as the unit matrix, as a unit vector, or as the one-hot rows of labels.

    Raises:
        NoMatrixForm: where it is none of them.
    """
    if row is not None and col is not None and {left.as_index(), right.as_index()} == {row, col}:
        return Identity(row)
    for mine, other in ((left, right), (right, left)):
        index, label = mine.as_index(), other.as_atom()
        own = [i for i in other.indices() if not i.sequence]
        known = index is not None and index in (row, col) and len(own) == 1 and own[0] in (row, col)
        if isinstance(label, Ref) and known:
            return _upright(OneHot(Leaf(label, (own[0],)), present(index)), own[0], row)
    for mine, other in ((left, right), (right, left)):
        index = mine.as_index()
        if index is not None and index == row and not any(not i.sequence for i in other.indices()):
            return Unit(other, index)
        if index is not None and index == col and not any(not i.sequence for i in other.indices()):
            return Transpose(Unit(other, index))
    raise NoMatrixForm
