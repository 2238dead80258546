"""The order of statements, and which of their sequence indices become loops.

The method is the code generation of Allen and Kennedy (*Optimizing Compilers for Modern
Architectures*, chapter 2): strongly connected statements become a loop over a sequence index along
which every dependence among them points one way; dependences that the loop carries are then
dropped, and the rest is scheduled inside.  What is not connected stays an array statement.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from symbp.arrays.cover import disjoint
from symbp.arrays.statement import Statement, key_of, reads_of
from symbp.calculus.affine import Affine, Index, heading, known_le
from symbp.errors import ModelProblem

Axes = Mapping[str, tuple[Index, ...]]


@dataclass(frozen=True, slots=True)
class Edge:
    """``reader`` needs what ``writer`` writes; ``shift`` is how far before (-) or after (+) it is
    read along each sequence, ±1 where that differs but has a side, None where it has none."""

    writer: int
    reader: int
    shift: tuple[tuple[str, int | None], ...]

    def along(self, sequence: str) -> int | None:
        """The distance along a sequence; None if it is on no one side or there is none."""
        return dict(self.shift).get(sequence)


@dataclass(frozen=True, slots=True)
class Member:
    """A statement in its place, by number."""

    number: int


@dataclass(frozen=True, slots=True)
class Nest:
    """A loop over a sequence; ``direction`` is 1, -1, or 0 where either will do."""

    sequence: str
    direction: int
    body: tuple[Member | Nest, ...]


Plan = tuple[Member | Nest, ...]


# ── dependences ───────────────────────────────────────────────────────────────────────────────────


def dependences(statements: Sequence[Statement], axes: Axes) -> tuple[Edge, ...]:
    """Who needs whom: values read, and first writes before what is added to them."""
    writers: dict[str, list[int]] = {}
    for number, s in enumerate(statements):
        writers.setdefault(s.target, []).append(number)
    out: list[Edge] = []
    for number, s in enumerate(statements):
        for read in reads_of(s):
            out.extend(
                Edge(w, number, _shift(s, read.indices, axes[key_of(read)], axes))
                for w in writers.get(key_of(read), ())
                if not disjoint(read.indices, statements[w].at)
            )
        if s.accumulate:
            out.extend(
                Edge(w, number, _shift(s, s.at, axes[s.target], axes))
                for w in writers[s.target]
                if not statements[w].accumulate and not disjoint(s.at, statements[w].at)
            )
    return tuple(dict.fromkeys(out))


def _shift(
    s: Statement, at: tuple[Affine, ...], read_axes: tuple[Index, ...], axes: Axes
) -> tuple[tuple[str, int | None], ...]:
    """How far from where the statement stands the positions ``at`` are, along each sequence."""
    out: list[tuple[str, int | None]] = []
    for position, axis in zip(at, read_axes, strict=True):
        mine = instant(s, axes[s.target], axis.sequence) if axis.sequence else None
        if mine is not None:
            out.append((axis.sequence, heading(position - mine)))
    return tuple(out)


def instant(s: Statement, axes: tuple[Index, ...], sequence: str) -> Affine | None:
    """Where along a sequence a statement stands: its index, or the fixed position of its target.

    The index may stand on an axis that is no sequence, as in the adjoint of c[s,t] that F[t] reads.
    """
    for position, axis in zip(s.at, axes, strict=True):
        if axis.sequence == sequence:
            return position
    return next((p for p in s.at if (i := p.as_index()) is not None and i.sequence == sequence), None)


def components(numbers: Sequence[int], edges: Iterable[Edge]) -> list[tuple[int, ...]]:
    """Strongly connected components, writers before readers, else in the given order.

    Tarjan's algorithm without recursion; then Kahn's, taking the earliest that is ready.
    """
    inside = set(numbers)
    after: dict[int, list[int]] = {n: [] for n in numbers}
    for e in edges:
        if e.writer in inside and e.reader in inside:
            after[e.writer].append(e.reader)
    home = _tarjan(numbers, after)
    waiting: dict[int, set[int]] = {}
    following: dict[int, set[int]] = {}
    members: dict[int, list[int]] = {}
    for n in numbers:
        members.setdefault(home[n], []).append(n)
        waiting.setdefault(home[n], set())
    for n in numbers:
        for m in after[n]:
            if home[m] != home[n]:
                waiting[home[m]].add(home[n])
                following.setdefault(home[n], set()).add(home[m])
    rank = {c: min(m) for c, m in members.items()}
    ready = [(rank[c], c) for c in members if not waiting[c]]
    heapq.heapify(ready)
    out: list[tuple[int, ...]] = []
    while ready:
        _, c = heapq.heappop(ready)
        out.append(tuple(members[c]))
        for d in following.get(c, ()):
            waiting[d].discard(c)
            if not waiting[d]:
                heapq.heappush(ready, (rank[d], d))
    return out


def _tarjan(numbers: Sequence[int], after: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """The number of the component of every node."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    home: dict[int, int] = {}
    stack: list[int] = []
    for root in numbers:
        todo = [(root, iter(after[root]))] if root not in order else []
        while todo:
            n, rest = todo[-1]
            if n not in order:
                order[n] = low[n] = len(order)
                stack.append(n)
            step = next((m for m in rest if m not in home), None)
            if step is not None and step not in order:
                todo.append((step, iter(after[step])))
                continue
            if step is not None:
                low[n] = min(low[n], order[step])
                continue
            todo.pop()
            if todo:
                low[todo[-1][0]] = min(low[todo[-1][0]], low[n])
            if low[n] == order[n]:
                while n not in home:
                    home[stack.pop()] = n
    return home


