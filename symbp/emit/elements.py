"""Names with their indices: how an element of an array, a whole array, or a position is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine
from symbp.calculus.expr import Adjoint, Ref
from symbp.emit.identity import adjoint_key, keyed
from symbp.emit.layout import PARTIAL, Box, Fence, Frac, Product, Sym, Terms, num, row
from symbp.emit.lettering import capital, differential, rank, shown_names, styled
from symbp.emit.names import Meanings, Reserved
from symbp.emit.notation import NIELSEN, Notation, scripted, symbol, written_out
from symbp.emit.pieces import CLOSED, LETTER, PRODUCT, SUM, Piece, superscripted
from symbp.model.core import Array, Function

E = TypeVar("E", bound="Elements")


@dataclass(frozen=True)
class Elements:
    """What the printing of a line looks up: the names of arrays, functions, adjoints and indices."""

    arrays: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    functions: Mapping[str, Function] = field(default_factory=lambda: MappingProxyType({}))
    adjoints: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    cost: str = "C"
    notation: Notation = NIELSEN
    names: Mapping[Index, str] = field(default_factory=lambda: MappingProxyType({}))
    keys: Mapping[Index, str] = field(default_factory=lambda: MappingProxyType({}))
    """What tells indices apart where their letters do not, see :mod:`symbp.emit.identity`."""
    meanings: Meanings = field(default_factory=lambda: MappingProxyType({}))
    """What the letters of the model's equations run over."""
    literal: frozenset[str] = frozenset()
    """Names that are set as they are written, since another one is set like their letters: s0 beside s_0."""

    def naming(self: E, names: Mapping[Index, str]) -> E:
        """The same with these letters for indices."""
        return replace(self, names=names)

    def reserved(self) -> Reserved:
        """Names that an index takes only if it is its own, and letters with a meaning."""
        names = frozenset((*self.arrays, *self.functions, *self.adjoints.values()))
        return Reserved(names, self.meanings)

    def sign(self, name: str, latex: str = "") -> Box:
        """A name of the model, without its indices."""
        return written_out(name) if name in self.literal else symbol(name, latex)

    def index(self, index: Index) -> Box:
        """The letter of an index."""
        return keyed(symbol(self.names.get(index, index.name)), self.keys.get(index, ""))

    def position(self, value: Affine) -> Piece:
        """An affine expression: l−1, 2i+p."""
        terms: list[tuple[str, Box]] = []
        for atom, factor in value.terms:
            box = self._atom(atom)
            scaled = box if abs(factor) == 1 else Product((num(abs(factor)), box), ("none",))
            terms.append(("-" if factor < 0 else "+", scaled))
        if value.const or not terms:
            # 1 − s j, not −s j + 1
            first = value.const > 0 and bool(terms) and terms[0][0] == "-"
            terms.insert(0 if first else len(terms), ("-" if value.const < 0 else "+", num(abs(value.const))))
        if len(terms) > 1 or terms[0][0] == "-":
            return Piece(Terms(tuple(terms)), SUM)
        return Piece(terms[0][1], PRODUCT if isinstance(terms[0][1], Product) else LETTER)

    def _atom(self, atom: Atom) -> Box:
        match atom:
            case Index():
                return self.index(atom)
            case Size(name, at):
                base = keyed(self.sign(name), name)
                return scripted(base, self.notation, tuple(self.position(p).box for p in at), ())
            case FloorDiv(value, by):
                parts = self.position(value).box, self.position(affine(by)).box
                return Fence(Frac(*parts, (value.as_atom() is not None, True)), "⌊")
            case Monomial(factors):
                return Product(tuple(map(self._atom, factors)), ("none",) * (len(factors) - 1))
            case _:
                return self.element(self.name(atom.name), atom.name, atom.indices).box

    def element(self, name: Box, array: str, at: tuple[Affine | None, ...]) -> Piece:
        """A named element; a position None is left out, what stands for a whole axis."""
        family = self.family(array, at)
        above = tuple(self.position(p).box for p, s in zip(at, family, strict=True) if s and p is not None)
        below = tuple(
            self.position(p).box for p, s in zip(at, family, strict=True) if not s and p is not None
        )
        box = scripted(name, self.notation, below, above)
        return Piece(box, CLOSED if superscripted(box) else LETTER)

    def family(self, name: str, at: tuple[Affine | None, ...]) -> tuple[bool, ...]:
        """Which positions are those of sequence axes."""
        array = self.arrays.get(name)
        if array is not None and len(array.axes) == len(at):
            return tuple(bool(axis.sequence) for axis in array.axes)
        return tuple(p is not None and any(i.sequence for i in p.indices()) for p in at)

    def name(self, array: str, left_out: int = 0) -> Box:
        """The name of an array; ``left_out`` of its axes do not show: none for an element."""
        known = self.arrays.get(array)
        plain = self._lettered(self.sign(array, known.latex if known else ""), rank(known), left_out)
        return keyed(styled(plain, self.notation, left_out), array)

    def _lettered(self, plain: Box, axes: int, left_out: int) -> Box:
        """A capital for a matrix, unless the model has that letter for something else."""
        own = self.notation.matrix_letter == "given"
        if own or axes < 2 or (not left_out and self.notation.element_letter == "given"):
            return plain
        other = capital(plain)
        taken = other in shown_names(self.arrays, self.functions, self.adjoints) or other == symbol(self.cost)
        return plain if taken else other

    def adjoint_name(self, array: str, left_out: int = 0) -> Box | None:
        """The name of the adjoint of an array: that of ``let``, or dz where the notation says so."""
        if self.notation.adjoint == "d" and array != self.cost and f"d{array}" not in self.arrays:
            return keyed(differential(self.name(array, left_out)), adjoint_key(array))
        given = self.adjoints.get(array)
        if given is None:
            return None
        known = self.arrays.get(given)
        plain = self.sign(given, known.latex if known else "")
        lettered = self._lettered(plain, rank(self.arrays.get(array)), left_out)
        return keyed(styled(lettered, self.notation, left_out), adjoint_key(array))

    def opened(self, node: Ref | Adjoint, indices: tuple[Index, ...]) -> Box | None:
        """The element with ``indices`` left out where they are all of its axes, • where not all."""
        family = self.family(node.name, node.indices)
        whole = all(s or p.as_index() in indices for s, p in zip(family, node.indices, strict=True))
        left_out = len(indices) if whole else 0
        by_name = self.adjoint_name if isinstance(node, Adjoint) else self.name
        named = by_name(node.name, left_out)
        if named is None:
            below = self.opened(Ref(node.name, node.indices), indices)
            return None if below is None else self.cost_by(below)
        free = [p.as_index() in indices for p in node.indices]
        inside = sum(any(i in p.indices() for i in indices) for p in node.indices)
        if sum(free) != len(indices) or inside != len(indices):
            return None
        return self._dotted(named, node, free)

    def cost_by(self, below: Box) -> Box:
        """∂C over ∂ of what stands below."""
        return Frac(row(PARTIAL, self.name(self.cost)), row(PARTIAL, below), (True, True))

    def _dotted(self, named: Box, node: Ref | Adjoint, free: list[bool]) -> Box:
        family = self.family(node.name, node.indices)
        places = list(zip(node.indices, free, family, strict=True))
        if all(f or s for _, f, s in places):
            return self.element(named, node.name, tuple(None if f else p for p, f, _ in places)).box
        above = tuple(self.position(p).box for p, _, s in places if s)
        below = tuple(BULLET if f else self.position(p).box for p, f, s in places if not s)
        return scripted(named, self.notation, below, above)


BULLET = Sym(r"\bullet", "•")
