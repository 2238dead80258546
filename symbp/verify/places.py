"""Integer positions and index ranges, compiled to Python closures.

A closure takes the ``world`` it reads sizes and integer arrays from and the values of the indices,
keyed by their identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import prod
from operator import itemgetter
from typing import Any, Protocol

from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine

Values = dict[int | str, Any]
"""Index values by uid; the arguments of a user's function by name."""

Positions = tuple[int, ...]


class World(Protocol):
    """What gives sizes and integer-valued elements their values."""

    def size(self, name: str, at: Positions) -> int:
        """The value of a size or of a member of a family of sizes."""

    def element(self, name: str, at: Positions) -> Any:
        """The value of an array element."""


Place = Callable[[Any, Values], int]


def place(value: Affine) -> Place:
    """The closure that computes ``value``."""
    const, terms = value.const, value.terms
    if not terms:
        return lambda world, values: const
    if len(terms) == 1 and terms[0][1] == 1 and isinstance(terms[0][0], Index):
        uid = terms[0][0].uid
        return lambda world, values: values[uid] + const
    plain = [(atom.uid, coefficient) for atom, coefficient in terms if isinstance(atom, Index)]
    if len(plain) == len(terms) == 2:
        (one, times), (other, by) = plain
        return lambda world, values: const + times * values[one] + by * values[other]
    parts = tuple((_atom(atom), coefficient) for atom, coefficient in terms)

    def run(world: World, values: Values) -> int:
        return const + sum(c * part(world, values) for part, c in parts)

    return run


def places(indices: Sequence[Affine]) -> Callable[[Any, Values], Positions]:
    """The closure that computes a tuple of positions."""
    parts = tuple(map(place, indices))
    if not parts:
        return lambda world, values: ()
    alone = [i.uid for p in indices if (i := p.as_index()) is not None]
    if len(alone) == len(parts) > 1:
        pick = itemgetter(*alone)
        return lambda world, values: pick(values)
    if len(parts) == 1:
        (only,) = parts
        return lambda world, values: (only(world, values),)
    if len(parts) == 2:
        first, second = parts
        return lambda world, values: (first(world, values), second(world, values))
    return lambda world, values: tuple([part(world, values) for part in parts])


def _atom(atom: Atom) -> Place:
    match atom:
        case Index():
            uid = atom.uid
            return lambda world, values: int(values[uid])
        case Size(name, at):
            where = places(at)
            return lambda world, values: world.size(name, where(world, values))
        case FloorDiv(value, by):
            inner, divisor = place(value), place(affine(by))
            return lambda world, values: inner(world, values) // divisor(world, values)
        case Monomial(factors):
            parts = tuple(map(_atom, factors))
            return lambda world, values: prod(part(world, values) for part in parts)
        case _:
            gathered, where = atom.name, places(atom.indices)
            return lambda world, values: int(world.element(gathered, where(world, values)))


Loop = Callable[[Any, Values], Iterator[None]]


def loop(indices: Sequence[Index]) -> Loop:
    """A loop over all values of ``indices``, which it sets in place; later ranges may depend on
    earlier indices."""
    if not indices:
        return lambda world, values: iter((None,))
    if len(indices) == 1:
        return _innermost(indices[0])
    if len(indices) == 2:
        return _two(*indices)
    outer, rest = _innermost(indices[0]), loop(indices[1:])

    def run(world: World, values: Values) -> Iterator[None]:
        for _ in outer(world, values):
            yield from rest(world, values)

    return run


def _innermost(index: Index) -> Loop:
    uid, low, high = index.uid, place(index.low), place(index.high)

    def run(world: World, values: Values) -> Iterator[None]:
        for value in range(low(world, values), high(world, values) + 1):
            values[uid] = value
            yield None

    return run


def _two(first: Index, second: Index) -> Loop:
    """Two loops in one generator, since most of the time of a check goes into such."""
    uid, low, high = first.uid, place(first.low), place(first.high)
    inner, start, stop = second.uid, place(second.low), place(second.high)

    def run(world: World, values: Values) -> Iterator[None]:
        for value in range(low(world, values), high(world, values) + 1):
            values[uid] = value
            for deeper in range(start(world, values), stop(world, values) + 1):
                values[inner] = deeper
                yield None

    return run


def points(indices: Sequence[Index], world: World) -> list[Positions]:
    """All values of ``indices``, in order."""
    values: Values = {}
    return [tuple(values[i.uid] for i in indices) for _ in loop(indices)(world, values)]
