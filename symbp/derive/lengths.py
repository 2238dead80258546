"""From which length of a sequence on the cases of an adjoint are apart.

"The base cases are t = 1 and t = T" speaks of a sequence of at least two steps; where it is shorter,
cases meet in one element.  The sums of contributions, and with them code, hold at every length.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from symbp.calculus.affine import Affine, Size, affine, known_le, show
from symbp.calculus.expr import Indicator, Ref
from symbp.calculus.tree import walk
from symbp.derive.core import Case
from symbp.derive.steps import Interval
from symbp.derive.variants import generic_le


def apart(cases: Sequence[Case]) -> tuple[Affine, ...]:
    """What must not be negative for no two of ``cases``, all of one array, to share an element.

    Which element a label chooses, [y = k], is no question of lengths.
    """
    axes = range(len(cases[0].lhs.indices) if cases else 0)
    between = (gap for axis in axes for gap in _gaps(_parts(cases, axis)))
    gaps = dict.fromkeys((*between, *(gap for case in cases for gap in _inside(case))))
    return tuple(gap for gap in gaps if not any(isinstance(a, Ref) for a in gap.atoms()))


def sentences(groups: Iterable[Sequence[Case]]) -> tuple[str, ...]:
    """For which lengths the cases are written, in words."""
    least: dict[str, int] = {}
    for gap in (g for cases in groups for g in apart(cases)):
        if len(gap.terms) == 1 and isinstance(gap.terms[0][0], Size) and gap.terms[0][1] > 0:
            ((size, slope),) = gap.terms
            least[show(affine(size))] = max(least.get(show(affine(size)), 0), -(gap.const // slope))
    said = [f"{name} of at least {n}" for name, n in least.items() if n > 1]
    if not said:
        return ()
    sizes = ", ".join(said[:-1]) + " and " * (len(said) > 1) + said[-1]
    return (f"the cases are written for {sizes}, where no two share an element",)


def _inside(case: Case) -> Iterator[Affine]:
    """What must not be negative for a single element, as in [t = 3], to be one of the case."""
    for node in walk(case.result):
        if not isinstance(node, Indicator):
            continue
        for one, other in ((node.left, node.right), (node.right, node.left)):
            index = one.as_index()
            if index in case.indices and index is not None and index.sequence and not other.indices():
                gaps = (index.high - other, other - index.low)
                yield from (g for g in gaps if generic_le(Affine(), g) and not known_le(Affine(), g))


def _parts(cases: Iterable[Case], axis: int) -> list[Interval]:
    """The parts into which the cases cut a sequence axis."""
    found: dict[Interval, None] = {}
    for case in cases:
        position = case.lhs.indices[axis]
        if not position.indices():
            found[position, position] = None
            continue
        (index,) = position.indices()[:1]
        if index.sequence and position.coefficient(index) == 1 and len(position.indices()) == 1:
            rest = position - index
            found[index.low + rest, index.high + rest] = None
    return list(found)


def _gaps(parts: list[Interval]) -> Iterator[Affine]:
    """The lengths of the parts, and of what lies between two of them, where sizes decide their signs."""
    for low, high in parts:
        if generic_le(low, high + 1) and not known_le(low, high + 1):
            yield high + 1 - low
    ordered: list[Interval] = []
    for part in parts:
        place = next((n for n, other in enumerate(ordered) if generic_le(part[0], other[0])), len(ordered))
        ordered.insert(place, part)
    for (_, end), (start, _) in pairwise(ordered):
        if generic_le(end + 1, start) and not known_le(end + 1, start):
            yield start - end - 1
