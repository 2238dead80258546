"""Lines on a page of limited width: where reasons stand, and where formulas that leave no room for them.

Widths are in em and estimated (:func:`symbp.emit.layout.width`), so that the decision is the same on
every machine and no TeX run is needed for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import ceil

from symbp.emit.breaking import broken, in_one_piece
from symbp.emit.document import Part, Step
from symbp.emit.layout import Box, Text, merged, width, words_width
from symbp.emit.tex import tex

TAG, GAP, RELATION, SHORTEST = 2.8, 1.8, 1.35, 9.0
MOST_TOGETHER = 8
"""So many rows of one formula stay on a page."""
SLACK = 1.06
"""By how much a formula among words may be wider than estimated: small type is wider for its height."""
MARGIN = (TAG + GAP) / 3
"""How far in ``align`` begins where its two columns fill the page: it shares out what is left."""


@dataclass(frozen=True, slots=True)
class PageRow:
    """A row of aligned equations: left side, right side, reason, and the number on the last one.

    ``lap``: the formula is longer than its column, of this width, and reaches into that of the reasons,
    which is empty in this row; 0: it is not.  ``continued``: the second half of a formula.  ``room`` is
    the width for the reason, ``wrap`` whether it needs more than one line, ``below`` whether it stands
    in the column of the formulas.  ``kept``: the row is on the page of the one above it; ``loose``: it
    need not be, though it continues a formula, which is too long to stay on one page.
    """

    lhs: str = ""
    rhs: str = ""
    reason: Text = ()
    room: float = 0.0
    wrap: bool = False
    below: bool = False
    lap: float = 0.0
    continued: bool = False
    number: int = 0
    kept: bool = False
    loose: bool = False

    @property
    def stays(self) -> bool:
        """Whether no page may end above the row."""
        return self.kept or (self.continued and not self.loose) or not self.rhs


def text_width(text: Text) -> float:
    """The width of words and formulas in a line."""
    return sum(words_width(t) if isinstance(t, str) else width(t, False) for t in text)


def arrange(part: Part, page: float) -> tuple[PageRow, ...]:
    """The rows of one derivation on a page so many em wide."""
    *groups, last = arranged(part, page) or ((),)
    # the result is not left alone on the next page
    groups.append((replace(last[0], kept=bool(groups)), *last[1:]) if last else ())
    rows = settled(row for group in groups for row in _loosened(group))
    return (*rows[:-1], replace(rows[-1], number=part.number)) if rows else ()


def _loosened(group: tuple[PageRow, ...]) -> Iterator[PageRow]:
    """The rows of a step: a page may end within a long formula, but not near its ends."""
    heights = [1 + row.rhs.count(r" \\ ") / 2 for row in group]
    near = MOST_TOGETHER / 2
    for n, row in enumerate(group):
        within = sum(heights[:n]) >= near and sum(heights[n:]) > near
        yield replace(row, loose=within and sum(heights) > MOST_TOGETHER and row.continued)


def arranged(part: Part, page: float) -> tuple[tuple[PageRow, ...], ...]:
    """The rows of each step, in columns that serve all of them."""
    free = page - widest_left(part) - RELATION - TAG
    column = _column(part, free)
    return tuple(
        tuple(_step_rows(step, left_side(part, n), free, column)) for n, step in enumerate(part.steps)
    )


def widest_left(part: Part) -> float:
    """The width of the widest left side."""
    return max([width(part.lhs), *(width(s.lhs) for s in part.steps if s.lhs is not None)])


def left_side(part: Part, n: int) -> str:
    """What stands left of a step."""
    lhs = part.lhs if n == 0 else part.steps[n].lhs
    return tex(lhs) if lhs is not None else ""


def _column(part: Part, free: float) -> float:
    """Where the column of formulas ends: at the place that needs the fewest lines in all."""
    formulas = [SLACK * in_one_piece(t) for s in part.steps for t in s.reason if not isinstance(t, str)]
    most = free - GAP - min(max([SHORTEST, *formulas]), free / 2)
    widths = sorted({w for s in part.steps if (w := width(s.rhs)) <= most}, reverse=True) or [most]
    return min(widths, key=lambda column: sum(_lines(s, column, free) for s in part.steps))


def _lines(step: Step, column: float, free: float) -> float:
    """How many lines a step takes; a formula is about as high as two."""
    reason = ceil(text_width(step.reason) / (free - column - GAP)) if step.reason else 0
    wide = width(step.rhs)
    return max(2, reason) if wide <= column else 2 * ceil(wide / free) + reason + 0.5


def _step_rows(step: Step, lhs: str, free: float, column: float) -> list[PageRow]:
    room = free - column - GAP
    reason = PageRow(reason=step.reason, room=room, wrap=text_width(step.reason) > room)
    if width(step.rhs) <= column:
        return [replace(reason, lhs=lhs, rhs=tex(step.rhs).strip())]
    first, *rest = broken(step.rhs, free - MARGIN)
    rows = [PageRow(lhs, first, lap=column), *(PageRow(rhs=r, lap=column, continued=True) for r in rest)]
    return [*rows, reason] if step.reason else rows


def settled(rows: Iterable[PageRow]) -> tuple[PageRow, ...]:
    """The rows that stand in one block, all of them within the page.

    ``align`` centres its columns, so they must be as wide as what reaches over them: where a formula
    does, the reasons are given all of their room.  Where no reason stands beside a formula one column is
    enough, and nothing reaches over anything.
    """
    found = tuple(rows)
    column = max((r.lap for r in found), default=0.0)
    if not column:
        return found
    if any(r.rhs and r.reason for r in found):
        first = next(n for n, r in enumerate(found) if r.reason)
        return (*found[:first], replace(found[first], wrap=True), *found[first + 1 :])
    return tuple(_below(replace(r, lap=0.0), column) for r in found)


def _below(row: PageRow, column: float) -> PageRow:
    """A reason that has the width of both columns."""
    room = row.room + column + GAP - MARGIN
    return replace(row, below=True, room=room, wrap=text_width(row.reason) > room) if row.reason else row


# ── without columns that reach over ───────────────────────────────────────────────────────────────


def stacked(part: Part, page: float) -> tuple[PageRow, ...]:
    """The rows of one derivation where nothing reaches over a column: a long reason stands in the column
    of the formulas, on as many rows as it needs.  The number is at the end of the last formula."""
    free = page - widest_left(part) - RELATION - TAG
    column = min(_candidates(part, free), key=lambda c: sum(_height(s, c, free) for s in part.steps))
    groups = [_stack(step, left_side(part, n), column, free) for n, step in enumerate(part.steps)]
    *others, last = groups or [[]]
    place = max((n for n, r in enumerate(last) if r.rhs), default=-1)
    numbered = (replace(r, number=part.number if n == place else 0) for n, r in enumerate(last))
    return (*(r for group in others for r in group), *numbered)


def _candidates(part: Part, free: float) -> list[float]:
    widths = {min(w, free) for s in part.steps for w in (width(s.rhs), free - GAP - text_width(s.reason))}
    return sorted((w for w in {*widths, free} if w >= free / 3), reverse=True)


def _beside(step: Step, column: float, free: float) -> bool:
    # a column may be chosen so that the reason just fits: rounding must not spoil that
    return text_width(step.reason) <= free - column - GAP + 1e-6


def _height(step: Step, column: float, free: float) -> float:
    """How high a step is; a formula that is cut only for its reason's sake counts as higher."""
    lines, least = (len(broken(step.rhs, wide)) for wide in (column, free))
    below = 0 if _beside(step, column, free) or not step.reason else len(wrapped(step.reason, column - 1))
    return 2.0 * lines + 2.0 * (lines - least) + 1.2 * below


def _stack(step: Step, lhs: str, column: float, free: float) -> list[PageRow]:
    first, *rest = broken(step.rhs, column)
    rows = [PageRow(lhs, first), *(PageRow(rhs=r, continued=True) for r in rest)]
    if not step.reason or _beside(step, column, free):
        return [replace(rows[0], reason=step.reason), *rows[1:]]
    return [*rows, *(PageRow(reason=line, below=True) for line in wrapped(step.reason, column - 1))]


def wrapped(text: Text, room: float) -> list[Text]:
    """Words and formulas on lines of a limited width."""
    first, *words = _words(text)
    lines: list[list[str | Box]] = [first]
    for word in words:
        if text_width((*lines[-1], " ", *word)) > room:
            lines.append(word)
        else:
            lines[-1] += [" ", *word]
    return [merged(line) for line in lines]


def _words(text: Text) -> list[list[str | Box]]:
    """What stands between spaces: words, with the formulas and punctuation that touch them."""
    words: list[list[str | Box]] = [[]]
    for item in text:
        start, *rest = item.split(" ") if isinstance(item, str) else [item]
        words[-1].append(start)
        words.extend([w] for w in rest)
    return words
