"""Exponentials with factors, and hyperbolic functions: parts of the stable forms.

log Σ m exp u is logsumexp(u) + log Σ m softmax(u) whatever the signs of m: each softmax is at most 1.
1 + tanh u is 2σ(2u), and 1 − tanh² u is 1/cosh² u.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from symbp.calculus.affine import Affine, Index
from symbp.calculus.construct import add, mul, neg
from symbp.calculus.expr import (
    ONE,
    Add,
    Call,
    Compare,
    Expr,
    Integer,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Weights,
    Where,
    number,
)
from symbp.calculus.tidy import collect, positive, tidy
from symbp.calculus.tree import free_indices, refresh, same

if TYPE_CHECKING:
    from symbp.derive.context import Context

LOG_2 = Call("log", (number(2),))


def both_ways(u: Expr) -> Expr:
    """log(exp u + exp(−u)), which is log(2 cosh u)."""
    return Call("logaddexp", (u, tidy(neg(refresh(u)))))


def log_of_exponentials(indices: tuple[Index, ...], u: Expr) -> Expr:
    """log Σ exp(u + c) as c + log Σ exp(u), for a c that does not depend on what is summed over."""
    terms = u.terms if isinstance(u, Add) else (u,)
    inside = [t for t in terms if {*indices} & {*free_indices(t)}]
    if not inside or len(inside) == len(terms):
        return Reduce("logsumexp", indices, u)
    return add([*(t for t in terms if t not in inside), Reduce("logsumexp", indices, add(inside))])


def log_of_weighted_sum(indices: tuple[Index, ...], body: Expr, context: Context) -> Expr | None:
    """log Σ m exp u over one index, for factors m of any sign."""
    if len(indices) != 1 or not isinstance(body, Mul):
        return None
    exponents = [u for f in body.factors if (u := context.named(f, "exp")) is not None]
    rest = [f for f in body.factors if context.named(f, "exp") is None]
    if not exponents or not rest:
        return None
    (index,) = indices
    u = add(exponents)
    shares = Weights("softmax", index, refresh(u), Affine(0, ((index, 1),)))
    mean = Reduce("sum", indices, mul((*rest, shares)))
    return Reduce("logsumexp", indices, u) + Call("log", (mean,))


def log_of_others(share: Weights, nothing: Expr) -> Expr | None:
    """log(1 − softmax(z)_c) is log Σ exp z_k over the k that are not c, less log Σ exp z.

    For one c only: at every c there would be an array over all pairs.
    """
    if share.op != "softmax" or share.at.indices():
        return None
    others = refresh(Reduce("logsumexp", (share.index,), share.body))
    assert isinstance(others, Reduce)
    (index,) = others.indices
    elsewhere = Compare("!=", Integer(Affine(0, ((index, 1),))), Integer(share.at))
    rest = replace(others, body=Where(elsewhere, others.body, nothing))
    return rest - Reduce("logsumexp", (share.index,), share.body)


def log_beside_tanh(other: Expr, context: Context) -> Expr | None:
    """log(1 + other) where other is tanh u, −tanh u or −tanh² u."""
    sign, inner = (-1, other.arg) if isinstance(other, Neg) else (1, other)
    if (u := _tanh(inner, context)) is not None:
        return LOG_2 - Call("softplus", (tidy(number(-2 * sign) * u),))
    match inner:
        case Pow(base, Number(value)) if sign < 0 and value == 2:
            u = _tanh(base, context)
        case Mul((first, second)) if sign < 0 and same(first, second):
            u = _tanh(first, context)
        case _:
            return None
    return None if u is None else 2 * (LOG_2 - both_ways(u))


def _tanh(node: Expr, context: Context) -> Expr | None:
    return context.named(context.opened(node), "tanh")


def hyperbolic_quotient(num: Expr, den: Expr, context: Context) -> Expr | None:
    """(exp u − exp v)/(exp u + exp v) is tanh((u − v)/2)."""
    if not (isinstance(num, Add) and isinstance(den, Add) and len(num.terms) == len(den.terms) == 2):
        return None
    first, second = num.terms
    if not isinstance(second, Neg):
        return None
    u, v = context.named(first, "exp"), context.named(second.arg, "exp")
    either = (den.terms, den.terms[::-1])
    if u is None or v is None or not any(same(first, a) and same(second.arg, b) for a, b in either):
        return None
    return Call("tanh", (tidy((u - v) / 2),))


def log_of_difference(larger: Expr, smaller: Expr, context: Context) -> Expr | None:
    """log(σ(u) − σ(v)) is log σ(u) + log σ(−v) + log(1 − exp(v − u)): McCullagh, Regression models for
    ordinal data (1980), has the difference; both are 1 where u and v are large."""
    u = context.named(context.opened(larger), "sigmoid")
    v = context.named(context.opened(smaller), "sigmoid")
    if u is None or v is None:
        return None
    rest = Call("log", (ONE - Call("exp", (collect(tidy(v - u)),)),))
    return rest - Call("softplus", (positive(tidy(neg(u))),)) - Call("softplus", (v,))
