"""The pictures of a derivation: the model's graph, and a layer for each case that has one."""

from __future__ import annotations

from symbp.derive.core import AdjointSystem
from symbp.emit.math import Printer
from symbp.emit.naming import named
from symbp.emit.pictures.dependency import dependency_graph
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.layer import contractions, layer_picture


def graph_of(setter: Printer, system: AdjointSystem, turned: bool = False) -> Drawing:
    """The dependency graph of the model of a derivation, in its notation."""
    return dependency_graph(system.model, setter.notation, turned)


def layers_of(setter: Printer, system: AdjointSystem, name: str) -> tuple[Drawing, ...]:
    """The picture of the first case of ``name`` that acts through a matrix; its other cases look alike.

    Where it acts on several consumers so, the first is drawn and the others are named.
    """
    for case in system.cases[name]:
        found = tuple(contractions(case))
        if found:
            others = tuple(dict.fromkeys(f.consumer.name for f in found[1:]))
            key = f"layer-{system.model.name}-{case.number}"
            return (layer_picture(named(setter, case), found[0], others, key),)
    return ()
