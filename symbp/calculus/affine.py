"""Integer-affine expressions: what may stand in an index position, in a range and in a shape.

``2*i + p - 1`` is ``Affine(-1, ((i, 2), (p, 1)))``.  Atoms are indices, sizes, integer-valued array
elements (``tok[t]``), rounded quotients of sizes, which strided windows bring in, and sizes times an
index or another size: ``s*i`` where the stride is a size.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING, Union

from symbp.errors import SymbpError

if TYPE_CHECKING:
    from symbp.calculus.expr import Ref

_uids = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Index:
    """A bound or free integer variable.  Its identity is ``uid``; the name is only how it prints.

    ``lo`` and ``hi`` are the inclusive range, None before inference.  ``sequence`` holds the name of
    the declared sequence index (``l``) that this one is, or is a renaming of, else "".
    """

    name: str = field(compare=False)
    uid: int
    lo: Affine | None = field(default=None, compare=False, repr=False)
    hi: Affine | None = field(default=None, compare=False, repr=False)
    sequence: str = field(default="", compare=False)

    @property
    def low(self) -> Affine:
        """The lower end of the range.

        Raises:
            ValueError: if the range has not been inferred yet.
        """
        if self.lo is None:
            raise ValueError(f"the range of index {self.name} is not known yet")
        return self.lo

    @property
    def high(self) -> Affine:
        """The upper end of the range, included.

        Raises:
            ValueError: if the range has not been inferred yet.
        """
        if self.hi is None:
            raise ValueError(f"the range of index {self.name} is not known yet")
        return self.hi

    @property
    def extent(self) -> Affine:
        """How many values the index takes."""
        return self.high - self.low + 1


ALONE = 0
"""The ``uid`` of an index that is the same wherever it is bound: that of the examples of a batch."""


def fresh(
    name: str, lo: Affine | None = None, hi: Affine | None = None, sequence: str = ""
) -> Index:
    """A new index that equals no other."""
    return Index(name, next(_uids), lo, hi, sequence)


def in_ranges(index: Index, others: Iterable[Index]) -> bool:
    """Whether the range of one of these indices depends on ``index``, as in a triangle i = 0..n."""
    return any(index in end.indices() for i in others for end in (i.low, i.high))


@dataclass(frozen=True, slots=True)
class Size:
    """A positive integer named in a shape: ``K``, or a member ``n[l]`` of a family of sizes.

    ``long``: where sizes have to be compared, this one is taken to be larger than those that are not.
    """

    name: str
    at: tuple[Affine, ...] = ()
    long: bool = field(default=False, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FloorDiv:
    """``value // by`` of sizes: the number of places of a window that moves by ``by``."""

    value: Affine
    by: Factor


@dataclass(frozen=True, slots=True)
class Monomial:
    """Sizes times an index, a quotient or another size, in one order: ``s*i``.  Make it with ``*``."""

    factors: tuple[Atom, ...]


Atom = Union[Index, Size, FloorDiv, Monomial, "Ref"]
Factor = Union[int, "Affine"]
"""What multiplies an index: an integer, or an expression of sizes."""


