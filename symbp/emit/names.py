"""Letters for indices: unique inside, pretty at print.

Free indices keep their letters over all lines of a case.  A bound index keeps its own letter unless
that would be read as another index of the line; then it takes the next free one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symbp.calculus.affine import Index
from symbp.calculus.expr import Expr, bound, children, free_indices

LETTERS = ("i", "j", "k", "m", "p", "q", "r", "s", "u", "v")
SEQUENCE_LETTERS = ("m", "r", "s", "q", "p")


def letters(node: Expr, free: Mapping[Index, str], avoid: Iterable[str] = ()) -> dict[Index, str]:
    """A letter for every index of an expression; those of ``free`` are given.

    ``avoid`` are names of arrays and sizes, which an index takes only as its own.
    """
    names = dict(free)
    others = frozenset(avoid)
    for index in free_indices(node):
        if index not in names:
            names[index] = choose(index, set(names.values()), others)
    _bound(node, names, set(names.values()), others)
    return names


def _bound(node: Expr, names: dict[Index, str], taken: set[str], avoid: frozenset[str]) -> None:
    inner = set(taken)
    for index in bound(node):
        if index not in names:
            names[index] = choose(index, inner, avoid)
        inner.add(names[index])
    for child in children(node):
        _bound(child, names, inner, avoid)


def choose(index: Index, taken: Iterable[str], avoid: Iterable[str] = ()) -> str:
    """The index's own name if it is not taken, else the first letter that is free."""
    used = set(taken)
    if index.name not in used:
        return index.name
    unwanted = used | set(avoid)
    return next(c for c in _candidates(index) if c not in unwanted)


def _candidates(index: Index) -> Iterator[str]:
    yield from SEQUENCE_LETTERS if index.sequence else ()
    yield from LETTERS
    number = 1
    while True:
        yield f"{index.name}{number}"
        number += 1
