"""Sums over the history of a recurrence whose range a condition says: Σ_s where(s < r, m[r,s] v[s], 0).

An order of evaluation is read from positions and ranges.  So a condition that keeps such a sum to what is
known already becomes the end of its range, Σ_{s<r} m[r,s] v[s]: the same sum, as the blackboard has it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from symbp.calculus.affine import Index, affine, fresh, known_le
from symbp.calculus.conditions import gaps, settled
from symbp.calculus.construct import mul
from symbp.calculus.expr import ONE, ZERO, Expr, Logic, Mul, Reduce, Where
from symbp.calculus.tree import bound, refs, rewrite, substitute, walk
from symbp.model.core import Array, Equation
from symbp.model.order import recurrences


def over_history(equations: Sequence[Equation], arrays: Mapping[str, Array]) -> tuple[Equation, ...]:
    """The equations, in which sums over what variables of a recurrence were before run over that alone."""
    together = {name: frozenset(group) for group in recurrences(equations) for name in group}
    return tuple(_narrowed(e, together.get(e.lhs.name, frozenset()), arrays) for e in equations)


def _narrowed(equation: Equation, names: frozenset[str], arrays: Mapping[str, Array]) -> Equation:
    if not names:
        return equation
    return replace(equation, rhs=rewrite(equation.rhs, partial(_shortened, names=names, arrays=arrays)))


def _shortened(node: Expr, names: frozenset[str], arrays: Mapping[str, Array]) -> Expr | None:
    """A sum over steps of ``names`` with the ends that its conditions say; None for any other."""
    if not (isinstance(node, Reduce) and node.op == "sum"):
        return None
    read = [r for r in refs(node.body) if r.name in names]
    steps = {i for r in read for p, a in zip(r.indices, arrays[r.name].axes, strict=True)
             if a.sequence for i in p.indices()}
    inner = {i for n in walk(node) for i in bound(n)}
    for index in node.indices:
        if index in steps and (new := _within(index, node.body, inner)) is not None:
            body = rewrite(substitute(node.body, {index: affine(new)}), _met)
            return Reduce("sum", tuple(new if i is index else i for i in node.indices), body)
    return None


def _within(index: Index, body: Expr, inner: set[Index]) -> Index | None:
    """The index between the ends that conditions on all of the sum give it; None if they give none."""
    low, high = index.low, index.high
    for cond in _conditions(body):
        for gap in gaps(cond):
            factor, rest = gap.coefficient(index), gap - affine(index) * gap.coefficient(index)
            if inner & set(rest.indices()):
                continue
            if factor == -1 and known_le(rest, high):
                high = rest
            elif factor == 1 and known_le(low, -rest):
                low = -rest
    same = (low, high) == (index.low, index.high)
    return None if same else fresh(index.name, low, high, index.sequence)


def _conditions(body: Expr) -> Iterator[Expr]:
    """The conditions without which a term is 0."""
    match body:
        case Where(cond, then, other) if other == ZERO:
            yield cond
            yield from _conditions(then)
        case Mul(factors):
            for factor in factors:
                yield from _conditions(factor)


def _met(node: Expr) -> Expr | None:
    """A choice without the conditions that the range says now."""
    match node:
        case Where(cond, then, other) if other == ZERO:
            left = [c for c in _all_of(cond) if settled(c) is not True]
            if not left:
                return then
            return replace(node, cond=left[0] if len(left) == 1 else Logic("and", tuple(left)))
        case Mul(factors) if ONE in factors:
            return mul(factors)
        case _:
            return None


def _all_of(cond: Expr) -> tuple[Expr, ...]:
    return cond.args if isinstance(cond, Logic) and cond.op == "and" else (cond,)
