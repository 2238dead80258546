"""Formulas whose fractions, roots and cases are wider than a line, in a form that fits on it.

A fraction leaves factors in front; a numerator, a denominator, a root or a case that is still too wide is
set on several lines.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from symbp.emit.layout import (
    COMMA,
    Big,
    Box,
    Cases,
    Fence,
    Frac,
    Product,
    Root,
    Row,
    Script,
    Stack,
    Sym,
    Terms,
    contains,
    num,
    width,
)

DEEPER = 1.0
"""How far a line stands in further for each bracket that is open where it begins."""
SIGN, BESIDE = 1.25, 0.6
"""The width of a + or − with its spaces, and of a bracket."""
CASES, LEAST, AWAY = 3.0, 0.55, 10.0
"""The width of the brace of cases with its spaces; which part of a line their values have at least beside
the conditions; and the width in which a condition is never broken."""

Break = Callable[[Box, float], Stack]
"""A formula, set as in a line of text, on lines of a limited width."""


@dataclass(frozen=True, slots=True)
class Slimmer:
    """Makes formulas narrower; ``broken`` sets what cannot stand on one line on several."""

    broken: Break

    def slimmed(self, box: Box, room: float, display: bool = True, before: float = 0.0) -> Box:
        """The formula, where no piece that cannot be broken is wider than the room, as far as possible.

        ``before``: the width of what its first piece cannot be parted from.
        """
        if before + width(box, display) <= room:
            return box
        match box:
            case Terms(terms):
                signs = (SIGN if n else before + SIGN * (sign == "-") for n, (sign, _) in enumerate(terms))
                signed = zip(signs, terms, strict=True)
                return Terms(tuple((s, self.slimmed(t, room, display, w)) for w, (s, t) in signed))
            case Product(factors, gaps):
                out: list[Box] = []
                for factor in factors:
                    out.append(self.slimmed(factor, room, display, before))
                    # no line ends between the name of a function and what it is applied to
                    applied = isinstance(factor, Sym) and factor.kind == "op"
                    before = before + width(factor, display) if applied else 0.0
                return Product(tuple(out), gaps)
            case Row(items):
                return self._row(items, room, display, before)
            case Fence(body, kind):
                # what goes on in a bracket stands in further, and the bracket has a width
                return Fence(self.slimmed(body, room - BESIDE - max(DEEPER, before), display), kind)
            case Script(Fence() as base, below, above):
                behind = width(box, display) - width(base, display)
                return Script(self.slimmed(base, room - behind, display, before), below, above)
            case Frac():
                return self._fraction(box, room - before) if display else self._slashed(box, room - before)
            case Root(body):
                return Root(self._stacked(body, room - before - 0.9))
            case Cases():
                return self._cases(box, room - before)
            case _:
                return box

    def _row(self, items: tuple[Box, ...], room: float, display: bool, before: float) -> Box:
        """No line ends between Σ, or the name of a function, and what stands behind it."""
        out: list[Box] = []
        for item in items:
            out.append(self.slimmed(item, room, display, before))
            separate = item == COMMA or (isinstance(item, Sym) and item.kind == "bin")
            before = 0.0 if separate or isinstance(item, Fence) else before + width(item, display)
        return Row(tuple(out))

    def _stacked(self, box: Box, room: float) -> Box:
        """The formula on several lines, one below the other, if it is too wide for one."""
        if width(box, False) <= room:
            return box
        return self.broken(box, room)

    def _slashed(self, box: Frac, room: float) -> Box:
        """A fraction that has a slash in a line of text is set upright in two halves if these are wide."""
        if max(width(box.num, False), width(box.den, False)) <= room - 1.0:
            return box
        return self._upright(box, room)

    def _upright(self, box: Frac, room: float) -> Box:
        halves = (self._stacked(side, room - 0.5) for side in (box.num, box.den))
        return replace(box, num=next(halves), den=next(halves), upright=True)

    def _fraction(self, box: Frac, room: float) -> Box:
        parted = in_front(box, room)
        return self._upright(box, room) if parted is None else self.slimmed(parted, room)

    def _cases(self, box: Cases, room: float) -> Box:
        """Values on several lines; conditions that leave them too little room stand below."""
        wide = max((width(c, False) if c else 4.0) + 1.0 for _, c in box.rows)
        beside = room - CASES - wide
        nested = any(width(value, False) > beside and contains(value, Cases) for value, _ in box.rows)
        if nested or beside < LEAST * room:
            return Cases(tuple((self._case(*row, room - CASES), NOTHING) for row in box.rows))
        return Cases(tuple((self._stacked(value, beside), cond) for value, cond in box.rows))

    def _case(self, value: Box, cond: Box | None, room: float) -> Stack:
        """A value and its condition, behind it or below."""
        shown, said = self.broken(value, room), Stack((r"\text{otherwise}",), 4.0)
        if cond is not None:
            first, *rest = self.broken(cond, max(room - 2.0, AWAY)).lines
            said = Stack((r"\text{if } " + first, *rest), width(cond, False) + 1.0)
        if len(shown.lines) == len(said.lines) == 1 and shown.wide + said.wide + 2.0 <= room:
            return Stack((rf"{shown.lines[0]} \quad {said.lines[0]}",), shown.wide + said.wide + 2.0)
        below = tuple(r"\quad " + line for line in said.lines)
        return Stack((*shown.lines, *below), max(shown.wide, said.wide + 2.0))


def in_front(box: Frac, room: float, last: bool = False) -> Product | Row | None:
    """A fraction with as few factors in front of it as help; a sum stands behind 1 over the denominator.

    ``last``: no factor stands behind the fraction, which a Σ would draw in.  None where the denominator is
    too wide itself and no product of numbers, or is an array and the numerator no product entry by entry.
    """
    top, bottom = box.num, box.den
    if box.entrywise:
        return _entry_by_entry(box, room)
    if width(bottom, False) > room - 0.3:
        return _parted_below(box, room, last)
    if not isinstance(top, Product):
        return Product((Frac(num(1), bottom), _factor(top, last)), ("thin",))
    for n in range(1, len(top.factors)):
        kept = top.factors[n:]
        rest = Frac(kept[0] if len(kept) == 1 else Product(kept, top.gaps[n:]), bottom, numbers=box.numbers)
        if width(rest) <= room:
            return Product((*top.factors[:n], rest), (*top.gaps[: n - 1], "thin"))
    # a number stays on the fraction
    above = top.factors[0]
    number = isinstance(above, Sym) and above.kind == "num"
    head = Frac(above if number else num(1), bottom)
    behind = (*top.factors[number:-1], _factor(top.factors[-1], last))
    return Product((head, *behind), ("thin", *top.gaps[number:]))


def _entry_by_entry(box: Frac, room: float) -> Row | None:
    """a ⊙ b over c as a ⊙ b/c, or as a/c ⊙ b where that has no room; then as 1/c ⊙ a ⊙ b."""
    items = box.num.items if isinstance(box.num, Row) else ()
    places = [n for n, item in enumerate(items) if isinstance(item, Sym) and item.kind == "bin"]
    if not places:
        return None
    options = [
        *((items[: n + 1], items[n + 1 :], ()) for n in places),
        *(((), items[:n], items[n:]) for n in reversed(places)),
    ]
    for before, above, behind in options:
        top = _alone(above, ())
        rest = replace(box, num=top, bare=(not isinstance(top, Terms), box.bare[1]))
        if width(rest) <= room:
            return Row((*before, rest, *behind))
    return Row((replace(box, num=num(1)), items[places[0]], *items))


def _parted_below(box: Frac, room: float, last: bool) -> Product | None:
    """x over a b as 1/a times 1/b times x, where a and b have room each."""
    below = box.den
    if not isinstance(below, Product) or not box.numbers:
        return None
    halves: list[tuple[Box, ...]] = [below.factors[:1]]
    gaps: list[tuple[str, ...]] = [()]
    for gap, factor in zip(below.gaps, below.factors[1:], strict=True):
        longer = Product((*halves[-1], factor), (*gaps[-1], gap))
        if width(longer, False) > room - 0.3:
            halves, gaps = [*halves, (factor,)], [*gaps, ()]
        else:
            halves[-1], gaps[-1] = longer.factors, longer.gaps
    if len(halves) == 1:
        return None
    fractions = (Frac(num(1), _alone(f, g)) for f, g in zip(halves, gaps, strict=True))
    above = () if box.num == num(1) else (_factor(box.num, last),)
    factors = (*fractions, *above)
    # the bars of two fractions side by side would be one
    return Product(factors, ("dot",) * (len(halves) - 1) + ("thin",) * len(above))


def _alone(factors: tuple[Box, ...], gaps: tuple[str, ...]) -> Box:
    """The product of some factors, or what stands in a row; one in brackets needs none."""
    if len(factors) > 1:
        return Product(factors, gaps) if gaps else Row(factors)
    only = factors[0]
    return only.body if isinstance(only, Fence) and only.kind == "(" else only


def _factor(box: Box, last: bool) -> Box:
    """A numerator as a factor: a sum and a ⊙ b in brackets, and a Σ where a factor stands behind it."""
    entrywise = isinstance(box, Row) and any(isinstance(i, Sym) and i.kind == "bin" for i in box.items)
    return Fence(box) if isinstance(box, Terms) or entrywise or (not last and _draws_in(box)) else box


def _draws_in(box: Box) -> bool:
    """Whether the box ends with Σ, max … and its body."""
    match box:
        case Row(items):
            return any(isinstance(item, Big) for item in items) or _draws_in(items[-1])
        case Product(factors, _):
            return _draws_in(factors[-1])
        case _:
            return False


NOTHING = Sym("", "", "words")
"""The condition of a case that has it below its value."""
