"""The uses of a variable: which elements read an element, and under which condition.

A sequence index is solved here, so that the chain rule speaks of the next layer and not of a sum over
all layers with an indicator in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from symbp.calculus.affine import Affine, Index, affine, fresh, known_le, large, span
from symbp.calculus.expr import Expr, Ref
from symbp.calculus.tree import bound, refresh, refs, replace_nodes, substitute, walk
from symbp.derive.graph import Graph, closure
from symbp.derive.steps import Interval, Part, framed, parts
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


class Unsolvable(Exception):
    """A variable cannot be seen through: the part of its range is not the consumer's to restrict."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


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
    found: list[Use] = []
    for place in _consumers(graph, array.name, through):
        equation = graph.model.equations[place]
        name = equation.lhs.name
        if name in through or (name not in alive and name != graph.model.cost):
            continue
        for variant, body, seen in _variants(graph, equation, array.name, through):
            found.extend(_group(array, target, variant, body, seen, equation.rhs))
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


def _variants(
    graph: Graph, equation: Equation, name: str, through: frozenset[str]
) -> Iterator[tuple[Equation, Expr, tuple[Ref, ...]]]:
    """The equation with variables seen through put in, once for each choice of their pieces."""
    below = tuple(
        r for r in refs(equation.rhs) if r.name in through and _reaches(graph, r.name, name, through)
    )
    choices = [tuple(_pieces(graph, equation, r, name, through)) for r in below]
    _one_range(equation, name, below, choices)
    for choice in itertools.product(*choices):
        bodies = {ref: piece for ref, (piece, _) in zip(below, choice, strict=True)}
        limits: dict[Index, Interval] = {}
        for _, restricted in choice:
            for index, interval in restricted.items():
                limits[index] = narrow(limits.get(index, interval), interval)
        # the variables seen through ride along in the right side, so that a restriction renames all
        whole = replace(equation, rhs=_put_in(equation.rhs, bodies))
        if not any(_leads(graph, n, name, through) for n in walk(whole.rhs)):
            continue
        ranged, seen = _restrict(whole, limits, below)
        if any(isinstance(n, Ref) and n.name in through for b in bodies.values() for n in walk(b)):
            for deeper, deep, further in _variants(graph, ranged, name, through):
                yield deeper, deep, (*seen, *further)
            continue
        yield ranged, ranged.rhs, seen


def _one_range(
    equation: Equation,
    name: str,
    below: Sequence[Ref],
    choices: Sequence[Sequence[tuple[Expr, Mapping[Index, Interval]]]],
) -> None:
    """Two ways through one equation have to hold on the same part of its range.

    In z_l = A a_{l-1} + W s with a_0 = s, putting a_0 in leaves l = 1, and W s is read for every l.

    Raises:
        Unsolvable: naming a variable whose pieces cover another part than the other way does.
    """
    limits = [restricted for pieces in choices for _, restricted in pieces]
    direct = any(r.name == name for r in refs(equation.rhs))
    if any(limits) and (direct or (len(below) > 1 and any(other != limits[0] for other in limits))):
        restricted = (r for r, pieces in zip(below, choices, strict=True) if any(p for _, p in pieces))
        raise Unsolvable(next(restricted).name)


def _put_in(rhs: Expr, bodies: Mapping[Ref, Expr]) -> Expr:
    return replace_nodes(rhs, lambda n: refresh(bodies[n]) if isinstance(n, Ref) and n in bodies else None)


def _leads(graph: Graph, node: Expr, name: str, through: frozenset[str]) -> bool:
    """Whether a node reads ``name``, itself or through variables that are still to be put in."""
    if not isinstance(node, Ref):
        return False
    return node.name == name or (node.name in through and _reaches(graph, node.name, name, through))


def _reaches(graph: Graph, start: str, name: str, through: frozenset[str]) -> bool:
    return name in closure([start], lambda n: graph.reads.get(n, ()) if n in through else ())


def _pieces(
    graph: Graph, equation: Equation, ref: Ref, name: str, through: frozenset[str]
) -> Iterator[tuple[Expr, dict[Index, Interval]]]:
    """The equations of a variable seen through that can define ``ref``, each with where it does."""
    for piece in graph.model.equations_of(ref.name):
        if not any(
            r.name == name or (r.name in through and _reaches(graph, r.name, name, through))
            for r in refs(piece.rhs)
        ):
            continue
        values: dict[Index, Affine] = {}
        limits: dict[Index, Interval] | None = {}
        for mine, its in zip(piece.lhs.indices, ref.indices, strict=True):
            index = mine.as_index()
            if index is not None and index in piece.indices:
                values[index] = its
                limits = _limit(equation, its, index.low, index.high, limits, ref.name)
            else:
                limits = _limit(equation, its, mine, mine, limits, ref.name)
            if limits is None:
                break
        if limits is not None:
            yield substitute(refresh(piece.rhs), values), limits


