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
    Big,
    Box,
    Cases,
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
from symbp.emit.mathml import (
    DISPLAY,
    PHONE,
    SMALL,
    TEXT,
    applied,
    between,
    bracket,
    element,
    elements,
    factor,
    lead,
    math,
    operand,
)
from symbp.emit.slimming import in_front
from symbp.emit.tex import BRACKETS, GAPS, SIZES, joined, tex
from symbp.emit.tex import factor as tex_factor
from symbp.emit.tex import operand as tex_operand

WHOLE, INNER, LONG = 13.0, 12.0, 30.0
"""Formulas narrower than this (in em) never break, nor do brackets of this width; products wider than the
third break between their factors too.  Indicators break, and fractions leave factors in front, where they
are wider than a phone."""

BREAK, FINE = "<wbr/>", '<wbr class="fine"/>'
"""Where a line may end, and where it may on a narrow screen."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a formula, in MathML and in TeX; before a ``fine`` one only a narrow screen breaks.

    ``inner``: the break before it is in a term or a bracket, where a wide screen breaks if no other helps.
    """

    inside: tuple[str, ...]
    source: str
    fine: bool = False
    inner: bool = False

    def __add__(self, other: Cut) -> Cut:
        return Cut(self.inside + other.inside, joined((self.source, other.source)), self.fine, self.inner)


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
    return _spelled(found)


def _spelled(found: Sequence[Cut], display: bool = True) -> str:
    runs: list[tuple[bool, list[str]]] = []
    for n, cut in enumerate(found):
        shown = element(list(cut.inside), cut.source, display)
        if n and cut.fine:
            runs[-1][1].append(shown)
        else:
            runs.append((bool(n) and cut.inner, [shown]))
    terms: list[list[str]] = []
    for inner, run in runs:
        spelled = f'<span class="run">{FINE.join(run)}</span>' if len(run) > 1 else run[0]
        terms = [*terms[:-1], [*terms[-1], spelled]] if inner else [*terms, [spelled]]
    if len(terms) == 1:
        return BREAK.join(terms[0])
    return BREAK.join(f'<span class="term">{BREAK.join(t)}</span>' if len(t) > 1 else t[0] for t in terms)


def inline(box: Box) -> str:
    """A formula in a line of text; a long equation may go on in the next line behind its left side."""
    if width(box, False) <= WHOLE:
        return math(box)
    if width(box, False) > LONG:
        return pieces(box)
    if not isinstance(box, Row) or EQUALS not in box.items:
        return _spelled([replace(c, fine=True) for c in Cutter(TEXT).cuts(box)], False)
    place = box.items.index(EQUALS)
    left, right = row(*box.items[:place]), row(*box.items[place:])
    shown = math(right) if width(right, False) <= WHOLE else pieces(right)
    return f"{math(left)}{BREAK}{shown}"


def slim(box: Box, last: bool = True) -> Box:
    """The formula whose fractions have factors in front where they are wider than a phone.

    ``last``: no factor stands behind it.
    """
    match box:
        case Terms(terms):
            return Terms(tuple((sign, slim(term)) for sign, term in terms))
        case Product(factors, gaps):
            return Product(_slim(factors, last), gaps)
        case Row(items):
            return Row(_slim(items, last))
        case Fence(body, kind):
            return Fence(slim(body), kind)
        case Script(Fence() as base, below, above):
            return Script(slim(base), below, above)
        case Frac():
            parted = _narrower(box, last) if width(box) > PHONE else None
            return box if parted is None else slim(parted, last)
        case _:
            return box


def _narrower(box: Frac, last: bool) -> Box | None:
    """A fraction with factors in front; one whose denominator is wider than a phone is as wide as that."""
    least = width(box.den, False) + 0.4
    return in_front(box, PHONE, last) or (in_front(box, least, last) if width(box) > least else None)


def _slim(boxes: Sequence[Box], last: bool) -> tuple[Box, ...]:
    return (*(slim(b, False) for b in boxes[:-1]), slim(boxes[-1], last))


def _glued(lists: Sequence[list[Cut]]) -> list[Cut]:
    """Lists side by side: the last piece of each and the first of the next are one."""
    out = lists[0]
    for pieces in lists[1:]:
        out = [*out[:-1], out[-1] + pieces[0], *pieces[1:]]
    return out


