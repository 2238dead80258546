"""Small concrete instances of a model: sizes that tell all axes apart, and random values.

Sizes are pairwise different, so that an index that has strayed to another axis runs out of it or
sums over too little.  Everything is deterministic: same model, same seed, same numbers.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine
from symbp.calculus.expr import Expr, bound, children, refs, walk
from symbp.errors import SymbpError
from symbp.model.core import Array, Model
from symbp.model.reach import Reach, reaches
from symbp.verify.places import Positions, Values, loop, place, places, points

SizeKey = tuple[str, Positions]
Elements = Mapping[Positions, "float | int"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Sizes, and the values of all given arrays by position; integer arrays have ``int`` values."""

    model: Model
    sizes: Mapping[SizeKey, int]
    values: Mapping[str, Elements]
    mode: str = "signed"
    seed: int = 0

    def size(self, name: str, at: Positions) -> int:
        """A size or a member of a family of sizes.

        Raises:
            SymbpError: if the model's arrays do not have this member.
        """
        value = self.sizes.get((name, at))
        if value is None:
            raise SymbpError(f"size {name}{list(at) if at else ''} is read, which no array has")
        return value

    def element(self, name: str, at: Positions) -> Any:
        """The value of an element of a given array."""
        return self.values[name][at]

    def sizes_text(self) -> str:
        """The sizes as ``L = 3, n = 5, 4, 3, 2``."""
        groups: dict[str, list[str]] = {}
        for (name, _), value in self.sizes.items():
            groups.setdefault(name, []).append(str(value))
        return ", ".join(f"{name} = {', '.join(values)}" for name, values in groups.items())


Domains = Sequence[Sequence[Index]]
"""Ranges of sequence indices at which something is to be tried, so that they should not be empty."""


def samples(model: Model, count: int = 2, seed: int = 0, domains: Domains = ()) -> tuple[Sample, ...]:
    """``count`` samples with different sizes and values, at which the cost is finite.

    If possible no equation and none of ``domains`` is empty.

    Raises:
        SymbpError: if no sizes or values make sense of the model.
    """
    return tuple(draw(model, choose_sizes(model, k, domains), seed + k) for k in range(count))


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────────


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
    best: tuple[Score, dict[SizeKey, int]] | None = None
    for attempt in range(400):
        sizes = _assignment(model, variant, attempt)
        score = _score(model, sizes, domains)
        if score is not None and (best is None or score < best[0]):
            best = score, sizes
        if best is not None and attempt >= _patience(best[0]):
            break
    if best is None:
        raise SymbpError(
            "found no small sizes for which every axis of the model has at least one element",
            hint="check the ranges of the sequence indices and the differences of sizes in shapes",
        )
    return best[1] if best[0][2] <= HEAVY else _lighter(model, *best, domains)


Score = tuple[int, int, int]


def _lighter(
    model: Model, score: Score, sizes: dict[SizeKey, int], domains: Domains
) -> dict[SizeKey, int]:
    """Sizes with less to compute: two of them exchanged, or one made smaller, as long as that helps."""
    for _ in range(3):
        before = score
        for other in _neighbours(sizes):
            found = _score(model, other, domains)
            if found is not None and _weight(found) < _weight(score):
                score, sizes = found, other
        if score == before:
            break
    return sizes


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


def _assignment(model: Model, variant: int, attempt: int) -> dict[SizeKey, int]:
    """Sizes to try: the smallest first, then shuffled from a pool that grows."""
    start = (3 if variant % 2 == 0 else 2) + variant // 2 + attempt // 30 + attempt % 3 * _farthest(model)
    lengths, others = _size_keys(model, start)
    chance = random.Random(f"{variant}/{attempt}")
    numbers = (abs(end.const) for r in reaches(model) for end in (r.low, r.high))
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


def _score(
    model: Model, sizes: dict[SizeKey, int], domains: Domains
) -> Score | None:
    """How many equations and domains are empty, how many extents coincide, and how many elements there are;
    how many products, where these are more than a few.

    None if the sizes make no sense.
    """
    world, extents, total = Sample(model, sizes, {}), dict[Affine, int](), 0
    try:
        for array in model.arrays.values():
            number = sum(_extents(array.axes, world, extents))
            if number == 0 or _no_integers(array, world):
                return None
            total += number
        if not all(_inside(r, world) for r in reaches(model)):
            return None
    except SymbpError:
        return None
    idle = sum(not points(e.indices, world) for e in model.equations)
    idle += sum(not points((i,), world) for i in _summed(model))
    idle += sum(not points(d, world) for d in domains)
    work = _work(model, world)
    return idle, len(extents) - len(set(extents.values())), work if work > HEAVY else total


