"""Why a matrix form says what the indices say: the words beside the last line."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from symbp.arrays.matrix_nodes import (
    Diag,
    Hadamard,
    Leaf,
    Matrix,
    Norm,
    Ones,
    Product,
    Scalar,
    Trace,
    Transpose,
    Unit,
    parts,
)


def matrix_reason(node: Matrix) -> tuple[object, ...]:
    """Why the matrix form is the indexed one, for the reason beside the last line."""
    found: list[tuple[object, ...]] = []
    # products first: the transpose is what the reader asks about
    for inner in sorted(_walk(node), key=lambda n: not isinstance(n, Product)):
        if isinstance(inner, Product):
            sums = zip(pairwise(inner.args), inner.inner, strict=True)
            found.extend(why for pair, i in sums if i is not None and (why := _sum_reason(*pair)) is not None)
            if None in inner.inner:
                found.append(("column times row: an outer product",))
        elif isinstance(inner, Norm):
            found.append(("a sum of squares: a squared norm",))
        elif isinstance(inner, Trace):
            found.append(("the sum of a diagonal: a trace",))
        elif isinstance(inner, Unit):
            found.append(("a unit vector: 1 at the place in its index, 0 elsewhere",))
        elif isinstance(inner, Ones):
            found.append(("a vector of ones adds up what it meets",))
        elif isinstance(inner, Hadamard) and not all(isinstance(a, Scalar) for a in inner.args):
            found.append(("entry by entry: a Hadamard product",))
    unique = list(dict.fromkeys(found))
    if not unique:
        return ("all entries at once",)
    return tuple(p for n, part in enumerate(unique[:2]) for p in (("; ",) if n else ()) + part)


def _sum_reason(left: Matrix, right: Matrix) -> tuple[object, ...] | None:
    """What the sum between two neighbours of a product runs over; the transposed one comes first."""
    if isinstance(left, Diag) or isinstance(right, Diag):
        return ("a factor for each ", "row" if isinstance(left, Diag) else "column", ": a diagonal matrix")
    if isinstance(left, Transpose) and _is_matrix(left.arg):
        return ("the sum runs over the first index of ", left.arg, ": a product with its transpose")
    if isinstance(right, Transpose) and _is_matrix(right.arg):
        return ("the sum runs over the second index of ", right.arg, ": a product with its transpose")
    if _is_matrix(left):
        return ("the sum runs over the second index of ", left, ": a matrix product")
    if _is_matrix(right):
        return ("the sum runs over the first index of ", right, ": a matrix product")
    return None


def _is_matrix(node: Matrix) -> bool:
    return isinstance(node, Leaf) and len(node.axes) == 2


def _walk(node: Matrix) -> Iterable[Matrix]:
    yield node
    for part in parts(node):
        yield from _walk(part)
