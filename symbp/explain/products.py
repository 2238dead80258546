"""Matrix products in a result, with numbers: why a factor is transposed, or why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbp.arrays.matrix_nodes import Leaf, Matrix, Product, Transpose, parts, shape
from symbp.arrays.matrix_rows import transposed
from symbp.calculus.affine import Affine, Index, affine
from symbp.calculus.expr import Expr, Integer, Ref
from symbp.calculus.tree import substitute, walk
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
    """A product in which a matrix, or its transpose, is factor number ``place``; ``spot`` has its indices."""

    spot: Spot
    node: Product
    place: int

    @property
    def factor(self) -> Matrix:
        """The factor as it stands in the product."""
        return self.node.args[self.place]

    @property
    def plain(self) -> Matrix:
        """The factor as it is, not transposed."""
        return self.factor.arg if isinstance(self.factor, Transpose) else self.factor

    @property
    def forwards(self) -> Matrix:
        """The matrix that maps a move of the variable forwards: the factor, turned."""
        return transposed(self.factor)


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
    """The products with a transposed matrix over whose index they sum, each matrix once.

    Where vectors are rows also those of a row and a matrix that stands there as it is: it is the
    transpose that goes forwards then.
    """
    found: dict[Matrix, Carried] = {}
    for place, node in products(spot, form):
        for n, factor in enumerate(node.args):
            summed_over = node.inner[n] if n < len(node.inner) else node.inner[n - 1]
            carried = Carried(place, node, n)
            turned_ = isinstance(factor, Transpose) or _as_it_is(carried)
            if turned_ and shape(factor) == (True, True) and summed_over is not None:
                found.setdefault(carried.plain, carried)
    return list(found.values())


def _as_it_is(carried: Carried) -> bool:
    """Whether a row is multiplied by a matrix that is transposed forwards."""
    return shape(carried.node) == (False, True) and carrier(carried) is not None


def carrier(carried: Carried) -> tuple[Jacobian, Ref] | None:
    """The element of the matrix that stands in a local derivative: M maps a move of the variable forwards.

    Its first index is that of the consumer and its second that of the variable; the other way round for
    a row that is multiplied by Mᵀ.
    """
    own = carried.plain
    if not isinstance(own, Leaf) or not isinstance(own.node, Ref):
        return None
    reverse = isinstance(carried.factor, Transpose) and shape(carried.node) == (False, True)
    for jacobian, node in ((j, n) for j in carried.spot.case.jacobians for n in walk(j.entry)):
        if isinstance(node, Ref) and node.name == own.node.name:
            ordered = [i for p in node.indices if (i := p.as_index()) is not None and not i.sequence]
            end, begin = ordered[::-1] if reverse and len(ordered) == 2 else (*ordered, None, None)[:2]
            if len(ordered) == 2 and end in jacobian.rows and begin in jacobian.cols:
                return jacobian, node
    return None


# ── the transpose ─────────────────────────────────────────────────────────────────────────────────


def transpose_section(origin: Spot, carried: Carried, again: bool = False) -> Section:
    """Why a factor is transposed, or is not: which of its indices is summed, and the numbers.

    ``again``: what holds for every transpose was said before.
    """
    spot = carried.spot
    whole = Form(carried.spot.form(carried.plain))
    found = carrier(carried)
    said = _index_words(carried)
    if found is not None:
        row = shape(carried.node) == (False, True)
        said = (_as_row if row else _forwards)(carried, again, *found)
    term = which_term(origin, spot)
    if term:
        said.append(Paragraph(term))
    blocks: list[Block] = [*said, Lines(tuple(_matrix_lines(carried)))]
    blocks.extend(_fit(carried))
    if not isinstance(carried.factor, Transpose):
        return Section("transpose", ("Why ", whole, " itself, and not its transpose?"), tuple(blocks))
    if _long(carried.plain):
        return Section("transpose", ("Why is there a transpose?",), tuple(blocks))
    return Section("transpose", ("Why the transpose of ", whole, "?"), tuple(blocks))


LONG = 8
"""A matrix of more nodes than this is not repeated in words."""


def _long(node: Matrix) -> bool:
    return _count(node) > LONG


def _count(node: Matrix) -> int:
    return 1 + sum(map(_count, parts(node)))


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


def _as_row(carried: Carried, again: bool, only: Jacobian, element: Ref) -> list[Block]:
    """A row times a matrix reads the columns of the matrix: on one of both ways it has to be turned."""
    places = carried.spot.sequences
    end, begin, weight = (_at(n, places) for n in (only.consumer, only.element, element))
    names: Words = (end, ", where a path ends, and the second that of ", begin, ", where it begins.")
    forwards, backwards = _both_ways(carried, only)
    said: Words = (*forwards, ". ", *backwards, ".")
    if isinstance(carried.factor, Transpose):
        names = (begin, ", where a path begins, and the second that of ", end, ", where it ends.")
        if not again:
            said = (*forwards, ", which a row times a matrix reads as it is. ", *backwards, ". A row times a "
                    "matrix reads the columns of the matrix, so this row has to stand as a column. That is "
                    "all that the transpose does: it turns rows into columns.")  # fmt: skip
    elif not again:
        said = (*forwards, ". A row times a matrix reads the columns of the matrix, so forwards it is the "
                "transpose by which a row is multiplied: there this row stands as a column. ", *backwards,
                ", and a column is what a row times a matrix reads. So nothing is transposed on the way "
                "back.")  # fmt: skip
    return [say("In ", weight, " the first index is that of ", *names), say(*said)]


def _both_ways(carried: Carried, only: Jacobian) -> tuple[Words, Words]:
    """What the consumer collects on its paths, and what comes back to the element on those that it begins."""
    spot, places = carried.spot, carried.spot.sequences
    whole = Form(spot.form(carried.plain))
    row, column = only.rows[0], only.cols[0]
    first, own = spot.range(row)[0], spot.at.get(column, spot.range(column)[0])
    turned_ = isinstance(carried.factor, Transpose)
    arrives, back = ("column", "row") if turned_ else ("row", "column")
    end = _at(only.consumer, {**places, row: Affine(first)})
    begin = _at(only.element, {**places, column: Affine(own)})
    said = f" collects what arrives on the paths that end in it: {arrives} {first} of "
    other = f" collects what comes back on the paths that begin at it: {back} {own} of "
    return ("Forwards, ", end, said, whole), ("Backwards, ", begin, other, whole)


def _at(node: Expr, places: dict[Index, Affine]) -> Expr:
    return substitute(node, places)


def _index_words(carried: Carried) -> list[Block]:
    spot, left = carried.spot, carried.place < len(carried.node.inner)
    long = _long(carried.plain)
    whole = "the matrix that stands first below" if long else Form(spot.form(carried.plain))
    which, other = ("first", "second") if left else ("second", "first")
    side_ = "left" if left else "right"
    return [
        say(f"The sum runs over the {which} index of ", whole, ". A matrix product sums over the second "
            "index of its left factor and the first of its right factor; ", "it" if long else whole,
            f" stands on the {side_}, where the {other} one would be summed. Transposed, its {which} index "
            "stands there.")
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
    why: Words = ("a row times a matrix reads its columns",)
    if isinstance(carried.factor, Transpose):
        kind, other = ("row", "column") if carried.place and carried.place == len(grids) - 1 else (
            "column", "row")  # fmt: skip
        strong_ = {(c, r) for r, c in read}
        said: Words = (f"the {kind} that is read stands out",) if read else ()
        yield Line(Form(spot.form(carried.plain)), "=", shaped(plain, strong_), said)
        why = (f"what were its {kind}s are {other}s now",)
    yield Line(Form(spot.form(node)), "=", side(*_factors(grids, carried.place, read, row, column)), why)
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
    plain = spot.grid(carried.plain if isinstance(carried.factor, Transpose) else carried.forwards)
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
