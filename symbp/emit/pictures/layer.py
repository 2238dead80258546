"""The picture of one layer: a column of the weights leaves a unit, and the errors come back over it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from symbp.calculus.affine import Affine, Index, affine
from symbp.calculus.expr import Adjoint, Expr, Indicator, Mul, Ref
from symbp.calculus.tree import free_indices, substitute, walk
from symbp.derive.core import Case, Jacobian
from symbp.emit.layout import Box
from symbp.emit.math import Printer
from symbp.emit.names import choose
from symbp.emit.pictures.drawing import (
    TEXT_HEIGHT,
    Arrow,
    Drawing,
    Label,
    Node,
    Point,
    extent,
    label_width,
    samples,
)

UNIT = 2.5
"""The height of a unit, and the width of one with a short name."""
ROW = 4.4
ACROSS = 17.0
"""The distance of the two layers."""
NUMBERED = 3
ROWS = (0.0, 1.0, 2.0, 2.75)
"""The places of a layer's units, the last for the dots below them."""


@dataclass(frozen=True, slots=True)
class Contraction:
    """An element acts on the elements of a consumer, each through its own entry of a matrix.

    ``row`` runs over the consumer, ``col`` is the chosen element's; ``others`` are the factors of the
    local derivative besides the matrix's entry.
    """

    consumer: Ref
    element: Ref
    matrix: Ref
    row: Index
    col: Index
    others: tuple[Expr, ...]


def contractions(case: Case) -> Iterator[Contraction]:
    """The matrices through which what a case derives acts on its consumers."""
    for jacobian in case.jacobians:
        found = _contraction(jacobian)
        if found is not None:
            yield found


def _contraction(jacobian: Jacobian) -> Contraction | None:
    """One row against one column: indices that a factor [n = m] ties are no sum."""
    factors = jacobian.entry.factors if isinstance(jacobian.entry, Mul) else (jacobian.entry,)
    tied = _tied(factors, jacobian)
    rows = [i for i in jacobian.rows if i not in tied]
    cols = [i for i in jacobian.cols if i not in tied.values()]
    if len(rows) != 1 or len(cols) != 1 or not _is_vector(jacobian, rows[0], cols[0]):
        return None
    plain = [substitute(f, {a: affine(b) for a, b in tied.items()}) for f in factors
             if not isinstance(f, Indicator)]  # fmt: skip
    (row,), (col,) = rows, cols
    matrices = [f for f in plain if isinstance(f, Ref) and _entry(f, row, col)]
    others = tuple(f for f in plain if f not in matrices)
    mixed = any(row in free_indices(f) and col in free_indices(f) for f in others)
    if len(matrices) != 1 or mixed or any(isinstance(f, Indicator) for o in others for f in walk(o)):
        return None
    consumer = substitute(jacobian.consumer, {a: affine(b) for a, b in tied.items()})
    assert isinstance(consumer, Ref)
    return Contraction(consumer, jacobian.element, matrices[0], row, col, others)


def _tied(factors: Sequence[Expr], jacobian: Jacobian) -> dict[Index, Index]:
    """The rows that an indicator sets equal to a column."""
    pairs = [(f.left.as_index(), f.right.as_index()) for f in factors if isinstance(f, Indicator)]
    both = [p for a, b in pairs for p in ((a, b), (b, a))]
    return {a: b for a, b in both if a and b and a in jacobian.rows and b in jacobian.cols}


def _is_vector(jacobian: Jacobian, row: Index, col: Index) -> bool:
    return _alone(jacobian.consumer, row) and _alone(jacobian.element, col)


def _alone(ref: Ref, index: Index) -> bool:
    """Whether an index is one position of an element, and in no other."""
    return sum(index in p.indices() for p in ref.indices) == 1 and affine(index) in ref.indices


def _entry(ref: Ref, row: Index, col: Index) -> bool:
    return _alone(ref, row) and _alone(ref, col)


# ── the drawing ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Scene:
    """Names and labels of a contraction; ``number`` 0 is the first unit, which counts as its array does."""

    place: Printer
    found: Contraction
    key: str

    def unit(self, node: Ref | Adjoint, index: Index, number: int | None) -> Box:
        value = affine(index) if number is None else Affine(_start(index) + number)
        moved = substitute(node, {index: value})
        return self.place.box(moved)

    def weight(self, number: int) -> Box:
        return self.unit(self.found.matrix, self.found.row, number)

    def back(self, number: int) -> Box:
        consumer = self.found.consumer
        return self.unit(Adjoint(consumer.name, consumer.indices), self.found.row, number)


def _start(index: Index) -> int:
    """The first position of an index: 0, unless the model says otherwise."""
    return index.lo.const if index.lo is not None and index.lo.is_const else 0


