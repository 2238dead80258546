"""Who acts on the cost through whom: the uses of a variable in the equations of others.

Reverse mode over equations (Griewank and Walther, *Evaluating Derivatives*, chapter 3): the adjoint of
an element is the sum, over the elements that read it, of their adjoints times the local derivative.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from symbp.calculus.expr import Call, Ref, Weights
from symbp.calculus.tree import refs
from symbp.model.core import Equation, Model
from symbp.model.order import components


@dataclass(frozen=True, slots=True)
class Graph:
    """Who reads whom: found once for a model, so that no search walks all of its equations."""

    model: Model
    reads: Mapping[str, tuple[str, ...]]
    """The names on the right sides of a variable's equations."""
    readers: Mapping[str, tuple[int, ...]]
    """The places, in the order of the text, of the equations that read a name."""


def graph_of(model: Model) -> Graph:
    """The reads of every equation, both ways."""
    reads: dict[str, dict[str, None]] = {}
    readers: dict[str, list[int]] = {}
    for place, equation in enumerate(model.equations):
        names = dict.fromkeys(r.name for r in refs(equation.rhs))
        reads.setdefault(equation.lhs.name, {}).update(names)
        for name in names:
            readers.setdefault(name, []).append(place)
    return Graph(
        model,
        {name: tuple(read) for name, read in reads.items()},
        {name: tuple(places) for name, places in readers.items()},
    )


def recurrences(graph: Graph) -> dict[str, frozenset[str]]:
    """For each variable those that it needs and that need it, across whatever steps."""
    groups = components(list(graph.reads), lambda n: [r for r in graph.reads[n] if r in graph.reads])
    return {name: frozenset(group) for group in groups for name in group}


def needed(graph: Graph, leaves: frozenset[str]) -> frozenset[str]:
    """The names on some way from ``leaves`` to the cost."""
    below = closure([graph.model.cost], lambda n: graph.reads.get(n, ()))
    users = {
        name: [graph.model.equations[p].lhs.name for p in places] for name, places in graph.readers.items()
    }
    return frozenset(below & closure(sorted(leaves), lambda n: users.get(n, ())))


def closure(start: Sequence[str], step: Callable[[str], Sequence[str]]) -> set[str]:
    """All names that steps lead to from these, themselves included."""
    seen, todo = set(start), list(start)
    while todo:
        for other in step(todo.pop()):
            if other not in seen:
                seen.add(other)
                todo.append(other)
    return seen


def seen_through(graph: Graph, alive: frozenset[str], stations: frozenset[str]) -> frozenset[str]:
    """The variables that get no adjoint of their own: a = σ(z) where only z's adjoint has a name.

    Only where the author named adjoints, and only variables that are one elementwise step (or one
    softmax) away from another: so no expression is ever copied out twice.
    """
    model = graph.model
    if not model.adjoints:
        return frozenset()
    chosen = {
        name
        for name in model.order
        if name in alive and name not in stations and name not in model.adjoints
        if all(_one_step(e, alive) for e in model.equations_of(name))
    }
    for name in sorted(chosen):
        if name in _through_cycle(graph, name, chosen):
            chosen.discard(name)
    return frozenset(chosen)


def _one_step(equation: Equation, alive: frozenset[str]) -> bool:
    rhs = equation.rhs
    inner = rhs.body if isinstance(rhs, Weights) else rhs
    below = [r for r in refs(inner) if r.name in alive]
    if len(below) > 1 or not isinstance(rhs, (Call, Ref, Weights)):
        return False
    if isinstance(inner, Call):
        return all(isinstance(a, Ref) for a in inner.args)
    return isinstance(inner, Ref)


def _through_cycle(graph: Graph, name: str, chosen: set[str]) -> set[str]:
    first = [n for n in graph.reads.get(name, ()) if n in chosen]
    return closure(first, lambda n: [r for r in graph.reads.get(n, ()) if r in chosen])
