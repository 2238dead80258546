"""From indexed expressions to array expressions: indices that no loop runs over become axes.

One pass over the closed set of expression nodes.  Sums of products are handed to
:mod:`symbp.arrays.contract`.  What has no array form raises and says what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from symbp.arrays import contract
from symbp.arrays.cover import framing, sizing
from symbp.arrays.masks import NOTHING
from symbp.arrays.nodes import (
    BATCH,
    Apply,
    Choice,
    Elementwise,
    Fold,
    IndexValue,
    Labels,
    Load,
    Local,
    LoopSum,
    Node,
    Normalised,
    Num,
    Select,
    below,
    elementwise,
    join,
)
from symbp.arrays.reading import Scope, index_value, load
from symbp.arrays.statement import key_of, reads
from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, span
from symbp.calculus.construct import mul
from symbp.calculus.expr import ONE as EXPR_ONE
from symbp.calculus.expr import ZERO as EXPR_ZERO
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Partial,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
)
from symbp.calculus.tree import bound, positions, refresh, substitute, walk
from symbp.errors import RequestProblem, SymbpError

ZERO, ONE = Num(Fraction(0)), Num(Fraction(1))


def lower(node: Expr, scope: Scope) -> Node:
    """The array expression over the free indices of ``node`` that are not loop indices.

    Raises:
        RequestProblem: for an undefined function.
        SymbpError: for what has no array form.
    """
    match node:
        case Number(value):
            return Num(value)
        case Integer(value):
            return _number(value, scope)
        case Ref() | Adjoint():
            return load(node, scope)
        case Add(terms):
            return elementwise("+", *(lower(t, scope) for t in terms))
        case Mul(factors):
            return _product(factors, scope)
        case Neg(arg):
            return elementwise("neg", lower(arg, scope))
        case Div(num, den):
            return elementwise("/", lower(num, scope), lower(den, scope))
        case Pow(base, exponent):
            return elementwise("**", lower(base, scope), lower(exponent, scope))
        case Call(function, args, orders):
            below = tuple(lower(a, scope) for a in args)
            return Apply(function, below, orders, join(*(a.labels for a in below)))
        case Reduce():
            return _reduce(node, scope)
        case Weights():
            return _weights(node, scope)
        case Where(cond, then, other):
            branch = replace(scope, guarded=True)
            return where(lower(cond, scope), lower(then, branch), lower(other, branch))
        case Compare(op, left, right):
            return elementwise(op, _compared(left, scope), _compared(right, scope))
        case Logic(op, args):
            return elementwise(op, *(lower(a, scope) for a in args))
        case Indicator(left, right):
            return _flag(elementwise("==", index_value(left, scope), index_value(right, scope)))
        case Within():
            return _flag(_within(node, scope))
        case Functional(name):
            raise RequestProblem(
                f"{name} is an undefined function of whole arrays: there is nothing to compute",
                hint=f'bind it: write its definition in the model, as in "{name}(v[j]) = sum(v[j]^2, j)"',
            )
        case Partial():
            raise SymbpError("a derivative that was not taken reached the array program")
        case _:
            raise TypeError(f"{type(node).__name__} is not an expression node")


def _number(value: Affine, scope: Scope) -> Node:
    """An integer as a number among others."""
    node = index_value(value, scope)
    labelled = any(isinstance(a, Ref) for a in value.atoms())
    return Elementwise("cast", (node,), node.labels) if labelled else node


def _compared(side: Expr, scope: Scope) -> Node:
    """A side of a comparison: labels as the integers that they are, which a float may not hold."""
    whole = _integer(side, scope)
    labelled = whole is not None and any(isinstance(a, Ref) for a, _ in whole.terms)
    return index_value(whole, scope) if whole is not None and labelled else lower(side, scope)


def _integer(node: Expr, scope: Scope) -> Affine | None:
    """The integer that an expression is for sure: made of indices, sizes and integer arrays."""
    match node:
        case Integer(value):
            return value
        case Number(number) if number.denominator == 1:
            return Affine(int(number))
        case Ref() if node.name not in scope.locals:
            storage = scope.storages.get(key_of(node))
            return affine(node) if storage is not None and storage.integer else None
        case Neg(arg):
            inner = _integer(arg, scope)
            return None if inner is None else -inner
        case Add(terms):
            parts = [_integer(t, scope) for t in terms]
            known = [p for p in parts if p is not None]
            return sum(known, Affine()) if len(known) == len(parts) else None
        case _:
            return None


def where(cond: Node, then: Node, other: Node) -> Node:
    """A choice: made once if the condition is the same for all elements and known to Python."""
    if _said(cond):
        labels = join(then.labels, other.labels)
        return Choice(cond, _filled(then, labels), _filled(other, labels), labels)
    if (then, other) == (ONE, ZERO):
        return elementwise("flag", cond)
    return elementwise("where", cond, then, other)


def _said(cond: Node) -> bool:
    """Whether Python knows a condition: it is one for all elements, and speaks of loops and sizes only."""
    return not cond.labels and not _loads(cond)


def _loads(node: Node) -> bool:
    """Whether the value is one of arrays, as the parameter of a user's function may be."""
    return isinstance(node, Load | Local) or any(_loads(n) for n in below(node))


