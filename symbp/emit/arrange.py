"""Lines on a page of limited width: where long formulas break, and where reasons stand.

Widths are in em and estimated (:func:`symbp.emit.layout.width`), so that the decision is the same on
every machine and no TeX run is needed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import ceil

from symbp.emit.document import Part, Step
from symbp.emit.layout import Box, Fence, Product, Row, Sym, Terms, Text, fence_size, width, words_width
from symbp.emit.tex import GAPS, SIZES, joined, tex

TAG, GAP, RELATION, SHORTEST, INDENT = 2.8, 1.8, 1.35, 9.0, 2.0


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a formula that stays on one line.

    ``depth`` of brackets at the break before it; ``lead`` stands in front of it within a line,
    ``start`` where it begins one.
    """

    text: str
    width: float
    depth: int
    lead: str = ""
    start: str = ""


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row of aligned equations: left side, right side, reason, and the number on the last one.

    ``lap``: the formula is longer than its column and reaches into that of the reasons, which is
    empty in this row.  ``continued``: the second half of a formula.  ``room`` is the width for the
    reason, ``wrap`` whether it needs more than one line.
    """

    lhs: str = ""
    rhs: str = ""
    reason: Text = ()
    room: float = 0.0
    wrap: bool = False
    lap: bool = False
    continued: bool = False
    number: int = 0


def text_width(text: Text) -> float:
    """The width of words and formulas in a line."""
    return sum(words_width(t) if isinstance(t, str) else width(t, False) for t in text)


def arrange(part: Part, page: float, lap: bool = False) -> tuple[PageRow, ...]:
    """The rows of one derivation on a page so many em wide; ``lap``: long formulas may reach over."""
    rows = [row for group in arranged(part, page, lap) for row in group]
    return (*rows[:-1], replace(rows[-1], number=part.number)) if rows else ()


def arranged(part: Part, page: float, lap: bool = False) -> tuple[tuple[PageRow, ...], ...]:
    """The rows of each step, in columns that serve all of them."""
    left = max([width(part.lhs), *(width(s.lhs) for s in part.steps if s.lhs is not None)])
    free = page - left - RELATION - TAG
    column = _column(part, free)
    groups = []
    for n, step in enumerate(part.steps):
        lhs = part.lhs if n == 0 else step.lhs
        groups.append(tuple(_step_rows(step, tex(lhs) if lhs is not None else "", free, column, lap)))
    return tuple(groups)


def _column(part: Part, free: float) -> float:
    """Where the column of formulas ends: at the place that needs the fewest lines in all."""
    formulas = [in_one_piece(t) for s in part.steps for t in s.reason if not isinstance(t, str)]
    most = free - GAP - min(max([SHORTEST, *formulas]), free / 2)
    widths = sorted({w for s in part.steps if (w := width(s.rhs)) <= most}, reverse=True) or [most]
    return min(widths, key=lambda column: sum(_lines(s, column, free) for s in part.steps))


def in_one_piece(box: Box) -> float:
    """The widest part of a formula among words between the places where TeX breaks: relations, + and −."""
    if isinstance(box, Row) and any(map(_relates, box.items)):
        sides = (tuple(side) for related, side in groupby(box.items, _relates) if not related)
        return max(in_one_piece(Row(side)) for side in sides)
    widest = here = 0.0
    for chunk in chunks(box):
        here = here + chunk.width if chunk.depth >= _LAST_RESORT else chunk.width
        widest = max(widest, here)
    return min(widest, width(box, False))


def _relates(box: Box) -> bool:
    return isinstance(box, Sym) and box.kind == "rel"


def _lines(step: Step, column: float, free: float) -> float:
    """How many lines a step takes; a formula is about as high as two."""
    reason = ceil(text_width(step.reason) / (free - column - GAP)) if step.reason else 0
    wide = width(step.rhs)
    return max(2, reason) if wide <= column else 2 * ceil(wide / free) + reason + 0.5


def _step_rows(step: Step, lhs: str, free: float, column: float, lap: bool) -> list[PageRow]:
    room = free - column - GAP
    reason = PageRow(reason=step.reason, room=room, wrap=text_width(step.reason) > room)
    if width(step.rhs) <= column:
        return [replace(reason, lhs=lhs, rhs=tex(step.rhs).strip())]
    lines = broken(step.rhs, free if lap else column)
    rows = [PageRow(lhs, lines[0], lap=lap)]
    rows.extend(PageRow(rhs=line, lap=lap, continued=True) for line in lines[1:])
    if not lap:
        return [replace(rows[0], reason=step.reason, room=room, wrap=reason.wrap), *rows[1:]]
    return [*rows, reason] if step.reason else rows


# ── breaking formulas ─────────────────────────────────────────────────────────────────────────────


def broken(box: Box, room: float) -> list[str]:
    """The formula on as many lines as it needs; outer breaks before inner ones."""
    if width(box) <= room:
        return [tex(box).strip()]
    first, *rest = (text.strip() for text in _fill(chunks(box), room))
    # an empty group before a sign at the start of a line: it is that of a sum, with its space
    return [first, *("{}" + line if line[:2] in ("+ ", "- ") else line for line in rest)]


def _fill(pieces: Sequence[Chunk], room: float) -> list[str]:
    if sum(p.width for p in pieces) <= room or len(pieces) == 1:
        return [joined((pieces[0].start, pieces[0].text, *(t for p in pieces[1:] for t in (p.lead, p.text))))]
    outer = min(p.depth for p in pieces[1:])
    lines: list[list[Chunk]] = []
    for group in _groups(pieces, outer):
        size = sum(p.width for p in group)
        if lines and sum(p.width for p in lines[-1]) + size <= room - (INDENT if len(lines) > 1 else 0):
            lines[-1].extend(group)
        else:
            lines.append(list(group))
    out: list[str] = []
    for line in lines:
        out.extend(_fill(line, room - (INDENT if out else 0)))
    return out


def _groups(pieces: Sequence[Chunk], depth: int) -> list[list[Chunk]]:
    groups: list[list[Chunk]] = []
    for n, piece in enumerate(pieces):
        if n == 0 or piece.depth == depth:
            groups.append([piece])
        else:
            groups[-1].append(piece)
    return groups


def chunks(box: Box, depth: int = 0) -> list[Chunk]:
    """The formula cut at + and − on the line, in brackets too, and as a last resort between factors."""
    match box:
        case Terms(terms):
            return _term_chunks(terms, depth)
        case Fence(Terms(), "("):
            return _fence_chunks(box, depth)
        case Fence(_, "("):
            # the arguments of a function, a product: rather between factors than in here
            return _fence_chunks(box, depth + _LAST_RESORT)
        case Product(factors, gaps):
            return _product_chunks(factors, gaps, depth)
        case Row(items):
            return _glued([chunks(i, depth + 1) for i in items])
        case _:
            return [Chunk(tex(box), width(box), depth)]


def _glued(lists: Sequence[list[Chunk]]) -> list[Chunk]:
    out: list[Chunk] = []
    for pieces in lists:
        if out:
            head = pieces[0]
            out[-1] = replace(
                out[-1], text=joined((out[-1].text, head.text)), width=out[-1].width + head.width
            )
            out.extend(pieces[1:])
        else:
            out.extend(pieces)
    return out


def _term_chunks(terms: Sequence[tuple[str, Box]], depth: int) -> list[Chunk]:
    out: list[Chunk] = []
    for n, (sign, term) in enumerate(terms):
        inner = chunks(term, depth + 1)
        lead = f" {sign} " if n else "-" if sign == "-" else ""
        text = lead + inner[0].text.lstrip()
        out.append(Chunk(text, inner[0].width + (1.25 if lead else 0), depth))
        out.extend(inner[1:])
    return out


def _fence_chunks(box: Fence, depth: int) -> list[Chunk]:
    inner = chunks(box.body, depth + 1)
    size = SIZES[fence_size(box)]
    left, right = (f"\\{size}l(", f"\\{size}r)") if size else ("(", ")")
    inner[0] = replace(inner[0], text=left + inner[0].text.lstrip(), width=inner[0].width + 0.6)
    inner[-1] = replace(inner[-1], text=inner[-1].text.rstrip() + right, width=inner[-1].width + 0.6)
    return inner


_LAST_RESORT = 100


def _product_chunks(factors: Sequence[Box], gaps: Sequence[str], depth: int) -> list[Chunk]:
    """Breaks inside factors; between factors only if nothing else helps, with a visible sign."""
    out: list[Chunk] = []
    for n, factor in enumerate(factors):
        inner = chunks(factor, depth + 1)
        if not n:
            out.extend(inner)
            continue
        lead, head = GAPS[gaps[n - 1]], inner[0]
        out.append(
            replace(head, width=head.width + 0.3, depth=depth + _LAST_RESORT, lead=lead, start=r"\cdot ")
        )
        out.extend(inner[1:])
    return out
