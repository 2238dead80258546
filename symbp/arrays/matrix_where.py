"""Conditions as Iverson brackets: [X > 0] entry by entry, and I for what holds on the diagonal alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from symbp.arrays.matrix_join import NoMatrixForm
from symbp.arrays.matrix_nodes import Bracket, Hadamard, Matrix, Plus, shape
from symbp.calculus.conditions import OPPOSITE
from symbp.calculus.construct import add, mul, neg
from symbp.calculus.differentiate import varies
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
)
from symbp.calculus.tree import rewrite, walk

Build = Callable[[Expr], Matrix]


def bracketed(node: Expr) -> Expr:
    """The expression with its conditions written as factors: [i = j], and [x_i > 0] u + [x_i ≤ 0] v."""
    return rewrite(node, _bracket)


def bracket(cond: Expr, build: Build) -> Matrix:
    """A condition on the entries of arrays.

    Raises:
        NoMatrixForm: for a condition that is none of entries, such as one on the places of indices.
    """
    match cond:
        case Compare(op, left, right):
            return Bracket(op, (build(left), build(right)))
        case Logic(op, args):
            return Bracket(op, tuple(bracket(a, build) for a in args))
        case _:
            raise NoMatrixForm


def comparisons(cond: Expr) -> list[Compare]:
    """The comparisons of which a condition is made."""
    return [n for n in walk(cond) if isinstance(n, Compare)]


def chosen(node: Where, build: Build) -> Matrix:
    """[c] ⊙ u + [not c] ⊙ v for branches of which the one that is not chosen need not be finite.

    Raises:
        NoMatrixForm: where a branch has other axes than the condition.
    """
    cases = [(node.cond, node.then), (_negated(node.cond), node.other)]
    terms = [_guarded(bracket(cond, build), branch, build) for cond, branch in cases if branch != ZERO]
    return terms[0] if len(terms) == 1 else Plus(tuple(terms))


def _guarded(holds: Matrix, branch: Expr, build: Build) -> Matrix:
    if branch == ONE:
        return holds
    value = build(branch)
    if shape(holds) != shape(value):
        raise NoMatrixForm
    return Hadamard((holds, value))


def _negated(cond: Expr) -> Expr:
    match cond:
        case Compare(op):
            return replace(cond, op=OPPOSITE[op])
        case Logic("not", (arg,)):
            return arg
        case _:
            return Logic("not", (cond,))


def _bracket(node: Expr) -> Expr | None:
    match node:
        case Where(Compare("==", Integer(left), Integer(right)), then, other):
            return then if left == right else _chosen(Indicator(left, right), then, other)
        case Where(Compare("!=", Integer(left), Integer(right)), then, other):
            return other if left == right else _chosen(Indicator(left, right), other, then)
        case Where(cond, then, other) if not _is_bracket(node) and _finite(then) and _finite(other):
            holds, fails = Where(cond, ONE, ZERO), Where(_negated(cond), ONE, ZERO)
            terms = [_times(b, h) for b, h in ((then, holds), (other, fails)) if b != ZERO]
            return add(terms)
        case _:
            return None


def _is_bracket(node: Where) -> bool:
    return node.then == ONE and node.other == ZERO


def _chosen(holds: Indicator, then: Expr, other: Expr) -> Expr | None:
    """[i = j] u + (1 − [i = j]) v; None where a branch that is not chosen need not be finite."""
    if not (_finite(then) and _finite(other)):
        return None
    on, off = _times(then, holds), _times(other, holds)
    return add((other, on, neg(off)))


_EVERYWHERE = frozenset(
    ("exp", "abs", "sign", "sin", "cos", "atan", "tanh", "sigmoid", "softplus", "relu", "erf", "gelu", "silu",
     "maximum", "minimum")
)
"""Functions that are finite for every number, as their derivatives are."""


def _finite(node: Expr) -> bool:
    """Whether it is finite wherever it stands: sums and products of elements, functions without a pole."""
    match node:
        case Neg(arg) | Pow(arg, Number()) if not isinstance(node, Pow) or _whole(node.exponent):
            return _finite(arg)
        case Add(args) | Mul(args):
            return all(map(_finite, args))
        case Call(function, args) if function in _EVERYWHERE:
            return all(map(_finite, args))
        case Reduce("sum" | "dot" | "logsumexp" | "max" | "min", _, arg) | Weights(_, _, arg):
            return _finite(arg)
        case Div(num, den):
            return _finite(num) and all(map(_of_sizes, walk(den)))
        case Where(_, then, other):
            return _finite(then) and _finite(other)
        case Number() | Ref() | Adjoint() | Integer() | Indicator():
            return True
        case _:
            return False


def _of_sizes(node: Expr) -> bool:
    """A number, a size, or a product: not j − i, which is 0 somewhere."""
    return isinstance(node, (Number, Integer, Mul)) and not varies(node)


def _whole(exponent: Expr) -> bool:
    return isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 0


def _times(node: Expr, holds: Indicator | Where) -> Expr:
    return ZERO if node == ZERO else holds if node == ONE else mul((node, holds))
