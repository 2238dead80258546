"""Stable forms: the same value, without overflow where the true value is finite.

log σ(u) = −softplus(−u) and log softmax(z)_c = z_c − log Σ exp z: written so that no intermediate value
leaves the range of floating-point numbers (Goodfellow, Bengio and Courville, *Deep Learning*, section
4.1; Mächler, *Accurately computing log(1 − exp(−|a|))*).  The rules see through the equations of
variables, because books write a = σ(z) on one line and log a on another.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TypeGuard

from symbp.calculus.construct import add, mul, neg
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    number,
)
from symbp.calculus.match import match
from symbp.calculus.tidy import positive, tidy
from symbp.calculus.tree import refresh, rewrite, same, substitute, walk
from symbp.derive.context import DEEP, Context, definition
from symbp.derive.scaled import (
    LOG_2,
    both_ways,
    hyperbolic_quotient,
    log_beside_tanh,
    log_of_difference,
    log_of_exponentials,
    log_of_others,
    log_of_weighted_sum,
)
from symbp.derive.signs import is_positive
from symbp.model.core import Model


def stabilise(model: Model, stations: frozenset[str] = frozenset()) -> Model:
    """The model with every right side in its stable form; the same values.

    Variables of ``stations`` stay where they are read: their adjoints are asked for.
    """
    context = Context(
        model.functions, lambda ref: None if ref.name in stations else definition(model, ref)
    )
    new = tuple(replace(e, rhs=_settled(e.rhs, context)) for e in model.equations)
    return model if new == model.equations else replace(model, equations=new)


def _settled(rhs: Expr, context: Context) -> Expr:
    """The stable form without the signs it leaves behind; the author's own where nothing changes."""
    new = stable(rhs, context)
    return rhs if new == rhs else positive(tidy(new))


def stable(node: Expr, context: Context) -> Expr:
    """The stable form.  Terminates: bottom up, and every rule removes a log, an exp or a quotient."""
    return rewrite(node, lambda n: _first(n, context))


def stable_scalar(body: Expr) -> Expr:
    """The stable form of the body of a user's function."""
    return stable(body, Context({}, lambda ref: None))


def _first(node: Expr, context: Context) -> Expr | None:
    for rule in RULES:
        new = rule(node, context)
        if new is not None:
            return new
    return None


def _logarithm(node: Expr, context: Context) -> Expr | None:
    """log f(u) without computing f(u)."""
    match node:
        case Call("log", (arg,), ()):
            return log_of(arg, context)
        case Call("log1p", (arg,), ()):
            return log_of(1 + arg, context)
        case _:
            return None


def _root(node: Expr, context: Context) -> Expr | None:
    """√exp u is exp(u/2)."""
    if isinstance(node, Call) and node.function == "sqrt" and not node.orders:
        u = context.named(node.args[0], "exp")
        return None if u is None else Call("exp", (tidy(u / 2),))
    return None


def log_of(arg: Expr, context: Context, depth: int = 0) -> Expr | None:
    """log(arg) in a stable form; None where log(arg) as written is as good."""
    if (u := context.named(arg, "exp")) is not None:
        return u
    if (u := context.named(arg, "sigmoid")) is not None:
        return neg(Call("softplus", (tidy(neg(u)),)))
    if (u := context.named(arg, "cosh")) is not None:
        return both_ways(u) - LOG_2
    arg = _seen_through(arg, context) if depth < DEEP else arg
    match arg:
        case Weights("softmax", _, _, _):
            return _log_softmax(arg)
        case Reduce("sum", indices, body) if (u := _summand(body, context)) is not None:
            return log_of_exponentials(indices, u)
        case Reduce("sum", indices, body):
            return log_of_weighted_sum(indices, body, context)
        case Mul() | Pow() | Call("sqrt", _, ()):
            return _log_of_product(arg, context, depth)
        case Add((first, second)) if (u := _log_of_sum(first, second, context, depth)) is not None:
            return u
        case Add(terms):
            return _log_of_exponentials(terms, context)
        case Reduce("prod", indices, body) if is_positive(body, context):
            return Reduce("sum", indices, _log(body, log_of(body, context, depth)))
        case Div(num, den):
            top, bottom = log_of(num, context, depth), log_of(den, context, depth)
            if top is None and bottom is None:
                return None
            return _log(num, top) - _log(den, bottom)
        case Where(cond, then, other) if ZERO not in (then, other):
            logs = [log_of(branch, context, depth) for branch in (then, other)]
            if logs == [None, None]:
                return None
            return Where(cond, _log(then, logs[0]), _log(other, logs[1]))
        case Ref() if depth < DEEP and (body_ := context.equations(arg)) is not None:
            return log_of(stable(body_, context), context, depth + 1)
        case _:
            return None