class Affine:
    """``const + Σ coefficient·atom``.  Terms keep the author's order, which equality ignores."""

    __slots__ = ("_hash", "const", "terms")

    const: int
    terms: tuple[tuple[Atom, int], ...]

    def __init__(self, const: int = 0, terms: Iterable[tuple[Atom, int]] = ()) -> None:
        merged: dict[Atom, int] = {}
        for atom, coefficient in terms:
            merged[atom] = merged.get(atom, 0) + coefficient
        self.const = const
        self.terms = tuple((a, c) for a, c in merged.items() if c)
        self._hash = hash((const, frozenset(self.terms)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Affine)
            and self._hash == other._hash
            and self.const == other.const
            and frozenset(self.terms) == frozenset(other.terms)
        )

    def __repr__(self) -> str:
        return f"Affine({show(self)})"

    def __add__(self, other: Affine | Atom | int) -> Affine:
        right = affine(other)
        return Affine(self.const + right.const, self.terms + right.terms)

    __radd__ = __add__

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | Atom | int) -> Affine:
        return self + affine(other) * -1

    def __rsub__(self, other: Affine | Atom | int) -> Affine:
        return affine(other) - self

    def __mul__(self, factor: Factor) -> Affine:
        if isinstance(factor, Affine):
            whole = self * factor.const
            return whole + Affine(0, (term for a, c in factor.terms for term in self._scaled(a, c)))
        return Affine(self.const * factor, ((a, c * factor) for a, c in self.terms))

    __rmul__ = __mul__

    def _scaled(self, atom: Atom, times: int) -> Iterator[tuple[Atom, int]]:
        for own, coefficient in self.terms:
            yield _monomial(own, atom), coefficient * times
        yield atom, self.const * times

    # Comparisons with integers say what holds for all positive sizes: a stride s is greater than 0.

    def __gt__(self, other: int) -> bool:
        return known_nonnegative(self - other - 1)

    def __lt__(self, other: int) -> bool:
        return known_nonnegative(other - self - 1)

    def __abs__(self) -> Affine:
        return self if self > 0 else -self

    @property
    def is_const(self) -> bool:
        """Whether no atom is left."""
        return not self.terms

    def coefficient(self, atom: Atom) -> Factor:
        """The factor of ``atom``, 0 if it does not occur at the top: an integer, or sizes as in ``s*i``."""
        whole = next((c for a, c in self.terms if a == atom), 0)
        found = [(a, c) for a, c in self.terms if isinstance(a, Monomial) and atom in a.factors]
        return sum((_without(a, atom) * c for a, c in found), Affine(whole)) if found else whole

    def tops(self) -> tuple[Index, ...]:
        """The indices that stand in it with a factor, not inside of a size or of a quotient."""
        found = (f for a, _ in self.terms for f in (a.factors if isinstance(a, Monomial) else (a,)))
        return tuple(dict.fromkeys(f for f in found if isinstance(f, Index)))

    def as_atom(self) -> Atom | None:
        """The atom, if this is one atom and nothing else."""
        if self.const == 0 and len(self.terms) == 1 and self.terms[0][1] == 1:
            return self.terms[0][0]
        return None

    def as_index(self) -> Index | None:
        """The index, if this is one index and nothing else."""
        atom = self.as_atom()
        return atom if isinstance(atom, Index) else None

    def atoms(self) -> Iterator[Atom]:
        """All atoms, those inside sizes, quotients and gathered elements too."""
        for atom, _ in self.terms:
            yield atom
            for inner in _parts(atom):
                yield from inner.atoms()

    def indices(self) -> tuple[Index, ...]:
        """The indices it depends on, in order of appearance, each once."""
        return tuple(dict.fromkeys(a for a in self.atoms() if isinstance(a, Index)))

    def map_atoms(self, change: Callable[[Atom], Affine | None]) -> Affine:
        """Replace every atom for which ``change`` returns something, at any depth."""
        total, touched = Affine(self.const), False
        for atom, coefficient in self.terms:
            new = change(atom)
            if new is None:
                old = _parts(atom)
                parts = tuple(p.map_atoms(change) for p in old)
                # By identity: an index that only gained its range equals the one it replaces.
                changed = any(a is not b for a, b in zip(parts, old, strict=True))
                touched = touched or changed
                new = affine(_rebuild(atom, parts) if changed else atom)
            else:
                touched = True
            total = total + new * coefficient
        return total if touched else self

    def substitute(self, mapping: Mapping[Index, Affine]) -> Affine:
        """Replace indices."""
        if not mapping or not self.terms:
            return self
        return self.map_atoms(lambda a: mapping.get(a) if isinstance(a, Index) else None)


def _parts(atom: Atom) -> tuple[Affine, ...]:
    match atom:
        case Index():
            return ()
        case Size(_, at):
            return at
        case FloorDiv(value, by):
            return (value, by) if isinstance(by, Affine) else (value,)
        case Monomial(factors):
            return tuple(map(affine, factors))
        case _:
            return atom.indices


def _rebuild(atom: Atom, parts: tuple[Affine, ...]) -> Atom | Affine:
    match atom:
        case Index():
            return atom
        case Size(name, _, long):
            return Size(name, parts, long)
        case FloorDiv(_, by):
            return FloorDiv(parts[0], parts[1] if isinstance(by, Affine) else by)
        case Monomial():
            return prod(parts, start=Affine(1))
        case _:
            return type(atom)(atom.name, parts)


