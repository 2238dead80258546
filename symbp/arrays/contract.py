"""Sums of products as contractions of two operands at a time.

A sum is split over its terms; factors without the summed index leave it; nested sums are one sum.
The order of the pairs is the cheapest that opt_einsum finds for nominal sizes
(Smith and Gray, *opt_einsum*, JOSS 2018).
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import opt_einsum

from symbp.arrays import lower as lowering
from symbp.arrays.nodes import (
    BATCH,
    Contract,
    Elementwise,
    IndexValue,
    Labels,
    Load,
    Node,
    Num,
    elementwise,
    join,
)
from symbp.arrays.unfold import unfolded
from symbp.calculus.affine import Index
from symbp.calculus.construct import mul
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Adjoint,
    Div,
    Expr,
    Integer,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Where,
    Within,
)
from symbp.calculus.tree import free_indices, refresh, walk

if TYPE_CHECKING:
    from symbp.arrays.reading import Scope

NOMINAL, NOMINAL_BATCH = 48, 64
"""Sizes for which the order of contractions is chosen: all axes alike, the batch somewhat longer."""


def total(over: Labels, body: Expr, scope: Scope) -> Node:
    """Σ over the labels ``over`` of ``body``."""
    match body:
        case Neg(arg):
            return elementwise("neg", total(over, arg, scope))
        case Add(terms) if _splits(terms, scope):
            return elementwise("+", *(total(over, refresh(t), scope) for t in terms))
        case Div(num, den) if not set(free_indices(den)) & set(over) and not _batched(den, over, scope):
            return elementwise("/", total(over, num, scope), lowering.lower(den, scope))
        case Reduce("sum", inner, nested) if not _needs_care(inner, nested, scope):
            return total((*over, *inner), nested, scope)
        case _:
            return _factored(over, body, scope)


def _batched(node: Expr, over: Labels, scope: Scope) -> bool:
    return BATCH in over and BATCH in lowering.lower(node, scope).labels


def _splits(terms: tuple[Expr, ...], scope: Scope) -> bool:
    """Whether the terms are better summed apart: products, or terms over different axes."""
    if any(_is_product(t) for t in terms):
        return True
    labels = [set(lowering.lower(t, scope).labels) for t in terms]
    return any(found != labels[0] for found in labels)


def _is_product(term: Expr) -> bool:
    while isinstance(term, (Neg, Div)):
        term = term.arg if isinstance(term, Neg) else term.num
    if isinstance(term, Mul):
        return sum(not isinstance(f, (Number, Integer)) for f in term.factors) > 1
    return isinstance(term, Reduce)


def _needs_care(inner: Labels, nested: Expr, scope: Scope) -> bool:
    """Whether an inner sum has to be a loop or has a range that depends on other axes."""
    return any(
        lowering.must_loop(i, nested, scope)
        or any(m not in scope.loops for m in (*i.low.indices(), *i.high.indices()))
        for i in inner
    )


def _factored(over: Labels, body: Expr, scope: Scope) -> Node:
    factors, over, guarded = _factors(over, body, scope)
    if guarded:
        fixed = [f for f in factors if lowering.chooses(f) and not set(free_indices(f)) & set(over)]
        if fixed:
            rest = total(over, mul(f for f in factors if f not in fixed), replace(scope, guarded=True))
            return lowering.masked(fixed, rest, scope)
        masked = _masked(factors, replace(scope, guarded=True))
        if masked is not None:
            return _contracted(over, masked, apart=False)
        return lowering.fold("sum", lowering.lower(body, scope), over)
    opened = _opened(factors, over, scope)
    if opened is not None and (operands := _masked(opened, replace(scope, guarded=True))) is not None:
        return _contracted(over, operands, apart=False)
    scope = replace(scope, guarded=scope.guarded or any(map(lowering.chooses, factors)))
    nodes = [lowering.lower(f, scope) for f in factors]
    # what a condition chooses need not be finite: its terms alone are not to be summed
    return _contracted(over, nodes, apart=not scope.guarded)


def _masked(factors: list[Expr], scope: Scope) -> list[Node] | None:
    """The operands of a product under conditions: what has all axes of these is 0 where they fail.

    Σ_{s≤t} a[t,s] x[s,d] is a product of matrices then.  What is computed and not masked need not be finite
    where the condition fails, so all other operands have to be given or stored, or to have none of its axes.
    """
    guards = [f for f in factors if lowering.chooses(f)]
    nodes = [lowering.lower(f, scope) for f in factors if not lowering.chooses(f)]
    axes = {i for g in guards for i in lowering.condition(g, scope).labels}
    whole = [n for n in nodes if axes <= set(n.labels)]
    others = [n for n in nodes if not axes <= set(n.labels)]
    data = all(isinstance(g, Within) or _of_indices(g) for g in guards)
    if not axes or not all(_stored(n, scope, data) for n in others if axes & set(n.labels)):
        return None
    alike = {frozenset(n.labels): [m for m in whole if set(m.labels) == set(n.labels)] for n in whole}
    products = [elementwise("*", *same) if len(same) > 1 else same[0] for same in alike.values()]
    made = [lowering.masked(guards, n, scope) for n in products or [Num(Fraction(1))]]
    return [*(n for n in others if isinstance(n, Num)), *made, *(n for n in others if not isinstance(n, Num))]


def _opened(factors: list[Expr], over: Labels, scope: Scope) -> list[Expr] | None:
    """The factors with Σ where(c, a b, 0) as a condition and a product, where a and b have other axes."""
    chosen = [f for f in factors if isinstance(f, Where) and f.other == ZERO]
    product = [f for f in chosen if isinstance(f.then, (Mul, Div, Neg))]
    if len(product) != 1 or chosen != product:
        return None
    inner, same, guarded = _factors(over, product[0].then, scope)
    if guarded or same != over or any(isinstance(f, Where) for f in inner):
        return None
    labels = [set(lowering.lower(f, replace(scope, guarded=True)).labels) for f in inner]
    if all(found == labels[0] for found in labels):
        return None
    guard = Where(product[0].cond, ONE, ZERO)
    return [guard, *inner, *(f for f in factors if f is not product[0])]


def _of_indices(guard: Expr) -> bool:
    """Whether a condition compares indices alone, as those of a range do."""
    return not any(isinstance(n, (Ref, Adjoint)) for n in walk(guard))


def _stored(node: Node, scope: Scope, data: bool) -> bool:
    """Whether an operand is an array as it lies there; of data, which may have gaps, only with ``data``."""
    if not isinstance(node, Load):
        return isinstance(node, (Num, IndexValue))
    return data or scope.storages[node.key].finite


def _contracted(over: Labels, nodes: list[Node], apart: bool) -> Node:
    """Σ over labels of a product of arrays; ``apart``: sums over more axes than their terms are split."""
    sign = [n for n in nodes if isinstance(n, Num)]
    operands = _merged([n for n in nodes if not isinstance(n, Num)], over)
    if apart and (wide := _outer_sum(operands, over)) is not None:
        rest = list(nodes)
        rest.remove(wide)
        return elementwise("+", *(_contracted(over, [*_split(t), *rest], apart) for t in wide.args))
    absent = [i for i in over if not any(i in n.labels for n in operands)]
    outer = [n for n in operands if not set(n.labels) & set(over)]
    inner = [n for n in operands if set(n.labels) & set(over)]
    present = tuple(i for i in over if i not in absent)
    value = math.prod((n.value for n in sign), start=Fraction(1))
    scale = [Num(abs(value))] if abs(value) != 1 else []
    parts: list[Node] = [*scale, *(IndexValue(i.extent) for i in absent), *outer]
    if inner:
        rest_labels = join(*(n.labels for n in outer))
        parts.append(_pairwise(inner, present, rest_labels))
    product = elementwise("*", *parts) if len(parts) != 1 else parts[0]
    return elementwise("neg", product) if value < 0 else product


def _outer_sum(operands: list[Node], over: Labels) -> Elementwise | None:
    """A factor x[n,d] - y[j,d] whose terms are made of arrays with fewer axes, and that is no square.

    Σ_n p[n,j] (x[n,d] - y[j,d]) is a product of matrices and a sum of rows; the difference is an array
    with all three axes.  Of two differences, (x[n,d] - y[j,d])*(x[n,e] - y[j,e]), none is split: far from the
    origin the digits that the products have in common are lost twice over.
    """
    found = [n for n in operands if isinstance(n, Elementwise) and n.op == "+" and set(n.labels) & set(over)]
    apart = [n for n in found if all(_separates(t, set(n.labels)) for t in n.args)]
    return apart[0] if len(apart) == 1 and len(operands) > 1 else None


def _separates(term: Node, labels: set[Index]) -> bool:
    """Whether all factors of a term have fewer axes than these."""
    return all(set(f.labels) < labels for f in _split(term))


def _split(term: Node) -> list[Node]:
    """A term as its factors."""
    match term:
        case Elementwise("neg", (arg,)):
            return [Num(Fraction(-1)), *_split(arg)]
        case Elementwise("*", args):
            return [f for a in args for f in _split(a)]
        case Elementwise("/", (num, den)):
            return [*_split(num), elementwise("/", Num(Fraction(1)), den)]
        case _:
            return [term]


def _factors(
    over: Labels, body: Expr, scope: Scope, nested: bool = False
) -> tuple[list[Expr], Labels, bool]:
    """The factors of a product, those of nested sums too; the last part tells of conditions."""
    match body:
        case Mul(factors):
            out: list[Expr] = []
            guarded = False
            alone = sum(not isinstance(f, (Number, Integer)) for f in factors) == 1
            for factor in factors:
                if isinstance(factor, Pow) and not alone:
                    out.append(factor)
                    continue
                inner, over, guard = _factors(over, factor, scope, not alone)
                out, guarded = [*out, *inner], guarded or guard
            return out, over, guarded
        case Neg(arg):
            inner, over, guarded = _factors(over, arg, scope, nested)
            return [Number(Fraction(-1)), *inner], over, guarded
        case Div(num, den) if nested or isinstance(num, (Mul, Reduce)):
            inner, over, guarded = _factors(over, num, scope, nested)
            under = den.factors if isinstance(den, Mul) else (den,)
            return [*inner, *(Div(Number(Fraction(1)), d) for d in under)], over, guarded
        case Reduce("sum", indices, inside) if not _needs_care(indices, inside, scope) and not (
            isinstance(inside, Add)
        ):
            return _factors((*over, *indices), inside, scope, nested)
        case Pow(base, Number(value)) if value == 2:
            return [base, base], over, False
        case Within() | Where():
            return [body], over, isinstance(body, Within)
        case _:
            return [body], over, False


def _merged(nodes: list[Node], over: Labels) -> list[Node]:
    """Factors over the same labels multiplied first: what is left is a contraction of unlike ones.

    The two factors of a square stay apart: they are one operand contracted with itself.
    """
    out: list[Node] = []
    for node in nodes:
        for place, other in enumerate(out):
            if set(other.labels) == set(node.labels) and other != node and node.labels:
                out[place] = _times(other, node)
                break
        else:
            out.append(node)
    if len(out) == 1 and set(over) <= set(out[0].labels):
        return _unmerged(out[0], len(nodes))
    return out


def _times(left: Node, right: Node) -> Node:
    factors = (*left.args, right) if isinstance(left, Elementwise) and left.op == "*" else (left, right)
    return elementwise("*", *factors)


def _unmerged(node: Node, count: int) -> list[Node]:
    """A product of two over the same labels is still a dot product."""
    if count == 2 and isinstance(node, Elementwise) and node.op == "*" and len(node.args) == 2:
        return list(node.args)
    return [node]


def _pairwise(nodes: list[Node], over: Labels, wanted: Labels) -> Node:
    """Two operands at a time until one is left."""
    operands = [_summed_alone(n, nodes, over) for n in nodes]
    outside = {i for n in operands for i in n.labels} - set(over)
    for pair in _path(operands, outside):
        chosen = [operands[k] for k in sorted(pair)]
        operands = [n for k, n in enumerate(operands) if k not in pair]
        node = chosen[0]
        for other in chosen[1:]:
            kept = {i for n in operands for i in n.labels} | outside
            node = _pair(node, other, kept)
        operands.append(node)
    left = operands[0]
    rest = tuple(i for i in left.labels if i in over)
    return lowering.fold("sum", left, rest) if rest else left


def _summed_alone(node: Node, nodes: list[Node], over: Labels) -> Node:
    """An operand summed over the labels that only it has, before it meets the others."""
    if len(nodes) == 1:
        return node
    others = {i for n in nodes if n is not node for i in n.labels}
    alone = tuple(i for i in node.labels if i in over and i not in others)
    if nodes.count(node) > 1 or not alone:
        return node
    return lowering.fold("sum", node, alone)


def _path(operands: list[Node], outside: set[Index]) -> list[tuple[int, ...]]:
    if len(operands) < 2:
        return []
    letters: dict[Index, str] = {}
    for node in operands:
        for index in node.labels:
            letters.setdefault(index, opt_einsum.get_symbol(len(letters)))
    left = ",".join("".join(letters[i] for i in n.labels) for n in operands)
    right = "".join(letters[i] for i in letters if i in outside)
    shapes = [tuple(NOMINAL_BATCH if i is BATCH else NOMINAL for i in n.labels) for n in operands]
    method = "optimal" if len(operands) <= 6 else "greedy"
    path, _ = opt_einsum.contract_path(f"{left}->{right}", *shapes, shapes=True, optimize=method)
    return [tuple(p) for p in path]


def _pair(left: Node, right: Node, kept: set[Index]) -> Node:
    labels = join(left.labels, right.labels)
    over = tuple(i for i in labels if i not in kept)
    if not over:
        return elementwise("*", left, right)
    shared = tuple(i for i in left.labels if i in right.labels and i not in over)
    only_left = tuple(i for i in left.labels if i not in over and i not in shared)
    only_right = tuple(i for i in right.labels if i not in over and i not in shared)
    if set(over) <= set(left.labels) & set(right.labels):
        first, second = unfolded(left, right, over), unfolded(right, left, over)
        return Contract(first, second, over, (*shared, *only_left, *only_right))
    return lowering.fold("sum", elementwise("*", left, right), over)
