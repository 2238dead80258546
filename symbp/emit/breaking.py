"""Long formulas on several lines: where they may break, and at which of these places they do.

A line ends at + and − of the formula itself before it ends in front of a bracket or a sum, there before it
ends between other factors, and in a bracket only where it must; arguments of a function are cut only where
nothing else helps.  What goes on in a bracket stands in further than what goes on outside of it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from symbp.emit.layout import (
    COMMA,
    PARTIAL,
    Big,
    Box,
    Fence,
    Frac,
    Product,
    Row,
    Script,
    Stack,
    Sym,
    Terms,
    fence_size,
    width,
)
from symbp.emit.slimming import BESIDE, DEEPER, SIGN, Slimmer
from symbp.emit.tex import BRACKETS, GAPS, SIZES, factor, joined, tex

INDENT = 2.0
"""How far the second and later lines of a formula stand in, in em."""

ENTRYWISE, BEFORE, FACTOR, BRACKET, OPERATOR, CALL, LISTED = 2.0, 3.0, 4.5, 5.0, 4.0, 8.0, 1.0
"""What a break costs more than one at a + or − of the formula: before ⊙, before a bracket or Σ, between
other factors, in a bracket, before ∂/∂x as a factor, among arguments of a function, there behind a comma."""
NESTED = 2.0
"""By how much a break in a bracket is dearer where the bracket stands in another."""
LONELY, SHORT = 8.0, 0.3
"""What it costs if a product ends on a line that is filled by less than this share of it."""
MIXED = 6.0
"""What it costs if a line that begins within a term has a part of the next term on it."""
TOO_WIDE = 1000.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a formula that stays on one line.

    ``cost`` is that of a break before it, ``signed``: there is a + or − before which TeX breaks too.
    ``lead`` stands in front of it within a line, ``start`` where it begins one; ``depth`` is the number
    of brackets that are open there.  ``joint``: the least cost of a break at
    a + or − within it that is not made.
    """

    text: str
    width: float
    cost: float = 0.0
    signed: bool = False
    lead: str = ""
    start: str = ""
    depth: int = 0
    joint: float = math.inf


Line = Sequence[Chunk]


def broken(box: Box, room: float) -> list[str]:
    """The formula on as many lines as it needs."""
    return list(_lines(box, room))


@lru_cache(maxsize=4096)
def _lines(box: Box, room: float) -> tuple[str, ...]:
    """Kept, because a page tries a formula at many widths, and at some of them again for every line."""
    return _stack(box, room, True).lines


def _stack(box: Box, room: float, display: bool) -> Stack:
    """The lines of a formula; ``display`` False: as it is set in a line of text."""
    if width(box, display) <= room:
        return Stack((tex(box, display).strip(),), width(box, display))
    pieces = chunks(SLIMMER.slimmed(box, room - INDENT, display), display=display)
    lines = filled(pieces, room, True)[1]
    wide = max(room - _space(line, room, not n) + sum(c.width for c in line) for n, line in enumerate(lines))
    first, *rest = lines
    return Stack((_spelled(first).strip(), *map(_continued, rest)), wide)


SLIMMER = Slimmer(lambda box, room: _stack(box, room, False))


def _continued(line: Line) -> str:
    spelled = _spelled(line).strip()
    # an empty group before a sign at the start of a line: it is that of a sum, with its space
    return r"\quad " * line[0].depth + "{}" * (spelled[:2] in ("+ ", "- ")) + spelled


def _spelled(line: Line) -> str:
    return joined((line[0].start, line[0].text, *(t for p in line[1:] for t in (p.lead, p.text))))


def breakable(box: Box, room: float) -> bool:
    """Whether no piece that cannot be broken is wider than the room."""
    return all(c.width <= room - DEEPER * c.depth for c in chunks(SLIMMER.slimmed(box, room)))


def in_one_piece(box: Box) -> float:
    """The widest part of a formula among words between the places where TeX breaks: relations, + and −."""
    if isinstance(box, Row) and any(map(_relates, box.items)):
        sides = (tuple(side) for related, side in groupby(box.items, _relates) if not related)
        return max(in_one_piece(Row(side)) for side in sides)
    widest = here = 0.0
    for chunk in chunks(box, display=False):
        here = chunk.width if chunk.signed else here + chunk.width
        widest = max(widest, here)
    return min(widest, width(box, False))