def _filled(node: Node, labels: Labels) -> Node:
    """The value over all of ``labels``: what Python chooses does not broadcast with what it leaves."""
    missing = any(i not in node.labels for i in labels)
    return Elementwise("spread", (node,), labels) if missing else node


def _flag(cond: Node) -> Node:
    """A condition as 1 or 0."""
    return where(cond, ONE, ZERO)


def _within(node: Within, scope: Scope) -> Node:
    """The conditions that are not met everywhere anyway."""
    value, low, high = (index_value(p, scope) for p in (node.value, node.lo, node.hi))
    sure = (_surely_le(node.lo, node.value), _surely_le(node.value, node.hi))
    tests = (elementwise("<=", low, value), elementwise("<=", value, high))
    left = [t for t, known in zip(tests, sure, strict=True) if not known]
    return left[0] if len(left) == 1 else elementwise("and", *tests)


def _surely_le(left: Affine, right: Affine) -> bool:
    """Whether that holds for all values of the indices, those that both have in common too."""
    return bool(known_le(left, right) or known_le(span(left, True), span(right, False)))


def _product(factors: tuple[Expr, ...], scope: Scope) -> Node:
    """A product; factors [lo ≤ i ≤ hi] choose, because what they guard need not be finite.

    Nor need it exist, under any condition: a reading outside of its array is moved inside.  One at a
    place that loops say cannot be, so Python chooses where they say the condition too.
    """
    guards = [f for f in factors if isinstance(f, Within) or (chooses(f) and _said(condition(f, scope)))]
    scope = replace(scope, guarded=scope.guarded or any(map(chooses, factors)))
    rest = [lower(f, scope) for f in factors if f not in guards]
    value = rest[0] if len(rest) == 1 else elementwise("*", *rest) if rest else ONE
    return masked(guards, value, scope)


def masked(guards: Sequence[Expr], value: Node, scope: Scope) -> Node:
    """A value where all conditions hold, 0 elsewhere."""
    for guard in guards:
        value = where(condition(guard, scope), value, ZERO)
    return value


def condition(guard: Expr, scope: Scope) -> Node:
    """The truth of a factor [lo ≤ i ≤ hi], or of one that is 1 or 0."""
    if isinstance(guard, Within):
        return _within(guard, scope)
    assert isinstance(guard, Where)
    return lower(guard.cond, scope)


def chooses(factor: Expr) -> bool:
    """Whether a factor is 1 or 0 as a condition says."""
    flag = isinstance(factor, Where) and (factor.then, factor.other) == (EXPR_ONE, EXPR_ZERO)
    return flag or isinstance(factor, Within)


# ── reductions ────────────────────────────────────────────────────────────────────────────────────


def must_loop(index: Index, body: Expr, scope: Scope) -> bool:
    """Whether an index chooses members of a list, or the sizes or ends of other indices."""
    for read in reads(body):
        storage = scope.storages.get(key_of(read))
        if storage is not None and storage.listed:
            axis = storage.layout[0]
            if index in read.indices[axis].indices():
                return True
    if not index.sequence:
        return False
    return index in framing(body) or any(index in sizing(i) for n in walk(body) for i in bound(n))


def _reduce(node: Reduce, scope: Scope) -> Node:
    looped = tuple(i for i in node.indices if _loops_over(i, node, scope))
    if looped:
        if node.op != "sum":
            raise _ragged(node.op, looped[0])
        return _loop_sum(looped, node, scope)
    if node.op == "sum":
        node = _widened(node, scope)
        return contract.total(node.indices, node.body, scope)
    return _masked_fold(node, scope)


def _masked_fold(node: Reduce, scope: Scope, masks: tuple[Within, ...] = ()) -> Node:
    """A maximum, a product, … where what lies outside of a range that moves counts for nothing."""
    for index in node.indices:
        inside, wide = _frame(index, scope)
        if inside is not None:
            return _masked_fold(_over(wide, index, node), scope, (*masks, inside))
    body = lower(node.body, replace(scope, guarded=True) if masks else scope)
    for mask in masks:
        body = where(_within(mask, scope), body, _NEUTRAL[node.op])
    return fold(node.op, body, node.indices)


_NEUTRAL = {
    "max": NOTHING, "logsumexp": NOTHING, "min": Apply("infinity", ()), "prod": ONE,
}
"""What a reduction does not notice."""


def _frame(index: Index, scope: Scope) -> tuple[Within | None, Index]:
    """The condition of a range that depends on another axis, over an index that runs over all it reaches."""
    if not any(i not in scope.loops for i in (*index.low.indices(), *index.high.indices())):
        return None, index
    wide = fresh(index.name, span(index.low, False), span(index.high, True), index.sequence)
    place = {index: affine(wide)}
    return Within(affine(wide), index.low.substitute(place), index.high.substitute(place)), wide


