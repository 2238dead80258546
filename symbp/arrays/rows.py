"""Arrays of all steps that need not be arrays: made in one piece, then read and added to step by step.

``a = [None, *(x @ U.T + b)]`` has the rows of the product where ``a[1:] = x @ U.T + b`` copies them into an
array that was made for them; the loop that reads ``a[t]`` sees the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symbp.arrays.buffers import kind
from symbp.arrays.instructions import Program
from symbp.arrays.nodes import (
    Assign,
    At,
    Contract,
    Elementwise,
    Guard,
    Instruction,
    Load,
    Loop,
    Node,
    Span,
    below,
)
from symbp.arrays.rolling import whole
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, known_le, span

MADE = frozenset({"+", "*", "/"})
"""Operations whose result is an array of its own."""


def row_lists(program: Program, keep: Iterable[str]) -> frozenset[str]:
    """The keys of arrays that may be lists of rows; ``keep`` are keys that are returned."""
    body = (*program.forward, *program.backward)
    begun: dict[str, Affine] = {}
    odd = set(keep)
    for inside, a in _assignments(body, False):
        for read in _loads(a.value):
            if not _one_row(read, program.storages, begun):
                odd.add(read.key)
        key = a.target.key
        if a.accumulate:
            if not _one_row(a.target, program.storages, begun):
                odd.add(key)
        elif key in begun or inside or not _all_rows(a, program.storages):
            odd.add(key)
        else:
            start = a.target.subscripts[0]
            assert isinstance(start, Span)
            begun[key] = start.start
    return frozenset(begun.keys() - odd)


def _assignments(body: Iterable[Instruction], inside: bool) -> Iterator[tuple[bool, Assign]]:
    """All assignments in order, and whether a loop or a condition is around them."""
    for i in body:
        match i:
            case Assign():
                yield inside, i
            case Loop() | Guard():
                yield from _assignments(i.body, True)


def _loads(node: Node) -> Iterator[Load]:
    if isinstance(node, Load):
        yield node
    for inner in below(node):
        yield from _loads(inner)


def _one_row(read: Load, storages: Mapping[str, Storage], begun: Mapping[str, Affine]) -> bool:
    """Whether a reading is of one whole row, and of one that there is."""
    if read.key not in begun or not read.subscripts:
        return False
    first, *rest = read.subscripts
    if not isinstance(first, At) or not known_le(begun[read.key], span(first.position, False)):
        return False
    return whole(first.position, rest, storages[read.key])


def _all_rows(a: Assign, storages: Mapping[str, Storage]) -> bool:
    """Whether an assignment makes all rows from the first that there is, as an array of its own."""
    storage = storages[a.target.key]
    if storage.listed or len(storage.layout) < 2 or storage.layout[0] == BATCH_AXIS:
        return False
    made = isinstance(a.value, Contract) or (isinstance(a.value, Elementwise) and a.value.op in MADE)
    if not made or kind(a.value, storages) != "real" or {*a.target.labels} != {*a.value.labels}:
        return False
    axis, first = storage.axes[storage.layout[0]], a.target.subscripts[0]
    if not axis.sequence or not isinstance(first, Span) or first.step != 1:
        return False
    if not first.start.is_const or first.start.const < 1:
        return False  # the whole is an array anyway
    to_the_end = first.start + first.label.extent - 1 == axis.high - storage.base[storage.layout[0]]
    return to_the_end and whole(first.start, a.target.subscripts[1:], storage)