def _log_softmax(share: Weights) -> Expr:
    """z_c − log Σ_k exp z_k."""
    here = substitute(refresh(share.body), {share.index: share.at})
    return here - Reduce("logsumexp", (share.index,), share.body)


def _seen_through(arg: Expr, context: Context) -> Expr:
    """The summands of a logarithm with what they are by their equations, where those are exponentials.

    log Σ_k g_k of a g_k = exp u_k that a line above names overflows as log Σ_k exp u_k does.
    """
    if not isinstance(arg, Reduce | Add):
        return arg

    def opened(node: Expr) -> Expr:
        match node:
            case Ref():
                body = context.equations(node)
                body = None if body is None else stable(body, context)
                return node if body is None or _exponent(body, context) is None else body
            case Mul(factors):
                return mul(map(opened, factors))
            case _:
                return node

    if isinstance(arg, Add):
        terms = tuple(map(opened, arg.terms))
        return Add(terms) if all(_exponent(t, context) is not None for t in terms) else arg
    body = opened(arg.body) if arg.op == "sum" else arg.body
    return replace(arg, body=body) if _exponent(body, context) is not None else arg


def _log_of_product(arg: Expr, context: Context, depth: int) -> Expr | None:
    """log of a product, a power or a root of which a factor that is positive for sure has a stable log."""
    match arg:
        case Call("sqrt", (inner,)):
            found = log_of(inner, context, depth)
            return None if found is None else found / 2
        case Pow(base, exponent):
            found = log_of(base, context, depth) if is_positive(base, context) else None
            return None if found is None else exponent * found
        case Mul(factors):
            sure = [f for f in factors if is_positive(f, context)]
            logs = [log_of(f, context, depth) for f in sure]
            if all(u is None for u in logs):
                return None
            rest = [f for f in factors if not any(f is s for s in sure)]
            known = [_log(f, u) for f, u in zip(sure, logs, strict=True)]
            return add([*known, *([Call("log", (mul(rest),))] if rest else [])])
        case _:
            return None


def _log(arg: Expr, found: Expr | None) -> Expr:
    return Call("log", (arg,)) if found is None else found


def _log_of_sum(first: Expr, second: Expr, context: Context, depth: int) -> Expr | None:
    """log(1 + exp u), log(1 − σ(u)), log(1 − softmax(z)_c) and log(σ(u) − σ(v))."""
    for one, other in ((first, second), (second, first)):
        if isinstance(other, Neg) and (v := log_of_difference(one, other.arg, context)) is not None:
            return v
        if one != ONE:
            continue
        if (u := context.named(other, "exp")) is not None:
            return Call("softplus", (u,))
        if isinstance(other, Neg):
            inner = other.arg
            if isinstance(inner, Ref) and depth < DEEP:
                inner = context.equations(inner) or inner
                inner = stable(inner, context)
            if (u := context.named(inner, "sigmoid")) is not None:
                return neg(Call("softplus", (u,)))
            if isinstance(inner, Weights) and (v := log_of_others(inner, NOTHING)) is not None:
                return v
        if (v := log_beside_tanh(other, context)) is not None:
            return v
    return None


