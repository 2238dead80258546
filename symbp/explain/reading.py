"""Who reads whom at a sample: directly, by way of a variable that is seen through, or over another path."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from symbp.calculus.affine import Affine, affine
from symbp.calculus.expr import Ref
from symbp.explain.core import Math, Whole, Words
from symbp.explain.spot import Spot
from symbp.verify.evaluate import Key

FEW = 3
"""So many arrays are named one by one."""


def _behind(spot: Spot, end: Key) -> Iterator[Key]:
    """All that the equation of an element reads, also through variables that are seen through."""
    todo, seen = [end], {end}
    while todo:
        for key in spot.oracle.reads(todo.pop()):
            if key not in seen:
                seen.add(key)
                yield key
                todo += [key] if key[0] in spot.oracle.through else []


def between(spot: Spot, end: Key) -> tuple[Key, ...]:
    """The elements that are seen through on the way from the element to one that reads it."""
    following = spot.oracle.followers(spot.key)
    through = spot.oracle.through
    found = [k for k in _behind(spot, end) if k in following and k[0] in through and k != spot.key]
    return tuple(sorted(found))


def directly(spot: Spot, end: Key) -> bool:
    """Whether the equation of ``end`` itself reads the element."""
    return spot.key in spot.oracle.reads(end)


def held(spot: Spot, sources: Sequence[Key], end: Key) -> tuple[Key, ...]:
    """What ``end`` reads besides ``sources`` and is computed from them too: other paths lead through it."""
    following = {k for s in sources for k in spot.oracle.followers(s)} - set(sources)
    through = spot.oracle.through
    return tuple(sorted(k for k in _behind(spot, end) if k in following and k[0] not in through))


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def ref(key: Key) -> Ref:
    """An element as an expression."""
    return Ref(key[0], tuple(map(Affine, key[1])))


def refs(keys: Iterable[Key]) -> list[Math]:
    """Elements as expressions."""
    return list(map(ref, keys))


def whole(spot: Spot, key: Key) -> Ref:
    """The array of an element, its layer or time kept."""
    axes = spot.system.model.arrays[key[0]].axes
    pairs = zip(key[1], axes, strict=True)
    return Ref(key[0], tuple(Affine(v) if i.sequence else affine(i) for v, i in pairs))


def arrays(spot: Spot, keys: Sequence[Key]) -> list[Math]:
    """Elements, those of one array together as that array."""
    groups: dict[Ref, list[Key]] = {}
    for key in keys:
        groups.setdefault(whole(spot, key), []).append(key)
    return [ref(found[0]) if len(found) == 1 else Whole(own) for own, found in groups.items()]


def listed(items: Sequence[Math]) -> Words:
    """a, b and c."""
    out: list[str | Math] = []
    for n, item in enumerate(items):
        out += [", " if n < len(items) - 1 else " and ", item] if out else [item]
    return tuple(out)
