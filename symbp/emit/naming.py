"""The letters of a case: its free indices keep theirs on all of its lines, and in its picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from symbp.calculus.affine import Index
from symbp.calculus.tree import free_indices
from symbp.derive.core import Case
from symbp.emit.identity import case_keys
from symbp.emit.lettering import shown_names
from symbp.emit.math import Printer
from symbp.emit.names import choose
from symbp.emit.notation import symbol


def named(setter: Printer, case: Case) -> Printer:
    """The printer with letters for the free indices of a case, the same on all of its lines."""
    names: dict[Index, str] = {}
    for index in (*case.indices, *free_indices(case.lhs)):
        if index not in names:
            names[index] = choose(index, names.values(), setter.reserved())
    shown = _capitals(setter, names) if setter.notation.fixed == "capital" else names
    return replace(setter, names=shown, keys=case_keys(case))


def _capitals(setter: Printer, names: Mapping[Index, str]) -> dict[Index, str]:
    """δ_K: the fixed indices in capitals, apart from those that the model has for something else."""
    known = set(shown_names(setter.arrays, setter.functions, setter.adjoints))
    return {
        index: name
        if index.sequence or len(name) != 1 or symbol(name.upper()) in known
        else name.upper()
        for index, name in names.items()
    }
