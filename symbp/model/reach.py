"""How far the equations read, where the shapes alone do not say that it is far enough.

``sum(f[j]^2, j=0..3)`` needs four elements of f, whose size P a caller chooses.  Code that slices would
not notice three: so the door of a generated module asks, and so does who draws sizes for a check.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from symbp.calculus.affine import (
    Affine,
    FloorDiv,
    Index,
    Monomial,
    Size,
    affine,
    innermost,
    known_le,
    known_nonnegative,
)
from symbp.calculus.expr import Expr, Logic, Ref, Where
from symbp.calculus.tree import children
from symbp.model.core import Array, Model
from symbp.model.guards import protects


@dataclass(frozen=True, slots=True)
class Reach:
    """Positions ``low..high`` of an axis are read, which has ``first..last``: all in sizes alone."""

    name: str
    low: Affine
    high: Affine
    first: Affine
    last: Affine


def reaches(model: Model) -> tuple[Reach, ...]:
    """The readings that some sizes let leave their axis, each once.

    In the branches of a ``where`` its condition may be what keeps them inside.
    """
    found: dict[Reach, None] = {}
    for equation in model.equations:
        for ref, guards in _readings(equation.rhs, ()):
            array = model.arrays[ref.name]
            for position, axis in zip(ref.indices, array.axes, strict=True):
                reach = _reach(model, array, position, axis)
                if reach is not None and (rest := _unguarded(reach, guards, position, axis)) is not None:
                    found[rest] = None
    return tuple(found)


Bounds = frozenset[tuple[Affine, Affine]]
"""Pairs of which the first is not greater than the second."""


def bounds(model: Model) -> Bounds:
    """What the door of a module makes sure of: that readings stay within their axes."""
    return frozenset(pair for r in reaches(model) for pair in ((r.first, r.low), (r.high, r.last)))


def narrow(model: Model) -> tuple[tuple[str, Affine], ...]:
    """The axes of variables that some sizes would give less than no element, H-P+1 of a window, each once."""
    axes = ((a.name, i.extent) for a in model.of_kind("variable") for i in a.axes if not i.sequence)
    found: dict[Affine, str] = {}
    for name, extent in axes:
        if _of_sizes(extent) and not known_nonnegative(extent):
            found.setdefault(extent, name)
    return tuple((name, extent) for extent, name in found.items())


def _readings(node: Expr, guards: tuple[Expr, ...]) -> Iterator[tuple[Ref, tuple[Expr, ...]]]:
    """Every element that is read, with the conditions under which it is."""
    if isinstance(node, Ref):
        yield node, guards
    match node:
        case Where(cond, then, other):
            yield from _readings(cond, guards)
            yield from _readings(then, (*guards, cond))
            yield from _readings(other, (*guards, Logic("not", (cond,))))
        case _:
            for child in children(node):
                yield from _readings(child, guards)


def _unguarded(
    reach: Reach, guards: tuple[Expr, ...], position: Affine, axis: Index
) -> Reach | None:
    """What conditions leave open where the ranges of indices do: nothing, one end, or both."""

    def kept(room: Affine) -> bool:
        return bool(guards) and (known_nonnegative(room) or protects(guards, room, known_nonnegative))

    low, high = kept(position - axis.low), kept(axis.high - position)
    if low and high:
        return None
    return replace(reach, low=reach.first if low else reach.low, high=reach.last if high else reach.high)


def _reach(model: Model, array: Array, position: Affine, axis: Index) -> Reach | None:
    low, high = end(model, position, False), end(model, position, True)
    if low is None or high is None:
        return None
    reach = Reach(array.name, low, high, axis.low, axis.high)
    if known_le(axis.low, low) and known_le(high, axis.high):
        return None
    return reach if all(map(_of_sizes, (low, high, axis.low, axis.high))) else None


def end(model: Model, position: Affine, up: bool) -> Affine | None:
    """The greatest (least) value of a position over the ranges of its indices and its labels."""
    return extreme(lambda name: model.arrays[name].integer, position, up)


def extreme(
    values: Callable[[str], tuple[Affine, Affine] | None], position: Affine, up: bool
) -> Affine | None:
    """The greatest (least) value of a position, where ``values`` has the range of an array's elements."""
    for _ in range(12):
        found = next((a for a, _ in position.terms if isinstance(a, Ref)), None) or innermost(position)
        if found is None:
            return position
        low, high = _range(values, found)
        if low is None or high is None:
            return None
        factor = position.coefficient(found)
        position = position - affine(found) * factor + (high if (factor > 0) == up else low) * factor
    return None


def _range(
    values: Callable[[str], tuple[Affine, Affine] | None], atom: Index | Ref
) -> tuple[Affine | None, Affine | None]:
    if isinstance(atom, Index):
        return atom.low, atom.high
    return values(atom.name) or (None, None)


def _of_sizes(value: Affine) -> bool:
    """Whether a caller's sizes alone say what it is; those of a family n[l] are left to its shapes."""
    return all(_is_size(atom) for atom, _ in value.terms)


def _is_size(atom: object) -> bool:
    match atom:
        case Size(_, at):
            return not at
        case FloorDiv(value, by):
            return _of_sizes(value) and _of_sizes(affine(by))
        case Monomial(factors):
            return all(map(_is_size, factors))
        case _:
            return False
