"""Which signs of a document are the same thing: by what the calculus knows, not by their letters.

A sign carries a key (:attr:`symbp.emit.layout.Sym.key`): the name of an array, a size or a function;
``adjoint-z`` for the adjoint of z; ``index-7-1`` for an index of equation 7.  One letter for two
indices is two keys, and an index whose letter changes from line to line keeps its key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from symbp.calculus.affine import Index
from symbp.calculus.expr import Expr
from symbp.calculus.tree import bound, free_indices, walk
from symbp.derive.core import Case
from symbp.emit.layout import Box, Script, Sym
from symbp.model.core import Equation


def keyed(box: Box, key: str) -> Box:
    """The name with a key; scripts that belong to the name are not part of the sign."""
    if isinstance(box, Script):
        return replace(box, base=keyed(box.base, key))
    return replace(box, key=key) if isinstance(box, Sym) and key else box


def adjoint_key(array: str) -> str:
    """The key of the adjoint of an array, whatever its name is."""
    return f"adjoint-{array}"


def equation_keys(equation: Equation) -> dict[Index, str]:
    """The keys of the indices of an equation of the model."""
    found = (*equation.indices, *free_indices(equation.lhs), *_indices(equation.rhs))
    return _numbered(equation.number, dict.fromkeys(found))


def case_keys(case: Case) -> dict[Index, str]:
    """The keys of the indices on the lines of a case, the free ones first.

    A rule that takes an expression apart may bind an index anew.  Where exactly one index of a kind
    leaves and exactly one arrives, they are the same to the reader.
    """
    leader: dict[Index, Index] = {}
    for index in (*case.indices, *free_indices(case.lhs)):
        leader.setdefault(index, index)
    for line in case.lines:
        above, below = _once(_indices(line.source)), _once(_indices(line.target))
        gone = [i for i in above if i not in below]
        new = [i for i in below if i not in above]
        for index in above:
            leader.setdefault(index, index)
        for index in new:
            twins = [i for i in gone if _kind(i) == _kind(index)]
            alone = sum(_kind(i) == _kind(index) for i in new) == 1
            leader.setdefault(index, leader[twins[0]] if alone and len(twins) == 1 else index)
    keys = _numbered(case.number, dict.fromkeys(leader.values()))
    return {index: keys[first] for index, first in leader.items()}


def _numbered(number: int, indices: Iterable[Index]) -> dict[Index, str]:
    return {index: f"index-{number}-{n}" for n, index in enumerate(indices, 1)}


def _kind(index: Index) -> tuple[object, ...]:
    return index.name, index.sequence, index.lo, index.hi


def _once(indices: Iterable[Index]) -> tuple[Index, ...]:
    return tuple(dict.fromkeys(indices))


def _indices(node: Expr) -> Iterator[Index]:
    yield from free_indices(node)
    for inner in walk(node):
        yield from bound(inner)
