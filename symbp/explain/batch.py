"""What changes when the examples of a batch are the rows of a matrix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from symbp.arrays.matrix_nodes import (
    Hadamard,
    Leaf,
    Mapped,
    Matrix,
    Minus,
    Ones,
    Power,
    Product,
    Quotient,
    Scalar,
    Transpose,
    shape,
)
from symbp.arrays.matrix_nodes import Plus as PlusNode
from symbp.arrays.matrix_rows import by_rows, transposed
from symbp.calculus.expr import Adjoint, Expr, Ref, number
from symbp.explain.core import (
    Block,
    Form,
    Letters,
    Line,
    Lines,
    Math,
    Plus,
    Rows,
    Section,
    Times,
    Turned,
    Whole,
    say,
    side,
)
from symbp.explain.meaning import agrees
from symbp.explain.numerals import entrywise, product, shaped, shown, turned
from symbp.explain.products import multiply, same_grid
from symbp.explain.spot import Grid, Spot, shortened
from symbp.verify.evaluate import Oracle
from symbp.verify.sample import redraw, trouble


@dataclass(frozen=True, slots=True)
class Batch:
    """The same element at several examples: the inputs differ, all else is the same."""

    spots: tuple[Spot, ...]

    @property
    def size(self) -> int:
        """The number of examples."""
        return len(self.spots)

    def grids(self, node: Matrix) -> tuple[Grid, ...]:
        """The numbers of a matrix expression, one matrix for each example."""
        return tuple(s.grid(node) for s in self.spots)

    def constant(self, node: Matrix) -> bool:
        """Whether a matrix expression is the same for all examples."""
        first, *others = self.grids(node)
        return all(_equal(first, o) for o in others)


def _equal(left: Grid, right: Grid) -> bool:
    return all(agrees(a, b) for x, y in zip(left, right, strict=True) for a, b in zip(x, y, strict=True))


def batch_of(spot: Spot) -> Batch | None:
    """The spot and further examples; None for a model that has no inputs."""
    model, sample = spot.system.model, spot.oracle.sample
    if not model.of_kind("input"):
        return None
    found, wanted = [spot], _size(spot)
    for seed in range(1, 20):
        other = shortened(redraw(sample, sample.seed + seed, ("input",)), 1)
        if len(found) < wanted and trouble(other) is None:
            oracle = Oracle(model, other, spot.oracle.arith, spot.oracle.through, spot.oracle.program,
                            spot.oracle.steady)  # fmt: skip
            found.append(Spot(spot.system, spot.case, oracle, spot.at))
    return Batch(tuple(found)) if len(found) == wanted else None


def _size(spot: Spot) -> int:
    """The smallest number of examples that no axis around the variable has, so that shapes tell."""
    axes = [len(spot.range(i)) for i in spot.own]
    for jacobian in spot.case.jacobians:
        axes += [len(spot.range(i)) for i in jacobian.rows if set(i.high.indices()) <= set(spot.at)]
    return next(n for n in range(2, len(axes) + 3) if n not in axes)


def stacked(columns: Sequence[Grid]) -> Grid:
    """Column vectors as the rows of one matrix."""
    return tuple(turned(c)[0] for c in columns)


def section(spot: Spot, form: Matrix | None) -> Section | None:
    """Rows are examples: which products turn around, and where examples are summed."""
    # forms here are those of columns, and what is said of all examples is written with rows in any case
    batch = batch_of(spot.columns)
    if batch is None or all(
        agrees(s.adjoint(s.key), spot.adjoint(spot.key)) for s in batch.spots[1:]
    ):
        return None
    heading = ("What changes for a batch?",)
    param = spot.system.model.arrays[spot.key[0]].kind in ("param", "const")
    blocks = _mean(batch, form, spot.rows) if param else _rows(batch, form, spot.rows)
    return Section("batch", heading, tuple(blocks))


# ── variables: a row for each example ─────────────────────────────────────────────────────────────

PLAIN = (Leaf, Product, Hadamard, PlusNode, Minus, Mapped, Scalar, Transpose, Power, Ones, Quotient)
"""Forms made of these alone can be written for all examples at once."""


def _rows(batch: Batch, form: Matrix | None, rows: bool) -> list[Block]:
    spot = batch.spots[0]
    own = Whole(spot.whole)
    if form is None or shape(form) != (True, False):
        return [
            say("Each example has its own ", own, ": in code it gains an axis in front, for the example, and "
                "everything is computed for each example by itself. Nothing else changes.")
        ]  # fmt: skip
    total = stacked(batch.grids(form))
    start = ("a vector is a row already, so all of them are a matrix that has a row" if rows else
             "a vector is then a row of a matrix that has a row")  # fmt: skip
    intro = say(f"Put the examples below each other: {start} for each example. Here are {batch.size} "
                f"examples, so there are {batch.size}×{len(total[0])} numbers in place of ", own, ".")
    if not _at_once(batch, form):
        return [
            intro,
            say("Something in the formula differs from example to example and is no vector, so each row is "
                "computed from its own example:"),
            Lines((Line(None, "", shaped(total)),)),
        ]  # fmt: skip
    return [intro, *_all_at_once(batch, form, total, rows)]


def _at_once(batch: Batch, form: Matrix) -> bool:
    """Whether all that differs between the examples are vectors, so that the rows of one matrix hold it."""
    nodes = [n for _, n in batch.spots[0].inside(form)]
    if not all(isinstance(n, PLAIN) for n in nodes):
        return False
    products = [n for n in nodes if isinstance(n, Product)]
    if any(shape(p) != (True, False) or shape(p.args[-1]) != (True, False) for p in products):
        return False
    return all(batch.constant(n) for n in nodes if shape(n) != (True, False))


def _all_at_once(batch: Batch, form: Matrix, total: Grid, rows: bool) -> Iterator[Block]:
    spot = batch.spots[0]
    names = _stacked(batch, form) | {(True, spot.key[0])}
    products = [n for _, n in spot.inside(form) if isinstance(n, Product)]
    if rows:
        yield say("The formula stays what it is: each row goes through it by itself, and a matrix product "
                  "does that with all rows of its left factor. " if products else
                  "The formula stays what it is, entry by entry. ", Letters(names))  # fmt: skip
    elif products:
        turns = side(Turned(Form(spot.form(products[0]))), "=", Form(spot.form(transposed(products[0]))))
        yield say("A column that becomes a row is transposed, and that turns a product around: ", turns,
                  ". What was transposed no longer is, and what was not is. Entrywise products stay what "
                  "they are. ", Letters(names))  # fmt: skip
    else:
        yield say("Entry by entry nothing changes. ", Letters(names))
    lines = [Line(Rows(Whole(spot.whole), names), "=", Rows(Form(spot.form(by_rows(form))), names))]
    lines += [_product_line(batch, node, names) for node in products]
    if isinstance(form, Hadamard):
        lines.append(_hadamard_line(batch, form))
    yield Lines((*lines, Line(None, "=", shaped(total), ("each row as for one example",))))


def _stacked(batch: Batch, form: Matrix) -> frozenset[tuple[bool, str]]:
    """The arrays that differ between the examples."""
    places = zip(*(s.inside(form) for s in batch.spots), strict=True)
    # in a sum over time a leaf stands at its last term, in each example
    leaves = [(Batch(tuple(s for s, _ in place)), place[0][1]) for place in places]
    return frozenset(
        (isinstance(n.node, Adjoint), n.node.name)
        for there, n in leaves
        if isinstance(n, Leaf) and len(n.axes) == 1
        if isinstance(n.node, (Ref, Adjoint)) and not there.constant(n)
    )


def _product_line(batch: Batch, node: Product, names: frozenset[tuple[bool, str]]) -> Line:
    """Δ W in place of Wᵀ δ, with numbers."""
    spot = batch.spots[0]
    rows = stacked(batch.grids(node.args[-1]))
    factors: list[Grid] = [rows, *(turned(spot.grid(m)) for m in node.args[-2::-1])]
    total = multiply(factors)
    same_grid(spot, total, stacked(batch.grids(node)))
    letters = Rows(Form(spot.form(by_rows(node))), names)
    return Line(letters, "=", side(*map(shaped, factors), "=", shaped(total)))


def _hadamard_line(batch: Batch, form: Hadamard) -> Line:
    """The factors of all examples, entry by entry."""
    grids = [stacked(batch.grids(a)) for a in form.args]
    total = grids[0]
    for grid in grids[1:]:
        total = entrywise(total, grid)
    same_grid(batch.spots[0], total, stacked(batch.grids(form)))
    items: list[Math | str] = []
    for grid in grids:
        items += ["⊙", shaped(grid)] if items else [shaped(grid)]
    return Line(None, "=", side(*items))


# ── parameters: the mean over the examples ────────────────────────────────────────────────────────


def _mean(batch: Batch, form: Matrix | None, rows: bool) -> list[Block]:
    spot = batch.spots[0]
    cost = Ref(spot.system.model.cost)
    blocks: list[Block] = [
        say("The same ", Whole(spot.array), " serves all examples, and ", cost, " of a batch is the mean of "
            f"the costs of its examples. So the gradients of all examples are added and divided by their "
            f"number, here {batch.size}.")
    ]  # fmt: skip
    single = [s.adjoint(s.key) for s in batch.spots]
    mean = sum(single) / batch.size
    blocks.extend(_summing(batch, form, rows) if form is not None else [])
    plain = Plus(tuple(shown(v, single) for v in single))
    blocks.append(Lines((
        Line(Adjoint(spot.element.name, spot.element.indices), "=",
             side(Times((_part(batch), plain)), "=", shown(mean)), ("one element",)),
    )))  # fmt: skip
    return blocks


def _part(batch: Batch) -> Expr:
    """1/B in front of a sum over the examples."""
    return number(Fraction(1, batch.size))


def _summing(batch: Batch, form: Matrix, rows: bool) -> list[Block]:
    """The sum over the examples as one product, checked against the mean of the gradients."""
    grids = batch.grids(form)
    mean = tuple(
        tuple(sum(values) / batch.size for values in zip(*rows, strict=True))
        for rows in zip(*grids, strict=True)
    )
    if isinstance(form, Product) and form.inner == (None,):
        return [
            say("With the examples as rows, the sum of the outer products is one matrix product: its inner "
                "index is the example, and a product sums over its inner index. ",
                Letters(_outer_names(batch, form))),
            Lines(tuple(_outer(batch, form, mean))),
        ]  # fmt: skip
    if shape(form) == (True, False):
        return [
            say(f"With the gradients of {batch.size} examples as rows, the mean is taken down each column:"),
            Lines((
                Line(None, "", shaped(stacked(grids)), ("one row for each example",)),
                Line(Whole(batch.spots[0].whole), "=", shaped(turned(mean) if rows else mean)),
            )),
        ]  # fmt: skip
    return []


def _outer_names(batch: Batch, form: Product) -> frozenset[tuple[bool, str]]:
    return _stacked(batch, form.args[0]) | _stacked(batch, transposed(form.args[1]))


def _outer(batch: Batch, form: Product, mean: Grid) -> list[Line]:
    """Σ δ aᵀ over the examples is Δᵀ A."""
    spot, left, right = batch.spots[0], form.args[0], transposed(form.args[1])
    first, second = stacked(batch.grids(left)), stacked(batch.grids(right))
    total = product(turned(first), second)
    same_grid(spot, tuple(tuple(v / batch.size for v in row) for row in total), mean)
    names = _outer_names(batch, form)
    letters = Turned(Rows(Form(spot.form(left)), names)), Rows(Form(spot.form(right)), names)
    return [
        Line(Whole(spot.whole), "=", Times((_part(batch), side(*letters)))),
        Line(None, "=", Times((_part(batch), side(shaped(turned(first)), shaped(second))))),
        Line(None, "=", shaped(mean)),
    ]
