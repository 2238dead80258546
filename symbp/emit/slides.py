"""What stands on which slide: lines come one by one, and a long derivation goes on on the next slide.

Sizes are in em of the type they are set in, and estimated (:func:`symbp.emit.layout.width`), so that the
decision is the same on every machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

from symbp.emit.arrange import MARGIN, RELATION, TAG, PageRow, arranged, text_width
from symbp.emit.breaking import INDENT, breakable
from symbp.emit.document import Part, Step
from symbp.emit.layout import Box, Cases, Fence, Frac, Script, Text, fence_size, parts, tallness, width


@dataclass(frozen=True, slots=True)
class Type:
    """A size of type: its command, and the width and height of a slide's text in its em."""

    command: str
    wide: float
    high: float


def types(wide: float) -> tuple[Type, ...]:
    """The sizes to try, largest first, on a slide so many em wide at ``\\small``."""
    # the em of small type is more than its share of that of large type
    sizes = ((r"\small", 10.0), (r"\footnotesize", 9.25), (r"\scriptsize", 8.5))
    return tuple(Type(command, wide * 10 / points, HIGH * 10 / points) for command, points in sizes)


HIGH = 20.8
"""The height of a slide's text below its title, in em of ``\\small``."""
LINE = 1.25
"""From one line of text to the next."""
AROUND = 1.6
"""The space above and below a formula of its own."""


@dataclass(frozen=True, slots=True)
class Slide:
    """One frame of a derivation.

    A line that is higher than a slide goes on on the next one.  ``repeated`` are the rows of the line that
    the last frame ended with; ``groups`` those of the lines that come one by one.  ``first``: the
    derivation begins here; ``last``: its result is here.
    """

    part: Part
    type: Type
    groups: tuple[tuple[PageRow, ...], ...]
    repeated: tuple[PageRow, ...] = ()
    lhs: Box | None = None
    first: bool = False
    last: bool = False
    used: float = 0.0


def slides(part: Part, wide: float, above: float, below: float = 0.0) -> tuple[Slide, ...]:
    """The frames of a derivation; ``above`` is the height of the words on the first, ``below`` that of those
    behind the last line, at ``\\small``.

    The type is the largest in which any line fits below the one before it, or the next one if that needs
    fewer slides; where type would be too small to read, a line need not be repeated, and one that is
    higher than a slide is cut between its rows.
    """
    sizes = types(wide)
    around = [(above * t.wide / wide, below) for t in sizes]
    found = [_filled(part, t, a, True) for t, a in zip(sizes, around, strict=True)]
    large = [f for f in found[:2] if f is not None]
    return (
        (min(large, key=len) if large else found[-1])
        or _filled(part, sizes[-1], around[-1], False)
        or _filled(part, sizes[-1], around[-1], False, force=True)
        or ()
    )


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that stay on one slide: those of a step, or of a piece of it where it is higher than a slide."""

    step: int
    rows: tuple[PageRow, ...]
    height: float
    continued: bool = False


def _filled(
    part: Part, size: Type, around: tuple[float, float], repeats: bool, force: bool = False
) -> tuple[Slide, ...] | None:
    """The frames in one size of type; None if something is too large for it."""
    if not force and any(not _breakable(s, part, size.wide) for s in part.steps):
        return None
    room = size.high - AROUND
    groups = [
        group
        for n, rows in enumerate(arranged(part, size.wide))
        for group in _groups(part.steps[n], n, rows, room - (0 if n else around[0]), force)
    ]
    again = [n > 0 and not groups[n - 1].continued and not g.continued for n, g in enumerate(groups)]
    found = balanced([g.height for g in groups], room, around, repeats, again)
    if found is None or (found.over and not force):
        return None
    return tuple(_slide(part, size, groups, cut) for cut in found.cuts)


def _slide(part: Part, size: Type, groups: Sequence[Group], cut: Cut) -> Slide:
    start, end, again, used = cut
    before = groups[start - 1] if again else None
    left = _left(part, groups[start - 1].step) if start and not groups[start].continued else None
    return Slide(
        part, size, tuple(g.rows for g in groups[start:end]), _formula(before.rows) if before else (),
        left, start == 0, end == len(groups), used + AROUND,
    )  # fmt: skip


def _groups(step: Step, n: int, rows: tuple[PageRow, ...], room: float, force: bool) -> Iterator[Group]:
    """The rows of a step, cut where they are higher than a slide if they must be shown there."""
    units: list[tuple[PageRow, ...]] = []
    for row in rows:
        # a reason stays with the formula above it
        units = [*units, (row,)] if row.rhs or not units else [*units[:-1], (*units[-1], row)]
    heights = [sum(_height(step, row) for row in unit) for unit in units]
    cuts = list(pages(heights, room)) if force else [slice(0, len(units))]
    for k, piece in enumerate(cuts):
        yield Group(n, tuple(r for unit in units[piece] for r in unit), sum(heights[piece]), k > 0)


Cut = tuple[int, int, bool, float]
"""Lines from one to another, whether the line before stands above them, and how high that is."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Lines on slides: whether one is too full, how many slides, and the squares of their heights."""

    over: bool = False
    count: int = 0
    squares: float = 0.0
    cuts: tuple[Cut, ...] = ()

    @property
    def rank(self) -> tuple[bool, int, float]:
        """Few slides, which are filled alike."""
        return self.over, self.count, self.squares


