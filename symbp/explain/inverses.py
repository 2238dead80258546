"""Why a transpose and not an inverse: the inverse tried with the same numbers."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.arrays.matrix_nodes import Hadamard, Leaf, Matrix, Minus, Product, Transpose, parts
from symbp.arrays.matrix_nodes import Plus as Plus_
from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Indicator, Mul, Ref
from symbp.calculus.tree import substitute, walk
from symbp.derive.core import Jacobian
from symbp.explain.axes import axes_of
from symbp.explain.core import Block, Form, Inverse, Line, Lines, Math, Section, Whole, Words, say
from symbp.explain.meaning import agrees
from symbp.explain.numerals import entrywise, shaped, turned
from symbp.explain.products import Carried, carrier, multiply, same_grid
from symbp.explain.reading import between, whole
from symbp.explain.spot import Grid, Spot


def first_inverse(found: list[Carried], form: Matrix) -> Section | None:
    """The section about the first matrix of which an inverse can be tried."""
    return next((s for c in found if (s := inverse_section(c, form)) is not None), None)


def inverse_section(carried: Carried, form: Matrix) -> Section | None:
    """The inverse, or pseudo-inverse, tried with the same numbers: it does not give the derivative."""
    spot = carried.spot
    found = carrier(carried) or _on_the_right(carried)
    if found is None:
        return None
    measured = _measured(spot, form)
    if measured is None:
        return None
    grid = spot.grid(carried.forwards)
    right = _assembled(spot, form, carried, turned(grid))
    other, square = _inverted(grid)
    wrong = _assembled(spot, form, carried, other) if other is not None else None
    if right is None or wrong is None or other is None:
        return None
    same_grid(spot, right, measured)
    pairs = zip(wrong, measured, strict=True)
    if all(agrees(a, b) for mine, known in pairs for a, b in zip(mine, known, strict=True)):
        return None
    return Section("inverse", *_inverse_words(carried, found[0], (measured, right, wrong, other), square))


def _measured(spot: Spot, form: Matrix) -> Grid | None:
    """The adjoints of all elements, as the form arranges them; None if these are more than two axes."""
    if len(spot.own) == 1:
        (index,) = spot.own
        return spot.vector(spot.adjoint(spot.moved({index: k}).key) for k in spot.range(index))
    up, across = axes_of(form)
    if up is None or across is None or {up, across} != set(spot.own):
        return None
    at = [[{up: r, across: c} for c in spot.range(across)] for r in spot.range(up)]
    return tuple(tuple(spot.adjoint(spot.moved(place).key) for place in places) for places in at)


def _on_the_right(carried: Carried) -> tuple[Jacobian, Ref] | None:
    """The element of a matrix that rows are multiplied by: z_nk = Σ_h y_nh V_hk, where V maps y to z."""
    own, turned_ = carried.plain, isinstance(carried.factor, Transpose)
    if not isinstance(own, Leaf) or not isinstance(own.node, Ref) or not turned_:
        return None
    for jacobian, node in ((j, n) for j in carried.spot.case.jacobians for n in walk(j.entry)):
        if isinstance(node, Ref) and node.name == own.node.name:
            ordered = [i for p in node.indices if (i := p.as_index()) is not None and not i.sequence]
            if len(ordered) == 2 and ordered[0] in jacobian.cols and ordered[1] in jacobian.rows:
                return jacobian, node
    return None


def _inverse_words(
    carried: Carried, only: Jacobian, grids: tuple[Grid, Grid, Grid, Grid], square: bool
) -> tuple[tuple[str | Math, ...], tuple[Block, ...]]:
    spot = carried.spot
    measured, right, wrong, other = grids
    whole = Form(spot.form(carried.forwards))
    inverse = Inverse(whole, not square)
    rows, columns = len(turned(other)), len(other)
    begin, end, besides = _ends(carried, only)
    upto = ", up to the factor that each path has besides," if besides else ""
    own = Whole(spot.whole)
    exists = (
        ("It has an inverse, so it can be tried:",) if square else
        (f"It is {rows}×{columns}, so it has no inverse at all. What comes nearest is its pseudo-inverse ",
         inverse, ":")
    )  # fmt: skip
    blocks: tuple[Block, ...] = (
        say("An inverse answers another question. ", whole, f" maps forwards: it says{upto} how far ", end,
            " moves if ", begin, " is moved. Its inverse would say how ", begin, " has to be moved so that ",
            end, " moves by a given amount. But an adjoint is no move: it says how much the cost reacts to "
            "one. A weight twice as large passes a move on twice as strongly, so the cost reacts twice as "
            "much; with the inverse it would react half as much."),
        say(*exists),
        Lines((
            Line(inverse, "=", shaped(other)),
            Line(own, "=", shaped(measured), ("measured: every element moved a little, one by one",)),
            Line(own, "=", shaped(right), (*_with(carried), ": the same")),
            Line(own, "≠", shaped(wrong), ("with ", inverse, " in its place: something else")),
        )),
    )  # fmt: skip
    return ("Why not the inverse of ", whole, "?"), blocks


def _with(carried: Carried) -> Words:
    if isinstance(carried.factor, Transpose):
        return ("with the transpose",)
    return ("with ", Form(carried.spot.form(carried.factor)))


def _ends(carried: Carried, only: Jacobian) -> tuple[Math, Math, bool]:
    """What the matrix multiplies, and what that gives: the variable and its reader, or what is between.

    And whether a move meets more than the matrix on this way, as the slope of a function around the product.
    """
    spot = carried.spot
    begin, end = (_ref(n, spot.sequences) for n in (only.element, only.consumer))
    at = spot.moved({i: spot.range(i)[0] for i in only.rows})
    seen = between(at, (only.consumer.name, at.positions(only.consumer.indices)))
    arrays = {whole(spot, k): k for k in seen}
    factors = only.entry.factors if isinstance(only.entry, Mul) else (only.entry,)
    besides = sum(not isinstance(f, Indicator) for f in factors) > 1
    if len(arrays) == 1 and isinstance(carried.plain, Leaf) and isinstance(carried.plain.node, Ref):
        ((own, key),) = arrays.items()
        inner = any(name == carried.plain.node.name for name, _ in spot.oracle.reads(key))
        begin, end, besides = (begin, own, False) if inner else (own, end, False)
    return Whole(begin), Whole(end), besides


def _ref(node: Ref, places: dict[Index, Affine]) -> Ref:
    moved = substitute(node, places)
    assert isinstance(moved, Ref)
    return moved


def _inverted(grid: Grid) -> tuple[Grid | None, bool]:
    """The inverse of a square matrix, the pseudo-inverse of another; None if a square one has none."""
    import numpy as np

    matrix = np.array(grid, dtype=float)
    if matrix.shape[0] == matrix.shape[1]:
        if np.linalg.cond(matrix) > 1e6:
            return None, True
        inverse = np.linalg.inv(matrix)
        return tuple(tuple(map(float, row)) for row in inverse), True
    return tuple(tuple(map(float, row)) for row in np.linalg.pinv(matrix)), False


def _assembled(spot: Spot, node: Matrix, carried: Carried, factor: Grid) -> Grid | None:
    """The value of a form with ``factor`` where the transposed matrix stood."""
    if node == carried.factor:
        return factor
    if not any(n == carried.factor for n in _below(node)):
        return spot.grid(node)
    inner = [_assembled(spot, p, carried, factor) for p in parts(node)]
    known = [g for g in inner if g is not None]
    if len(known) < len(inner):
        return None
    match node:
        case Product():
            return multiply(known)
        case Hadamard():
            total = known[0]
            for grid in known[1:]:
                total = entrywise(total, grid)
            return total
        case Plus_():
            return tuple(tuple(map(sum, zip(*rows, strict=True))) for rows in zip(*known, strict=True))
        case Minus():
            return tuple(tuple(-v for v in row) for row in known[0])
        case _:
            return None


def _below(node: Matrix) -> Iterator[Matrix]:
    yield node
    for part in parts(node):
        yield from _below(part)
