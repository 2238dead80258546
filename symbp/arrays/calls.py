"""The values of functions inside of a step of a sequence, where adjoints need them again.

In ``h[t] = (1 - z[t]) h[t-1] + z[t] tanh(W x[t] + U h[t-1])`` the derivative of tanh needs its value.  It is
stored as one more variable, so that no adjoint computes W x + U h a second time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from symbp.arrays import reuse
from symbp.arrays.variables import copied, unused, with_variable
from symbp.calculus.affine import Index, affine
from symbp.calculus.expr import Add, Call, Expr, Reduce, Ref, Where, Within
from symbp.calculus.names import fresh_name
from symbp.calculus.tree import canonical, children, free_indices, refresh, replace_nodes, substitute, walk
from symbp.derive.core import AdjointSystem
from symbp.model.core import Equation, Model


@dataclass(frozen=True, slots=True)
class Inner:
    """A part of ``equation``, and the equation of the variable that is to have its value."""

    equation: Equation
    part: Expr
    made: Equation
    at: tuple[Index, ...]


def with_stored_calls(system: AdjointSystem, model: Model, names: reuse.Names) -> Model:
    """The model with a variable for each function or sum inside of a step whose value an adjoint needs."""
    found = list(_candidates(model, names))
    if not found:
        return model
    known = (replace(e, rhs=reuse.computed(e.rhs, names)) for e in model.equations)
    stored = reuse.Stored((*known, *(i.made for i in found)))
    new = {i.made.lhs.name for i in found}
    needed = set[str]()
    for name in system.order:
        for part in system.contributions[name]:
            read = stored.reuse(reuse.computed(part.rhs, names))
            needed |= {n.name for n in walk(read) if isinstance(n, Ref) and n.name in new}
    for inner in found:
        if inner.made.lhs.name in needed:
            model = _stored(model, inner)
    return model


def with_repeated_sums(model: Model, names: reuse.Names) -> Model:
    """The model with a variable for each sum that a step reads more than once: u in u σ(u)."""
    for e in model.equations:
        counts = Counter(map(canonical, _all_sums(reuse.computed(e.rhs, names))))
        parts = {canonical(p): p for p in _all_sums(e.rhs) if counts[canonical(p)] > 1 and _worth(p, e)}
        for part in parts.values():
            model = _stored(model, _variable(e, part, unused(model, f"{e.lhs.name}_inner")))
    return model


def _all_sums(node: Expr) -> Iterator[Expr]:
    """The outermost sums of a step that are made of sums over indices."""
    for child in () if isinstance(node, Where) else children(node):
        if _sums(child):
            yield child
        else:
            yield from _all_sums(child)


def _candidates(model: Model, names: reuse.Names) -> Iterator[Inner]:
    taken = [*model.arrays, *model.functions]
    for e in model.equations:
        found = (p for p in _parts(reuse.computed(e.rhs, names)) if _worth(p, e))
        for part in {canonical(p): p for p in found}.values():
            name = f"{part.function}_{e.lhs.name}" if isinstance(part, Call) else f"{e.lhs.name}_inner"
            taken.append(fresh_name(name, taken))
            yield _variable(e, part, taken[-1])


def _parts(node: Expr) -> Iterator[Expr]:
    """The outermost functions below the top that are computed in any case; of cheap ones, their argument."""
    for child in () if isinstance(node, Where) else children(node):
        if _costly(child) or (isinstance(node, Call) and _sums(child)):
            yield child
        else:
            yield from _parts(child)


def _costly(node: Expr) -> bool:
    """Whether a node is a function that takes longer than reading its value."""
    return isinstance(node, Call) and not any(node.orders) and node.function not in reuse.CHEAP


def _sums(node: Expr) -> bool:
    """Whether an argument is made of sums over indices, and of no function that is."""
    inner = list(walk(node))
    called = any(isinstance(n, Call) and any(isinstance(m, Reduce) for m in walk(n)) for n in inner)
    return isinstance(node, Add | Reduce) and any(isinstance(n, Reduce) for n in inner) and not called


def _worth(part: Expr, e: Equation) -> bool:
    """Whether a part belongs to a step, and is more than a function of a stored value."""
    own = free_indices(part)
    plain = not any(index.low.indices() or index.high.indices() for index in own)
    stepwise = any(i.sequence and i in e.indices for i in own)
    guarded = any(isinstance(n, Where | Within) for n in walk(part))
    simple = isinstance(part, Call) and all(isinstance(a, Ref) for a in part.args)
    return plain and stepwise and not guarded and not simple


def _variable(e: Equation, part: Expr, name: str) -> Inner:
    own = free_indices(part)
    at = (*(i for i in e.indices if i in own), *(i for i in own if i not in e.indices))
    place = copied(at)
    new = tuple(i for p in place.values() for i in p.indices())
    made = Equation(Ref(name, tuple(place.values())), substitute(refresh(part), place), new)
    return Inner(e, part, made, at)


def _stored(model: Model, inner: Inner) -> Model:
    """The model with the new equation before the one that reads its value."""
    made, old = inner.made, inner.equation.lhs.name
    value, key = Ref(made.lhs.name, tuple(map(affine, inner.at))), canonical(inner.part)
    equations: list[Equation] = []
    for e in model.equations:
        if e.lhs == inner.equation.lhs and e.indices == inner.equation.indices:
            equations.append(made)
            e = replace(e, rhs=replace_nodes(e.rhs, lambda n: value if canonical(n) == key else None))
        equations.append(e)
    return with_variable(model, made, old, equations)
