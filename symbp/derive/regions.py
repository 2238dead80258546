"""The parts of a sequence on which one formula holds: the generic index, and the base cases."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import Ref
from symbp.derive.steps import Interval
from symbp.derive.uses import Use
from symbp.derive.variants import generic_le
from symbp.model.core import Array


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the range of an array's sequence axes, and the uses that hold on all of it.

    ``element`` is the generic element there, ``indices`` its free indices.  ``values`` puts its
    positions in place of those of the uses' target.
    """

    element: Ref
    indices: tuple[Index, ...]
    uses: tuple[Use, ...]
    values: Mapping[Index, Affine]
    point: bool


def regions(
    array: Array, target: Ref, uses: Sequence[Use], asked: Sequence[Mapping[int, Interval]] = ()
) -> tuple[Region, ...]:
    """The regions, generic ones first.

    Where nothing uses an element of a variable there is none, unless what it is computed from asks for its
    adjoint: ``asked`` are the parts, by axis, that equations define from something.  For a parameter there
    is one without uses, because a gradient has every element.
    """
    axes = [a for a, index in enumerate(array.axes) if index.sequence]
    cuts = [_segments(target.indices[a].indices()[0], [u.domain[a] for u in uses]) for a in axes]
    found: list[Cell] = []
    for cell in itertools.product(*cuts):
        placed = dict(zip(axes, cell, strict=True))
        active = tuple(u for u in uses if all(_covers(u.domain[a], placed[a]) for a in axes))
        if active or array.kind != "variable" or any(_overlaps(part, placed) for part in asked):
            found = _joined(found, (placed, active))
    made = (_region(array, target, active, placed) for placed, active in found)
    return tuple(sorted(made, key=lambda r: r.point))


Cell = tuple[Mapping[int, Interval], tuple[Use, ...]]
"""A part of a grid, by axis, and the uses that hold on all of it."""


def _joined(cells: list[Cell], cell: Cell, place: int | None = None) -> list[Cell]:
    """The cells and one more, which goes on where another one with the same uses ends."""
    placed, active = cell
    for n, (other, same) in enumerate(cells):
        apart = [a for a in placed if placed[a] != other[a]]
        if same == active and len(apart) == 1 and other[apart[0]][1] + 1 == placed[apart[0]][0]:
            longer = {**other, apart[0]: (other[apart[0]][0], placed[apart[0]][1])}
            return _joined([*cells[:n], *cells[n + 1 :]], (longer, active), n)
    at = len(cells) if place is None else place
    return [*cells[:at], cell, *cells[at:]]


def _overlaps(part: Mapping[int, Interval], placed: Mapping[int, Interval]) -> bool:
    """Whether an element is in both, for large sizes; not asked of a triangle, whose ends move."""
    if any(end.indices() for ends in placed.values() for end in ends):
        return False
    return all(
        generic_le(part[a][0], high) and generic_le(low, part[a][1])
        for a, (low, high) in placed.items()
        if a in part
    )


def _segments(full: Index, domains: Sequence[Interval]) -> list[Interval]:
    """The axis cut at every place where a use begins or ends."""
    starts: list[Affine] = [full.low]
    for lo, hi in domains:
        starts.extend(s for s in (lo, hi + 1) if s not in starts)
    # the whole range is a segment, whatever is known of its length
    inside = [s for s in starts if s == full.low or (generic_le(full.low, s) and generic_le(s, full.high))]
    ordered = _sorted(inside)
    ends = [s - 1 for s in ordered[1:]] + [full.high]
    return list(zip(ordered, ends, strict=True))


def _sorted(values: list[Affine]) -> list[Affine]:
    out: list[Affine] = []
    for value in values:
        place = next((n for n, other in enumerate(out) if generic_le(value, other)), len(out))
        out.insert(place, value)
    return out


def _covers(domain: Interval, segment: Interval) -> bool:
    return generic_le(domain[0], segment[0]) and generic_le(segment[1], domain[1])


def _region(array: Array, target: Ref, active: tuple[Use, ...], cell: Mapping[int, Interval]) -> Region:
    """The element of a region: δ^{l-1} rather than δ^l where all its uses are by the next layer.

    At the border of a grid, a point on one axis, the other axis is not shifted: δ^{i,N}, not δ^{i-1,N}.
    """
    values: dict[Index, Affine] = {}
    point = any(lo == hi for lo, hi in cell.values())
    indices: list[Index] = []
    for axis, position in enumerate(target.indices):
        old = position.indices()[0]
        if axis in cell and cell[axis][0] == cell[axis][1]:
            values[old] = cell[axis][0].substitute(values)
            continue
        lo, hi = (end.substitute(values) for end in cell.get(axis, (old.low, old.high)))
        shift = _shift(axis, active, old) if axis in cell and not point else 0
        name = _name(axis, old, active)
        indices.append(fresh(name, lo + shift, hi + shift, old.sequence))
        values[old] = affine(indices[-1]) - shift
    element = Ref(array.name, tuple(p.substitute(values) for p in target.indices))
    return Region(element, tuple(indices), active, values, point)


def _shift(axis: int, active: tuple[Use, ...], old: Index) -> int:
    """How far on the one consumer is that uses this element, if it is the same for all."""
    shifts = set()
    for use in active:
        place = next((p for p in use.lhs.indices if old in p.indices()), None)
        if place is None or place.coefficient(old) != 1 or not (place - old).is_const:
            return 0
        shifts.add((place - old).const)
    (only,) = shifts if len(shifts) == 1 else (0,)
    return max(only, 0)


def _name(axis: int, old: Index, active: tuple[Use, ...]) -> str:
    """The letter that the author used for this axis where the element is read."""
    if old.sequence and not old.sequence.startswith("@"):
        return old.sequence
    for use in active:
        index = use.occurrence.indices[axis].as_index()
        if index is not None:
            return index.name
    return old.name

