"""What to do about an element that is read outside of its array."""

from __future__ import annotations

from symbp.calculus.affine import Affine, affine, known_le, show
from symbp.calculus.expr import Ref
from symbp.errors import ModelProblem
from symbp.model.positions import UseSite
from symbp.model.ranges import Drafted, Inference, Interval, text


def outside(state: Inference, drafted: Drafted, site: UseSite, axis: int, reached: Affine) -> ModelProblem:
    """The message for an element in the equation ``drafted`` whose position ``axis`` goes to ``reached``."""
    array, position = state.axes[site.array][axis], site.positions[axis]
    interval = state.axis_range(site, axis) or (array.low, array.high)
    at = show(position) if position == reached else f"{show(position)} = {show(reached)}"
    what = "defined" if site.array in state.groups else "given"
    say = _sequence if array.sequence else _axis
    return ModelProblem(
        f"{site.array} is read at {at}, but it is {what} for {text(interval)} only",
        site.spans[axis] or site.span, say(state, drafted, site, axis, reached, interval),
        tuple((f"{site.array} is defined here", d.line.span) for d in state.groups.get(site.array, ())[:1]),
    )


def _sequence(
    state: Inference, drafted: Drafted, site: UseSite, axis: int, reached: Affine, interval: Interval
) -> str:
    """A boundary that is missing, or an equation that holds on too long a range."""
    array, position, (low, high) = state.axes[site.array][axis], site.positions[axis], interval
    group = state.groups.get(site.array, ())
    fixed = ", ".join(show(reached) if a == axis else "…" for a in range(len(site.positions)))
    hint = f"define what is missing: {site.array}[{fixed}] = …, or restrict this equation: … for "
    hint += f"{array.name} = …" if group else f"{array.name} = {text(interval)}"
    first = any(d.left[axis] == low for d in group if len(d.left) > axis)
    moved = (i for i in position.tops() if position == affine(i) - 1)
    if first and any(state.ranges.get(i, (None,))[0] == low for i in moved):
        hint = f"{site.array} has an equation of its own at {array.name} = {show(low)}: "
        hint += f"restrict this one: … for {array.name} = {text((low + 1, high))}"
    return hint


def _axis(
    state: Inference, drafted: Drafted, site: UseSite, axis: int, reached: Affine, interval: Interval
) -> str:
    """A position counted from the end, a range that is too long, or zeros beyond the ends."""
    position, (low, high) = site.positions[axis], interval
    if position.is_const or position == reached:
        from_end = position.is_const and position.const < 0
        last = high + 1 + position if from_end else high
        shown = ", ".join(show(last) if a == axis else "…" for a in range(len(site.positions)))
        said = "the end is not counted from: write" if from_end else "the last entry is"
        return f"axes count from 0; {said} {site.array}[{shown}]"
    labels = list(dict.fromkeys(a.name for a in position.atoms() if isinstance(a, Ref)))
    if labels:
        so = "in" if position.as_atom() is not None else f"such that {show(position)} stays in"
        return f"axes count from 0; declare the values of {' and '.join(labels)} {so} {text(interval)}"
    shorter = _restricted(state, drafted, position, reached, interval)
    zeros = f"where({show(low)} <= {show(position)} and {show(position)} <= {show(high)}, …, 0)"
    return f"axes count from 0; {shorter}{', or ' if shorter else ''}put 0 beyond the ends: {zeros}"


def _restricted(
    state: Inference, drafted: Drafted, position: Affine, reached: Affine, interval: Interval
) -> str:
    """The range of an index with which the position stays inside: i = 1..N-1, first of the left side."""
    movable = [i for i in position.tops() if i in state.ranges and position.coefficient(i) in (1, -1)]
    index = next(iter(sorted(movable, key=lambda i: i not in drafted.indices)), None)
    if index is None:
        return ""
    low, high = state.ranges[index]
    below = known_le(reached + 1, interval[0]) is True
    by = interval[0] - reached if below else reached - interval[1]
    if (position.coefficient(index) == 1) == below:
        low = low + by
    else:
        high = high - by
    place = "behind the equation: … for" if index in drafted.indices else "in the sum:"
    between = "=" if index not in drafted.indices else " = "
    return f"restrict the index {place} {index.name}{between}{text((low, high))}"
