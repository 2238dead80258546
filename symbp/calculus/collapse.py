"""Sums over indicators: Σ_i f_i [i = k] is f_k.

The one place where an indicator is used up.  It knows the ranges: where the surviving value may lie
outside the range of the sum, the condition stays (:class:`~symbp.calculus.expr.Within`), and nowhere
else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from symbp.calculus.affine import ALONE, Affine, Index, affine, fresh, in_ranges, known_le
from symbp.calculus.conditions import settled
from symbp.calculus.construct import add, div, flatten, mul, neg, reduce_sum
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    Indicator,
    Integer,
    Mul,
    Neg,
    Reduce,
    Weights,
    Where,
    Within,
)
from symbp.calculus.tree import free_indices, refresh, replace_nodes, rewrite, substitute

Inside = Callable[[Affine, Affine, Affine], bool]
"""Whether more is known than ranges of indices say: that ``low <= value <= high`` for a label."""


def _unknown(low: Affine, value: Affine, high: Affine) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class _Way:
    """How sums are collapsed; see :func:`collapse`."""

    partial: bool
    inside: Inside


def collapse(
    node: Expr, partial: bool = True, outer_first: bool = False, total: bool = False,
    inside: Inside = _unknown,
) -> Expr:
    """Use up every indicator that a sum can absorb.

    With ``partial`` False a sum keeps its indicator unless the surviving term exists for every value
    of the others (code scatters there).  With ``outer_first`` an indicator uses up the outermost of
    nested sums: Σ_s f_s Σ_p w_p [s-p = t] is Σ_p f_{t+p} w_p.  A condition that is left on the index of a
    sum becomes its range; with ``total`` (code) only where steps of one sequence depend on each other,
    which a loop goes through.  ``inside`` knows the ranges of labels.  Terminates: each use removes one bound
    index, or one condition.
    """
    way = _Way(partial, inside)
    if outer_first:
        node = replace_nodes(node, lambda n: _outermost(n, way) if isinstance(n, Reduce) else None)
    change = lambda n: _collapse_sum(n, way) if isinstance(n, Reduce) else None  # noqa: E731
    new = flatten(rewrite(rewrite(node, change), _settled))
    return flatten(rewrite(new, lambda n: _ranged(n, total))) if partial else new


def _ranged(node: Expr, total: bool) -> Expr | None:
    """Σ_m [l < m] f_m over m = 1..L is the sum over m = l+1..L: a condition on one index is its range.

    Terminates: a condition is gone.
    """
    if not isinstance(node, Reduce) or node.op != "sum":
        return None
    factors = node.body.factors if isinstance(node.body, Mul) else (node.body,)
    for factor in factors:
        if not isinstance(factor, Within):
            continue
        for index in node.indices:
            narrow = _narrowed(index, factor)
            if narrow is None or (total and not _one_sequence(narrow)):
                continue
            if in_ranges(index, node.indices):
                continue
            rest = mul(f for f in factors if f is not factor)
            indices = tuple(narrow if i == index else i for i in node.indices)
            return replace(node, indices=indices, body=substitute(rest, {index: affine(narrow)}))
    return None


def _one_sequence(index: Index) -> bool:
    """Whether the range of an index depends on steps of its own sequence alone."""
    ends = (*index.low.indices(), *index.high.indices())
    return bool(index.sequence) and all(i.sequence == index.sequence for i in ends)


def _narrowed(index: Index, condition: Within) -> Index | None:
    """The index with the range in which the condition holds, if that is one for all sizes: maybe none."""
    low, high = index.low, index.high
    for gap in (condition.value - condition.lo, condition.hi - condition.value):
        side = gap.coefficient(index)
        rest = gap - affine(index) * side
        if not side:
            if not known_le(Affine(), gap):
                return None
        elif side == 1 and known_le(low, -rest):
            low = -rest
        elif side == -1 and known_le(rest, high):
            high = rest
        elif not known_le(-rest if side == 1 else high, low if side == 1 else rest) or abs(side) != 1:
            return None
    # a sum from l+1 to l is empty; one from l+2 to l has no meaning that all agree on
    if (low, high) == (index.low, index.high) or not known_le(low - 1, high):
        return None
    return fresh(index.name, low, high, index.sequence)


def _settled(node: Expr) -> Expr | None:
    """A condition that the ranges of its indices decide."""
    if isinstance(node, Where) and (holds := settled(node.cond)) is not None:
        return node.then if holds else node.other
    if not isinstance(node, Within):
        return None
    low, high = known_le(node.lo, node.value), known_le(node.value, node.hi)
    if low is False or high is False:
        return ZERO
    return ONE if low and high else None


def _collapse_sum(node: Reduce, way: _Way) -> Expr | None:
    if node.op != "sum":
        return None
    body = node.body
    split = _split(body, (*node.indices, *bound_below(body)))
    if len(split) > 1 and any(True for t in split for _ in _indicators(t)):
        parts = (Reduce("sum", node.indices, t) for t in split)
        copies = [p if n == 0 else refresh(p) for n, p in enumerate(parts)]
        done = [_collapse_all(p, way) for p in copies]
        # for people a sum is taken term by term only where an index goes; code scatters each term
        return None if way.partial and done == copies else add(done)
    inner = bound_below(body)
    for index in node.indices:
        for indicator in _indicators(body):
            value = solve(indicator, index)
            if value is None:
                continue
            if any(i in value.indices() for i in inner):
                # the value is that of an inner index: the two sums become one
                return _collapse_sum(_merged(node), way)
            term = _survivor(node, index, indicator, value, way)
            if term is not None:
                return _collapse_all(term, way)
    return None


def _outermost(node: Reduce, way: _Way) -> Expr | None:
    """The sum with inner ones that hold an indicator drawn into it, if it can use one of these up."""
    if node.op != "sum" or not _mentions(node.body):
        return None
    over = (*node.indices, *bound_below(node.body))
    parts = (refresh(Reduce("sum", node.indices, t)) for t in _split(node.body, over))
    return add(_collapse_all(_merged(p, False) if isinstance(p, Reduce) else p, way) for p in parts)


def _merged(node: Reduce, every: bool = True) -> Reduce:
    """Σ_j f_j Σ_q g_jq as one sum over j and q, for all sums that multiply the body.

    Without ``every`` only for those that hold an indicator.
    """
    indices, body = _flat_body(node.body, every)
    return Reduce("sum", (*node.indices, *indices), body)


def _flat_body(body: Expr, every: bool) -> tuple[tuple[Index, ...], Expr]:
    match body:
        case Reduce("sum", indices, inner) if every or _mentions(inner):
            deeper, flat = _flat_body(inner, every)
            return (*indices, *deeper), flat
        case Mul(factors):
            parts = [_flat_body(f, every) for f in factors]
            return tuple(i for own, _ in parts for i in own), mul(f for _, f in parts)
        case Neg(arg):
            deeper, flat = _flat_body(arg, every)
            return deeper, neg(flat)
        case Div(num, den):
            deeper, flat = _flat_body(num, every)
            return deeper, div(flat, den)
        case Where(cond, then, other) if ZERO in (then, other):
            deeper, flat = _flat_body(other if then == ZERO else then, every)
            return deeper, Where(cond, ZERO, flat) if then == ZERO else Where(cond, flat, ZERO)
        case _:
            return (), body


def _collapse_all(node: Expr, way: _Way) -> Expr:
    if isinstance(node, Reduce):
        return _collapse_sum(node, way) or node
    return node


def bound_below(node: Expr) -> tuple[Index, ...]:
    """Indices that sums inside ``node`` bind: no value may mention them outside of their sum."""
    match node:
        case Reduce(_, indices, body):
            return (*indices, *bound_below(body))
        case Mul(factors):
            return tuple(i for f in factors for i in bound_below(f))
        case Neg(arg) | Div(arg, _):
            return bound_below(arg)
        case Where(_, then, other):
            return (*bound_below(then), *bound_below(other))
        case _:
            return ()


def _survivor(
    node: Reduce, index: Index, indicator: Indicator, value: Affine, way: _Way
) -> Expr | None:
    """The one term of the sum at which the indicator is 1."""
    rest = tuple(i for i in node.indices if i != index)
    within = [i for i in value.indices() if i in rest]
    if within and any(index in i.extent.indices() for i in rest):
        return None
    low, high = known_le(index.low, value), known_le(value, index.high)
    if low is False or high is False:
        return ZERO
    open_ = (low is None or high is None) and not way.inside(index.low, value, index.high)
    if open_ and not way.partial:
        return None
    body = _without(node.body, indicator)
    if open_ and not weighed(body, index):
        body = mul((Within(affine(index), index.low, index.high), body))
    if within:
        # the value is that of another index of this sum: it is meant, not captured
        return reduce_sum(rest, substitute(body, {index: value}))
    # the ranges of the other indices may depend on this one, so the whole sum is substituted into
    return substitute(reduce_sum(rest, body), {index: value})


def weighed(body: Expr, index: Index) -> bool:
    """Whether the body is 0 outside of the range of the index anyway: its weights alone depend on it.

    A softmax over s = 0..t is 0 at an s > t, as a causal attention has it; so is [k = argmax].
    """
    own = [f for f in (body.factors if isinstance(body, Mul) else (body,)) if index in free_indices(f)]
    match own:
        case [Weights(_, over, _, at)]:
            return at.as_index() == index and (over.low, over.high) == (index.low, index.high)
        case _:
            return False


def solve(indicator: Indicator, index: Index) -> Affine | None:
    """The value of ``index`` at which the indicator is 1, if it is one integer-affine value."""
    difference = indicator.left - indicator.right
    factor = difference.coefficient(index)
    if abs(factor) != 1:
        return None
    value = (affine(index) * factor - difference) * factor
    # u - p, not -p + u
    value = Affine(value.const, sorted(value.terms, key=lambda term: term[1] < 0))
    return None if index in value.indices() else value


def _split(body: Expr, over: tuple[Index, ...]) -> tuple[Expr, ...]:
    """The terms of a body whose sum over these indices distributes: Σ (f + g) = Σ f + Σ g, in products too.

    A factor like ([a = i] − [b = i]) stays whole where no sum runs over a or i.
    """
    match body:
        case Add(terms):
            return tuple(s for t in terms for s in _split(t, over))
        case Neg(arg):
            return tuple(neg(s) for s in _split(arg, over))
        case Div(num, den):
            return tuple(div(s, den) for s in _split(num, over))
        case Where(cond, then, other) if _mentions(body, over):
            return _split_choice(cond, then, other, over) or (body,)
        case Mul(factors):
            for place, factor in enumerate(factors):
                parts = _split(factor, over) if _mentions(factor, over) else (factor,)
                if len(parts) > 1:
                    return tuple(
                        s
                        for p in parts
                        for s in _split(mul((*factors[:place], p, *factors[place + 1 :])), over)
                    )
            return (body,)
        case Reduce("sum", indices, inner) if _mentions(inner, over):
            return tuple(Reduce("sum", indices, s) for s in _split(inner, over))
        case _:
            return (body,)


def _split_choice(cond: Expr, then: Expr, other: Expr, over: tuple[Index, ...]) -> tuple[Expr, ...]:
    """A choice as a sum of choices with one term each; () where both branches have the same indicators."""
    first, second = (tuple(t for t in _split(branch, over) if t != ZERO) for branch in (then, other))
    if len(first) + len(second) < 2:
        return ()
    if len(first) == len(second) == 1 and {*_indicators(then)} == {*_indicators(other)}:
        return ()
    return (*(Where(cond, t, ZERO) for t in first), *(Where(cond, ZERO, t) for t in second))


def _mentions(node: Expr, over: tuple[Index, ...] | None = None) -> bool:
    """Whether an indicator, of one of the indices ``over``, occurs where it could be taken out."""
    match node:
        case Indicator(left, right):
            return over is None or any(i in over for i in (*left.indices(), *right.indices()))
        case Add(parts) | Mul(parts):
            return any(_mentions(p, over) for p in parts)
        case Neg(arg) | Div(arg, _) | Reduce("sum", _, arg):
            return _mentions(arg, over)
        case Where(_, then, other):
            return _mentions(then, over) or _mentions(other, over)
        case _:
            return False


def _indicators(body: Expr) -> Iterator[Indicator]:
    """The indicators that multiply the whole body."""
    match body:
        case Indicator():
            yield body
        case Mul(factors):
            for factor in factors:
                yield from _indicators(factor)
        case Neg(arg) | Div(arg, _) | Reduce("sum", _, arg):
            yield from _indicators(arg)
        case Where(_, then, other) if other == ZERO:
            yield from _indicators(then)
        case Where(_, then, other) if then == ZERO:
            yield from _indicators(other)
        case Where(_, then, other):
            there = {*_indicators(other)}
            yield from (i for i in _indicators(then) if i in there)
        case _:
            return


def _without(body: Expr, indicator: Indicator) -> Expr:
    """The body with that indicator, which multiplies it, set to 1."""
    if body == indicator:
        return ONE
    match body:
        case Mul(factors):
            return mul(_without(f, indicator) for f in factors)
        case Neg(arg):
            return neg(_without(arg, indicator))
        case Div(num, den):
            return div(_without(num, indicator), den)
        case Reduce("sum", indices, inner):
            return reduce_sum(indices, _without(inner, indicator))
        case Where(cond, then, other):
            return Where(
                cond,
                _without(then, indicator) if then != ZERO else ZERO,
                _without(other, indicator) if other != ZERO else ZERO,
            )
        case _:
            return body


def outer_factors(node: Expr) -> Expr:
    """Factors that do not depend on the bound index leave the sum: Σ_j d_j w_j s = (Σ_j d_j w_j) s."""

    def change(n: Expr) -> Expr | None:
        if not (isinstance(n, Reduce) and n.op == "sum"):
            return None
        # what has left an inner sum may leave this one too
        return _take_out(replace(n, body=flatten(n.body)))

    return flatten(rewrite(flatten(node), change))


def _take_out(node: Reduce) -> Expr | None:
    body: Expr
    body, sign = (node.body.arg, True) if isinstance(node.body, Neg) else (node.body, False)
    den: Expr | None = None
    if isinstance(body, Div) and not _depends(body.den, node.indices):
        den, body = body.den, body.num
    factors = body.factors if isinstance(body, Mul) else (body,)
    # a condition on a range stays with what it guards
    stays = [isinstance(f, Within) or _depends(f, node.indices) for f in factors]
    inside = tuple(f for f, s in zip(factors, stays, strict=True) if s)
    outside = tuple(f for f, s in zip(factors, stays, strict=True) if not s)
    if not inside and (count := _count(node.indices)) is not None:
        total = mul((*count, *outside))
        total = total if den is None else div(total, den)
        return neg(total) if sign else total
    if (not outside and den is None and not sign) or not inside:
        return None
    front = tuple(f for f in outside if not free_indices(f))
    back = tuple(f for f in outside if free_indices(f))
    total = mul((*front, replace(node, body=mul(inside)), *back))
    total = total if den is None else div(total, den)
    return neg(total) if sign else total


def _count(indices: tuple[Index, ...]) -> tuple[Expr, ...] | None:
    """How many values each index takes, where that is a size: Σ_k p is K p."""
    sizes = [i.extent for i in indices]
    plain = all(i.uid != ALONE and not s.indices() for i, s in zip(indices, sizes, strict=True))
    if not plain or not all(known_le(Affine(0), s) for s in sizes):
        return None
    return tuple(Integer(s) for s in sizes)


def _depends(node: Expr, indices: tuple[Index, ...]) -> bool:
    return any(i in indices for i in free_indices(node))
