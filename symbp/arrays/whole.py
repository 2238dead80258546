"""One statement for all steps where a boundary has one of its own: f(1) and f(2) … f(T) are f(1) … f(T)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from symbp.arrays.statement import Statement
from symbp.calculus.adjoining import beyond, whole_sums
from symbp.calculus.affine import Affine, Index, affine, fresh, in_ranges
from symbp.calculus.tree import canonical, substitute


def whole_ranges(statements: Sequence[Statement]) -> tuple[Statement, ...]:
    """The statements with terms in the sums beside them, and those that add one more step in the others."""
    out = [replace(s, rhs=whole_sums(s.rhs)[0]) for s in statements]
    while (found := _pair(out)) is not None:
        wide, narrow, new = found
        out[min(wide, narrow)] = new
        del out[max(wide, narrow)]
    return tuple(out)


def _pair(statements: Sequence[Statement]) -> tuple[int, int, Statement] | None:
    for wide, s in enumerate(statements):
        for narrow, other in enumerate(statements):
            if wide != narrow and s.accumulate == other.accumulate:
                new = _wider(s, other)
                if new is not None:
                    return wide, narrow, new
    return None


def _wider(s: Statement, other: Statement) -> Statement | None:
    """The statement with one more step, if that is what the other one adds."""
    if s.target != other.target or s.loops or other.loops or len(s.indices) != len(other.indices) + 1:
        return None
    for index in s.indices:
        rest = tuple(i for i in s.indices if i != index)
        if in_ranges(index, rest):
            continue
        values = _renaming(rest, other.indices)
        for value, low, high in beyond(index):
            if values is not None and _same(s, other, {**values, index: value}):
                wide = fresh(index.name, low, high, index.sequence)
                there = {index: affine(wide)}
                numbers = tuple(sorted({*s.numbers, *other.numbers}))
                return replace(
                    s, at=tuple(p.substitute(there) for p in s.at), rhs=substitute(s.rhs, there),
                    indices=tuple(wide if i == index else i for i in s.indices), numbers=numbers,
                )
    return None


def _renaming(mine: Sequence[Index], its: Sequence[Index]) -> Mapping[Index, Affine] | None:
    values: dict[Index, Affine] = {}
    for a, b in zip(mine, its, strict=True):
        if (a.low.substitute(values), a.high.substitute(values)) != (b.low, b.high):
            return None
        values[a] = affine(b)
    return values


def _same(s: Statement, other: Statement, values: Mapping[Index, Affine]) -> bool:
    at = tuple(p.substitute(values) for p in s.at)
    return at == other.at and canonical(substitute(s.rhs, values)) == canonical(other.rhs)
