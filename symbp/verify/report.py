"""All checks of a model, put together: a table, and whether everything holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from symbp.calculus.affine import Index, affine, fresh
from symbp.calculus.tree import refs
from symbp.derive.core import AdjointSystem, Case
from symbp.derive.lengths import apart
from symbp.model.core import Model
from symbp.verify.arithmetic import FLOAT, Kink, digits
from symbp.verify.comparison import ModuleCheck
from symbp.verify.evaluate import Oracle
from symbp.verify.gradients import check_module
from symbp.verify.lines import (
    LineCheck,
    check_contributions,
    check_jacobians,
    check_lines,
    oracles,
)
from symbp.verify.places import Positions, Values, places, points
from symbp.verify.sample import Sample, samples
from symbp.verify.sizes import HEAVY, work_of


@dataclass(frozen=True, slots=True)
class Row:
    """One check: what was compared, where it stands (an equation number), and how well it agrees."""

    what: str
    number: int
    error: float
    precision: str
    ok: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """The table that ``symbp verify`` prints; ``sizes`` says at which sizes it was made, ``elements`` at
    how many elements."""

    model: str
    rows: tuple[Row, ...]
    sizes: str = ""
    elements: str = ""

    @property
    def ok(self) -> bool:
        """Whether every check holds; a report without rows holds nothing."""
        return bool(self.rows) and all(row.ok for row in self.rows)

    @property
    def worst(self) -> float:
        """The largest relative error of all rows."""
        return max((row.error for row in self.rows), default=0.0)

    def __str__(self) -> str:
        head = ("", "what", "equation", "worst relative error", "precision")
        cells = [head, *map(_cells, self.rows)]
        widths = [max(len(row[k]) for row in cells) for k in range(len(head))]
        table = [_line(head, widths)]
        for row in self.rows:
            table += [_line(_cells(row), widths), *([f"      {row.note}"] if row.note else [])]
        failed = sum(not row.ok for row in self.rows)
        total = f"{len(self.rows)} checks, " + (f"{failed} failed" if failed else "all hold")
        scope = [self.elements] if self.elements else []
        return "\n".join([f"{self.model}: {self.sizes}".rstrip(": "), *table, *scope, total])


def _cells(row: Row) -> tuple[str, ...]:
    number = f"({row.number})" if row.number else ""
    return "ok" if row.ok else "FAIL", row.what, number, _error_text(row.error), row.precision


def _error_text(error: float) -> str:
    return "0" if error == 0 else f"{error:.1e}"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(c.ljust(w) for c, w in zip(cells, widths, strict=True)).rstrip()


def verify(
    model: Model, system: AdjointSystem, module: Any = None, *, precise: bool = True, seed: int = 0
) -> Report:
    """Check every line of ``system`` and what code is made of, and ``module`` if it is given.

    Two samples with different sizes; floats with complex step and, if ``precise``, 60 digits with
    differences.
    """
    chosen = samples(model, 2, seed, sequence_domains(system.cases.values()))
    floats = oracles(model, system.through, chosen, FLOAT, system.steady, many=True)
    groups = [(floats, _limit(chosen, MOST))]
    if precise:
        fine = oracles(model, system.through, chosen, digits(), system.steady)
        groups.append((fine, _limit(chosen, MOST_IN_DIGITS)))
    rows = [*_derivation_rows(system, groups)]
    short: tuple[Sample, ...] = ()
    if any(apart(cases) for cases in system.cases.values()):
        # sequences so short that cases meet: what code is made of has to hold there too
        short = samples(model, 2, seed)
        rows += _contribution_rows(system, oracles(model, system.through, short, FLOAT, system.steady), 24)
    if module is not None:
        for sample in (*chosen, *short):
            rows += [_module_row(check) for check in check_module(model, module, sample)]
    sizes = "; ".join(s.sizes_text() for s in chosen)
    return Report(model.name, _merged(rows), sizes, _elements(groups, module is not None))


MOST, MOST_IN_DIGITS = 24, 3
"""At so many elements of an adjoint, at most, a line is checked at each of the sizes."""
AMPLE = 4 * HEAVY
"""A model with more products than this is checked at fewer elements."""


def _limit(chosen: Sequence[Sample], most: int) -> int:
    """At how many elements lines are checked: the first and the last at least."""
    work = max(work_of(s.model, s.sizes) for s in chosen)
    return max(2, most * AMPLE // max(work, AMPLE))


def _elements(groups: Sequence[tuple[Sequence[Oracle], int]], module: bool) -> str:
    """What was checked, in words: lines by samples, a module at every element."""
    (most, first), *others = ((limit, group[0].arith.label.split(",")[0]) for group, limit in groups)
    lines = f"each line is compared at up to {most} elements of its adjoint in {first}"
    lines += "".join(f", and at up to {limit} in {arith}" for limit, arith in others)
    return f"{lines}, for each of the sizes" + ("; the module at all of them" if module else "")


def sequence_domains(groups: Iterable[Sequence[Case]]) -> tuple[tuple[Index, ...], ...]:
    """The ranges of sequence indices on which the cases hold, each once, and that keep them apart."""
    groups = tuple(groups)
    found = [tuple(i for i in c.indices if i.sequence) for cases in groups for c in cases]
    found += [(fresh("", affine(0), gap),) for cases in groups for gap in apart(cases)]
    return tuple({tuple((i.low, i.high) for i in d): d for d in found if d}.values())


def _derivation_rows(
    system: AdjointSystem, groups: Sequence[tuple[Sequence[Oracle], int]]
) -> Iterator[Row]:
    for name, cases in system.cases.items():
        for group, limit in groups:
            for case in cases:
                yield _line_row(check_lines(case, group, limit), len(case.lines))
                jacobians = check_jacobians(case, group, limit)
                if jacobians is not None:
                    yield _row("Jacobians on the way", jacobians)
        yield _coverage_row(name, system, groups[0][0])
    for group, limit in groups:
        yield from _contribution_rows(system, group, limit)


def _contribution_rows(system: AdjointSystem, group: Sequence[Oracle], limit: int) -> Iterator[Row]:
    for name, parts in system.contributions.items():
        needed = partial(_needed, name, system=system)
        yield _row("sum of its contributions", check_contributions(name, parts, group, limit, needed))


def _line_row(check: LineCheck, count: int) -> Row:
    what = f"adjoint of {check.name}: {count} line{'s' if count != 1 else ''}"
    note = f"line {check.line + 1}: {check.note}" if check.line >= 0 else check.note
    return Row(what, check.number, check.error, check.precision, check.ok, note)


def _row(what: str, check: LineCheck) -> Row:
    what = f"adjoint of {check.name}: {what}"
    return Row(what, check.number, check.error, check.precision, check.ok, check.note)


def _module_row(check: ModuleCheck) -> Row:
    return Row(f"module: {check.what}", 0, check.error, check.precision, check.ok, check.note)


def _merged(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows about the same thing in the same precision become one: the worst of them."""
    merged: dict[tuple[str, int, str], Row] = {}
    for row in rows:
        key = (row.what, row.number, row.precision)
        merged[key] = max(merged.get(key, row), row, key=lambda r: (not r.ok, r.error))
    return tuple(merged.values())


