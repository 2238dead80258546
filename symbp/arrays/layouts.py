"""The order of the axes in which computed arrays lie: what a filter answers at a place lies together.

Where windows are read from an array whose last axis is no place, x[b,t+p,d] over p and d, the patch of each
place is a run of memory: batch and places are the rows of one matrix, and its product with the filters has
the axes (b, t | o).  An array that the notes call ``z[o,t]`` then lies so, and with it what is computed from
it element by element; nothing is transposed on the way, and ``forward`` gives the axes in the model's order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symbp.arrays.scatter import Term
from symbp.arrays.statement import Statement, reads
from symbp.arrays.unfold import kernel_of
from symbp.calculus.affine import Index
from symbp.calculus.expr import Adjoint, Reduce, Ref
from symbp.calculus.tree import walk
from symbp.model.core import Model

Order = tuple[int, ...]
"""The numbers of an array's axes, outermost first."""
Orders = Mapping[str, Order]

GIVEN = ("param", "input", "const")


def orders(model: Model, forward: Iterable[Statement], backward: Iterable[Statement]) -> Orders:
    """The order of the axes of variables, and of their adjoints, where the model's is not the only choice.

    A variable that another equation has in it is known by its adjoint alone.
    """
    free = {a.name for a in model.arrays.values() if a.kind not in GIVEN and len(a.axes) > 1}
    found: dict[str, Order] = {}
    for statements in (forward, backward):
        _spread([s for s in statements if _name(s) in free and _plain(s)], found)
    return found


def _spread(statements: Iterable[Statement], found: dict[str, Order]) -> None:
    """Add what the statements decide, the first one of each array.  Terminates: each gets its order once."""
    while open_ := [s for s in statements if _name(s) not in found]:
        new = {_name(s): o for s in reversed(open_) if (o := _order(s, found)) is not None}
        if not new:
            return
        found |= new


def _name(s: Statement) -> str:
    return s.target.removeprefix("∂")


def _plain(s: Statement) -> bool:
    """Whether a statement fills an array at once, each position with an index of its own."""
    return not s.accumulate and not s.loops and all(p.as_index() is not None for p in s.at)


def _order(s: Statement, known: Orders) -> Order | None:
    """How the target lies if one of the arrays that it is computed from decides that."""
    lying = (r for r in reads(s.rhs) if r.name in known)
    found = (_like(read, s, known) for read in (*_filtered(s, known), *lying))
    return next((order for order in found if order is not None), None)


def _filtered(s: Statement, known: Orders) -> Iterator[Ref]:
    """The arrays of which patches are summed, the last axis with them."""
    for node in walk(s.rhs):
        if isinstance(node, Reduce) and node.op == "sum":
            product = Term.of(node)
            summed = {*product.binder}
            yield from (
                f for f in product.factors if isinstance(f, Ref) and _in_runs(f, summed, known)
            )


def _in_runs(read: Ref, summed: set[Index], known: Orders) -> bool:
    """Whether windows are summed over what they see, and the last axis is no window but summed as well."""
    windows = [p.indices() for p in read.indices if len(p.indices()) > 1]
    if not windows or any(len(w) > 2 or kernel_of(w) not in summed for w in windows):
        return False
    last = read.indices[_stored(read, known)[-1]].as_index()
    return last is not None and last in summed


def _stored(read: Ref | Adjoint, known: Orders) -> Order:
    return known.get(read.name, tuple(range(len(read.indices))))


def _like(read: Ref | Adjoint, s: Statement, known: Orders) -> Order | None:
    """The target's axes in the order of one array; those that come instead of its last axis are the last."""
    ranks: dict[Index, int] = {}
    order = _stored(read, known)
    for rank, axis in enumerate(order):
        for index in read.indices[axis].indices():
            if ranks.setdefault(index, rank) != rank:
                return None
    mine = [i for p in s.at for i in p.indices()]
    ours = [ranks[i] for i in mine if i in ranks]
    if len({*ours}) < len(ours) or (len(ours) < len(mine) and len(order) - 1 in ours):
        return None
    return tuple(sorted(range(len(mine)), key=lambda k: ranks.get(mine[k], len(order))))
