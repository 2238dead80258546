"""Which steps of a recurrence read an element through a window that reaches back: x_t = Σ_p w_p x_{t-1-p}."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbp.calculus.affine import Affine, Index, heading, known_le
from symbp.calculus.expr import Ref
from symbp.model.core import Array, Equation

Interval = tuple[Affine, Affine]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an array's sequence axes, and from where to where the consumers of its elements go."""

    domain: Mapping[int, Interval] = field(default_factory=dict)
    consumers: Mapping[Index, Interval] = field(default_factory=dict)


def parts(
    array: Array, target: Ref, equation: Equation, places: Sequence[Ref], solvable: Mapping[int, str]
) -> Iterator[Part]:
    """Where elements of a recurrence are read by later steps of it, and where its boundary is read.

    With x_t = Σ_p w_p x_{t-1-p} the consumers of x_t begin at t+1: a sum over all steps would count
    ∂x_t/∂x_t, which is no way to the cost.  What stands before the first step is read by all of them.
    """
    for axis, kind in solvable.items():
        mine = equation.lhs.indices[axis].as_index() if equation.lhs.name == array.name else None
        if kind != "free" or mine not in equation.indices or mine is None:
            continue
        sides = {heading(o.indices[axis] - mine) for o in places}
        goal = target.indices[axis]
        full = goal.indices()[0]
        if all(side is not None and side < 0 for side in sides):
            yield Part({axis: (mine.low, mine.high - 1)}, {mine: (goal + 1, mine.high)})
            if not known_le(mine.low, full.low):
                yield Part({axis: (full.low, mine.low - 1)})
            return
        if all(side is not None and side > 0 for side in sides):
            yield Part({axis: (mine.low + 1, mine.high)}, {mine: (mine.low, goal - 1)})
            if not known_le(full.high, mine.high):
                yield Part({axis: (mine.high + 1, full.high)})
            return
    yield Part()