def _log_of_exponentials(terms: tuple[Expr, ...], context: Context) -> Expr | None:
    """log(exp u + exp v + …), two at a time; numbers are exponentials too: 1 is exp 0."""
    exponents = [_exponent(t, context) for t in terms]
    if all(u is None or isinstance(t, Number) for t, u in zip(terms, exponents, strict=True)):
        return None
    pairs = zip(terms, exponents, strict=True)
    shares = [log_of(t, context) if u is None and is_positive(t, context) else u for t, u in pairs]
    known = [u for u in shares if u is not None]
    if len(known) < len(terms):
        return None
    # numbers last: logaddexp(logaddexp(u, v), 0)
    ordered = sorted(known, key=lambda u: not any(isinstance(n, Ref) for n in walk(u)))
    return reduce(lambda left, right: Call("logaddexp", (left, right)), ordered)


def _exponent(term: Expr, context: Context) -> Expr | None:
    """u where a term is exp u: a product of exponentials, a sum of them, a positive number."""
    if (u := context.named(term, "exp")) is not None:
        return u
    match term:
        case Pow(base, exponent) if (u := context.named(base, "exp")) is not None:
            return tidy(exponent * u)
        case Number(value) if value > 0:
            return ZERO if value == 1 else Call("log", (term,))
        case Weights("softmax", _, _, _):
            return _log_softmax(term)
        case Reduce("sum", indices, body) if (u := _summand(body, context)) is not None:
            return log_of_exponentials(indices, u)
        case Where(cond, then, other):
            return _chosen(cond, then, other, context)
        case Mul(factors):
            inner = [_exponent(f, context) for f in factors]
            known = [
                _log(f, log_of(f, context)) if u is None else u
                for f, u in zip(factors, inner, strict=True)
                if u is not None or is_positive(f, context)
            ]
            exponentials = [f for f in factors if _exponent(f, context) is not None]
            some = any(not isinstance(f, Number) for f in exponentials)
            return add(known) if some and len(known) == len(factors) else None
        case Div(num, den):
            top, bottom = _exponent(num, context), _exponent(den, context)
            if bottom is None and is_positive(den, context) and not isinstance(num, Number):
                # 1/(1 + s²) is no exponential: nothing in it overflows
                bottom = _plain_log(den)
            return None if top is None or bottom is None else top - bottom
        case _:
            return None


def _plain_log(node: Expr) -> Expr:
    """log of what is positive for sure: products and powers open."""
    match node:
        case Mul(factors):
            return add(map(_plain_log, factors))
        case Pow(base, exponent):
            return exponent * _plain_log(base)
        case _:
            return Call("log", (node,))


def _summand(body: Expr, context: Context) -> Expr | None:
    """u where every term of a sum is exp u, or 0 where a condition leaves it out."""
    if (u := context.named(body, "exp")) is not None:
        return u
    if isinstance(body, Mul | Pow | Div | Weights):
        return _exponent(body, context)
    return _chosen(body.cond, body.then, body.other, context) if isinstance(body, Where) else None


def _chosen(cond: Expr, then: Expr, other: Expr, context: Context) -> Expr | None:
    """The exponent of a choice between exponentials; that of 0 is −∞."""
    parts = [NOTHING if p == ZERO else _exponent(p, context) for p in (then, other)]
    if parts[0] is None or parts[1] is None or (then == ZERO and other == ZERO):
        return None
    return Where(cond, parts[0], parts[1])


NOTHING = neg(Call("infinity", ()))
"""The logarithm of 0."""


