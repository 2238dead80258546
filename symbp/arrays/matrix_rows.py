"""The same matrix form where vectors are rows, and the transpose of a form without a Tᵀ too many.

With rows, z = W a + b reads z = a Wᵀ + b: a vector is the transpose of its column form, and matrices
and scalars are what they were.
"""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, parts, shape, with_parts
from symbp.calculus.affine import Index


def transposed(node: Matrix) -> Matrix:
    """The transpose of a matrix or of a vector, carried inwards: (A B)ᵀ = Bᵀ Aᵀ, (Aᵀ)ᵀ = A."""
    match node:
        case mat.Scalar() | mat.Identity() | mat.Diag() | mat.Folded() | mat.Norm() | mat.Trace():
            return node
        case mat.Transpose(arg):
            return arg
        case mat.Product(args, inner):
            return mat.Product(tuple(transposed(a) for a in args[::-1]), inner[::-1])
        case mat.Scaled(factor, arg):
            return mat.Scaled(factor, transposed(arg))
        case mat.SequenceSum(indices, arg):
            return mat.SequenceSum(indices, transposed(arg))
        case mat.Leaf(_, axes) if not axes:
            return node
        case mat.Hadamard() | mat.Plus() | mat.Minus() | mat.Quotient() | mat.Power():
            return with_parts(node, tuple(transposed(p) for p in parts(node)))
        case _:
            return mat.Transpose(node)


def by_rows(node: Matrix) -> Matrix:
    """The form with vectors as rows; a form that is a vector becomes its transpose."""
    match node:
        case mat.Leaf() | mat.Scalar() | mat.Ones() | mat.Unit() | mat.Identity():
            return node
        case mat.Transpose(arg):
            return transposed(by_rows(arg))
        case mat.Product(args, inner):
            return _product(node, args, inner)
        case _:
            return with_parts(node, tuple(by_rows(p) for p in parts(node)))


def written_as_row(node: Matrix) -> Matrix:
    """How an expression in columns is written where vectors are rows; it stays what it is, also a column.

    The row δᵀ of a column δ is written δ there, and the column itself δᵀ.
    """
    match shape(node):
        case (False, True):
            return by_rows(transposed(node))
        case (True, False):
            return _turned(by_rows(node))
        case _:
            return by_rows(node)


def _product(node: Matrix, args: tuple[Matrix, ...], inner: tuple[Index | None, ...]) -> Matrix:
    """Factors in the other order if the product is a vector; vectors among them turn, or all others."""
    turned = [(by_rows(a), shape(a)[0] != shape(a)[1]) for a in args]
    if shape(node)[0] != shape(node)[1]:
        factors = [new if vector else transposed(new) for new, vector in turned[::-1]]
        return mat.Product(tuple(factors), inner[::-1])
    return mat.Product(tuple(_turned(n) if v else n for n, v in turned), inner)


def _turned(node: Matrix) -> Matrix:
    """The transpose, carried inwards only where that needs no more signs: (u ⊙ v)ᵀ, but (Aᵀ B)ᵀ is Bᵀ A."""
    inwards = transposed(node)
    return inwards if _signs(inwards) <= 1 + _signs(node) else mat.Transpose(node)


def _signs(node: Matrix) -> int:
    """How many transposes are written."""
    return isinstance(node, mat.Transpose) + sum(map(_signs, parts(node)))
