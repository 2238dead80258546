"""From one element to the cost: every element that reads it, how much it moves, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from symbp.calculus.affine import Affine
from symbp.calculus.expr import Adjoint, Expr, Indicator, Mul, Number, Partial, Ref, Within
from symbp.calculus.tree import refs, size
from symbp.derive.core import Jacobian
from symbp.explain.core import Block, Line, Lines, Math, Section, Times, Whole, Words, say, side
from symbp.explain.numerals import multiplied, shown, summed
from symbp.explain.reading import FEW, arrays, between, directly, listed, whole
from symbp.explain.spot import Spot, matched, open_indices
from symbp.verify.evaluate import Key, OutsideRange
from symbp.verify.lines import difference
from symbp.verify.places import points

MOST = 6
"""So many paths are written out; what the others add up to is given in one number."""

LONGEST = 60
"""An equation of more nodes than this is not repeated."""

LONG = 24
"""A local derivative of more nodes than this is given as a number only."""


@dataclass(frozen=True, slots=True)
class Path:
    """One way from the element: to ``end``, with its local derivative and the adjoint there.

    ``factors`` are what the derivation says the local derivative is, with numbers for indices; empty
    where it is not one short product.  The end is the cost itself where that reads the element.
    """

    end: Key
    local: float
    adjoint: float
    factors: tuple[Expr, ...] = ()
    values: tuple[float, ...] = ()

    @property
    def term(self) -> float:
        """What the path contributes to the adjoint."""
        return self.local * self.adjoint

    @property
    def element(self) -> Ref:
        """Its end as an expression."""
        return Ref(self.end[0], tuple(map(Affine, self.end[1])))


def paths(spot: Spot) -> tuple[Path, ...]:
    """Every path with a local derivative that is not 0; together they are the adjoint."""
    model, oracle = spot.system.model, spot.oracle
    found = []
    for name in spot.case.consumers:
        for at in points(model.arrays[name].axes, oracle) if name != model.cost else [()]:
            local = _local(spot, (name, at))
            if local:
                adjoint = 1.0 if name == model.cost else spot.adjoint((name, at))
                found.append(_explained(spot, Path((name, at), local, adjoint)))
    spot.same(sum(p.term for p in found), spot.adjoint(spot.key), "the sum over all paths")
    return tuple(found)


def _local(spot: Spot, end: Key) -> float:
    try:
        return float(spot.oracle.partial_of(*end, spot.key))
    except OutsideRange:
        # no equation defines this element: it lies outside of the ranges that the model uses
        return 0.0


def _explained(spot: Spot, path: Path) -> Path:
    """The path with the factors of its local derivative, if the derivation has one short product for it."""
    entries = [e for j in spot.case.jacobians if (e := _entry(spot, j, path)) is not None]
    if len(entries) != 1 or size(entries[0]) > LONG:
        return path
    (entry,) = entries
    factors = entry.factors if isinstance(entry, Mul) else (entry,)
    # a condition that holds is a factor 1, and says nothing
    factors = tuple(f for f in factors if not isinstance(f, _CONDITIONS) or spot.value(f) != 1)
    values = tuple(map(spot.value, factors))
    if difference(_product(values), path.local, 1) > 1e-9:
        return path
    return Path(path.end, path.local, path.adjoint, factors, values)


_CONDITIONS = (Indicator, Within, Number)


def _product(values: Sequence[float]) -> float:
    out = 1.0
    for value in values:
        out *= value
    return out


def _entry(spot: Spot, jacobian: Jacobian, path: Path) -> Expr | None:
    if jacobian.consumer.name != path.end[0]:
        return None
    at = matched(jacobian.consumer.indices, path.end[1], spot)
    if at is None or open_indices(jacobian.entry, at):
        return None
    place = spot.moved(at)
    try:
        return None if place.value(jacobian.entry) == 0 else place.fixed(jacobian.entry)
    except OutsideRange:
        # the entry is that of another equation of the same variable: this element is on the border
        return None


# ── in words ──────────────────────────────────────────────────────────────────────────────────────


def section(spot: Spot, found: Sequence[Path]) -> Section | None:
    """The sum over the paths; None where the cost reads the element and nothing else does."""
    cost = spot.system.model.cost
    if all(p.end[0] == cost for p in found):
        return None
    element, name = spot.element, Adjoint(spot.element.name, spot.element.indices)
    blocks: list[Block] = [
        *_equations(spot, found),
        say(
            element, " acts on ", Ref(cost), " through what reads it: ", *_readers(spot, found), ". A path "
            "counts for as much as it moves its end, times what a move of the end costs: its local "
            "derivative times the adjoint at its end.",
        ),
        Lines(tuple(_line(spot, p) for p in _largest(found))),
    ]  # fmt: skip
    blocks.extend(_others(found))
    if len(found) > 1:
        why: Words = ("the paths add up, and it is what moving ", element, " gave",)
        blocks.append(Lines((Line(name, "=", _sum(found), why),)))
    heading = ("Which ways lead from ", element, " to ", Ref(cost), "?")
    return Section("paths", heading, tuple(blocks))


def _sum(found: Sequence[Path]) -> Math:
    terms = [p.term for p in _largest(found)]
    if len(alive(found)) > MOST:
        terms.append(sum(p.term for p in found) - sum(terms))
    return side(*summed(terms)) if len(terms) > 1 else shown(terms[0])


def _equations(spot: Spot, found: Sequence[Path]) -> Iterator[Block]:
    """The equations of what reads the element, so that the page can be read without the model."""
    between_ = {k[0] for p in found for k in between(spot, p.end)}
    read = {spot.element.name, *between_}
    wanted = {p.end[0] for p in found} | between_
    equations = [
        e
        for e in sorted(spot.system.model.equations, key=lambda e: e.lhs.name not in between_)
        if e.lhs.name in wanted and any(r.name in read for r in refs(e.rhs)) and size(e.rhs) <= LONGEST
    ]
    lines = tuple(Line(e.lhs, "=", e.rhs) for e in equations)
    if lines:
        yield say("From ", Whole(whole(spot, spot.key)), " the model computes:")
        yield Lines(lines)


def _readers(spot: Spot, found: Sequence[Path]) -> Words:
    """How many elements read it, and by way of what: 3 elements read it by way of a₁."""
    groups: dict[tuple[bool, tuple[Math, ...]], int] = {}
    for path in found:
        way = directly(spot, path.end), tuple(arrays(spot, between(spot, path.end)))
        groups[way] = groups.get(way, 0) + 1
    out: list[str | Math] = []
    for n, ((direct, via), count) in enumerate(groups.items()):
        out.append((", " if n < len(groups) - 1 else " and ") if n else "")
        out.append("one element reads it" if count == 1 else f"{count} elements read it")
        out += [" directly"] if direct and (via or len(groups) > 1) else []
        out += [" and" if direct else "", *by_way(via)] if via else []
    return tuple(out)


def by_way(via: Sequence[Math]) -> Words:
    """Through which variables that have no adjoint of their own here."""
    if not via:
        return ()
    return (" by way of ", *listed(via)) if len(via) <= FEW else (" by way of other variables",)


def alive(found: Sequence[Path]) -> list[Path]:
    """The paths that carry something: where a unit is off, or another entry is the largest, 0 comes back."""
    return [p for p in found if p.term]


def _largest(found: Sequence[Path]) -> list[Path]:
    """The paths that are written out, in their order."""
    told = alive(found) or list(found)
    kept = sorted(told, key=lambda p: -abs(p.term))[:MOST]
    return [p for p in told if p in kept]


def _others(found: Sequence[Path]) -> list[Block]:
    count = len(found) - len(written := _largest(found))
    if not count:
        return []
    one = count == 1
    if len(alive(found)) <= MOST:
        return [say("The other path adds nothing: the adjoint at its end is 0." if one else
                    f"The other {count} paths add nothing: the adjoints at their ends are 0.")]  # fmt: skip
    rest = sum(p.term for p in found) - sum(p.term for p in written)
    return [say("The other path adds " if one else f"The other {count} paths add up to ", shown(rest), ".")]


def _line(spot: Spot, path: Path) -> Line:
    """∂z³₀/∂z²₁ · δ³₀ = w³₀₁ σ′(z²₁) · δ³₀ = 0.7 · 0.24 · 0.31 = 0.052."""
    element, cost = spot.element, spot.system.model.cost
    if path.end[0] == cost:
        return Line(side(element, "→", Ref(cost)), ":", shown(path.local), cost_reads(spot))
    adjoint = Adjoint(*_indexed(path))
    letters: list[Math] = [*path.factors, adjoint]
    numbers, sign, total = multiplied([*(path.values or (path.local,)), path.adjoint])
    local = Partial(path.element, element)
    first = Times((local, adjoint))
    chain: list[Math | str] = [first]
    if path.factors and path.factors != (local,):
        chain += ["=", Times(tuple(letters))]
    return Line(side(element, "→", path.element), ":", side(*chain[-1:], "=", numbers, sign, total))


def cost_reads(spot: Spot) -> Words:
    """How the cost reads the element."""
    end = (spot.system.model.cost, ())
    via = arrays(spot, between(spot, end))
    if not via:
        return ("the cost reads it directly",)
    return ("the cost reads it", " directly and" if directly(spot, end) else "", *by_way(via))


def _indexed(path: Path) -> tuple[str, tuple[Affine, ...]]:
    return path.end[0], path.element.indices
