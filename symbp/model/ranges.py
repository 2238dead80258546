"""Which values every index takes, and so the shape of every variable: nothing is declared twice.

An index that stands alone on an axis runs over that axis.  One that stands in a window ``2*i+p`` runs
as far as the window fits, but for an end at which a condition keeps it inside: that of
``where(t >= 1, x[t-1], 0)`` is said by something else.  Variables get their axes from the equations that
define them, and pass them on to the equations that read them, until nothing new is found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from symbp.calculus.affine import Affine, FloorDiv, Index, Size, affine, floor_div, known_le, large, show
from symbp.calculus.expr import Expr, Ref
from symbp.errors import ModelProblem, Span
from symbp.model.guards import excludes, keeps
from symbp.model.positions import Draft, UseSite
from symbp.model.syntax import CostLine, EquationLine

Interval = tuple[Affine, Affine]
Window = tuple[Affine | None, Affine | None]
"""What a reading allows an index to be; None for an end at which a condition stands."""


@dataclass(eq=False)
class Drafted:
    """An equation with its expressions, before ranges are known."""

    line: EquationLine | CostLine
    name: str
    left: tuple[Affine, ...]
    indices: tuple[Index, ...]
    rhs: Expr
    draft: Draft
    number: int
    defines: UseSite = field(init=False)
    """The left side as a place where its indices are used."""
    sites: dict[Index, list[tuple[UseSite, int]]] = field(init=False)
    """For each index the places where it is used: of which array, on which axis."""

    def __post_init__(self) -> None:
        spans = tuple(p.span for p in getattr(self.line, "positions", ()))
        self.defines = UseSite(self.name, self.left, spans, self.line.span)
        self.sites = {}
        for site in (*self.draft.uses, self.defines):
            for axis, position in enumerate(site.positions):
                for index in position.tops():
                    self.sites.setdefault(index, []).append((site, axis))

    @property
    def all_indices(self) -> tuple[Index, ...]:
        """Those of the left side and those that sums bind."""
        return (*self.indices, *self.draft.bound)


@dataclass
class Inference:
    """What is known so far: ranges of indices, axes of arrays."""

    drafts: Sequence[Drafted]
    axes: dict[str, tuple[Index, ...]]
    """Complete axes: of declared arrays from the start, of variables as they are found."""
    ranges: dict[Index, Interval] = field(default_factory=dict)
    sources: dict[Index, Span | None] = field(default_factory=dict)
    """The place that fixed the range of an index."""
    narrowed: set[Index] = field(default_factory=set)
    """Indices that a window keeps from running over all of an axis: d[i] = x[i+1] - x[i]."""
    groups: dict[str, list[Drafted]] = field(default_factory=dict)
    """The equations of each variable."""

    def __post_init__(self) -> None:
        for drafted in self.drafts:
            self.groups.setdefault(drafted.name, []).append(drafted)
            for index, interval in drafted.draft.given.items():
                self.ranges[index] = interval
                self.sources[index] = drafted.draft.spans.get(index)

    def axis_range(self, site: UseSite, axis: int) -> Interval | None:
        """The range of an axis at the positions of the axes before it, None if it is not known."""
        axes = self.axes.get(site.array)
        if axes is None:
            return None
        values = dict(zip(axes[:axis], site.positions, strict=False))
        return axes[axis].low.substitute(values), axes[axis].high.substitute(values)


def find_ranges(state: Inference, drafted: Drafted) -> None:
    """Give the indices of an equation their ranges, as far as the arrays known so far say them."""
    pending = [i for i in drafted.all_indices if i not in state.ranges]
    while any(_find(state, drafted, i) for i in pending):
        pending = [i for i in pending if i not in state.ranges]


def take_whole(state: Inference, drafted: Drafted) -> bool:
    """Let an index run over all of an axis on which no other index stands: of x in Σ_s w[t+s] x[N-1-s].

    For where two indices wait for each other; whether there was such a one.
    """
    for index in (i for i in drafted.all_indices if i not in state.ranges):
        for site, axis in drafted.sites.get(index, ()):
            position, interval = site.positions[axis], state.axis_range(site, axis)
            if interval is None or position.indices() != (index,) or abs(position.coefficient(index)) != 1:
                continue
            window = _window(state, site, axis, index, interval) if _known(state, interval) else None
            if (whole := _whole([window] if window is not None else [])) is not None:
                state.ranges[index], state.sources[index] = whole, site.spans[axis]
                return True
    return False


def _find(state: Inference, drafted: Drafted, index: Index) -> bool:
    """The range of one index, if the arrays it runs over say it."""
    direct, windows = _linked(state, drafted, index), list[Window]()
    narrowing: list[Window] = []
    for site, axis in drafted.sites.get(index, ()):
        interval = state.axis_range(site, axis)
        if interval is None or not _known(state, interval):
            continue
        if site.positions[axis].as_index() == index:
            direct.append((interval, site.spans[axis]))
        elif (window := _window(state, site, axis, index, interval)) is not None:
            windows.append(window)
            if _gives_way(drafted, site.positions[axis], index):
                narrowing.append(window)
    if direct:
        windows = narrowing
        _agree(index, direct)
        state.ranges[index], state.sources[index] = direct[0]
    elif (whole := _whole(windows)) is not None and not _open(state, drafted, index):
        state.ranges[index], state.sources[index] = whole, drafted.draft.spans.get(index)
    else:
        return False
    for window in windows:
        common = _common(state.ranges[index], window)
        if common != state.ranges[index]:
            state.ranges[index] = common
            state.narrowed.add(index)
    return True


def _whole(windows: Sequence[Window]) -> Interval | None:
    """The first ends that windows say, if they say both."""
    low = next((w[0] for w in windows if w[0] is not None), None)
    high = next((w[1] for w in windows if w[1] is not None), None)
    return None if low is None or high is None else (low, high)


def _gives_way(drafted: Drafted, position: Affine, index: Index) -> bool:
    """Whether an index that runs over an axis stops where another reading would leave its array.

    In ``d[i] = x[i+1] - x[i]`` it does, and in ``z[i] = Σ_p f[p] x[i+p] + x[i]``, where p runs over all of f.
    An index that is summed does not: ``Σ_p w[p] x[t-p]`` is not meant to leave out a p.
    """
    return position.indices() == (index,) or index in drafted.indices


def _linked(state: Inference, drafted: Drafted, index: Index) -> list[tuple[Interval, Span | None]]:
    found = []
    for one, two in drafted.draft.linked:
        other = two if one == index else one if two == index else None
        if other is not None and other in state.ranges:
            found.append((state.ranges[other], state.sources.get(other)))
    return found


def _known(state: Inference, interval: Interval) -> bool:
    """Whether the interval speaks only of indices that have a range themselves."""
    return all(i in state.ranges for end in interval for i in end.indices())


def _agree(index: Index, direct: list[tuple[Interval, Span | None]]) -> None:
    first, span = direct[0]
    for other, place in direct[1:]:
        if other != first:
            raise contradiction(index, first, span, other, place)


def contradiction(
    index: Index, first: Interval, there: Span | None, second: Interval, here: Span | None
) -> ModelProblem:
    """Two places that say different things about an index."""
    ways = "check the order of the indices; give the arrays the same size on these axes, or use two indices"
    return ModelProblem(
        f"the index {index.name} runs over {text(second)} here and over {text(first)} there", here,
        _as_made(first, second) or _as_made(second, first) or ways, (("there", there),),
    )


def _as_made(declared: Interval, made: Interval) -> str:
    """What to write where an axis was given a size of its own, and other sizes say how long it is."""
    extent, other = declared[1] - declared[0] + 1, made[1] - made[0] + 1
    if not isinstance(extent.as_atom(), Size) or other.as_atom() == extent.as_atom() or _is_plain(other):
        return ""
    if any(not i.sequence for i in other.indices()):
        return ""  # no shape has 0..t for an index t
    written = show(other)[1:-1] if isinstance(other.as_atom(), FloorDiv) else show(other)
    return f"a size may be written out: declare that axis with {written} in the place of {show(extent)}"


def _is_plain(extent: Affine) -> bool:
    """Whether an extent is one size, or a number."""
    return extent.is_const or isinstance(extent.as_atom(), Size)


def text(interval: Interval) -> str:
    """The range as the model language writes it."""
    return f"{show(interval[0])}..{show(interval[1])}"


def _open(state: Inference, drafted: Drafted, index: Index) -> bool:
    """Whether a use of the index may still say more: an array or another index is not known yet."""
    for site, axis in drafted.sites.get(index, ()):
        if site is not drafted.defines and site.array not in state.axes:
            return True
        others = [i for i in site.positions[axis].indices() if i != index]
        if any(i not in state.ranges for i in others):
            return True
    return False


def _window(
    state: Inference, site: UseSite, axis: int, index: Index, interval: Interval
) -> Window | None:
    """The values of ``index`` for which a position stays inside ``interval`` for all other indices."""
    position = site.positions[axis]
    factor = position.coefficient(index)
    rest = position - affine(index) * factor
    if index in rest.indices() or any(i not in state.ranges for i in rest.indices()):
        return None
    if any(isinstance(a, Ref) for a, _ in rest.terms):
        return None

    def mostly(room: Affine) -> bool:
        """For sizes that are large; the checks of all uses refuse what is meant for large ones only."""
        least = extreme(state.ranges, room, -1)
        known = known_le(Affine(), least)
        return index not in room.indices() and (known is True or (known is None and large(least) > 0))

    def end(bound: Affine, sign: int) -> Affine | None:
        """The last value of the index that keeps the position within a bound; None if a condition does."""
        within = (bound - position) * sign
        if keeps(site.guards, within, mostly) or excludes(site.guards, within):
            return None
        room = (bound - extreme(state.ranges, rest, sign)) * (1 if factor > 0 else -1)
        upper, size = sign * factor > 0, factor if factor > 0 else -factor
        return floor_div(room, size) if upper else -floor_div(-room, size)

    least, most = end(interval[0], -1), end(interval[1], 1)
    return (least, most) if factor > 0 else (most, least)


def extreme(ranges: Mapping[Index, Interval], value: Affine, sign: int) -> Affine:
    """The least (sign -1) or the largest (1) value of an affine expression over its bound indices.

    An index is replaced before those on which its range depends: of n - k with k = 0..n it is k.
    """
    for _ in range(16):
        own = [i for i in value.tops() if i in ranges]
        outer = {i for o in own for end in ranges[o] for i in end.indices()}
        index = next((i for i in reversed(own) if i not in outer), None)
        if index is None:
            return value
        factor = value.coefficient(index)
        low, high = ranges[index]
        value = value - affine(index) * factor + (high if factor * sign > 0 else low) * factor
    return value


def _common(first: Interval, second: Window) -> Interval:
    """What two ranges have in common, as far as that can be said for all sizes."""
    low, high = second
    return (
        low if low is not None and known_le(first[0], low) else first[0],
        high if high is not None and known_le(high, first[1]) else first[1],
    )
