"""Stored arrays read at subscripts: plain indexing first, then windows, then gathers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeGuard

from symbp.arrays.nodes import (
    BATCH,
    BATCH_SIZE,
    At,
    IndexValue,
    Labels,
    Load,
    Node,
    Select,
    Span,
    Subscript,
    Take,
    Window,
)
from symbp.arrays.storage import BATCH_AXIS, Storage
from symbp.calculus.affine import Affine, Factor, Index, affine, known_le
from symbp.emit.numpy_text import ATOM, PRODUCT, SUM, Code, arranged, expanded, sizes_in
from symbp.errors import SymbpError

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer


def operand(writer: Writer, node: Node, order: Labels) -> Code:
    """An operand with its axes in order; what is computed is transposed as a whole, as a view."""
    if isinstance(node, Load):
        return writer.write(node, order)
    return arranged(writer.write(node, node.labels), node.labels, order)


def operands(writer: Writer, nodes: Iterable[Node], orders: Iterable[Labels]) -> list[str]:
    """The texts of several operands, each with its axes in its order."""
    return [operand(writer, node, order).text for node, order in zip(nodes, orders, strict=True)]


def load(writer: Writer, node: Load, want: Labels) -> Code:
    view, entries, have = place(writer, node, want)
    text = f"{view}[{', '.join(entries)}]" if entries else view
    return arranged(Code(text), have, want)


def place(writer: Writer, node: Load, want: Labels = ()) -> tuple[str, list[str], Labels]:
    """A view by plain indexing, the entries of a gather from it (if any), and the labels of all.

    The ids of a gather have their axes in the order of ``want``: they are turned, and not what is gathered.
    """
    storage = writer.storages[node.key]
    text = writer.names[node.key]
    subscripts = list(node.subscripts)
    ends = extents(writer, storage, node.subscripts)
    if storage.listed:
        first = subscripts.pop(0)
        ends.pop(0)
        if not isinstance(first, At):
            raise whole_list(node, storage)
        if node.key not in writer.rolled:
            text += f"[{writer.integer(first.position).text}]"
    return indexed(writer, text, subscripts, ends, want)


def whole_list(node: Load, storage: Storage) -> SymbpError:
    """What is said where code would need a list of members as one array."""
    name, index = node.key.lstrip("∂"), storage.axes[storage.layout[0]].name
    return SymbpError(
        f"the members of {name} differ in size along {index}, but {name} is read as one array",
        hint=f"declare {index} as a sequence, so that code goes along it: index {index} = …",
    )


def extents(writer: Writer, storage: Storage, subscripts: Sequence[Subscript]) -> list[Affine]:
    """How many positions each stored axis has."""
    out: list[Affine] = []
    values: dict[Index, Affine] = {}
    for axis, s in zip(storage.layout, subscripts, strict=True):
        if axis == BATCH_AXIS:
            out.append(affine(BATCH_SIZE))
            continue
        index, base = storage.axes[axis], storage.base[axis]
        out.append((index.high - base + 1).substitute(values))
        if isinstance(s, At):
            values[index] = s.position + base
    return out


def indexed(
    writer: Writer, text: str, subscripts: Sequence[Subscript], extents: Sequence[Affine], want: Labels = ()
) -> tuple[str, list[str], Labels]:
    """Plain indexing first, then windows, then gathers, whose ids have the order of ``want``."""
    entries = [plain(writer, s, e) for s, e in zip(subscripts, extents, strict=True)]
    while entries and entries[-1] == ":":
        entries.pop()
    if entries:
        text += f"[{', '.join(entries)}]"
    left = [s for s in subscripts if not isinstance(s, At)]
    found = [window(writer, axis, s) for axis, s in enumerate(left) if isinstance(s, Window)]
    if found:
        writer.needs.helpers["windows"] = None
        text = f"windows({', '.join([text, *found])})"
    return gather(writer, text, left, want)


def plain(writer: Writer, s: Subscript, stored: Affine) -> str:
    match s:
        case At(position):
            return writer.integer(position).text
        case Span(label, start, step):
            stop = start + (label.extent - 1) * step + 1
            if step != 1 and not known_le(Affine(1), label.extent):
                stop = start + label.extent * step  # 0:-1:2 would not be empty
            first = "" if start == Affine() else writer.integer(start).text
            last = "" if stop == stored else _stop(writer, stop, stored)
            if not first and not last and step == 1:
                return ":"
            return f"{first}:{last}" + (f":{_step(writer, step)}" if step != 1 else "")
        case _:
            return ":"


def _step(writer: Writer, step: Factor) -> str:
    return writer.integer(affine(step)).text


def _stop(writer: Writer, stop: Affine, stored: Affine) -> str:
    gap = stop - stored
    if gap.is_const and gap.const < 0:
        return str(gap.const)
    return writer.integer(stop).text


def window(writer: Writer, axis: int, s: Window) -> str:
    """What becomes of one axis: its number, the first position, and the extents and steps of the new axes."""
    ends = writer.shape(s.labels)
    steps = f"({', '.join(_step(writer, step) for step in s.steps)})"
    return f"({axis}, {writer.integer(s.start, True).text}, {ends}, {steps})"


def gather(
    writer: Writer, text: str, left: Sequence[Subscript], want: Labels = ()
) -> tuple[str, list[str], Labels]:
    """Fancy indexing: all ids broadcast against each other, shared labels become explicit."""
    takes = [s for s in left if isinstance(s, Take)]
    axes: list[Subscript | Index] = []
    for s in left:
        axes += s.labels if isinstance(s, Window) else [s.label if isinstance(s, Span) else s]
    if not takes:
        return text, [], tuple(i for i in axes if isinstance(i, Index))
    order = _union(t.ids.labels for t in takes)
    order = tuple(sorted(order, key=lambda i: want.index(i) if i in want else -1))
    entries: list[str] = []
    fancy: list[int] = []
    for k, axis in enumerate(axes):
        if isinstance(axis, Take):
            entries.append(_ids(writer, axis.ids, order))
        elif isinstance(axis, Index) and axis in order:
            entries.append(expanded(writer.positions(axis), (axis,), order).text)
        else:
            entries.append(":")
            continue
        fancy.append(k)
    rest = [i for i in axes if isinstance(i, Index) and i not in order]
    ahead = sum(1 for k in range(fancy[0]) if k not in fancy)
    if fancy[-1] - fancy[0] + 1 != len(fancy):
        ahead = 0  # NumPy puts gathered axes first when slices stand between them.
    while entries[-1] == ":":
        entries.pop()
    return text, entries, (*rest[:ahead], *order, *rest[ahead:])


def _ids(writer: Writer, node: Node, order: Labels) -> str:
    have = tuple(i for i in order if i in node.labels)
    return expanded(writer.write(node, order, whole=True), have, order).text


def select(writer: Writer, arg: Node, label: Index, ids: Node, want: Labels) -> Code:
    chosen = {label: ids}
    while isinstance(arg, Select) and _number(arg.ids) and _number(ids):
        chosen[arg.label], arg = arg.ids, arg.arg
    natural = arg.labels
    row = writer.write(arg, natural)
    axes: list[Subscript] = [Take(chosen[i]) if i in chosen else Span(i, Affine()) for i in natural]
    extents = [i.extent for i in natural]
    axes = [At(a.ids.value) if isinstance(a, Take) and _number(a.ids) else a for a in axes]
    text, entries, have = indexed(writer, row.at(ATOM), axes, extents)
    return arranged(Code(f"{text}[{', '.join(entries)}]" if entries else text), have, want)


def _number(ids: Node) -> TypeGuard[IndexValue]:
    return isinstance(ids, IndexValue) and not ids.labels


def _union(parts: Iterable[Labels]) -> Labels:
    found: dict[Index, None] = {}
    for labels in parts:
        found.update(dict.fromkeys(labels))
    if BATCH in found:
        return (BATCH, *(i for i in found if i is not BATCH))
    return tuple(found)


def index_value(writer: Writer, node: IndexValue, want: Labels, whole: bool) -> Code:
    """Values of indices as numbers: ``np.arange`` along each label."""
    if not node.labels:
        return writer.integer(node.value, spaced=True)
    if not whole:
        writer.needs.dtype = True
    kind = "" if whole else f", dtype={writer.names['#dtype']}"
    rest = node.value.substitute({i: i.low for i in want})
    parts: list[Code] = []
    for k, i in enumerate(want):
        factor, start = node.value.coefficient(i), rest if k == 0 else Affine()
        if not factor or any(i in a.indices() for a in sizes_in(node.value)):
            raise SymbpError(f"{i.name} stands inside a size or a quotient: it cannot be an axis there")
        if factor != 1:
            size = affine(factor) if factor > 0 else -affine(factor)
            times = "" if size == Affine(1) else f"{writer.integer(size).at(PRODUCT)}*"
            steps = f"{times}np.arange({writer.integer(i.extent, True).text}{kind})"
            sign = "-" if factor < 0 else "+"
            first = "" if start == Affine() else writer.integer(start, True).text
            text = f"{first} {sign} {steps}" if first else f"-{steps}" if factor < 0 else steps
            parts.append(expanded(Code(text, SUM), (i,), want))
            continue
        stop = writer.integer(start + i.extent, True).text
        first = "" if start == Affine() else f"{writer.integer(start, True).text}, "
        parts.append(expanded(Code(f"np.arange({first}{stop}{kind})"), (i,), want))
    text = parts[0].text
    for part in parts[1:]:
        minus = part.tightness == SUM and part.text.startswith("-")
        text += f" - {part.text[1:]}" if minus else f" + {part.at(SUM)}"
    return parts[0] if len(parts) == 1 else Code(text, SUM)