def _monomial(one: Atom, other: Atom) -> Atom:
    """The product of two atoms, its factors in one order."""
    parts = (f for a in (one, other) for f in (a.factors if isinstance(a, Monomial) else (a,)))
    return Monomial(tuple(sorted(parts, key=_order)))


def _order(atom: Atom) -> tuple[int, str, int]:
    """Sizes stand before indices, by their names."""
    kind = 0 if isinstance(atom, Size) else 2 if isinstance(atom, Index) else 1
    return kind, show_atom(atom), atom.uid if isinstance(atom, Index) else 0


def _without(monomial: Monomial, atom: Atom) -> Affine:
    """What is left of a product without one of its factors."""
    place = monomial.factors.index(atom)
    rest = (*monomial.factors[:place], *monomial.factors[place + 1 :])
    return prod(map(affine, rest), start=Affine(1))


def affine(value: Affine | Atom | int) -> Affine:
    """``value`` as an affine expression."""
    if isinstance(value, Affine):
        return value
    if isinstance(value, int):
        return Affine(value)
    return Affine(0, ((value, 1),))


def floor_div(value: Affine, by: Factor) -> Affine:
    """``value // by``, exact where every coefficient divides."""
    if isinstance(by, Affine):
        parts = [affine(value.const), *(affine(a) * c for a, c in value.terms)]
        exact = [divided(part, by) for part in parts]
        rest = sum((p for p, e in zip(parts, exact, strict=True) if e is None), Affine())
        whole = sum((e for e in exact if e is not None), Affine())
        return whole if rest == Affine() else whole + FloorDiv(rest, by)
    whole = Affine(value.const // by, ((a, c // by) for a, c in value.terms if c % by == 0))
    rest = Affine(value.const % by, ((a, c) for a, c in value.terms if c % by))
    return whole if rest.is_const else whole + FloorDiv(rest, by)


def divided(value: Affine, by: Factor) -> Affine | None:
    """The quotient where every coefficient is a multiple: 2i + 4 by 2 is i + 2, s i by s is i."""
    if isinstance(by, Affine):
        return _divided(value, by)
    if value.const % by or any(c % by for _, c in value.terms):
        return None
    return Affine(value.const // by, ((a, c // by) for a, c in value.terms))


def _divided(value: Affine, by: Affine) -> Affine | None:
    """The quotient by one product of sizes."""
    if by.const or len(by.terms) != 1 or value.const:
        return None
    ((atom, factor),) = by.terms
    total: Affine | None = Affine()
    for own, coefficient in value.terms:
        rest: Affine | None = affine(own)
        for part in atom.factors if isinstance(atom, Monomial) else (atom,):
            rest = None if rest is None else _lowered(rest, part)
        if rest is None or total is None or coefficient % factor:
            return None
        total = total + rest * (coefficient // factor)
    return total


def _lowered(value: Affine, part: Atom) -> Affine | None:
    """One atom without one of its factors."""
    ((atom, _),) = value.terms
    if isinstance(atom, Monomial):
        return _without(atom, part) if part in atom.factors else None
    return Affine(1) if atom == part else None


def known_le(left: Affine, right: Affine) -> bool | None:
    """Whether ``left <= right`` for all positive sizes: True, False, or None where it depends.

    Sizes are at least 1 and an index stays within its range; nothing else is assumed.
    """
    if known_nonnegative(right - left):
        return True
    return False if known_nonnegative(left - right - 1) else None


def large(value: Affine) -> int:
    """The sign of an expression for large sizes; 0 if they cancel."""
    long = sum(c for a, c in value.terms if isinstance(a, Size) and a.long)
    total = long or sum(c for _, c in value.terms)
    return (total > 0) - (total < 0)


def heading(gap: Affine) -> int | None:
    """How far a gap goes: itself if it is a constant, else ±1 for one that is surely on that side of 0.

    ``-1-p`` with p = 0..P-1 goes backwards, however far.  None where neither is known.
    """
    if gap.is_const:
        return gap.const
    return next((side for side in (-1, 1) if known_nonnegative(gap * side - 1)), None)


def known_nonnegative(value: Affine, depth: int = 0) -> bool:
    """Whether ``value >= 0`` follows from sizes being at least 1 and indices within their ranges."""
    least = value.const
    if depth < 6 and (pair := _falling_pair(value)) is not None:
        more, less, count = pair
        if known_nonnegative(more.value - less.value, depth + 1):
            rest = value - affine(more) * count + affine(less) * count
            return known_nonnegative(rest, depth + 1)
    for quotient in (a for a in value.atoms() if isinstance(a, FloorDiv)):
        coefficient = value.coefficient(quotient)
        times = divided(affine(coefficient), quotient.by)
        if times is not None and times.is_const and times != Affine() and depth < 6:
            # v - by + 1 <= by*(v//by) <= v
            low = quotient.value - (quotient.by - 1)
            end = low if times.const > 0 else quotient.value
            return known_nonnegative(value - affine(quotient) * coefficient + end * times, depth + 1)
    index = innermost(value)
    if index is not None and depth < 6:
        coefficient = value.coefficient(index)
        end = index.low if coefficient > 0 else index.high
        return known_nonnegative(value - affine(index) * coefficient + end * coefficient, depth + 1)
    for atom, coefficient in value.terms:
        if coefficient < 0 or not _positive(atom):
            return False
        least += coefficient
    return least >= 0


def _falling_pair(value: Affine) -> tuple[FloorDiv, FloorDiv, int] | None:
    """Two quotients by the same size that are subtracted: v//by - w//by is not negative where v >= w."""
    quotients = [(a, c) for a, c in value.terms if isinstance(a, FloorDiv)]
    for more, times in quotients:
        for less, other in quotients:
            if isinstance(times, int) and times > 0 and other == -times and more.by == less.by:
                return more, less, times
    return None


def _positive(atom: Atom) -> bool:
    """Whether an atom is a size, or a product of sizes: 1 or more."""
    parts = atom.factors if isinstance(atom, Monomial) else (atom,)
    return all(isinstance(part, Size) for part in parts)


def innermost(value: Affine) -> Index | None:
    """An index with a range that no other one's range depends on: with s = 0..t, of t - s it is s.

    Put the end of its range in its place before those of the others.
    """
    own = [i for i in value.tops() if i.lo is not None and i.hi is not None]
    outer = {i for o in own for i in (*o.low.indices(), *o.high.indices()) if i != o}
    return next((i for i in own if i not in outer), next(iter(own), None))


def span(position: Affine, up: bool) -> Affine:
    """The greatest (least) value of a position over the ranges of its indices."""
    for _ in range(12):
        found = innermost(position)
        if found is None:
            return position
        factor = position.coefficient(found)
        end = found.high if (factor > 0) == up else found.low
        position = position - affine(found) * factor + end * factor
    raise SymbpError("the ranges of indices depend on each other in a circle")


def show(value: Affine, atom_text: Callable[[Atom], str] | None = None) -> str:
    """The expression as ``l-1`` or ``2*i+p``: plain text for messages and code."""
    text = atom_text or show_atom
    out = ""
    for atom, coefficient in value.terms:
        sign = "-" if coefficient < 0 else "+" if out else ""
        factor = "" if abs(coefficient) == 1 else f"{abs(coefficient)}*"
        out += f"{sign}{factor}{text(atom)}"
    if value.const or not out:
        out += f"{value.const:+d}" if out else str(value.const)
    return out


def show_atom(atom: Atom) -> str:
    """One atom as the model language writes it."""
    match atom:
        case Index():
            return atom.name
        case FloorDiv(value, by):
            divisor = str(by) if isinstance(by, int) else show(by) if by.as_atom() else f"({show(by)})"
            return f"(({show(value)})//{divisor})"
        case Monomial(factors):
            return "*".join(map(show_atom, factors))
        case Size(name, at):
            return f"{name}[{', '.join(map(show, at))}]" if at else name
        case _:
            places = ", ".join(map(show, atom.indices))
            return f"{atom.name}[{places}]" if places else atom.name


def unique(items: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """The items in order, each once."""
    return tuple(dict.fromkeys(items))