# ── loops ─────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Scene:
    """What planning looks at; ``forced`` names the sequences that a statement has to loop over."""

    statements: Sequence[Statement]
    axes: Axes
    forced: Mapping[int, tuple[str, ...]]


def plan(scene: Scene) -> Plan:
    """The loops and statements, in an order that respects every dependence.

    Raises:
        ModelProblem: if no order of evaluation exists.
    """
    edges = dependences(scene.statements, scene.axes)
    return _plan(tuple(range(len(scene.statements))), edges, scene, ())


def _plan(numbers: Sequence[int], edges: Sequence[Edge], scene: Scene, done: tuple[str, ...]) -> Plan:
    items: list[Member | Nest] = []
    inside = set(numbers)
    edges = [e for e in edges if e.writer in inside and e.reader in inside]
    for members in components(numbers, edges):
        own = [e for e in edges if e.writer in members and e.reader in members]
        if own:
            items.append(_nest(members, own, scene, done))
        else:
            items.append(_leaf(members[0], scene, done))
    return _fused(items, edges, scene)


def _leaf(number: int, scene: Scene, done: tuple[str, ...]) -> Member | Nest:
    item: Member | Nest = Member(number)
    for sequence in reversed(scene.forced.get(number, ())):
        if sequence not in done:
            item = Nest(sequence, 0, (item,))
    return item


def _nest(
    members: tuple[int, ...], edges: Sequence[Edge], scene: Scene, done: tuple[str, ...]
) -> Nest:
    """A loop over the first sequence along which no dependence among the members points both ways."""
    for sequence in _sequences(members, scene):
        shifts = {e.along(sequence) for e in edges}
        if sequence in done or None in shifts or shifts == {0}:
            continue
        known = {c for c in shifts if c is not None}
        if min(known) < 0 < max(known):
            continue
        inner = [e for e in edges if e.along(sequence) == 0]
        body = _plan(members, inner, scene, (*done, sequence))
        return Nest(sequence, 1 if min(known) < 0 else -1, body)
    names = ", ".join(dict.fromkeys(scene.statements[n].target.lstrip("∂") for n in members))
    raise ModelProblem(
        f"{names} depend on each other, and no order along a sequence index resolves that",
        hint="each element may depend on elements before it in one direction of a sequence index",
    )


