"""Sums of one step that the step before it needs again.

In ``n[t] = tanh(… + U (f[t] ⊙ h[t-1]))`` what comes back through U is a factor of the adjoints of f[t] and of
h[t-1], which another turn of the loop computes: it is one more adjoint, computed once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from symbp.arrays.inner import Axes, Joined, Part, exists, joined, with_adjoints
from symbp.arrays.statement import Statement, adjoint_key
from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import Adjoint, Expr, Mul, Reduce
from symbp.calculus.tree import canonical, free_indices, refresh, replace_nodes, substitute, walk
from symbp.model.core import Array


@dataclass(frozen=True, slots=True)
class Back:
    """Σ of an adjoint and something else, at the generic element ``indices``."""

    name: str
    indices: tuple[Index, ...]
    total: Expr


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a sum is read: the indices of the element, and how far its step is from that of the reader."""

    at: tuple[Affine, ...]
    shift: int


def inner_adjoints(
    statements: Sequence[Statement], arrays: Mapping[str, Array], axes: Mapping[str, tuple[Index, ...]]
) -> Joined:
    """The adjoints of what stands inside of functions, then the sums of them that other steps read.

    ``axes`` has the axes of adjoints, by their keys, without elements that nobody needs.
    """
    first = joined(statements, arrays, lambda name: axes[adjoint_key(name)])
    known = {**arrays, **first.arrays}
    second = carried(first.statements, known, lambda n: axes.get(adjoint_key(n), known[n].axes))
    of = {**first.of, **{new: first.of.get(old, old) for new, old in second.of.items()}}
    return Joined(second.statements, {**first.arrays, **second.arrays}, of)


def carried(statements: Sequence[Statement], arrays: Mapping[str, Array], axes: Axes) -> Joined:
    """A statement for every such sum that two statements read at different steps."""
    found = (b for b in _repeated(statements, axes) if exists(b.total, arrays))
    parts = (Part(b.name, b.indices, b.total, partial(_read, back=b, axes=axes)) for b in found)
    return with_adjoints(statements, arrays, parts, "back")


def _repeated(statements: Sequence[Statement], axes: Axes) -> Iterator[Back]:
    found: dict[Expr, tuple[Back, set[int], set[str]]] = {}
    for s in statements:
        for node in walk(s.rhs):
            seen = _back(node, axes)
            if seen is not None:
                back, place = seen
                _, shifts, readers = found.setdefault(_key(back), (back, set(), set()))
                shifts.add(place.shift)
                readers.add(s.target)
    for back, shifts, readers in found.values():
        if len(shifts) > 1 and len(readers) > 1:
            yield back


def _key(back: Back) -> Expr:
    return canonical(Reduce("sum", back.indices, back.total))


def _back(node: Expr, axes: Axes) -> tuple[Back, _Place] | None:
    """The sum at a generic element, if it is one of an adjoint of a step; and where it is read."""
    if not isinstance(node, Reduce) or node.op != "sum" or not isinstance(node.body, Mul):
        return None
    adjoints = [f for f in node.body.factors if isinstance(f, Adjoint)]
    if len(adjoints) != 1 or any(isinstance(n, Reduce) for f in node.body.factors for n in walk(f)):
        return None
    steps = [(k, p) for k, p in enumerate(adjoints[0].indices) if any(i.sequence for i in p.indices())]
    if len(steps) != 1 or any(i.low.indices() or i.high.indices() for i in node.indices):
        return None
    (axis, position), name = steps[0], adjoints[0].name
    step = position.indices()[0]
    if step in node.indices or not (position - step).is_const:
        return None
    return _generic(node, name, axes(name)[axis], step, (position - step).const)


def _generic(node: Reduce, name: str, axis: Index, step: Index, shift: int) -> tuple[Back, _Place] | None:
    others = [i for i in free_indices(node) if i is not step]
    if any(i.sequence or i.low.indices() or i.high.indices() for i in others):
        return None
    if axis.low.indices() or axis.high.indices():
        return None
    first = fresh(axis.name, axis.low, axis.high, axis.sequence)
    rest = {i: fresh(i.name, i.low, i.high) for i in others}
    values = {step: affine(first) - shift, **{i: affine(n) for i, n in rest.items()}}
    back = Back(name, (first, *rest.values()), substitute(refresh(node), values))
    return back, _Place((affine(step) + shift, *map(affine, others)), shift)


def _read(s: Statement, name: str, back: Back, axes: Axes) -> Statement:
    """The statement with the new adjoint in place of the sum."""
    key = _key(back)

    def change(node: Expr) -> Expr | None:
        seen = _back(node, axes)
        return Adjoint(name, seen[1].at) if seen is not None and _key(seen[0]) == key else None

    return replace(s, rhs=replace_nodes(s.rhs, change))
