"""Programs whose examples are large each: products of matrices for every one of them, copies of windows.

The mean over a batch is that of the means over parts of it.  Where all examples together would not stay in
the cache, a workspace takes them in blocks that do.
"""

from __future__ import annotations

from symbp.arrays.instructions import Program, assignments
from symbp.arrays.nodes import BATCH, Contract, Elementwise, Node, below


def large_examples(program: Program) -> bool:
    """Whether an example may be as large as matrices and images are; a vector in each layer is not."""
    return any(_stacked(a.value) for a in assignments((*program.forward, *program.backward)))


def _stacked(node: Node) -> bool:
    """Whether a value is made of a stack of products, one for each example, or of copies of windows."""
    match node:
        case Contract(left, right, over) if BATCH not in over:
            free = [i for n in (left, right) for i in n.labels if i not in over]
            if free.count(BATCH) == 2 and len({*free}) > 2:
                return True
        case Elementwise("copy", _) if BATCH in node.labels:
            return True
    return any(map(_stacked, below(node)))
