"""The exchange between ranges and shapes: equations and variables in turn, until nothing new is found."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterable

from symbp.calculus.affine import Index
from symbp.errors import ModelProblem
from symbp.model.ranges import Drafted, Inference, find_ranges, take_whole
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
                raise _no_range(drafted, index)


def _readers(drafts: Iterable[Drafted]) -> dict[str, list[Drafted]]:
    """For each array the equations that may learn from its axes: those that read or define it."""
    readers: dict[str, list[Drafted]] = {}
    for drafted in drafts:
        for name in dict.fromkeys((drafted.name, *(s.array for s in drafted.draft.uses))):
            readers.setdefault(name, []).append(drafted)
    return readers


def _no_range(drafted: Drafted, index: Index) -> ModelProblem:
    span = drafted.draft.spans.get(index, drafted.line.span)
    if index not in drafted.indices:
        return ModelProblem(
            f"nothing says which values the index {index.name} takes in the equation of {drafted.name}", span,
            f"give it a range in the sum: {index.name}=0..K-1",
        )
    if any(s.array == drafted.name for s in drafted.draft.uses):
        return ModelProblem(
            f"{drafted.name} is read in its own equation, and nothing else says what {index.name} runs over",
            span, f"read another array there; in a recurrence say its range: … for {index.name} = 1..N",
        )
    used = any(index in p.indices() for s in drafted.draft.uses for p in s.positions)
    why = "no array of this equation fixes its range" if used else "so nothing fixes its range"
    where = "" if used else " appears on the left only,"
    return ModelProblem(
        f"the index {index.name}{where or ':'} {why}", span, f"give it one: … for {index.name} = 0..K-1"
    )
