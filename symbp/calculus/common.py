"""What the terms of a sum have in common: a b/s − a c/s is a (b − c)/s."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import reduce
from operator import and_

from symbp.calculus.construct import div, mul, neg
from symbp.calculus.expr import Add, Div, Expr, Indicator, Mul, Neg, Number, Within
from symbp.calculus.tidy import coefficient_of, scaled
from symbp.calculus.tree import canonical, walk


def common_factor(node: Expr) -> tuple[Expr, Expr, Expr] | None:
    """``a b/s − a c/s`` as ``a (b − c)/s``: what all terms share above and below, and the new expression.

    None where terms share nothing, or only something of which one of them has no more, and where a condition
    would get between brackets.
    """
    if not isinstance(node, Add):
        return None
    tops, bottoms = list(map(_top, node.terms)), list(map(_bottom, node.terms))
    above, below = _common(tops), _common(bottoms)
    if any(Counter(map(canonical, _symbols(top))) == Counter(map(canonical, above)) for top in tops):
        above = ()
    if any(len(_symbols(bottom)) > len(below) for bottom in bottoms):
        below = ()  # fractions within a fraction are harder to read
    if not above and not below:
        return None
    left = [_without(t, above, below) for t in node.terms]
    if any(isinstance(n, (Indicator, Within)) for t in left for n in walk(t)):
        return None
    number, rest = _sum(left)
    behind = bool(above) and canonical(tops[0][0]) not in map(canonical, above)
    whole = div(mul((rest, *above) if behind else (*above, rest)), mul(below))
    return mul(above), mul(below), scaled(number, whole, False)


def _sum(terms: Sequence[Expr]) -> tuple[Fraction, Expr]:
    """A number and the sum that it multiplies, what is added first: of b/2 - a/2 they are 1/2 and b - a."""
    parts = [coefficient_of(t) for t in terms]
    numbers = {abs(c) for c, _ in parts}
    if len(numbers) > 1:
        parts = [(Fraction(-1), t.arg) if isinstance(t, Neg) else (Fraction(1), t) for t in terms]
        numbers = {Fraction(1)}
    sign = 1 if any(c > 0 for c, _ in parts) else -1
    ordered = sorted(parts, key=lambda part: part[0] * sign < 0)
    # what was one factor stays together: (a - y) - s, for the reader and for the matrix form
    return sign * numbers.pop(), Add(tuple(rest if c * sign > 0 else neg(rest) for c, rest in ordered))


def _common(lists: Sequence[Sequence[Expr]]) -> tuple[Expr, ...]:
    """The symbols that all lists of factors have, in the order of the first."""
    shared = reduce(and_, (Counter(map(canonical, _symbols(factors))) for factors in lists))
    return tuple(_taken(lists[0], shared)[0])


def _symbols(factors: Iterable[Expr]) -> list[Expr]:
    return [f for f in factors if not isinstance(f, Number)]


def _taken(factors: Iterable[Expr], shared: Counter[Expr]) -> tuple[list[Expr], list[Expr]]:
    """Those of the factors that are shared, and the others."""
    left, taken, kept = Counter(shared), list[Expr](), list[Expr]()
    for factor in factors:
        key = canonical(factor)
        (taken if left[key] > 0 else kept).append(factor)
        left[key] -= 1
    return taken, kept


def _top(term: Expr) -> tuple[Expr, ...]:
    """The factors of a term's numerator."""
    match term:
        case Neg(arg) | Div(arg, _):
            return _top(arg)
        case Mul(factors):
            return factors
        case _:
            return (term,)


def _bottom(term: Expr) -> tuple[Expr, ...]:
    """The factors of a term's denominator."""
    match term:
        case Neg(arg):
            return _bottom(arg)
        case Div(_, Mul(factors)):
            return factors
        case Div(_, den):
            return (den,)
        case _:
            return ()


def _without(term: Expr, above: Sequence[Expr], below: Sequence[Expr]) -> Expr:
    """The term without one occurrence of each of these factors of its numerator and denominator."""
    match term:
        case Neg(arg):
            return neg(_without(arg, above, below))
        case Div(num, _):
            rest = mul(_taken(_bottom(term), Counter(map(canonical, below)))[1])
            return div(_without(num, above, ()), rest)
        case _ if above:
            return mul(_taken(_top(term), Counter(map(canonical, above)))[1])
        case _:
            return term
