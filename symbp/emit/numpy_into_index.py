"""Gathers as calls of ``take`` that write into an array, and positions as arrays that stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.buffers import kind, moving
from symbp.arrays.nodes import At, IndexValue, Labels, Load, Take, Window
from symbp.calculus.affine import Index
from symbp.emit.numpy_index import index_value, place
from symbp.emit.numpy_text import Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_into import IntoWriter


def takes(writer: IntoWriter, node: Load) -> bool:
    """Whether a reading gathers by one integer array as it is, along one axis."""
    ids = [s.ids for s in node.subscripts if isinstance(s, Take)]
    whole = len(ids) == 1 and isinstance(ids[0], Load) and writer.storages[ids[0].key].integer is not None
    windows = any(isinstance(s, Window) for s in node.subscripts)
    # a label of the ids that is an axis of the array as well makes a gather of several axes
    axes = sum(not isinstance(s, At | Take) for s in node.subscripts)
    apart = whole and not windows and len(node.labels) == axes + len(ids[0].labels)
    return apart and kind(node, writer.storages) == "real"


def take_into(writer: IntoWriter, node: Load, want: Labels) -> Code:
    """The gathered elements in an array that stays.

    That labels are in their range, and that the array has all of the range, is asked at the door; with
    "clip" NumPy need not ask again, and writes where it is told to.
    """
    view, entries, have = place(writer, node, want)
    (axis,) = (k for k, e in enumerate(entries) if e != ":")
    args = [entries[axis], f"axis={axis}", 'mode="clip"']
    return arranged(writer.call(f"{view}.take", args, writer.room(have, "real"), keyword="out="), have, want)


def positions_into(writer: IntoWriter, node: IndexValue, want: Labels, whole: bool) -> Code:
    """Values of indices; a row of them that is the same in every call stays."""
    code = index_value(writer, node, want, whole)
    loops = [i for i in node.value.indices() if i in writer.indices]
    return code if len(want) != 1 or loops else row_into(writer, code, want[0])


def row_into(writer: IntoWriter, code: Code, axis: Index) -> Code:
    """Positions along an axis as an array that stays, if the axis is the same in every turn of a loop."""
    if writer.inside or moving((axis,), writer.indices):
        return code
    return Code(writer.owner.rooms.constant("positions", code.text, writer.owner.unused))
