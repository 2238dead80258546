"""Long formulas in pieces, between which a browser may begin a new line.

MathML formulas do not break by themselves.  Each piece is a ``math`` element of its own; what stands
on a line is decided by the reader's screen or paper.  Where a line has room a formula breaks in front of
+ and − only; on a narrow screen it does so between factors too, and in every wide bracket.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbp.emit.alphabets import grouped
from symbp.emit.layout import (
    EQUALS,
    Box,
    Fence,
    Frac,
    Product,
    Row,
    Script,
    Sym,
    Terms,
    fence_size,
    row,
    width,
)
from symbp.emit.mathml import DISPLAY, SMALL, applied, between, bracket, element, elements, lead, math
from symbp.emit.slimming import in_front
from symbp.emit.tex import BRACKETS, GAPS, SIZES, joined, tex

WHOLE, INNER, LONG, PHONE = 13.0, 9.0, 30.0, 17.0
"""Formulas narrower than this (in em) never break, nor do brackets of this width; products wider than the
third break between their factors too, and fractions wider than the last leave factors in front."""

BREAK, FINE = "<wbr/>", '<wbr class="fine"/>'
"""Where a line may end, and where it may on a narrow screen."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a formula, in MathML and in TeX; before a ``fine`` one only a narrow screen breaks."""

    inside: tuple[str, ...]
    source: str
    fine: bool = False

    def __add__(self, other: Cut) -> Cut:
        return Cut(self.inside + other.inside, joined((self.source, other.source)), self.fine)


def right_side(box: Box, sign: Box | None = EQUALS) -> str:
    """``= box``: one formula, or pieces of it."""
    if width(box) <= WHOLE:
        return math(row(sign, box) if sign is not None else box, True)
    return pieces(box, sign)


def pieces(box: Box, sign: Box | None = None) -> str:
    """``sign box`` as formulas between which a line may end."""
    found = cuts(slim(box))
    if sign is not None:
        found = _glued(([Cut(tuple(elements(sign, DISPLAY)), tex(sign))], found))
    runs: list[list[str]] = []
    for n, cut in enumerate(found):
        shown = element(list(cut.inside), cut.source, True)
        runs = [*runs[:-1], [*runs[-1], shown]] if n and cut.fine else [*runs, [shown]]
    return BREAK.join(f'<span class="run">{FINE.join(r)}</span>' if len(r) > 1 else r[0] for r in runs)


def inline(box: Box) -> str:
    """A formula in a line of text; a long equation may go on in the next line behind its left side."""
    if width(box, False) <= WHOLE:
        return math(box)
    if width(box, False) > LONG:
        return pieces(box)
    if not isinstance(box, Row) or EQUALS not in box.items:
        return math(box)
    place = box.items.index(EQUALS)
    left, right = row(*box.items[:place]), row(*box.items[place:])
    shown = math(right) if width(right, False) <= WHOLE else pieces(right)
    return f"{math(left)}{BREAK}{shown}"


def cuts(box: Box) -> list[Cut]:
    """The formula cut in front of + and −, in wide brackets too."""
    match box:
        case Terms(terms):
            return _terms(terms)
        case Fence(_, kind) if kind != "[" and width(box) > INNER:
            return _fence(box)
        case Script(Fence(_, kind) as base, below, above) if kind != "[" and width(base) > INNER:
            return _fence(base, below, above)
        case Product(factors, gaps):
            return _product(factors, gaps)
        case Row(items):
            return _row(items)
        case _:
            return [_uncut(box)]


def slim(box: Box) -> Box:
    """The formula whose fractions have factors in front where they are wider than a phone."""
    match box:
        case Terms(terms):
            return Terms(tuple((sign, slim(term)) for sign, term in terms))
        case Product(factors, gaps):
            return Product(tuple(map(slim, factors)), gaps)
        case Row(items):
            return Row(tuple(map(slim, items)))
        case Fence(body, kind):
            return Fence(slim(body), kind)
        case Script(Fence() as base, below, above):
            return Script(slim(base), below, above)
        case Frac():
            room = max(PHONE, width(box.den, False) + 0.4)
            parted = in_front(box, room) if width(box) > room else None
            return box if parted is None else slim(parted)
        case _:
            return box


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


def _fence(box: Fence, below: Box | None = None, above: Box | None = None) -> list[Cut]:
    """The pieces of a bracket; its scripts are those of the closing one, as in TeX."""
    size = fence_size(box)
    signs = zip("lr", BRACKETS[box.kind], strict=True)
    left, right = (f"\\{SIZES[size]}{side}{sign}" if size else sign for side, sign in signs)
    opened = Cut((bracket(box.kind, size, True),), left)
    closed = Cut((bracket(box.kind, size, False),), right)
    if below is not None or above is not None:
        scripts = tuple(grouped(elements(b, SMALL)) for b in (below, above) if b is not None)
        name = "msubsup" if len(scripts) == 2 else "msub" if above is None else "msup"
        raised = "".join((grouped([closed.inside[0]]), *scripts))
        closed = Cut((f"<{name}>{raised}</{name}>",), right + tex(Script(Sym("", ""), below, above)))
    inner = cuts(box.body)
    if not isinstance(box.body, Terms):
        inner = [inner[0], *(replace(c, fine=True) for c in inner[1:])]
    return _glued(([opened], inner, [closed]))


def _product(factors: Sequence[Box], gaps: Sequence[str]) -> list[Cut]:
    long = sum(map(width, factors)) > LONG
    out = cuts(factors[0])
    for n, gap in enumerate(gaps, 1):
        signs = Cut(tuple(between(gap, factors[n - 1], DISPLAY)), GAPS[gap])
        behind = _glued((out, [signs]))
        first, *rest = cuts(factors[n])
        out = [*behind, replace(first, fine=not long), *rest]
    return out


def _row(items: Sequence[Box]) -> list[Cut]:
    long = sum(map(width, items)) > LONG
    out: list[Cut] = []
    for n, item in enumerate(items):
        found = _glued(([Cut(tuple(applied(items[:n], item)), "")], cuts(item)))
        if out and isinstance(item, Sym) and item.kind in ("bin", "rel"):
            out += [replace(found[0], fine=not long), *found[1:]]
        else:
            out = _glued((out, found)) if out else found
    return out