def _limit(
    equation: Equation,
    its: Affine,
    low: Affine,
    high: Affine,
    limits: dict[Index, Interval] | None,
    name: str,
) -> dict[Index, Interval] | None:
    """What ``low <= its <= high`` demands of the equation's indices; None if it never holds."""
    if limits is None or known_le(high + 1, its) or known_le(its + 1, low):
        return None
    if known_le(low, its) and known_le(its, high):
        return limits
    solved = _unit(its, equation.indices)
    if solved is None:
        if not low.indices() and not high.indices() and any(i.sequence for i in its.indices()):
            raise Unsolvable(name)
        return limits
    index, sign, rest = solved
    ends = (low - rest, high - rest) if sign > 0 else (rest - high, rest - low)
    if ends[0].indices() or ends[1].indices():
        return limits
    return {**limits, index: narrow(limits.get(index, (index.low, index.high)), ends)}


def narrow(first: Interval, second: Interval) -> Interval:
    """The common part of two intervals; where sizes decide, sequences are taken to be long."""
    lo = second[0] if generic_le(first[0], second[0]) else first[0]
    hi = second[1] if generic_le(second[1], first[1]) else first[1]
    return lo, hi


def generic_le(left: Affine, right: Affine) -> bool:
    """``left <= right`` for all sizes if that is known, else for large ones."""
    known = known_le(left, right)
    if known is not None:
        return known
    difference = right - left
    sign = large(difference)
    return sign > 0 or (sign == 0 and difference.const >= 0)


def _unit(position: Affine, indices: tuple[Index, ...]) -> tuple[Index, int, Affine] | None:
    """``position`` as ±index + rest with one of ``indices``, the rest without any index."""
    mine = [i for i in position.indices() if i in indices]
    sign = position.coefficient(mine[0]) if len(mine) == 1 else 0
    if not isinstance(sign, int) or abs(sign) != 1:
        return None
    rest = position - affine(mine[0]) * sign
    return None if rest.indices() else (mine[0], sign, rest)


def _restrict(
    equation: Equation, limits: Mapping[Index, Interval], seen: tuple[Ref, ...]
) -> tuple[Equation, tuple[Ref, ...]]:
    """The equation on a part of its range, and ``seen`` in terms of its new indices."""
    if not limits:
        return equation, seen
    moved: dict[Index, Affine] = {}
    indices = []
    for i in equation.indices:
        lo, hi = limits.get(i, (i.low.substitute(moved), i.high.substitute(moved)))
        if lo == hi and i.sequence:
            # one place is left: the first layer, not a sum over l = 1..1
            moved[i] = lo
            continue
        indices.append(fresh(i.name, lo, hi, i.sequence))
        moved[i] = affine(indices[-1])
    lhs = substitute(equation.lhs, moved)
    assert isinstance(lhs, Ref)
    refs_ = tuple(r for s in seen if isinstance(r := substitute(s, moved), Ref))
    narrowed = replace(equation, lhs=lhs, rhs=substitute(equation.rhs, moved), indices=tuple(indices))
    return narrowed, refs_


def _group(
    array: Array, target: Ref, equation: Equation, body: Expr, seen: tuple[Ref, ...], original: Expr
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
            for part in parts(array, target, equation, places, solvable):
                given = (array, target, equation, body, seen, places, solvable, bound_ranges, original)
                yield _use(*given, part)


def _place(occurrence: Ref, solvable: Mapping[int, str]) -> tuple[Affine, ...]:
    """Where on its sequences an occurrence reads, as far as the equation fixes it."""
    return tuple(occurrence.indices[a] if kind != "free" else Affine() for a, kind in solvable.items())


def _axis_kind(axis: int, occurrences: list[Ref], equation: Equation) -> str:
    positions = [o.indices[axis] for o in occurrences]
    if all(not p.indices() and not _gathers(p) for p in positions):
        return "fixed"
    solved = [_unit(p, equation.indices) if not _gathers(p) else None for p in positions]
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
            solved = _unit(occurrences[0].indices[axis], equation.indices)
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
        if kind == "index" and (solved := _unit(occurrence.indices[axis], equation.indices)) is not None
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
    solved = _unit(position, tuple(ranges))
    if solved is None:
        return everything
    index, sign, rest = solved
    # of a triangle m = 0..l-1 all that any l has
    lo, hi = (span(end, up) for end, up in zip(ranges[index], (False, True), strict=True))
    ends = (lo + rest, hi + rest) if sign > 0 else (rest - hi, rest - lo)
    return narrow(everything, ends)
