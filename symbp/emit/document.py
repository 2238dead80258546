"""One document tree for all formats: the model, and a section for each adjoint, line by line.

Every formula in it is typeset already (:mod:`symbp.emit.layout`), so that formats differ only in how
they spell it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symbp.arrays.matrix_nodes import Diag, Matrix, Softmax, shape
from symbp.arrays.matrix_nodes import parts as inside
from symbp.arrays.matrix_reason import matrix_reason
from symbp.arrays.matrix_rows import by_rows, transposed
from symbp.arrays.views import MatrixView
from symbp.calculus.affine import Index
from symbp.calculus.expr import Adjoint, Ref, Where
from symbp.calculus.tree import free_indices
from symbp.derive.conventions import conventions
from symbp.derive.core import AdjointSystem, Case, Line, alike
from symbp.derive.definitions import Definition, definitions
from symbp.derive.lengths import sentences
from symbp.emit import binders
from symbp.emit import layout as lay
from symbp.emit.given import given
from symbp.emit.identity import equation_keys
from symbp.emit.layout import PARTIAL, Box, Fence, Frac, Script, Text, merged, num, row
from symbp.emit.math import Printer, printer
from symbp.emit.matrix_math import matrix_box, matrix_words, whole
from symbp.emit.names import choose, letters
from symbp.emit.naming import named
from symbp.emit.notation import NIELSEN, Notation
from symbp.emit.order import orders_of_evaluation
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.figures import graph_of, layers_of
from symbp.emit.plain import text as plain
from symbp.emit.reasons import reasons
from symbp.emit.where import intro, ranges_of
from symbp.errors import RequestProblem
from symbp.model.core import Equation, Model

DETAILS = ("result", "key", "all")
FOLDED = "folded"
"""All lines, of which only the key lines are seen at first."""


@dataclass(frozen=True, slots=True)
class Formula:
    """``lhs = rhs`` with its number (0: none) and the range where it holds."""

    lhs: Box
    rhs: Box
    number: int = 0
    where: Text = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a derivation: ``= rhs`` and why; ``lhs`` only where the left side is a new one.

    ``folded`` lines stand between the key lines; a format that can fold them away has them too.
    """

    rhs: Box
    reason: Text = ()
    lhs: Box | None = None
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """The derivation on a part of the range; ``intro`` says on which."""

    number: int
    intro: Text
    lhs: Box
    steps: tuple[Step, ...]
    jacobian: Text = ()


@dataclass(frozen=True, slots=True)
class Section:
    """All that is derived about one variable."""

    name: str
    heading: Text
    question: Text
    parts: tuple[Part, ...]
    pictures: tuple[Drawing, ...] = ()
    order: Text = ()
    """In which order its adjoint, and those that recur with it, can be evaluated."""


@dataclass(frozen=True, slots=True)
class Document:
    """What every format shows."""

    name: str
    title: str
    equations: tuple[Formula, ...]
    definitions: tuple[Formula, ...]
    conventions: tuple[Text, ...]
    sections: tuple[Section, ...]
    check: Text = ()
    picture: Drawing | None = None
    given: Text = ()
    """What the model is given, and its parameters, with their shapes."""
    turned: Drawing | None = None
    """The picture from left to right, for a page that is wider than high."""

    @property
    def notes(self) -> Text:
        """What stands below the equations: shapes and conventions."""
        out: list[str | Box] = list(self.given)
        for sentence in self.conventions:
            out.extend((" ", *sentence) if out else sentence)
        return merged(out)


def document(
    system: AdjointSystem,
    names: Iterable[str] = (),
    *,
    detail: str = "key",
    notation: Notation = NIELSEN,
    views: Mapping[int, MatrixView] | None = None,
    check: Text = (),
    model: Model | None = None,
    pictures: bool = False,
    fold: bool = False,
) -> Document:
    """The document of a derivation.

    Args:
        system: the adjoints of a model.
        names: variables and parameters, a section for each; none: every parameter and named adjoint.
        detail: ``result`` has the last line only, ``key`` the main ones, ``all`` every line.
        notation: how names and indices are set.
        views: matrix forms of results, by the number of their case.
        check: the sentence on how far the lines were checked, see :func:`check_sentence`.
        model: whose equations are shown, if the author's are not those of ``system``.
        pictures: with the dependency graph, and a picture of each layer through which errors go back.
        fold: with detail ``key``, whether the lines between the key lines are there too, folded.

    Raises:
        RequestProblem: for an unknown detail or a variable without a derivation.
    """
    if detail not in DETAILS:
        raise RequestProblem(f"there is no detail {detail}", hint="choose one of " + ", ".join(DETAILS))
    setter = printer(system.model, notation)
    detail = FOLDED if fold and detail == "key" else detail
    chosen = tuple(names) or _default(system)
    orders = orders_of_evaluation(setter, system, chosen)
    seen = _each_once(system, chosen, views or {})
    sections = tuple(
        replace(
            _section(setter, system, n, detail, seen),
            order=orders.get(n, ()),
            pictures=layers_of(setter, system, n) if pictures else (),
        )
        for n in chosen
    )
    lengths = sentences(system.cases[n] for n in chosen)
    shown = [line for n in chosen for case in system.cases[n] for line in case.lines]
    forms = [v.form for v in seen.values() if v.form is not None]
    return Document(
        system.model.name,
        system.model.title,
        tuple(_equation(setter, e) for e in (model or system.model).equations),
        tuple(defined(setter, definitions(system.model, (line.target for line in shown)))),
        (*((_sentence(c),) for c in (*conventions(model or system.model), *lengths, *_of_matrices(forms))),
         *_style(setter)),
        sections,
        check,
        graph_of(setter, system) if pictures else None,
        given(setter, model or system.model),
        graph_of(setter, system, turned=True) if pictures else None,
    )


