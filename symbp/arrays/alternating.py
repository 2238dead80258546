"""How few arrays the members of a list need, taking turns: what a workspace computes in stays in the cache.

In ``delta[l] = delta[l+1].dot(w[l+1], delta[l])`` two arrays are enough for all layers, each member in the
place of the one before the last.  A list of which nothing reads an old member is one array.  Whether that is
so is found as in :mod:`symbp.arrays.rolling`, by going through the program with short sequences.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from symbp.arrays.buffers import kind
from symbp.arrays.instructions import assignments
from symbp.arrays.nodes import (
    Assign,
    Choice,
    Elementwise,
    Guard,
    Instruction,
    Keep,
    Load,
    Loop,
    Node,
    Select,
    Step,
    below,
    loaded,
)
from symbp.arrays.rolling import Event, Record, Touch, Walk, affines, lengths
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Index

MOST = 2
"""With more arrays than this the members may as well have one each."""


def alternating(
    body: Sequence[Instruction], storages: Mapping[str, Storage], keep: Collection[str]
) -> dict[str, int]:
    """How many arrays the members of lists need, by key, where these are one or two.

    Lists of numbers, those of members of several shapes, those whose members are returned (``keep``) or go by
    another name, and those that are not of real numbers have an array for each member.
    """
    made = {a.target.key for a in assignments(body)} - {*keep, *_known_otherwise(body)}
    made -= {a.target.key for a in assignments(body) if kind(a.value, storages) != "real"}
    listed = {k: storages[k] for k in made if storages[k].nested and _of_one_shape(storages[k])}
    record = Record(listed)
    steps = record.steps(body)
    found = {k: _fewest(steps.get(k, [])) for k in listed if k not in record.odd}
    return {k: count for k, count in found.items() if count}


def _fewest(steps: Sequence[Event]) -> int:
    """The least number of arrays with which every reading finds its member; 0 if there is none."""
    cases = lengths(affines(steps))
    counts = range(1, MOST + 1) if cases else ()
    return next((n for n in counts if all(_Turns(case, n).goes(steps, {}) for case in cases)), 0)


def _of_one_shape(storage: Storage) -> bool:
    """Whether all members have the same axes, one after the other without parts of their own."""
    index = storage.axes[storage.layout[0]]
    axes = [storage.axes[k] for k in storage.member_layout if k != BATCH_AXIS]
    return not storage.parts and not any(index in {*i.low.indices(), *i.high.indices()} for i in axes)


def _known_otherwise(body: Iterable[Instruction]) -> Iterator[str]:
    """The keys of arrays that other names stand for: an assignment that computes nothing, kept objects."""
    for i in body:
        match i:
            case Assign(_, value):
                yield from _bare(value)
                yield from _kept(value)
            case Keep(_, matrix):
                yield from loaded(matrix)
            case Loop() | Guard():
                yield from _known_otherwise(i.body)


def _bare(node: Node) -> Iterator[str]:
    """The keys of arrays that a value may be, or be a view of."""
    match node:
        case Load(key):
            yield key
        case Choice(_, then, other):
            yield from (*_bare(then), *_bare(other))
        case Elementwise("spread" | "cast" | "clip" | "+" | "*", (arg,)) | Select(arg):
            yield from _bare(arg)


def _kept(node: Node) -> Iterator[str]:
    """The keys of arrays of which an object may keep more than what it computes."""
    if isinstance(node, Step):
        yield from loaded(node.arg)
    for inner in below(node):
        yield from _kept(inner)


class _Turns(Walk):
    """Whether so many arrays are enough: member ``n`` of the list lies in array ``n % count``."""

    def __init__(self, sizes: Mapping[str, int], count: int) -> None:
        super().__init__(sizes)
        self.count, self.lying = count, dict[int, int]()

    def step(self, step: Touch, env: Mapping[Index, int]) -> bool:
        reads = {self.at(r, env) for r in step.reads}
        if any(self.lying.get(r % self.count) != r for r in reads):
            return False
        if step.written is not None:
            mine = self.at(step.written, env)
            # a statement takes several lines: what it reads must not lie where it writes
            if any(r % self.count == mine % self.count for r in reads - {mine}):
                return False
            self.lying[mine % self.count] = mine
        return True
