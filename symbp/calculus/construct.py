"""Smart constructors: sums, products and quotients without what does nothing."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from symbp.calculus.affine import Index
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Div,
    Expr,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    as_factors,
    as_terms,
)
from symbp.calculus.tree import rewrite


def add(terms: Iterable[Expr]) -> Expr:
    """A sum without zeros; nested sums are joined."""
    flat: list[Expr] = []
    for term in terms:
        flat.extend(t for t in as_terms(term) if t != ZERO)
    return ZERO if not flat else flat[0] if len(flat) == 1 else Add(tuple(flat))


def mul(factors: Iterable[Expr]) -> Expr:
    """A product: signs move to the front, numbers are multiplied, ones and nested products go."""
    coefficient, rest, decimal = Fraction(1), list[Expr](), False
    for factor in factors:
        for part in as_factors(factor):
            while isinstance(part, Neg):
                coefficient, part = -coefficient, part.arg
            for inner in as_factors(part):
                if isinstance(inner, Number):
                    coefficient, decimal = coefficient * inner.value, decimal or inner.decimal
                else:
                    rest.append(inner)
    if coefficient == 0:
        return ZERO
    if abs(coefficient) != 1 or not rest:
        rest.insert(0, Number(abs(coefficient), decimal))
    product = rest[0] if len(rest) == 1 else Mul(tuple(rest))
    return Neg(product) if coefficient < 0 else product


def flatten(node: Expr) -> Expr:
    """Products and sums within products and sums joined; ones and zeros gone."""
    return rewrite(node, _flatten_node)


def _flatten_node(node: Expr) -> Expr | None:
    match node:
        case Mul(factors):
            return mul(factors)
        case Add(terms):
            return add(terms)
        case Reduce("sum", _, body) if body == ZERO:
            return ZERO
        case _:
            return None


def neg(arg: Expr) -> Expr:
    """``-arg``."""
    match arg:
        case Neg(inner):
            return inner
        case Number(value, decimal) if value <= 0:
            return Number(-value, decimal)
        case _:
            return Neg(arg)


def div(num: Expr, den: Expr) -> Expr:
    """A quotient; 0/x is 0 and x/1 is x."""
    if num == ZERO or den == ONE:
        return num
    match num, den:
        case Number(a, d), Number(b, e) if b:
            return Number(a / b, d or e)
        case Neg(inner), _:
            return neg(div(inner, den))
        case _:
            return Div(num, den)


def power(base: Expr, exponent: Expr) -> Expr:
    """A power; x^1 is x and x^0 is 1."""
    if exponent == ZERO:
        return ONE
    return base if exponent == ONE else Pow(base, exponent)


def reduce_sum(indices: Iterable[Index], body: Expr) -> Expr:
    """Σ over ``indices``; a sum over nothing is its body, and a sum of zeros is 0."""
    chosen = tuple(indices)
    if body == ZERO or not chosen:
        return body
    return Reduce("sum", chosen, body)
