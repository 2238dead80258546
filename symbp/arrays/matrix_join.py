"""Factors under a sum joined into matrix products, one summed index after the other.

Each summed index joins the factors that carry it.  Factors with that index alone are vectors, factors
with one more are matrices; two matrices that share it are a product, with a diagonal matrix between
them for a vector on it.  An index that joins more than two matrices has no matrix form.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbp.arrays.matrix_nodes import (
    Diag,
    Folded,
    Hadamard,
    Matrix,
    Ones,
    Product,
    Scalar,
    Scaled,
    Transpose,
    outer,
    transposed,
)
from symbp.calculus.affine import Index
from symbp.calculus.expr import Integer

Axis = Index | None


class NoMatrixForm(Exception):
    """The expression has no form with products, transposes and ⊙ alone."""


@dataclass(frozen=True, slots=True)
class Factor:
    """A matrix (two axes), a column vector (one) or a scalar (none) in a product under a sum."""

    node: Matrix
    axes: tuple[Index, ...]

    def toward(self, first: Index) -> Matrix:
        """The matrix with its rows along ``first``."""
        return self.node if self.axes[0] == first else transposed(self.node)


def present(index: Axis) -> Index:
    """An axis that the caller knows to be there."""
    assert index is not None
    return index


def hadamard(args: list[Matrix]) -> Matrix:
    """The product entry by entry; one factor is itself."""
    return args[0] if len(args) == 1 else Hadamard(tuple(args))


def join_scalars(args: list[Matrix]) -> Matrix:
    """Scalars as one factor."""
    return args[0] if len(args) == 1 else Scaled(args[0], join_scalars(args[1:]))


def elimination_order(over: tuple[Index, ...], factors: list[Factor]) -> list[Index]:
    """Indices that join the fewest matrices first."""
    return sorted(over, key=lambda i: sum(i in f.axes and len(f.axes) == 2 for f in factors))


def eliminate(factors: list[Factor], index: Index) -> list[Factor]:
    mine = [f for f in factors if index in f.axes]
    rest = [f for f in factors if index not in f.axes]
    vectors = [f.node for f in mine if len(f.axes) == 1]
    ends: dict[Index, list[Factor]] = {}
    for f in mine:
        if len(f.axes) == 2:
            other = f.axes[1] if f.axes[0] == index else f.axes[0]
            ends.setdefault(other, []).append(f)
    if not mine:
        # nothing depends on the index: the sum counts its values
        return [Factor(Scalar(Integer(index.extent)), ()), *rest]
    if len(ends) > 2:
        raise NoMatrixForm
    return [*_joined(ends, vectors, index), *rest]


def _joined(ends: Mapping[Index, list[Factor]], vectors: list[Matrix], index: Index) -> list[Factor]:
    if not ends:
        return [Factor(_inner_product(vectors, index), ())]
    if len(ends) == 1:
        ((other, group),) = ends.items()
        matrix = hadamard([f.toward(other) for f in group])
        vector = hadamard(vectors) if vectors else Ones(index)
        return [Factor(_product(matrix, vector, index), (other,))]
    (first, a), (second, b) = ends.items()
    left, right = hadamard([f.toward(first) for f in a]), hadamard([f.toward(index) for f in b])
    if vectors:
        left = _product(left, Diag(hadamard(vectors)), index)
    return [Factor(_product(left, right, index), (first, second))]


def _inner_product(vectors: list[Matrix], index: Index) -> Matrix:
    if all(isinstance(v, Ones) for v in vectors):
        return Scalar(Integer(index.extent))
    if len(vectors) == 1:
        return Folded("sum", vectors[0], index)
    return _product(Transpose(vectors[0]), hadamard(vectors[1:]), index)


def _product(left: Matrix, right: Matrix, index: Index) -> Matrix:
    """left @ right, products of products written in one row."""
    first = left if isinstance(left, Product) else Product((left,), ())
    second = right if isinstance(right, Product) else Product((right,), ())
    return Product((*first.args, *second.args), (*first.inner, index, *second.inner))


def assemble(factors: list[Factor], row: Axis, col: Axis) -> Matrix:
    """What is left carries only the row and the column."""
    scalars = [f.node for f in factors if not f.axes]
    rows = [f.node for f in factors if f.axes == (row,)]
    cols = [f.node for f in factors if f.axes == (col,)]
    both = [f.toward(present(row)) for f in factors if len(f.axes) == 2]
    core: Matrix | None = None
    if both:
        core = hadamard(both)
        if rows:
            core = _product(Diag(hadamard(rows)), core, present(row))
        if cols:
            core = _product(core, Diag(hadamard(cols)), present(col))
    elif rows and cols:
        core = outer(hadamard(rows), hadamard(cols))
    elif rows:
        core = hadamard(rows)
    elif cols:
        core = Transpose(hadamard(cols))
    if core is None:
        return join_scalars(scalars)
    return Scaled(join_scalars(scalars), core) if scalars else core
