"""The derivative of a norm at 0: x/‖x‖ is taken to be 0 where x is, the subgradient of least length.

A distance of points from themselves has the derivative 0 there in truth: x_i − x_j is 0 for all values at
i = j.  A model that divides by a norm itself is left alone: what it writes is to be infinite where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from symbp.calculus.expr import ZERO, Add, Call, Compare, Div, Expr, Mul, Number, Pow, Reduce, Ref, Where
from symbp.calculus.tree import rewrite, walk
from symbp.derive.context import DEEP, Context, definition
from symbp.derive.signs import is_nonnegative, is_positive
from symbp.model.core import Model

INFINITE = Call("infinity", ())


class Norms:
    """The norms of a model below which adjoints may stand."""

    def __init__(self, model: Model) -> None:
        self.context = Context(model.functions, lambda ref: definition(model, ref))
        self.model = model

    @cached_property
    def guards(self) -> bool:
        """Whether quotients by them are made by differentiation alone."""
        nodes = [n for e in self.model.equations for n in walk(e.rhs)]
        if not any(isinstance(n, Call) and self.is_norm(n) for n in nodes):
            return False
        return not any(self.is_norm(d) or self.is_square(d) for n in nodes for d in _divisors(n))

    def guarded(self, node: Expr) -> Expr:
        """The expression in which what stands over a norm that is 0 is 0."""
        if not self.guards:
            return node
        return rewrite(node, lambda n: self.quotient(n) if isinstance(n, Div) else None)

    def quotient(self, node: Div) -> Div:
        """One quotient alone."""
        factors = node.den.factors if isinstance(node.den, Mul) else (node.den,)
        new = tuple(map(self._infinite_at_0, factors)) if self.guards else factors
        return node if new == factors else Div(node.num, Mul(new) if len(new) > 1 else new[0])

    def _infinite_at_0(self, factor: Expr) -> Expr:
        if not (self.is_norm(factor) or self.is_square(factor)):
            return factor
        return Where(Compare("==", factor, ZERO), INFINITE, factor)

    def is_norm(self, node: Expr, depth: int = 0) -> bool:
        """Whether a value is the root of a sum of squares."""
        match node:
            case Call("sqrt", (inner,), ()):
                return self.is_square(inner, depth)
            case Ref() if depth < DEEP and (opened := self.context.opened(node)) != node:
                return self.is_norm(opened, depth + 1)
            case Pow(base, Number(value)) if value > 0:
                return self.is_norm(base, depth)
            case _:
                return False

    def is_square(self, node: Expr, depth: int = 0) -> bool:
        """Whether a value is a sum of squares that may be 0: its derivative is 0 there."""
        if is_positive(node, self.context):
            return False
        match node:
            case Pow(base, Number(value)):
                return value > 0 and (value % 2 == 0 or self.is_square(base, depth))
            case Add(terms):
                return all(self.is_square(t, depth) for t in terms)
            case Reduce("sum" | "mean", _, body):
                return self.is_square(body, depth)
            case Div(num, den):
                return self.is_square(num, depth) and is_positive(den, self.context)
            case Where(_, then, other):
                return all(b == ZERO or self.is_square(b, depth) for b in (then, other))
            case Mul(factors):
                once = [f for f in factors if factors.count(f) % 2]
                squares = len(once) < len(factors) or any(self.is_square(f, depth) for f in once)
                return squares and all(is_nonnegative(f, self.context) for f in once)
            case Ref() if depth < DEEP and (opened := self.context.opened(node)) != node:
                return self.is_square(opened, depth + 1)
            case _:
                return False


def _divisors(node: Expr) -> Iterator[Expr]:
    """What a value is divided by."""
    match node:
        case Div(_, Mul(factors)):
            yield from factors
        case Div(_, den):
            yield den
        case Pow(base, Number(value)) if value < 0:
            yield base
        case Call("log", (arg,)):
            yield arg
