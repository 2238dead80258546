"""What ``symbp show`` prints: equations, shapes and ranges, and the order of evaluation."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.calculus.affine import Index, show
from symbp.emit.document import formulas
from symbp.emit.plain import text
from symbp.emit.plain_prose import prose
from symbp.model.core import Array, Model


def show_model(model: Model) -> str:
    """The model as text."""
    sections = (
        ("Equations", _equations(model)),
        ("Arrays", _arrays(model)),
        ("Sizes", _sizes(model)),
        ("Order of evaluation", iter((", ".join((*model.order, model.cost)),))),
        ("Named adjoints", (f"{name} = d{model.cost}/d{of}" for of, name in model.adjoints.items())),
    )
    lines = [model.title or model.name, ""]
    for heading, body in sections:
        rows = [f"  {row}" for row in body]
        if rows:
            lines += [heading, *rows, ""]
    return "\n".join(lines).rstrip()


def _equations(model: Model) -> Iterator[str]:
    for formula in formulas(model):
        where = f"   {prose(formula.where)}" if formula.where else ""
        yield f"({formula.number}) {text(formula.lhs)} = {text(formula.rhs)}{where}"


def _arrays(model: Model) -> Iterator[str]:
    arrays = [a for a in model.arrays.values() if a.kind != "cost"]
    shown = [(a.kind, _signature(a), _shape(a), _values(a)) for a in arrays]
    widths = [max(len(row[k]) for row in shown) for k in range(3)]
    for row in shown:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        yield f"{'  '.join(cells)}  {row[3]}".rstrip()


def _signature(array: Array) -> str:
    """The name with its sequence indices: w[l]."""
    family = [i for i in array.axes if i.sequence]
    return array.name + (f"[{', '.join(i.name for i in family)}]" if family else "")


def _shape(array: Array) -> str:
    """The sizes of the ordinary axes, and the ranges of the others."""
    sizes = ", ".join(show(i.extent) for i in array.axes if not i.sequence)
    ranges = ", ".join(_range(i) for i in array.axes if i.sequence)
    return (sizes or "scalar") + (f"   {ranges}" if ranges else "")


def _range(index: Index) -> str:
    return f"{index.name} = {show(index.low)}..{show(index.high)}"


def _values(array: Array) -> str:
    return f"in {show(array.integer[0])}..{show(array.integer[1])}" if array.integer else ""


def _sizes(model: Model) -> Iterator[str]:
    fixed = [s for s in model.sizes if s not in model.free_sizes]
    if fixed:
        yield f"from the shapes of arguments: {', '.join(fixed)}"
    if model.free_sizes:
        yield f"given by name: {', '.join(model.free_sizes)}"
