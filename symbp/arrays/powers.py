"""The derivative of a power where the exponent is 0: p u^(p-1) is 0 for every u then, not 0·∞ at u = 0."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from symbp.calculus.affine import Affine, Size, known_nonnegative
from symbp.calculus.conditions import as_integer
from symbp.calculus.expr import ZERO, Add, Call, Compare, Div, Expr, Mul, Neg, Pow, Reduce, Where, number
from symbp.calculus.tree import map_children


def finite_powers(node: Expr, labels: Collection[str] = ()) -> Expr:
    """Exponents -1 as 0 wherever a factor around the power is 0 then, so that no infinity arises.

    ``labels`` are the arrays of integers.
    """
    return _finite(node, (), labels)


def _finite(node: Expr, factors: tuple[Affine, ...], labels: Collection[str]) -> Expr:
    """The same for a part of a product with these integers."""
    finite = partial(_finite, factors=factors, labels=labels)
    alone = partial(_finite, factors=(), labels=labels)
    match node:
        case Mul(parts):
            numbers = (as_integer(p, labels) for p in parts)
            whole = [v for v in numbers if v is not None and not all(isinstance(a, Size) for a in v.atoms())]
            return map_children(node, partial(_finite, factors=(*factors, *whole), labels=labels))
        case Add() | Neg() | Reduce("sum"):
            return map_children(node, finite)
        case Div(num, den):
            return Div(finite(num), alone(den))
        case Where(cond, then, other):
            return Where(cond, finite(then), finite(other))
        case Pow(base, exponent) if (lowered := as_integer(exponent, labels)) is not None:
            base = alone(base)
            if any(_vanishes_with(lowered + 1, v) for v in factors) and not known_nonnegative(lowered):
                return Pow(base, _without_minus_one(exponent, lowered))
            return Pow(base, exponent)
        case _:
            return map_children(node, alone)


def _vanishes_with(value: Affine, factor: Affine) -> bool:
    """Whether one integer is a multiple of the other: 2p of p."""
    atom, coefficient = factor.terms[0]
    times = value.coefficient(atom)
    return bool(times) and value * coefficient == factor * times


def _without_minus_one(exponent: Expr, lowered: Affine) -> Expr:
    if known_nonnegative(lowered + 1):
        return Call("maximum", (exponent, ZERO))
    return Where(Compare("!=", exponent, number(-1)), exponent, ZERO)
