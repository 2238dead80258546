"""How many decimals numbers are shown with, and numbers as pieces of formulas."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from symbp.explain.core import Math, Numbers, Plus, Shaped, Times, Value
from symbp.explain.spot import Grid

MOST = 7


def decimals(values: Iterable[float]) -> int:
    """Enough for three digits of the largest, and no more than the numbers have."""
    given = [abs(v) for v in values]
    top = max(given, default=0.0)
    if top == 0:
        return 0
    wanted = min(max(2 - math.floor(math.log10(top)), 1), MOST)
    return next(d for d in range(wanted + 1) if d == wanted or all(_short(v, d) for v in given))


def _short(value: float, digits: int) -> bool:
    return abs(value - round(value, digits)) <= 1e-12 * max(1.0, abs(value))


def shown(number: float, like: Iterable[float] = ()) -> Value:
    """A number with as many decimals as it and those ``like`` it need."""
    return Value(number, decimals((number, *like)))


def written(grid: Grid, strong: Iterable[tuple[int, int]] = ()) -> Numbers:
    """A matrix written out."""
    return Numbers(grid, decimals(v for row in grid for v in row), frozenset(strong))


def shaped(grid: Grid, strong: Iterable[tuple[int, int]] = ()) -> Math:
    """A matrix written out, with its shape below; a single number is itself."""
    numbers = written(grid, strong)
    return shown(grid[0][0]) if numbers.shape == (1, 1) else Shaped(numbers, numbers.shape)


MORE = 2
"""So many further decimals are tried for numbers that should add up, or multiply, as they are printed."""


def summed(values: Sequence[float]) -> tuple[Math, str, Value]:
    """A sum and its value, with decimals with which the rounded terms add up to it, or ≈ between them."""
    total, few = sum(values), decimals((*values, sum(values)))
    tried = range(few, few + MORE + 1)
    found = next((d for d in tried if _adds_up(values, total, d)), None)
    digits = few if found is None else found
    terms = tuple(Value(v, digits) for v in values)
    written = terms[0] if len(terms) == 1 else Plus(terms)
    return written, "≈" if found is None else "=", Value(total, digits)


def _adds_up(values: Sequence[float], total: float, digits: int) -> bool:
    return round(sum(round(v, digits) for v in values), digits) == round(total, digits)


def multiplied(values: Sequence[float]) -> tuple[Math, str, Value]:
    """A product and its value, with decimals with which the rounded factors give it, or ≈ between them."""
    result = shown(math.prod(values))
    tried = [tuple(_precise(v, more) for v in values) for more in range(MORE + 1)]
    found = next((f for f in tried if _gives(f, result)), None)
    factors = tried[0] if found is None else found
    written = factors[0] if len(factors) == 1 else Times(factors)
    return written, "≈" if found is None else "=", result


def _gives(factors: Sequence[Value], result: Value) -> bool:
    rounded = math.prod(round(f.number, f.decimals) for f in factors)
    return round(rounded, result.decimals) == round(result.number, result.decimals)


def _precise(value: float, more: int) -> Value:
    """The number with further decimals, if it has them."""
    plain = shown(value)
    return plain if _short(value, plain.decimals) else Value(value, plain.decimals + more)


def product(left: Grid, right: Grid) -> Grid:
    """The matrix product."""
    return tuple(
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for column in zip(*right, strict=True))
        for row in left
    )


def turned(grid: Grid) -> Grid:
    """The transpose."""
    return tuple(zip(*grid, strict=True))


def entrywise(left: Grid, right: Grid) -> Grid:
    """The product entry by entry; what has one row or column or entry stands in each."""
    rows, columns = max(len(left), len(right)), max(len(left[0]), len(right[0]))

    def at(grid: Grid, r: int, c: int) -> float:
        return grid[r if len(grid) > 1 else 0][c if len(grid[0]) > 1 else 0]

    return tuple(tuple(at(left, r, c) * at(right, r, c) for c in range(columns)) for r in range(rows))