def _relates(box: Box) -> bool:
    return isinstance(box, Sym) and box.kind == "rel"


# ── filling lines ─────────────────────────────────────────────────────────────────────────────────


def filled(pieces: Line, room: float, first: bool) -> tuple[float, list[Line]]:
    """Lines of these pieces, and what they cost; the cheapest breaks first, so that a line that ends
    within a term has nothing of the next term on it."""
    wide, space = sum(p.width for p in pieces), _space(pieces, room, first)
    if wide <= space:
        return 0.0, [pieces]
    if len(pieces) == 1:
        return TOO_WIDE * (1 + wide - space), [pieces]
    cost = min(p.cost for p in pieces[1:])
    found = _level(pieces, cost, room, first)
    if not cost:
        return found
    # δ on one line and ∂/∂z(…) on two: then rather only a break in the bracket
    spent, lines = filled([_merged(g) for g in _groups(pieces, lambda p: p.cost != cost)], room, first)
    # a line that begins within a term goes on with the next one
    mixed = sum(line[0].cost > cost and any(p.joint == cost for p in line) for line in lines[1:])
    return min(found, (spent + MIXED * mixed, lines), key=lambda pair: pair[0])


def _space(line: Line, room: float, first: bool) -> float:
    """What a line has room for."""
    return room if first else room - INDENT - DEEPER * line[0].depth


def _level(pieces: Line, cost: float, room: float, first: bool) -> tuple[float, list[Line]]:
    """Broken at the places of one cost, and further where a line is still too long."""
    lines: list[list[Chunk]] = []
    for group in _groups(pieces, lambda p: p.cost == cost):
        space = _space(lines[-1], room, first and len(lines) == 1) if lines else room
        if lines and sum(p.width for p in (*lines[-1], *group)) <= space:
            lines[-1].extend(group)
        else:
            lines.append(list(group))
    total, out = 0.0, list[Line]()
    for n, line in enumerate(lines):
        spent, parts = filled(line, room, first and not out)
        total += spent + (1 + cost + _lonely(lines[n - 1], line, room) if n else 0.0)
        out.extend(parts)
    return total, out


def _lonely(before: Line, line: Line, room: float) -> float:
    return LONELY if line[0].start and sum(p.width for p in before) < SHORT * room else 0.0


def _groups(pieces: Line, begins: Callable[[Chunk], bool]) -> list[list[Chunk]]:
    groups: list[list[Chunk]] = []
    for n, piece in enumerate(pieces):
        if n == 0 or begins(piece):
            groups.append([piece])
        else:
            groups[-1].append(piece)
    return groups


def _merged(group: Line) -> Chunk:
    """Pieces that stay together."""
    text = joined((group[0].text, *(t for p in group[1:] for t in (p.lead, p.text))))
    joint = min((*(p.joint for p in group), *(p.cost for p in group[1:] if p.signed)))
    return replace(group[0], text=text, width=sum(p.width for p in group), joint=joint)


# ── where a formula may break ─────────────────────────────────────────────────────────────────────


def chunks(box: Box, cost: float = 0.0, display: bool = True) -> list[Chunk]:
    """The formula cut wherever it may break; ``display`` False: as it is set in a line of text."""
    match box:
        case Terms(terms):
            return _terms(terms, cost, display)
        case Product(factors, gaps):
            return _product(factors, gaps, cost, display)
        case Row(items):
            return _row(items, cost, display)
        case _:
            pieces = _bracket(box, NESTED * cost + BRACKET, display)
            return [Chunk(tex(box, display), width(box, display), cost)] if pieces is None else pieces


def _row(items: Sequence[Box], cost: float, display: bool) -> list[Chunk]:
    out: list[Chunk] = []
    for n, item in enumerate(items):
        pieces = _bracket(item, NESTED * cost + CALL, display) if n and _named(items[n - 1]) else None
        pieces = chunks(item, cost, display) if pieces is None else pieces
        if not out:
            out.extend(pieces)
        elif cost and items[n - 1] == COMMA:
            out.extend((replace(pieces[0], cost=cost + LISTED), *pieces[1:]))
        elif isinstance(item, Sym) and item.kind == "bin":
            out.append(replace(pieces[0], cost=cost + ENTRYWISE, start="{}"))
        elif isinstance(item, Sym) and item.kind == "words":
            out.append(replace(pieces[0], cost=cost + LISTED))
        else:
            out[-1] = _merged((out[-1], replace(pieces[0], lead="")))
            out.extend(pieces[1:])
    return out


