"""Sums over outer products: Σ_f (S_ef − z_e o_f) d_f is Σ_f S_ef d_f − z_e Σ_f o_f d_f.

The matrix z oᵀ is made for nothing where it only multiplies a vector.
"""

from __future__ import annotations

from collections.abc import Iterable

from symbp.arrays.nodes import BATCH
from symbp.calculus.affine import Index
from symbp.calculus.collapse import outer_factors
from symbp.calculus.construct import add, mul, reduce_sum
from symbp.calculus.expr import Add, Div, Expr, Indicator, Mul, Neg, Reduce, Where, Within
from symbp.calculus.tree import free_indices, refresh, rewrite, walk


def distributed(node: Expr) -> Expr:
    """The expression with sums over outer products taken term by term.  Terminates: used once, bottom up."""
    return rewrite(node, _distributed)


def _distributed(node: Expr) -> Expr | None:
    if not isinstance(node, Reduce) or node.op != "sum" or not isinstance(node.body, Mul):
        return None
    if BATCH in node.indices:
        return None  # which factors it runs over does not show in their indices
    for place, factor in enumerate(node.body.factors):
        if isinstance(factor, Add) and _plain(node.body) and _has_outer_product(factor, node.indices):
            rest = (*node.body.factors[:place], *node.body.factors[place + 1 :])
            terms = (reduce_sum(node.indices, mul((*rest, t))) for t in factor.terms)
            return outer_factors(add(t if n == 0 else refresh(t) for n, t in enumerate(terms)))
    return None


def _plain(node: Expr) -> bool:
    """Whether nothing is chosen in an expression: what is masked stays together."""
    return not any(isinstance(n, Indicator | Within | Where) for n in walk(node))


def _has_outer_product(total: Add, over: tuple[Index, ...]) -> bool:
    """Whether a term is an outer product of something that is summed over and something that is not.

    The sum over it needs no array with all of its indices, and another term has these anyway.
    """
    every = _indices((total,))
    return any(_outer(t, over, every) for t in total.terms) and any(
        _indices((f,)) == every for t in total.terms for f in _factors(t)
    )


def _outer(term: Expr, over: tuple[Index, ...], every: frozenset[Index]) -> bool:
    factors = _factors(term)
    inside = _indices(f for f in factors if _indices((f,)) & {*over})
    outside = _indices(f for f in factors if not _indices((f,)) & {*over})
    return inside < every and bool(outside - inside) and inside | outside == every


def _factors(term: Expr) -> tuple[Expr, ...]:
    match term:
        case Neg(arg):
            return _factors(arg)
        case Div(num, _):
            return _factors(num)
        case Mul(factors):
            return factors
        case _:
            return (term,)


def _indices(nodes: Iterable[Expr]) -> frozenset[Index]:
    return frozenset(i for n in nodes for i in free_indices(n))