def _work(model: Model, world: Sample) -> int:
    """About how many products the equations have at these sizes: elements times the terms of their sums."""
    return sum(_terms(e.rhs, _count(e.indices, world, {}), world, {}) for e in model.equations)


def _terms(node: Expr, times: int, world: Sample, values: Values) -> int:
    """``times`` the number of terms that are added up in an expression, sums within sums."""
    own = times * _count(bound(node), world, values)
    inner = (child for child in children(node) if any(bound(n) for n in walk(child)))
    return own + sum(_terms(child, own, world, values) for child in inner)


def _count(indices: Iterable[Index], world: Sample, values: Values) -> int:
    """How many values indices take together, those that others limit taken to be as many as they can be."""
    count = 1
    for i in indices:
        for outer in (*i.low.indices(), *i.high.indices()):
            values.setdefault(outer.uid, place(outer.high)(world, values) if not outer.high.indices() else 1)
        extent = place(i.high)(world, values) - place(i.low)(world, values) + 1
        values[i.uid] = place(i.high)(world, values)
        count *= max(extent, 0)
    return count


def _inside(reach: Reach, world: Sample) -> bool:
    """Whether what is read is there: w[2] wants three elements."""
    low, high, first, last = (place(e)(world, {}) for e in (reach.low, reach.high, reach.first, reach.last))
    return low > high or first <= low <= high <= last


def _no_integers(array: Array, world: Sample) -> bool:
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


# ── values ────────────────────────────────────────────────────────────────────────────────────────

_MODES: tuple[tuple[str, float, float, tuple[str, ...]], ...] = (
    ("signed", 0.0, 0.0, ()),
    ("positive data", 0.2, 1.4, ("input", "const")),
    ("positive", 0.2, 1.4, ("input", "const", "param")),
    ("within (0, 1)", 0.1, 0.9, ("input", "const", "param")),
    ("small", 0.01, 0.08, ("input", "const", "param")),
    ("above 1", 1.3, 3.0, ("input", "const", "param")),
)
"""Name, range, and the kinds of arrays that stay within it; all else is signed."""


def draw(model: Model, sizes: Mapping[SizeKey, int], seed: int = 0) -> Sample:
    """Random values for the given arrays such that the cost is a finite real number.

    Raises:
        SymbpError: if the cost is finite for none of the ranges that are tried.
    """
    reason: object = ""
    for attempt in range(3 * len(_MODES)):
        mode = _MODES[attempt % len(_MODES)][0]
        sample = redraw(Sample(model, sizes, {}, mode, seed + 1000 * attempt))
        reason = trouble(sample)
        if reason is None:
            return sample
    raise SymbpError(f"found no values for which the cost is finite: {reason}")


def redraw(sample: Sample, seed: int | None = None, kinds: Sequence[str] = ()) -> Sample:
    """The same sizes with new values: of the arrays of ``kinds`` only, if any are named."""
    chosen = sample.seed if seed is None else seed
    values = {
        array.name: _values(array, sample, chosen)
        if not kinds or array.kind in kinds else sample.values[array.name]
        for array in sample.model.of_kind("param", "input", "const")
    }
    return replace(sample, values=values, seed=chosen)


def _values(array: Array, sample: Sample, seed: int) -> Elements:
    chance = random.Random(f"{seed}/{array.name}")
    where = points(array.axes, sample)
    if array.integer is not None:
        lo, hi = (place(end)(sample, {}) for end in array.integer)
        return {at: chance.randint(lo, hi) for at in where}
    _, low, high, kinds = next(m for m in _MODES if m[0] == sample.mode)
    if array.kind in kinds:
        return {at: chance.uniform(low, high) for at in where}
    # Away from 0, where many functions have a kink.
    return {at: chance.uniform(0.15, 1.2) * chance.choice((-1, 1)) for at in where}


def spread(sample: Sample, name: str) -> tuple[float, float] | None:
    """The ends between which the elements of an array are drawn; None if they are integers."""
    array = sample.model.arrays[name]
    if array.integer is not None:
        return None
    _, low, high, kinds = next(m for m in _MODES if m[0] == sample.mode)
    return (low, high) if array.kind in kinds else (-1.2, 1.2)


def trouble(sample: Sample) -> str | None:
    """Why the cost is no finite real number, None if it is."""
    from symbp.verify.evaluate import Oracle

    try:
        cost = Oracle(sample.model, sample).cost
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        return str(error)
    finite = isinstance(cost, float) and abs(cost) < 1e30
    return None if finite else f"the cost is {cost}"

