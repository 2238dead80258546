"""The dependency graph of a model: values downwards, adjoints upwards, recurrences around the side.

Turned, for a page that is wider than high: values to the right, adjoints to the left, recurrences below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symbp.calculus.affine import Affine, affine, show
from symbp.emit.layout import Box, rel, row, separated
from symbp.emit.math import Printer, printer
from symbp.emit.notation import NIELSEN, Notation
from symbp.emit.pictures.drawing import TEXT_HEIGHT, Arrow, Drawing, Label, Node, Point, label_width
from symbp.emit.pictures.layered import columns, layers
from symbp.emit.pictures.reads import Loop, Reads, reads_of
from symbp.emit.pictures.tracks import HEIGHT, Plan, Sizes, planned
from symbp.model.core import Model

WIDTH, LOW = 34.0, 28.0
"""The width of a page in em, and how high a picture may be that is made smaller for a slide."""
PORT = 0.95
"""The distance of arrows that end at one node."""
SHAPES = {"input": "box", "const": "box", "param": "hexagon", "variable": "circle", "cost": "double"}


@dataclass(frozen=True)
class _Names:
    """The labels of arrays and of their adjoints, and the size of every node."""

    setter: Printer
    reads: Reads
    turned: bool = False

    def label(self, name: str) -> Box:
        """An array without its ordinary axes: w^l."""
        axes, at = self._open(name)
        return self.setter.element(self.setter.name(name, axes), name, at).box

    def adjoint(self, name: str) -> Box | None:
        """The name of an adjoint; None where it has none."""
        if name not in self.reads.alive or self.setter.arrays[name].kind != "variable":
            return None
        axes, at = self._open(name)
        named = self.setter.adjoint_name(name, axes)
        return None if named is None else self.setter.element(named, name, at).box

    def _open(self, name: str) -> tuple[int, tuple[Affine | None, ...]]:
        axes = self.setter.arrays[name].axes
        at = tuple(affine(a) if a.sequence else None for a in axes)
        return at.count(None), at

    def size(self, name: str) -> Point:
        """Wide enough for the label, and for the arrows that end here on one side."""
        shape = SHAPES[self.setter.arrays[name].kind]
        ends = max(
            sum(a == name for a, _ in self.reads.edges) + sum(k.source == name for k in self.reads.loops),
            sum(b == name for _, b in self.reads.edges) + sum(name in k.targets for k in self.reads.loops),
        )
        margin = {"box": 1.1, "hexagon": 1.5, "circle": 1.1, "double": 1.4}[shape]
        wide, arrows = max(HEIGHT, label_width(self.label(name)) + margin), PORT * ends + 0.7
        return (wide, max(HEIGHT, arrows)) if self.turned else (max(wide, arrows), HEIGHT)

    def sides(self, name: str) -> tuple[float, float]:
        """The room across the flow to both sides of the middle; the adjoint's name stands at one."""
        half, badge = self.size(name)[self.turned] / 2, self.adjoint(name)
        if badge is None:
            return half, half
        return (half + TEXT_HEIGHT, half) if self.turned else (half, half + 0.25 + label_width(badge))

    def depth(self, name: str) -> float:
        """The room along the flow."""
        badge = self.adjoint(name)
        long = self.size(name)[not self.turned]
        return max(long, label_width(badge)) if self.turned and badge is not None else long

    def shift(self, loop: Loop) -> Point:
        """The size of a loop's label."""
        size = label_width(_shift_label(self.setter, loop)), TEXT_HEIGHT
        return size[::-1] if self.turned else size


