"""The factors of an indexed expression and the indices that they carry."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from symbp.arrays.matrix_join import Axis
from symbp.calculus.affine import Index
from symbp.calculus.construct import mul, neg
from symbp.calculus.expr import (
    ONE,
    Add,
    Adjoint,
    Div,
    Expr,
    Indicator,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
    number,
)
from symbp.calculus.tree import free_indices, walk


def one_number(node: Expr) -> Expr:
    """-(1/2) as one number."""
    match node:
        case Neg(Number(value, decimal)):
            return Number(-value, decimal)
        case _:
            return node


def has_reduction(node: Expr) -> bool:
    """Whether a sum, a maximum … or softmax is in it."""
    return any(isinstance(n, (Reduce, Weights)) for n in walk(node))


def repeated(node: Ref | Adjoint) -> Index | None:
    """The ordinary index that stands in two positions: a diagonal."""
    alone = [i for p in node.indices if (i := p.as_index()) is not None and not i.sequence]
    return next((i for i in alone if alone.count(i) == 2), None)


def chosen_place(node: Ref | Adjoint) -> int | None:
    """The first position in which a label of its own stands, one for each of an axis: E[tok_m, d]."""
    for place, position in enumerate(node.indices):
        own = [i for i in position.indices() if not i.sequence]
        if isinstance(position.as_atom(), Ref) and len(own) == 1:
            return place
    return None


def depends(node: Expr, indices: Iterable[Index]) -> bool:
    """Whether any of the indices is free in the expression."""
    own = free_indices(node)
    return any(i in own for i in indices)


def is_link(factor: Expr, row: Axis, col: Axis) -> bool:
    """Whether the factor is [row = col]."""
    if not isinstance(factor, Indicator) or row is None or col is None:
        return False
    return {factor.left.as_index(), factor.right.as_index()} == {row, col}


def vector(body: Expr, index: Index, row: Axis, col: Axis) -> bool:
    """Whether the summed terms are entries of vectors along ``index`` alone: they are added up as one."""
    if not isinstance(body, Add) or any(_split(t, index) for t in body.terms):
        return False
    others = [i for i in (row, col) if i is not None]
    return all(depends(t, [index]) and not depends(t, others) for t in body.terms)


def _split(term: Expr, index: Index) -> bool:
    return isinstance(term, Mul) and sum(depends(f, [index]) for f in term.factors) > 1


def flat(body: Expr, axes: Iterable[Index]) -> list[Expr]:
    """The factors of a product; a denominator goes with the factors of the same axes."""
    match body:
        case Mul(factors):
            return [inner for f in factors for inner in flat(f, axes)]
        case Neg(arg):
            return [number(-1), *flat(arg, axes)]
        case Div(num, den):
            own = [i for i in axes if i in free_indices(den)]
            above = flat(num, axes)
            with_it = [f for f in above if [i for i in axes if i in free_indices(f)] == own]
            rest = [f for f in above if f not in with_it]
            return [*rest, Div(mul(with_it) if with_it else ONE, den)]
        case _:
            return [body]


_ADDENDS = 16
"""More terms than these are no form that anybody reads."""


def multiplied_out(body: Expr, axes: tuple[Index, ...]) -> list[Expr] | None:
    """The terms of a product with its widest sum multiplied out; None if there is no sum to open.

    Terminates where it is used again on each term: every term has one sum less.
    """
    factors = [g for f in flat(body, axes) for g in _squared(f, axes)]
    sums = [n for n, f in enumerate(factors) if isinstance(f, Add) and _width(f, axes) > 1]
    if not sums or prod(len(f.terms) for f in factors if isinstance(f, Add)) > _ADDENDS:
        return None
    widest = max(sums, key=lambda n: _width(factors[n], axes))
    opened = factors[widest]
    assert isinstance(opened, Add)
    return [_times(factors[:widest], term, factors[widest + 1 :]) for term in opened.terms]


def _squared(node: Expr, axes: tuple[Index, ...]) -> tuple[Expr, ...]:
    """The square of a sum with more axes than a matrix as two factors."""
    match node:
        case Pow(Add() as base, Number(value)) if value == 2 and _width(base, axes) > 2:
            return (base, base)
        case _:
            return (node,)


def one_sum(body: Expr, axes: tuple[Index, ...]) -> tuple[tuple[Index, ...], Expr] | None:
    """The indices of a sum among the factors that has more axes than a matrix, and the product under it."""
    factors = flat(body, axes)
    for n, factor in enumerate(factors):
        match factor:
            case Reduce("sum", inner, deeper) if _width(factor, axes) > 2 and not _sequences(inner):
                return inner, _times(factors[:n], deeper, factors[n + 1 :])
    return None


def _sequences(indices: tuple[Index, ...]) -> bool:
    return any(i.sequence for i in indices)


def _width(node: Expr, axes: tuple[Index, ...]) -> int:
    own = free_indices(node)
    return sum(i in own for i in axes)


def _times(before: list[Expr], term: Expr, after: list[Expr]) -> Expr:
    if isinstance(term, Neg):
        return neg(_times(before, term.arg, after))
    return mul((*before, term, *after))
