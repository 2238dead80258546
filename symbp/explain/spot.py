"""A concrete place to look at: a small sample, one element of the variable, and numbers around it.

All numbers come from the oracle, which knows nothing of the derivation; what the derivation says is
compared with them before it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from symbp.arrays.matrix_entry import entry
from symbp.arrays.matrix_nodes import (
    Leaf,
    Matrix,
    Scalar,
    SequenceSum,
    Unit,
    parts,
    shape,
    with_parts,
)
from symbp.arrays.matrix_rows import transposed, written_as_row
from symbp.calculus.affine import Affine, Index, affine
from symbp.calculus.expr import Adjoint, Expr, Functional, Ref
from symbp.calculus.tree import free_indices, map_children, map_positions, substitute
from symbp.derive.core import AdjointSystem, Case
from symbp.errors import SymbpError, VerificationFailed
from symbp.explain.axes import axes_of
from symbp.explain.concrete import concrete
from symbp.verify.arithmetic import FLOAT, Kink
from symbp.verify.evaluate import Key, Oracle
from symbp.verify.lines import difference
from symbp.verify.places import Positions, Values, place, places, points
from symbp.verify.report import sequence_domains
from symbp.verify.sample import Sample, draw, trouble
from symbp.verify.sizes import choose_sizes

At = Mapping[Index, int]
Grid = tuple[tuple[float, ...], ...]
"""A matrix of numbers; a vector is a column or a row of it, a scalar has one entry."""

LARGEST = 6
"""More rows or columns than this are not written out."""

TOLERANCE = 1e-9


class Unfit(Exception):
    """This sample cannot be shown: a function has no derivative there, or a number is not finite."""


@dataclass(frozen=True, slots=True)
class Spot:
    """An element of the variable at a sample: ``at`` gives the free indices of ``case`` their values.

    ``rows``: the page has vectors as rows.  Expressions stay those of columns, in which a row is the
    transpose of one; only :meth:`form` writes them as they are written there.
    """

    system: AdjointSystem
    case: Case
    oracle: Oracle
    at: At = field(default_factory=lambda: MappingProxyType({}))
    rows: bool = False

    @property
    def key(self) -> Key:
        """The name and the positions of the element."""
        return self.case.lhs.name, self.positions(self.case.lhs.indices)

    @property
    def element(self) -> Ref:
        """The element as an expression with numbers for indices."""
        return Ref(self.key[0], tuple(map(Affine, self.key[1])))

    @property
    def own(self) -> tuple[Index, ...]:
        """The free indices that are no sequence indices: the axes of the adjoint as an array."""
        return tuple(i for i in self.case.indices if not i.sequence)

    @property
    def array(self) -> Ref:
        """The variable with its layer or time only: the array that the element is one of."""
        return Ref(self.case.lhs.name, self.whole.indices)

    @property
    def whole(self) -> Adjoint:
        """The adjoint with its layer or time only."""
        node = map_positions(substitute(self.case.lhs, self.sequences), self._number)
        assert isinstance(node, Adjoint)
        return node

    @property
    def sequences(self) -> dict[Index, Affine]:
        """The values of the sequence indices."""
        return {i: Affine(v) for i, v in self.at.items() if i.sequence}

    def moved(self, at: At) -> Spot:
        """The same with other values for some indices."""
        return replace(self, at={**self.at, **at})

    def positions(self, indices: Sequence[Affine]) -> Positions:
        """The values of positions."""
        return places(indices)(self.oracle, self._values())

    def _values(self) -> Values:
        return {i.uid: v for i, v in self.at.items()}

    def value(self, node: Expr) -> float:
        """The value of an expression here.

        Raises:
            Unfit: if it has none.
        """
        try:
            return float(self.oracle.value(node, dict(self.at)))
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise Unfit(str(error)) from error

    def adjoint(self, key: Key) -> float:
        """The derivative of the cost by an element, measured."""
        return float(self.oracle.adjoint(*key))

    def range(self, index: Index) -> range:
        """The values of an index here."""
        values = self._values()
        low, high = place(index.low)(self.oracle, values), place(index.high)(self.oracle, values)
        return range(low, high + 1)

    def fixed(self, node: Expr) -> Expr:
        """The expression with numbers for its indices, sizes and gathered positions."""
        known = {i: Affine(v) for i, v in self.at.items()}
        return concrete(substitute(node, known), self._number, self.range)

    def placed(self, node: Expr) -> Expr:
        """The expression with numbers for its free indices and nothing else done to it."""
        return self._numbered(substitute(node, {i: Affine(v) for i, v in self.at.items()}))

    def _numbered(self, node: Expr) -> Expr:
        return map_children(map_positions(node, self._number), self._numbered)

    def _number(self, position: Affine) -> Affine:
        if position.indices():
            return position
        return Affine(place(position)(self.oracle, {}))

    def inside(self, node: Matrix) -> Iterator[tuple[Spot, Matrix]]:
        """A matrix expression and all below it; in a sum over time those of its last term."""
        here = self
        yield here, node
        if isinstance(node, SequenceSum):
            for index in node.indices:
                here = here.moved({index: here.range(index)[-1]})
        for part in parts(node):
            yield from here.inside(part)

    @property
    def columns(self) -> Spot:
        """The same where vectors are columns."""
        return replace(self, rows=False)

    def laid(self, node: Matrix) -> Matrix:
        """A result as the page has it: a vector lies as a row where vectors are rows."""
        return transposed(node) if self.rows and shape(node) == (True, False) else node

    def vector(self, values: Iterable[float]) -> Grid:
        """Numbers below each other, or side by side where vectors are rows."""
        found = tuple(values)
        return (found,) if self.rows else tuple((v,) for v in found)

    def form(self, node: Matrix) -> Matrix:
        """A matrix expression with numbers for layers and times, as the page writes it."""
        return self._form(written_as_row(node) if self.rows else node)

    def _form(self, node: Matrix) -> Matrix:
        known = self.sequences
        match node:
            case Leaf(element, axes):
                moved = map_positions(substitute(element, known), self._number)
                assert isinstance(moved, (Ref, Adjoint, Functional))
                return Leaf(moved, axes)
            case Scalar(expression):
                return Scalar(concrete(substitute(expression, known), self._number, self.range))
            case Unit(where, like):
                return Unit(self._number(where.substitute(known)), like)
            case SequenceSum(indices, arg):
                return SequenceSum(tuple(map(self._counted, indices)), self._form(arg))
            case _:
                return with_parts(node, tuple(self._form(p) for p in parts(node)))

    def _counted(self, index: Index) -> Index:
        """The index of a sum with numbers at the ends of its range: m = 0..l-1 at l = 1."""
        low, high = (self._number(end.substitute(self.sequences)) for end in (index.low, index.high))
        return replace(index, lo=low, hi=high)

    def grid(self, node: Matrix) -> Grid:
        """The numbers of a matrix expression, entry by entry.

        Raises:
            Unfit: if one has no value, or if there are too many to be written out.
        """
        up, across = axes_of(node)
        rows, columns = self._along(up), self._along(across)
        return tuple(tuple(self._entry(node, r, c) for c in columns) for r in rows)

    def _along(self, index: Index | None) -> Sequence[int | None]:
        if index is None:
            return (None,)
        found = self.range(index)
        if len(found) > LARGEST:
            raise Unfit(f"{len(found)} numbers side by side")
        return found

    def _entry(self, node: Matrix, row: int | None, col: int | None) -> float:
        return self.value(entry(node, *(None if v is None else Affine(v) for v in (row, col))))

    def same(self, left: float, right: float, what: str) -> None:
        """Demand that two numbers that a page calls equal are equal.

        Raises:
            Kink: if a function has no derivative here, so that they need not be.
            VerificationFailed: if they are not.
        """
        if difference(left, right, max(abs(left), abs(right), 1e-3)) <= TOLERANCE:
            return
        self.oracle.fine.adjoint(*self.key)
        raise VerificationFailed(
            f"the explanation of {self.key[0]} in {self.system.model.name} is wrong: "
            f"{what} is {left:.10g} and {right:.10g}",
            hint="this is a defect of symbp, not of the model: nothing was written; please report it",
        )


# ── choosing ──────────────────────────────────────────────────────────────────────────────────────


def spots(system: AdjointSystem, name: str) -> Iterator[Spot]:
    """Places to look at, the most telling first: small arrays, and an adjoint that is not 0."""
    best: list[Spot] = []
    for sizes in _sizes(system, name):
        for seed in range(3):
            for decimals in (1, 2):
                spot = _tried(system, name, sizes, seed, decimals)
                if spot is None:
                    continue
                if abs(spot.adjoint(spot.key)) >= 1e-3:
                    yield spot
                else:
                    best.append(spot)
    yield from best


def _sizes(system: AdjointSystem, name: str) -> list[dict[tuple[str, Positions], int]]:
    """Assignments of sizes: those with the fewest entries around the variable first."""
    domains = sequence_domains([system.cases[name]])
    found = [choose_sizes(system.model, variant, domains) for variant in range(4)]
    return sorted(found, key=lambda sizes: _entries(system, name, sizes))


def _entries(
    system: AdjointSystem, name: str, sizes: dict[tuple[str, Positions], int]
) -> tuple[int, int, int]:
    """How many axes have one element only, and how many elements the arrays at hand have."""
    oracle = Oracle(system.model, Sample(system.model, sizes, {}))
    count = lone = 0
    own = sum(bool(i.sequence) for i in system.model.arrays[name].axes)
    for other in dict.fromkeys((name, *(c for case in system.cases[name] for c in case.consumers))):
        axes = system.model.arrays[other].axes
        found = points(axes, oracle)
        count += len(found)
        # an array that is shared over a sequence is to be seen at several of its steps
        shared = sum(bool(i.sequence) for i in axes) > own
        wanted = [3 if i.sequence and shared else 2 for i in axes]
        lone += sum(len({at[k] for at in found}) < least for k, least in enumerate(wanted))
    return lone, count, sum(sizes.values())


def _tried(
    system: AdjointSystem, name: str, sizes: Mapping[tuple[str, Positions], int], seed: int, decimals: int
) -> Spot | None:
    """The element with the largest adjoint, at a sample of short numbers; None if there is none."""
    try:
        sample = shortened(draw(system.model, sizes, seed), decimals)
        if trouble(sample) is not None:
            return None
        oracle = Oracle(system.model, sample, FLOAT, system.through, None, system.steady)
        for case in system.cases[name]:
            inner = [Spot(system, case, oracle, at) for at in _places(system, case, oracle)]
            if inner:
                found = _telling(inner)
                oracle.fine.adjoint(*found.key)
                return found
    except (Kink, SymbpError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return None


def _telling(inner: Sequence[Spot]) -> Spot:
    """An element whose adjoint is not 0, and rather the second than the first: 0 looks like no number."""
    alive = [s for s in inner if abs(s.adjoint(s.key)) > 1e-3] or list(inner)
    return alive[min(1, len(alive) - 1)]


def _places(system: AdjointSystem, case: Case, oracle: Oracle) -> list[At]:
    """The elements of a case in its smallest layer that has more than one, a dozen at most."""
    found = [dict(zip(case.indices, at, strict=True)) for at in points(case.indices, oracle)]
    groups: dict[Positions, list[At]] = {}
    for at in found:
        groups.setdefault(tuple(v for i, v in at.items() if i.sequence), []).append(at)
    if not groups:
        return []
    small = min(groups.values(), key=lambda g: (len(g) < 2, len(g)))
    return small[:12]


def shortened(sample: Sample, decimals: int) -> Sample:
    """The sample with its real numbers rounded."""
    values = {
        name: {at: v if isinstance(v, int) else round(v, decimals) for at, v in elements.items()}
        for name, elements in sample.values.items()
    }
    return replace(sample, values=values)


# ── matching ──────────────────────────────────────────────────────────────────────────────────────


def matched(indices: Sequence[Affine], at: Positions, spot: Spot) -> At | None:
    """The values of further indices with which ``indices`` are the positions ``at``; None: there are none."""
    values: dict[Index, int] = dict(spot.at)
    for position, wanted in zip(indices, at, strict=True):
        unknown = [i for i in position.indices() if i not in values]
        if len(unknown) > 1:
            return None
        if unknown:
            (index,) = unknown
            step = place(affine(position.coefficient(index)))(spot.oracle, _by_uid(values))
            rest = place(position.substitute({index: Affine(0)}))(spot.oracle, _by_uid(values))
            if step == 0 or (wanted - rest) % step:
                return None
            values[index] = (wanted - rest) // step
        elif place(position)(spot.oracle, _by_uid(values)) != wanted:
            return None
    return values


def _by_uid(values: At) -> Values:
    return {i.uid: v for i, v in values.items()}


def open_indices(node: Expr, known: Iterable[Index]) -> tuple[Index, ...]:
    """The free indices of an expression that have no value yet."""
    have = set(known)
    return tuple(i for i in free_indices(node) if i not in have)


def mentions_adjoint(node: Matrix) -> bool:
    """Whether an adjoint stands anywhere in a matrix expression."""
    if isinstance(node, Leaf):
        return isinstance(node.node, (Adjoint, Functional))
    return any(map(mentions_adjoint, parts(node)))

