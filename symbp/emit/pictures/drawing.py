"""What a drawing is: nodes, arrows and labels at their places, each with the role that it plays.

Lengths are in em of the text, y grows downwards.  A backend chooses colours and strokes by the role;
``id`` is the same on every run, and ``name`` is that of the array that is shown, so that a page can
find what belongs to one symbol.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from symbp.emit.layout import Box, width

Point = tuple[float, float]

SHAPES = ("box", "hexagon", "circle", "double", "dots")
ROLES = ("forward", "adjoint", "chosen", "muted", "given", "learnt")
BEVEL = 0.55
"""How far the tips of a hexagon stand out."""
INNER = 0.2
"""The distance between the two lines of a double circle."""
TEXT_HEIGHT = 1.1
"""The height of a label with its scripts."""


@dataclass(frozen=True, slots=True)
class Node:
    """A box, hexagon, circle (an ellipse where it is wide), double circle, or three dots."""

    id: str
    name: str
    shape: str
    at: Point
    size: Point
    label: Box | None = None
    role: str = "forward"


@dataclass(frozen=True, slots=True)
class Arrow:
    """A line with a tip at its end: from ``start`` along segments, of one point (straight) or three
    (a Bézier curve).  ``source`` and ``target`` are the names of what it joins."""

    id: str
    source: str
    target: str
    start: Point
    segments: tuple[tuple[Point, ...], ...]
    role: str = "forward"
    tip: bool = True


@dataclass(frozen=True, slots=True)
class Label:
    """A formula beside a line or a node; ``at`` is its middle or the end that ``anchor`` says: start, end."""

    id: str
    name: str
    box: Box
    at: Point
    anchor: str = "middle"
    role: str = "forward"


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture with its caption, and with words for those who cannot see it.

    ``bands``: from where to where each layer reaches, in a picture from left to right.
    """

    id: str
    title: str
    alt: str
    caption: tuple[str | Box, ...]
    size: Point
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    labels: tuple[Label, ...]
    bands: tuple[Point, ...] = ()


def rim(shape: str, size: Point, dx: float) -> float:
    """How far above the middle of a node its border is, ``dx`` beside it."""
    half_width, half_height = size[0] / 2, size[1] / 2
    dx = min(abs(dx), half_width)
    match shape:
        case "box":
            return half_height
        case "hexagon":
            flat = half_width - BEVEL
            return half_height if dx <= flat else half_height * (half_width - dx) / BEVEL
        case "circle" | "double":
            return half_height * math.sqrt(1 - (dx / half_width) ** 2)
        case _:
            raise TypeError(f"there is no shape {shape}")


def flank(shape: str, size: Point, dy: float) -> float:
    """How far beside the middle of a node its border is, ``dy`` above it."""
    if shape != "hexagon":  # the others look alike from the side
        return rim(shape, (size[1], size[0]), dy)
    return size[0] / 2 - BEVEL * min(1.0, abs(dy) / (size[1] / 2))


def corners(node: Node) -> tuple[Point, ...]:
    """The corners of a box or hexagon."""
    (x, y), (w, h) = node.at, (node.size[0] / 2, node.size[1] / 2)
    if node.shape == "box":
        return ((x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h))
    flat = w - BEVEL
    return (
        (x - w, y),
        (x - flat, y - h),
        (x + flat, y - h),
        (x + w, y),
        (x + flat, y + h),
        (x - flat, y + h),
    )


def extent(item: Node | Label) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of a node or a label."""
    (x, y) = item.at
    if isinstance(item, Node):
        w, h = item.size
        return x - w / 2, y - h / 2, x + w / 2, y + h / 2
    w = label_width(item.box)
    left = x - {"start": 0.0, "end": w}.get(item.anchor, w / 2)
    return left, y - TEXT_HEIGHT / 2, left + w, y + TEXT_HEIGHT / 2


def label_width(box: Box) -> float:
    """The width of a label in a line of text."""
    return width(box, False)


# ── arrows ────────────────────────────────────────────────────────────────────────────────────────

TIP = (0.5, 0.2)
"""Length and half the width of an arrow's tip."""


def tip(arrow: Arrow) -> tuple[Point, Point, Point]:
    """The three corners of an arrow's tip, its point first."""
    end = arrow.segments[-1][-1]
    before = _before(arrow)
    length = math.dist(end, before) or 1.0
    ux, uy = (end[0] - before[0]) / length, (end[1] - before[1]) / length
    base = (end[0] - TIP[0] * ux, end[1] - TIP[0] * uy)
    return end, (base[0] - TIP[1] * uy, base[1] + TIP[1] * ux), (base[0] + TIP[1] * uy, base[1] - TIP[1] * ux)


def _before(arrow: Arrow) -> Point:
    last = arrow.segments[-1]
    if len(last) == 3 and last[1] != last[2]:
        return last[1]
    if len(last) == 1:
        return arrow.segments[-2][-1] if len(arrow.segments) > 1 else arrow.start
    return last[0]


def line(arrow: Arrow) -> tuple[tuple[Point, ...], ...]:
    """The segments of an arrow, drawn back by most of its tip so that the point stays sharp."""
    if not arrow.tip:
        return arrow.segments
    end, left, right = tip(arrow)
    stop = (
        0.2 * end[0] + 0.4 * (left[0] + right[0]),
        0.2 * end[1] + 0.4 * (left[1] + right[1]),
    )
    last = arrow.segments[-1]
    return (*arrow.segments[:-1], (*last[:-1], stop))


def samples(arrow: Arrow, count: int = 16) -> Iterator[Point]:
    """Points along an arrow, close enough to see what it meets."""
    at = arrow.start
    yield at
    for segment in arrow.segments:
        for n in range(1, count + 1):
            yield _on_curve(at, segment, n / count)
        at = segment[-1]


def _on_curve(start: Point, segment: tuple[Point, ...], t: float) -> Point:
    if len(segment) == 1:
        (end,) = segment
        return start[0] + t * (end[0] - start[0]), start[1] + t * (end[1] - start[1])
    a, b, c = segment
    u = 1 - t
    weights = (u**3, 3 * u * u * t, 3 * u * t * t, t**3)
    points = (start, a, b, c)
    x, y = (sum(w * p[k] for w, p in zip(weights, points, strict=True)) for k in (0, 1))
    return x, y
