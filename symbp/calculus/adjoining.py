"""A term beside a sum that is one more of its summands: f(1) + Σ_{t ≥ 2} f(t) is Σ_t f(t)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from symbp.calculus.affine import Affine, Index, affine, fresh, in_ranges, known_le
from symbp.calculus.expr import Add, Expr, Reduce
from symbp.calculus.tidy import coefficient_of, scaled
from symbp.calculus.tree import canonical, rewrite, substitute

Joined = tuple[Expr, Index, Affine]
"""The new sum, its index, and the value of the index at which the term stood by itself."""


def whole_sums(node: Expr) -> tuple[Expr, tuple[tuple[Index, Affine], ...]]:
    """All such terms of an expression taken in, and the index and its value of each.

    Terminates: there are fewer terms.
    """
    found: list[tuple[Index, Affine]] = []

    def change(n: Expr) -> Expr:
        while (joined := adjoined(n)) is not None:
            n, index, value = joined
            found.append((index, value))
        return n

    return rewrite(node, change), tuple(found)


def adjoined(node: Expr) -> Joined | None:
    """A sum of terms with one term less: it is what a sum beside it has just outside of its range."""
    if not isinstance(node, Add):
        return None
    for pair in combinations(range(len(node.terms)), 2):
        for total, single in (pair, pair[::-1]):
            found = _wider(node.terms[total], node.terms[single])
            if found is not None:
                new, index, value = found
                terms = (new if k == min(pair) else t for k, t in enumerate(node.terms) if k != max(pair))
                left = tuple(terms)
                return (left[0] if len(left) == 1 else Add(left)), index, value
    return None


def _wider(total: Expr, single: Expr) -> Joined | None:
    """The sum with the term taken in."""
    factor, whole = coefficient_of(total)
    other, rest = coefficient_of(single)
    if factor != other or not isinstance(whole, Reduce) or whole.op != "sum":
        return None
    for k, index in enumerate(whole.indices):
        if in_ranges(index, whole.indices):
            continue
        others = (*whole.indices[:k], *whole.indices[k + 1 :])
        for value, low, high in beyond(index):
            body = Reduce("sum", others, whole.body) if others else whole.body
            if canonical(substitute(body, {index: value})) == canonical(rest):
                wide = fresh(index.name, low, high, index.sequence)
                indices = (*whole.indices[:k], wide, *whole.indices[k + 1 :])
                new = Reduce("sum", indices, substitute(whole.body, {index: affine(wide)}))
                return scaled(factor, new, False), wide, value
    return None


def beyond(index: Index) -> Iterator[tuple[Affine, Affine, Affine]]:
    """The values just outside of a range, each with the ends of the range that it joins.

    A range may be empty by one: below 2..T there is 1 also where T is 1.
    """
    if known_le(index.low - 1, index.high):
        yield index.low - 1, index.low - 1, index.high
        yield index.high + 1, index.low, index.high + 1
