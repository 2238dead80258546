"""Letters for indices: unique inside, pretty at print.

Free indices keep their letters over all lines of a case.  A bound index keeps its own letter unless
that would be read as another index of the line; then it takes a letter beside it, or a prime: where the
equations have k for a class, a row of pixels is not called k.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from symbp.calculus.affine import Index, show
from symbp.calculus.apart import BESIDE
from symbp.calculus.expr import Expr
from symbp.calculus.tree import bound, children, free_indices, walk
from symbp.model.core import Model

LETTERS = ("i", "j", "k", "m")
"""Letters that are read as any index."""
PRIME = "′"

Meaning = tuple[str, str, str]
Meanings = Mapping[str, frozenset[Meaning]]


@dataclass(frozen=True, slots=True)
class Reserved:
    """What an index may be called only if that is its own name, or its own meaning.

    ``names`` are those of arrays and functions; ``meanings`` says what the letters of the equations
    run over.
    """

    names: frozenset[str] = frozenset()
    meanings: Meanings = field(default_factory=lambda: MappingProxyType({}))

    def allows(self, letter: str, index: Index) -> bool:
        """Whether the letter is free, or stands for such an index anyway."""
        return letter not in self.names and self.meanings.get(letter, frozenset()) <= {meaning(index)}


def meaning(index: Index) -> Meaning:
    """What an index runs over: a sequence, or a range."""
    if index.sequence:
        return index.sequence, "", ""
    low, high = ("" if end is None else show(end) for end in (index.lo, index.hi))
    return "", low, high


def meanings(model: Model) -> Meanings:
    """What the letters of a model's equations stand for."""
    found: dict[str, set[Meaning]] = {}
    for equation in model.equations:
        inside = (i for n in walk(equation.rhs) for i in bound(n))
        for index in (*equation.indices, *free_indices(equation.lhs), *inside):
            found.setdefault(index.name, set()).add(meaning(index))
    return MappingProxyType({letter: frozenset(kinds) for letter, kinds in found.items()})


def letters(node: Expr, free: Mapping[Index, str], reserved: Reserved) -> dict[Index, str]:
    """A letter for every index of an expression; those of ``free`` are given."""
    names = dict(free)
    for index in free_indices(node):
        if index not in names:
            names[index] = choose(index, set(names.values()), reserved)
    _bound(node, names, set(names.values()), reserved)
    return names


def _bound(node: Expr, names: dict[Index, str], taken: set[str], reserved: Reserved) -> None:
    inner = set(taken)
    for index in bound(node):
        if index not in names:
            names[index] = choose(index, inner, reserved)
        inner.add(names[index])
    for child in children(node):
        _bound(child, names, inner, reserved)


def choose(index: Index, taken: Iterable[str], reserved: Reserved) -> str:
    """The index's own name if it is not taken, else the first letter that is free."""
    used = set(taken)
    if index.name not in used:
        return index.name
    return next(c for c in _candidates(index, reserved) if c not in used)


def _candidates(index: Index, reserved: Reserved) -> Iterator[str]:
    beside = LETTERS if index.name in LETTERS else BESIDE.get(index.name, ())
    yield from (c for c in beside if reserved.allows(c, index))
    primed = index.name
    while True:
        primed += PRIME
        yield primed
