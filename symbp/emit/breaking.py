"""Long formulas on several lines: where they may break, and at which of these places they do.

A line ends at + and − of the formula itself before it ends in front of a bracket or a sum, there before it
ends between other factors, and in a bracket only where it must; arguments of a function are cut only where
nothing else helps.  What goes on in a bracket stands in further than what goes on outside of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
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
    Sym,
    Terms,
    fence_size,
    num,
    width,
)
from symbp.emit.tex import GAPS, SIZES, joined, tex

INDENT = 2.0
"""How far the second and later lines of a formula stand in, in em."""

ENTRYWISE, BEFORE, FACTOR, BRACKET, OPERATOR, CALL, LISTED = 2.0, 3.0, 4.5, 5.0, 4.0, 8.0, 1.0
"""What a break costs more than one at a + or − of the formula: before ⊙, before a bracket or Σ, between
other factors, in a bracket, before ∂/∂x as a factor, among arguments of a function, there behind a comma."""
DEEPER = 1.0
"""How far a line stands in further for each bracket that is open where it begins."""
NESTED = 2.0
"""By how much a break in a bracket is dearer where the bracket stands in another."""
SIGN, BESIDE = 1.25, 0.6
"""The width of a + or − with its spaces, and of a bracket."""
LONELY, SHORT = 8.0, 0.3
"""What it costs if a product ends on a line that is filled by less than this share of it."""
TOO_WIDE = 1000.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a formula that stays on one line.

    ``cost`` is that of a break before it, ``signed``: there is a + or − before which TeX breaks too.
    ``lead`` stands in front of it within a line, ``start`` where it begins one; ``depth`` is the number
    of brackets that are open there.
    """

    text: str
    width: float
    cost: float = 0.0
    signed: bool = False
    lead: str = ""
    start: str = ""
    depth: int = 0


Line = Sequence[Chunk]


def broken(box: Box, room: float) -> list[str]:
    """The formula on as many lines as it needs."""
    if width(box) <= room:
        return [tex(box).strip()]
    pieces = chunks(slimmed(box, room - INDENT))
    first, *rest = filled(pieces, room, True)[1]
    return [_spelled(first).strip(), *map(_continued, rest)]


def _continued(line: Line) -> str:
    spelled = _spelled(line).strip()
    # an empty group before a sign at the start of a line: it is that of a sum, with its space
    return r"\quad " * line[0].depth + "{}" * (spelled[:2] in ("+ ", "- ")) + spelled


def _spelled(line: Line) -> str:
    return joined((line[0].start, line[0].text, *(t for p in line[1:] for t in (p.lead, p.text))))


def breakable(box: Box, room: float) -> bool:
    """Whether no piece that cannot be broken is wider than the room."""
    return all(c.width <= room - DEEPER * c.depth for c in chunks(slimmed(box, room)))


def in_one_piece(box: Box) -> float:
    """The widest part of a formula among words between the places where TeX breaks: relations, + and −."""
    if isinstance(box, Row) and any(map(_relates, box.items)):
        sides = (tuple(side) for related, side in groupby(box.items, _relates) if not related)
        return max(in_one_piece(Row(side)) for side in sides)
    widest = here = 0.0
    for chunk in chunks(box):
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
    without = filled([_merged(g) for g in _groups(pieces, lambda p: p.cost != cost)], room, first)
    return min(found, without, key=lambda pair: pair[0])


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
    return replace(group[0], text=text, width=sum(p.width for p in group))


# ── fractions that are too wide ───────────────────────────────────────────────────────────────────


def slimmed(box: Box, room: float) -> Box:
    """The formula where a fraction that is too wide for a line leaves some of its factors in front."""
    match box:
        case Terms(terms):
            signs = (SIGN if n or sign == "-" else 0.0 for n, (sign, _) in enumerate(terms))
            return Terms(tuple((s, slimmed(t, room - w)) for w, (s, t) in zip(signs, terms, strict=True)))
        case Product(factors, gaps):
            return Product(tuple(slimmed(f, room) for f in factors), gaps)
        case Row(items):
            return Row(tuple(slimmed(i, room) for i in items))
        case Fence(body, "("):
            # what goes on in a bracket stands in further, and the bracket has a width
            return Fence(slimmed(body, room - DEEPER - BESIDE))
        case Script(Fence(_, "(") as base, None, above):
            return Script(slimmed(base, room - width(box) + width(base)), None, above)
        case Frac(top, bottom) if width(box) > room:
            return _in_front(top, bottom, room)
        case _:
            return box


