"""The dependency graph of a model: values downwards, adjoints upwards, recurrences around the side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from symbp.calculus.affine import Affine, affine, show
from symbp.emit.layout import Box, rel, row, separated
from symbp.emit.math import Printer, printer
from symbp.emit.notation import NIELSEN, Notation
from symbp.emit.pictures.drawing import Arrow, Drawing, Label, Node, label_width
from symbp.emit.pictures.layered import columns, layers
from symbp.emit.pictures.reads import Loop, Reads, reads_of
from symbp.emit.pictures.tracks import HEIGHT, Plan, planned
from symbp.model.core import Model

WIDTH = 34.0
"""The width of a page in em."""
PORT = 0.95
"""The distance of arrows that end at one node."""
SHAPES = {"input": "box", "const": "box", "param": "hexagon", "variable": "circle", "cost": "double"}


@dataclass(frozen=True)
class _Names:
    """The labels of arrays and of their adjoints, and the size of every node."""

    setter: Printer
    reads: Reads

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

    def width(self, name: str) -> float:
        """Wide enough for the label and for the arrows that end here."""
        shape = SHAPES[self.setter.arrays[name].kind]
        ends = max(
            sum(a == name for a, _ in self.reads.edges) + sum(k.source == name for k in self.reads.loops),
            sum(b == name for _, b in self.reads.edges) + sum(name in k.targets for k in self.reads.loops),
        )
        margin = {"box": 1.1, "hexagon": 1.5, "circle": 1.1, "double": 1.4}[shape]
        return max(HEIGHT, label_width(self.label(name)) + margin, PORT * ends + 0.7)

    def sides(self, name: str) -> tuple[float, float]:
        """The room to the left and right of the middle; the adjoint's name stands at the right."""
        half, badge = self.width(name) / 2, self.adjoint(name)
        return half, half + (0.25 + label_width(badge) if badge is not None else 0.0)


def dependency_graph(model: Model, notation: Notation = NIELSEN) -> Drawing:
    """What is computed from what in a model, and how the adjoints go back.

    Raises:
        RequestProblem: if a sign of the notation is already a name of the model.
    """
    names = _Names(printer(model, notation), reads_of(model))
    reads = names.reads
    sources = frozenset(n for n in reads.names if model.arrays[n].kind in ("input", "const", "param"))
    sides = {n: names.sides(n) for n in reads.names}
    room = {n: a + b for n, (a, b) in sides.items()}
    found = layers(reads.names, reads.edges, sources, room, WIDTH)
    plan = planned(found, columns(found, sides), sides, {n: names.width(n) for n in reads.names}, reads.loops,
                   [label_width(_shift_label(names.setter, k)) for k in reads.loops], reads.alive,
                   {n: SHAPES[model.arrays[n].kind] for n in reads.names})  # fmt: skip
    key = f"graph-{model.name}"
    return Drawing(
        key,
        f"Dependency graph: {model.title or model.name}",
        _alt(reads, model),
        tuple(_caption(reads, model)),
        plan.size,
        tuple(_node(key, names, plan, n) for n in reads.names),
        tuple(_arrows(key, plan)),
        tuple(_labels(key, names, plan)),
    )


def _node(key: str, names: _Names, plan: Plan, name: str) -> Node:
    shape = SHAPES[names.setter.arrays[name].kind]
    size = (names.width(name), HEIGHT)
    role = {"box": "given", "hexagon": "learnt"}.get(shape, "forward")
    return Node(f"{key}-{name}", name, shape, plan.at[name], size, names.label(name), role)


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
            at = (x + names.width(name) / 2 + 0.2, y)
            yield Label(f"{key}-{name}-adjoint", name, box, at, "start", "adjoint")
    for loop, at in zip(names.reads.loops, plan.beside, strict=True):
        if loop.shifts:
            yield Label(
                f"{key}-{loop.source}-loop", loop.source, _shift_label(names.setter, loop), at, "start"
            )


def _shift_label(setter: Printer, loop: Loop) -> Box:
    """l−1 → l; a second sequence behind a comma."""
    to = rel(r"\to", "→")
    spelled = (row(setter.position(a).box, to, setter.position(b).box) for a, b in loop.shifts)
    return separated(dict.fromkeys(spelled))


# ── words ─────────────────────────────────────────────────────────────────────────────────────────


def _caption(reads: Reads, model: Model) -> Iterator[str | Box]:
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
        yield "; the name of an adjoint stands beside its variable." if model.adjoints else "."
    if reads.loops:
        yield " Arrows around the side read another step of the sequence."


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
