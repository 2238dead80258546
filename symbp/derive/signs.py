"""Which values are positive, and which not negative, for all arguments: of a product of them log is a sum."""

from __future__ import annotations

from symbp.calculus.affine import known_nonnegative
from symbp.calculus.expr import (
    ONE,
    Add,
    Call,
    Div,
    Expr,
    Integer,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
)
from symbp.derive.context import DEEP, Context


def is_positive(node: Expr, context: Context, depth: int = 0) -> bool:
    """Whether a value is positive for sure."""
    if any(context.named(node, name) is not None for name in ("exp", "sigmoid", "cosh")):
        return True
    match node:
        case Number(value):
            return value > 0
        case Integer(value):
            return known_nonnegative(value - 1)
        case Add((one, Neg(inner))) if one == ONE and _is_sigmoid(inner, context):
            return True
        case Add(terms):
            some = any(is_positive(t, context) for t in terms)
            return some and all(is_nonnegative(t, context) for t in terms)
        case Mul(factors):
            return all(is_positive(f, context) for f in factors)
        case Div(num, den):
            return is_positive(num, context) and is_positive(den, context)
        case Ref():
            opened = context.opened(node)
            return not isinstance(opened, Ref) and depth < DEEP and is_positive(opened, context, depth + 1)
        case Pow(base, _):
            return is_positive(base, context, depth)
        case Call("sqrt", (inner,), ()):
            return is_positive(inner, context, depth)
        case _:
            return isinstance(node, Weights) and node.op == "softmax"


def _is_sigmoid(node: Expr, context: Context) -> bool:
    return context.named(context.opened(node), "sigmoid") is not None


def is_nonnegative(node: Expr, context: Context, depth: int = 0) -> bool:
    """Whether a value is never negative, for sure."""
    match node:
        case Pow(_, Number(value)) if value % 2 == 0:
            return True
        case Call("abs" | "sqrt" | "relu", _, ()):
            return True
        case Number(value):
            return value >= 0
        case Integer(value):
            return known_nonnegative(value)
        case Add(terms):
            return all(is_nonnegative(t, context, depth) for t in terms)
        case Mul(factors):
            once = [f for f in factors if factors.count(f) % 2]
            return all(is_nonnegative(f, context, depth) for f in once)
        case Reduce("sum" | "mean" | "prod" | "max" | "min", _, body):
            return is_nonnegative(body, context, depth)
        case Div(num, den):
            return is_nonnegative(num, context, depth) and is_positive(den, context)
        case Ref() if depth < DEEP and (opened := context.opened(node)) != node:
            return is_nonnegative(opened, context, depth + 1)
        case _:
            return is_positive(node, context)
