"""Matrix products in a result, with numbers: why a factor is transposed, and why none is inverted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbp.arrays.matrix_nodes import Leaf, Matrix, Product, Transpose, shape
from symbp.calculus.affine import Affine, Index, affine
from symbp.calculus.expr import Expr, Integer, Ref, substitute, walk
from symbp.derive.core import Jacobian
from symbp.explain.axes import axes_of
from symbp.explain.core import (
    Block,
    Form,
    Line,
    Lines,
    Math,
    Paragraph,
    Plus,
    Section,
    Words,
    say,
    side,
)
from symbp.explain.numerals import multiplied, product, shaped, summed, turned
from symbp.explain.spot import Grid, Spot


@dataclass(frozen=True, slots=True)
class Carried:
    """A product in which the factor number ``place`` stands transposed; ``spot`` has all its indices."""

    spot: Spot
    node: Product
    place: int

    @property
    def plain(self) -> Matrix:
        """The factor as it is, not transposed."""
        factor = self.node.args[self.place]
        assert isinstance(factor, Transpose)
        return factor.arg


def products(spot: Spot, node: Matrix) -> Iterator[tuple[Spot, Product]]:
    """The matrix products below a node, each with a spot that knows its indices."""
    for place, inner in spot.inside(node):
        if isinstance(inner, Product):
            yield place, inner


def which_term(spot: Spot, place: Spot) -> Words:
    """Of a sum over time: which of its terms is shown."""
    more = [(i, v) for i, v in place.at.items() if i not in spot.at]
    if not more:
        return ()
    items: list[str | Math] = []
    for index, value in more:
        items += [" and " if items else "", side(Integer(affine(index)), "=", Integer(Affine(value)))]
    return (" This is the term for ", *items, " of the sum.")


def transposes(spot: Spot, form: Matrix) -> list[Carried]:
    """The products with a transposed matrix over whose index they sum, each matrix once."""
    found: dict[Matrix, Carried] = {}
    for place, node in products(spot, form):
        for n, factor in enumerate(node.args):
            summed_over = node.inner[n] if n < len(node.inner) else node.inner[n - 1]
            if isinstance(factor, Transpose) and shape(factor) == (True, True) and summed_over is not None:
                found.setdefault(factor.arg, Carried(place, node, n))
    return list(found.values())


def carrier(carried: Carried) -> tuple[Jacobian, Ref] | None:
    """The element M_jk with the index of the consumer first and that of the variable second.

    It stands in a local derivative, so that M maps a move of the variable forwards to the consumer.
    """
    own = carried.plain
    if not isinstance(own, Leaf) or not isinstance(own.node, Ref):
        return None
    for jacobian, node in ((j, n) for j in carried.spot.case.jacobians for n in walk(j.entry)):
        if isinstance(node, Ref) and node.name == own.node.name:
            ordered = [i for p in node.indices if (i := p.as_index()) is not None and not i.sequence]
            if len(ordered) == 2 and ordered[0] in jacobian.rows and ordered[1] in jacobian.cols:
                return jacobian, node
    return None


# ── the transpose ─────────────────────────────────────────────────────────────────────────────────


def transpose_section(origin: Spot, carried: Carried, again: bool = False) -> Section:
    """Why a factor is transposed: which of its indices is summed, and the numbers.

    ``again``: what holds for every transpose was said before.
    """
    spot = carried.spot
    whole = Form(spot.form(carried.plain))
    found = carrier(carried)
    said = _forwards(carried, again, *found) if found is not None else _index_words(carried)
    term = which_term(origin, spot)
    if term:
        said.append(Paragraph(term))
    blocks: list[Block] = [*said, Lines(tuple(_matrix_lines(carried)))]
    blocks.extend(_fit(carried))
    return Section("transpose", ("Why the transpose of ", whole, "?"), tuple(blocks))


def _forwards(carried: Carried, again: bool, only: Jacobian, element: Ref) -> list[Block]:
    """In w_jk the path ends at j and begins at k: forwards rows are read, backwards columns."""
    spot = carried.spot
    places = spot.sequences
    end, begin, weight = (_at(n, places) for n in (only.consumer, only.element, element))
    whole = Form(spot.form(carried.plain))
    row, column = only.rows[0], only.cols[0]
    first = spot.range(row)[0]
    column_at = spot.at.get(column, spot.range(column)[0])
    return [
        say("In ", weight, " the first index is that of ", end, ", where a path ends, and the second that "
            "of ", begin, ", where it begins."),
        say("Forwards, ", _at(only.consumer, {**places, row: Affine(first)}), " collects what arrives on the "
            f"paths that end in it: row {first} of ", whole, ". Backwards, ",
            _at(only.element, {**places, column: Affine(column_at)}), " collects what comes back on the "
            f"paths that begin at it: column {column_at} of ", whole, "." if again else ". A matrix product "
            "reads the rows of its left factor, so the column has to lie as a row. That is all that the "
            "transpose does: it turns columns into rows."),
    ]  # fmt: skip


def _at(node: Expr, places: dict[Index, Affine]) -> Expr:
    return substitute(node, places)


def _index_words(carried: Carried) -> list[Block]:
    spot, left = carried.spot, carried.place < len(carried.node.inner)
    whole = Form(spot.form(carried.plain))
    which, other = ("first", "second") if left else ("second", "first")
    side_ = "left" if left else "right"
    return [
        say(f"The sum runs over the {which} index of ", whole, ". A matrix product sums over the second "
            "index of its left factor and the first of its right factor; ", whole, f" stands on the {side_}, "
            f"where the {other} one would be summed. Transposed, its {which} index stands there.")
    ]  # fmt: skip


def _matrix_lines(carried: Carried) -> Iterator[Line]:
    spot, node = carried.spot, carried.node
    up, across = axes_of(node)
    row, column = offset(spot, up), offset(spot, across)
    plain = spot.grid(carried.plain)
    grids = [spot.grid(a) for a in node.args]
    total = spot.grid(node)
    same_grid(spot, multiply(grids), total)
    read = _strong(grids, carried.place, row, column)
    name = Form(spot.form(carried.plain))
    yield Line(name, "=", shaped(plain, {(c, r) for r, c in read}), ("the column that is read stands out",))
    yield Line(Form(spot.form(node)), "=", side(*_factors(grids, carried.place, read, row, column)),
               ("what were its columns are rows now",))  # fmt: skip
    strong = {(row or 0, column or 0)}
    yield Line(None, "=", shaped(total, strong))
    if len(node.args) == 2:
        pairs = list(zip(grids[0][row or 0], [r[column or 0] for r in grids[1]], strict=True))
        terms = [multiplied(p)[0] for p in pairs]
        written, sign, value = summed([a * b for a, b in pairs])
        many = len(terms) > 1
        chain = (Plus(tuple(terms)), "=", written, sign, value) if many else (terms[0], "=", value)
        yield Line(None, "", side(*chain), ("the entry that stands out: row times column",))


def _factors(
    grids: list[Grid], place: int, read: set[tuple[int, int]], row: int | None, column: int | None
) -> list[Math]:
    """Every factor with its shape; the row and the column that meet in the chosen entry stand out."""
    out: list[Math] = []
    for n, grid in enumerate(grids):
        strong = read if n == place else set()
        if n == len(grids) - 1 and n != place and len(grids) == 2:
            strong = {(r, column or 0) for r in range(len(grid))}
        if n == 0 and n != place and len(grids) == 2:
            strong = {(row or 0, c) for c in range(len(grid[0]))}
        out.append(shaped(grid, strong))
    return out


def _strong(grids: list[Grid], place: int, row: int | None, column: int | None) -> set[tuple[int, int]]:
    """The row (of the first factor) or the column (of the last) that the chosen entry reads."""
    grid = grids[place]
    if place == 0:
        return {(row or 0, c) for c in range(len(grid[0]))}
    if place == len(grids) - 1:
        return {(r, column or 0) for r in range(len(grid))}
    return set()


def offset(spot: Spot, index: Index | None) -> int | None:
    """Which row or column that of the chosen element is."""
    if index is None or index not in spot.at:
        return None
    return spot.at[index] - spot.range(index)[0]


def multiply(grids: list[Grid]) -> Grid:
    """The product of matrices, from left to right."""
    total = grids[0]
    for grid in grids[1:]:
        total = product(total, grid)
    return total


def same_grid(spot: Spot, left: Grid, right: Grid) -> None:
    for mine, other in zip(left, right, strict=True):
        for a, b in zip(mine, other, strict=True):
            spot.same(a, b, "a matrix product")


def _fit(carried: Carried) -> list[Block]:
    """The shapes: where untransposed factors do not even fit."""
    node, n = carried.node, carried.place
    spot = carried.spot
    plain = spot.grid(carried.plain)
    neighbour = n + 1 if n < len(node.inner) else n - 1
    other = spot.grid(node.args[neighbour])
    sizes = (plain, other) if neighbour > n else (other, plain)
    if len(sizes[0][0]) == len(sizes[1]):
        return []
    a, b = (f"{len(g)}×{len(g[0])}" for g in sizes)
    turned_ = [turned(g) if g is plain else g for g in sizes]
    c, d = (f"{len(g)}×{len(g[0])}" for g in turned_)
    return [
        say(f"The shapes say the same: {a} and {b} do not fit, the inner numbers differ; {c} and {d} do.")
    ]