def _quotient(node: Expr, context: Context) -> Expr | None:
    """x/(1 + exp(−u)) is x σ(u), and exp z_c / Σ exp z is a softmax."""
    if not isinstance(node, Div):
        return None
    den = _total(node, context)
    if (u := context.named(den, "cosh")) is not None:
        return mul((number(2), node.num, Call("exp", (neg(both_ways(u)),))))
    u, v = context.named(node.num, "exp"), context.named(den, "exp")
    if u is not None and v is not None:
        return Call("exp", (tidy(u - v),))
    if isinstance(den, Reduce) and den.op == "sum" and len(den.indices) == 1:
        return _softmax(node.num, den, context) or _mean(node.num, den, context)
    if (half := hyperbolic_quotient(node.num, den, context)) is not None:
        return half
    if _is_whole_power(den) and (v := _one_plus_exp(den.base, context)) is not None:
        power = Pow(Call("sigmoid", (tidy(neg(v)),)), den.exponent)
        if _exponent(node.num, context) is None or isinstance(node.num, Number):
            return mul((node.num, power))
    if isinstance(den, Pow) and isinstance(den.base, Add):
        total, u = _log_of_exponentials(den.base.terms, context), _exponent(node.num, context)
        if total is None or u is None or isinstance(node.num, Number):
            return None
        return Call("exp", (tidy(u - den.exponent * total),))
    if (u := _one_plus_exp(den, context)) is not None:
        if (v := context.named(node.num, "exp")) is not None and same(u, v):
            return Call("sigmoid", (u,))
        return mul((node.num, Call("sigmoid", (tidy(neg(u)),))))
    return _share(node.num, den, context) if isinstance(den, Add) else None


def _reciprocal(node: Expr, context: Context) -> Expr | None:
    """(1 + exp(−u))^(−n) is σ(u)^n."""
    match node:
        case Pow(base, Number(value)) if value < 0 and value.denominator == 1:
            u = _one_plus_exp(base, context)
            if u is None:
                return None
            share = Call("sigmoid", (tidy(neg(u)),))
            return share if value == -1 else Pow(share, number(-value))
        case _:
            return None


def _is_whole_power(node: Expr) -> TypeGuard[Pow]:
    """Whether a power has a whole number as exponent: another one has no finite derivative at 0."""
    match node:
        case Pow(_, Number(value)):
            return value.denominator == 1
        case _:
            return False


def _one_plus_exp(node: Expr, context: Context) -> Expr | None:
    """u where a sum is 1 + exp u."""
    if not (isinstance(node, Add) and len(node.terms) == 2 and ONE in node.terms):
        return None
    return context.named(node.terms[1] if node.terms[0] == ONE else node.terms[0], "exp")


def _total(node: Div, context: Context) -> Expr:
    """The denominator, opened where it is the sum of exponentials of which the numerator is one."""
    opened = context.opened(node.den)
    inside = opened.body if isinstance(opened, Reduce) and opened.op == "sum" else None
    whole = inside is not None and context.named(inside, "exp") is not None
    return opened if whole and context.named(node.num, "exp") is not None else node.den


def _share(num: Expr, den: Add, context: Context) -> Expr | None:
    """exp u/(exp u + exp v) is σ(u - v); with more exponentials it is exp(u - log(exp u + exp v + …))."""
    u, total = _exponent(num, context), _log_of_exponentials(den.terms, context)
    if u is None or total is None or isinstance(num, Number):
        return None
    others = [t for t in den.terms if not same(t, num)]
    if len(den.terms) == 2 and len(others) == 1 and (v := _exponent(others[0], context)) is not None:
        return Call("sigmoid", (tidy(u - v),))
    return Call("exp", (tidy(u - total),))


def _mean(num: Expr, den: Reduce, context: Context) -> Expr | None:
    """Σ_k exp(u_k) b_k / Σ_k exp(u_k) is a mean of b with the weights softmax(u)."""
    if not isinstance(num, Reduce) or num.op != "sum" or not isinstance(num.body, Mul):
        return None
    for place, factor in enumerate(num.body.factors):
        weight = _softmax(factor, den, context)
        if isinstance(weight, Weights) and weight.at.as_index() in num.indices:
            rest = (*num.body.factors[:place], *num.body.factors[place + 1 :])
            return replace(num, body=mul((weight, *rest)))
    return None


def _softmax(num: Expr, den: Reduce, context: Context) -> Expr | None:
    u, v = context.named(num, "exp"), context.named(den.body, "exp")
    if u is None or v is None:
        return None
    (index,) = den.indices
    binding = match(v, u, (index,))
    if binding is None or index not in binding:
        return None
    return Weights("softmax", index, v, binding[index])


RULES: tuple[Callable[[Expr, Context], Expr | None], ...] = (_logarithm, _quotient, _reciprocal, _root)
