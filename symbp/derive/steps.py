"""Which steps of a recurrence read an element through a window that reaches back: x_t = Σ_p w_p x_{t-1-p}."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from symbp.calculus.affine import Affine, Index, affine, heading, known_le
from symbp.calculus.expr import Ref
from symbp.errors import ModelProblem, SymbpError
from symbp.model.core import Array, Equation

Interval = tuple[Affine, Affine]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an array's sequence axes, and from where to where the consumers of its elements go."""

    domain: Mapping[int, Interval] = field(default_factory=dict)
    consumers: Mapping[Index, Interval] = field(default_factory=dict)


def parts(
    array: Array, target: Ref, equation: Equation, places: Sequence[Ref], solvable: Mapping[int, str],
    recurrence: Container[str],
) -> Iterator[Part]:
    """Where elements of a recurrence are read by later steps of it, and where its boundary is read.

    ``recurrence`` are the variables that need ``array``, and that it needs.

    With x_t = Σ_p w_p x_{t-1-p} the consumers of x_t begin at t+1: a sum over all steps would count
    ∂x_t/∂x_t, which is no way to the cost.  What stands before the first step is read by all of them.
    """
    for axis, kind in solvable.items():
        mine = _step(array, axis, equation, places, recurrence) if kind == "free" else None
        if mine is None:
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
    if equation.lhs.name == array.name and "free" in solvable.values():
        _goes_on(array, equation, places, solvable)
    yield Part()


def _step(
    array: Array, axis: int, equation: Equation, places: Sequence[Ref], recurrence: Container[str]
) -> Index | None:
    """The index of the consumer that counts the steps: of e[t,s] in a recurrence of h[t] the t before which
    all the steps of h are that it reads."""
    name = equation.lhs.name
    own = equation.lhs.indices[axis : axis + 1] if name == array.name else equation.lhs.indices
    for position in own if name in recurrence else ():
        index = position.as_index()
        if index is None or index not in equation.indices or index.low.indices() or index.high.indices():
            continue
        if name == array.name or (index.sequence and _one_side(index, axis, places)):
            return index
    return None


def _one_side(index: Index, axis: int, places: Sequence[Ref]) -> bool:
    sides = [heading(o.indices[axis] - index) or 0 for o in places]
    return all(side < 0 for side in sides) or all(side > 0 for side in sides)


def _goes_on(
    array: Array, equation: Equation, places: Sequence[Ref], solvable: Mapping[int, str]
) -> None:
    """That no element is among those that read it.

    Raises:
        ModelProblem: if that is not known.
    """
    for axis, kind in solvable.items():
        steps = {heading(o.indices[axis] - equation.lhs.indices[axis]) for o in places}
        if kind == "index" and not steps & {0, None}:
            return
    raise ModelProblem(
        f"{array.name} reads itself through windows along several indices at once: "
        "which steps read an element cannot be told", equation.span,
        "take as one index what grows with every step: for spans from i to j their length, b[n,i]",
    )


@dataclass
class Frame:
    """The ranges of a consumer's indices where one of them is fixed by the element: ``solved`` of those, and
    ``left`` of the others that are restricted by it."""

    solved: dict[Index, Interval] = field(default_factory=dict)
    left: dict[Index, Interval] = field(default_factory=dict)


def framed(equation: Equation, values: Mapping[Index, Affine], given: Mapping[Index, Interval]) -> Frame:
    """The triangle t = 1..T, s = 0..t-1 the other way round: s = 0..T-1, and of t what is left, s+1..T.

    ``values`` are those of the indices that the element fixes.

    Raises:
        SymbpError: where that is no range for all sizes.
    """
    frame = Frame(left=dict(given))
    for index, value in values.items():
        foreign = [i for end in (index.low, index.high) for i in end.indices() if i not in values]
        ends = [index.low, index.high]
        for other in dict.fromkeys(foreign):
            ends = [_widest(end, other, n == 1) for n, end in enumerate(ends)]
        frame.solved[index] = ends[0], ends[1]
        for other in dict.fromkeys(foreign):
            _restrict(frame, index, value, other)
    return frame


def _widest(end: Affine, other: Index, up: bool) -> Affine:
    return end.substitute({other: other.high if (end.coefficient(other) > 0) == up else other.low})


def _restrict(frame: Frame, index: Index, value: Affine, other: Index) -> None:
    """What low <= value <= high says about an index that an end depends on."""
    for end, upper in ((index.low, False), (index.high, True)):
        sign = end.coefficient(other)
        if not sign:
            continue
        if sign not in (1, -1) or end.indices() != (other,):
            raise _no_range(index, other)
        rest = end - affine(other) * sign
        bound = (value - rest) * sign
        near, far = frame.solved[index][:: 1 if sign > 0 else -1]
        ends = (near - rest) * sign, (far - rest) * sign
        low, high = frame.left.get(other, (other.low, other.high))
        if upper == (sign > 0):
            low = _inner(low, bound, known_le(low, ends[0]), known_le(ends[1], low), (index, other))
        else:
            high = _inner(high, bound, known_le(ends[1], high), known_le(high, ends[0]), (index, other))
        frame.left[other] = low, high


def _inner(
    old: Affine, new: Affine, inside: bool | None, outside: bool | None, who: tuple[Index, Index]
) -> Affine:
    if inside:
        return new
    if outside:
        return old
    raise _no_range(*who)


def _no_range(index: Index, other: Index) -> SymbpError:
    return SymbpError(
        f"which {other.name} go with a {index.name} is no range for all sizes",
        hint=f"give {index.name} a fixed range, and write the condition with `where`",
    )