def cuts(box: Box) -> list[Cut]:
    """The formula cut in front of + and −, in wide brackets too."""
    return Cutter(DISPLAY).cuts(box)


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts formulas in a style: on lines of their own, or in a line of text."""

    style: str

    @property
    def _display(self) -> bool:
        return self.style == DISPLAY

    def cuts(self, box: Box) -> list[Cut]:
        """The formula cut in front of + and −, in wide brackets too."""
        match box:
            case Terms(terms):
                return self._terms(terms)
            case Fence(Row(items), "[") if width(box) > PHONE:
                return self._indicator(items, fence_size(box, self._display))
            case Fence(_, kind) if kind != "[" and width(box) > INNER:
                return self._fence(box)
            case Script(Fence(_, kind) as base, below, above) if kind != "[" and width(base) > INNER:
                return self._fence(base, below, above)
            case Product(factors, gaps):
                return self._product(factors, gaps)
            case Row(items):
                return self._row(items)
            case _:
                return [self._uncut(box)]

    def _uncut(self, box: Box) -> Cut:
        return Cut(tuple(elements(box, self.style)), tex(box, self._display))

    def _terms(self, terms: Sequence[tuple[str, Box]]) -> list[Cut]:
        out: list[Cut] = []
        for mark, term in terms:
            shown = f"{mark} " if out else "-" if mark == "-" else ""
            first, *rest = self.cuts(term)
            within = rest if len(terms) == 1 else [replace(c, inner=True) for c in rest]
            out += [Cut(tuple(lead(mark, not out, self.style)), shown) + first, *within]
        return out

    def _fence(self, box: Fence, below: Box | None = None, above: Box | None = None) -> list[Cut]:
        """The pieces of a bracket; its scripts are those of the closing one, as in TeX."""
        opened, closed = _brackets(box.kind, fence_size(box, self._display))
        if below is not None or above is not None:
            scripts = tuple(grouped(elements(b, SMALL)) for b in (below, above) if b is not None)
            name = "msubsup" if len(scripts) == 2 else "msub" if above is None else "msup"
            raised = "".join((grouped([closed.inside[0]]), *scripts))
            source = closed.source + tex(Script(Sym("", ""), below, above))
            closed = Cut((f"<{name}>{raised}</{name}>",), source)
        inner = self.cuts(box.body)
        if not isinstance(box.body, Terms):
            inner = [inner[0], *(replace(c, fine=True) for c in inner[1:])]
        return _glued(([opened], [inner[0], *(replace(c, inner=True) for c in inner[1:])], [closed]))

    def _indicator(self, items: Sequence[Box], size: int) -> list[Cut]:
        """The pieces of [i = k]: it breaks in front of what compares and of "and"."""
        opened, closed = _brackets("[", size)
        out: list[Cut] = []
        for n, item in enumerate(items):
            space = Cut(tuple(applied(items[:n], item)), "", True)
            found = space + self._uncut(item)
            parted = isinstance(item, Sym) and item.kind in ("rel", "words")
            out = [*out, found] if parted or not out else [*out[:-1], out[-1] + found]
        return _glued(([opened], out, [closed]))

    def _product(self, factors: Sequence[Box], gaps: Sequence[str]) -> list[Cut]:
        long = sum(map(width, factors)) > LONG
        out = self._factor(factors[0], len(factors) == 1)
        for n, gap in enumerate(gaps, 1):
            signs = Cut(tuple(between(gap, factors[n - 1], self.style)), GAPS[gap])
            behind = _glued((out, [signs]))
            first, *rest = self._factor(factors[n], n == len(gaps))
            out = [*behind, replace(first, fine=not long), *rest]
        return out

    def _factor(self, box: Box, last: bool) -> list[Cut]:
        if self._display or not isinstance(box, Frac):
            return self.cuts(box)
        return [Cut(tuple(factor(box, self.style, last)), tex_factor(box, False, last))]

    def _row(self, items: Sequence[Box]) -> list[Cut]:
        long = sum(map(width, items)) > LONG
        out: list[Cut] = []
        for n, (item, following) in enumerate(zip(items, (*items[1:], None), strict=True)):
            space = Cut(tuple(applied(items[:n], item)), "")
            found = _glued(([space], self._operand(item, following)))
            if out and isinstance(item, Sym) and item.kind in ("bin", "rel"):
                out += [replace(found[0], fine=not long), *found[1:]]
            elif out and _wide_cases(item):
                # on a phone the operator stays in the line above: nothing else makes room for the bracket
                out += [replace(found[0], fine=True), *found[1:]]
            elif out and isinstance(items[n - 1], Big) and _stiff(item):
                out += [replace(found[0], fine=True), *found[1:]]
            else:
                out = _glued((out, found)) if out else found
        return out

    def _operand(self, item: Box, following: Box | None) -> list[Cut]:
        if self._display or not isinstance(item, Frac):
            return self.cuts(item)
        return [Cut(tuple(operand(item, following, self.style)), tex_operand(item, following, False))]


def _wide_cases(box: Box) -> bool:
    """Whether the box is a bracket around cases that are wider than a phone and break nowhere."""
    return isinstance(box, Fence) and isinstance(box.body, Cases) and width(box.body) > PHONE


def _stiff(box: Box) -> bool:
    """Whether the box begins with a function of cases, which leaves no room on a phone for a Σ before it."""
    match box:
        case Product(factors, _):
            return _stiff(factors[0])
        case Row((Sym() | Script(Sym()), Fence(body) | Script(Fence(body)), *_)):
            return isinstance(body, Cases) and width(box) > INNER
        case _:
            return False


def _brackets(kind: str, size: int) -> tuple[Cut, Cut]:
    signs = zip("lr", BRACKETS[kind], strict=True)
    left, right = (f"\\{SIZES[size]}{side}{sign}" if size else sign for side, sign in signs)
    return Cut((bracket(kind, size, True),), left), Cut((bracket(kind, size, False),), right)
