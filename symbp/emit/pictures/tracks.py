"""The places of nodes and the ways of arrows in a layered drawing.

Between two layers lies a gap.  A curve runs within one gap and passes a layer straight down, in the
place that the edge has there; a recurrence leaves its gap around the right side of the picture, on a
track of its own in each gap and in a lane of its own at the side.  So no arrow meets a node on its way.

All of it is planned from top to bottom; a drawing from left to right is that one with x and y exchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from symbp.emit.pictures.drawing import Point, flank, rim
from symbp.emit.pictures.layered import PASS, Edge, Layers
from symbp.emit.pictures.reads import Loop

HEIGHT = 2.1
"""The height of a node with a label of one line."""
PAIR = 0.42
"""The distance of an adjoint's arrow from that of the value."""
SPAN, TRACK = 2.0, 1.0
"""The height of a gap for its curves, and what each track adds to it."""
MARGIN = 0.3

Segments = tuple[tuple[Point, ...], ...]


@dataclass(frozen=True, slots=True)
class Line:
    """The way of a value, and that of the adjoint in the opposite direction.

    A loop that ``joins`` branches off another one: its adjoint ends where that one passes.
    """

    source: str
    target: str
    start: Point
    segments: Segments
    back: tuple[Point, Segments] | None = None
    loop: bool = False
    joins: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """Where everything is: ``beside`` has the place of each loop's label, ``bands`` from where to where along
    the flow each layer reaches, with its tracks."""

    at: Mapping[str, Point]
    lines: tuple[Line, ...]
    beside: tuple[Point, ...]
    size: Point
    bands: tuple[Point, ...]

    def turned(self) -> Plan:
        """From left to right instead of from top to bottom."""
        lines = (
            replace(k, start=_flip(k.start), segments=_flipped(k.segments),
                    back=(_flip(k.back[0]), _flipped(k.back[1])) if k.back else None)
            for k in self.lines
        )  # fmt: skip
        at = {n: _flip(p) for n, p in self.at.items()}
        return Plan(at, tuple(lines), tuple(map(_flip, self.beside)), _flip(self.size), self.bands)


def _flip(point: Point) -> Point:
    return point[1], point[0]


def _flipped(segments: Segments) -> Segments:
    return tuple(tuple(map(_flip, s)) for s in segments)


@dataclass(frozen=True, slots=True)
class Sizes:
    """What takes room: across the flow of values (upright: from left to right) and along it.

    ``own`` has the sizes of the nodes, across and along; with what stands beside them, ``sides`` has the room
    to both sides of their middles and ``depths`` that along.  ``labels`` are the sizes of those of the loops.
    """

    own: Mapping[str, Point]
    sides: Mapping[str, tuple[float, float]]
    depths: Mapping[str, float]
    labels: tuple[Point, ...]
    turned: bool = False


@dataclass(frozen=True)
class _Sheet:
    found: Layers
    x: Mapping[str, float]
    sizes: Sizes
    shapes: Mapping[str, str]
    alive: frozenset[str]
    loops: tuple[Loop, ...]
    layer: Mapping[str, int]
    depths: tuple[float, ...]
    tops: tuple[float, ...]
    ports: Mapping[tuple[str, str, str], float] = field(default_factory=dict)

    def middle(self, name: str) -> float:
        r = self.layer[name]
        return self.tops[r] + self.depths[r] / 2

    def end(self, name: str, x: float, below: bool) -> Point:
        """Where a vertical line at ``x`` meets a node."""
        size, shape, beside = self.sizes.own[name], self.shapes[name], x - self.x[name]
        up = flank(shape, _flip(size), beside) if self.sizes.turned else rim(shape, size, beside)
        return x, self.middle(name) + (up if below else -up)

    def paired(self, a: str, b: str) -> bool:
        return a in self.alive and b in self.alive


def planned(
    found: Layers,
    x: Mapping[str, float],
    sizes: Sizes,
    loops: tuple[Loop, ...],
    alive: frozenset[str],
    shapes: Mapping[str, str],
) -> Plan:
    """The places of all nodes, lines and labels."""
    layer = {n: r for r, row in enumerate(found.rows) for n in row}
    x = {n: value + MARGIN for n, value in x.items()}
    depths = tuple(max(sizes.depths[n] for n in row if n in sizes.own) for row in found.rows)
    tops = _tops(depths, loops, layer)
    sheet = _Sheet(found, x, sizes, shapes, alive, loops, layer, depths, tops)
    sheet = replace(sheet, ports=_ports(sheet))
    lanes = _lanes(sheet)
    lines = [_edge(sheet, e) for e in found.ways]
    lines += [line for k, lane in enumerate(lanes) for line in _turn(sheet, k, lane)]
    beside = tuple(_beside(sheet, k, lanes) for k in range(len(loops)))
    at = {n: (x[n], sheet.middle(n)) for n in sizes.own}
    bands = tuple((_ceiling(sheet, r), _floor(sheet, r)) for r in range(len(tops)))
    plan = Plan(at, tuple(lines), beside, _size(sheet, lanes, beside), bands)
    return plan.turned() if sizes.turned else plan