def balanced(
    heights: Sequence[float],
    room: float,
    around: tuple[float, float],
    repeats: bool,
    whole: Sequence[bool] | None = None,
) -> Cuts | None:
    """The lines on as few slides as hold them, filled alike; None without lines.

    ``whole``: before which of them the one before can be repeated; without it before any.
    """
    above, below = around
    best = [Cuts()]
    for end in range(1, len(heights) + 1):
        options: list[Cuts] = []
        for start in range(end):
            again = start > 0 and (repeats or heights[start - 1] + heights[start] <= room)
            again = again and (whole is None or whole[start])
            used = sum(heights[start - again : end])
            full = used + (0.0 if start else above)
            # what is said behind the last line and does not fit takes a slide of its own
            apart = end == len(heights) and below > 0 and full + below > room
            known = best[start]
            options.append(Cuts(
                known.over or full > room, known.count + 1 + apart, known.squares + full**2,
                (*known.cuts, (start, end, again, used)),
            ))  # fmt: skip
        best.append(min(options, key=lambda c: c.rank))
    return best[-1] if heights else None


def _formula(rows: Iterable[PageRow]) -> tuple[PageRow, ...]:
    """The rows of a line without its reason."""
    return tuple(replace(r, reason=(), wrap=False) for r in rows if r.rhs)


def _left(part: Part, n: int) -> Box:
    """The left side that holds at a step."""
    return next((s.lhs for s in reversed(part.steps[: n + 1]) if s.lhs is not None), part.lhs)


def _breakable(step: Step, part: Part, wide: float) -> bool:
    """Whether no piece of the formula that cannot be broken is wider than a line."""
    room = wide - width(_left(part, 0) if step.lhs is None else step.lhs) - RELATION - TAG - MARGIN
    return width(step.rhs) <= room or breakable(step.rhs, room - INDENT)


def _height(step: Step, row: PageRow) -> float:
    # a ragged column is never full
    words = LINE * ceil(1.2 * text_width(row.reason) / row.room) + 0.6 if row.wrap else LINE + 0.3
    return max(row_height(step.rhs, row.rhs), words if row.reason else 0.0)


def row_height(box: Box, line: str) -> float:
    """How high one line of a formula is: only some have its fractions and sums."""
    if not line:
        return 0.0
    usual = min(height(box), 9.0 if _TALL.search(line) else 1.9)
    more = line.count(r" \\ ")
    return max(usual, 1.4 * (more + 1) + 0.6) if more else usual


_TALL = re.compile(r"\\(frac|sum|prod|max|min|begin)(?![A-Za-z])")


def height(box: Box) -> float:
    """How high a formula of its own is, with the space to the next."""
    tall = min(tallness(box), 4)
    usual = (1.6, 1.9, 3.0, 3.55, 3.6)[tall] + (SCRIPTED if tall == 2 and _scripted(box) else 0.0)
    return max(usual + _bracketed(box), 1.4 * _cases(box) + 0.6)


SCRIPTED = 0.35
"""By how much an index above another one in a numerator makes a fraction higher."""


def _scripted(box: Box) -> bool:
    """Whether the numerator of a fraction has an index above another one."""
    if isinstance(box, Frac):
        return _doubly(box.num)
    return any(map(_scripted, parts(box)))


def _doubly(box: Box) -> bool:
    own = isinstance(box, Script) and box.sub is not None and box.sup is not None
    return own or any(map(_doubly, parts(box)))


def _bracketed(box: Box) -> float:
    """By how much large brackets in the numerator and the denominator make a fraction higher."""
    if isinstance(box, Frac):
        return 0.4 * sum(_largest(side) for side in (box.num, box.den))
    return max(map(_bracketed, parts(box)), default=0.0)


def _largest(box: Box) -> int:
    """The size of the largest brackets in one side of a fraction."""
    own = fence_size(box, False) if isinstance(box, Fence) and box.kind == "(" else 0
    return max([own, *map(_largest, parts(box))])


def _cases(box: Box) -> int:
    """How many lines of cases are one below the other; 0 without any."""
    inner = [*map(_cases, parts(box))]
    if isinstance(box, Frac) and any(inner):
        return sum(max(1, n) for n in inner)
    return max([len(box.rows) if isinstance(box, Cases) else 0, *inner])


def text_height(text: Text, wide: float) -> float:
    """How high a paragraph is, with the space to the next."""
    return LINE * ceil(text_width(text) / (0.95 * wide)) + 0.4 if text else 0.0


def pages(heights: Sequence[float], room: float) -> Iterator[slice]:
    """Things one below the other on as few pages as they need, which are filled alike."""
    fewest = len(_cut(heights, room))
    sums = {sum(heights[a:b]) for a in range(len(heights)) for b in range(a + 1, len(heights) + 1)}
    tight = (s for s in sorted(sums) if s < room and len(_cut(heights, s)) == fewest)
    yield from _cut(heights, next(tight, room))


def _cut(heights: Sequence[float], room: float) -> list[slice]:
    out: list[slice] = []
    start, used = 0, 0.0
    for n, high in enumerate(heights):
        if n > start and used + high > room:
            out.append(slice(start, n))
            start, used = n, 0.0
        used += high
    return [*out, slice(start, len(heights))] if heights else []