def _coverage_row(name: str, system: AdjointSystem, group: Sequence[Oracle]) -> Row:
    """Whether the cases of an adjoint cover each element that is not 0 exactly once."""
    note = ""
    for oracle in group:
        note = note or _gap(name, system, oracle)
    return Row(f"adjoint of {name}: cases cover it once", 0, 0.0, "count", not note, note)


def _gap(name: str, system: AdjointSystem, oracle: Oracle) -> str:
    covered: dict[Positions, int] = {}
    for case in system.cases[name]:
        for at in points(case.indices, oracle):
            values: Values = {i.uid: k for i, k in zip(case.indices, at, strict=True)}
            where = places(case.lhs.indices)(oracle, values)
            covered[where] = covered.get(where, 0) + 1
    for at in points(oracle.model.arrays[name].axes, oracle):
        times = covered.get(at, 0)
        if times > 1 or (times == 0 and _needed(name, at, oracle, system) and _matters(name, at, oracle)):
            return f"{times} cases hold for element {list(at)}"
    return ""


def _needed(name: str, at: Positions, oracle: Oracle, system: AdjointSystem) -> bool:
    """Whether something that has an adjoint acts on the element: a boundary that is data needs none."""
    equations = oracle.model.equations_of(name)
    if name not in system.order or not equations:
        return name in system.order
    alive = {*system.order, *system.through}
    for equation in equations:
        place = places(equation.lhs.indices)
        for point in points(equation.indices, oracle):
            if place(oracle, {i.uid: k for i, k in zip(equation.indices, point, strict=True)}) == at:
                return any(r.name in alive for r in refs(equation.rhs))
    # a corner that no equation defines: were it read, the cost could not be evaluated
    return False


def _matters(name: str, at: Positions, oracle: Oracle) -> bool:
    try:
        return bool(oracle.adjoint(name, at) != 0)
    except Kink:
        return True
