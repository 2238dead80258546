"""Contractions as calls that write into an array: np.dot of matrices, np.matmul of stacks of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.nodes import Contract, Elementwise, Labels, Load, Node
from symbp.arrays.unfold import columns
from symbp.emit.numpy_contract import (
    Images,
    einsum_spec,
    has_columns,
    in_rows,
    inserted,
    row_operands,
    row_sum,
)
from symbp.emit.numpy_distance import Distances, distances
from symbp.emit.numpy_index import operand, operands
from symbp.emit.numpy_rooms import TARGET
from symbp.emit.numpy_text import ATOM, Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_into import IntoWriter


def contraction_into(writer: IntoWriter, node: Contract, want: Labels) -> Code:
    """Σ over ``node.over`` of left times right, with the axes ``want``: at least one."""
    left, right, over = node.left, node.right, node.over
    shared = tuple(i for i in want if i in left.labels and i in right.labels)
    rows = tuple(i for i in want if i in left.labels and i not in shared)
    cols = tuple(i for i in want if i in right.labels and i not in shared)
    if (found := distances(left, right, over, want)) is not None:
        return _distances(writer, found, want)
    if not rows and not cols:
        if _is_flag(left) or _is_flag(right):
            return writer.write(row_sum(left, right, over, want), want)
        return _rows(writer, left, right, over, want)
    if not shared:
        return _matrices(writer, left, right, over, rows, cols, want)
    return _stack(writer, left, right, over, shared, rows, cols, want)


def _distances(writer: IntoWriter, found: Distances, want: Labels) -> Code:
    """All squared distances between two sets of points."""
    writer.needs.helpers["squared_distances"] = None
    texts = operands(writer, (found.first, found.second), found.orders)
    out = writer.call("squared_distances", texts, writer.room(found.have, "real"))
    writer.used_up(*texts)
    return arranged(out, found.have, want)


def _matrices(
    writer: IntoWriter, left: Node, right: Node, over: Labels, rows: Labels, cols: Labels, want: Labels
) -> Code:
    """One product of matrices; several labels on one side are one axis of it."""
    if has_columns(right) or (not has_columns(left) and want[0] in cols):
        left, right, rows, cols = right, left, cols, rows
    if has_columns(left):
        return _unfolded(writer, left, right, over, cols, want)
    if (images := Images.of(left, right, over, want)) is not None:
        return _on_images(writer, images, want)
    over = min(
        (tuple(i for i in n.labels if i in over) for n in (left, right)),
        key=lambda o: _copies(writer, left, rows, o) + _copies(writer, right, cols, o),
    )
    a, b = _matrix(writer, left, rows, over), _matrix(writer, right, over, cols)
    out = product(writer, a, b, rows, cols)
    writer.used_up(a, b)
    return arranged(out, (*rows, *cols), want)


def product(writer: IntoWriter, a: str, b: str, rows: Labels, cols: Labels) -> Code:
    """A product of matrices or vectors; several labels on one side are one axis of it."""
    have = (*rows, *cols)
    if len(rows) <= 1 and len(cols) <= 1:
        return writer.call("np.dot", [a, b], writer.room(have, "real", whole=True))
    if writer.owner.repeated or (writer.target == have and not writer.target_name):
        inner = f"({'-1, ' if cols else '-1,'}{writer.extent(cols) if cols else ''})"
        return shaped(writer, a, b, inner if rows else "(-1,)", have)
    return _as_matrix(writer, a, b, rows, cols)


def _as_matrix(writer: IntoWriter, a: str, b: str, rows: Labels, cols: Labels) -> Code:
    """A product of matrices that stays as a matrix, and its view with all axes.

    That is for a variable, or for a part of one statement: in a loop the next turn would write it again.
    """
    labels, owner, mine = (*rows, *cols), writer.owner, writer.target == (*rows, *cols)
    if mine:
        flat = owner.rooms.keep(owner.unused(f"{writer.target_name}_matrix"))
    else:
        flat = writer.spare(tuple(g for g in (rows, cols) if g), whole=True)
    writer.call("np.dot", [a, b], flat)
    view = Code(f"{flat}.reshape({', '.join(writer.extent((i,)) for i in labels)})")
    return writer.as_target(view, labels) if mine else view


def _on_images(writer: IntoWriter, found: Images, want: Labels) -> Code:
    """A matrix times a stack of matrices, or two stacks multiplied and summed."""
    left, right = found.left, found.right
    stack = [(i,) for i in found.stack]
    channel = (right.labels[len(stack)],)
    matrices = _stacked(writer, right, *stack, channel)
    if found.mixes:
        free = (want[len(stack)],)
        factor = operand(writer, left, (*free, *channel)).text
        inner = ", ".join([*(writer.extent(g) for g in (*stack, free)), "-1"])
        out = shaped(writer, factor, matrices, f"({inner})", want)
        writer.used_up(factor)
        return out
    first = _stacked(writer, left, *stack, want[:1])
    return Code(_products_summed(writer, first, matrices, stack[0], want[:1], want[1:]))


def _stacked(writer: IntoWriter, node: Node, *groups: Labels) -> str:
    """An array whose last axes are one."""
    ends = ", ".join([*map(writer.extent, groups), "-1"])
    return f"{operand(writer, node, node.labels).at(ATOM)}.reshape({ends})"


def _products_summed(
    writer: IntoWriter, first: str, second: str, batch: Labels, rows: Labels, cols: Labels
) -> str:
    """first @ secondᵀ for every example, added up."""
    stack = writer.spare((batch, rows, cols))
    writer.call("np.matmul", [first, f"{second}.swapaxes(1, 2)"], stack)
    flat = writer.spare((rows, cols))
    writer.call("np.add.reduce", [stack, "0", "None"], flat)
    writer.used_up(stack)
    return flat


def _rows(writer: IntoWriter, left: Node, right: Node, over: Labels, want: Labels) -> Code:
    """Sums of products in one pass, where the product itself would be a large array."""
    if {*left.labels} == {*right.labels} == {*want, *over} and in_rows(left, right, over):
        texts = row_operands(writer, left, right, over, want)
        out = writer.call("np.vecdot", texts, writer.room(want, "real"))
        writer.used_up(*texts)
        return out
    spec, texts = einsum_spec(writer, left, right, over, want)
    out = writer.call("np.einsum", [repr(spec), *texts], writer.room(want, "real"), keyword="out=")
    writer.used_up(*texts)
    return out


def _is_flag(node: Node) -> bool:
    return isinstance(node, Elementwise) and node.op == "flag"


def _copies(writer: IntoWriter, node: Node, rest: Labels, over: Labels) -> bool:
    """Whether a matrix with these groups of axes is no view of an array as it lies."""
    return writer.owner.lies(node) not in ((*rest, *over), (*over, *rest))


def _matrix(writer: IntoWriter, node: Node, first: Labels, second: Labels) -> str:
    """An operand with its labels in two groups, as a matrix (a vector if a group is empty)."""
    if len(first) <= 1 and len(second) <= 1:
        return operand(writer, node, (*first, *second)).text
    lying = writer.owner.lies(node)
    turned = lying == (*second, *first)
    order = lying if turned else (*first, *second)
    writer.owner.read_as_matrix(node, first, second)
    code = operand(writer, node, order)
    if order != lying:
        code = _turned(writer, node, code.text, order)
    if not (first and second):
        return f"{code.at(ATOM)}.reshape(-1)"
    if turned:
        return f"{writer.reshaped(code.at(ATOM), second, first)}.T"
    return writer.reshaped(code.at(ATOM), first, second)


def _turned(writer: IntoWriter, node: Node, text: str, order: Labels) -> Code:
    """A copy that lies in another order; of what has a name it is made once."""
    if isinstance(node, Load) or writer.named_already(node, node.labels):
        name = writer.owner.turned(writer.lines, node, text, order)
        if name:
            return Code(name)
    return writer.copied(text, order)


def shaped(writer: IntoWriter, a: str, b: str, inner: str, have: Labels) -> Code:
    """A product of matrices in an array that has more axes; ``inner`` is its shape as a matrix."""
    writer.needs.helpers["_product"] = None
    ends = [writer.extent((i,)) for i in have]
    shape = f"({', '.join(ends)}{',' if len(ends) == 1 else ''})"
    return writer.call("_product", [a, b, inner, shape], writer.room(have, "real", whole=True))


def _unfolded(
    writer: IntoWriter, copy: Node, other: Node, over: Labels, rest: Labels, want: Labels
) -> Code:
    """Windows, copied with the kernel in front, times a filter or an adjoint."""
    groups = columns(copy)
    assert groups is not None
    batch, kernel, places = groups.batch, groups.kernel, groups.places
    ends = [writer.extent(g) for g in (*((i,) for i in batch), kernel, places)]
    patches = writer.write(copy, copy.labels)
    matrix = f"{patches.at(ATOM)}.reshape({', '.join(ends)})"
    filtering = set(over) == set(kernel)
    if filtering:
        made = len(writer.lines) - 1
        view = _copied_here(writer, patches.text) if batch else ""
        factor = _matrix(writer, other, rest, kernel) if rest else operand(writer, other, kernel).text
        factor = factor if rest else f"{factor}.reshape(1, -1)"
        have = (*batch, *rest, *places)
        if view:
            del writer.lines[made]
            return arranged(_filtered(writer, factor, view, patches.text, copy.labels, have), have, want)
        inner = ", ".join([*(writer.extent((i,)) for i in batch), writer.extent(rest), "-1"])
        return arranged(shaped(writer, factor, matrix, f"({inner})", have), have, want)
    order = (*batch, *rest, *places)
    code = operand(writer, other, order)
    ends = [*(writer.extent((i,)) for i in batch), *([writer.extent(rest)] if rest or batch else []), "-1"]
    factor = f"{code.at(ATOM)}.reshape({', '.join(ends)})"
    have = (*rest, *kernel)
    if not batch:
        inner = f"({writer.extent(rest)}, -1)" if rest else "(-1,)"
        return arranged(shaped(writer, factor, f"{matrix}.T", inner, have), have, want)
    flat = _products_summed(writer, factor, matrix, batch, rest, kernel)
    shape = ", ".join(writer.extent((i,)) for i in have)
    return arranged(Code(f"{flat}.reshape({shape})"), have, want)


def _copied_here(writer: IntoWriter, name: str) -> str:
    """What is copied into an array by the line just written, if that is outside of loops; else ""."""
    head, tail = f"{name} = _copied(", f", {writer.names['#dtype']}, {name})"
    stays = name in writer.owner.rooms.begins and not writer.owner.repeated
    last = writer.lines[-1] if writer.lines and stays else ""
    return last[len(head) : -len(tail)] if last.startswith(head) and last.endswith(tail) else ""


def _filtered(
    writer: IntoWriter, factor: str, view: str, patches: str, labels: Labels, have: Labels
) -> Code:
    """The copy of windows and its product with a filter in one call, which may go from image to image."""
    writer.needs.helpers["_filtered"] = None
    writer.owner.rooms.begins[patches] = f"np.empty({writer.shape(labels)}, {writer.names['#dtype']})"
    out = writer.room(have, "real", whole=True)
    return writer.call("_filtered", [factor, view, patches, writer.shape(have)], out)


def _stack(
    writer: IntoWriter, left: Node, right: Node, over: Labels, shared: Labels, rows: Labels, cols: Labels,
    want: Labels,
) -> Code:
    """Shared axes: a stack of products of matrices; further axes of an operand broadcast in it."""
    if len(over) > 1:
        return _rows(writer, left, right, over, want)
    if rows and cols and want.index(cols[-1]) < want.index(rows[-1]):
        left, right, rows, cols = right, left, cols, rows
    a = operand(writer, left, (*shared, *rows[:-1], *rows[-1:], *over))
    b = operand(writer, right, (*shared, *cols[:-1], *over, *cols[-1:]))
    texts = [inserted(a, len(shared) + len(rows[:-1]), len(cols[:-1]), not rows, before=True).text,
             inserted(b, len(shared), len(rows[:-1]), not cols, before=False).text]
    have = (*shared, *rows[:-1], *cols[:-1], *rows[-1:], *cols[-1:])
    if rows and cols:
        out = writer.call("np.matmul", texts, writer.room(have, "real"))
        writer.target_is_stack |= out.text == TARGET
    else:
        outer = tuple((i,) for i in (*shared, *rows[:-1], *cols[:-1]))
        slot = writer.spare((*outer, rows[-1:], cols[-1:]))
        writer.call("np.matmul", texts, slot)
        out = Code(f"{slot}[..., {'0, :' if not rows else '0'}]")
    writer.used_up(a.text, b.text)
    return arranged(out, have, want)