def _sequences(members: Iterable[int], scene: Scene) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for n in members:
        found.update((a.sequence, None) for a in scene.axes[scene.statements[n].target] if a.sequence)
    return tuple(found)


def _fused(items: Sequence[Member | Nest], edges: Sequence[Edge], scene: Scene) -> Plan:
    """Loops over the same sequence joined where each value is still there when it is read."""
    out: list[Member | Nest] = []
    for item in items:
        place = _partner(out, item, edges, scene) if isinstance(item, Nest) else None
        if place is None:
            out.append(item)
            continue
        old, new = out[place], item
        assert isinstance(old, Nest) and isinstance(new, Nest)
        direction = _direction(old, new, edges) or 0
        out[place] = Nest(old.sequence, direction, _fused((*old.body, *new.body), edges, scene))
    return tuple(out)


def _partner(
    out: Sequence[Member | Nest], item: Nest, edges: Sequence[Edge], scene: Scene
) -> int | None:
    mine = set(numbers_of(item))
    for place in range(len(out) - 1, -1, -1):
        other = out[place]
        if isinstance(other, Nest) and other.sequence == item.sequence:
            alike = _alike(other, item, scene)
            if alike and _direction(other, item, edges) is not None:
                return place
        its = set(numbers_of(other))
        if any(e.writer in its and e.reader in mine for e in edges):
            return None
    return None


def _direction(old: Nest, new: Nest, edges: Sequence[Edge]) -> int | None:
    """The common direction of two loops made one; None if they cannot be."""
    first, second = set(numbers_of(old)), set(numbers_of(new))
    shifts = {e.along(old.sequence) for e in edges if e.writer in first and e.reader in second}
    for direction in (1, -1):
        if {old.direction, new.direction} - {0, direction}:
            continue
        if all(c is not None and c * direction <= 0 for c in shifts):
            return direction if old.direction or new.direction or any(shifts) else 0
    return None


def _alike(old: Nest, new: Nest, scene: Scene) -> bool:
    """Whether two loops run over the same range, give or take one step at each end."""
    return all(
        (a - b).is_const and abs((a - b).const) <= 1
        for a, b in zip(_hull(old, scene), _hull(new, scene), strict=True)
    )


def _hull(nest: Nest, scene: Scene) -> tuple[Affine, Affine]:
    ranges = [range_of(n, nest.sequence, scene) for n in numbers_of(nest)]
    return least(tuple(r[0] for r in ranges))[0], greatest(tuple(r[1] for r in ranges))[0]


def numbers_of(item: Member | Nest) -> tuple[int, ...]:
    """The numbers of the statements in an item of a plan."""
    if isinstance(item, Member):
        return (item.number,)
    return tuple(n for inner in item.body for n in numbers_of(inner))


def range_of(number: int, sequence: str, scene: Scene) -> tuple[Affine, Affine]:
    """Where along a sequence a statement is executed."""
    s = scene.statements[number]
    at = instant(s, scene.axes[s.target], sequence)
    if at is None:
        raise ModelProblem(f"{s.target.lstrip('∂')} is not indexed by {sequence}, over which it has to loop")
    index = at.as_index()
    return (index.low, index.high) if index is not None else (at, at)


def least(ends: tuple[Affine, ...]) -> tuple[Affine, ...]:
    """The candidates for the least of ``ends``: those that no other is known to stay below."""
    out: list[Affine] = []
    for end in dict.fromkeys(ends):
        if any(known_le(o, end) for o in out):
            continue
        out = [o for o in out if not known_le(end, o)] + [end]
    return tuple(out)


def greatest(ends: tuple[Affine, ...]) -> tuple[Affine, ...]:
    """The candidates for the greatest of ``ends``."""
    return tuple(-e for e in least(tuple(-e for e in ends)))