def layer_picture(place: Printer, found: Contraction, others: Iterable[str], key: str) -> Drawing:
    """The units of two layers, and one unit with all that leaves it and comes back to it.

    Args:
        place: with letters for the free indices of the case.
        found: the matrix through which it acts.
        others: other consumers that are reached in the same way.
        key: the beginning of all ids.
    """
    names = {**place.names}
    for index in (found.col, found.row):
        if index not in names:
            names[index] = choose(index, names.values(), place.reserved())
    scene = _Scene(place.naming(names), found, key)
    left, right = _units(scene)
    chosen = left[1]
    forward = [_join(scene, a, b, "muted") for a in left if a is not chosen for b in right]
    out = [_join(scene, chosen, b, "chosen", -0.24) for b in right]
    back = [_join(scene, b, chosen, "adjoint", -0.24) for b in right]
    nodes = [*left, *right, *_dots(scene, left, right)]
    labels = [_sent(scene, chosen), *(_received(scene, b, n) for n, b in enumerate(right))]
    labels += _weights(scene, out, back, forward, nodes, labels)
    shift, size = _frame(nodes, labels)
    return _moved(
        Drawing(
            key,
            f"What {found.element.name} sends to {found.consumer.name}, and what comes back",
            _alt(scene),
            tuple(_caption(scene, tuple(others))),
            size,
            tuple(nodes),
            (*forward, *out, *back),
            tuple(labels),
        ),
        shift,
    )


def _units(scene: _Scene) -> tuple[list[Node], list[Node]]:
    """On the left the first, the dots and the chosen one; on the right the first three and the dots."""
    element, consumer = scene.found.element, scene.found.consumer
    left = [scene.unit(element, scene.found.col, n) for n in (0, None)]
    right = [scene.unit(consumer, scene.found.row, n) for n in range(NUMBERED)]
    wide = max(UNIT, *(label_width(b) + 0.9 for b in (*left, *right)))
    across = ACROSS + wide - UNIT
    first = Node(f"{scene.key}-from-1", element.name, "circle", (0.0, 0.0), (wide, UNIT), left[0], "muted")
    chosen = Node(
        f"{scene.key}-chosen", element.name, "circle", (0.0, 1.75 * ROW), (wide, UNIT), left[1], "chosen"
    )
    units = [
        Node(f"{scene.key}-to-{n + 1}", consumer.name, "circle", (across, ROWS[n] * ROW), (wide, UNIT), box)
        for n, box in enumerate(right)
    ]
    return [first, chosen], units


def _dots(scene: _Scene, left: Sequence[Node], right: Sequence[Node]) -> Iterator[Node]:
    x, size = right[0].at[0], (0.4, 1.1)
    yield Node(f"{scene.key}-from-more", "", "dots", (0.0, 0.875 * ROW), size)
    yield Node(f"{scene.key}-from-last", "", "dots", (0.0, 2.6 * ROW), size)
    yield Node(f"{scene.key}-to-last", "", "dots", (x, 2.7 * ROW), size)


def _join(scene: _Scene, a: Node, b: Node, role: str, aside: float = 0.0) -> Arrow:
    """A straight arrow between two units, moved ``aside`` to the right of its direction."""
    length = math.dist(a.at, b.at)
    ux, uy = (b.at[0] - a.at[0]) / length, (b.at[1] - a.at[1]) / length
    off = (-uy * aside, ux * aside)
    start = _leave(a, (ux, uy), off)
    end = _leave(b, (-ux, -uy), off)
    name = f"{scene.key}-{role}-{a.id.removeprefix(scene.key + '-')}-{b.id.removeprefix(scene.key + '-')}"
    return Arrow(name, a.name, b.name, start, ((end,),), role)


def _leave(node: Node, way: Point, off: Point) -> Point:
    """Where a straight line through a unit's middle, moved by ``off``, leaves its ellipse."""
    rx, ry = node.size[0] / 2, node.size[1] / 2
    a = (way[0] / rx) ** 2 + (way[1] / ry) ** 2
    b = 2 * (way[0] * off[0] / rx**2 + way[1] * off[1] / ry**2)
    c = (off[0] / rx) ** 2 + (off[1] / ry) ** 2 - 1
    t = (-b + math.sqrt(b * b - 4 * a * c)) / (2 * a)
    return node.at[0] + off[0] + t * way[0], node.at[1] + off[1] + t * way[1]


def _received(scene: _Scene, unit: Node, number: int) -> Label:
    at = (unit.at[0] + unit.size[0] / 2 + 0.4, unit.at[1])
    return Label(f"{unit.id}-adjoint", unit.name, scene.back(number), at, "start", "adjoint")


def _sent(scene: _Scene, unit: Node) -> Label:
    box = scene.place.box(Adjoint(scene.found.element.name, scene.found.element.indices))
    # its end stands at the unit: its width is an estimate
    at = (unit.at[0] - unit.size[0] / 2 - 0.4, unit.at[1])
    return Label(f"{unit.id}-adjoint", unit.name, box, at, "end", "adjoint")


# ── places for the weights ────────────────────────────────────────────────────────────────────────


