"""``where(i == j, …)`` as Iverson brackets: what holds on the diagonal alone is a matrix too."""

from __future__ import annotations

from symbp.calculus.construct import add, mul, neg
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Compare,
    Expr,
    Indicator,
    Integer,
    Mul,
    Neg,
    Number,
    Pow,
    Ref,
    Where,
)
from symbp.calculus.tree import rewrite


def bracketed(node: Expr) -> Expr:
    """The expression with its conditions on equal indices written as factors [i = j]."""
    return rewrite(node, _bracket)


def _bracket(node: Expr) -> Expr | None:
    match node:
        case Where(Compare("==", Integer(left), Integer(right)), then, other):
            return then if left == right else _chosen(Indicator(left, right), then, other)
        case Where(Compare("!=", Integer(left), Integer(right)), then, other):
            return other if left == right else _chosen(Indicator(left, right), other, then)
        case _:
            return None


def _chosen(holds: Indicator, then: Expr, other: Expr) -> Expr | None:
    """[i = j] u + (1 − [i = j]) v; None where a branch that is not chosen need not be finite."""
    if not (_finite(then) and _finite(other)):
        return None
    on, off = _times(then, holds), _times(other, holds)
    return add((other, on, neg(off)))


def _finite(node: Expr) -> bool:
    """Whether it is finite wherever it stands: sums and products of elements."""
    match node:
        case Neg(arg) | Pow(arg, Number()) if not isinstance(node, Pow) or _whole(node.exponent):
            return _finite(arg)
        case Add(args) | Mul(args):
            return all(map(_finite, args))
        case Number() | Ref() | Integer():
            return True
        case _:
            return False


def _whole(exponent: Expr) -> bool:
    return isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 0


def _times(node: Expr, holds: Indicator) -> Expr:
    return ZERO if node == ZERO else holds if node == ONE else mul((node, holds))
