"""What an adjoint is: move one element a little, and see what becomes of the cost."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.arrays.views import MatrixView
from symbp.calculus.expr import Adjoint, Expr, Ref
from symbp.calculus.tree import size
from symbp.derive.core import Case
from symbp.derive.definitions import definitions
from symbp.explain.core import Block, Form, Line, Lines, Section, Times, Value, Whole, Words, say, side
from symbp.explain.numerals import shown
from symbp.explain.spot import Spot, Unfit
from symbp.functions import BY_NAME
from symbp.verify.lines import difference

STEPS = (1e-3, 1e-4, 1e-5)
LONG = 60
"""A result that is longer than this is not made longer by deciding its conditions."""


def section(spot: Spot, view: MatrixView, numbered: bool = True) -> Section:
    """The nudge, and the formula that gives the same number.

    ``numbered``: the formula has a number in the document about the model.

    Raises:
        Unfit: if the cost bends so much here that no step shows its slope.
    """
    element, cost = spot.element, Ref(spot.system.model.cost)
    name = Adjoint(element.name, element.indices)
    step, before, after = _nudge(spot)
    slope = spot.adjoint(spot.key)
    start = float(spot.oracle.element(*spot.key))
    digits = -_exponent(step)
    first = shown(start)
    places = max(first.decimals, digits)
    moved = Lines(
        (
            Line(cost, "=", Value(before, digits + 4), ("with ", side(element, "=", Value(start, places)))),
            Line(cost, "=", Value(after, digits + 4),
                 ("with ", side(element, "=", Value(start + step, places)))),
            Line(None, "", side(
                Value(after - before, digits + 4, True), "≈",
                Times((name, Value(step, digits))), "=", Times((shown(slope), Value(step, digits))),
            ), ()),
        )
    )  # fmt: skip
    blocks = (
        say(name, " is the adjoint of ", element, ": it says by how much ", cost, " changes for each unit by "
            "which ", element, f" is moved. {_counting(spot)}"),
        say("Move ", element, " by ", Value(step, digits), ", compute everything that follows from it again, "
            "and look at the cost before, the cost after, and the difference:"),
        moved,
        say("The derivation gives the same number:"),
        Lines(tuple(_formula(spot, view, slope, numbered))),
        *_functions(spot),
    )  # fmt: skip
    return Section("adjoint", ("What is ", name, "?"), blocks)


def _exponent(step: float) -> int:
    return next(-n for n in range(1, 9) if abs(step * 10**n - 1) < 1e-6)


def _nudge(spot: Spot) -> tuple[float, float, float]:
    """The largest step for which the cost moves as its slope says, and the cost before and after."""
    before, slope = float(spot.oracle.cost), spot.adjoint(spot.key)
    for step in STEPS:
        after = float(spot.oracle.nudged(*spot.key, step))
        if abs(after - before - slope * step) <= max(0.02 * abs(slope * step), 1e-9):
            return step, before, after
    raise Unfit("the cost bends too much")


def _counting(spot: Spot) -> str:
    """How the page counts, said once."""
    sequence = any(axis.sequence for array in spot.system.model.arrays.values() for axis in array.axes)
    tail = "; layers and times as in the model" if sequence else ""
    count = f"Positions in arrays, and so rows and columns, count from 0{tail}."
    return f"{count} Vectors are rows: one with n elements has the shape 1×n." if spot.rows else count


def source(case: Case, numbered: bool) -> Words:
    """Where a formula comes from."""
    return (f"equation ({case.number})",) if numbered else ()


def _formula(spot: Spot, view: MatrixView, slope: float, numbered: bool) -> list[Line]:
    case = spot.case
    name = Adjoint(spot.element.name, spot.element.indices)
    found = spot.value(case.result)
    spot.same(found, slope, "the result of the derivation beside the measured derivative")
    lines = [Line(name, "=", _here(spot, case.result), source(case, numbered))]
    if view.form is None or not spot.own:
        return [*lines, Line(None, "=", shown(found))]
    whole = Whole(spot.whole)
    return [*lines, Line(None, "=", shown(found)), Line(whole, "=", Form(spot.form(spot.laid(view.form))),
                                                       ("the same for all elements at once",))]  # fmt: skip


def _functions(spot: Spot) -> Iterator[Block]:
    """What the functions of the formula are, and where a derivative is a convention."""
    model, result = spot.system.model, spot.case.result
    found = tuple(definitions(model, (result,), everything=False))
    if found:
        yield say("Here")
        yield Lines(tuple(Line(call, "=", body) for call, body in found))
    kinks = {BY_NAME[c.function].kinks for c, _ in found if c.orders and c.function in BY_NAME}
    for text in sorted(kinks - {""}):
        yield say(f"{text[0].upper()}{text[1:]}.")


def _here(spot: Spot, result: Expr) -> Expr:
    """The result with numbers for its indices; sums and conditions stay where it would grow without them."""
    body = spot.fixed(result)
    return body if size(body) <= max(LONG, size(result)) else spot.placed(result)


def agrees(left: float, right: float) -> bool:
    """Whether two numbers are one up to rounding."""
    return difference(left, right, 1) <= 1e-9
