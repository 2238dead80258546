"""Arrays that begin as zeros although nothing reads a zero: they need room alone.

``dh[1:] = …`` leaves ``dh[0]`` out, so that the array is filled part by part; where every row is written
before it is read or added to, and ``dh[0]`` never is, no zeros are set first.  As for lists that are one
variable (:mod:`symbp.arrays.rolling`), this is found by going through the program with short sequences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from symbp.arrays.instructions import Program, assignments
from symbp.arrays.nodes import (
    Allocate,
    Assign,
    At,
    Guard,
    Instruction,
    Load,
    Loop,
    Node,
    Span,
    Subscript,
    Take,
    below,
)
from symbp.arrays.rolling import Part, Turns, Walk, lengths, whole
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, Index, affine

Loops = frozenset[Index]


def room_alone(program: Program, keep: Iterable[str]) -> Program:
    """The program without zeros that nothing reads; ``keep`` are keys that are returned."""
    body = (*program.forward, *program.backward)
    zeros = {i.key for i in body if isinstance(i, Allocate) and i.zero} - {*keep}
    rows = {k: program.storages[k] for k in zeros if _has_rows(program.storages[k])}
    record = _Record(rows)
    events = record.events(body, frozenset())
    free = {k for k in rows if k not in record.odd and _unread(events.get(k, []))}

    forward, backward = (_without(part, free) for part in (program.forward, program.backward))
    return replace(program, forward=forward, backward=backward)


def _without(body: Iterable[Instruction], free: Collection[str]) -> tuple[Instruction, ...]:
    return tuple(
        replace(i, zero=False) if isinstance(i, Allocate) and i.key in free else i for i in body
    )


def lasting(program: Program, keep: Iterable[str]) -> frozenset[str]:
    """The keys of arrays whose zeros stay from call to call, where each call computes in the same arrays.

    Nothing is added to them, and each call writes the same elements; ``keep`` are keys that are returned,
    which anyone may write.
    """
    body = (*program.forward, *program.backward)
    zeros = {i.key for i in body if isinstance(i, Allocate) and i.zero}
    # where labels say what is written, the next call may leave it out
    other = {a.target.key for a in assignments(body) if a.accumulate or _by_labels(a.target)}
    return frozenset(zeros - other - {*keep})


def _by_labels(target: Load) -> bool:
    return any(isinstance(s, Take) for s in target.subscripts)


def _has_rows(storage: Storage) -> bool:
    """Whether the first axis is one of a sequence, along which rows have one shape."""
    first = storage.layout[0] if len(storage.layout) > 1 else BATCH_AXIS
    return first != BATCH_AXIS and bool(storage.axes[first].sequence) and not storage.parts


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows from the first to the last."""

    first: Affine
    last: Affine


@dataclass(frozen=True, slots=True)
class _Touch:
    """The rows that an assignment reads, and those that it writes."""

    reads: tuple[_Rows, ...]
    written: _Rows | None = None


_Event = _Touch | Turns | Part


@dataclass
class _Record:
    """What a program does with each array; of those in ``odd`` that cannot be said."""

    storages: Mapping[str, Storage]
    odd: set[str] = field(default_factory=set)

    def events(self, body: Iterable[Instruction], loops: Loops) -> dict[str, list[_Event]]:
        """What these instructions do with the rows of each array, in loops over ``loops``."""
        out: dict[str, list[_Event]] = {}
        for i in body:
            match i:
                case Assign():
                    for key, touch in self.touches(i, loops).items():
                        out.setdefault(key, []).append(touch)
                case Loop(index):
                    for key, inside in self.events(i.body, loops | {index}).items():
                        out.setdefault(key, []).append(Turns(i, tuple(inside)))
                case Guard():
                    for key, inside in self.events(i.body, loops).items():
                        out.setdefault(key, []).append(Part(i, tuple(inside)))
        return out

    def touches(self, a: Assign, loops: Loops) -> dict[str, _Touch]:
        reads: dict[str, list[_Rows]] = {}
        for load in (*_loads(a.value), *_taken(a.target)):
            if load.key in self.storages:
                self.note(load, reads, loops)
        key, written = a.target.key, None
        if key in self.storages:
            if a.accumulate:
                self.note(a.target, reads, loops)
            elif _whole(a.target.subscripts, self.storages[key]):
                written = _rows(a.target.subscripts[0], loops)
            if not a.accumulate and written is None:
                self.odd.add(key)
            reads.setdefault(key, [])
        return {k: _Touch(tuple(found), written if k == key else None) for k, found in reads.items()}

    def note(self, load: Load, reads: dict[str, list[_Rows]], loops: Loops) -> None:
        rows = _rows(load.subscripts[0], loops)
        if rows is None:
            self.odd.add(load.key)
        else:
            reads.setdefault(load.key, []).append(rows)


def _loads(node: Node) -> Iterator[Load]:
    if isinstance(node, Load):
        yield node
    for inner in below(node):
        yield from _loads(inner)


def _taken(target: Load) -> Iterator[Load]:
    """What stands in the positions of a target."""
    for inner in below(target):
        yield from _loads(inner)


def _rows(s: Subscript, loops: Loops) -> _Rows | None:
    """The rows that a subscript takes; None if they depend on more than loops and sizes."""
    match s:
        case At(position):
            rows = _Rows(position, position)
        case Span(label, start, 1):
            rows = _Rows(start, start + label.extent - 1)
        case _:
            return None
    return rows if {*rows.first.indices(), *rows.last.indices()} <= loops else None


def _whole(subscripts: tuple[Subscript, ...], storage: Storage) -> bool:
    match subscripts:
        case (At(position), *rest):
            return whole(position, rest, storage)
        case (Span(label), *rest):
            return whole(affine(label), rest, storage)
        case _:
            return False


def _unread(events: list[_Event]) -> bool:
    cases = lengths(_affines(events))
    return bool(cases) and all(_Written(case).goes(events, {}) for case in cases)


def _affines(events: Iterable[_Event]) -> Iterator[Affine]:
    for e in events:
        match e:
            case _Touch(reads, written):
                for rows in (*reads, *([written] if written else [])):
                    yield from (rows.first, rows.last)
            case Turns(loop, body):
                yield from (*loop.lows, *loop.highs)
                yield from _affines(body)
            case Part(guard, body):
                yield from (end for end in (guard.low, guard.high) if end is not None)
                yield from _affines(body)


class _Written(Walk):
    """Whether every row that is read was written before."""

    def __init__(self, sizes: Mapping[str, int]) -> None:
        super().__init__(sizes)
        self.rows: set[int] = set()

    def step(self, step: _Touch, env: Mapping[Index, int]) -> bool:
        if any(not self.numbers(r, env) <= self.rows for r in step.reads):
            return False
        if step.written is not None:
            self.rows |= self.numbers(step.written, env)
        return True

    def numbers(self, rows: _Rows, env: Mapping[Index, int]) -> set[int]:
        return {*range(self.at(rows.first, env), self.at(rows.last, env) + 1)}