def _of_matrices(forms: Iterable[Matrix]) -> Iterator[str]:
    """How a function of vectors is meant where it is applied to a matrix."""
    inner = (node for form in forms for node in _nodes(form))
    if any(isinstance(node, Softmax) and node.op == "softmax" and all(shape(node.arg)) for node in inner):
        yield "the softmax of a matrix is taken row by row"


def _nodes(form: Matrix) -> Iterator[Matrix]:
    yield form
    for part in inside(form):
        yield from _nodes(part)


def _style(setter: Printer) -> Iterator[Text]:
    """What a reader of this notation has to be told."""
    if setter.notation.adjoint == "d":
        told = "A d before a name stands for the derivative of "
        yield told, setter.name(setter.cost), " with respect to it."
    if setter.notation.vectors == "rows":
        yield ("Vectors are rows.",)


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def check_sentence(worst: float, sizes: Iterable[int]) -> Text:
    """Every line agrees with the one above it: how well, and at which sizes.

    The difference is given to a power of ten, since its digits are those of a machine's exp.
    """
    listed = [str(size) for size in sizes]
    at = f", size{'s' * (len(listed) > 1)} {', '.join(listed)}" if listed else ""
    return (
        "Every line agrees with the one above it numerically (relative differences below ",
        decade_above(worst),
        f"{at}).",
    )


def decade_above(value: float) -> Box:
    """The power of ten above a small number; 10⁻¹⁵ is as much as a float can tell."""
    exponent = max(math.floor(math.log10(value)) + 1, -15) if value > 0 else -15
    power: Box = lay.Terms((("-", num(-exponent)),)) if exponent < 0 else num(exponent)
    return Script(num(10), None, power)


# ── sections ──────────────────────────────────────────────────────────────────────────────────────


def _default(system: AdjointSystem) -> tuple[str, ...]:
    """Named adjoints and parameters, in the order in which they can be computed."""
    arrays, adjoints = system.model.arrays, system.model.adjoints
    return tuple(n for n in system.order if n in adjoints or arrays[n].kind == "param")


def _section(
    setter: Printer, system: AdjointSystem, name: str, detail: str, views: Mapping[int, MatrixView]
) -> Section:
    if name not in system.cases:
        known = ", ".join(system.cases)
        raise RequestProblem(f"there is no derivation of {name}", hint=f"there are those of {known}")
    cases = system.cases[name]
    parts = tuple(_part(setter, case, cases, detail, views.get(case.number)) for case in cases)
    place = named(setter, cases[0])
    element = place.box(Ref(name, cases[0].lhs.indices))
    question: Text = (
        "How does a small change of ",
        element,
        f" change the {setter.notation.cost} ",
        setter.name(setter.cost),
        "?",
    )
    return Section(name, _heading(setter, system, name), question, parts)


def _heading(setter: Printer, system: AdjointSystem, name: str) -> Text:
    own, named = setter.name(name), setter.adjoint_name(name)
    if named is not None and (name in setter.adjoints or system.model.arrays[name].kind == "variable"):
        return ("The adjoint ", named, " of ", own)
    if system.model.arrays[name].kind == "variable":
        return ("The adjoint of ", own)
    return ("The gradient with respect to ", own)


def _part(
    setter: Printer, case: Case, cases: tuple[Case, ...], detail: str, view: MatrixView | None
) -> Part:
    place = named(setter, case)
    again = case.base and detail != "all" and any(alike(case, c) for c in cases if not c.base)
    if again:
        # the reader has seen these lines at the generic place
        detail, view = "result", replace(view, jacobian=None) if view is not None else None
    keys = _shown(case, "key")
    lines = _shown(case, detail)
    told = reasons(place, case, lines)
    folds = detail == FOLDED
    steps = [
        _step(place, n, why, folds and n not in keys) for n, why in zip(lines, told, strict=True)
    ]
    steps = [s for n, s in enumerate(steps) if not n or not _reads_alike(lines[n], s, steps[n - 1])]
    if view is not None and view.form is not None:
        steps.append(_matrix_step(place, case, view))
    jacobian = _jacobian(place, case, view) if view is not None and detail != "result" else ()
    head, left = intro(place, case, cases, again), place.box(case.lhs)
    if again:
        left, steps = steps[-1].lhs or left, [replace(steps[-1], reason=(), lhs=None)]
    return Part(case.number, head, left, tuple(steps), jacobian)


