"""Windows that are contracted: one contiguous copy with the kernel in front, as a matrix for BLAS.

A view of windows x[b,c,i+p,j+q] is no matrix.  Copied in the order (b | c, p, q | i, j), its rows are
long runs of memory, and both the filtered array and the gradient of the filter are matrix products with
the same copy (Chellapilla, Puri, Simard, *High performance convolutional neural networks*, 2006).
Of x[b,i+p,d] the patches themselves are runs: copied in the order (b, i | p, d), all of them are the rows of
one matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

from symbp.arrays.nodes import BATCH, Elementwise, Labels, Load, Node, Window
from symbp.calculus.affine import Index


@dataclass(frozen=True, slots=True)
class Columns:
    """The labels of a copy of windows in three groups: the batch, what filters see, where they stand."""

    batch: Labels
    kernel: Labels
    places: Labels

    in_runs: bool
    """Whether what filters see of one place lies together in memory: the last axis is no window."""

    @property
    def labels(self) -> Labels:
        """All of them, in the order in which the copy lies."""
        if self.in_runs:
            return (*self.batch, *self.places, *self.kernel)
        return (*self.batch, *self.kernel, *self.places)


def unfolded(node: Node, other: Node, over: Labels) -> Node:
    """Windows as the copy that a product with ``other`` reads; any other operand as it is."""
    groups = columns(node)
    if groups is None or isinstance(node, Elementwise):
        return node
    placed, batched = set(groups.places) | set(groups.batch), set(groups.batch) & set(other.labels)
    filtering = set(over) == set(groups.kernel) and not batched and not set(other.labels) & placed
    gradient = set(over) == placed and not set(other.labels) & set(groups.kernel)
    return Elementwise("copy", (node,), groups.labels) if filtering or gradient else node


def columns(node: Node) -> Columns | None:
    """The groups of labels of windows, or of a copy of them; None for what has no windows."""
    if isinstance(node, Elementwise) and node.op == "copy":
        return columns(node.args[0])
    if not isinstance(node, Load):
        return None
    windows = [s for s in node.subscripts if isinstance(s, Window)]
    if not windows or any(len(w.labels) != 2 for w in windows):
        return None
    small = {kernel_of(w.labels) for w in windows}
    places = tuple(i for w in windows for i in w.labels if i not in small)
    kernel = tuple(i for i in node.labels if i not in places and i is not BATCH)
    in_runs = node.labels[-1] in kernel and not isinstance(node.subscripts[-1], Window)
    return Columns(tuple(i for i in node.labels if i is BATCH), kernel, places, in_runs)


def kernel_of(labels: Labels) -> Index:
    """The label of the smaller extent, as far as that can be told."""
    return min(reversed(labels), key=lambda i: (len(i.extent.terms), not i.extent.is_const))
