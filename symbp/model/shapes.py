"""The axes of variables, from the equations that define them, and whether every use agrees with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, large, show
from symbp.calculus.expr import Ref
from symbp.errors import ModelProblem
from symbp.model.guards import protects
from symbp.model.outside import outside
from symbp.model.positions import UseSite
from symbp.model.ranges import Drafted, Inference, Interval, contradiction, extreme

Piece = tuple[Drafted, Interval]
"""An equation and the part of an axis that it defines."""


def shape(state: Inference, name: str, partial: bool = False) -> bool:
    """Give a variable its axes if its equations say enough; whether they were new.

    It is enough that all pieces of the sequence axes are known and one equation says how long the
    others are; with ``partial`` this may be a boundary such as h[0,i] = x[i].
    """
    if name in state.axes:
        return False
    group = state.groups[name]
    known = [d for d in group if all(i in state.ranges for i in d.indices)]
    general = [d for d in known if len(d.indices) == len(d.left)]
    speaks = known if partial or len(known) == len(group) else general
    if not speaks or not _sequences_known(state, group):
        return False
    state.axes[name] = _axes(state, group, general or speaks)
    return True


def _sequences_known(state: Inference, group: Sequence[Drafted]) -> bool:
    """Whether the pieces on sequence axes are known, so that only ordinary axes are passed on."""
    axes = [a for a in range(len(group[0].left)) if _sequence(group, a)]
    places = [d.left[a].as_index() for d in group for a in axes]
    return all(i in state.ranges for i in places if i is not None)


def _axes(state: Inference, group: Sequence[Drafted], known: Sequence[Drafted]) -> tuple[Index, ...]:
    axes: list[Index] = []
    for axis in range(len(group[0].left)):
        sequence = _sequence(group, axis)
        speaking = group if sequence else known[:1]
        low, high = _union([(d, _piece(state, d, axis, axes)) for d in speaking])
        dummy = next((i for d in group if (i := d.left[axis].as_index()) is not None), None)
        if not sequence and low != Affine(0) and dummy is not None:
            sequence = dummy.name  # an ordinary axis counts from 0
        axes.append(fresh(dummy.name if dummy is not None else f"i{axis}", low, high, sequence))
    return tuple(axes)


def take_axis(state: Inference, drafted: Drafted) -> bool:
    """Let an index that stands on the left only run over what the other equations define on its axis.

    So do the borders of a grid: ``u[n,0,j] = 0`` beside ``u[0,i,j] = f[i,j]``.  Whether there was one.
    """
    for index in (i for i in drafted.indices if i not in state.ranges):
        if any(site is not drafted.defines for site, _ in drafted.sites[index]):
            continue
        axis = drafted.left.index(affine(index))
        others = [d for d in state.groups[drafted.name] if d is not drafted]
        places = [(d, d.left[axis].as_index()) for d in others]
        known = [d for d, i in places if i is None or i in state.ranges]
        if not any(i in state.ranges for _, i in places if i is not None):
            continue
        pieces = [_piece(state, d, axis, ()) for d in known]
        if any(end.indices() for piece in pieces for end in piece):
            continue
        state.ranges[index] = _union(list(zip(known, pieces, strict=True)))
        state.sources[index] = drafted.draft.spans.get(index)
        return True
    return False


def _piece(state: Inference, drafted: Drafted, axis: int, before: Sequence[Index]) -> Interval:
    """What an equation defines of an axis, in terms of the axes before it."""
    index = drafted.left[axis].as_index()
    if index is None:
        return drafted.left[axis], drafted.left[axis]
    low, high = state.ranges[index]
    values = {
        mine: affine(its) for place, its in zip(drafted.left, before, strict=False)
        if (mine := place.as_index()) is not None
    }
    return low.substitute(values), high.substitute(values)


def _sequence(group: Sequence[Drafted], axis: int) -> str:
    """The name of the sequence that an axis runs over, "" for an ordinary axis.

    An axis that is defined in parts (r[0] = …, or … for i = 1..N) is one, declared or not.
    """
    places = [d.left[axis].as_index() for d in group]
    dummies = [i for i in places if i is not None]
    declared = next((i.sequence for i in dummies if i.sequence), "")
    in_parts = len(dummies) < len(places) or (
        len(group) > 1 and any(i in d.draft.given for d, i in zip(group, places, strict=True))
    )
    return declared or (in_parts and (dummies[0].name if dummies else f"@{axis}")) or ""


def _union(pieces: Sequence[Piece]) -> Interval:
    """From the least to the largest of all pieces.

    Raises:
        ModelProblem: if there is certainly a gap between two of them.
    """
    ordered: list[Piece] = []
    for piece in pieces:
        place = next((n for n, other in enumerate(ordered) if _before(piece[1], other[1])), len(ordered))
        ordered.insert(place, piece)
    low, high = ordered[0][1]
    for drafted, (start, end) in ordered[1:]:
        if known_le(high + 2, start):
            raise ModelProblem(
                f"{drafted.name} is defined up to {show(high)} and from {show(start)} on, not in between",
                drafted.line.span, "add an equation for what is missing, or change the ranges",
                (("defined up to there", ordered[0][0].line.span),),
            )
        high = high if known_le(end, high) else end
    return low, high


def _before(left: Interval, right: Interval) -> bool:
    """Whether a piece comes first; where sizes decide, they are taken to be large."""
    if left[0] == right[0]:
        return False
    known = known_le(left[0], right[0])
    return known if known is not None else large(right[0] - left[0]) > 0


# ── every use against the axes ────────────────────────────────────────────────────────────────────


def check_uses(state: Inference, integers: Mapping[str, Interval]) -> None:
    """Indices run over one range wherever they stand, and no array is read outside of its axes.

    ``integers`` are the values that the elements of integer arrays take.

    Raises:
        ModelProblem: where this is certainly not so; what depends on sizes is allowed.
    """
    for drafted in state.drafts:
        for site in (drafted.defines, *drafted.draft.uses):
            for axis in range(len(site.positions)):
                _check_range(state, drafted, site, axis)
                _check_inside(state, drafted, site, axis, integers)


def _check_range(state: Inference, drafted: Drafted, site: UseSite, axis: int) -> None:
    """An index whose range was inferred runs over all of every axis on which it stands alone."""
    index, interval = site.positions[axis].as_index(), state.axis_range(site, axis)
    if index is None or interval is None or index in state.narrowed:
        return
    own, parts = state.ranges[index], state.axes[site.array][axis].sequence
    if own == interval or index in drafted.draft.given or (site is drafted.defines and parts):
        return
    raise contradiction(index, own, state.sources.get(index), interval, site.spans[axis] or site.span)


def _check_inside(
    state: Inference, drafted: Drafted, site: UseSite, axis: int, integers: Mapping[str, Interval]
) -> None:
    interval = state.axis_range(site, axis)
    if interval is None:
        return
    position = site.positions[axis]
    least, most = (_end(state, position, sign, integers) for sign in (-1, 1))
    if least is None or most is None:
        return
    low, high = extreme(state.ranges, interval[0], -1), extreme(state.ranges, interval[1], 1)

    def surely(room: Affine) -> bool:
        return known_le(Affine(), extreme(state.ranges, room, -1)) is True

    if known_le(least + 1, low) and not protects(site.guards, position - interval[0], surely):
        raise outside(state, drafted, site, axis, least)
    if known_le(high + 1, most) and not protects(site.guards, interval[1] - position, surely):
        raise outside(state, drafted, site, axis, most)


def _end(
    state: Inference, value: Affine, sign: int, integers: Mapping[str, Interval]
) -> Affine | None:
    """The least or largest value, of gathered elements too; None if it is not known."""
    for atom, factor in value.terms:
        if isinstance(atom, Ref):
            if atom.name not in integers:
                return None
            low, high = integers[atom.name]
            value = value - affine(atom) * factor + (high if factor * sign > 0 else low) * factor
    return extreme(state.ranges, value, sign)
