"""The logarithm of summed exponentials, differentiated as a whole: ∂/∂u log(exp u + exp v) = exp(u − log(…)).

Where an equation has such a logarithm as a term, y = −log(exp u + exp v) + m, its value is known from y:
log(…) = m − y.  The exponent u − log(…) is never positive, so nothing overflows (Cuturi and Blondel,
*Soft-DTW*, algorithm 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from symbp.calculus.construct import add, div, mul, neg
from symbp.calculus.expr import ONE, Add, Call, Div, Expr, Integer, Mul, Neg, Number, Ref
from symbp.calculus.tidy import tidy
from symbp.calculus.tree import canonical, children, refresh, walk
from symbp.derive.context import Context


@dataclass(frozen=True, slots=True)
class Whole:
    """A logarithm of summed exponentials, what it is by the equation of ``lhs``, and its exponents."""

    node: Call
    value: Expr
    exponents: tuple[Expr, ...]

    def parts(self, rounded: bool) -> tuple[tuple[Expr, Expr], ...]:
        """By exponent u: the derivative exp(u − log(…)), and u.

        ``rounded``: u is computed first, as it was for the logarithm, so that the rounded exponent is not
        positive either, and 0 where u is all there is.
        """
        difference = _literal if rounded else _difference
        return tuple((Call("exp", (refresh(difference(u, self.value)),)), u) for u in self.exponents)

    @property
    def exact(self) -> bool:
        """Whether the stored element is the logarithm but for its sign, to the last bit."""
        return isinstance(self.value.arg if isinstance(self.value, Neg) else self.value, Ref)


def wholes(lhs: Ref, body: Expr, context: Context) -> Iterator[Whole]:
    """The logarithms in ``lhs = body`` for which the equation can be solved; outermost ones."""
    for node in _outermost(body, context):
        value = _solved(body, node, lhs, body)
        if value is not None:
            yield Whole(node, value, exponents(node, context))


def exponents(node: Expr, context: Context) -> tuple[Expr, ...]:
    """u, v, … of log(exp u + exp v + …) or of nested logaddexp; () for anything else."""
    match node:
        case Call("logaddexp", args, ()):
            return tuple(u for a in args for u in exponents(a, context) or (a,))
        case Call("log", (Add(terms),), ()):
            known = tuple(u for t in terms if (u := context.named(t, "exp")) is not None)
            return known if len(known) == len(terms) else ()
        case _:
            return ()


def _outermost(node: Expr, context: Context) -> Iterator[Call]:
    if isinstance(node, Call) and exponents(node, context):
        yield node
        return
    for child in children(node):
        yield from _outermost(child, context)


def _solved(node: Expr, log: Expr, value: Expr, whole: Expr) -> Expr | None:
    """``node = value`` solved for ``log``: through signs, terms, and factors that cannot be zero."""
    if node == log:
        return value
    match node:
        case Neg(arg):
            return _solved(arg, log, neg(value), whole)
        case Add(terms) if (one := _only(terms, log)) is not None:
            moved = (s for t in terms if t is not one for s in _signed(neg(t)))
            return _solved(one, log, _ordered([*_signed(value), *moved]), whole)
        case Mul(factors) if (one := _only(factors, log)) is not None:
            others = [f for f in factors if f is not one]
            known = all(_nonzero(f, whole) for f in others)
            return _solved(one, log, div(value, mul(others)), whole) if known else None
        case Div(num, den) if _contains(num, log) and not _contains(den, log):
            return _solved(num, log, mul((value, den)), whole)
        case _:
            return None


def _only(parts: tuple[Expr, ...], log: Expr) -> Expr | None:
    holding = [p for p in parts if _contains(p, log)]
    return holding[0] if len(holding) == 1 else None


def _contains(node: Expr, log: Expr) -> bool:
    return any(n == log for n in walk(node))


def _nonzero(node: Expr, whole: Expr) -> bool:
    """A number that is not 0, an exponential, or what the equation divides by anyway."""
    match node:
        case Number(value):
            return value != 0
        case Call("exp", _, ()):
            return True
        case Neg(arg):
            return _nonzero(arg, whole)
        case Ref() | Integer():
            divisors = [n.den for n in walk(whole) if isinstance(n, Div)]
            return any(node in (d.factors if isinstance(d, Mul) else (d,)) for d in divisors)
        case _:
            return False


# ── differences ───────────────────────────────────────────────────────────────────────────────────


def _difference(u: Expr, value: Expr) -> Expr:
    """u − value in short: over one denominator, positive terms first."""
    (top, below), (other, its) = _fraction(u), _fraction(value)
    if below != ONE and canonical(below) == canonical(its):
        return div(_difference(top, other), below)
    return _ordered([*_signed(u), *_signed(neg(value))])


def _literal(u: Expr, value: Expr) -> Expr:
    return add((u, neg(value)))


def _fraction(node: Expr) -> tuple[Expr, Expr]:
    match node:
        case Neg(arg):
            num, den = _fraction(arg)
            return neg(num), den
        case Div(num, den):
            return num, den
        case _:
            return node, ONE


def _signed(node: Expr) -> Iterator[Expr]:
    """The terms of a sum, or of its negative."""
    match node:
        case Add(terms):
            for term in terms:
                yield from _signed(term)
        case Neg(Add(terms)):
            for term in terms:
                yield from _signed(neg(term))
        case _:
            yield node


def _ordered(terms: list[Expr]) -> Expr:
    gathered = tidy(add(terms))
    if not isinstance(gathered, Add):
        return gathered
    return add(sorted(gathered.terms, key=lambda t: isinstance(t, Neg)))