def _ragged(op: str, index: Index) -> SymbpError:
    return SymbpError(
        f"{op} over {index.name}, whose members differ in shape, has no array form",
        hint="give the members one size, or reduce each member first",
    )


def _loops_over(index: Index, node: Reduce, scope: Scope) -> bool:
    inner = Reduce(node.op, tuple(i for i in node.indices if i != index), node.body)
    return index is not BATCH and must_loop(index, inner, scope)


def _loop_sum(looped: Labels, node: Reduce, scope: Scope) -> Node:
    rest = tuple(i for i in node.indices if i not in looped)
    body = lower(Reduce("sum", rest, node.body) if rest else node.body, scope.inside(*looped))
    for index in reversed(looped):
        body = LoopSum(index, body, body.labels)
    return body


def fold(op: str, body: Node, over: Labels) -> Node:
    """A reduction of an array over labels that it has; absent ones multiply or do nothing."""
    absent = tuple(i for i in over if i not in body.labels)
    present = tuple(i for i in over if i in body.labels)
    out = body
    if present:
        out = Fold(op, body, present, tuple(i for i in body.labels if i not in present))
    for index in absent:
        count = IndexValue(index.extent)
        if op == "sum":
            out = elementwise("*", count, out)
        elif op == "prod":
            out = elementwise("**", out, count)
        elif op == "logsumexp":
            out = elementwise("+", out, Apply("log", (count,)))
    return out


def _widened(node: Reduce, scope: Scope) -> Reduce:
    """Σ_{j≤i} over all j with a condition, where the range of j depends on another axis."""
    for index in node.indices:
        inside, wide = _frame(index, scope)
        if inside is None:
            continue
        wider = _over(wide, index, node)
        return _widened(Reduce("sum", wider.indices, mul((inside, wider.body))), scope)
    return node


def _over(wide: Index, index: Index, node: Reduce) -> Reduce:
    """The reduction over ``wide`` instead of ``index``, in the ranges of the other indices too."""
    places = {index: affine(wide)}
    indices: list[Index] = []
    for i in node.indices:
        low, high = i.low.substitute(places), i.high.substitute(places)
        if i is index:
            i = wide
        elif (low, high) != (i.low, i.high):
            new = fresh(i.name, low, high, i.sequence)
            places[i], i = affine(new), new
        indices.append(i)
    return Reduce(node.op, tuple(indices), substitute(node.body, places))


def _weights(node: Weights, scope: Scope) -> Node:
    """Weights read where they are, or picked out of the whole row."""
    if must_loop(node.index, node.body, scope):
        raise _ragged(node.op, node.index)
    _, index = _frame(node.index, scope)
    at = node.at.as_index()
    if at is not None and at not in scope.loops and _reaches(at, index):
        taken = {i for n in walk(node.body) for p in positions(n) for i in p.indices()}
        if at not in taken:
            body = _weighed(node, at, scope)
            return Normalised(node.op, _with(body, at), at, join(body.labels, (at,)))
    body = _with(_weighed(node, index, scope), index)
    row = Normalised(node.op, body, index, body.labels)
    ids = index_value(node.at - index.low, scope)
    first, last = _surely_le(index.low, node.at), _surely_le(node.at, index.high)
    labelled = any(isinstance(a, Ref) for a in node.at.atoms())
    left_out = not ((first and last) or labelled)
    if left_out or (scope.guarded and not (first and last)):
        ends = (Affine(), index.extent - 1)
        ids = elementwise("clip", ids, *(index_value(end, scope) for end in ends))
    labels = (*(i for i in body.labels if i != index), *ids.labels)
    chosen = Select(row, index, ids, tuple(dict.fromkeys(labels)))
    return where(_within(Within(node.at, index.low, index.high), scope), chosen, ZERO) if left_out else chosen


def _reaches(at: Index, index: Index) -> bool:
    """Whether one index takes every value of the other one."""
    return bool(known_le(at.low, index.low)) and bool(known_le(index.high, at.high))


def _weighed(node: Weights, label: Index, scope: Scope) -> Node:
    """What is weighed, along ``label``; masked where that leaves the range of the weights."""
    own = node.index
    body = node.body if label is own else substitute(refresh(node.body), {own: affine(label)})
    if (label.low, label.high) == (own.low, own.high):
        return lower(body, scope)
    inside = _within(Within(affine(label), own.low, own.high), scope)
    nothing = _NEUTRAL["min" if node.op == "argmin" else "max"]
    return where(inside, lower(body, replace(scope, guarded=True)), nothing)


def _with(body: Node, label: Index) -> Node:
    if label in body.labels:
        return body
    raise SymbpError(f"weights over {label.name} of a value that does not depend on it have no code yet")
