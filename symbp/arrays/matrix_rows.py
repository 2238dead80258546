"""The same matrix form where vectors are rows, and the transpose of a form without a Tᵀ too many.

With rows, z = W a + b reads z = a Wᵀ + b: a vector is the transpose of its column form, and matrices
and scalars are what they were.
"""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, parts

Shape = tuple[bool, bool]
"""Whether there are rows and columns to count: (True, False) is a column vector."""


def shape(node: Matrix) -> Shape:
    """The axes of a form of the column convention."""
    match node:
        case mat.Leaf(_, axes):
            return len(axes) > 0, len(axes) > 1
        case mat.Scalar() | mat.Folded():
            return False, False
        case mat.Ones() | mat.Unit():
            return True, False
        case mat.Identity() | mat.Diag() | mat.Outer():
            return True, True
        case mat.Transpose(arg):
            return shape(arg)[::-1]
        case mat.Product(args):
            return shape(args[0])[0], shape(args[-1])[1]
        case mat.Scaled(_, arg):
            return shape(arg)
        case _:
            found = [shape(p) for p in parts(node)]
            return any(r for r, _ in found), any(c for _, c in found)


def transposed(node: Matrix) -> Matrix:
    """The transpose of a matrix or of a vector, carried inwards: (A B)ᵀ = Bᵀ Aᵀ, (Aᵀ)ᵀ = A."""
    match node:
        case mat.Scalar() | mat.Identity() | mat.Diag() | mat.Folded():
            return node
        case mat.Transpose(arg):
            return arg
        case mat.Product(args, inner):
            return mat.Product(tuple(transposed(a) for a in args[::-1]), inner[::-1])
        case mat.Outer(left, right):
            return mat.Outer(right, left)
        case mat.Scaled(factor, arg):
            return mat.Scaled(factor, transposed(arg))
        case mat.SequenceSum(indices, arg):
            return mat.SequenceSum(indices, transposed(arg))
        case mat.Leaf(_, axes) if not axes:
            return node
        case mat.Hadamard() | mat.Plus() | mat.Minus() | mat.Quotient() | mat.Power():
            return rebuilt(node, [transposed(p) for p in parts(node)])
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
            return rebuilt(node, [by_rows(p) for p in parts(node)])


def _product(node: Matrix, args: tuple[Matrix, ...], inner: tuple[object, ...]) -> Matrix:
    """Factors in the other order if the product is a vector; vectors among them turn, or all others."""
    turned = [(by_rows(a), shape(a)[0] != shape(a)[1]) for a in args]
    if shape(node)[0] != shape(node)[1]:
        factors = [new if vector else transposed(new) for new, vector in turned[::-1]]
        return mat.Product(tuple(factors), inner[::-1])  # type: ignore[arg-type]
    return mat.Product(tuple(transposed(n) if v else n for n, v in turned), inner)  # type: ignore[arg-type]


def rebuilt(node: Matrix, below: list[Matrix]) -> Matrix:
    """The node with other expressions directly below it, in the order of ``parts``.

    Raises:
        TypeError: for a node without parts.
    """
    match node:
        case mat.Hadamard():
            return mat.Hadamard(tuple(below))
        case mat.Plus():
            return mat.Plus(tuple(below))
        case mat.Mapped(function, _, orders):
            return mat.Mapped(function, tuple(below), orders)
        case mat.Outer():
            return mat.Outer(*below)
        case mat.Quotient():
            return mat.Quotient(*below)
        case mat.Scaled():
            return mat.Scaled(*below)
        case mat.Power(_, exponent):
            return mat.Power(below[0], exponent)
        case mat.Minus():
            return mat.Minus(below[0])
        case mat.Diag():
            return mat.Diag(below[0])
        case mat.Transpose():
            return mat.Transpose(below[0])
        case mat.Softmax(_, like):
            return mat.Softmax(below[0], like)
        case mat.Folded(op, _, like):
            return mat.Folded(op, below[0], like)
        case mat.SequenceSum(indices, _):
            return mat.SequenceSum(indices, below[0])
        case _:
            raise TypeError(f"{type(node).__name__} has no parts")
