"""Equations and contributions as statements: the common form of forward and backward passes.

What belongs to the batch is settled here: which arrays have an axis of examples, where adjoints are
summed over it, and where the mean divides.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import replace

from symbp.arrays.nodes import BATCH, BATCH_SIZE
from symbp.arrays.scatter import solved
from symbp.arrays.statement import Statement, adjoint_key, reads
from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.construct import add, div, mul, neg, reduce_sum
from symbp.calculus.expr import Add, Div, Expr, Integer, Mul, Neg, Reduce, Ref, Weights, Within
from symbp.calculus.tree import refresh, replace_nodes, substitute
from symbp.derive.context import definition
from symbp.derive.core import Contribution
from symbp.model.core import Equation, Model

BATCH_COUNT = Integer(affine(BATCH_SIZE))


# ── the batch ─────────────────────────────────────────────────────────────────────────────────────


def batched_arrays(model: Model) -> frozenset[str]:
    """The names of arrays that differ from example to example: inputs and what depends on them."""
    found = {a.name for a in model.of_kind("input")}
    pending = [(e.lhs.name, {r.name for r in reads(e.rhs)}) for e in model.equations]
    while True:
        new = {name for name, names in pending if name not in found and names & found}
        if not new:
            return frozenset(found - {model.cost})
        found |= new


def is_batched(node: Expr, batched: frozenset[str]) -> bool:
    """Whether the value differs from example to example."""
    return any(r.name in batched for r in reads(node))


def batch_sum(node: Expr, batched: frozenset[str], mean: bool) -> Expr:
    """Σ over the examples, with ``mean`` divided by their number; unbatched terms count once.

    Without ``mean`` an unbatched term beside batched ones stands for every example.
    """
    match node:
        case Neg(arg):
            return neg(batch_sum(arg, batched, mean))
        case _ if not is_batched(node, batched):
            return node if mean else mul((BATCH_COUNT, node))
        case Add(terms):
            return _batch_terms(terms, batched, mean)
        case Mul(factors):
            inner = mul(f for f in factors if is_batched(f, batched))
            outer = [f for f in factors if not is_batched(f, batched)]
            total = _batch_sum(inner, mean) if isinstance(inner, Mul) else batch_sum(inner, batched, mean)
            return mul((*outer, total))
        case Div(num, den) if not is_batched(den, batched):
            return div(batch_sum(num, batched, mean), den)
        case Reduce("sum", indices, Add(terms)) if not all(is_batched(t, batched) for t in terms):
            return _batch_terms(tuple(_part(indices, t) for t in terms), batched, mean)
        case _:
            return _batch_sum(node, mean)


def _batch_terms(terms: tuple[Expr, ...], batched: frozenset[str], mean: bool) -> Expr:
    """The batched terms together under one division, the others apart."""
    inside = add(batch_sum(t, batched, mean=False) for t in terms if is_batched(t, batched))
    outside = [t for t in terms if not is_batched(t, batched)]
    if not mean:
        outside = [mul((BATCH_COUNT, t)) for t in outside]
    return add((div(inside, BATCH_COUNT) if mean else inside, *outside))


def _part(indices: tuple[Index, ...], term: Expr) -> Expr:
    return refresh(reduce_sum(indices, term))


def _batch_sum(node: Expr, mean: bool) -> Expr:
    match node:
        case Reduce("sum", indices, body):
            total: Expr = Reduce("sum", (BATCH, *indices), body)
        case _:
            total = reduce_sum((BATCH,), node)
    return div(total, BATCH_COUNT) if mean else total


# ── forward ───────────────────────────────────────────────────────────────────────────────────────


def forward_statements(
    model: Model, batched: frozenset[str], stepwise: Container[str] = ()
) -> tuple[Statement, ...]:
    """One statement for each equation; the cost becomes the mean over the batch.

    ``stepwise`` are variables in recurrences: their weights over the steps before are computed where there
    are any, so that no step is read that is still to come.
    """
    made = (_forward(model, e, batched) for e in model.equations)
    return tuple(_over_weights(s) if s.target in stepwise else s for s in made)


def _over_weights(s: Statement) -> Statement:
    """``e[t,s] = softmax(…, s=0..t-1)`` for these s alone: elements that nothing writes are 0."""
    weights = s.rhs
    index = weights.at.as_index() if isinstance(weights, Weights) else None
    if not isinstance(weights, Weights) or index is None or index not in s.indices:
        return s
    low, high = weights.index.low, weights.index.high
    if not any(i in s.indices for i in (*low.indices(), *high.indices())):
        return s
    part = fresh(index.name, low, high, index.sequence)
    there = {index: affine(part)}
    indices = tuple(part if i == index else i for i in s.indices)
    at = tuple(p.substitute(there) for p in s.at)
    return replace(s, at=at, indices=indices, rhs=substitute(s.rhs, there))


def _forward(model: Model, e: Equation, batched: frozenset[str]) -> Statement:
    rhs = e.rhs
    if e.lhs.name == model.cost and is_batched(rhs, batched):
        rhs = batch_sum(rhs, batched, mean=True)
    return Statement(e.lhs.name, e.lhs.indices, e.indices, rhs, (e.number,) if e.number else ())


# ── backward ──────────────────────────────────────────────────────────────────────────────────────


def backward_statements(
    model: Model, contributions: Iterable[Contribution], batched: frozenset[str], table: bool
) -> tuple[Statement, ...]:
    """The statements that make up one adjoint, those over the same elements joined in one.

    ``table``: the adjoint is one array that no recurrence runs through.
    """
    plain = [_plain(_backward(model, c, batched)) for c in contributions]
    made = [_plain(inner) for s in plain for inner in solved(s, batched, table)]
    if table:
        made = [_masked(s, model.arrays[s.target.removeprefix("∂")].axes) for s in made]
    return joined(made)


def _backward(model: Model, c: Contribution, batched: frozenset[str]) -> Statement:
    rhs, target = c.rhs, c.lhs.name in batched
    alike = c.consumer != model.cost and c.consumer not in batched
    if alike:
        rhs = _alike(model, rhs, batched)
    # With a batch, the derivative of a mean over it is 1/batch for each example; and a value that is
    # the same for all examples is its own mean.
    mean = (c.consumer == model.cost or alike) and (target or is_batched(rhs, batched))
    if target:
        rhs = div(rhs, BATCH_COUNT) if mean else rhs
    elif is_batched(rhs, batched):
        rhs = batch_sum(rhs, batched, mean)
    numbers = (c.number,) if c.number else ()
    return Statement(adjoint_key(c.lhs.name), c.lhs.indices, c.indices, rhs, numbers)


def _masked(s: Statement, axes: Sequence[Index]) -> Statement:
    """Over a whole axis, with zeros, what runs over a part that another axis says: no loop is needed then."""
    for axis, position in zip(axes, s.at, strict=True):
        index = position.as_index()
        if index is None or not {*index.low.indices(), *index.high.indices()} & {*s.indices}:
            continue
        wide = fresh(index.name, axis.low, axis.high, index.sequence)
        there = {index: affine(wide)}
        inside = Within(affine(wide), index.low, index.high)
        new = replace(
            s, at=tuple(p.substitute(there) for p in s.at), rhs=mul((inside, substitute(s.rhs, there))),
            indices=tuple(wide if i == index else i for i in s.indices),
        )
        return _masked(new, axes)
    return s


def _alike(model: Model, node: Expr, batched: frozenset[str]) -> Expr:
    """``node``, which is the same for all examples, without readings of arrays that have a batch axis.

    Such a reading is of an element without inputs, a boundary; its right side takes its place if that
    reads none.
    """

    def value(n: Expr) -> Expr | None:
        if not isinstance(n, Ref) or n.name not in batched:
            return None
        body = definition(model, n)
        return None if body is None or is_batched(body, batched) else body

    return replace_nodes(node, value)


def _plain(s: Statement) -> Statement:
    """``lhs[l-1]`` as ``lhs[l]`` over the shifted range, wherever a position is one index ± const."""
    moved: dict[Index, Affine] = {}
    indices: list[Index] = []
    for index in s.indices:
        at = next((p for p in s.at if index in p.indices()), None)
        shift = at - index if at is not None else None
        if shift is None or not shift.is_const or not shift.const:
            indices.append(index)
            continue
        assert at is not None
        low, high = at.substitute({index: index.low}), at.substitute({index: index.high})
        indices.append(fresh(index.name, low, high, index.sequence))
        moved[index] = affine(indices[-1]) - shift
    if not moved:
        return s
    at_ = tuple(p.substitute(moved) for p in s.at)
    return replace(s, at=at_, indices=tuple(indices), rhs=substitute(s.rhs, moved))


def joined(made: Iterable[Statement]) -> tuple[Statement, ...]:
    """Statements over the same elements added up: each adjoint is written once where that can be."""
    out: list[Statement] = []
    for s in made:
        for place, other in enumerate(out):
            moved = _same_place(s, other)
            if moved is not None:
                numbers = tuple(dict.fromkeys((*other.numbers, *s.numbers)))
                out[place] = replace(other, rhs=add((other.rhs, moved)), numbers=numbers)
                break
        else:
            out.append(s)
    return tuple(out)


def _same_place(s: Statement, other: Statement) -> Expr | None:
    """The right side of ``s`` in the indices of ``other``, if both write the same elements."""
    if s.accumulate or other.accumulate or len(s.at) != len(other.at):
        return None
    renamed: dict[Index, Affine] = {}
    for mine, its in zip(s.at, other.at, strict=True):
        a, b = mine.as_index(), its.as_index()
        if a is None or b is None:
            if mine != its:
                return None
            continue
        if a.low.substitute(renamed) != b.low or a.high.substitute(renamed) != b.high:
            return None
        renamed[a] = its
    return substitute(s.rhs, renamed) if set(s.indices) <= set(renamed) else None