def _in_front(top: Box, bottom: Box, room: float) -> Box:
    """As few factors of the numerator as help; a sum of terms all of it, behind 1 over the denominator."""
    if not isinstance(top, Product):
        return Product((Frac(num(1), bottom), Fence(slimmed(top, room))), ("thin",))
    for n in range(1, len(top.factors)):
        kept = top.factors[n:]
        rest = Frac(kept[0] if len(kept) == 1 else Product(kept, top.gaps[n:]), bottom)
        if width(rest) <= room or n == len(top.factors) - 1:
            return Product((*top.factors[:n], rest), (*top.gaps[: n - 1], "thin"))
    return Frac(top, bottom)


# ── where a formula may break ─────────────────────────────────────────────────────────────────────


def chunks(box: Box, cost: float = 0.0) -> list[Chunk]:
    """The formula cut wherever it may break."""
    match box:
        case Terms(terms):
            return _terms(terms, cost)
        case Product(factors, gaps):
            return _product(factors, gaps, cost)
        case Row(items):
            return _row(items, cost)
        case _:
            pieces = _bracket(box, NESTED * cost + BRACKET)
            return [Chunk(tex(box), width(box), cost)] if pieces is None else pieces


def _row(items: Sequence[Box], cost: float) -> list[Chunk]:
    out: list[Chunk] = []
    for n, item in enumerate(items):
        pieces = _bracket(item, NESTED * cost + CALL) if n and _named(items[n - 1]) else None
        pieces = chunks(item, cost) if pieces is None else pieces
        if not out:
            out.extend(pieces)
        elif cost and items[n - 1] == COMMA:
            out.extend((replace(pieces[0], cost=cost + LISTED), *pieces[1:]))
        elif isinstance(item, Sym) and item.kind == "bin":
            out.append(replace(pieces[0], cost=cost + ENTRYWISE, start="{}"))
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


def _terms(terms: Sequence[tuple[str, Box]], cost: float) -> list[Chunk]:
    out: list[Chunk] = []
    for n, (sign, term) in enumerate(terms):
        head, *rest = chunks(term, cost)
        lead = f" {sign} " if n else "-" if sign == "-" else ""
        wide = head.width + (SIGN if lead else 0)
        out.append(Chunk(lead + head.text.lstrip(), wide, cost, signed=bool(n)))
        out.extend(rest)
    return out


def _fence(box: Fence, cost: float) -> list[Chunk]:
    inner = chunks(box.body, cost)
    size = SIZES[fence_size(box)]
    left, right = (f"\\{size}l(", f"\\{size}r)") if size else ("(", ")")
    inner[0] = replace(inner[0], text=left + inner[0].text.lstrip(), width=inner[0].width + BESIDE)
    inner[-1] = replace(inner[-1], text=inner[-1].text.rstrip() + right, width=inner[-1].width + BESIDE)
    return [inner[0], *(replace(c, depth=c.depth + 1) for c in inner[1:])]


def _bracket(box: Box, cost: float) -> list[Chunk] | None:
    """The pieces of a bracket, a superscript of it behind the last of them; None for another box."""
    match box:
        case Fence(_, "("):
            return _fence(box, cost)
        case Script(Fence(_, "(") as base, None, above) if above is not None:
            *inner, last = _fence(base, cost)
            text = last.text + tex(Script(Sym("", ""), None, above))
            return [*inner, replace(last, text=text, width=last.width + width(box) - width(base))]
        case _:
            return None


def _product(factors: Sequence[Box], gaps: Sequence[str], cost: float) -> list[Chunk]:
    """Breaks inside factors, and between them with a visible sign."""
    out = chunks(factors[0], cost)
    for gap, factor in zip(gaps, factors[1:], strict=True):
        head, *rest = chunks(factor, cost)
        here = cost + (BEFORE if _opens(factor) else FACTOR)
        here += OPERATOR if _differential(factor) else 0.0
        wide = head.width + 0.3
        out.append(replace(head, width=wide, cost=here, signed=False, lead=GAPS[gap], start=r"\cdot "))
        out.extend(rest)
    return out


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
        case Frac(top, _, _):
            return top == PARTIAL or (isinstance(top, Row) and top.items[0] == PARTIAL)
        case Row(items):
            return _differential(items[0])
        case _:
            return False
