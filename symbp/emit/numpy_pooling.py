"""The slices of windows in a list, and the weights of the places of their extreme entries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.nodes import At, Labels, Load, Slices, Span, Window, Winners
from symbp.arrays.pooling import placed
from symbp.calculus.affine import Index, affine
from symbp.calculus.names import fresh_name
from symbp.emit.numpy_index import load
from symbp.emit.numpy_text import Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer
    from symbp.emit.numpy_into import IntoWriter


def listed(writer: Writer, node: Slices) -> Code:
    """``[a[p:p+2*n:2] for p in range(2)]``"""
    names = _names(writer, node)
    read = placed(node.arg, {i: affine(i) - i.low for i in node.over})
    # the same text wherever it stands: in a loop over p, the p of the list is its own
    kept = dict(writer.indices)
    writer.indices |= names
    text = load(writer, read, read.labels).text
    turns = [f"for {names[i]} in range({_limits(writer, i)})" for i in node.over]
    writer.indices.clear()
    writer.indices |= kept
    return Code(f"[{' '.join([text, *turns])}]")


def _limits(writer: Writer, index: Index) -> str:
    low, stop = (writer.integer(end, spaced=True).text for end in (index.low, index.high + 1))
    return stop if low == "0" else f"{low}, {stop}"


def _names(writer: Writer, node: Slices) -> dict[Index, str]:
    """A name for each index of the list, which none that its slices read has."""
    taken = {writer.indices[i] for i in _read(node.arg) if i in writer.indices}
    names: dict[Index, str] = {}
    for index in node.over:
        names[index] = fresh_name(index.name, taken, writer.names.values(), names.values())
    return names


def _read(node: Load) -> set[Index]:
    """The indices that stand in the positions of a reading."""
    found = set[Index]()
    for s in node.subscripts:
        match s:
            case At(position):
                found.update(position.indices())
            case Span(label, start):
                found.update((*start.indices(), *label.extent.indices()))
            case Window(_, start):
                found.update(start.indices())
            case _:
                continue
    return found


def winners(writer: Writer, node: Winners, want: Labels) -> Code:
    writer.needs.helpers["winners"] = None
    return arranged(Code(f"winners({', '.join(_arguments(writer, node))})"), node.labels, want)


def winners_into(writer: IntoWriter, node: Winners, want: Labels) -> Code:
    writer.needs.helpers["winners"] = None
    texts = [*_arguments(writer, node), writer.owner.mask(node.labels)]
    out = writer.call("winners", texts, writer.room(node.labels, "real", whole=True))
    writer.used_up(texts[1])
    return arranged(out, node.labels, want)


def _arguments(writer: Writer, node: Winners) -> list[str]:
    """The slices, their extreme entries, and how many places a window has along each axis."""
    parts = writer.write(node.slices, node.slices.labels).text
    return [parts, writer.write(node.top, node.top.labels).text, writer.shape(node.slices.over)]
