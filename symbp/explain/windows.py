"""Windows: which outputs see an element, and how it counts there: by a weight, a share, or as the largest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import prod

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Expr, Reduce, Ref, number
from symbp.calculus.tree import children, free_indices, walk
from symbp.explain.core import Block, Line, Lines, Section, Whole, Words, say, side
from symbp.explain.meaning import agrees
from symbp.explain.numerals import product, shaped, turned
from symbp.explain.paths import Path
from symbp.explain.products import same_grid
from symbp.explain.reading import directly, listed, refs
from symbp.explain.spot import LARGEST, Grid, Spot
from symbp.explain.structure import reads_of
from symbp.verify.evaluate import Key
from symbp.verify.places import points


def window_section(spot: Spot, found: Sequence[Path]) -> Section | None:
    """Which outputs see this input, and how it counts in them."""
    cost = spot.system.model.cost
    windows = [
        (equation.rhs, read)
        for equation, read in reads_of(spot)
        if equation.lhs.name != cost and any(map(_is_window, read.indices))
    ]
    if not windows or not found:
        return None
    element, seen = spot.element, _seen_by(spot, {p.end[0] for p in found} - {cost})
    ways = {_way(spot, rhs, read) for rhs, read in windows}
    blocks: list[Block] = [
        say("An output sees a window of ", Whole(spot.array), ". Seen from ", element, ", these outputs have "
            "it in their window: ", *_some(seen), ". ", *_counts(spot, ways, found),
            " Outputs whose window does not reach it contribute nothing."),
    ]  # fmt: skip
    blocks.extend(_band(spot))
    return Section("window", ("Which outputs see ", element, "?"), tuple(blocks))


def _seen_by(spot: Spot, names: set[str]) -> list[Key]:
    """The elements of these variables that read the element, whatever it counts in them."""
    arrays = spot.system.model.arrays
    keys = [(n, at) for n in spot.case.consumers if n in names for at in points(arrays[n].axes, spot.oracle)]
    return [k for k in keys if directly(spot, k)]


def _some(keys: Sequence[Key]) -> Words:
    """The elements, or the first of them and how many more."""
    if len(keys) <= LARGEST:
        return listed(refs(keys))
    first = [w for n, r in enumerate(refs(keys[:LARGEST])) for w in ([", ", r] if n else [r])]
    return (*first, f" and {len(keys) - LARGEST} more")


def _is_window(position: Affine) -> bool:
    plain = position.tops()
    return len(plain) > 1 or any(position.coefficient(i) != 1 for i in plain)


# ── how an element counts ─────────────────────────────────────────────────────────────────────────

Way = tuple[str, int]
"""What an output makes of its window, and of how many elements: weights, mean, max, min, sum, other."""


def _way(spot: Spot, rhs: Expr, read: Ref) -> Way:
    """What an equation makes of the window that it reads."""
    around = [n for n in _around(rhs, read) if set(n.indices) & set(free_indices(read))]
    inside = {i for n in around for i in n.indices if i in free_indices(read)}
    count = prod(len(spot.range(i)) for i in inside) if _known(inside) else 0
    weighted = any(
        isinstance(n, Ref) and n != read and inside & set(free_indices(n)) for r in around for n in walk(r)
    )
    match {n.op for n in around}:
        case ops if ops == {"sum"}:
            return ("weights" if weighted else "sum"), count
        case ops if len(ops) == 1 and not weighted and ops <= {"mean", "max", "min"}:
            return next(iter(ops)), count
        case _:
            return "other", count


def _around(node: Expr, read: Ref) -> Iterator[Reduce]:
    """The sums, means and maxima in which something is read."""
    for child in children(node):
        if any(n == read for n in walk(child)):
            yield from _around(child, read)
            break
    if isinstance(node, Reduce):
        yield node


def _known(indices: set[Index]) -> bool:
    return not any(end.indices() for i in indices for end in (i.low, i.high))


def _counts(spot: Spot, ways: set[Way], found: Sequence[Path]) -> Words:
    """How the element counts in the outputs that see it."""
    (way, count), *others = ways
    shared = count > 0 and all(agrees(p.local * count, 1) for p in found)
    match way if not others else "other":
        case "weights":
            return ("Where it stands in a window decides which weight it meets.",)
        case "mean" | "sum" if shared:
            share = number(Fraction(1, count))
            return (f"An output takes the mean of the {count} numbers of its window, so each counts ", share,
                    " there, wherever it stands.")  # fmt: skip
        case "mean" | "sum":
            return ("An output adds up its window, so all numbers count alike, wherever they stand.",)
        case "max" | "min":
            most = "largest" if way == "max" else "smallest"
            return (f"An output takes the {most} number of its window, so ", spot.element, f" counts only "
                    f"where it gives the {most}: here in ", *_some([p.end for p in found]), ". Where it does "
                    "not, a small move of it changes nothing, and the local derivative is 0.")  # fmt: skip
        case _:
            return ("How much it counts there is what its local derivative says.",)


def _band(spot: Spot) -> Iterator[Block]:
    """The Jacobian of outputs by inputs, where both have one axis: each row is the window, moved on."""
    consumers = [c for c in spot.case.consumers if c != spot.system.model.cost]
    if len(spot.own) != 1 or len(consumers) != 1 or len(spot.case.consumers) != 1:
        return
    sources = [spot.moved({spot.own[0]: k}).key for k in spot.range(spot.own[0])]
    ends = [(consumers[0], at) for at in points(spot.system.model.arrays[consumers[0]].axes, spot.oracle)]
    if max(len(sources), len(ends)) > LARGEST + 2:
        return
    grid: Grid = tuple(tuple(float(spot.oracle.partial_of(*e, s)) for s in sources) for e in ends)
    back = [spot.adjoint(e) for e in ends]
    total = [v for v, in product(turned(grid), tuple((b,) for b in back))]
    same_grid(spot, (tuple(total),), (tuple(spot.adjoint(s) for s in sources),))
    column = sources.index(spot.key)
    yield say("All local derivatives in one matrix, with a row for each output and a column for each input. "
              "A row is a window; the column that stands out is what ", spot.element, " does:")  # fmt: skip
    strong = {(r, column) for r in range(len(grid))}
    factors = [shaped(spot.vector(back)), shaped(grid, strong)]
    why, place = "the row of the adjoints of the outputs times it", (0, column)
    if not spot.rows:
        factors = [shaped(turned(grid), {(c, r) for r, c in strong}), factors[0]]
        why, place = "its transpose times the adjoints of the outputs", (column, 0)
    yield Lines((
        Line(None, "", shaped(grid, strong)),
        Line(Whole(spot.whole), "=", side(*factors), (why,)),
        Line(None, "=", shaped(spot.vector(total), {place})),
    ))  # fmt: skip

