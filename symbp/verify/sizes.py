"""Sizes for a small instance of a model: pairwise different, so that no axis can stand for another."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine
from symbp.calculus.expr import Expr
from symbp.calculus.tree import bound, children, refs, walk
from symbp.errors import SymbpError
from symbp.model.core import Array, Model
from symbp.model.reach import Reach, narrow, reaches
from symbp.verify.places import Positions, Values, loop, place, places, points

SizeKey = tuple[str, Positions]
Domains = Sequence[Sequence[Index]]
"""Ranges of sequence indices at which something is to be tried, so that they should not be empty."""


def member(sizes: Mapping[SizeKey, int], name: str, at: Positions) -> int:
    """A size or a member of a family of sizes.

    Raises:
        SymbpError: if the model's arrays do not have this member.
    """
    value = sizes.get((name, at))
    if value is None:
        raise SymbpError(f"size {name}{list(at) if at else ''} is read, which no array has")
    return value


@dataclass(frozen=True, slots=True)
class _Known:
    """A world of sizes, without values."""

    sizes: Mapping[SizeKey, int]

    def size(self, name: str, at: Positions) -> int:
        return member(self.sizes, name, at)

    def element(self, name: str, at: Positions) -> Any:
        raise SymbpError(f"the value of {name} is no size")



class _Recorder:
    """Gives sizes while noting which are asked for; 1 for those that it does not know."""

    def __init__(self) -> None:
        self.asked: dict[SizeKey, int] = {}

    def size(self, name: str, at: Positions) -> int:
        return self.asked.setdefault((name, at), 1)

    def element(self, name: str, at: Positions) -> int:
        return 0


def choose_sizes(model: Model, variant: int = 0, domains: Domains = ()) -> dict[SizeKey, int]:
    """Small sizes, pairwise different, with which every axis has an extent.

    Of several that serve the ones with the fewest elements: every line is evaluated at them.

    Raises:
        SymbpError: if none are found.
    """
    needs = Needs(model, reaches(model), tuple(map(tuple, domains)))
    best = _best(needs, variant, False) or _best(needs, variant, True)
    if best is None:
        raise SymbpError(
            "found no small sizes for which every axis of the model has at least one element",
            hint="check the ranges of the sequence indices and the differences of sizes in shapes",
        )
    return best[1] if best[0][2] <= HEAVY else _lighter(needs, *best)


@dataclass(frozen=True, slots=True)
class Needs:
    """What sizes have to serve: the model, how far its equations read, and what is to be tried."""

    model: Model
    reaches: tuple[Reach, ...]
    domains: tuple[tuple[Index, ...], ...]


Score = tuple[int, int, int]
Choice = tuple[Score, dict[SizeKey, int]]


def _best(needs: Needs, variant: int, widen: bool) -> Choice | None:
    """The best of many tries; ``widen``: arrays are made as long as what reads them asks for."""
    best: Choice | None = None
    for attempt in range(400):
        sizes = _assignment(needs, variant, attempt)
        sizes = _widened(needs, sizes) if widen else sizes
        score = _score(needs, sizes)
        if score is not None and (best is None or score < best[0]):
            best = score, sizes
        if best is not None and attempt >= _patience(best[0]):
            break
    return best


def _widened(needs: Needs, sizes: dict[SizeKey, int]) -> dict[SizeKey, int]:
    """Sizes with room for windows whose strides are sizes: x[s*t+p] wants s times as many elements.

    So do windows of windows: what the last one reads asks for more of the first array.
    """
    lengths = [(extent, affine(1)) for _, extent in narrow(needs.model)]
    lengths += [(reach.last, reach.high) for reach in needs.reaches]
    for have, wanted in lengths * ROUNDS:
        world = _Known(sizes)
        short = place(wanted)(world, {}) - place(have)(world, {})
        key, factor = _grown_by(have, sizes) if short > 0 else (None, 0)
        if key is not None:
            enough = sizes[key] + factor * short
            taken = {n for other, n in sizes.items() if other != key}
            sizes = {**sizes, key: next(n for n in itertools.count(enough) if n not in taken)}
    return sizes


ROUNDS = 3
"""So often sizes are made larger for each other."""


def _grown_by(value: Affine, sizes: Mapping[SizeKey, int]) -> tuple[SizeKey | None, int]:
    """A size that a value grows with, and how much of it makes one more."""
    for atom, factor in value.terms:
        match atom:
            case Size(name, ()) if factor == 1 and (name, ()) in sizes:
                return (name, ()), 1
            case FloorDiv(inner, int(by)) if factor == 1:
                key, times = _grown_by(inner, sizes)
                if key is not None:
                    return key, times * by
    return None, 0


def _lighter(needs: Needs, score: Score, sizes: dict[SizeKey, int]) -> dict[SizeKey, int]:
    """Sizes with less to compute: two of them exchanged, or one made smaller, as long as that helps."""
    for _ in range(3):
        before = score
        for other in _neighbours(sizes):
            found = _score(needs, other)
            if found is not None and _weight(found) < _weight(score):
                score, sizes = found, other
        if score == before:
            break
    return sizes if score[2] < FAR_TOO_MUCH else _much_lighter(needs, score, sizes)


def _much_lighter(needs: Needs, score: Score, sizes: dict[SizeKey, int]) -> dict[SizeKey, int]:
    """Sizes made smaller one after the other, alike if need be: windows of windows ask for large arrays."""
    for _ in range(STEPS):
        smaller = ({**sizes, key: n} for key, size in sizes.items() for n in range(2, size))
        scored = ((_score(needs, other), other) for other in smaller)
        better = [(s, other) for s, other in scored if s is not None and _weight(s) < _weight(score)]
        if not better:
            break
        score, sizes = min(better, key=lambda found: _weight(found[0]))
        if score[2] < HEAVY:
            break
    return sizes


STEPS = 30
"""So many sizes are made smaller at most."""


def _weight(score: Score) -> tuple[int, int]:
    """Extents that coincide are dear, but not at any price."""
    idle, alike, work = score
    return idle, (4 + alike) * work


def _neighbours(sizes: dict[SizeKey, int]) -> Iterator[dict[SizeKey, int]]:
    for one, other in itertools.combinations(sizes, 2):
        yield {**sizes, one: sizes[other], other: sizes[one]}
    for key, size in sizes.items():
        yield from ({**sizes, key: n} for n in range(2, size) if n not in sizes.values())


def _patience(score: Score) -> int:
    """How many sizes are tried: more where something is empty or alike, or where there is much to compute."""
    return 80 if score[:2] != (0, 0) or score[2] > HEAVY else 20


HEAVY = 2000
"""More products than this in all equations make every check slow."""
FAR_TOO_MUCH = 20 * HEAVY
"""With more than this a gradient would be checked for hours."""


def _size_keys(model: Model, start: int) -> tuple[dict[SizeKey, int], list[SizeKey]]:
    """The lengths that only bound sequences, counted from ``start``, and the names of all others."""
    lengths = _Recorder()
    for index in model.sequences:
        place(index.low)(lengths, {}), place(index.high)(lengths, {})
    lengths.asked = {key: start + k for k, key in enumerate(lengths.asked)}
    asked = {key for array in model.arrays.values() for key in _shape_keys(array.axes, lengths)}
    families = {name for name, at in asked if at}
    asked |= {(n, ()) for n in model.sizes if n not in families and (n, ()) not in lengths.asked}
    order = {name: k for k, name in enumerate(model.sizes)}
    others = sorted(asked, key=lambda key: (order.get(key[0], len(order)), key))
    return {key: n for key, n in lengths.asked.items() if key not in asked}, others


def _shape_keys(axes: Sequence[Index], lengths: _Recorder) -> Iterator[SizeKey]:
    """The sizes of the ordinary axes, for every value of the sequence axes."""
    ends = [end for i in axes if not i.sequence for end in (i.low, i.high)]
    sizes = [(atom.name, places(atom.at)) for end in ends for atom in _own_sizes(end)]
    values: Values = {i.uid: 0 for i in axes}
    for _ in loop([i for i in axes if i.sequence])(lengths, values):
        for name, at in sizes:
            yield name, at(lengths, values)


def _own_sizes(value: Affine) -> Iterator[Size]:
    """The sizes in an extent, but not those that only say which member of a family is meant."""
    for atom, _ in value.terms:
        match atom:
            case Size():
                yield atom
            case FloorDiv(inner, by):
                yield from _own_sizes(inner)
                yield from _own_sizes(affine(by))
            case Monomial(factors):
                yield from (s for f in factors for s in _own_sizes(affine(f)))


def _assignment(needs: Needs, variant: int, attempt: int) -> dict[SizeKey, int]:
    """Sizes to try: the smallest first, then shuffled from a pool that grows."""
    model = needs.model
    start = (3 if variant % 2 == 0 else 2) + variant // 2 + attempt // 30 + attempt % 3 * _farthest(model)
    lengths, others = _size_keys(model, start)
    chance = random.Random(f"{variant}/{attempt}")
    numbers = (abs(end.const) for r in needs.reaches for end in (r.low, r.high))
    more = attempt // 20 + (max(numbers, default=0) if attempt % 2 else 0)
    pool = list(range(2, len(others) + 2 + more))
    if attempt or variant > 1:
        chance.shuffle(pool)
    elif variant == 0:
        pool.reverse()
    return lengths | dict(zip(others, pool, strict=False))


def _farthest(model: Model) -> int:
    """The greatest step or end of a range in a sequence, if lengths that start small are no match for it.

    With h[t-6] for t = 7..T the cases of an adjoint are apart from twice that length on; h[5] is no last
    step from T = 6 on.
    """
    ends = (end for e in model.equations for i in e.indices if i.sequence for end in (i.low, i.high))
    steps = (
        position
        for e in model.equations
        for ref in (e.lhs, *refs(e.rhs))
        for position, axis in zip(ref.indices, model.arrays[ref.name].axes, strict=True)
        if axis.sequence or any(i.sequence for i in position.indices())
    )
    most = max((abs(a.const) for a in (*ends, *steps)), default=0)
    return most if most > 2 else 0


def _summed(model: Model) -> Iterator[Index]:
    """The indices that sums run over, where their range is the same for all elements."""
    for e in model.equations:
        for i in (i for node in walk(e.rhs) for i in bound(node)):
            if not (*i.low.indices(), *i.high.indices()):
                yield i


def _score(needs: Needs, sizes: dict[SizeKey, int]) -> Score | None:
    """How many equations and domains are empty, how many extents coincide, and how many elements there are;
    how many products, where these are more than a few.

    None if the sizes make no sense.
    """
    model, world, extents, total = needs.model, _Known(sizes), dict[Affine, int](), 0
    try:
        for array in model.arrays.values():
            number = sum(_extents(array.axes, world, extents))
            if number == 0 or _no_integers(array, world):
                return None
            total += number
        if not all(_inside(r, world) for r in needs.reaches):
            return None
    except SymbpError:
        return None
    idle = sum(not points(e.indices, world) for e in model.equations)
    idle += sum(not points((i,), world) for i in _summed(model))
    idle += sum(not points(d, world) for d in needs.domains)
    work = work_of(model, sizes)
    return idle, len(extents) - len(set(extents.values())), work if work > HEAVY else total


def work_of(model: Model, sizes: Mapping[SizeKey, int]) -> int:
    """About how many products the equations have at these sizes: elements times the terms of their sums."""
    world = _Known(sizes)
    return sum(_terms(e.rhs, _count(e.indices, world, {}), world, {}) for e in model.equations)


def _terms(node: Expr, times: int, world: _Known, values: Values) -> int:
    """``times`` the number of terms that are added up in an expression, sums within sums."""
    own = times * _count(bound(node), world, values)
    inner = (child for child in children(node) if any(bound(n) for n in walk(child)))
    return own + sum(_terms(child, own, world, values) for child in inner)


def _count(indices: Iterable[Index], world: _Known, values: Values) -> int:
    """How many values indices take together, those that others limit taken to be as many as they can be."""
    count = 1
    for i in indices:
        for outer in (*i.low.indices(), *i.high.indices()):
            values.setdefault(outer.uid, place(outer.high)(world, values) if not outer.high.indices() else 1)
        extent = place(i.high)(world, values) - place(i.low)(world, values) + 1
        values[i.uid] = place(i.high)(world, values)
        count *= max(extent, 0)
    return count


def _inside(reach: Reach, world: _Known) -> bool:
    """Whether what is read is there: w[2] wants three elements."""
    low, high, first, last = (place(e)(world, {}) for e in (reach.low, reach.high, reach.first, reach.last))
    return low > high or first <= low <= high <= last


def _no_integers(array: Array, world: _Known) -> bool:
    """Whether an integer array would have no value to take."""
    if array.integer is None:
        return False
    lo, hi = (place(end)(world, {}) for end in array.integer)
    return lo > hi


def _extents(axes: Sequence[Index], world: Any, extents: dict[Affine, int]) -> Iterator[int]:
    """The number of elements at each value of the sequence axes; notes the extents of the others."""
    values: Values = {}
    ordinary = [i for i in axes if not i.sequence]
    for _ in loop([i for i in axes if i.sequence])(world, values):
        count = 1
        for axis in ordinary:
            values.setdefault(axis.uid, 0)
            extent = place(axis.high)(world, values) - place(axis.low)(world, values) + 1
            if not (axis.extent.is_const or extent == 0):
                extents[_fixed(axis.extent, world, values)] = extent
            count *= max(extent, 0)
        if count == 0 and ordinary:
            raise SymbpError("an axis is empty")
        yield count


def _fixed(value: Affine, world: Any, values: Values) -> Affine:
    """The extent with the members of families numbered: n[L] and n[l] at l = 3 are one size."""

    def number(atom: Atom) -> Affine | None:
        if isinstance(atom, Size):
            at = places(atom.at)(world, values)
            return affine(Size(atom.name, tuple(map(Affine, at))))
        return None

    return value.map_atoms(number)
