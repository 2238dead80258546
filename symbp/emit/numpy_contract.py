"""A contraction of two operands as the NumPy product that says it: ``@``, vdot, tensordot, sums."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from symbp.arrays.nodes import Contract, Elementwise, Fold, Labels, Node, Num, join
from symbp.arrays.unfold import columns
from symbp.calculus.affine import Affine, Index, known_le
from symbp.emit.numpy_distance import Distances, distances
from symbp.emit.numpy_fold import along
from symbp.emit.numpy_index import operand, operands
from symbp.emit.numpy_text import ATOM, MATMUL, POWER, PRODUCT, Code, arranged

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer


def contraction(writer: Writer, node: Contract, want: Labels) -> Code:
    """Σ over ``node.over`` of left times right, with the axes ``want``."""
    left, right, over = node.left, node.right, node.over
    shared = tuple(i for i in want if i in left.labels and i in right.labels)
    rows = tuple(i for i in want if i in left.labels and i not in shared)
    cols = tuple(i for i in want if i in right.labels and i not in shared)
    if not want:
        return _dot(writer, left, right, over)
    if (found := distances(left, right, over, want)) is not None:
        return _distances(writer, found, want)
    if not rows and not cols:
        return _row_sums(writer, left, right, over, want)
    if not shared:
        return _plain(writer, left, right, over, rows, cols, want)
    return _batched(writer, left, right, over, shared, rows, cols, want)


def _distances(writer: Writer, found: Distances, want: Labels) -> Code:
    """All squared distances between two sets of points."""
    writer.needs.helpers["squared_distances"] = None
    texts = operands(writer, (found.first, found.second), found.orders)
    return arranged(Code(f"squared_distances({', '.join(texts)})"), found.have, want)


def _dot(writer: Writer, left: Node, right: Node, over: Labels) -> Code:
    """A number: ``@`` of vectors, ``np.vdot`` of anything longer (it flattens both)."""
    order = tuple(i for i in left.labels if i in over)
    a, b = operand(writer, left, order), operand(writer, right, order)
    if len(over) == 1:
        return _matmul(a, b)
    return Code(f"np.vdot({a.text}, {b.text})")


def _row_sums(writer: Writer, left: Node, right: Node, over: Labels, want: Labels) -> Code:
    """Products of matching rows: nothing is multiplied twice, so an elementwise product and a sum."""
    square = left == right and isinstance(left, Elementwise) and not writer.named_already(left, left.labels)
    if in_rows(left, right, over) and not square:
        return Code(f"np.vecdot({', '.join(row_operands(writer, left, right, over, want))})")
    return along(writer, row_sum(left, right, over, want), want)


def in_rows(left: Node, right: Node, over: Labels) -> bool:
    """Whether what is summed is the last axis of both operands, as ``np.vecdot`` takes them."""
    flags = any(isinstance(n, Elementwise) and n.op == "flag" for n in (left, right))
    return len(over) == 1 and left.labels[-1:] == right.labels[-1:] == over and not flags


def row_operands(writer: Writer, left: Node, right: Node, over: Labels, want: Labels) -> list[str]:
    """The texts of two operands of ``np.vecdot``; a square is written once."""
    first = operand(writer, left, (*want, *over)).text
    return [first, first if left == right else operand(writer, right, (*want, *over)).text]


def row_sum(left: Node, right: Node, over: Labels, want: Labels) -> Fold:
    """The sum of an elementwise product, or of a square."""
    square = left == right
    body = (
        Elementwise("**", (left, Num(Fraction(2))), left.labels)
        if square
        else Elementwise("*", (left, right), join(left.labels, right.labels))
    )
    return Fold("sum", body, over, want)


def _matmul(a: Code, b: Code) -> Code:

    left = a.text if a.tightness == MATMUL else a.at(POWER)
    return Code(f"{left} @ {b.at(POWER)}", MATMUL)


def _plain(
    writer: Writer, left: Node, right: Node, over: Labels, rows: Labels, cols: Labels, want: Labels
) -> Code:
    """No shared axes: one matrix product, in the order that gives the wanted one."""
    if _is_copy(right):
        left, right, rows, cols = right, left, cols, rows
    if has_columns(left):
        return unfolded(writer, left, right, over, cols, want)
    if _is_copy(left):
        return _in_rows(writer, left, right, over, rows, cols, want)
    if (images := Images.of(left, right, over, want)) is not None:
        return _on_images(writer, images, want)
    if want and want[0] in cols:
        left, right, rows, cols = right, left, cols, rows
    if len(over) == 1 and want == (*rows, *cols):
        if len(cols) <= 1:
            a, b = operand(writer, left, (*rows, *over)), operand(writer, right, (*over, *cols))
            return _matmul(a, b)
        if not rows:
            flat = _vector_first(writer, left, right, over, cols)
            return flat
    return _tensordot(writer, left, right, over, rows, cols, want)


@dataclass(frozen=True, slots=True)
class Images:
    """A product with arrays whose last axes are places: images b,c,i,j as a stack of matrices b | c | i,j.

    Either ``left`` is a matrix that mixes the channels of the images ``right``, or both are images, of which
    the examples and places are summed.
    """

    left: Node
    right: Node
    stack: Labels
    mixes: bool

    @classmethod
    def of(cls, left: Node, right: Node, over: Labels, want: Labels) -> Images | None:
        """The product of two operands as one with images, if it is that.

        Two axes of places at least: with one the matrices of the stack may be tiny.
        """
        if len(over) == 1:
            for a, b in ((left, right), (right, left)):
                k = b.labels.index(over[0])
                stack, places = b.labels[:k], b.labels[k + 1 :]
                free = tuple(i for i in a.labels if i not in over)
                plain = len(a.labels) == 2 and len(free) == 1 and len(stack) > 0 and len(places) > 1
                if plain and want == (*stack, *free, *places):
                    return cls(a, b, stack, True)
            return None
        if len(want) != 2 or want[0] not in left.labels:
            left, right = right, left
        first, second = left.labels, right.labels
        several = len(want) == 2 and len(first) == len(second) > 3
        if several and (first[1], second[1]) == want and (first[0], first[2:]) == (second[0], second[2:]):
            return cls(left, right, first[:1], False)
        return None


def _on_images(writer: Writer, found: Images, want: Labels) -> Code:
    """A matrix times a stack of matrices, or two stacks multiplied and summed."""
    left, right = found.left, found.right
    stack = [(i,) for i in found.stack]
    channel = right.labels[len(found.stack)]
    matrices = _reshaped(writer, operand(writer, right, right.labels), *stack, (channel,), None)
    if found.mixes:
        free = want[len(found.stack)]
        product = _matmul(operand(writer, left, (free, channel)), matrices)
        return _reshaped(writer, product, *((i,) for i in want))
    first = _reshaped(writer, operand(writer, left, left.labels), *stack, (want[0],), None)
    return Code(f"({_matmul(first, Code(f'{matrices.text}.swapaxes(1, 2)')).text}).sum(axis=0)")


def unfolded(writer: Writer, copy: Node, other: Node, over: Labels, rest: Labels, want: Labels) -> Code:
    """Windows, copied with the kernel in front, times a filter or an adjoint: matrices by reshaping."""
    groups = columns(copy)
    assert groups is not None
    batch, kernel, places = groups.batch, groups.kernel, groups.places
    matrix = _reshaped(writer, writer.write(copy, copy.labels), *((i,) for i in batch), kernel, None)
    filtering = set(over) == set(kernel)
    front = () if filtering else batch
    order = (*front, *rest, *(kernel if filtering else places))
    group = (rest,) if rest else ((),) if front else ()
    factor = _reshaped(writer, operand(writer, other, order), *((i,) for i in front), *group, None)
    if filtering:
        have = (*batch, *rest, *places)
        product = _matmul(factor, matrix)
    else:
        have = (*rest, *kernel)
        turned = f"{matrix.text}.swapaxes(1, 2)" if batch else f"{matrix.text}.T"
        product = _matmul(factor, Code(turned))
        product = Code(f"({product.text}).sum(axis=0)") if batch else product
    return arranged(_reshaped(writer, product, *((i,) for i in have)), have, want)


def _is_copy(node: Node) -> bool:
    return isinstance(node, Elementwise) and node.op == "copy"


def has_columns(node: Node) -> bool:
    """Whether an operand is a copy of windows with the places last: a stack of matrices."""
    return _is_copy(node) and (groups := columns(node)) is not None and not groups.in_runs


def _in_rows(
    writer: Writer, copy: Node, other: Node, over: Labels, rows: Labels, cols: Labels, want: Labels
) -> Code:
    """Patches, each a row of one matrix, times the filters; or an adjoint, turned, times the patches."""
    groups = columns(copy)
    assert groups is not None
    matrix = _reshaped(writer, writer.write(copy, copy.labels), None, groups.kernel)
    group = [cols] if cols else []
    if set(over) == set(groups.kernel):
        have = (*rows, *cols)
        factor = _reshaped(writer, operand(writer, other, (*cols, *groups.kernel)), *group, None)
        product = _matmul(matrix, Code(f"{factor.text}.T") if cols else factor)
    else:
        have = (*cols, *groups.kernel)
        places = (*groups.batch, *groups.places)
        factor = _reshaped(writer, operand(writer, other, (*places, *cols)), None, *group)
        product = _matmul(Code(f"{factor.text}.T") if cols else factor, matrix)
    return arranged(_reshaped(writer, product, *((i,) for i in have)), have, want)


def _reshaped(writer: Writer, code: Code, *groups: Labels | None) -> Code:
    """With one axis for each group of labels; None is the axis that takes what is left."""
    ends = []
    for group in groups:
        extents = [writer.integer(i.extent, spaced=True) for i in group or ()]
        several = len(extents) > 1
        text = "*".join(e.at(PRODUCT) if several else e.text for e in extents)
        ends.append("-1" if group is None else text or "1")
    return Code(f"{code.at(ATOM)}.reshape({', '.join(ends)})")


def _vector_first(writer: Writer, left: Node, right: Node, over: Labels, cols: Labels) -> Code:
    """A vector with an array of several axes: the array stands first where its axis is the last."""

    if right.labels and right.labels[-1] == over[0]:
        return _matmul(operand(writer, right, (*cols, *over)), operand(writer, left, over))
    return arranged(_tensor_text(writer, left, right, over, (), cols), cols, cols)


def _tensordot(
    writer: Writer, left: Node, right: Node, over: Labels, rows: Labels, cols: Labels, want: Labels
) -> Code:
    """Several axes are summed or stay: a product of matrices, written out where reshaping is all it takes."""
    if len(over) > 1 and len(rows) <= 1 and len(cols) <= 1 and want == (*rows, *cols):
        for order in dict.fromkeys(tuple(i for i in n.labels if i in over) for n in (left, right)):
            if _in_groups(left, rows, order) and _in_groups(right, cols, order):
                a, b = _as_matrix(writer, left, rows, order), _as_matrix(writer, right, cols, order)
                return _matmul(a, turned(b) if cols else b)
    return arranged(_tensor_text(writer, left, right, over, rows, cols), (*rows, *cols), want)


def _as_matrix(writer: Writer, node: Node, rest: Labels, over: Labels) -> Code:
    """An operand whose axes stand in two groups as a matrix with ``rest`` in front; a vector without."""
    code = operand(writer, node, node.labels)
    if not rest:
        return Code(f"{code.at(ATOM)}.reshape(-1)")
    # NumPy cannot tell how many rows have no element
    groups = [rest, None if known_le(Affine(1), rest[0].extent) else over]
    if node.labels[0] == rest[0]:
        return _reshaped(writer, code, *groups)
    return turned(_reshaped(writer, code, *groups[::-1]))


def turned(matrix: Code) -> Code:
    """The transposed view; what is turned already is turned back."""
    text = matrix.at(ATOM)
    return Code(text[:-2] if text.endswith(".T") else f"{text}.T")


def _in_groups(node: Node, rest: Labels, over: Labels) -> bool:
    """Whether the axes of an array lie in two groups, so that it is a matrix, turned at most."""
    return node.labels in ((*rest, *over), (*over, *rest))


def _tensor_text(
    writer: Writer, left: Node, right: Node, over: Labels, rows: Labels, cols: Labels
) -> Code:
    """The last axes of one operand with the first ones of the other."""
    orders = [tuple(i for i in n.labels if i in over) for n in (left, right)]
    over = min(orders, key=lambda o: (not _in_groups(left, rows, o)) + (not _in_groups(right, cols, o)))
    a, b = operand(writer, left, (*rows, *over)), operand(writer, right, (*over, *cols))
    writer.needs.helpers["tensordot"] = None
    return Code(f"tensordot({a.text}, {b.text}, {len(over)})")


def _batched(
    writer: Writer, left: Node, right: Node, over: Labels, shared: Labels, rows: Labels, cols: Labels,
    want: Labels,
) -> Code:
    """Shared axes: a stack of matrix products; further axes of an operand broadcast in it.

    Where two axes or more are summed besides shared ones, no product of matrices does it in one step
    without copies; einsum is the plain way to say it.
    """

    if len(over) > 1:
        return _einsum(writer, left, right, over, want)
    if rows and cols and want.index(cols[-1]) < want.index(rows[-1]):
        left, right, rows, cols = right, left, cols, rows
    left_order = (*shared, *rows[:-1], *rows[-1:], *over)
    right_order = (*shared, *cols[:-1], *over, *cols[-1:])
    a, b = operand(writer, left, left_order), operand(writer, right, right_order)
    # Axes: shared, outer rows, outer columns, row, column.
    a_text = inserted(a, len(shared) + len(rows[:-1]), len(cols[:-1]), not rows, before=True)
    b_text = inserted(b, len(shared), len(rows[:-1]), not cols, before=False)
    product = _matmul(a_text, b_text)
    if not rows or not cols:
        product = Code(f"({product.text})[..., {'0, :' if not rows else '0'}]")
    return arranged(product, (*shared, *rows[:-1], *cols[:-1], *rows[-1:], *cols[-1:]), want)


def inserted(code: Code, after: int, outer: int, missing: bool, before: bool) -> Code:
    """New axes for the other operand's outer ones, and for a row or column that is not there."""
    text = code.text

    if not outer and not missing:
        return code
    entries = [":"] * after + ["None"] * outer if outer else []
    tail = (["None", ":"] if before else ["None"]) if missing else []
    inner = ", ".join([*entries, "...", *tail])
    text = code.at(ATOM)
    return Code(f"{text}[{inner}]")


def _einsum(writer: Writer, left: Node, right: Node, over: Labels, want: Labels) -> Code:
    spec, texts = einsum_spec(writer, left, right, over, want)
    return Code(f"np.einsum({spec!r}, {', '.join(texts)})")


def einsum_spec(
    writer: Writer, left: Node, right: Node, over: Labels, want: Labels
) -> tuple[str, list[str]]:
    """The subscripts of a contraction, and the texts of its operands."""
    letters: dict[Index, str] = {}
    for i in (*left.labels, *right.labels, *over, *want):
        letters.setdefault(i, "abcdefghijklmnopqrstuvwxyz"[len(letters)])
    spec = ",".join("".join(letters[i] for i in n.labels) for n in (left, right))
    a, b = operand(writer, left, left.labels), operand(writer, right, right.labels)
    return f"{spec}->{''.join(letters[i] for i in want)}", [a.text, b.text]