def _named(box: Box) -> bool:
    """Whether the box is the name of a function, if a bracket follows."""
    match box:
        case Sym(_, _, kind):
            return kind in ("ord", "op")
        case Script(base, _, _):
            return _named(base)
        case _:
            return False


def _terms(terms: Sequence[tuple[str, Box]], cost: float, display: bool) -> list[Chunk]:
    out: list[Chunk] = []
    for n, (sign, term) in enumerate(terms):
        head, *rest = chunks(term, cost, display)
        lead = f" {sign} " if n else "-" if sign == "-" else ""
        wide = head.width + (SIGN if lead else 0)
        out.append(Chunk(lead + head.text.lstrip(), wide, cost, signed=bool(n)))
        out.extend(rest)
    return out


def _fence(box: Fence, cost: float, display: bool) -> list[Chunk]:
    inner = chunks(box.body, cost, display)
    size = SIZES[fence_size(box, display)]
    signs = zip("lr", BRACKETS[box.kind], strict=True)
    left, right = (f"\\{size}{side}{sign}" if size else sign for side, sign in signs)
    inner[0] = replace(inner[0], text=left + inner[0].text.lstrip(), width=inner[0].width + BESIDE)
    inner[-1] = replace(inner[-1], text=inner[-1].text.rstrip() + right, width=inner[-1].width + BESIDE)
    return [inner[0], *(replace(c, depth=c.depth + 1) for c in inner[1:])]


def _bracket(box: Box, cost: float, display: bool) -> list[Chunk] | None:
    """The pieces of a bracket, its scripts behind the last of them; None for another box."""
    match box:
        case Fence(_, kind) if kind != "[":
            return _fence(box, cost, display)
        case Script(Fence(_, kind) as base, below, above) if kind != "[":
            *inner, last = _fence(base, cost, display)
            text = last.text + tex(Script(Sym("", ""), below, above), display)
            wide = last.width + width(box, display) - width(base, display)
            return [*inner, replace(last, text=text, width=wide)]
        case _:
            return None


def _product(factors: Sequence[Box], gaps: Sequence[str], cost: float, display: bool) -> list[Chunk]:
    """Breaks inside factors, and between them with a visible sign."""
    last = len(factors) - 1
    out = _factor(factors[0], cost, display, not last)
    for n, gap in enumerate(gaps, 1):
        head, *rest = _factor(factors[n], cost, display, n == last)
        here = cost + (BEFORE if _opens(factors[n]) else FACTOR)
        here += OPERATOR if _differential(factors[n]) else 0.0
        wide = head.width + 0.3
        if _applied(factors[n - 1]):
            # log Σ is no product: no line ends between them
            out[-1] = _merged((out[-1], replace(head, width=wide, lead=GAPS[gap])))
            out.extend(rest)
            continue
        out.append(replace(head, width=wide, cost=here, signed=False, lead=GAPS[gap], start=r"\cdot "))
        out.extend(rest)
    return out


def _factor(box: Box, cost: float, display: bool, last: bool) -> list[Chunk]:
    """A factor; in a line of text a fraction with a slash stands in brackets before another one."""
    if not isinstance(box, Frac) or display or last:
        return chunks(box, cost, display)
    return [Chunk(factor(box, display, last), width(box, False) + BESIDE, cost)]


def _applied(box: Box) -> bool:
    """Whether the box is the name of a function, which is applied to what follows."""
    return isinstance(box, Sym) and box.kind == "op"


def _opens(box: Box) -> bool:
    """Whether the box is a bracket, a power of one, or a sum."""
    match box:
        case Script(base, _, _):
            return _opens(base)
        case Row(items):
            return isinstance(items[0], Big)
        case _:
            return isinstance(box, Fence) and box.kind == "("


def _differential(box: Box) -> bool:
    """Whether the box begins with a derivative: ∂z/∂x, ∂/∂x(…)."""
    match box:
        case Frac(top):
            return top == PARTIAL or (isinstance(top, Row) and top.items[0] == PARTIAL)
        case Row(items):
            return _differential(items[0])
        case _:
            return False
