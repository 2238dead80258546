"""Equations with variables seen through put in: z = Σ w a + b with σ(z) for a, where it holds.

Each choice of the pieces of these variables is a variant, on the part of the range that the pieces leave.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, large
from symbp.calculus.expr import Expr, Ref
from symbp.calculus.tree import refresh, refs, replace_nodes, substitute, walk
from symbp.derive.graph import Graph, closure
from symbp.derive.steps import Interval
from symbp.model.core import Equation


class Unsolvable(Exception):
    """A variable cannot be seen through: the part of its range is not the consumer's to restrict."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def variants(
    graph: Graph, equation: Equation, name: str, through: frozenset[str]
) -> Iterator[tuple[Equation, Expr, tuple[Ref, ...]]]:
    """The equation with variables seen through put in, once for each choice of their pieces."""
    below = tuple(
        r for r in refs(equation.rhs) if r.name in through and _reaches(graph, r.name, name, through)
    )
    choices = [tuple(_pieces(graph, equation, r, name, through)) for r in below]
    _one_range(equation, name, below, choices)
    for choice in itertools.product(*choices):
        bodies = {ref: piece for ref, (piece, _) in zip(below, choice, strict=True)}
        limits: dict[Index, Interval] = {}
        for _, restricted in choice:
            for index, interval in restricted.items():
                limits[index] = narrow(limits.get(index, interval), interval)
        # the variables seen through ride along in the right side, so that a restriction renames all
        whole = replace(equation, rhs=_put_in(equation.rhs, bodies))
        if not any(_leads(graph, n, name, through) for n in walk(whole.rhs)):
            continue
        ranged, seen = _restrict(whole, limits, below)
        if any(isinstance(n, Ref) and n.name in through for b in bodies.values() for n in walk(b)):
            for deeper, deep, further in variants(graph, ranged, name, through):
                yield deeper, deep, (*seen, *further)
            continue
        yield ranged, ranged.rhs, seen


def _one_range(
    equation: Equation,
    name: str,
    below: Sequence[Ref],
    choices: Sequence[Sequence[tuple[Expr, Mapping[Index, Interval]]]],
) -> None:
    """Two ways through one equation have to hold on the same part of its range.

    In z_l = A a_{l-1} + W s with a_0 = s, putting a_0 in leaves l = 1, and W s is read for every l.

    Raises:
        Unsolvable: naming a variable whose pieces cover another part than the other way does.
    """
    limits = [restricted for pieces in choices for _, restricted in pieces]
    direct = any(r.name == name for r in refs(equation.rhs))
    if any(limits) and (direct or (len(below) > 1 and any(other != limits[0] for other in limits))):
        restricted = (r for r, pieces in zip(below, choices, strict=True) if any(p for _, p in pieces))
        raise Unsolvable(next(restricted).name)


def _put_in(rhs: Expr, bodies: Mapping[Ref, Expr]) -> Expr:
    return replace_nodes(rhs, lambda n: refresh(bodies[n]) if isinstance(n, Ref) and n in bodies else None)


def _leads(graph: Graph, node: Expr, name: str, through: frozenset[str]) -> bool:
    """Whether a node reads ``name``, itself or through variables that are still to be put in."""
    if not isinstance(node, Ref):
        return False
    return node.name == name or (node.name in through and _reaches(graph, node.name, name, through))


def _reaches(graph: Graph, start: str, name: str, through: frozenset[str]) -> bool:
    return name in closure([start], lambda n: graph.reads.get(n, ()) if n in through else ())


def _pieces(
    graph: Graph, equation: Equation, ref: Ref, name: str, through: frozenset[str]
) -> Iterator[tuple[Expr, dict[Index, Interval]]]:
    """The equations of a variable seen through that can define ``ref``, each with where it does."""
    for piece in graph.model.equations_of(ref.name):
        if not any(
            r.name == name or (r.name in through and _reaches(graph, r.name, name, through))
            for r in refs(piece.rhs)
        ):
            continue
        values: dict[Index, Affine] = {}
        limits: dict[Index, Interval] | None = {}
        for mine, its in zip(piece.lhs.indices, ref.indices, strict=True):
            index = mine.as_index()
            if index is not None and index in piece.indices:
                values[index] = its
                limits = _limit(equation, its, index.low, index.high, limits, ref.name)
            else:
                limits = _limit(equation, its, mine, mine, limits, ref.name)
            if limits is None:
                break
        if limits is not None:
            yield substitute(refresh(piece.rhs), values), limits


def _limit(
    equation: Equation,
    its: Affine,
    low: Affine,
    high: Affine,
    limits: dict[Index, Interval] | None,
    name: str,
) -> dict[Index, Interval] | None:
    """What ``low <= its <= high`` demands of the equation's indices; None if it never holds."""
    if limits is None or known_le(high + 1, its) or known_le(its + 1, low):
        return None
    if known_le(low, its) and known_le(its, high):
        return limits
    solved = unit(its, equation.indices)
    if solved is None:
        if not low.indices() and not high.indices() and any(i.sequence for i in its.indices()):
            raise Unsolvable(name)
        return limits
    index, sign, rest = solved
    ends = (low - rest, high - rest) if sign > 0 else (rest - high, rest - low)
    if ends[0].indices() or ends[1].indices():
        return limits
    return {**limits, index: narrow(limits.get(index, (index.low, index.high)), ends)}


def _restrict(
    equation: Equation, limits: Mapping[Index, Interval], seen: tuple[Ref, ...]
) -> tuple[Equation, tuple[Ref, ...]]:
    """The equation on a part of its range, and ``seen`` in terms of its new indices."""
    if not limits:
        return equation, seen
    moved: dict[Index, Affine] = {}
    indices = []
    for i in equation.indices:
        lo, hi = limits.get(i, (i.low.substitute(moved), i.high.substitute(moved)))
        if lo == hi and i.sequence:
            # one place is left: the first layer, not a sum over l = 1..1
            moved[i] = lo
            continue
        indices.append(fresh(i.name, lo, hi, i.sequence))
        moved[i] = affine(indices[-1])
    lhs = substitute(equation.lhs, moved)
    assert isinstance(lhs, Ref)
    refs_ = tuple(r for s in seen if isinstance(r := substitute(s, moved), Ref))
    narrowed = replace(equation, lhs=lhs, rhs=substitute(equation.rhs, moved), indices=tuple(indices))
    return narrowed, refs_


def narrow(first: Interval, second: Interval) -> Interval:
    """The common part of two intervals; where sizes decide, sequences are taken to be long."""
    lo = second[0] if generic_le(first[0], second[0]) else first[0]
    hi = second[1] if generic_le(second[1], first[1]) else first[1]
    return lo, hi


def generic_le(left: Affine, right: Affine) -> bool:
    """``left <= right`` for all sizes if that is known, else for large ones."""
    known = known_le(left, right)
    if known is not None:
        return known
    difference = right - left
    sign = large(difference)
    return sign > 0 or (sign == 0 and difference.const >= 0)


def unit(position: Affine, indices: tuple[Index, ...]) -> tuple[Index, int, Affine] | None:
    """``position`` as ±index + rest with one of ``indices``, the rest without any index."""
    mine = [i for i in position.indices() if i in indices]
    sign = position.coefficient(mine[0]) if len(mine) == 1 else 0
    if not isinstance(sign, int) or abs(sign) != 1:
        return None
    rest = position - affine(mine[0]) * sign
    return None if rest.indices() else (mine[0], sign, rest)
