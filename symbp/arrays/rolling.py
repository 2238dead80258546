"""Lists of which one member at a time is of interest: they need no list, only a variable.

In ``delta[l] = (delta[l+1] @ w[l+1])*…`` nothing reads ``delta[l+1]`` again.  With one variable the room of
the old member is free for the next, and stays in the cache; a list keeps all of them until the end.

Whether a list rolls is found by going through the program with short sequences, looking at nothing but
the positions.  All positions are affine in loop indices, so that sequences a little longer than the
greatest constant among them have every kind of turn: first ones, inner ones and last ones.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symbp.arrays.instructions import Program, assignments
from symbp.arrays.nodes import (
    Assign,
    At,
    Choice,
    Guard,
    Instruction,
    Load,
    Loop,
    LoopSum,
    Node,
    Span,
    Subscript,
    below,
)
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, Index, Size

INNER = 4
"""How many turns more than the greatest constant are gone through."""
FAR = 12
"""Lists with a constant above this in a position keep their members: the walk would be long."""
MANY = 2
"""So many lengths of sequences are varied, each for itself."""


def rolling(program: Program, keep: Iterable[str]) -> frozenset[str]:
    """The keys of lists whose every reading is of the member that was written last.

    ``keep`` are keys that are returned.  Lists that are filled part by part, of which a member is read
    that was not written (it is zero), or that are summed over do not roll.
    """
    body = (*program.forward, *program.backward)
    made = {a.target.key for a in assignments(body)} - {*keep}
    listed = {k: program.storages[k] for k in made if program.storages[k].listed}
    record = Record(listed)
    steps = record.steps(body)
    return frozenset(k for k in listed if k not in record.odd and _rolls(steps.get(k, [])))


def _rolls(steps: Sequence[Event]) -> bool:
    cases = lengths(affines(steps))
    return bool(cases) and all(_Walk(case).goes(steps, {}) for case in cases)


def lengths(used: Iterable[Affine]) -> list[dict[str, int]]:
    """The sizes with which a program is gone through that uses these positions; none if they tell nothing."""
    positions = [*used]
    atoms = {a for one in positions for a, _ in one.terms}
    sizes = sorted(a.name for a in atoms if isinstance(a, Size) and not a.at)
    known = all(isinstance(a, Index) or (isinstance(a, Size) and not a.at) for a in atoms)
    most = max((abs(one.const) for one in positions), default=0)
    if not known or most > FAR or len(sizes) > MANY:
        return []
    cases = itertools.product(range(1, most + INNER + 1), repeat=len(sizes))
    return [dict(zip(sizes, case, strict=True)) for case in cases]


# ── what the program does with each list ──────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Touch:
    """The members that an assignment reads, and the one that it writes."""

    reads: tuple[Affine, ...]
    written: Affine | None = None


@dataclass(frozen=True, slots=True)
class Turns:
    """Steps in a loop."""

    loop: Loop
    body: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Steps below a guard."""

    guard: Guard
    body: tuple[Any, ...]


Event = Touch | Turns | Part


