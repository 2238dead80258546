"""Whether every element of a sequence is defined once: no equation twice, nothing read that none defines.

Which elements meet depends on sizes, so the question is asked at small numbers: what is wrong for all
of several choices of lengths is wrong.  Ordinary axes are full, so only sequence axes are counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod

from symbp.calculus.affine import Affine, FloorDiv, Index, Monomial, Size, affine, show
from symbp.calculus.conditions import gaps
from symbp.calculus.expr import Expr, Ref, Where
from symbp.calculus.tree import bound, children, positions
from symbp.errors import ModelProblem, Span
from symbp.model.core import Array, Equation

Place = tuple[str, tuple[int, ...]]
"""An array and the positions on its sequence axes."""

MOST = 4000
"""Places that are looked at for one occurrence; longer loops are left to the numbers."""


@dataclass
class Sizes:
    """Numbers for sizes: sequences are longer than windows and shifts, and no two alike."""

    lengths: frozenset[str]
    start: int
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
                    base = self.start if long or name in self.lengths else 2
                    total += coefficient * self.given.setdefault(key, base + len(self.given) % 3)
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
    runs = [_faults(equations, arrays, Sizes(lengths, start)) for start in (4, 7)]
    for fault, example in runs[0].items():
        if all(fault in run for run in runs):
            raise _problem(fault, example, {e.number: e for e in equations}, spans)


def _faults(
    equations: Sequence[Equation], arrays: Mapping[str, Array], sizes: Sizes
) -> dict[Fault, tuple[int, ...]]:
    """All faults at these sizes, each with the element that shows it."""
    owners: dict[Place, Equation] = {}
    faults: dict[Fault, tuple[int, ...]] = {}
    checked = {e.lhs.name for e in equations}
    for equation in equations:
        places = _places(equation.lhs, equation.indices, arrays, sizes)
        if places is None:
            checked.discard(equation.lhs.name)
            continue
        for place in places:
            first = owners.setdefault(place, equation)
            if first is not equation:
                faults.setdefault(Fault(equation.number, None, first.number), place[1])
    for equation in equations:
        for ref, indices, guards in _reads(equation.rhs, equation.indices):
            if ref.name in checked:
                for place in _places(ref, indices, arrays, sizes, guards) or ():
                    if place not in owners:
                        faults.setdefault(Fault(equation.number, ref), place[1])
    return faults


def _places(
    ref: Ref,
    indices: Sequence[Index],
    arrays: Mapping[str, Array],
    sizes: Sizes,
    guards: Sequence[Affine] = (),
) -> list[Place] | None:
    """The positions on sequence axes that an occurrence takes; None if they are unknown or too many.

    What ``guards`` say to be at least 0 is so wherever it is read.
    """
    axes = arrays[ref.name].axes
    places = [p for p, axis in zip(ref.indices, axes, strict=True) if axis.sequence]
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
) -> ModelProblem:
    equation = numbered[fault.equation]
    if fault.ref is None:
        name = equation.lhs.name
        at = f", for example {name}[{_element(equation.lhs, example)}]" if example else ""
        return ModelProblem(
            f"{name} is defined twice{at}", equation.span,
            "restrict one of the equations (… for l = 1..L-1), or remove it",
            (("the other equation", numbered[fault.other].span),),
        )
    element = f"{fault.ref.name}[{_element(fault.ref, example)}]"
    others = tuple(e for e in numbered.values() if e.lhs.name == fault.ref.name)
    written = ", ".join(map(show, fault.ref.indices))
    return ModelProblem(
        f"the element {element} is read, as {fault.ref.name}[{written}], but no equation defines it",
        spans.get((fault.equation, fault.ref), equation.span),
        f"define the boundary: {element} = …, or restrict this equation: … for …",
        tuple((f"{fault.ref.name} is defined here", e.span) for e in others),
    )


def _element(ref: Ref, example: tuple[int, ...]) -> str:
    """The positions with the example's numbers, and the indices of ordinary axes as they are."""
    numbers = iter(example)
    return ", ".join(map(str, numbers)) + ", …" * (len(ref.indices) > len(example))
