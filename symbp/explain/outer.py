"""A column times a row: an outer product on the paths, or a vector of ones that repeats another."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.arrays.matrix_nodes import (
    Matrix,
    Minus,
    Ones,
    Plus,
    Product,
    Scaled,
    SequenceSum,
    Transpose,
    parts,
    shape,
)
from symbp.arrays.matrix_rows import transposed
from symbp.explain.axes import axes_of
from symbp.explain.core import Form, Line, Lines, Section, say, side
from symbp.explain.numerals import multiplied, product, shaped
from symbp.explain.products import offset, products, same_grid, which_term
from symbp.explain.spot import Spot, mentions_adjoint


def _outer(spot: Spot, form: Matrix) -> Iterator[tuple[Spot, Product]]:
    """The products of a column and a row."""
    return ((place, node) for place, node in products(spot, form) if node.inner == (None,))


def _terms(form: Matrix) -> Iterator[Matrix]:
    """What a result adds up, without numbers in front: the adjoint may be such a number."""
    match form:
        case Plus() | Minus() | SequenceSum():
            for part in parts(form):
                yield from _terms(part)
        case Scaled(_, arg):
            yield from _terms(arg)
        case _:
            yield form


def _is_ones(node: Matrix) -> bool:
    return isinstance(node.arg if isinstance(node, Transpose) else node, Ones)


def outer_section(spot: Spot, form: Matrix, count: int) -> Section | None:
    """Over the axes of the variable every entry is one product, because nothing is summed."""
    terms = set(_terms(form))
    for place, node in _outer(spot, form):
        carries = mentions_adjoint(node) or node in terms
        if axes_of(node) == spot.own and carries and not any(map(_is_ones, node.args)):
            return _outer_words(spot, place, node, count)
    return None


def _outer_words(spot: Spot, place: Spot, node: Product, count: int) -> Section:
    left, right = (place.grid(a) for a in node.args)
    total = place.grid(node)
    same_grid(place, product(left, right), total)
    up, across = axes_of(node)
    row, column = offset(place, up) or 0, offset(place, across) or 0
    laid = ""
    if place.rows and shape(node.args[0]) == (True, False):
        laid = " Vectors are rows, so the first of the two is turned into a column."
    one, tail = (
        ("One path leads from ", " to the cost: one product, and nothing to sum. ")
        if count == 1
        else ("Here every path from ", " is one product: a number of its row times one of its column. ")
    )
    return Section("outer", ("Why a column times a row?",), (
        say(one, place.element, tail, "Written for all elements, each entry is the number of the column in "
            f"its row times the number of the row in its column.{laid}", *which_term(spot, place)),
        Lines((
            Line(Form(place.form(node)), "=", side(shaped(left, {(row, 0)}), shaped(right, {(0, column)}))),
            Line(None, "=", shaped(total, {(row, column)}), ("the shape of what is differentiated",)),
            Line(None, "", side(*multiplied((left[row][0], right[0][column]))),
                 ("the entry that stands out",)),
        )),
    ))  # fmt: skip


def ones_section(spot: Spot, form: Matrix) -> Section | None:
    """𝟏 rᵀ: a vector of ones repeats another one in every row."""
    for place, node in _outer(spot, form):
        first, second = map(_is_ones, node.args)
        if first == second:
            continue
        left, right = (place.grid(a) for a in node.args)
        if min(len(left), len(right[0])) > 1:
            return _ones_words(spot, place, node, first)
    return None


def _ones_words(spot: Spot, place: Spot, node: Product, down: bool) -> Section:
    """``down``: the ones are the column, and what they repeat is the row."""
    left, right = (place.grid(a) for a in node.args)
    total = place.grid(node)
    same_grid(place, product(left, right), total)
    ones = place.laid(node.args[0] if down else transposed(node.args[1]))
    other = place.laid(transposed(node.args[1]) if down else node.args[0])
    where, along = ("row", "column") if down else ("column", "row")
    if place.rows:
        kind = "a row of ones, here turned into a column" if down else "a row of ones"
    else:
        kind = "a column of ones" if down else "a column of ones, here turned into a row"
    return Section("ones", ("Why a vector of ones?",), (
        say("In ", Form(place.form(node)), " the factor ", Form(place.form(ones)), f" is {kind}. It repeats ",
            Form(place.form(other)),
            f" in every {where}: each entry is the number of ", Form(place.form(other)),
            f" in its {along}, whatever its {where} is. So a vector stands beside matrices, with a number "
            f"that all entries of a {along} share.", *which_term(spot, place)),
        Lines((
            Line(Form(place.form(node)), "=", side(shaped(left), shaped(right), "=", shaped(total))),
        )),
    ))  # fmt: skip
