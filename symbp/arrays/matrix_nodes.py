"""Matrix expressions as people write them: products, transposes, ⊙, diag; no indices.

A matrix expression stands for a column vector, a matrix or a scalar.  :mod:`symbp.arrays.matrix_entry`
reads it back as an indexed expression, so that the oracle can check what is printed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Adjoint, Expr, Functional, Ref


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
class OneHot:
    """A row for each label, with a 1 where the label says and 0 elsewhere, along an axis like ``like``."""

    arg: Matrix
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
class Raised:
    """A power entry by entry whose exponents are an array too: the base and the exponents."""

    args: tuple[Matrix, ...]


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
class Bracket:
    """Iverson's bracket entry by entry: 1 where a condition holds, else 0.

    ``op`` compares two arrays, or joins brackets: and, or, not.
    """

    op: str
    args: tuple[Matrix, ...]


@dataclass(frozen=True, slots=True)
class Softmax:
    """softmax of a vector, or of each row of a matrix; argmax (argmin) has a 1 at the largest entry."""

    arg: Matrix
    like: Index
    op: str = "softmax"


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
    Leaf | Scalar | Ones | Zeros | Unit | OneHot | Identity | Transpose | Product | MatrixPower | Hadamard
    | Quotient | Power | Raised | Plus | Minus | Scaled | Mapped | Bracket | Softmax | Folded | Norm | Trace
    | Diagonal | Diag | SequenceSum
)  # fmt: skip


def parts(node: Matrix) -> tuple[Matrix, ...]:
    """The matrix expressions directly below a node."""
    match node:
        case Leaf() | Scalar() | Ones() | Zeros() | Unit() | Identity():
            return ()
        case Transpose(arg) | Minus(arg) | Diag(arg) | Softmax(arg) | Power(arg) | MatrixPower(arg):
            return (arg,)
        case Norm(arg) | Trace(arg) | Diagonal(arg) | OneHot(arg) | Folded(_, arg) | SequenceSum(_, arg):
            return (arg,)
        case Product(args) | Hadamard(args) | Plus(args) | Raised(args) | Mapped(_, args) | Bracket(_, args):
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
        case Product() | Hadamard() | Plus() | Raised() | Mapped() | Bracket():
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
        case Identity() | Diag() | MatrixPower() | OneHot():
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
