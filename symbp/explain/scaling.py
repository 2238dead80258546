"""A diagonal matrix in a product: one factor for each row, or for each column, of what stands beside it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from symbp.arrays.matrix_nodes import Diag, Matrix, Product
from symbp.explain.axes import axes_of
from symbp.explain.core import Form, Line, Lines, Section, say, side
from symbp.explain.numerals import product, shaped
from symbp.explain.products import offset, products, same_grid, which_term
from symbp.explain.spot import Spot, mentions_adjoint


def diagonal_section(spot: Spot, form: Matrix) -> Section | None:
    """Why diag(v) A: what v has for a row is a factor of all of its entries."""
    found = list(_pairs(spot, form))
    carrying = (pair for pair in found if any(not isinstance(a, Diag) and mentions_adjoint(a)
                                              for a in pair[1].args))  # fmt: skip
    chosen = next(carrying, found[0] if found else None)
    return None if chosen is None else _words(spot, *chosen)


def _pairs(spot: Spot, form: Matrix) -> Iterator[tuple[Spot, Product]]:
    """The neighbours in products of which one is diagonal, and the other is a matrix that is not."""
    for place, node in products(spot, form):
        for args, index in zip(pairwise(node.args), node.inner, strict=True):
            pair = Product(args, (index,))
            one = isinstance(args[0], Diag) != isinstance(args[1], Diag)
            if one and index is not None and None not in axes_of(pair):
                yield place, pair


def _words(spot: Spot, place: Spot, node: Product) -> Section:
    left, right = (place.grid(a) for a in node.args)
    total = place.grid(node)
    same_grid(place, product(left, right), total)
    rows = isinstance(node.args[0], Diag)
    row, column = (offset(place, axis) or 0 for axis in axes_of(node))
    one = row if rows else column
    scaled = {(row, c) for c in range(len(total[0]))} if rows else {(r, column) for r in range(len(total))}
    factors = ({(one, one)}, scaled) if rows else (scaled, {(one, one)})
    where, along, others = ("left", "row", "columns") if rows else ("right", "column", "rows")
    return Section("diagonal", ("Why a diagonal matrix?",), (
        say("In ", Form(place.form(node)), " the factor ", Form(place.form(node.args[0 if rows else 1])),
            f" has zeros outside of its diagonal. On the {where} of a product it multiplies each {along} by "
            f"one number: all entries of a {along} have this factor. Entry by entry that is a Hadamard "
            f"product with a matrix whose {others} are all alike.", *which_term(spot, place)),
        Lines((
            Line(Form(place.form(node)), "=", side(shaped(left, factors[0]), shaped(right, factors[1]))),
            Line(None, "=", shaped(total, scaled), (f"the {along} that stands out has one factor",)),
        )),
    ))  # fmt: skip
