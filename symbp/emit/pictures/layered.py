"""Layers for a directed graph: ranks, few crossings, and places without overlaps.

After Sugiyama, Tagawa and Toda, *Methods for visual understanding of hierarchical system structures*
(1981): a long edge passes each layer between its ends in a place of its own, so that a curve from one
layer to the next never meets a node.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

Edge = tuple[str, str]

PASS = 0.55
"""Half the room of an edge that passes a layer."""
GAP = 0.7
SWEEPS = 16


@dataclass(frozen=True, slots=True)
class Layers:
    """Nodes by layer, from left to right; ``ways`` has the places that each edge passes, both ends too."""

    rows: tuple[tuple[str, ...], ...]
    ways: Mapping[Edge, tuple[str, ...]]


def layers(
    nodes: Sequence[str],
    edges: Sequence[Edge],
    sources: frozenset[str],
    room: Mapping[str, float],
    limit: float,
) -> Layers:
    """The nodes in layers no wider than ``limit`` where that can be had.

    Args:
        nodes: in the order in which they are best read from left to right.
        edges: pairs without a cycle, the upper end first.
        sources: nodes without predecessors; they stand right above the first that reads them.
        room: the width of each node.
        limit: the width of the page.
    """
    ranks = _ranks(nodes, edges, sources)
    for _ in range(len(nodes)):
        found = _places(nodes, edges, ranks)
        wide = next((r for r, row in enumerate(found.rows) if _wide(row, room, sources) > limit), None)
        if wide is None:
            break
        movable = [n for n in found.rows[wide] if n in sources]
        if len(movable) < 2:
            break
        upper = set(movable[: len(movable) // 2])
        ranks = {n: r + (r > wide or (r == wide and n not in upper)) for n, r in ranks.items()}
    return _ordered(_places(nodes, edges, ranks))


def _wide(row: Sequence[str], room: Mapping[str, float], sources: frozenset[str]) -> float:
    return sum(room.get(n, 2 * PASS) + GAP for n in row) - GAP


def _ranks(nodes: Sequence[str], edges: Sequence[Edge], sources: frozenset[str]) -> dict[str, int]:
    above: dict[str, list[str]] = {n: [] for n in nodes}
    below: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        above[b].append(a)
        below[a].append(b)
    ranks: dict[str, int] = {}
    todo = [n for n in nodes if n not in sources]
    while todo:
        ready = [n for n in todo if all(a in ranks or a in sources for a in above[n])]
        for n in ready:
            ranks[n] = 1 + max((ranks[a] for a in above[n] if a in ranks), default=0)
        todo = [n for n in todo if n not in ranks]
        if not ready:
            raise ValueError(f"the edges have a cycle through {todo[0]}")
    for n in nodes:
        if n in sources:
            ranks[n] = min((ranks[b] for b in below[n]), default=1) - 1
    return ranks


def _places(nodes: Sequence[str], edges: Sequence[Edge], ranks: Mapping[str, int]) -> Layers:
    used = sorted(set(ranks.values()))
    order = {r: k for k, r in enumerate(used)}
    rows: list[list[str]] = [[] for _ in used]
    for n in nodes:
        rows[order[ranks[n]]].append(n)
    ways: dict[Edge, tuple[str, ...]] = {}
    for a, b in edges:
        between = range(order[ranks[a]] + 1, order[ranks[b]])
        passed = tuple(f"{a}>{b}>{r}" for r in between)
        for r, name in zip(between, passed, strict=True):
            rows[r].append(name)
        ways[a, b] = (a, *passed, b)
    return Layers(tuple(map(tuple, rows)), ways)


# ── few crossings ─────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Links:
    above: Mapping[str, tuple[str, ...]]
    below: Mapping[str, tuple[str, ...]]


def _links(found: Layers) -> _Links:
    above: dict[str, list[str]] = {n: [] for row in found.rows for n in row}
    below: dict[str, list[str]] = {n: [] for row in found.rows for n in row}
    for way in found.ways.values():
        for a, b in pairwise(way):
            above[b].append(a)
            below[a].append(b)
    return _Links({n: tuple(v) for n, v in above.items()}, {n: tuple(v) for n, v in below.items()})


def _ordered(found: Layers) -> Layers:
    """Barycentre sweeps down and up, then exchanges of neighbours; the best order seen is kept."""
    links = _links(found)
    rows = [list(r) for r in found.rows]
    best, fewest = [list(r) for r in rows], _crossings(rows, links)
    for sweep in range(SWEEPS):
        down = sweep % 2 == 0
        near = links.above if down else links.below
        span = range(1, len(rows)) if down else range(len(rows) - 2, -1, -1)
        for r in span:
            fixed = {n: k for k, n in enumerate(rows[r - 1 if down else r + 1])}
            rows[r] = _by_barycentre(rows[r], fixed, near)
        _exchange(rows, links)
        count = _crossings(rows, links)
        if count < fewest:
            best, fewest = [list(r) for r in rows], count
    return replace(found, rows=tuple(map(tuple, best)))


def _by_barycentre(
    row: list[str], fixed: Mapping[str, int], near: Mapping[str, tuple[str, ...]]
) -> list[str]:
    """Nodes with neighbours in the order of their means; the others stay where they are."""
    means = {n: sum(fixed[m] for m in near[n]) / len(near[n]) for n in row if near[n]}
    moved = iter(sorted(means, key=lambda n: means[n]))
    return [next(moved) if n in means else n for n in row]


def _exchange(rows: list[list[str]], links: _Links) -> None:
    places = {n: k for row in rows for k, n in enumerate(row)}
    for row in rows:
        for k in range(len(row) - 1):
            a, b = row[k], row[k + 1]
            now = _pair(a, b, places, links)
            if _pair(b, a, places, links) < now:
                row[k], row[k + 1] = b, a
                places[a], places[b] = k + 1, k


def _pair(left: str, right: str, places: Mapping[str, int], links: _Links) -> int:
    return sum(
        places[p] > places[q] for near in (links.above, links.below) for p in near[left] for q in near[right]
    )


def _crossings(rows: Sequence[Sequence[str]], links: _Links) -> int:
    count = 0
    for upper, lower in pairwise(rows):
        place = {n: k for k, n in enumerate(lower)}
        ends = [place[b] for a in upper for b in sorted(links.below[a], key=place.__getitem__)]
        count += sum(ends[j] < ends[i] for i in range(len(ends)) for j in range(i + 1, len(ends)))
    return count


# ── places ────────────────────────────────────────────────────────────────────────────────────────


def columns(found: Layers, sides: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """The x of every place: near its neighbours, straight where an edge is long, and never overlapping.

    ``sides`` has the room that a node needs to the left and to the right of its middle.
    """
    links = _links(found)
    x: dict[str, float] = {}
    for row in found.rows:
        offset = 0.0
        for n in row:
            left, right = sides.get(n, (PASS, PASS))
            x[n] = offset + left
            offset += left + right + GAP
        x.update({n: x[n] - (offset - GAP) / 2 for n in row})
    for sweep in range(6 * SWEEPS):
        rows = found.rows if sweep % 2 == 0 else found.rows[::-1]
        for row in rows:
            _settle(row, x, links, sides)
    _straighten(found, x, sides)
    least = min(x[n] - sides.get(n, (PASS, PASS))[0] for row in found.rows for n in row)
    return {n: value - least for n, value in x.items()}


def _straighten(found: Layers, x: dict[str, float], sides: Mapping[str, tuple[float, float]]) -> None:
    """A long edge passes its layers in one straight line where its neighbours leave room for one."""
    beside: dict[str, tuple[str | None, str | None]] = {}
    for row in found.rows:
        ends = (None, *row, None)
        beside.update({n: (ends[k], ends[k + 2]) for k, n in enumerate(row)})
    for way in sorted(found.ways.values(), key=len, reverse=True):
        inner = way[1:-1]
        if len(inner) < 2:
            continue
        low, high = -math.inf, math.inf
        for n in inner:
            left, right = beside[n]
            if left is not None:
                low = max(low, x[left] + sides.get(left, (PASS, PASS))[1] + GAP + PASS)
            if right is not None:
                high = min(high, x[right] - sides.get(right, (PASS, PASS))[0] - GAP - PASS)
        if low <= high:
            wanted = sum(x[n] for n in inner) / len(inner)
            x.update(dict.fromkeys(inner, min(max(wanted, low), high)))


def _settle(
    row: Sequence[str], x: dict[str, float], links: _Links, sides: Mapping[str, tuple[float, float]]
) -> None:
    """The least squares places of a row for its neighbours as they stand (pool adjacent violators)."""
    offsets = [0.0]
    for a, b in pairwise(row):
        offsets.append(offsets[-1] + sides.get(a, (PASS, PASS))[1] + GAP + sides.get(b, (PASS, PASS))[0])
    blocks: list[tuple[float, float, int]] = []
    for n, offset in zip(row, offsets, strict=True):
        near = (*links.above[n], *links.below[n])
        weights = [_stiffness(n not in sides, m not in sides) for m in near]
        wanted = sum(w * x[m] for w, m in zip(weights, near, strict=True)) / sum(weights) if near else x[n]
        blocks.append((wanted - offset, sum(weights) or 0.1, 1))
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (p, v, i), (q, w, j) = blocks[-2:]
            blocks[-2:] = [((p * v + q * w) / (v + w), v + w, i + j)]
    values = [value for value, _, count in blocks for _ in range(count)]
    for n, value, offset in zip(row, values, offsets, strict=True):
        x[n] = value + offset


def _stiffness(one: bool, other: bool) -> float:
    """How much a piece of an edge wants to be straight: most where it only passes."""
    return 8.0 if one and other else 2.0 if one or other else 1.0
