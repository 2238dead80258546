"""Who reads whom in a model, as a graph without cycles, and what a recurrence reads from other steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbp.calculus.affine import Affine, known_le
from symbp.calculus.expr import Ref
from symbp.calculus.tree import refs
from symbp.derive.graph import graph_of, needed
from symbp.model.core import Equation, Model
from symbp.model.order import components

Shift = tuple[Affine, Affine]
"""From which position of a sequence to which: l-1 and l."""


@dataclass(frozen=True, slots=True)
class Loop:
    """A variable that is read at another step of a sequence by one that it needs itself."""

    source: str
    targets: tuple[str, ...]
    shifts: tuple[Shift, ...]


@dataclass(frozen=True, slots=True)
class Reads:
    """The arrays of a model that its equations use, what reads what at the same step, and the loops.

    ``alive`` are those with an adjoint that the gradients need.
    """

    names: tuple[str, ...]
    edges: tuple[tuple[str, str], ...]
    loops: tuple[Loop, ...]
    alive: frozenset[str]


def reads_of(model: Model) -> Reads:
    """The graph of a model."""
    graph = graph_of(model)
    everything = tuple(n for n in (*model.arrays,) if n in graph.reads or n in graph.readers)
    groups = components(everything, lambda n: graph.reads.get(n, ()))
    group = {name: k for k, names in enumerate(groups) for name in names}
    straight: dict[tuple[str, str], None] = {}
    turned: dict[tuple[str, str], list[Shift]] = {}
    for equation in model.equations:
        for ref in refs(equation.rhs):
            pair = (ref.name, equation.lhs.name)
            shifts = list(_shifts(model, ref, equation)) if group[pair[0]] == group[pair[1]] else []
            if shifts or pair[0] == pair[1]:
                turned.setdefault(pair, []).extend(shifts)
            else:
                straight[pair] = None
    for pair in _closing(everything, tuple(straight)):
        del straight[pair]
        turned.setdefault(pair, [])
    leaves = frozenset((*(a.name for a in model.of_kind("param")), *model.adjoints))
    return Reads(everything, tuple(straight), tuple(_loops(turned)), needed(graph, leaves))


def _shifts(model: Model, ref: Ref, equation: Equation) -> Iterator[Shift]:
    """Where an equation reads another step of a sequence than its own."""
    own = {
        axis.sequence: p
        for p, axis in zip(equation.lhs.indices, model.arrays[equation.lhs.name].axes, strict=True)
        if axis.sequence
    }
    for position, axis in zip(ref.indices, model.arrays[ref.name].axes, strict=True):
        if axis.sequence in own and not _meets(equation, position, own[axis.sequence]):
            yield position, own[axis.sequence]


def _meets(equation: Equation, position: Affine, own: Affine) -> bool:
    """Whether a position is the equation's own, or runs over steps that may be all on this side of it.

    In a[u,t] = softmax(e[u,t], t) every t is read, which is no step of a recurrence; in a sum over
    r = 0..t-1 the index ends before t.
    """
    index = position.as_index()
    if index is None or index in equation.indices:
        return position == own
    return not (known_le(index.high + 1, own) or known_le(own + 1, index.low))


def _loops(turned: dict[tuple[str, str], list[Shift]]) -> Iterator[Loop]:
    for source in dict.fromkeys(s for s, _ in turned):
        targets = tuple(t for s, t in turned if s == source)
        shifts = [shift for t in targets for shift in turned[source, t]]
        yield Loop(source, targets, tuple(dict.fromkeys(shifts)))


def _closing(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Edges that close a cycle, found depth first: what boundaries of a recurrence may leave."""
    below = {n: [b for a, b in edges if a == n] for n in names}
    done: set[str] = set()
    found: list[tuple[str, str]] = []
    for root in names:
        path: list[tuple[str, Iterator[str]]] = [(root, iter(below[root]))] if root not in done else []
        on_path = {root}
        while path:
            node, rest = path[-1]
            child = next(rest, None)
            if child is None:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif child in on_path:
                found.append((node, child))
            elif child not in done:
                on_path.add(child)
                path.append((child, iter(below[child])))
    return found
