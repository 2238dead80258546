"""On which part of its range a formula holds, in words."""

from __future__ import annotations

from collections.abc import Iterable

from symbp.calculus.affine import Affine, Index, affine
from symbp.calculus.expr import Ref
from symbp.calculus.tree import refs
from symbp.derive.core import Case
from symbp.emit import layout as lay
from symbp.emit.layout import DOTS, Box, Text, row
from symbp.emit.math import Printer
from symbp.model.core import Equation


def intro(place: Printer, case: Case, cases: tuple[Case, ...], again: bool = False) -> Text:
    """On which part of the range one of ``cases`` holds; a base case says what does not depend on it.

    ``again``: its formula is the one that was shown before.
    Only where the recurrence ends there is a base case: on the border of a grid it goes on along it.
    """
    ranges = ranges_of(place, case.indices)
    if len(cases) == 1:
        return ("For ", *ranges, ":") if ranges else ()
    element = place.box(Ref(case.lhs.name, case.lhs.indices))
    if not case.base:
        return ("For ", *(ranges or (element,)), ":")
    where: Text = (" for ", *ranges) if ranges else ()
    if again:
        return ("For ", element, *where, " the same formula comes out:")
    carried = [n for n in case.consumers if n != place.cost]
    if case.lhs.name in carried or (carried and ranges):
        return ("At the border ", element, *where, ":")
    if not case.consumers and place.arrays[case.lhs.name].kind == "variable":
        return ("For ", element, *where, ", on which nothing depends:")
    gone = [n for n in cases[0].consumers if n not in case.consumers and n != place.cost]
    if not gone:
        return ("For ", element, ":")
    names: list[Text] = [("other ", place.name(n)) if n == case.lhs.name else (place.name(n),) for n in gone]
    what = "The base case " if place.arrays[case.lhs.name].kind == "variable" else "For "
    return (what, element, *where, ", on which no ", *listed(names, " or "), " depends:")


def listed(items: Iterable[Text], last: str = " and ") -> Text:
    """a, b and c."""
    out: list[str | Box] = []
    texts = tuple(items)
    for n, text in enumerate(texts):
        out.extend((last if n == len(texts) - 1 else ", ",) if n else ())
        out.extend(text)
    return tuple(out)


def ranges_of(place: Printer, indices: Iterable[Index], equation: Equation | None = None) -> Text:
    """l = 2, …, L for sequence indices; the ranges of others show in the shapes, if ``equation`` has all."""
    ranges: list[Text] = []
    for index in indices:
        hidden = equation is not None and (_part(place, index, equation.lhs) or _counted(index, equation))
        if index.lo is None or index.hi is None or not (index.sequence or hidden):
            continue
        ranges.append((row(place.index(index), lay.EQUALS, _values(place, index.lo, index.hi)),))
    return listed(ranges)


def _values(place: Printer, first: Affine, last: Affine) -> Box:
    """0, 1, 2 or 2, …, L."""
    if first.is_const and last.is_const and last.const - first.const < 3:
        numbers = [affine(n) for n in range(first.const, last.const + 1)]
        return lay.separated([place.position(n).box for n in numbers])
    low, high = place.position(first).box, place.position(last).box
    return low if first == last else lay.separated((low, DOTS, high))


def _counted(index: Index, equation: Equation) -> bool:
    """Whether an index has a number of values that no array on the right says."""
    read = {p.as_index() for r in refs(equation.rhs) for p in r.indices}
    return index.extent.is_const and index not in read


def _part(place: Printer, index: Index, left: Ref) -> bool:
    """Whether an index of the left side runs over a part of its axis only."""
    array = place.arrays.get(left.name)
    if array is None or len(array.axes) != len(left.indices):
        return False
    values = dict(zip(array.axes, left.indices, strict=True))
    return any(
        position.as_index() == index
        and (axis.low.substitute(values), axis.high.substitute(values)) != (index.low, index.high)
        for position, axis in zip(left.indices, array.axes, strict=True)
    )
