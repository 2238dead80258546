"""The page about one variable: the sections that its derivation gives rise to, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice

from symbp.arrays.matrix_nodes import Matrix
from symbp.arrays.views import MatrixView
from symbp.calculus.affine import Affine, Size, affine
from symbp.calculus.expr import Adjoint, Integer, Ref
from symbp.derive.core import AdjointSystem, Case
from symbp.errors import RequestProblem
from symbp.explain import (
    batch,
    entrywise,
    inverses,
    meaning,
    outer,
    paths,
    products,
    scaling,
    structure,
    windows,
)
from symbp.explain.core import Explanation, Form, Line, Lines, Math, Section, Whole, Words, say, side
from symbp.explain.numerals import shaped, shown
from symbp.explain.spot import Spot, Unfit, spots
from symbp.verify.arithmetic import Kink
from symbp.verify.places import points

TRIES = 8


def explanation(
    system: AdjointSystem,
    name: str,
    views: Mapping[int, MatrixView],
    numbered: bool = True,
    vectors: str = "columns",
) -> Explanation:
    """The page about ``name``; every equality of numbers on it is checked.

    ``numbered``: the numbers of the equations of ``system`` are those of the document about the model.
    ``vectors``: whether they are columns or rows on the page.

    Raises:
        RequestProblem: if no small sample shows anything.
        VerificationFailed: if numbers that should be equal are not.
    """
    for spot in _telling(islice(spots(system, name), TRIES)):
        try:
            return _page(replace(spot, rows=vectors == "rows"), views, numbered)
        except (Unfit, Kink):
            continue
    raise RequestProblem(
        f"no small numbers were found that show the adjoint of {name}",
        hint="symbp derive shows its formula",
    )


def _telling(found: Iterator[Spot]) -> Iterator[Spot]:
    """The spots in their order, but for first ones where all that comes back comes on one path of several."""
    poor: list[Spot] = []
    for spot in found:
        if len(poor) < POOR and _is_poor(spot):
            poor.append(spot)
        else:
            yield spot
            break
    yield from poor
    yield from found


POOR = 4
"""After so many spots that show little, the first of them is good enough."""


def _is_poor(spot: Spot) -> bool:
    try:
        ways = paths.paths(spot)
    except (Unfit, Kink):
        return True
    return len(ways) > 1 and len(paths.alive(ways)) < 2


def _page(spot: Spot, views: Mapping[int, MatrixView], numbered: bool) -> Explanation:
    model, name = spot.system.model, spot.key[0]
    view = views[spot.case.number]
    return Explanation(
        model.name,
        model.title,
        name,
        (),
        (
            meaning.section(spot, view, numbered),
            *_sections(spot, view.form),
            *_others(spot, views, numbered),
        ),
        tuple(_notes(spot, numbered)),
        "rows" if spot.rows else "columns",
    )


def _sections(spot: Spot, form: Matrix | None) -> Iterator[Section]:
    found = paths.paths(spot)
    optional: list[Callable[[], Section | None]] = [
        lambda: paths.section(spot, found),
        lambda: structure.ways_section(spot, found),
        lambda: structure.gather_section(spot, found),
        lambda: windows.window_section(spot, found),
    ]
    if form is not None:
        laid = spot.laid(form)
        carried = products.transposes(spot, laid)
        optional += [partial(products.transpose_section, spot, c, n > 0) for n, c in enumerate(carried)]
        optional.append(lambda: inverses.first_inverse(carried, laid))
        optional.append(lambda: outer.outer_section(spot, laid, len(found)))
        optional.append(lambda: outer.ones_section(spot, laid))
        optional.append(lambda: entrywise.hadamard_section(spot, laid))
        optional.append(lambda: scaling.diagonal_section(spot, laid))
    optional += [lambda: entrywise.softmax_section(spot), lambda: batch.section(spot, form)]
    for make in optional:
        try:
            section = make()
        except Unfit:
            # too large to be written out: the page goes without this section
            continue
        if section is not None:
            yield section


# ── the other cases ───────────────────────────────────────────────────────────────────────────────


def _others(spot: Spot, views: Mapping[int, MatrixView], numbered: bool) -> Iterator[Section]:
    """Where the formula is another one: each other case, with a number that is checked."""
    lines: list[Line] = []
    for case in spot.system.cases[spot.key[0]]:
        if case is not spot.case:
            lines += _case_lines(spot, case, views[case.number], numbered)
    if lines:
        intro = say("Other elements have other readers, and so another formula:")
        yield Section("cases", ("Is it the same everywhere?",), (intro, Lines(tuple(lines))))


def _case_lines(spot: Spot, case: Case, view: MatrixView, numbered: bool) -> Iterator[Line]:
    found = points(case.indices, spot.oracle)
    if not found:
        return
    place = replace(spot, case=case, at=dict(zip(case.indices, found[0], strict=True)))
    slope = place.adjoint(place.key)
    place.same(place.value(case.result), slope, "the result of the derivation beside the measured derivative")
    element = Adjoint(place.element.name, place.element.indices)
    yield Line(case.lhs, "=", case.result, meaning.source(case, numbered))
    yield Line(element, "=", shown(slope), ("measured and by the formula",))
    if view.form is not None and place.own:
        try:
            form = place.laid(view.form)
            grid = place.grid(form)
        except Unfit:
            return
        yield Line(Whole(place.whole), "=", side(Form(place.form(form)), "=", shaped(grid)))


# ── notes ─────────────────────────────────────────────────────────────────────────────────────────


def _notes(spot: Spot, numbered: bool) -> Iterator[Words]:
    """What a reader has to know about the numbers."""
    yield ("The numbers are those of a small example", *_sizes(spot), ", rounded; every equality was checked "
           "before rounding.")  # fmt: skip
    if numbered:
        yield ("Equations have the numbers that they have in the derivation of the whole model.",)
    model = spot.system.model
    abstract = [n for n, f in model.functions.items() if f.body is None]
    if abstract:
        verb = " is" if len(abstract) == 1 else " are"
        yield ("The model does not say what ", *_listed(Ref(n) for n in abstract), f"{verb}; for the numbers "
               "smooth functions stand in. To see your own, define what is left open: --bind "
               f"{abstract[0]}=tanh.")  # fmt: skip


def _sizes(spot: Spot) -> Words:
    """L = 2, n₀ = 4: the sizes of the example, the members of a family one by one."""
    out: list[str | Math] = []
    for (name, at), value in spot.oracle.sample.sizes.items():
        own = Integer(affine(Size(name, tuple(map(Affine, at)))))
        out += [", " if out else " with ", side(own, "=", Integer(Affine(value)))]
    return tuple(out)


def _listed(names: Iterator[Ref]) -> Words:
    out: list[str | Ref] = []
    for name in names:
        out += [" and ", name] if out else [name]
    return tuple(out)

