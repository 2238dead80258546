"""σ(u) − σ(−u) is tanh(u/2): what is left of log cosh, and of an error that is ±1 with odds exp(u).

A rule as :mod:`symbp.derive.rules` describes them.
"""

from __future__ import annotations

from collections.abc import Sequence

from symbp.calculus.construct import add, div, mul, neg
from symbp.calculus.expr import ONE, Add, Call, Expr, Mul, Neg, number
from symbp.calculus.tidy import tidy
from symbp.calculus.tree import canonical, rewrite
from symbp.derive.core import Reason
from symbp.derive.scene import Outcome, Scene

Share = tuple[Expr, Expr | None, Call | None]
"""A term as a factor, the argument of the sigmoid beside it, and that sigmoid; None where there is none."""


def hyperbolic(node: Expr, scene: Scene) -> Outcome | None:
    """σ(u) − σ(−u) = tanh(u/2) and 2σ(u) − 1 = tanh(u/2).  Terminates: removes a sigmoid."""
    found: list[tuple[Expr, Call]] = []

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Add):
            return None
        shares = [_share(t, scene) for t in n.terms]
        for first in range(len(shares)):
            for second in range(len(shares)):
                if (pair := _joined(shares[first], shares[second])) is not None:
                    before, new, factor = pair
                    found.append((before, new))
                    kept = [t for k, t in enumerate(n.terms) if k not in (first, second)]
                    return add((*kept[:first], mul((factor, new)), *kept[first:]))
        return None

    new = rewrite(node, change)
    return (new, _reason(found)) if found else None


def _reason(found: Sequence[tuple[Expr, Call]]) -> Reason:
    before, new = found[0]
    return before, " is ", new


def _share(term: Expr, scene: Scene) -> Share:
    match term:
        case Neg(arg):
            factor, argument, call = _share(arg, scene)
            return neg(factor), argument, call
        case Mul(factors):
            calls = [f for f in factors if scene.context.named(f, "sigmoid") is not None]
            if len(calls) == 1:
                rest = mul([f for f in factors if f is not calls[0]])
                return rest, *_share(calls[0], scene)[1:]
            return term, None, None
        case Call() if (argument := scene.context.named(term, "sigmoid")) is not None:
            return ONE, argument, term
        case _:
            return term, None, None


def _joined(left: Share, right: Share) -> tuple[Expr, Call, Expr] | None:
    """c σ(u) − c σ(−u), or 2c σ(u) − c, with what it is: c tanh(u/2)."""
    factor, argument, call = left
    other, opposite, sigmoid = right
    if argument is None or call is None or isinstance(factor, Neg):
        return None
    half = Call("tanh", (tidy(div(argument, number(2))),))
    if opposite is not None and sigmoid is not None:
        if _same(neg(argument), opposite) and _same(neg(factor), other):
            return call - sigmoid, half, factor
        return None
    if _same(neg(factor), mul((number(2), other))):
        return mul((number(2), call)) - ONE, half, neg(other)
    return None


def _same(left: Expr, right: Expr) -> bool:
    return canonical(tidy(left)) == canonical(tidy(right))
