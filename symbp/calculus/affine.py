"""Integer-affine expressions: what may stand in an index position, in a range and in a shape.

``2*i + p - 1`` is ``Affine(-1, ((i, 2), (p, 1)))``.  Atoms are indices, sizes, integer-valued array
elements (``tok[t]``) and rounded quotients of sizes, which strided windows bring in.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
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


def fresh(
    name: str, lo: Affine | None = None, hi: Affine | None = None, sequence: str = ""
) -> Index:
    """A new index that equals no other."""
    return Index(name, next(_uids), lo, hi, sequence)


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
    by: int


Atom = Union[Index, Size, FloorDiv, "Ref"]


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

    def __mul__(self, factor: int) -> Affine:
        return Affine(self.const * factor, ((a, c * factor) for a, c in self.terms))

    __rmul__ = __mul__

    @property
    def is_const(self) -> bool:
        """Whether no atom is left."""
        return not self.terms

    def coefficient(self, atom: Atom) -> int:
        """The factor of ``atom``, 0 if it does not occur at the top."""
        return next((c for a, c in self.terms if a == atom), 0)

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
        case FloorDiv(value, _):
            return (value,)
        case _:
            return atom.indices


def _rebuild(atom: Atom, parts: tuple[Affine, ...]) -> Atom:
    match atom:
        case Index():
            return atom
        case Size(name, _, long):
            return Size(name, parts, long)
        case FloorDiv(_, by):
            return FloorDiv(parts[0], by)
        case _:
            return type(atom)(atom.name, parts)


def affine(value: Affine | Atom | int) -> Affine:
    """``value`` as an affine expression."""
    if isinstance(value, Affine):
        return value
    if isinstance(value, int):
        return Affine(value)
    return Affine(0, ((value, 1),))


def floor_div(value: Affine, by: int) -> Affine:
    """``value // by``, exact where every coefficient divides."""
    whole = Affine(value.const // by, ((a, c // by) for a, c in value.terms if c % by == 0))
    rest = Affine(value.const % by, ((a, c) for a, c in value.terms if c % by))
    return whole if rest.is_const else whole + FloorDiv(rest, by)


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
    for atom, coefficient in value.terms:
        if isinstance(atom, FloorDiv) and coefficient % atom.by == 0 and depth < 6:
            # v - by + 1 <= by*(v//by) <= v
            times, low = coefficient // atom.by, atom.value - (atom.by - 1)
            end = low if coefficient > 0 else atom.value
            return known_nonnegative(value - affine(atom) * coefficient + end * times, depth + 1)
    index = innermost(value)
    if index is not None and depth < 6:
        coefficient = value.coefficient(index)
        end = index.low if coefficient > 0 else index.high
        return known_nonnegative(value - affine(index) * coefficient + end * coefficient, depth + 1)
    for atom, coefficient in value.terms:
        if coefficient < 0 or not isinstance(atom, Size):
            return False
        least += coefficient
    return least >= 0


def innermost(value: Affine) -> Index | None:
    """An index with a range that no other one's range depends on: with s = 0..t, of t - s it is s.

    Put the end of its range in its place before those of the others.
    """
    terms = (a for a, _ in value.terms if isinstance(a, Index))
    own = [i for i in terms if i.lo is not None and i.hi is not None]
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
            return f"(({show(value)})//{by})"
        case Size(name, at):
            return f"{name}[{', '.join(map(show, at))}]" if at else name
        case _:
            places = ", ".join(map(show, atom.indices))
            return f"{atom.name}[{places}]" if places else atom.name


def unique(items: Iterable[Hashable]) -> tuple[Hashable, ...]:
    """The items in order, each once."""
    return tuple(dict.fromkeys(items))