@dataclass
class Record:
    """What a program does with each list, found in one pass; of those in ``odd`` that cannot be said."""

    storages: Mapping[str, Storage]
    odd: set[str] = field(default_factory=set)

    def steps(self, body: Iterable[Instruction]) -> dict[str, list[Event]]:
        """The steps of each list that these instructions touch."""
        out: dict[str, list[Event]] = {}
        for i in body:
            match i:
                case Assign():
                    for key, step in self.step(i).items():
                        out.setdefault(key, []).append(step)
                case Loop():
                    for key, inside in self.steps(i.body).items():
                        out.setdefault(key, []).append(Turns(i, tuple(inside)))
                case Guard():
                    for key, inside in self.steps(i.body).items():
                        out.setdefault(key, []).append(Part(i, tuple(inside)))
        return out

    def step(self, a: Assign) -> dict[str, Touch]:
        """The members that an assignment reads and writes; one that is added to is read."""
        reads: dict[str, list[Affine]] = {}
        self.read(a.value, reads)
        key, first = a.target.key, next(iter(a.target.subscripts), None)
        written: Affine | None = None
        if key in self.storages:
            mine = reads.setdefault(key, [])
            if not isinstance(first, At):
                self.odd.add(key)
            elif a.accumulate:
                mine.append(first.position)
            elif whole(first.position, a.target.subscripts[1:], self.storages[key]):
                written = first.position
            else:
                self.odd.add(key)
        return {k: Touch(tuple(found), written if k == key else None) for k, found in reads.items()}

    def read(self, node: Node, reads: dict[str, list[Affine]], apart: bool = False) -> None:
        """Note the members that a value is made of; ``apart``: it is not computed once, in its place."""
        apart = apart or isinstance(node, LoopSum | Choice)
        if isinstance(node, Load) and node.key in self.storages:
            first = node.subscripts[0]
            if apart or not isinstance(first, At):
                self.odd.add(node.key)
            else:
                reads.setdefault(node.key, []).append(first.position)
        for inner in below(node):
            self.read(inner, reads, apart)


def whole(position: Affine, subscripts: Iterable[Subscript], storage: Storage) -> bool:
    """Whether these subscripts of the other axes take all of the member, or row, at ``position``."""
    axis = storage.layout[0]
    member = {storage.axes[axis]: position + storage.base[axis]}
    for place, s in zip(storage.layout[1:], subscripts, strict=True):
        if not isinstance(s, Span) or s.step != 1:
            return False
        if place == BATCH_AXIS:
            continue
        extent = storage.axes[place].high - storage.base[place] + 1
        if s.label.extent != extent.substitute(member):
            return False
    return True


def affines(events: Iterable[Event]) -> Iterator[Affine]:
    for e in events:
        match e:
            case Touch(reads, written):
                yield from reads
                if written is not None:
                    yield written
            case Turns(loop, body):
                yield from (*loop.lows, *loop.highs)
                yield from affines(body)
            case Part(guard, body):
                yield from (end for end in (guard.low, guard.high) if end is not None)
                yield from affines(body)


# ── going through it ──────────────────────────────────────────────────────────────────────────────


class Walk(ABC):
    """Steps taken one after the other with sequences of given lengths."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        self.sizes = sizes

    @abstractmethod
    def step(self, step: Any, env: Mapping[Index, int]) -> bool:
        """Whether a step reads what is there."""

    def goes(self, events: Sequence[Any], env: Mapping[Index, int]) -> bool:
        """Whether all of these steps do."""
        return all(self.event(e, env) for e in events)

    def event(self, event: Any, env: Mapping[Index, int]) -> bool:
        match event:
            case Turns(loop, body):
                first = min(self.at(e, env) for e in loop.lows)
                last = max(self.at(e, env) for e in loop.highs)
                turns = range(last, first - 1, -1) if loop.down else range(first, last + 1)
                return all(self.goes(body, {**env, loop.index: n}) for n in turns)
            case Part(guard, body):
                here = env[guard.index]
                early = guard.low is not None and here < self.at(guard.low, env)
                late = guard.high is not None and here > self.at(guard.high, env)
                return early or late or self.goes(body, env)
            case _:
                return self.step(event, env)

    def at(self, value: Affine, env: Mapping[Index, int]) -> int:
        total = value.const
        for atom, factor in value.terms:
            total += factor * (self.sizes[atom.name] if isinstance(atom, Size) else env[atom])  # type: ignore[index]
        return total


class _Walk(Walk):
    """Whether one variable is enough for the members of a list."""

    held: int | None = None

    def step(self, step: Touch, env: Mapping[Index, int]) -> bool:
        if any(self.at(r, env) != self.held for r in step.reads):
            return False
        if step.written is not None:
            self.held = self.at(step.written, env)
        return True
