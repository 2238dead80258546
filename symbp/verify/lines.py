"""Every line of a derivation against the line before it, and the first against the definition."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from symbp.calculus.affine import Index
from symbp.calculus.expr import Adjoint, Expr, Partial, Ref
from symbp.calculus.tree import free_indices, refresh, replace_nodes
from symbp.derive.core import Case, Contribution
from symbp.errors import SymbpError
from symbp.model.core import Model
from symbp.verify.arithmetic import FLOAT, Arithmetic, Kink, Num
from symbp.verify.compile import Program
from symbp.verify.evaluate import Oracle
from symbp.verify.places import Positions, Values, loop, places, points
from symbp.verify.sample import Sample

FLOOR = 1e-6
"""Differences are measured against at least this, so that rounding beside a true 0 passes."""

CIRCULAR = "the adjoint is given in terms of itself"


@dataclass(frozen=True, slots=True)
class LineCheck:
    """What became of the lines of one case in one arithmetic.

    ``error`` is the worst relative difference between neighbours; ``line`` the number (from 0) of
    the first line that is wrong, -1 if none is; ``points`` how many elements were tried, ``skipped``
    how many were left out because a function has no derivative there.
    """

    name: str
    number: int
    error: float
    ok: bool
    precision: str
    points: int
    line: int = -1
    note: str = ""
    skipped: int = 0


DIVISION, DOMAIN = "a division by zero", "which is not positive"
"""What the notes of lines say that have no value at a point."""


@dataclass(frozen=True, slots=True)
class _Found:
    """The values of the chain of expressions at one point; an error instead of a value it may be."""

    at: dict[Index, int]
    values: list[Num | str]


def check_lines(
    case: Case, oracles: Sequence[Oracle], limit: int = 24
) -> LineCheck:
    """Compare the numeric adjoint, every line's source and target, and the result, in turn.

    ``oracles`` are those of one model in one arithmetic, at different samples; see :func:`oracles`.
    At most ``limit`` elements of each are tried.
    """
    chain, found, skipped = _chain(case, oracles[0].model), list[_Found](), 0
    for oracle in oracles:
        for at in _chosen(case.indices, oracle, limit):
            point = dict(zip(case.indices, at, strict=True))
            if not _exists(oracle, case.lhs, point):
                continue  # outside of a triangle there is no element to have an adjoint
            try:
                values = [_value(oracle, node, point) for _, node in chain[:-1]]
                this = _Found(point, [*values, _result(oracle, case, chain[-1][1], point)])
                found.append(_without_rounding(this, oracle, [node for _, node in chain]))
            except Kink:
                skipped += 1
    return _judge(case, chain, found, skipped, oracles[0].arith)


def _exists(oracle: Oracle, ref: Ref | Adjoint, point: Mapping[Index, int]) -> bool:
    """Whether an element is one that the model has."""
    element = places(ref.indices)(oracle, {i.uid: v for i, v in point.items()})
    return oracle.defines((ref.name, element))


def oracles(
    model: Model,
    through: Collection[str],
    samples: Sequence[Sample],
    arith: Arithmetic = FLOAT,
    steady: Model | None = None,
    many: bool = False,
) -> tuple[Oracle, ...]:
    """One oracle for each sample; they share what is compiled."""
    program = Program(model, arith)
    return tuple(Oracle(model, sample, arith, through, program, steady, many) for sample in samples)


def _chain(case: Case, model: Model) -> list[tuple[int, Expr]]:
    """What must all be equal, each with the number of the line that claims it."""
    chain: list[tuple[int, Expr]] = [(0, case.lhs)]
    for number, line in enumerate(case.lines):
        chain += [(number, line.source), (number, line.target)]
    chain.append((len(case.lines) - 1, case.result))
    kept = [link for k, link in enumerate(chain) if k == 0 or link[1] is not chain[k - 1][1]]
    return [(number, _direct(node, case, model)) for number, node in kept]


def _without_rounding(point: _Found, oracle: Oracle, nodes: Sequence[Expr]) -> _Found:
    """Values that differ are found again in many digits: what rounding changes is no error of a line.

    Raises:
        Kink: if a derivative among them does not exist there; where two arguments of a maximum tie,
            values may differ for that reason.
    """
    pairs = itertools.pairwise(point.values)
    unit = oracle.arith.unit
    if all(isinstance(a, str) or isinstance(b, str) or difference(a, b, 0) <= unit for a, b in pairs):
        return point
    finer = [_value(oracle.fine, node, point.at) for node in nodes]
    kept = [old if isinstance(old, str) else new for old, new in zip(point.values, finer, strict=True)]
    return _Found(point.at, kept)


def _direct(node: Expr, case: Case, model: Model) -> Expr:
    """∂C/∂z as one addend of ∂C/∂z is what C reads of z itself: read otherwise it would be circular."""
    own = Partial(Ref(model.cost), Ref(case.lhs.name, case.lhs.indices))
    if node == own:
        return node
    body = model.equations_of(model.cost)[0].rhs
    return replace_nodes(node, lambda n: Partial(refresh(body), own.wrt) if n == own else None)


def _chosen(indices: Sequence[Index], oracle: Oracle, limit: int) -> list[Positions]:
    """The first and the last element of the range, and others between them."""
    everything = points(indices, oracle)
    if len(everything) <= limit:
        return everything
    between = random.Random(len(everything)).sample(everything[1:-1], max(limit - 2, 0))
    return [everything[0], *sorted(between), everything[-1]][:max(limit, 1)]


def _value(oracle: Oracle, node: Expr, at: dict[Index, int]) -> Num | str:
    """The value, or why there is none: a line that cannot be evaluated is a wrong line."""
    try:
        return oracle.value(node, at)
    except SymbpError as error:
        return error.message
    except ZeroDivisionError:
        return DIVISION  # in mpmath it says nothing
    except (ValueError, OverflowError) as error:
        return str(error) or type(error).__name__


def _result(oracle: Oracle, case: Case, node: Expr, at: dict[Index, int]) -> Num | str:
    """The value of the last line, which must not be made of what it is to be."""
    oracle.asked.clear()
    value = _value(oracle, node, at)
    element = places(case.lhs.indices)(oracle, {i.uid: v for i, v in at.items()})
    return CIRCULAR if (case.lhs.name, element) in oracle.asked else value


def difference(left: Num, right: Num, scale: Num) -> float:
    """The difference relative to the larger of the two, to a thousandth of ``scale``, to a floor."""
    largest = max(abs(left), abs(right), abs(scale) / 1000, FLOOR)
    relative = float(abs(left - right) / largest)
    return relative if relative == relative else float("inf")


def _judge(
    case: Case, chain: list[tuple[int, Expr]], found: list[_Found], skipped: int, arith: Arithmetic
) -> LineCheck:
    name, worst, wrong, note = case.lhs.name, 0.0, -1, ""
    scale = max((abs(v) for f in found for v in f.values[:1] if not isinstance(v, str)), default=0)
    for k in range(1, len(chain)):
        for point in found:
            error, why = _step(point, k, scale)
            if error > arith.unit and wrong < 0:
                wrong, note = chain[k][0], why or _disagreement(point, k)
            worst = max(worst, error)
    if not found and not skipped:
        note = "no element lies in the range of this case at the sizes tried"
    if not case.lines:
        note = "there is no line that says what this adjoint is"
    error = math.inf if note and worst <= arith.unit else worst
    return LineCheck(
        name, case.number, error, not note, arith.label, len(found), wrong, note, skipped
    )


def _step(point: _Found, k: int, scale: Num) -> tuple[float, str]:
    left, right = point.values[k - 1], point.values[k]
    if isinstance(left, str):
        # Already blamed on the line before, unless it is the definition itself.
        return (float("inf"), left) if k == 1 else (0.0, "")
    if isinstance(right, str):
        return float("inf"), right
    return difference(left, right, scale), ""


def _disagreement(point: _Found, k: int) -> str:
    at = ", ".join(f"{i.name} = {v}" for i, v in point.at.items())
    left, right = (f"{float(point.values[j]):.10g}" for j in (k - 1, k))
    return f"{left} became {right}" + (f" at {at}" if at else "")


# ── what code is made of ──────────────────────────────────────────────────────────────────────────


def check_contributions(
    name: str,
    contributions: Sequence[Contribution],
    oracles: Sequence[Oracle],
    limit: int = 60,
    needed: Callable[[Positions, Oracle], bool] = lambda at, oracle: True,
) -> LineCheck:
    """The sum of all contributions to each needed element of an adjoint against the numeric adjoint."""
    worst, count, skipped, note = 0.0, 0, 0, ""
    for oracle in oracles:
        array = oracle.model.arrays[name]
        chosen = [at for at in _chosen(array.axes, oracle, limit) if needed(at, oracle)]
        try:
            sums = _accumulate(contributions, oracle)
            pairs, missed = _pairs(name, chosen, sums, oracle)
            if any(difference(a, b, 0) > oracle.arith.unit for _, a, b in pairs):
                # rounding is no error; and where two arguments of a maximum tie, these digits notice it
                pairs, missed = _pairs(name, chosen, _accumulate(contributions, oracle.fine), oracle.fine)
        except Kink:
            skipped += 1
            continue
        except (SymbpError, ValueError, ZeroDivisionError, OverflowError) as error:
            note = note or getattr(error, "message", str(error))
            continue
        count, skipped = count + len(pairs), skipped + missed
        scale = max((abs(a) for _, a, _ in pairs), default=0)
        for at, expected, given in pairs:
            error_here = difference(expected, given, scale)
            if error_here > oracle.arith.unit and not note:
                note = f"{float(expected):.10g} became {float(given):.10g} at {list(at)}"
            worst = max(worst, error_here)
    return _summary(name, contributions[0].number if contributions else 0, oracles[0].arith,
                    worst, count, note, skipped)


def _summary(
    name: str, number: int, arith: Arithmetic, worst: float, count: int, note: str, skipped: int = 0
) -> LineCheck:
    """A check that is no chain of lines; what failed without a number failed altogether."""
    error = math.inf if note and worst <= arith.unit else worst
    return LineCheck(name, number, error, not note, arith.label, count, -1, note, skipped)


def _pairs(
    name: str, chosen: Sequence[Positions], sums: dict[Positions, Num], oracle: Oracle
) -> tuple[list[tuple[Positions, Num, Num]], int]:
    pairs, missed = [], 0
    for at in chosen:
        try:
            expected, given = oracle.adjoint(name, at), sums.get(at, oracle.arith.lift(0))
            if difference(expected, given, 0) > oracle.arith.unit:
                # raises where the cost has no derivative
                oracle.fine.adjoint(name, at)
            pairs.append((at, expected, given))
        except Kink:
            missed += 1
    return pairs, missed


def _accumulate(
    contributions: Sequence[Contribution], oracle: Oracle
) -> dict[Positions, Num]:
    """``lhs += rhs`` for all values of the indices."""
    sums: dict[Positions, Num] = {}
    for item in contributions:
        where, values = places(item.lhs.indices), Values()
        for _ in loop(item.indices)(oracle, values):
            at = where(oracle, values)
            oracle.asked.clear()
            sums[at] = sums.get(at, oracle.arith.lift(0)) + oracle.run(item.rhs, values)
            if (item.lhs.name, at) in oracle.asked:
                raise SymbpError(CIRCULAR)
    return sums


# ── Jacobians ─────────────────────────────────────────────────────────────────────────────────────


def check_jacobians(case: Case, oracles: Sequence[Oracle], limit: int = 40) -> LineCheck | None:
    """Every entry ∂z_j/∂z_k that a case shows against the derivative of the equation of z_j."""
    if not case.jacobians:
        return None
    worst, count, skipped, note = 0.0, 0, 0, ""
    for oracle, jacobian in itertools.product(oracles, case.jacobians):
        consumer, element = jacobian.consumer, jacobian.element
        indices = dict.fromkeys((*case.indices, *free_indices(consumer), *free_indices(element)))
        local = _direct(0 + Partial(consumer, element), case, oracle.model)
        for at in _chosen(tuple(indices), oracle, limit):
            point = dict(zip(indices, at, strict=True))
            if not all(_exists(oracle, ref, point) for ref in (consumer, element)):
                continue
            try:
                pair = _Found(point, [_value(oracle, n, point) for n in (local, jacobian.entry)])
                pair = _without_rounding(pair, oracle, [local, jacobian.entry])
            except Kink:
                skipped += 1
                continue
            error, why = _step(pair, 1, 1.0)
            if error > oracle.arith.unit and not note:
                note = why or _disagreement(pair, 1)
            worst, count = max(worst, error), count + 1
    return _summary(case.lhs.name, case.number, oracles[0].arith, worst, count, note, skipped)
