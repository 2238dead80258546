"""Differentiation of an indexed expression by one element of an array.

The element is named by positions of its own (``z[l-1,k]``), so no bound index can be captured: where
the array occurs at other positions, the derivative is the indicator that the two are the same
element, ∂z_i/∂z_k = [i = k] (Magnus and Neudecker, *Matrix Differential Calculus*, chapter 5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from symbp.calculus.affine import Affine, Size, affine, known_le
from symbp.calculus.construct import add, div, mul, neg, power, reduce_sum
from symbp.calculus.expr import (
    ONE,
    ZERO,
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
    expr,
    number,
)
from symbp.calculus.tree import refresh, substitute, walk

CallRule = Callable[[Call, int], Expr]
"""The partial derivative of a call with respect to one argument."""


RefRule = Callable[[Ref], "Expr | None"]
"""The derivative of an element of another array; None where it is held fixed."""


WholeRule = Callable[[Call], "Sequence[tuple[Expr, Expr]]"]
"""A call that is differentiated as a whole: factors, and what each is to be multiplied by the derivative
of; () for any other."""


def differentiate(
    node: Expr,
    wrt: Ref,
    call_rule: CallRule,
    ref_rule: RefRule | None = None,
    whole: WholeRule | None = None,
) -> Expr:
    """∂(node)/∂(wrt), every other element held fixed but those that ``ref_rule`` knows.

    Raises:
        TypeError: on a node that has no derivative, naming its type.
    """
    # f(u)′ = f′(u) u′ has the sums of u twice: each needs indices of its own before one is moved
    return refresh(_change(node, wrt, call_rule, ref_rule, whole or (lambda call: ())))


def _change(
    node: Expr, wrt: Ref, call_rule: CallRule, ref_rule: RefRule | None, whole: WholeRule
) -> Expr:
    d = partial(_change, wrt=wrt, call_rule=call_rule, ref_rule=ref_rule, whole=whole)
    match node:
        case Ref(name, indices):
            if name == wrt.name:
                return same_element(indices, wrt.indices)
            return (ref_rule(node) if ref_rule is not None else None) or ZERO
        case Number() | Integer() | Adjoint() | Indicator() | Within() | Compare() | Logic():
            return ZERO
        case Add(terms):
            return add(_signed(t, d) for t in terms)
        case Neg(arg):
            return neg(d(arg))
        case Mul(factors):
            return add(_product_rule(factors, d))
        case Div(num, den):
            return _quotient_rule(num, den, d)
        case Pow(base, exponent):
            return _power_rule(base, exponent, d)
        case Call(_, args, _):
            if parts := whole(node):
                return _sum([mul((factor, d(a))) for factor, a in parts if d(a) != ZERO])
            return add(mul((call_rule(node, i), d(a))) for i, a in enumerate(args) if d(a) != ZERO)
        case Where(cond, then, other):
            return _where(cond, d(then), d(other))
        case Reduce():
            return _reduction(node, d)
        case Weights():
            return _weights(node, d)
        case Functional():
            return _functional(node, d)
        case Partial():
            raise TypeError("a derivative that has not been taken yet cannot be differentiated")
        case _:
            raise TypeError(f"{type(node).__name__} has no rule of differentiation")


def same_element(left: tuple[Affine, ...], right: tuple[Affine, ...]) -> Expr:
    """1 if the positions agree, 0 if they cannot, else the product of their indicators.

    Positions that sizes alone tell apart, such as 2 and T, are two elements: whoever differentiates
    by both counts both, which is right where they happen to be one (T = 2) as well.
    """
    factors: list[Expr] = []
    for a, b in zip(left, right, strict=True):
        if a == b:
            continue
        if known_le(a + 1, b) or known_le(b + 1, a) or (_at_a_size(a) and _at_a_size(b)):
            return ZERO
        factors.append(Indicator(a, b))
    return mul(factors) if factors else ONE


def _at_a_size(position: Affine) -> bool:
    """Whether a position is a number or a size, with no index or gathered value in it."""
    return not position.indices() and all(isinstance(a, Size) for a in position.atoms())


def _sum(terms: list[Expr]) -> Expr:
    """−a − b is −(a + b), so that the sign can meet another one."""
    if terms and all(isinstance(t, Neg) for t in terms):
        return neg(add(neg(t) for t in terms))
    return add(terms)


def _signed(term: Expr, d: Callable[[Expr], Expr]) -> Expr:
    return neg(d(term.arg)) if isinstance(term, Neg) else d(term)


def _product_rule(factors: tuple[Expr, ...], d: Callable[[Expr], Expr]) -> list[Expr]:
    terms = []
    for place, factor in enumerate(factors):
        change = d(factor)
        if change != ZERO:
            terms.append(mul((*factors[:place], change, *factors[place + 1 :])))
    return [t if n == 0 else refresh(t) for n, t in enumerate(terms)]


def _quotient_rule(num: Expr, den: Expr, d: Callable[[Expr], Expr]) -> Expr:
    d_num, d_den = d(num), d(den)
    if d_den == ZERO:
        return div(d_num, den)
    second = div(mul((num, d_den)), power(refresh(den), number(2)))
    return add((div(d_num, den), neg(second))) if d_num != ZERO else neg(second)


def _power_rule(base: Expr, exponent: Expr, d: Callable[[Expr], Expr]) -> Expr:
    d_base, d_exponent = d(base), d(exponent)
    lowered = Number(exponent.value - 1, exponent.decimal) if isinstance(exponent, Number) else exponent - 1
    by_base = mul((exponent, power(base, lowered), refresh(d_base)))
    if d_exponent == ZERO:
        return by_base
    by_exponent = mul((Pow(base, exponent), Call("log", (refresh(base),)), d_exponent))
    return add((by_base, by_exponent)) if d_base != ZERO else by_exponent


def _where(cond: Expr, then: Expr, other: Expr) -> Expr:
    if then == other == ZERO:
        return ZERO
    if other == ZERO and _always_finite(then):
        # a condition that multiplies, so that the rest can leave sums: [j ≤ i] q_i
        return mul((Where(cond, ONE, ZERO), then))
    return Where(cond, then, other)


def _always_finite(node: Expr) -> bool:
    """Whether a value is finite wherever what it reads is: sums and products, divided by sizes at most."""
    match node:
        case Number() | Integer() | Ref() | Adjoint() | Indicator():
            return True
        case Add(parts) | Mul(parts):
            return all(map(_always_finite, parts))
        case Neg(arg) | Reduce("sum", _, arg):
            return _always_finite(arg)
        case Where(_, then, other):
            return _always_finite(then) and _always_finite(other)
        case Div(num, den):
            return _always_finite(num) and not any(map(varies, walk(den)))
        case Pow(base, Number(value)):
            return value >= 0 and value.denominator == 1 and _always_finite(base)
        case _:
            return False


def varies(node: Expr) -> bool:
    """Whether it differs from element to element, and may be 0 at one: j − i."""
    if isinstance(node, Integer):
        return bool(node.value.indices()) or any(isinstance(a, Ref) for a in node.value.atoms())
    return isinstance(node, (Ref, Adjoint))


def _reduction(node: Reduce, d: Callable[[Expr], Expr]) -> Expr:
    if node.op in ("sum", "dot"):
        return reduce_sum(node.indices, d(node.body))
    if node.op == "logsumexp" and len(node.indices) > 1:
        # one softmax over all entries, of which each is exp(z_ij − log Σ exp(z))
        share = Call("exp", (add((refresh(node.body), neg(refresh(node)))),))
        return reduce_sum(node.indices, mul((share, d(node.body))))
    if len(node.indices) > 1:
        # max over p and q is max over p of max over q; so one rule for one index serves all.
        first, *rest = node.indices
        return d(Reduce(node.op, (first,), Reduce(node.op, tuple(rest), node.body)))
    change = d(node.body)
    if change == ZERO:
        return ZERO
    (index,) = node.indices
    if node.op == "prod":
        return reduce_sum((index,), mul((_others(node), change)))
    op = {"max": "argmax", "min": "argmin", "logsumexp": "softmax"}[node.op]
    copy = refresh(node)
    assert isinstance(copy, Reduce)
    weight = Weights(op, copy.indices[0], copy.body, affine(index))
    return reduce_sum((index,), mul((weight, change)))


def _others(node: Reduce) -> Expr:
    """Π over all but one: right where factors are 0, unlike the product divided by a factor."""
    copy = refresh(node)
    assert isinstance(copy, Reduce)
    differs = Compare("!=", expr(Integer(affine(copy.indices[0]))), Integer(affine(node.indices[0])))
    return Reduce("prod", copy.indices, Where(differs, copy.body, ONE))


def _weights(node: Weights, d: Callable[[Expr], Expr]) -> Expr:
    change = d(node.body)
    if node.op != "softmax" or change == ZERO:
        return ZERO
    here = substitute(refresh(change), {node.index: node.at})
    other = replace(node, at=affine(node.index))
    copy = refresh(other)
    assert isinstance(copy, Weights)
    mean = reduce_sum((node.index,), mul((replace(copy, at=affine(node.index)), change)))
    return mul((node, add((here, neg(mean)))))


def _functional(node: Functional, d: Callable[[Expr], Expr]) -> Expr:
    if node.position >= 0:
        raise TypeError(f"the second derivative of the undefined function {node.name} has no symbol")
    at = tuple(affine(i) for i in node.indices)
    terms = []
    for place, arg in enumerate(node.args):
        change = d(arg)
        if change == ZERO:
            continue
        copy = refresh(node)
        assert isinstance(copy, Functional)
        gradient = replace(copy, position=place, at=at)
        terms.append(reduce_sum(node.indices, mul((gradient, change))))
    return add(terms)
