"""The uses of a variable: which elements read an element, and under which condition.

A sequence index is solved here, so that the chain rule speaks of the next layer and not of a sum over
all layers with an indicator in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, span
from symbp.calculus.expr import Expr, Ref
from symbp.calculus.tree import bound, refresh, refs, substitute, walk
from symbp.derive.graph import Graph, closure, recurrences
from symbp.derive.steps import Interval, Part, framed, parts
from symbp.derive.variants import generic_le, narrow, unit, variants
from symbp.model.core import Array, Equation


@dataclass(frozen=True, slots=True)
class Use:
    """One way in which the elements of an array act on the cost.

    ``lhs`` is the element of the consumer, ``body`` its right side with the variables seen through
    (``seen``) put in, ``plain`` the same before they were, ``indices`` the consumer's indices that stay to
    be summed.  All are written in terms of ``target``, the generic element of the array; ``domain`` says,
    by axis, for which of its positions on sequence axes the use exists.
    """

    consumer: str
    equation: Equation
    lhs: Ref
    body: Expr
    indices: tuple[Index, ...]
    target: Ref
    domain: Mapping[int, Interval]
    occurrence: Ref
    seen: tuple[Ref, ...] = ()
    plain: Expr | None = None


def uses(
    graph: Graph,
    array: Array,
    alive: frozenset[str],
    through: frozenset[str],
    whole: frozenset[str] = frozenset(),
) -> tuple[Use, ...]:
    """All uses of ``array`` on the way to the cost, in the order of the equations.

    Elements that no leaf acts on, such as a boundary that is data, have no adjoint that anybody
    needs: they are left out, unless the array is one of ``whole``.

    Raises:
        Unsolvable: naming a variable of ``through`` that has to keep an adjoint of its own.
    """
    target = generic(array)
    recurrence = recurrences(graph).get(array.name, frozenset()) | {array.name}
    found: list[Use] = []
    for place in _consumers(graph, array.name, through):
        equation = graph.model.equations[place]
        name = equation.lhs.name
        if name in through or (name not in alive and name != graph.model.cost):
            continue
        for variant, body, seen in variants(graph, equation, array.name, through):
            found.extend(_group(array, target, variant, body, seen, equation.rhs, recurrence))
    if array.kind != "variable" or array.name in whole:
        return tuple(found)
    return tuple(_on(found, array, reached(graph, array, alive)))


def reached(graph: Graph, array: Array, alive: frozenset[str]) -> dict[int, Interval]:
    """By sequence axis: from the first to the last element on which a leaf acts.

    Ends that depend on another axis, as in a triangle i = 0..N-n, speak of that axis of the array.
    """
    out: dict[int, Interval] = {}
    for equation in graph.model.equations_of(array.name):
        if not any(r.name in alive for r in refs(equation.rhs)):
            continue
        places = zip(equation.lhs.indices, array.axes, strict=True)
        there = {i: affine(axis) for p, axis in places if (i := p.as_index()) in equation.indices and i}
        for axis, position in enumerate(equation.lhs.indices):
            if array.axes[axis].sequence:
                index = position.as_index()
                ends = (index.low, index.high) if index in there and index else (position, position)
                own = (ends[0].substitute(there), ends[1].substitute(there))
                out[axis] = _hull(out[axis], own) if axis in out else own
    return out


def _hull(first: Interval, second: Interval) -> Interval:
    low = first[0] if generic_le(first[0], second[0]) else second[0]
    return low, first[1] if generic_le(second[1], first[1]) else second[1]


def _on(found: Sequence[Use], array: Array, reached: Mapping[int, Interval]) -> Iterator[Use]:
    for use in found:
        here = dict(zip(array.axes, use.target.indices, strict=True))
        ends = {a: (lo.substitute(here), hi.substitute(here)) for a, (lo, hi) in reached.items()}
        domain = {a: narrow(i, ends[a]) if a in ends else i for a, i in use.domain.items()}
        if not any(known_le(hi + 1, lo) for lo, hi in domain.values()):
            yield replace(use, domain=domain)


def _consumers(graph: Graph, name: str, through: frozenset[str]) -> list[int]:
    """The equations that read ``name``, themselves or through variables that are seen through."""
    equations = graph.model.equations

    def onwards(other: str) -> list[str]:
        return [n for p in graph.readers.get(other, ()) if (n := equations[p].lhs.name) in through]

    names = closure([name], onwards)
    return sorted({p for n in names for p in graph.readers.get(n, ())})


def generic(array: Array) -> Ref:
    """The element of an array at fresh indices with the ranges of its axes."""
    renewed: dict[Index, Affine] = {}
    positions = []
    for axis in array.axes:
        lo, hi = axis.low.substitute(renewed), axis.high.substitute(renewed)
        positions.append(affine(fresh(axis.name, lo, hi, axis.sequence)))
        renewed[axis] = positions[-1]
    return Ref(array.name, tuple(positions))


def _group(
    array: Array, target: Ref, equation: Equation, body: Expr, seen: tuple[Ref, ...], original: Expr,
    recurrence: frozenset[str],
) -> Iterator[Use]:
    """Occurrences that read the same element of a sequence, together."""
    occurrences = [r for r in refs(body) if r.name == array.name]
    bound_ranges = {i: (i.low, i.high) for n in walk(body) for i in bound(n)}
    solvable = {
        axis: _axis_kind(axis, occurrences, equation)
        for axis, index in enumerate(array.axes)
        if index.sequence
    }
    _once_each(solvable, occurrences, equation)
    done: set[tuple[Affine, ...]] = set()
    for occurrence in occurrences:
        key = _place(occurrence, solvable)
        if key not in done:
            done.add(key)
            places = [o for o in occurrences if _place(o, solvable) == key]
            for part in parts(array, target, equation, places, solvable, recurrence):
                given = (array, target, equation, body, seen, places, solvable, bound_ranges, original)
                yield _use(*given, part)


def _place(occurrence: Ref, solvable: Mapping[int, str]) -> tuple[Affine, ...]:
    """Where on its sequences an occurrence reads, as far as the equation fixes it."""
    return tuple(occurrence.indices[a] if kind != "free" else Affine() for a, kind in solvable.items())


def _axis_kind(axis: int, occurrences: list[Ref], equation: Equation) -> str:
    positions = [o.indices[axis] for o in occurrences]
    if all(not p.indices() and not _gathers(p) for p in positions):
        return "fixed"
    solved = [unit(p, equation.indices) if not _gathers(p) else None for p in positions]
    if all(s is not None for s in solved):
        first = {(s[0], s[1]) for s in solved if s is not None}
        if len(first) == 1:
            return "index"
    return "free"


def _once_each(solvable: dict[int, str], occurrences: list[Ref], equation: Equation) -> None:
    """An index can be solved from one axis; on a second axis its indicator has to stay."""
    taken: set[Index] = set()
    for axis, kind in solvable.items():
        if kind == "index":
            solved = unit(occurrences[0].indices[axis], equation.indices)
            assert solved is not None
            if solved[0] in taken:
                solvable[axis] = "free"
            taken.add(solved[0])


def _gathers(position: Affine) -> bool:
    return any(isinstance(a, Ref) for a in position.atoms())


def _use(
    array: Array,
    target: Ref,
    equation: Equation,
    body: Expr,
    seen: tuple[Ref, ...],
    places: Sequence[Ref],
    solvable: Mapping[int, str],
    bound_ranges: Mapping[Index, Interval],
    original: Expr,
    part: Part,
) -> Use:
    occurrence, domain = places[0], dict[int, Interval]()
    found = {
        axis: solved for axis, kind in solvable.items()
        if kind == "index" and (solved := unit(occurrence.indices[axis], equation.indices)) is not None
    }
    values = {index: (target.indices[axis] - rest) * sign for axis, (index, sign, rest) in found.items()}
    frame = framed(equation, values, part.consumers)
    for axis, kind in solvable.items():
        position, full = occurrence.indices[axis], target.indices[axis].indices()[0]
        if kind == "fixed":
            domain[axis] = (position, position)
        elif kind == "index":
            index, sign, rest = found[axis]
            low, high = (end * sign + rest for end in frame.solved[index][::sign])
            domain[axis] = narrow((full.low, full.high), (low, high))
        else:
            intervals = [_free_interval(o.indices[axis], full, bound_ranges, equation) for o in places]
            domain[axis] = _around(intervals, (full.low, full.high))
    domain = {axis: (lo.substitute(values), hi.substitute(values)) for axis, (lo, hi) in domain.items()}
    domain |= {axis: narrow(domain[axis], own) for axis, own in part.domain.items()}
    rest_indices = tuple(i for i in equation.indices if i not in values)
    moved = dict(values)
    kept = []
    for i in rest_indices:
        low, high = frame.left.get(i, (i.low, i.high))
        kept.append(fresh(i.name, low.substitute(moved), high.substitute(moved), i.sequence))
        moved[i] = affine(kept[-1])
    lhs = substitute(equation.lhs, moved)
    assert isinstance(lhs, Ref)
    return Use(
        equation.lhs.name, equation, lhs, substitute(refresh(body), moved), tuple(kept), target, domain,
        occurrence, tuple(r for s in seen if isinstance(r := substitute(s, moved), Ref)),
        original if not equation.indices else None,
    )


def _around(intervals: Sequence[Interval], everything: Interval) -> Interval:
    """The smallest interval around all of them; the whole axis where sizes decide which that is."""
    lows, highs = zip(*intervals, strict=True)
    low = next((a for a in lows if all(known_le(a, b) for b in lows)), everything[0])
    high = next((a for a in highs if all(known_le(b, a) for b in highs)), everything[1])
    return low, high


def _free_interval(
    position: Affine, full: Index, bound_ranges: Mapping[Index, Interval], equation: Equation
) -> Interval:
    """Where a position that a sum runs over can be: all of the axis if that is not one interval."""
    everything = (full.low, full.high)
    ranges = {**bound_ranges, **{i: (i.low, i.high) for i in equation.indices}}
    if _gathers(position):
        return everything
    solved = unit(position, tuple(ranges))
    if solved is None:
        return everything
    index, sign, rest = solved
    # of a triangle m = 0..l-1 all that any l has
    lo, hi = (span(end, up) for end, up in zip(ranges[index], (False, True), strict=True))
    ends = (lo + rest, hi + rest) if sign > 0 else (rest - hi, rest - lo)
    return narrow(everything, ends)