def _weights(
    scene: _Scene,
    out: Sequence[Arrow],
    back: Sequence[Arrow],
    forward: Sequence[Arrow],
    nodes: Sequence[Node],
    labels: Sequence[Label],
) -> list[Label]:
    """The weights beside their arrows, each where it is farthest from every other line."""
    placed: list[Label] = []
    for number, arrow in enumerate(out):
        # its own arrow is at a fixed distance, and the one that comes back is on the other side
        lines = (*forward, *(a for k, a in enumerate((*out, *back)) if k % len(out) != number))
        met = [p for a in lines for p in samples(a, 60)]
        box = scene.weight(number)
        name = f"{scene.key}-weight-{number + 1}"
        spots = [Label(name, scene.found.matrix.name, box, p, "middle", "chosen") for p in _spots(arrow, box)]
        solid = [*map(extent, nodes), *map(extent, labels), *map(extent, placed)]
        placed.append(max(spots, key=lambda s: _room(extent(s), met, solid)))
    return placed


def _spots(arrow: Arrow, box: Box) -> Iterator[Point]:
    """Places above an arrow and close to it; not near its ends."""
    (end,) = arrow.segments[-1]
    half, tall = label_width(box) / 2, TEXT_HEIGHT / 2
    dx, dy = end[0] - arrow.start[0], end[1] - arrow.start[1]
    steep = abs(dy / dx)
    for n in range(30, 91):
        t = n / 100
        x, y = arrow.start[0] + t * dx, arrow.start[1] + t * dy
        yield x, y - (tall + steep * half + 0.12)


Frame = tuple[float, float, float, float]


def _room(frame: Frame, met: Sequence[Point], solid: Sequence[Frame]) -> float:
    """The distance to the nearest line or thing; to a tenth, so that the first of equals is taken."""
    lines = min(max(frame[0] - x, x - frame[2], frame[1] - y, y - frame[3]) for x, y in met)
    things = min(
        max(frame[0] - right, left - frame[2], frame[1] - bottom, top - frame[3])
        for left, top, right, bottom in solid
    )
    return round(min(lines, things, 0.6), 1)


# ── words and frame ───────────────────────────────────────────────────────────────────────────────


def _frame(nodes: Sequence[Node], labels: Sequence[Label]) -> tuple[Point, Point]:
    frames = [*map(extent, nodes), *map(extent, labels)]
    left, top = min(f[0] for f in frames) - 0.3, min(f[1] for f in frames) - 0.3
    right, bottom = max(f[2] for f in frames) + 0.3, max(f[3] for f in frames) + 0.3
    return (-left, -top), (round(right - left, 3), round(bottom - top, 3))


def _moved(drawing: Drawing, by: Point) -> Drawing:
    def there(p: Point) -> Point:
        return p[0] + by[0], p[1] + by[1]

    return replace(
        drawing,
        nodes=tuple(replace(n, at=there(n.at)) for n in drawing.nodes),
        labels=tuple(replace(n, at=there(n.at)) for n in drawing.labels),
        arrows=tuple(
            replace(a, start=there(a.start), segments=tuple(tuple(map(there, s)) for s in a.segments))
            for a in drawing.arrows
        ),
    )


def _caption(scene: _Scene, others: Sequence[str]) -> Iterator[str | Box]:
    found, place = scene.found, scene.place
    own = place.box(Adjoint(found.element.name, found.element.indices))
    theirs = place.box(Adjoint(found.consumer.name, found.consumer.indices))
    passed = Mul((found.matrix, *found.others)) if found.others else found.matrix
    yield from (own, " gathers what the units that ", place.box(found.element), " feeds send back: ")
    yield from (theirs, ", each times ", place.box(passed), ". The weights that leave unit ")
    yield from (place.index(found.col), " are ")
    yield from _slice(scene)
    if others:
        yield " The same goes for "
        for n, name in enumerate(others):
            yield from ((", " if n < len(others) - 1 else " and ",) if n else ())
            yield place.name(name)
        yield "."


def _slice(scene: _Scene) -> Iterator[str | Box]:
    """Column k of w, which is row k of its transpose; or row k, where the weights stand the other way."""
    found, place = scene.found, scene.place
    matrix = _matrix(scene)
    at = [p.as_index() for p in found.matrix.indices]
    by_columns = at.index(found.row) < at.index(found.col)
    letter = place.index(found.col)
    if by_columns:
        yield from ("column ", letter, " of ", matrix, ", which is row ", letter, " of its transpose.")
    else:
        yield from ("row ", letter, " of ", matrix, ".")


def _matrix(scene: _Scene) -> Box:
    """The matrix that the weights are of."""
    found = scene.found
    at = tuple(None if p.as_index() in (found.row, found.col) else p for p in found.matrix.indices)
    return scene.place.element(scene.place.name(found.matrix.name, 2), found.matrix.name, at).box


def _alt(scene: _Scene) -> str:
    found = scene.found
    a, b, w = found.element.name, found.consumer.name, found.matrix.name
    return (
        f"Units of {a} on the left, units of {b} on the right. From one chosen unit of {a} an arrow goes to "
        f"every unit of {b}, with its entry of {w}; beside each an arrow comes back with the adjoint of {b}."
    )
