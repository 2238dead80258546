"""Expressions with numbers for indices: conditions are decided, sums that they pick from written out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from symbp.calculus.affine import Affine, Index
from symbp.calculus.construct import add, mul
from symbp.calculus.expr import ONE, ZERO, Add, Div, Expr, Indicator, Mul, Reduce, Within
from symbp.calculus.tree import free_indices, map_children, map_positions, positions, substitute, walk

Number = Callable[[Affine], Affine]
"""A position without indices as a number; one with indices stays."""

FEW = 3
"""A sum of which more terms remain keeps its sign."""


def concrete(node: Expr, number: Number, values: Callable[[Index], range]) -> Expr:
    """The expression with decided conditions; ``values`` are those of a bound index."""
    moved = map_positions(node, number)
    match moved:
        case Indicator() | Within():
            return _decided(moved)
        case Reduce("sum", indices, _) if _picks(moved):
            found = _terms(moved, indices, number, values)
            kept = [t for t in found if t != ZERO] if found is not None else []
            if found is not None and len(kept) <= FEW:
                return add(kept)
    inner = map_children(moved, lambda child: concrete(child, number, values))
    match inner:
        case Mul(factors):
            return mul(factors)
        case Add(terms):
            return add(terms)
        case Div(top, _) if top == ZERO:
            return ZERO
        case Reduce("sum", _, body) if body == ZERO:
            return ZERO
        case _:
            return inner


def _decided(node: Expr) -> Expr:
    """1 or 0 for a condition on numbers."""
    if any(not p.is_const for p in positions(node)):
        return node
    match node:
        case Indicator(left, right):
            return ONE if left == right else ZERO
        case Within(value, lo, hi):
            return ONE if lo.const <= value.const <= hi.const else ZERO
        case _:
            raise TypeError(f"{type(node).__name__} is no condition")


def _picks(node: Reduce) -> bool:
    """Whether a condition picks some of the terms of a sum."""
    conditions = [n for n in walk(node.body) if isinstance(n, (Indicator, Within))]
    return any(i in node.indices for n in conditions for i in free_indices(n))


def _terms(
    node: Reduce, indices: tuple[Index, ...], number: Number, values: Callable[[Index], range]
) -> list[Expr] | None:
    """The terms one by one; None if the ranges are not known."""
    if any(end.indices() for i in indices for end in (i.low, i.high)):
        return None
    return [concrete(substitute(node.body, at), number, values) for at in _points(indices, values)]


def _points(indices: tuple[Index, ...], values: Callable[[Index], range]) -> Iterator[dict[Index, Affine]]:
    if not indices:
        yield {}
        return
    for value in values(indices[0]):
        for rest in _points(indices[1:], values):
            yield {indices[0]: Affine(value), **rest}