def _size(sheet: _Sheet, lanes: Sequence[float], beside: Sequence[Point]) -> Point:
    labels = sheet.sizes.labels
    right = max(sheet.x[n] + sheet.sizes.sides.get(n, (PASS, PASS))[1] for n in sheet.layer)
    width = max([right, *(lane + 0.35 + w for lane, (w, _) in zip(lanes, labels, strict=True))])
    bottom = _floor(sheet, len(sheet.tops) - 1)
    height = max([bottom, *(y + h / 2 for (_, y), (_, h) in zip(beside, labels, strict=True))])
    return round(width + MARGIN, 3), round(height + MARGIN, 3)


def _tops(depths: Sequence[float], loops: tuple[Loop, ...], layer: Mapping[str, int]) -> tuple[float, ...]:
    tops = []
    y = MARGIN
    for r, depth in enumerate(depths):
        y += TRACK * _above(loops, layer, r)
        tops.append(y)
        y += depth + TRACK * _below(loops, layer, r) + SPAN
    return tuple(tops)


def _below(loops: tuple[Loop, ...], layer: Mapping[str, int], r: int) -> int:
    """How many tracks run below a layer: one for each variable that a loop reads."""
    return sum(layer[k.source] == r for k in loops)


def _above(loops: tuple[Loop, ...], layer: Mapping[str, int], r: int) -> int:
    return sum(any(layer[t] == r for t in k.targets) for k in loops)


# ── ports ─────────────────────────────────────────────────────────────────────────────────────────


def _ports(sheet: _Sheet) -> dict[tuple[str, str, str], float]:
    """The x of each arrow at each of its ends, by node, side and the other end."""
    out: dict[tuple[str, str, str], float] = {}
    for name in sheet.sizes.own:
        down = [(sheet.x[way[1]], b) for (a, b), way in sheet.found.ways.items() if a == name]
        up = [(sheet.x[way[-2]], a) for (a, b), way in sheet.found.ways.items() if b == name]
        leaving = [b for _, b in sorted(down)] + ["@" for k in sheet.loops if k.source == name]
        coming = [a for _, a in sorted(up)]
        coming += ["@" + k.source for k in sheet.loops[::-1] if name in k.targets]
        for side, others in (("down", leaving), ("up", coming)):
            for k, other in enumerate(others):
                out[name, side, other] = sheet.x[name] + _spread(k, len(others), sheet.sizes.own[name][0])
    return out


def _spread(k: int, count: int, width: float) -> float:
    if count == 1:
        return 0.0
    step = min(0.95, (width - 0.75) / (count - 1))
    return (k - (count - 1) / 2) * step


# ── edges ─────────────────────────────────────────────────────────────────────────────────────────


def _edge(sheet: _Sheet, edge: Edge) -> Line:
    a, b = edge
    way = sheet.found.ways[edge]
    xs = [sheet.ports[a, "down", b], *(sheet.x[n] for n in way[1:-1]), sheet.ports[b, "up", a]]
    paired = sheet.paired(a, b)
    shift = PAIR / 2 if paired else 0.0
    points = _passed(sheet, edge, [x - shift for x in xs])
    back = None
    if paired:
        again = _passed(sheet, edge, [x + shift for x in xs])[::-1]
        back = (again[0], _curves(again))
    return Line(a, b, points[0], _curves(points), back)


def _passed(sheet: _Sheet, edge: Edge, xs: Sequence[float]) -> list[Point]:
    """The points of a way: the rim of the upper node, both borders of each layer passed, the lower rim.

    Where tracks lie above or below a layer, the way is straight through them too.
    """
    a, b = edge
    points = [sheet.end(a, xs[0], True), (xs[0], _floor(sheet, sheet.layer[a]))]
    for r, x in zip(range(sheet.layer[a] + 1, sheet.layer[b]), xs[1:-1], strict=True):
        points += [(x, _ceiling(sheet, r)), (x, _floor(sheet, r))]
    return [*points, (xs[-1], _ceiling(sheet, sheet.layer[b])), sheet.end(b, xs[-1], False)]


def _floor(sheet: _Sheet, r: int) -> float:
    return sheet.tops[r] + sheet.depths[r] + TRACK * _below(sheet.loops, sheet.layer, r)


def _ceiling(sheet: _Sheet, r: int) -> float:
    return sheet.tops[r] - TRACK * _above(sheet.loops, sheet.layer, r)


def _curves(points: Sequence[Point]) -> Segments:
    """Straight where a way is vertical, else a curve with vertical ends."""
    out: list[tuple[Point, ...]] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        half = (y1 - y0) / 2
        if abs(x0 - x1) > 1e-9:
            out.append(((x0, y0 + half), (x1, y1 - half), (x1, y1)))
        elif abs(half) > 1e-9:
            out.append(((x1, y1),))
    return tuple(out)


# ── loops ─────────────────────────────────────────────────────────────────────────────────────────


def _span(sheet: _Sheet, k: int) -> tuple[float, float]:
    loop = sheet.loops[k]
    ys = [_track(sheet, k, sheet.layer[t], False) for t in loop.targets]
    ys.append(_track(sheet, k, sheet.layer[loop.source], True))
    return min(ys), max(ys)


