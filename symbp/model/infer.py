"""The exchange between ranges and shapes: equations and variables in turn, until nothing new is found."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable, Iterator

from symbp.calculus.affine import Index, show
from symbp.calculus.conditions import apart, gaps
from symbp.calculus.tree import positions, walk
from symbp.errors import ModelProblem
from symbp.model.positions import UseSite
from symbp.model.ranges import Drafted, Inference, Interval, find_ranges, take_whole
from symbp.model.shapes import shape, take_axis


def infer(state: Inference) -> None:
    """Fill ``state`` until every index has a range and every variable its axes.

    Raises:
        ModelProblem: for ranges that contradict each other, with both places, or that nothing fixes.
    """
    readers = _readers(state.drafts)
    pending = deque(state.drafts)
    while pending:
        while pending:
            drafted = pending.popleft()
            find_ranges(state, drafted)
            if shape(state, drafted.name):
                pending.extend(readers[drafted.name])
        # Stuck: equations that need each other.  One with a boundary says what the others wait for.
        guessed = next((n for n in state.groups if shape(state, n, partial=True)), None)
        if guessed is not None:
            pending.extend(readers[guessed])
        else:
            moved = (d for take in (take_whole, take_axis) for d in state.drafts if take(state, d))
            pending.extend(itertools.islice(moved, 1))
    for drafted in state.drafts:
        for index in drafted.all_indices:
            if index not in state.ranges:
                raise _no_range(state, drafted, index)


def _readers(drafts: Iterable[Drafted]) -> dict[str, list[Drafted]]:
    """For each array the equations that may learn from its axes: those that read or define it."""
    readers: dict[str, list[Drafted]] = {}
    for drafted in drafts:
        for name in dict.fromkeys((drafted.name, *(s.array for s in drafted.draft.uses))):
            readers.setdefault(name, []).append(drafted)
    return readers


def _no_range(state: Inference, drafted: Drafted, index: Index) -> ModelProblem:
    span, example = drafted.draft.spans.get(index, drafted.line.span), _example(state, drafted, index)
    if index not in drafted.indices:
        return ModelProblem(
            f"nothing says which values the index {index.name} takes in the equation of {drafted.name}", span,
            f"give it a range in the sum: {index.name}={example}",
        )
    given = f"… for {index.name} = {example}"
    if any(s.array == drafted.name for s in drafted.draft.uses):
        return ModelProblem(
            f"{drafted.name} is read in its own equation, and nothing else says what {index.name} runs over",
            span, f"read another array there; in a recurrence say its range: {given}",
        )
    ends = any(index in end.indices() for ends in drafted.draft.given.values() for end in ends)
    used = ends or any(_stands(index, s) for s in drafted.draft.uses) or _is_number(index, drafted)
    why = "no array of this equation fixes its range" if used else "so nothing fixes its range"
    if any([*gaps(g), *apart(g)] for s in drafted.draft.uses for g in s.guards if _stands(index, s)):
        why = "a condition stands where an array would fix its range"
    where = "" if used else " appears on the left only,"
    return ModelProblem(f"the index {index.name}{where or ':'} {why}", span, f"give it one: {given}")


def _is_number(index: Index, drafted: Drafted) -> bool:
    """Whether an index stands on the right as a number, in a condition or an exponent."""
    return any(index in p.indices() for n in walk(drafted.rhs) for p in positions(n))


def _stands(index: Index, site: UseSite) -> bool:
    return any(index in p.indices() for p in site.positions)


def _example(state: Inference, drafted: Drafted, index: Index) -> str:
    """A range that an index may have: of what reads the variable there, of an axis along which a sum ends at
    the index, else of some axis of the model."""
    whole = ((a.low, a.high) for axes in state.axes.values() for a in axes if _is_plain(a))
    near = itertools.chain(_elsewhere(state, drafted, index), _ended(state, drafted, index))
    ends = next(itertools.chain(near, whole), None)
    return "0..K-1, with a size of the model for K" if ends is None else f"{show(ends[0])}..{show(ends[1])}"


def _elsewhere(state: Inference, drafted: Drafted, index: Index) -> Iterator[Interval]:
    """The ranges with which other equations read the variable, or define other parts of it."""
    places = [k for k, p in enumerate(drafted.left) if p.as_index() == index]
    for other in state.drafts:
        sites = [s.positions for s in other.draft.uses if s.array == drafted.name]
        sites += [other.left] if other.name == drafted.name else []
        for placed in sites if other is not drafted else ():
            for place in places:
                there = placed[place].as_index()
                if there is not None and there in state.ranges and not _moves(state.ranges[there]):
                    yield state.ranges[there]


def _ended(state: Inference, drafted: Drafted, index: Index) -> Iterator[Interval]:
    """The axes along which sums run that begin or end at an index: H of Σ_{j=0..h} a_j."""
    for inner, given in drafted.draft.given.items():
        if any(index in end.indices() for end in given):
            for site, axis in drafted.sites.get(inner, ()):
                interval = state.axis_range(site, axis)
                alone = site.positions[axis].as_index() == inner
                if alone and interval is not None and not _moves(interval):
                    yield interval


def _moves(interval: Interval) -> bool:
    """Whether the ends of a range depend on other indices."""
    return any(end.indices() for end in interval)


def _is_plain(axis: Index) -> bool:
    """Whether an axis runs over a size of the model."""
    return not axis.sequence and not _moves((axis.low, axis.high)) and not axis.high.is_const
