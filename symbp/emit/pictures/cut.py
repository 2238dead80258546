"""A wide picture in several: cut at a layer, whose variables stand on both sides of the cut.

What computes such a variable is before the cut, and what reads it behind.  A line that passes the cut ends
there, and the name of what it joins beyond stands at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from symbp.emit.pictures.drawing import Arrow, Drawing, Label, Point, extent, label_width

MARGIN = 0.3
BEYOND = " A name at the end of a line is that of what it joins in another of the pictures."


@dataclass(frozen=True)
class _Cut:
    """One piece: from the layer ``first`` to ``last``; both are whole where the picture ends."""

    whole: Drawing
    layer: Mapping[str, int]
    first: int
    last: int

    @property
    def left(self) -> float:
        return self.whole.bands[self.first][0] if self.first else -1.0

    @property
    def right(self) -> float:
        return self.whole.bands[self.last][1] if self.ends else self.whole.size[0] + 1.0

    @property
    def ends(self) -> bool:
        """Whether there is another piece behind this one."""
        return self.last < len(self.whole.bands) - 1

    def has(self, arrow: Arrow) -> bool:
        """Whether an arrow, or a part of it, is of this piece."""
        low, high = sorted((self.layer[arrow.source], self.layer[arrow.target]))
        if low == high:
            return (self.first < low or not self.first) and low <= self.last
        return (high > self.first or not self.first) and (low < self.last or not self.ends)


def cut(drawing: Drawing, wide: float) -> tuple[Drawing, ...]:
    """A drawing from left to right in as few pieces of a width as there can be, cut where fewest lines pass.

    A piece of two layers is not cut any more, whatever its width.
    """
    if drawing.size[0] <= wide or len(drawing.bands) < 3:
        return (drawing,)
    layer = {n.name: r for n in drawing.nodes for r, (a, b) in enumerate(drawing.bands) if a <= n.at[0] <= b}
    spans = _spans(drawing, layer, wide)
    return tuple(_piece(_Cut(drawing, layer, first, last)) for first, last in spans)


def _spans(drawing: Drawing, layer: Mapping[str, int], wide: float) -> Sequence[tuple[int, int]]:
    """From which layer to which, each from the last one of the piece before."""
    bands = drawing.bands
    through = [_through(drawing, layer, r) for r in range(len(bands))]
    kept = {layer[n.name] for n in drawing.nodes if n.role == "forward"}
    best: list[tuple[tuple[float, ...], tuple[int, ...]]] = [((0, 0, 0, 0), (0,))]
    for end in range(1, len(bands)):
        options = []
        for start in (0, *(r for r in range(1, end) if r in kept)):
            (over, count, lines, squares), way = best[start]
            room = bands[end][1] - bands[start][0]
            over += room > wide and end - start > 1
            cost = (over, count + 1, lines + through[start] * (start > 0), squares + room**2)
            options.append((cost, (*way, end)))
        best.append(min(options))
    return tuple(pairwise(best[-1][1]))


def _through(drawing: Drawing, layer: Mapping[str, int], r: int) -> int:
    """How many lines pass a layer."""
    ends = (sorted((layer[a.source], layer[a.target])) for a in drawing.arrows)
    return sum(low < r < high for low, high in ends)


def _piece(piece: _Cut) -> Drawing:
    drawing = piece.whole
    nodes = tuple(
        n
        for n in drawing.nodes
        if piece.first <= piece.layer[n.name] < piece.last
        or (piece.layer[n.name] == piece.last and (n.role == "forward" or not piece.ends))
    )
    shown = {n.name for n in nodes}
    parted = (_clipped(a, piece.left, piece.right) for a in drawing.arrows if piece.has(a))
    arrows = tuple(part for parts in parted for part in parts)
    labels = tuple(k for k in drawing.labels if k.name in shown and piece.left <= k.at[0] <= piece.right)
    stubs = tuple(k for a in arrows if a.role == "forward" for k in _stubs(piece, a))
    caption = (*drawing.caption, BEYOND) if stubs else drawing.caption
    key = f"{drawing.id}-{piece.first}"
    return _fitted(replace(
        drawing, id=key, nodes=nodes, arrows=arrows, labels=(*labels, *stubs), caption=caption, bands=()
    ))  # fmt: skip


def _clipped(arrow: Arrow, left: float, right: float) -> Iterator[Arrow]:
    """The parts of an arrow between two borders, which only its straight segments cross."""
    start, end = arrow.start, arrow.segments[-1][-1]
    part: list[tuple[Point, ...]] = []
    at = first = start
    for segment in arrow.segments:
        inside = _inside(at, segment, left, right)
        if inside is None or (part and inside[0] != at):
            if part:
                yield _part(arrow, first, part, end)
            part = []
        if inside is not None:
            first = first if part else inside[0]
            part.append(inside[1])
            if inside[1][-1] != segment[-1]:
                yield _part(arrow, first, part, end)
                part = []
        at = segment[-1]
    if part:
        yield _part(arrow, first, part, end)


def _part(arrow: Arrow, start: Point, segments: Sequence[tuple[Point, ...]], end: Point) -> Arrow:
    return replace(arrow, start=start, segments=tuple(segments), tip=arrow.tip and segments[-1][-1] == end)


def _inside(
    at: Point, segment: tuple[Point, ...], left: float, right: float
) -> tuple[Point, tuple[Point, ...]] | None:
    """The part of a segment between the borders; None if it is outside."""
    to = segment[-1]
    low, high = min(at[0], to[0]), max(at[0], to[0])
    if high <= left or low >= right:
        return None
    if len(segment) > 1 or (left <= low and high <= right):
        return at, segment
    a, b = (_between(at, to, min(max(p[0], left), right)) for p in (at, to))
    return a, (b,)


def _between(a: Point, b: Point, x: float) -> Point:
    return x, a[1] + (b[1] - a[1]) * (x - a[0]) / (b[0] - a[0])


def _stubs(piece: _Cut, arrow: Arrow) -> Iterator[Label]:
    """The name of what an arrow joins beyond a border that it reaches."""
    near, far = sorted((arrow.source, arrow.target), key=lambda n: piece.layer[n])
    boxes = {n.name: n.label for n in piece.whole.nodes}
    for x, y in (arrow.start, arrow.segments[-1][-1]):
        name = near if x == piece.left else far if x == piece.right else None
        box = boxes[name] if name is not None else None
        if name is not None and box is not None:
            at = (x + 0.3, y) if name == far else (x - 0.3 - label_width(box), y)
            yield Label(f"{arrow.id}-beyond", name, box, at, "start", "plain")


def _fitted(drawing: Drawing) -> Drawing:
    """Moved into the corner, and no larger than what is there."""
    boxes = [*map(extent, drawing.nodes), *map(extent, drawing.labels)]
    points = [p for a in drawing.arrows for p in (a.start, *(q for s in a.segments for q in s))]
    left = min([b[0] for b in boxes] + [p[0] for p in points]) - MARGIN
    top = min([b[1] for b in boxes] + [p[1] for p in points]) - MARGIN
    right = max([b[2] for b in boxes] + [p[0] for p in points]) + MARGIN
    bottom = max([b[3] for b in boxes] + [p[1] for p in points]) + MARGIN

    def moved(point: Point) -> Point:
        return point[0] - left, point[1] - top

    return replace(
        drawing,
        size=(round(right - left, 3), round(bottom - top, 3)),
        nodes=tuple(replace(n, at=moved(n.at)) for n in drawing.nodes),
        arrows=tuple(
            replace(a, start=moved(a.start), segments=tuple(tuple(map(moved, s)) for s in a.segments))
            for a in drawing.arrows
        ),
        labels=tuple(replace(k, at=moved(k.at)) for k in drawing.labels),
    )