def _reads_alike(line: Line, step: Step, above: Step) -> bool:
    """Whether a stable form is printed as what it is the stable form of: log Σ exp, but for brackets."""
    bare = str.maketrans("", "", "() ")
    shown = (plain(s.rhs).translate(bare) for s in (step, above))
    return line.rule == "stable form" and len(set(shown)) == 1


def _jacobian(place: Printer, case: Case, view: MatrixView) -> Text:
    """The Jacobian view: where the transpose and the Hadamard product come from."""
    if view.jacobian is None or not case.lines:
        return ()
    own = view.jacobian
    notation = place.notation
    upper, lower = whole(place, own.consumer), whole(place, own.element)
    local = Frac(row(PARTIAL, upper), row(PARTIAL, lower), (True, True))
    carried = whole(place, Adjoint(own.consumer.name, own.consumer.indices))
    by_columns = notation.vectors == "columns"
    numerator = notation.jacobian == "numerator"
    form = own.form if by_columns else by_rows(own.form)
    factor: Box = local
    if by_columns == numerator:
        factor = Script(Fence(local), None, notation.transpose)
    factors = (factor, carried) if by_columns else (carried, factor)
    return (
        "In terms of the Jacobian ",
        row(local, lay.EQUALS, matrix_box(place, form if numerator else transposed(form))),
        " this is ",
        row(whole(place, case.lhs), lay.EQUALS, lay.Product(factors, ("thin",))),
        ".",
    )


def _each_once(
    system: AdjointSystem, names: Iterable[str], views: Mapping[int, MatrixView]
) -> Mapping[int, MatrixView]:
    """The views, of Jacobians that are diagonal the first one only: the others show nothing new."""
    diagonal = [
        case.number
        for name in names
        for case in system.cases.get(name, ())
        if (view := views.get(case.number)) and view.jacobian and isinstance(view.jacobian.form, Diag)
    ]
    return {n: replace(v, jacobian=None) if n in diagonal[1:] else v for n, v in views.items()}


def _shown(case: Case, detail: str) -> list[Line]:
    if detail in ("all", FOLDED):
        return list(case.lines)
    if detail == "result":
        return [line for line in case.lines if line.target == case.result][:1] or list(case.lines[-1:])
    return [line for line in case.lines if line.key or line.target == case.result]


def _step(place: Printer, line: Line, reason: Text, folded: bool = False) -> Step:
    names = letters(line.target, place.names, place.reserved())
    return Step(place.naming(names).box(line.target), reason, folded=folded)


def _matrix_step(place: Printer, case: Case, view: MatrixView) -> Step:
    assert view.form is not None
    names = {**place.names, **{i: i.name for i in view.rows if i not in place.names}}
    form, why = view.form, view.reason
    if place.notation.vectors == "rows":
        form = by_rows(view.form)
        why = matrix_reason(form)
    setter = place.naming(names)
    return Step(matrix_box(setter, form), matrix_words(setter, why), whole(place, case.lhs))


# ── equations and definitions ─────────────────────────────────────────────────────────────────────


def _equation(setter: Printer, equation: Equation) -> Formula:
    free = tuple(dict.fromkeys((*equation.indices, *free_indices(equation.lhs))))
    names: dict[Index, str] = {}
    for index in free:
        names[index] = choose(index, names.values(), setter.reserved())
    place = replace(setter, names=names, keys=equation_keys(equation))
    where = ranges_of(place, equation.indices, equation)
    return Formula(
        place.box(equation.lhs), place.line(equation.rhs), equation.number, ("for ", *where) if where else ()
    )


def defined(setter: Printer, found: Iterable[Definition]) -> Iterator[Formula]:
    """Functions and their derivatives, typeset."""
    for call, body in found:
        # σ(u) speaks of any number u: an array of that name would be a capital in some notations
        own = {a.name for a in call.args if isinstance(a, Ref)}
        place = replace(setter, arrays={n: a for n, a in setter.arrays.items() if n not in own})
        rhs = binders.cases(place, body) if isinstance(body, Where) else place.line(body)
        yield Formula(place.box(call), rhs)


def formulas(model: Model, notation: Notation = NIELSEN) -> tuple[Formula, ...]:
    """The equations of a model, typeset."""
    setter = printer(model, notation)
    return tuple(_equation(setter, e) for e in model.equations)
