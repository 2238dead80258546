"""Two indices of one sequence in one formula: t and s, l and m."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import Expr, Reduce
from symbp.calculus.tree import map_children, substitute

BESIDE: Mapping[str, tuple[str, ...]] = MappingProxyType({"t": ("s",), "l": ("m",)})
"""The letter that a field takes beside one that is taken."""


def apart(node: Expr, taken: frozenset[str]) -> Expr:
    """The expression with every summed sequence index called otherwise than the indices around it."""
    if isinstance(node, Reduce):
        node = _renamed(node, taken)
        taken = taken | {i.name for i in node.indices}
    return map_children(node, lambda child: apart(child, taken))


def _renamed(node: Reduce, taken: frozenset[str]) -> Reduce:
    moved: dict[Index, Affine] = {}
    indices: list[Index] = []
    for i in node.indices:
        clash = bool(i.sequence) and i.name in taken
        name = next(n for n in _candidates(i.name) if n not in taken) if clash else i.name
        indices.append(fresh(name, i.low.substitute(moved), i.high.substitute(moved), i.sequence))
        moved[i] = affine(indices[-1])
        taken = taken | {name}
    return Reduce(node.op, tuple(indices), substitute(node.body, moved))


def _candidates(name: str) -> Iterator[str]:
    yield from BESIDE.get(name, ())
    while True:
        name += "_"
        yield name
