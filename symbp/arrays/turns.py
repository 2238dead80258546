"""What differs from turn to turn of a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symbp.arrays.instructions import assignments
from symbp.arrays.nodes import (
    At,
    Guard,
    IndexValue,
    Instruction,
    Load,
    Loop,
    LoopSum,
    Node,
    Span,
    Step,
    Window,
    below,
)
from symbp.calculus.affine import Affine, Index


def changes(node: Node, loop: Loop) -> bool:
    """Whether a value differs from turn to turn of a loop."""
    return _changes(node, set(_turning((loop,))), {a.target.key for a in assignments(loop.body)})


def _turning(block: Iterable[Instruction]) -> Iterator[Index]:
    """The indices of all loops, those under conditions too."""
    for i in block:
        if isinstance(i, Loop):
            yield i.index
        if isinstance(i, Loop | Guard):
            yield from _turning(i.body)


def _changes(node: Node, indices: set[Index], written: set[str]) -> bool:
    """Whether a value depends on a loop's index, or on what the loop writes."""
    if isinstance(node, Load) and (
        node.key in written or any(i in indices for p in _places(node) for i in p.indices())
    ):
        return True
    if isinstance(node, IndexValue) and any(i in indices for i in node.value.indices()):
        return True
    if isinstance(node, Step) and any(i in indices for i in node.at.indices()):
        return True
    if isinstance(node, LoopSum) or any(_ranges_change(i, indices) for i in node.labels):
        return True
    return any(_changes(n, indices, written) for n in below(node))


def _ranges_change(label: Index, indices: set[Index]) -> bool:
    ends = [e for e in (label.lo, label.hi) if e is not None]
    return any(i in indices for e in ends for i in e.indices())


def _places(node: Load) -> Iterator[Affine]:
    for subscript in node.subscripts:
        match subscript:
            case At(position):
                yield position
            case Span(_, start) | Window(_, start):
                yield start
            case _:
                continue
