"""The derivative of a power where the exponent is 0: p u^(p-1) is 0 for every u then, not 0·∞ at u = 0."""

from __future__ import annotations

from symbp.calculus.affine import Affine, known_nonnegative
from symbp.calculus.conditions import as_integer
from symbp.calculus.expr import ZERO, Add, Call, Compare, Div, Expr, Integer, Mul, Neg, Pow, Reduce, Where
from symbp.calculus.tree import map_children


def finite_powers(node: Expr) -> Expr:
    """Exponents -1 as 0 wherever a factor around the power is 0 then, so that no infinity arises."""
    return _finite(node, ())


def _finite(node: Expr, factors: tuple[Affine, ...]) -> Expr:
    """The same for a part of a product with these integers."""
    match node:
        case Mul(parts):
            whole = [v for p in parts if (v := as_integer(p)) is not None and v.indices()]
            return map_children(node, lambda n: _finite(n, (*factors, *whole)))
        case Add() | Neg() | Reduce("sum"):
            return map_children(node, lambda n: _finite(n, factors))
        case Div(num, den):
            return Div(_finite(num, factors), _finite(den, ()))
        case Where(cond, then, other):
            return Where(cond, _finite(then, factors), _finite(other, factors))
        case Pow(base, exponent) if (lowered := as_integer(exponent)) is not None:
            base = _finite(base, ())
            if any(_vanishes_with(lowered + 1, v) for v in factors) and not known_nonnegative(lowered):
                return Pow(base, _without_minus_one(exponent, lowered))
            return Pow(base, exponent)
        case _:
            return map_children(node, lambda n: _finite(n, ()))


def _vanishes_with(value: Affine, factor: Affine) -> bool:
    """Whether one integer is a multiple of the other: 2p of p."""
    atom, coefficient = factor.terms[0]
    times = value.coefficient(atom)
    return bool(times) and value * coefficient == factor * times


def _without_minus_one(exponent: Expr, lowered: Affine) -> Expr:
    if known_nonnegative(lowered + 1):
        return Call("maximum", (exponent, ZERO))
    return Where(Compare("!=", Integer(lowered + 1), ZERO), exponent, ZERO)
