"""A model with one more variable: what passes store that the author gave no name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.names import fresh_name
from symbp.model.core import Equation, Model


def unused(model: Model, name: str) -> str:
    """The name, with underscores until no array and no function of the model has it."""
    return fresh_name(name, model.arrays, model.functions)


def copied(indices: Iterable[Index]) -> dict[Index, Affine]:
    """Indices of a new variable, each by the one it is a copy of; ranges speak of the copies."""
    moved: dict[Index, Affine] = {}
    for i in indices:
        low, high = i.low.substitute(moved), i.high.substitute(moved)
        moved[i] = affine(fresh(i.name, low, high, i.sequence))
    return moved


def with_variable(
    model: Model, made: Equation, like: str, equations: Iterable[Equation], after: bool = False
) -> Model:
    """The model with the variable that ``made`` defines, whose elements are like those of ``like``.

    ``equations`` are those of the new model, ``made`` among them.  It is computed just before ``like``, or
    ``after`` it.
    """
    name = made.lhs.name
    array = replace(model.arrays[like], name=name, latex="", axes=made.indices)
    pair = (like, name) if after else (name, like)
    order = tuple(m for n in model.order for m in (pair if n == like else (n,)))
    return replace(model, arrays={**model.arrays, name: array}, equations=tuple(equations), order=order)
