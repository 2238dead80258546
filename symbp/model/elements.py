"""Whether every element of a sequence is defined once: no equation twice, nothing read that none defines.

Which elements meet depends on sizes, so the question is asked at small numbers: what is wrong for all
of several choices of lengths is wrong.  Ordinary axes are full, so only sequence axes are counted, and
axes along which an equation was found to stop before their end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import prod

from symbp.calculus.affine import Affine, FloorDiv, Index, Monomial, Size, affine, show
from symbp.calculus.conditions import gaps
from symbp.calculus.expr import Expr, Ref, Where
from symbp.calculus.tree import bound, children, positions
from symbp.errors import ModelProblem, Span
from symbp.model.core import Array, Equation

Place = tuple[str, tuple[int, ...]]
"""An array and the positions on its axes that are counted."""

Counted = Mapping[str, Sequence[int]]
"""The axes of each array that are counted."""

MOST = 4000
"""Places that are looked at for one occurrence; longer loops are left to the numbers."""


@dataclass
class Sizes:
    """Numbers for sizes: sequences are longer than windows and shifts, and no two alike."""

    lengths: frozenset[str]
    start: int
    others: tuple[int, ...] = ()
    """Numbers for all other sizes; without them those that bound an index are as long as sequences."""
    given: dict[Size, int] = field(default_factory=dict)

    def number(self, value: Affine, at: Mapping[Index, int]) -> int:
        """The value of an affine expression; LookupError for a gathered element."""
        total = value.const
        for atom, coefficient in value.terms:
            match atom:
                case Index():
                    total += coefficient * at[atom]
                case Size(name, places, long):
                    key = Size(name, tuple(Affine(self.number(p, at)) for p in places))
                    place = len(self.given) % 3
                    if name in self.lengths or (long and not self.others):
                        length = self.start + place
                    else:
                        length = (self.others or (2, 3, 4))[place]
                    total += coefficient * self.given.setdefault(key, length)
                case FloorDiv(inner, by):
                    total += coefficient * (self.number(inner, at) // self.number(affine(by), at))
                case Monomial(factors):
                    total += coefficient * prod(self.number(affine(f), at) for f in factors)
                case _:
                    raise LookupError("a gathered element has no fixed place")
        return total


@dataclass(frozen=True)
class Fault:
    """What is wrong in an equation: it reads ``ref`` where nothing defines it, or defines anew."""

    equation: int
    ref: Ref | None = None
    other: int = 0


def check_elements(
    equations: Sequence[Equation],
    arrays: Mapping[str, Array],
    lengths: frozenset[str],
    spans: Mapping[tuple[int, Ref], Span | None],
) -> None:
    """Every element is defined once at most, and those that are read are defined.

    ``lengths`` are the sizes that bound the declared sequences; ``spans`` the places of what is read,
    by the number of its equation.

    Raises:
        ModelProblem: with an example of an element for which it is not so.
    """
    numbered = {e.number: e for e in equations}
    plain: Counted = {name: [k for k, i in enumerate(a.axes) if i.sequence] for name, a in arrays.items()}
    small = [Sizes(lengths, start) for start in (4, 7)]
    large = [Sizes(lengths, 4, order) for order in ((10, 14, 18), (18, 14, 10), (14, 18, 10))]
    for fault, example in _always(_faults(equations, plain, sizes) for sizes in (*small, *large)):
        raise _problem(fault, example, numbered, spans, plain)
    if short := _short(equations, arrays):
        more: Counted = {
            name: sorted({*axes, *(k for n, k in short if n == name)}) for name, axes in plain.items()
        }
        for fault, example in _always(_faults(equations, more, replace(sizes, given={})) for sizes in large):
            if fault.ref is not None:
                raise _problem(fault, example, numbered, spans, more)


@dataclass(frozen=True)
class Faults:
    """What is wrong at some sizes, with the element that shows it; the arrays that are too large to count."""

    found: Mapping[Fault, Place]
    uncounted: frozenset[str]

    def allow(self, fault: Fault, array: str) -> bool:
        """Whether these sizes do not show that there is no such fault."""
        return fault in self.found or array in self.uncounted


def _always(runs: Iterable[Faults]) -> Iterator[tuple[Fault, tuple[int, ...]]]:
    """What is wrong each time; no run more is made than it takes."""
    made = iter(runs)
    left = dict(next(made).found)
    while left and (run := next(made, None)) is not None:
        left = {fault: place for fault, place in left.items() if run.allow(fault, place[0])}
    yield from ((fault, at) for fault, (_, at) in left.items())


def _short(equations: Sequence[Equation], arrays: Mapping[str, Array]) -> set[tuple[str, int]]:
    """The ordinary axes, by array and number, of which an equation does not define all."""
    found: set[tuple[str, int]] = set()
    for equation in equations:
        axes, values = arrays[equation.lhs.name].axes, dict[Index, Affine]()
        for number, (position, axis) in enumerate(zip(equation.lhs.indices, axes, strict=True)):
            index, ends = position.as_index(), (axis.low.substitute(values), axis.high.substitute(values))
            if not axis.sequence and (index is None or (index.low, index.high) != ends):
                found.add((equation.lhs.name, number))
            values[axis] = position
    return found


def _faults(equations: Sequence[Equation], counted: Counted, sizes: Sizes) -> Faults:
    """All faults at these sizes."""
    owners: dict[Place, Equation] = {}
    found: dict[Fault, Place] = {}
    uncounted: set[str] = set()
    for equation in equations:
        places = _places(equation.lhs, equation.indices, counted, sizes)
        if places is None:
            uncounted.add(equation.lhs.name)
        for place in places or ():
            first = owners.setdefault(place, equation)
            if first is not equation:
                found.setdefault(Fault(equation.number, None, first.number), place)
    whole = {e.lhs.name for e in equations} - uncounted
    for equation in equations:
        for ref, indices, guards in _reads(equation.rhs, equation.indices):
            if ref.name in whole:
                places = _places(ref, indices, counted, sizes, guards)
                if places is None:
                    uncounted.add(ref.name)
                for place in places or ():
                    if place not in owners:
                        found.setdefault(Fault(equation.number, ref), place)
    return Faults(found, frozenset(uncounted))


def _places(
    ref: Ref,
    indices: Sequence[Index],
    counted: Counted,
    sizes: Sizes,
    guards: Sequence[Affine] = (),
) -> list[Place] | None:
    """The positions on counted axes that an occurrence takes; None if they are unknown or too many.

    What ``guards`` say to be at least 0 is so wherever it is read.
    """
    places = [ref.indices[axis] for axis in counted[ref.name]]
    needed = _closure({i for p in (*places, *guards) for i in p.indices()})
    own = [i for i in indices if i in needed]
    found: list[Place] = []
    try:
        for at in _loop(own, sizes, {}):
            if len(found) == MOST:
                return None
            if any(sizes.number(g, at) < 0 for g in guards):
                continue
            found.append((ref.name, tuple(sizes.number(p, at) for p in places)))
    except LookupError:
        return None
    return found


def _closure(needed: set[Index]) -> set[Index]:
    """The indices with those on which their ranges depend."""
    found, pending = set(needed), list(needed)
    while pending:
        index = pending.pop()
        inner = {i for end in (index.low, index.high) for i in end.indices()} - found
        found |= inner
        pending.extend(inner)
    return found


def _loop(indices: Sequence[Index], sizes: Sizes, at: dict[Index, int]) -> Iterator[dict[Index, int]]:
    if not indices:
        yield at
        return
    first, rest = indices[0], indices[1:]
    for number in range(sizes.number(first.low, at), sizes.number(first.high, at) + 1):
        yield from _loop(rest, sizes, {**at, first: number})


def _reads(
    node: Expr, indices: tuple[Index, ...], guards: tuple[Affine, ...] = ()
) -> Iterator[tuple[Ref, tuple[Index, ...], tuple[Affine, ...]]]:
    """Every element that is read, with the indices in whose scope it stands and what is at least 0 there."""
    inside = (*indices, *bound(node))
    for position in positions(node):
        for atom in position.atoms():
            if isinstance(atom, Ref):
                yield atom, inside, guards
    match node:
        case Ref():
            yield node, inside, guards
        case Where(cond, then, other):
            yield from _reads(cond, inside, guards)
            yield from _reads(then, inside, (*guards, *gaps(cond)))
            yield from _reads(other, inside, (*guards, *gaps(cond, False)))
        case _:
            for child in children(node):
                yield from _reads(child, inside, guards)


def _problem(
    fault: Fault,
    example: tuple[int, ...],
    numbered: Mapping[int, Equation],
    spans: Mapping[tuple[int, Ref], Span | None],
    counted: Counted,
) -> ModelProblem:
    equation = numbered[fault.equation]
    if fault.ref is None:
        name = equation.lhs.name
        at = f", for example {name}[{_element(equation.lhs, example, counted)}]" if example else ""
        return ModelProblem(
            f"{name} is defined twice{at}", equation.span,
            "restrict one of the equations (… for l = 1..L-1), or remove it",
            (("the other equation", numbered[fault.other].span),),
        )
    element = f"{fault.ref.name}[{_element(fault.ref, example, counted)}]"
    others = tuple(e for e in numbered.values() if e.lhs.name == fault.ref.name)
    written = ", ".join(map(show, fault.ref.indices))
    return ModelProblem(
        f"the element {element} is read, as {fault.ref.name}[{written}], but no equation defines it",
        spans.get((fault.equation, fault.ref), equation.span),
        f"define the boundary: {element} = …, or restrict this equation: … for …",
        tuple((f"{fault.ref.name} is defined here", e.span) for e in others),
    )


def _element(ref: Ref, example: tuple[int, ...], counted: Counted) -> str:
    """The positions with the example's numbers; … for ordinary axes, which are full."""
    numbers = dict(zip(counted[ref.name], map(str, example), strict=True))
    shown = [numbers.get(axis, "…") for axis in range(len(ref.indices))]
    # b[2, …] is b[2, …, …]
    while shown[-2:] == ["…", "…"]:
        shown.pop()
    return ", ".join(shown)