def _lanes(sheet: _Sheet) -> tuple[float, ...]:
    """The x of each loop at the side: the short ones inside, and as few lanes as there can be."""
    labels = sheet.sizes.labels
    spans = [_span(sheet, k) for k in range(len(sheet.loops))]
    order = sorted(range(len(spans)), key=lambda k: (spans[k][1] - spans[k][0], k))
    reach = [_reached(span, label[1]) for span, label in zip(spans, labels, strict=True)]
    lanes = dict.fromkeys(order, 0.0)
    for n, k in enumerate(order):
        low, high = reach[k]
        met = [j for j in order[:n] if reach[j][0] - 1 < high and low < reach[j][1] + 1]
        lanes[k] = max([_right(sheet, k, reach[k]) + 1.0, *(lanes[j] + labels[j][0] + 1.3 for j in met)])
    return tuple(lanes[k] for k in range(len(order)))


def _reached(span: tuple[float, float], label: float) -> tuple[float, float]:
    """A loop's part of its lane, and of the lane beside that its label takes."""
    middle = max(sum(span), label) / 2
    return min(span[0], middle - label / 2), max(span[1], middle + label / 2)


def _right(sheet: _Sheet, k: int, reach: tuple[float, float]) -> float:
    """The right end of the layers that a loop passes, and of those that its label stands beside."""
    loop = sheet.loops[k]
    first, last = sorted((min(sheet.layer[t] for t in loop.targets), sheet.layer[loop.source]))
    beside = [
        r
        for r, (top, depth) in enumerate(zip(sheet.tops, sheet.depths, strict=True))
        if first <= r <= last or (top < reach[1] and reach[0] < top + depth)
    ]
    met = (n for r in beside for n in sheet.found.rows[r])
    return max(sheet.x[n] + sheet.sizes.sides.get(n, (PASS, PASS))[1] for n in met)


def _track(sheet: _Sheet, k: int, r: int, below: bool) -> float:
    """The y of a loop's track at a layer; the first loops run outside."""
    if below:
        place = sum(sheet.layer[j.source] == r for j in sheet.loops[k + 1 :])
        return sheet.tops[r] + sheet.depths[r] + TRACK * (place + 0.75)
    place = sum(any(sheet.layer[t] == r for t in j.targets) for j in sheet.loops[k + 1 :])
    return sheet.tops[r] - TRACK * (place + 0.8)


def _turn(sheet: _Sheet, k: int, lane: float) -> Iterator[Line]:
    """From below its source around the right side to above each target; the adjoint on the inner side.

    The farthest target has the whole way; those of the others branch off it.
    """
    loop = sheet.loops[k]
    shift = PAIR / 2
    order = sorted(loop.targets, key=lambda t: (sheet.layer[t], sheet.ports[t, "up", "@" + loop.source]))
    for n, target in enumerate(order):
        paired = sheet.paired(loop.source, target)
        near = shift if paired else 0.0
        there = _around(sheet, loop.source, target, k, lane, -near, 0.0)
        back = _around(sheet, loop.source, target, k, lane, near, PAIR)[::-1] if paired else []
        if n:
            there, back = there[3:], back[:3]
        yield Line(
            loop.source, target, there[0], _straight(there), (back[0], _straight(back)) if back else None,
            True, n > 0,
        )  # fmt: skip


def _straight(points: Sequence[Point]) -> Segments:
    return tuple((p,) for p in points[1:])


def _around(
    sheet: _Sheet, source: str, target: str, k: int, lane: float, shift: float, inside: float
) -> list[Point]:
    out_x = sheet.ports[source, "down", "@"] + shift
    in_x = sheet.ports[target, "up", "@" + source] + shift
    low = _track(sheet, k, sheet.layer[source], True) - inside
    high = _track(sheet, k, sheet.layer[target], False) + inside
    lane -= inside
    return [
        sheet.end(source, out_x, True), (out_x, low), (lane, low), (lane, high), (in_x, high),
        sheet.end(target, in_x, False),
    ]  # fmt: skip


def _beside(sheet: _Sheet, k: int, lanes: Sequence[float]) -> Point:
    """The middle of a loop's label: right of its lane, where no track of an outer loop runs."""
    (low, high), (wide, long) = _span(sheet, k), sheet.sizes.labels[k]
    taken = [
        y
        for j, loop in enumerate(sheet.loops)
        if lanes[j] > lanes[k]
        for y in (_track(sheet, j, sheet.layer[loop.source], True),
                  *(_track(sheet, j, sheet.layer[t], False) for t in loop.targets))
    ]  # fmt: skip
    middle = (low + high) / 2
    steps = sorted((low + n * (high - low) / 40 for n in range(3, 38)), key=lambda y: abs(y - middle))
    clear = long / 2 + 0.25
    free = (y for y in steps if all(abs(y - t) > clear and abs(y - t - PAIR) > clear for t in taken))
    return lanes[k] + 0.35 + wide / 2, max(next(free, middle), long / 2 + MARGIN)
