"""Reductions that write into an array; sums over rows and columns are products with a vector of ones."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from symbp.arrays.buffers import kind, moving
from symbp.arrays.nodes import Apply, Elementwise, Fold, Labels, Load, Node, Normalised
from symbp.arrays.pooling import short
from symbp.emit.numpy_fold import FOLDED, extreme, few, fold_order, known_extreme
from symbp.emit.numpy_into_product import product
from symbp.emit.numpy_text import ATOM, Code, arranged, expanded

if TYPE_CHECKING:
    from symbp.emit.numpy_into import IntoWriter

PLACE = re.compile(r"\w+(\[\w+\])?|\0")
"""An array of the workspace, whole."""


def fold_into(writer: IntoWriter, node: Fold, want: Labels) -> Code:
    """A reduction; the sum over rows is the product with a vector of ones, which BLAS does faster."""
    if short(node):
        parts, have, whole = few(writer, node, want)
        writer.needs.helpers["folded"] = None
        out = writer.call("folded", [FOLDED[node.op], parts], writer.room(have, kind(node, writer.storages)))
        writer.used_up(whole)
        return arranged(out, have, want)
    inner = fold_order(node, want)
    have = tuple(i for i in inner if i not in node.over)
    code, what = writer.write(node.arg, inner), kind(node, writer.storages)
    axes = tuple(inner.index(i) for i in node.over)
    if _sums_rows(writer, node, code, axes, inner, have):
        vector = _ones(writer, node.over)
        matrix = code.text if len(axes) == 1 else writer.reshaped(code.at(ATOM), node.over, have)
        out = writer.call("np.dot", [vector, matrix], writer.room(have, what, whole=True))
    elif _sums_columns(writer, node, code, axes, inner, have):
        out = _columns_summed(writer, node, code, have)
    else:
        where = str(axes[0]) if len(axes) == 1 else f"({', '.join(map(str, axes))})"
        out = _folded(writer, node, [code.text, where], writer.room(have, what))
    writer.used_up(code.text)
    return arranged(out, have, want)


def extreme_into(writer: IntoWriter, node: Normalised, want: Labels) -> Code:
    """Where the largest entries are: one comparison with them, which a line before may have."""
    fold = extreme(node, want)
    axis, rest = str(want.index(node.over)), fold.labels
    code, top = writer.write(node.arg, want), known_extreme(writer, node, want)
    if not top:
        top = _top(writer, fold, code.text, axis)
    if short(fold):
        writer.needs.helpers[node.op] = None
        out = writer.call(node.op, [code.text, axis, top], writer.room(want, "real"))
        writer.used_up(code.text, top)
        return out
    texts = [code.text, expanded(Code(top), rest, want).text]
    mask = writer.call("np.equal", texts, writer.room(want, "bool")).text
    writer.needs.helpers["_shares"] = None
    writer.needs.dtype = True
    out = writer.call("_shares", [mask, top, axis, writer.names["#dtype"]], writer.room(want, "real"))
    writer.used_up(code.text, top, mask)
    return out


def _top(writer: IntoWriter, fold: Fold, text: str, axis: str) -> str:
    """The extreme entries of a value along one of its axes."""
    if short(fold):
        writer.needs.helpers |= {"folded": None, "sliced": None}
        args = [FOLDED[fold.op], f"sliced({text}, ({axis},))"]
        return writer.call("folded", args, writer.room(fold.labels, "real")).text
    return _folded(writer, fold, [text, axis], writer.room(fold.labels, "real")).text


def total_into(writer: IntoWriter, node: Node) -> Code | None:
    """A number that is a reduction of what is computed: that takes an array of the workspace."""
    match node:
        case Fold(op, Elementwise() | Apply() as arg) if op in FOLDED and not short(node):
            if not moving(arg.labels, writer.indices):
                # the array is read where the number stands: nothing else may take it before
                return Code(f"{writer.write(arg, arg.labels).at(ATOM)}.{op}()")
        case _:
            pass
    return None


def _columns_summed(writer: IntoWriter, node: Fold, code: Code, have: Labels) -> Code:
    """The sums over the last axes, as a product with a vector of ones."""
    vector = _ones(writer, node.over)
    plain = len(have) == 1 and len(node.over) == 1
    matrix = code.text if plain else writer.reshaped(code.at(ATOM), have, node.over)
    return product(writer, matrix, vector, have, ())


def _ones(writer: IntoWriter, labels: Labels) -> str:
    """A vector of ones that stays, as long as these axes."""
    writer.needs.dtype = True
    text = f"np.ones({writer.extent(labels)}, {writer.names['#dtype']})"
    return writer.owner.rooms.constant("ones", text, writer.owner.unused)


def _folded(writer: IntoWriter, node: Fold, args: list[str], out: str) -> Code:
    """The call of a reduction."""
    return writer.call(f"{FOLDED[node.op]}.reduce", [*args, "None"], out)


def _sums_rows(
    writer: IntoWriter, node: Fold, code: Code, axes: tuple[int, ...], inner: Labels, have: Labels
) -> bool:
    """Whether a sum runs over the leading axes of an array in one piece and leaves one."""
    leading = axes == tuple(range(len(axes))) and len(have) == 1
    return leading and _sums_product(writer, node, code, inner)


def _sums_columns(
    writer: IntoWriter, node: Fold, code: Code, axes: tuple[int, ...], inner: Labels, have: Labels
) -> bool:
    """Whether a sum runs over the last axes of an array in one piece."""
    trailing = axes == tuple(range(len(have), len(inner))) and bool(have) and not short(node)
    return trailing and not moving(have, writer.indices) and _sums_product(writer, node, code, inner)


def _sums_product(writer: IntoWriter, node: Fold, code: Code, inner: Labels) -> bool:
    """Whether a sum of an array as it lies may be written as a product with ones."""
    stored = isinstance(node.arg, Load) and inner == writer.owner.lies(node.arg)
    # what was computed lies in the order in which it was asked for, unless it was turned since
    computed = isinstance(node.arg, Elementwise | Apply) and PLACE.fullmatch(code.text) is not None
    real = kind(node, writer.storages) == "real"
    return node.op == "sum" and (stored or computed) and real and not moving(node.over, writer.indices)
