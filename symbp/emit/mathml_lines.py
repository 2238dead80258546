"""Long formulas in pieces, between which a browser may begin a new line.

MathML formulas do not break by themselves.  Each piece is a ``math`` element of its own; what stands
on a line is decided by the reader's screen or paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from symbp.emit.layout import EQUALS, Box, Fence, Product, Row, Terms, fence_size, row, width
from symbp.emit.mathml import DISPLAY, applied, between, bracket, element, elements, lead, math
from symbp.emit.tex import GAPS, SIZES, joined, tex

WHOLE, INNER, LONG = 13.0, 9.0, 30.0
"""Formulas narrower than this (in em) never break, nor do brackets of this width; products wider than the
last break between their factors too."""

BREAK = "<wbr/>"


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a formula, in MathML and in TeX."""

    inside: tuple[str, ...]
    source: str

    def __add__(self, other: Cut) -> Cut:
        return Cut(self.inside + other.inside, joined((self.source, other.source)))


def right_side(box: Box) -> str:
    """``= box``: one formula, or pieces of it."""
    if width(box) <= WHOLE:
        return math(row(EQUALS, box), True)
    equals = Cut(tuple(elements(EQUALS, DISPLAY)), tex(EQUALS))
    return BREAK.join(element(list(c.inside), c.source, True) for c in _glued(([equals], cuts(box))))


def inline(box: Box) -> str:
    """A formula in a line of text; a long equation may go on in the next line behind its left side."""
    if not isinstance(box, Row) or EQUALS not in box.items or width(box, False) <= WHOLE:
        return math(box)
    place = box.items.index(EQUALS)
    return f"{math(row(*box.items[:place]))}{BREAK}{math(row(*box.items[place:]))}"


def cuts(box: Box) -> list[Cut]:
    """The formula cut in front of + and −, in wide brackets too."""
    match box:
        case Terms(terms):
            return _terms(terms)
        case Fence(Terms(), "(") if width(box) > INNER:
            return _fence(box)
        case Product(factors, gaps):
            return _product(factors, gaps)
        case Row(items):
            return _row(items)
        case _:
            return [_uncut(box)]


def _uncut(box: Box) -> Cut:
    return Cut(tuple(elements(box, DISPLAY)), tex(box))


def _glued(lists: Sequence[list[Cut]]) -> list[Cut]:
    """Lists side by side: the last piece of each and the first of the next are one."""
    out = lists[0]
    for pieces in lists[1:]:
        out = [*out[:-1], out[-1] + pieces[0], *pieces[1:]]
    return out


def _terms(terms: Sequence[tuple[str, Box]]) -> list[Cut]:
    out: list[Cut] = []
    for mark, term in terms:
        shown = f"{mark} " if out else "-" if mark == "-" else ""
        out += _glued(([Cut(tuple(lead(mark, not out, DISPLAY)), shown)], cuts(term)))
    return out


def _fence(box: Fence) -> list[Cut]:
    size = fence_size(box)
    left, right = (f"\\{SIZES[size]}l(", f"\\{SIZES[size]}r)") if size else ("(", ")")
    opened = Cut((bracket("(", size, True),), left)
    closed = Cut((bracket("(", size, False),), right)
    return _glued(([opened], cuts(box.body), [closed]))


def _product(factors: Sequence[Box], gaps: Sequence[str]) -> list[Cut]:
    long = sum(map(width, factors)) > LONG
    out = cuts(factors[0])
    for n, gap in enumerate(gaps, 1):
        signs = Cut(tuple(between(gap, factors[n - 1], DISPLAY)), GAPS[gap])
        behind = _glued((out, [signs]))
        out = [*behind, *cuts(factors[n])] if long else _glued((behind, cuts(factors[n])))
    return out


def _row(items: Sequence[Box]) -> list[Cut]:
    out: list[list[Cut]] = []
    for n, item in enumerate(items):
        out += [[Cut(tuple(applied(items[:n], item)), "")], cuts(item)]
    return _glued(out)
