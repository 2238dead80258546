"""From statements to instructions: their order, loops, storage, and the array form of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbp.arrays.cover import framing, sizing, tiles
from symbp.arrays.grouping import grouped
from symbp.arrays.layouts import orders
from symbp.arrays.lower import lower
from symbp.arrays.nodes import (
    Allocate,
    Assign,
    At,
    Elementwise,
    Guard,
    Instruction,
    Load,
    Loop,
    Node,
    Take,
)
from symbp.arrays.reading import Scope, reading
from symbp.arrays.schedule import (
    Member,
    Nest,
    Plan,
    Scene,
    greatest,
    instant,
    least,
    numbers_of,
    plan,
    range_of,
)
from symbp.arrays.statement import Statement, adjoint_key, key_of, reads_of
from symbp.arrays.stencil import smallest, stencils
from symbp.arrays.storage import Storage, ragged, store, survey
from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.tree import bound, substitute, walk
from symbp.errors import SymbpError
from symbp.model.core import Model
from symbp.model.reach import Bounds


@dataclass(frozen=True)
class Program:
    """Instructions in order; ``storages`` tells where each array lives."""

    forward: tuple[Instruction, ...]
    backward: tuple[Instruction, ...]
    storages: Mapping[str, Storage]
    model: Model


def assignments(body: Iterable[Instruction]) -> Iterator[Assign]:
    """All assignments, those in loops and under conditions too."""
    for i in body:
        match i:
            case Assign():
                yield i
            case Loop() | Guard():
                yield from assignments(i.body)


def added_to(body: Iterable[Instruction]) -> frozenset[str]:
    """The arrays to which something is added: what they begin as must be their own, no other name of it."""
    return frozenset(a.target.key for a in assignments(body) if a.accumulate)


def filled_in_parts(program: Program) -> frozenset[str]:
    """The lists of arrays of whose members a line assigns a part."""
    found = set[str]()
    for a in assignments((*program.forward, *program.backward)):
        storage = program.storages[a.target.key]
        if storage.nested and not a.accumulate:
            rest = a.target.subscripts[1:]
            if any(isinstance(s, At) for s in rest):
                found.add(a.target.key)
    return frozenset(found)


def filters(model: Model) -> frozenset[Affine]:
    """The sizes that a filter has: those of the axes of parameters."""
    return frozenset(i.extent for a in model.of_kind("param") for i in a.axes)


def built(
    model: Model,
    forward: Sequence[Statement],
    backward: Sequence[Statement],
    batched: frozenset[str],
    whole: frozenset[str],
    sure: Bounds,
) -> Program:
    """The program of these statements; the arrays ``whole`` are not lists.

    ``sure`` are pairs of which the first is known not to be greater.
    """
    sizes = filters(model)
    forward, backward = (
        [made for s in part for made in stencils(s, sizes, batched)] for part in (forward, backward)
    )
    axes = {n: a.axes for n, a in model.arrays.items()}
    axes |= {adjoint_key(n): a for n, a in axes.items()}
    plans = [_scene_and_plan(model, part, axes) for part in (forward, backward)]
    loops: dict[int, frozenset[Index]] = {}
    for offset, (scene, chosen) in zip((0, len(forward)), plans, strict=True):
        for item in chosen:
            _collect(item, (), scene, offset, loops)
    looped = frozenset(i.sequence for found in loops.values() for i in found)
    used = survey(model, (*forward, *backward), looped, loops)
    use = replace(used, stepwise=used.stepwise - whole)
    storages = store(model, batched, use, orders(model, forward, backward))
    made: list[tuple[Instruction, ...]] = []
    for scene, chosen in plans:
        inside = tuple(
            scene.statements[n] for item in chosen if isinstance(item, Nest) for n in numbers_of(item)
        )
        builder = _Builder(scene, storages, inside, sizes)
        made.append(builder.allocated(builder.items(chosen, Scope(storages, sure=sure))))
    return Program(made[0], grouped(made[1]), storages, model)


def _scene_and_plan(
    model: Model, statements: Sequence[Statement], axes: Mapping[str, tuple[Index, ...]]
) -> tuple[Scene, Plan]:
    lists = {n: k for n, a in model.arrays.items() for k in ragged(a)}
    forced = {n: _forced(s, lists) for n, s in enumerate(statements)}
    scene = Scene(statements, axes, {n: f for n, f in forced.items() if f})
    chosen = plan(scene)
    looped = {item.sequence for item in chosen if isinstance(item, Nest)}
    more = {n: _family(model, s, looped) for n, s in enumerate(statements)}
    if all(set(m) <= set(forced[n]) for n, m in more.items()):
        return scene, chosen
    both = {n: tuple(dict.fromkeys((*forced[n], *m))) for n, m in more.items()}
    scene = replace(scene, forced={n: f for n, f in both.items() if f})
    return scene, plan(scene)


def _family(model: Model, s: Statement, looped: set[str]) -> tuple[str, ...]:
    """The gradient of a family is made member by member where a loop runs over the family anyway."""
    array = model.arrays[s.target.removeprefix("∂")]
    if array.kind != "param" or not array.axes or array.axes[0].sequence not in looped:
        return ()
    return tuple(i.sequence for i in s.indices if i.sequence == array.axes[0].sequence)


def _forced(s: Statement, lists: Mapping[str, int]) -> tuple[str, ...]:
    """The sequences of a statement that choose members of lists, sizes or the ranges of maxima."""
    chosen: set[Index] = set()
    touched = [(s.target, s.at), *((key_of(r), r.indices) for r in reads_of(s))]
    for key, at in touched:
        if (axis := lists.get(key.removeprefix("∂"))) is not None:
            chosen.update(at[axis].indices())
    ranged = [*s.indices, *(i for n in walk(s.rhs) for i in bound(n))]
    for index in ranged:
        chosen.update(sizing(index))
    chosen |= framing(s.rhs)
    # a range that moves is a slice at each step
    chosen.update(m for i in s.indices for end in (i.low, i.high) for m in end.indices())
    return tuple(i.sequence for i in s.indices if i.sequence and i in chosen)


def _collect(
    item: Member | Nest, over: tuple[str, ...], scene: Scene, offset: int,
    loops: dict[int, frozenset[Index]],
) -> None:
    if isinstance(item, Nest):
        for inner in item.body:
            _collect(inner, (*over, item.sequence), scene, offset, loops)
        return
    indices = scene.statements[item.number].indices
    loops[item.number + offset] = frozenset(i for i in indices if i.sequence in over)


@dataclass(frozen=True)
class _Builder:
    scene: Scene
    storages: Mapping[str, Storage]
    looped: tuple[Statement, ...]
    filters: frozenset[Affine]

    def items(
        self, chosen: Plan, scope: Scope, places: Mapping[str, Index] | None = None
    ) -> tuple[Instruction, ...]:
        out: list[Instruction] = []
        for item in chosen:
            if isinstance(item, Nest):
                out.append(self.loop(item, scope, places or {}))
            else:
                out.append(self.statement(item.number, scope, places or {}))
        return tuple(out)

    def loop(self, nest: Nest, scope: Scope, places: Mapping[str, Index]) -> Loop:
        ranges = [range_of(n, nest.sequence, self.scene) for n in numbers_of(nest)]
        lows, highs = least(tuple(r[0] for r in ranges)), greatest(tuple(r[1] for r in ranges))
        index = fresh(nest.sequence, lows[0], highs[0], nest.sequence)
        inner = self.items(nest.body, scope.inside(index), {**places, nest.sequence: index})
        return Loop(index, lows, highs, nest.direction < 0, inner)

    def statement(self, number: int, scope: Scope, places: Mapping[str, Index]) -> Instruction:
        s = self.scene.statements[number]
        guards: list[tuple[Index, Affine, Affine]] = []
        values: dict[Index, Affine] = {}
        for sequence, index in places.items():
            at = instant(s, self.scene.axes[s.target], sequence)
            own = at.as_index() if at is not None else None
            guards.append((index, *range_of(number, sequence, self.scene)))
            if own is not None:
                values[own] = affine(index)
        out: Instruction = self.assign(_placed(s, values), scope)
        for index, low, high in reversed(guards):
            low_, high_ = low.substitute(values), high.substitute(values)
            if low_ != index.low or high_ != index.high:
                out = Guard(index, low_ if low_ != index.low else None,
                            high_ if high_ != index.high else None, (out,))
        return out

    def assign(self, s: Statement, scope: Scope) -> Instruction:
        kernel = _kernel(s, scope, self.filters)
        if kernel is not None:
            inner = self.assign(s, scope.inside(kernel))
            return Loop(kernel, (kernel.low,), (kernel.high,), False, (inner,))
        storage = self.storages[s.target]
        there = replace(scope, guarded=scope.guarded or s.masked)
        target = reading(storage, s.at, there, scatters=s.accumulate)
        if not s.accumulate and any(isinstance(x, Take) for x in target.subscripts):
            raise SymbpError(f"{s.target.lstrip('∂')} is written at positions that are no plain range")
        value = lower(s.rhs, scope)
        value = _spread(value, target, scope)
        return Assign(target, value, s.numbers, s.accumulate)

    def allocated(self, body: tuple[Instruction, ...]) -> tuple[Instruction, ...]:
        """The instructions with room made for arrays that are filled part by part."""
        out: list[Instruction] = []
        seen: set[str] = set()
        for instruction in body:
            for key in _targets(instruction):
                if key not in seen and not self._whole(key):
                    out.append(Allocate(key, self._zero(key)))
                seen.add(key)
            out.append(instruction)
        return tuple(out)

    def _parts(self, key: str) -> tuple[Statement, ...]:
        return tuple(s for s in self.scene.statements if s.target == key)

    def _zero(self, key: str) -> bool:
        parts = self._parts(key)
        firsts = tuple(s for s in parts if not s.accumulate)
        return not firsts or not (tiles(firsts, self.scene.axes[key]))

    def _whole(self, key: str) -> bool:
        """Whether one array statement outside of all loops makes the array."""
        storage = self.storages[key]
        firsts = tuple(s for s in self._parts(key) if not s.accumulate)
        if len(firsts) != 1 or not tiles(firsts, self.scene.axes[key]) or storage.listed:
            return False
        at = firsts[0].at
        reach = reading(storage, at, Scope(self.storages))
        exact = all(storage.base[k] == a.low for k, a in enumerate(storage.axes))
        alone = firsts[0] not in self.looped and not firsts[0].loops
        return exact and alone and len(reach.labels) == len(storage.layout)


def _targets(instruction: Instruction) -> tuple[str, ...]:
    match instruction:
        case Assign(target):
            return (target.key,)
        case Loop() | Guard():
            return tuple(dict.fromkeys(k for i in instruction.body for k in _targets(i)))
        case _:
            return ()


def _placed(s: Statement, values: Mapping[Index, Affine]) -> Statement:
    """The statement at the indices of the loops around it."""
    moved = dict(values)
    indices: list[Index] = []
    for i in s.indices:
        if i in values:
            continue
        low, high = i.low.substitute(moved), i.high.substitute(moved)
        new = i if (low, high) == (i.low, i.high) else fresh(i.name, low, high, i.sequence)
        if new is not i:
            moved[i] = affine(new)
        indices.append(new)
    at = tuple(p.substitute(moved) for p in s.at)
    loops = tuple(moved[i].as_index() or i if i in moved else i for i in s.loops)
    return replace(s, at=at, indices=tuple(indices), rhs=substitute(s.rhs, moved), loops=loops)


def _kernel(s: Statement, scope: Scope, filters: frozenset[Affine]) -> Index | None:
    """The index over which the code of a statement loops: that of a stencil, or of a scatter into windows."""
    for index in s.loops:
        if index not in scope.loops:
            return index
    for position in s.at:
        open_ = [i for i in position.indices() if i not in scope.loops]
        if len(open_) > 1 and (found := smallest(open_, filters)) is not None:
            return found
    return None


def _spread(value: Node, target: Load, scope: Scope) -> Node:
    """The value over all labels of what it is assigned to."""
    missing = tuple(i for i in target.labels if i not in value.labels)
    return Elementwise("spread", (value,), target.labels) if missing else value