def dependency_graph(model: Model, notation: Notation = NIELSEN, turned: bool = False) -> Drawing:
    """What is computed from what in a model, and how the adjoints go back.

    Args:
        model: whose equations are drawn.
        notation: how names are set.
        turned: from left to right; else from top to bottom.

    Raises:
        RequestProblem: if a sign of the notation is already a name of the model.
    """
    names = _Names(printer(model, notation), reads_of(model), turned)
    reads = names.reads
    sources = frozenset(n for n in reads.names if model.arrays[n].kind in ("input", "const", "param"))
    sides = {n: names.sides(n) for n in reads.names}
    room = {n: a + b for n, (a, b) in sides.items()}
    found = layers(reads.names, reads.edges, sources, room, LOW if turned else WIDTH)
    own = {n: names.size(n)[::-1] if turned else names.size(n) for n in reads.names}
    depths = {n: names.depth(n) for n in reads.names}
    sizes = Sizes(own, sides, depths, tuple(map(names.shift, reads.loops)), turned)
    shapes = {n: SHAPES[model.arrays[n].kind] for n in reads.names}
    plan = planned(found, columns(found, sides), sizes, reads.loops, reads.alive, shapes)
    key = f"graph-{model.name}"
    return Drawing(
        key,
        f"Dependency graph: {model.title or model.name}",
        _alt(reads, model),
        tuple(_caption(reads, model, turned)),
        plan.size,
        tuple(_node(key, names, plan, n) for n in reads.names),
        tuple(_arrows(key, plan)),
        tuple(_labels(key, names, plan)),
        plan.bands if turned else (),
    )


def _node(key: str, names: _Names, plan: Plan, name: str) -> Node:
    shape = SHAPES[names.setter.arrays[name].kind]
    role = {"box": "given", "hexagon": "learnt"}.get(shape, "forward")
    return Node(f"{key}-{name}", name, shape, plan.at[name], names.size(name), names.label(name), role)


def _arrows(key: str, plan: Plan) -> Iterator[Arrow]:
    for line in plan.lines:
        way = f"{key}-{line.source}-{line.target}{'-loop' if line.loop else ''}"
        yield Arrow(way, line.source, line.target, line.start, line.segments)
        if line.back is not None:
            start, segments = line.back
            back = f"{way}-adjoint"
            yield Arrow(back, line.target, line.source, start, segments, "adjoint", not line.joins)


def _labels(key: str, names: _Names, plan: Plan) -> Iterator[Label]:
    for name, (x, y) in plan.at.items():
        box = names.adjoint(name)
        if box is not None:
            wide, high = names.size(name)
            above, beside = (x, y - high / 2 - TEXT_HEIGHT / 2), (x + wide / 2 + 0.2, y)
            at, anchor = (above, "middle") if names.turned else (beside, "start")
            yield Label(f"{key}-{name}-adjoint", name, box, at, anchor, "adjoint")
    for loop, at in zip(names.reads.loops, plan.beside, strict=True):
        if loop.shifts:
            box = _shift_label(names.setter, loop)
            yield Label(f"{key}-{loop.source}-loop", loop.source, box, at)


def _shift_label(setter: Printer, loop: Loop) -> Box:
    """l−1 → l; a second sequence behind a comma."""
    to = rel(r"\to", "→")
    spelled = (row(setter.position(a).box, to, setter.position(b).box) for a, b in loop.shifts)
    return separated(dict.fromkeys(spelled))


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def _caption(reads: Reads, model: Model, turned: bool) -> Iterator[str | Box]:
    kinds = {model.arrays[n].kind for n in reads.names}
    shapes = (
        ("boxes are given", kinds & {"input", "const"}),
        ("hexagons are parameters", kinds & {"param"}),
        ("circles are computed", kinds & {"variable"}),
        ("the double circle is the cost", {"cost"}),
    )
    yield f"What is computed from what: {_listed(text for text, there in shapes if there)}."
    if reads.alive > {model.cost}:
        yield " Solid arrows carry values, dashed arrows carry adjoints back"
        beside = "above" if turned else "beside"
        yield f"; the name of an adjoint stands {beside} its variable." if model.adjoints else "."
    if reads.loops:
        yield f" Arrows {'below' if turned else 'around the side'} read another step of the sequence."


def _alt(reads: Reads, model: Model) -> str:
    above: dict[str, list[str]] = {}
    for a, b in reads.edges:
        above.setdefault(b, []).append(a)
    for loop in reads.loops:
        steps = ", ".join(dict.fromkeys(f"{show(a)} to {show(b)}" for a, b in loop.shifts))
        for target in loop.targets:
            above.setdefault(target, []).append(loop.source + (f" (from {steps})" if steps else ""))
    shown = (n for n in (*model.order, model.cost) if n in above)
    return " ".join(f"{n} is computed from {_listed(above[n])}." for n in shown)


def _listed(items: Iterable[str]) -> str:
    found = list(items)
    return found[0] if len(found) == 1 else ", ".join(found[:-1]) + " and " + found[-1]
