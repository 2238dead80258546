"""Which elements a statement writes: overlaps, full covers, and what has to start from zeros."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbp.arrays.statement import Statement
from symbp.calculus.affine import Affine, Index, Size, affine, known_le, span
from symbp.calculus.expr import Expr, Reduce, Weights
from symbp.calculus.tree import bound, walk


def sizing(index: Index) -> tuple[Index, ...]:
    """The indices that choose the sizes in the range of ``index``: the l of n[l]."""
    ends = (index.low, index.high)
    return tuple(i for end in ends for a in end.atoms() if isinstance(a, Size) for i in _inner(a))


def framing(node: Expr) -> frozenset[Index]:
    """The indices on which the range of a softmax, a maximum, … depends: what is no sum has no mask."""
    whole = (n for n in walk(node) if isinstance(n, Weights) or (isinstance(n, Reduce) and n.op != "sum"))
    return frozenset(m for n in whole for i in bound(n) for end in (i.low, i.high) for m in end.indices())


def _inner(size: Size) -> tuple[Index, ...]:
    return tuple(i for position in size.at for i in position.indices())


def disjoint(left: tuple[Affine, ...], right: tuple[Affine, ...]) -> bool:
    """Whether two sets of elements of one array have provably nothing in common."""
    for a, b in zip(left, right, strict=True):
        if known_le(span(a, True) + 1, span(b, False)) or known_le(span(b, True) + 1, span(a, False)):
            return True
    return False


def covers(s: Statement, axes: tuple[Index, ...]) -> bool:
    """Whether a statement writes every element of an array with these axes, each once."""
    values: dict[Index, Affine] = {}
    for position, axis in zip(s.at, axes, strict=True):
        index = position.as_index()
        if index is None or index.low != axis.low.substitute(values):
            return False
        if index.high != axis.high.substitute(values):
            return False
        values[axis] = position
    return not s.accumulate


def tiles(parts: tuple[Statement, ...], axes: tuple[Index, ...]) -> bool:
    """Whether the parts cover the array without overlap: whole, or cut along one axis."""
    if any(s.accumulate for s in parts):
        return False
    if len(parts) == 1:
        return covers(parts[0], axes)
    for cut, axis in enumerate(axes):
        ends = [(span(s.at[cut], False), span(s.at[cut], True)) for s in parts]
        if _chain(ends, axis) and all(_covers_but(s, axes, cut) for s in parts):
            return True
    return False


def _covers_but(s: Statement, axes: tuple[Index, ...], cut: int) -> bool:
    index = s.at[cut].as_index() or axes[cut]
    values = {axes[cut]: s.at[cut]}
    rest = tuple(
        replace(a, lo=a.low.substitute(values), hi=a.high.substitute(values)) if k != cut else index
        for k, a in enumerate(axes)
    )
    whole = tuple(affine(index) if k == cut else p for k, p in enumerate(s.at))
    return covers(replace(s, at=whole), rest)


def _chain(ends: list[tuple[Affine, Affine]], axis: Index) -> bool:
    """Whether the parts follow each other at all sizes: 1, 2..T-1 and T share an element where T is 1."""
    if not all(known_le(low, high + 1) for low, high in ends):
        return False
    at, left = axis.low, list(ends)
    while left:
        found = next((e for e in left if e[0] == at), None)
        if found is None:
            return False
        left.remove(found)
        at = found[1] + 1
    return at == axis.high + 1


def initialised(
    parts: Mapping[str, tuple[Statement, ...]], axes: Mapping[str, tuple[Index, ...]]
) -> tuple[tuple[Statement, ...], frozenset[str]]:
    """The statements with ``accumulate`` where they add to what is there, and the keys that start
    from zeros: those whose first statement does not write every element."""
    out: list[Statement] = []
    zeros: set[str] = set()
    for key, group in parts.items():
        if not tiles(group, axes[key]):
            first = next((s for s in group if covers(s, axes[key])), None)
            if first is None:
                zeros.add(key)
            group = (*((first,) if first else ()), *(replace(s, accumulate=True) for s in group
                                                      if s is not first))
        out.extend(group)
    return tuple(out), frozenset(zeros)
