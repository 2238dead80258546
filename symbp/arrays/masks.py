"""Sums of exponentials of which conditions leave terms out: exp(−∞) is 0, and there may be no other term."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.arrays.nodes import Apply, Elementwise, IndexValue, Labels, Node, below, elementwise
from symbp.calculus.affine import Affine, Index, affine, known_le, known_nonnegative
from symbp.calculus.conditions import OPPOSITE, compared

NOTHING = elementwise("neg", Apply("infinity", ()))
"""The exponent of 0."""


def may_be_empty(arg: Node, over: Labels) -> bool:
    """Whether log Σ exp(arg) may have no term at some place: all of ``arg`` may be −∞ there.

    A condition on positions is asked at the ends of its range and at the places of other axes:
    ``j <= i`` leaves j = i.  One on values may be met nowhere.
    """
    if shrinks(over):
        return True
    match arg:
        case Elementwise("where", (cond, then, other)):
            for holds, branch, left in ((True, then, other), (False, other, then)):
                if left == NOTHING:
                    return not _met(cond, over, holds) or may_be_empty(branch, over)
        case _:
            pass
    return _has_nothing(arg)


def shrinks(over: Labels) -> bool:
    """Whether an axis is of no length at some step of a loop, as s = 0..t-1 is at t = 0."""
    return any(i.extent.indices() and not known_nonnegative(i.extent - 1) for i in over)


def _has_nothing(node: Node) -> bool:
    return node == NOTHING or any(map(_has_nothing, below(node)))


def _met(cond: Node, over: Labels, holds: bool) -> bool:
    """Whether a condition is met somewhere along these axes, wherever the others are."""
    gaps = _gaps(cond, holds)
    return gaps is not None and any(all(map(known_nonnegative, at)) for at in _tried(gaps, over))


def _tried(gaps: tuple[Affine, ...], over: Labels) -> Iterator[list[Affine]]:
    """What has to be at least 0, at places of one axis."""
    for index in over:
        others = (i for g in gaps for i in g.indices() if i not in over)
        places = [index.low, index.high, *(affine(i) for i in others if _covers(index, i))]
        for place in places:
            yield [g.substitute({index: place}) for g in gaps]


def _covers(index: Index, other: Index) -> bool:
    return bool(known_le(index.low, other.low)) and bool(known_le(other.high, index.high))


def _gaps(cond: Node, holds: bool) -> tuple[Affine, ...] | None:
    """What is at least 0 exactly where a condition holds (or does not); None if that is not known."""
    match cond:
        case Elementwise("not", (arg,)):
            return _gaps(arg, not holds)
        case Elementwise("and" | "or" as op, args) if (op == "and") == holds:
            parts = [_gaps(a, holds) for a in args]
            known = [p for p in parts if p is not None]
            return sum(known, ()) if len(known) == len(parts) else None
        case Elementwise(op, (IndexValue(left), IndexValue(right))):
            return tuple(compared(op if holds else OPPOSITE[op], right - left)) or None
        case _:
            return None
