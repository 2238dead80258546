"""In which order the adjoints of a recurrence can be evaluated: from t = T down to t = 1, and within a t.

The method is that of loop distribution (Allen and Kennedy, *Optimizing Compilers for Modern
Architectures*, chapter 2): along a sequence on which every adjoint needs only later ones (or only
earlier ones) of its group, one goes backwards (or forwards); what is left orders a single step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from symbp.calculus.affine import Affine, heading
from symbp.calculus.expr import Adjoint
from symbp.calculus.tree import walk
from symbp.derive.core import AdjointSystem, Case
from symbp.model.core import Array
from symbp.model.order import components


@dataclass(frozen=True, slots=True)
class Sweep:
    """Adjoints that need each other: the sequences to go along, and the order within one step.

    ``backwards`` holds the names of the sequences, outermost first, each with whether one starts at its end.
    """

    names: tuple[str, ...]
    backwards: tuple[tuple[str, bool], ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """``reader`` needs ``read``, ``shift`` further on along each sequence; ±1 where that
    differs but is always on that side; None where it is not."""

    reader: str
    read: str
    shift: Mapping[str, int | None]


def sweeps(system: AdjointSystem) -> tuple[Sweep, ...]:
    """One for each group of adjoints that recur; none for a group that no shift to one side puts in order."""
    arrays = system.model.arrays
    needs = [n for cases in system.cases.values() for case in cases for n in _needs(case, arrays)]
    return tuple(s for group in _groups(system.order, needs) if (s := _sweep(group, needs, arrays)))


def _needs(case: Case, arrays: Mapping[str, Array]) -> Iterator[_Need]:
    own = _places(case.lhs, arrays)
    for node in walk(case.result):
        if isinstance(node, Adjoint):
            read = _places(node, arrays)
            gaps = {s: at - own[s] for s, at in read.items() if s in own}
            shift = {s: heading(gap) for s, gap in gaps.items()}
            yield _Need(case.lhs.name, node.name, shift)


def _places(node: Adjoint, arrays: Mapping[str, Array]) -> dict[str, Affine]:
    """Where an element stands along each sequence; the first axis counts if one has two."""
    pairs = zip(reversed(arrays[node.name].axes), reversed(node.indices), strict=True)
    return {axis.sequence: position for axis, position in pairs if axis.sequence}


def _groups(names: Iterable[str], needs: Sequence[_Need]) -> list[list[str]]:
    below: dict[str, list[str]] = {name: [] for name in names}
    for need in needs:
        if need.reader in below and need.read in below:
            below[need.reader].append(need.read)
    return components(list(below), below.__getitem__)


def _sweep(group: Sequence[str], needs: Iterable[_Need], arrays: Mapping[str, Array]) -> Sweep | None:
    inside = [n for n in needs if n.reader in group and n.read in group]
    backwards: dict[str, bool] = {}
    while any(_circular(part, inside) for part in _groups(group, inside)):
        found = _direction(inside, arrays, backwards)
        if found is None:
            return None
        sequence, back = found
        backwards[sequence] = back
        inside = [n for n in inside if n.shift[sequence] == 0]
    if not backwards:
        return None
    return Sweep(tuple(name for part in _groups(group, inside) for name in part), tuple(backwards.items()))


def _circular(part: Sequence[str], needs: Iterable[_Need]) -> bool:
    return len(part) > 1 or any(n.reader == n.read == part[0] for n in needs)


def _direction(
    needs: Sequence[_Need], arrays: Mapping[str, Array], used: Iterable[str]
) -> tuple[str, bool] | None:
    """A sequence along which all needs point one way, and whether that is backwards."""
    for axis in arrays[needs[0].reader].axes:
        sequence = axis.sequence
        if not sequence or sequence in used:
            continue
        shifts = [n.shift.get(sequence) for n in needs]
        known = [s for s in shifts if s is not None]
        if len(known) == len(shifts) and any(known) and (min(known) >= 0 or max(known) <= 0):
            return sequence, max(known) > 0
    return None
