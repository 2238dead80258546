"""The indices along the rows and the columns of a matrix expression."""

from __future__ import annotations

from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, parts
from symbp.calculus.affine import Index

Axes = tuple[Index | None, Index | None]


def axes_of(node: Matrix) -> Axes:
    """The index of the rows and that of the columns; None for an axis that is not there.

    Raises:
        TypeError: for a node that is no matrix expression.
    """
    match node:
        case mat.Leaf(_, axes) | mat.Zeros(axes):
            return (axes[0] if axes else None, axes[1] if len(axes) > 1 else None)
        case mat.Scalar() | mat.Folded() | mat.Norm() | mat.Trace():
            return None, None
        case mat.Ones(like) | mat.Unit(_, like) | mat.Diagonal(_, like):
            return like, None
        case mat.Identity(like) | mat.MatrixPower(_, _, like):
            return like, like
        case mat.OneHot(arg, like):
            return axes_of(arg)[0], like
        case mat.Transpose(arg):
            up, across = axes_of(arg)
            return across, up
        case mat.Diag(arg):
            up, _ = axes_of(arg)
            return up, up
        case mat.Product(args):
            return axes_of(args[0])[0], axes_of(args[-1])[1]
        case _:
            return _common(parts(node))


def _common(nodes: tuple[Matrix, ...]) -> Axes:
    """Those of the parts of an entrywise expression; numbers among them stand in every entry."""
    found = [axes_of(n) for n in nodes]
    return (
        next((up for up, _ in found if up is not None), None),
        next((across for _, across in found if across is not None), None),
    )
