"""The sentence that says in which order the adjoints of a recurrence are evaluated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symbp.calculus.affine import Affine, Index, known_le, span
from symbp.calculus.expr import Adjoint, Ref
from symbp.derive.core import AdjointSystem
from symbp.derive.evaluation import Sweep, sweeps
from symbp.derive.uses import generic
from symbp.emit import layout as lay
from symbp.emit.layout import DOTS, Box, Text, row
from symbp.emit.math import Printer
from symbp.emit.matrix_math import whole
from symbp.emit.where import listed


def orders_of_evaluation(
    setter: Printer, system: AdjointSystem, shown: Iterable[str]
) -> dict[str, Text]:
    """The sentence of each recurrence, by the last of its adjoints that is shown."""
    names = tuple(shown)
    last = {sweep: [n for n in names if n in sweep.names][-1:] for sweep in sweeps(system)}
    return {name: _order(setter, system, sweep) for sweep, found in last.items() for name in found}


def _order(setter: Printer, system: AdjointSystem, sweep: Sweep) -> Text:
    """From t = T down to 1, and in which order at each t."""
    turns = [_turn(setter, system, sweep.names[0], name, back) for name, back in sweep.backwards]
    if len(sweep.names) == 1:
        return ("Order of evaluation: ", *listed((t,) for t in turns), ".")
    steps: list[str | Box] = []
    for name in sweep.names:
        steps.extend((", then ", _whole(setter, system, name), *_earlier_end(setter, system, sweep, name)))
    return ("Order of evaluation: ", *listed((t,) for t in turns), ", and at each step ", *steps[1:], ".")


def _turn(setter: Printer, system: AdjointSystem, name: str, sequence: str, back: bool) -> Box:
    """t = T, T − 1, …, 1."""
    element = generic(system.model.arrays[name])
    axis, index = next((n, i) for n, i in _indices(element) if i.sequence == sequence)
    low, high = system.reached.get(name, {}).get(axis, (index.low, index.high))
    ends = (high, high - 1, low) if back else (low, low + 1, high)
    place = setter.naming({i: i.name for _, i in _indices(element)})
    first, second, last = (place.position(end).box for end in ends)
    return row(place.index(index), lay.EQUALS, lay.separated((first, second, DOTS, last)))


def _earlier_end(setter: Printer, system: AdjointSystem, sweep: Sweep, name: str) -> Text:
    """(down to t = 1) of an adjoint that is not there at t = 0, where the others go on to."""
    if len(sweep.backwards) != 1:
        return ()
    ((sequence, back),) = sweep.backwards
    last, its = (_last(system, n, sequence, back) for n in (sweep.names[0], name))
    if last is None or its is None or not (known_le(last + 1, its) if back else known_le(its + 1, last)):
        return ()
    element = generic(system.model.arrays[name])
    index = next(i for _, i in _indices(element) if i.sequence == sequence)
    place = setter.naming({i: i.name for _, i in _indices(element)})
    at = row(place.index(index), lay.EQUALS, place.position(its).box)
    return (" (down to " if back else " (up to ", at, ")")


def _last(system: AdjointSystem, name: str, sequence: str, back: bool) -> Affine | None:
    """Where the last of an array's adjoints stands; None where that depends on sizes."""
    axis = next(n for n, i in _indices(generic(system.model.arrays[name])) if i.sequence == sequence)
    ends = [span(case.lhs.indices[axis], up=not back) for case in system.cases[name]]
    for end in ends:
        if all(known_le(end, e) if back else known_le(e, end) for e in ends):
            return end
    return None


def _whole(setter: Printer, system: AdjointSystem, name: str) -> Box:
    """The adjoint of a whole array at a step."""
    element = generic(system.model.arrays[name])
    place = setter.naming({i: i.name for _, i in _indices(element)})
    return whole(place, Adjoint(name, element.indices))


def _indices(element: Ref) -> Iterator[tuple[int, Index]]:
    return ((n, p.indices()[0]) for n, p in enumerate(element.indices))
