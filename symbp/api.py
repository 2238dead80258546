"""The Python face of symbp: models that derive, compile and verify; derivations that show themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

from symbp import explaining, pipeline
from symbp.errors import RequestProblem
from symbp.model.builder import Builder as _Builder
from symbp.model.core import Array, Equation
from symbp.model.core import Model as Equations

if TYPE_CHECKING:
    from symbp.arrays.views import MatrixView
    from symbp.derive.core import AdjointSystem, Case, Line
    from symbp.emit.document import Document, Part
    from symbp.emit.pictures.drawing import Drawing
    from symbp.explain.core import Explanation as Page
    from symbp.pipeline import NotationLike
    from symbp.verify.report import Report


def parse(text: str, name: str = "model", bindings: Mapping[str, str] | None = None) -> Model:
    """The model that a text in the model language describes.

    Raises:
        SymbpError: with the place in the text, what was expected and what to do.
    """
    return Model(pipeline.parse(text, name, bindings))


def load(model: str | Path, bindings: Mapping[str, str] | None = None) -> Model:
    """A model that comes with symbp, by its name, or one from a ``.symbp`` file.

    ``bindings`` defines abstract functions: ``load("mlp_abstract", {"sigma": "tanh"})``.

    Raises:
        SymbpError: if there is no such model, or its text is wrong.
    """
    return Model(pipeline.load(model, bindings))


@dataclass(frozen=True)
class Model:
    """A model: its equations are in ``core``; it derives, compiles and verifies itself."""

    core: Equations

    @property
    def name(self) -> str:
        """The name of the model: that of its file."""
        return self.core.name

    @property
    def title(self) -> str:
        """The heading of its documents."""
        return self.core.title

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations, in the order of the text, the cost among them."""
        return self.core.equations

    @property
    def arrays(self) -> Mapping[str, Array]:
        """All arrays by name, with their inferred axes."""
        return self.core.arrays

    def derive(self, variable: str) -> Derivation:
        """The derivation of the adjoint of ``variable``, named by its own name or its adjoint's.

        Raises:
            RequestProblem: if the model has no such variable.
        """
        system, (name,) = pipeline.derive(self.core, (variable,))
        return Derivation(self, name, system)

    def derivations(
        self, *variables: str, detail: str = "key", notation: NotationLike = "nielsen"
    ) -> Derivations:
        """The derivations of ``variables``, or of every parameter and named adjoint, as one document.

        Raises:
            RequestProblem: if the model has no such variable, or there is no such detail or notation.
        """
        return Derivations(pipeline.sheet_of(*pipeline.derive(self.core, variables), detail, notation, True))

    def explain(self, variable: str) -> Explanation:
        """Why the adjoint of ``variable`` is what it is, with small numbers that are checked.

        Raises:
            RequestProblem: if the model has no such variable.
        """
        return Explanation(self, explaining.explained(self.core, variable))

    def compile(self, wrt: Iterable[str] = (), target: Literal["numpy", "numba"] = "numpy") -> ModuleType:
        """The generated module, imported; ``wrt`` asks for gradients of inputs as well.

        ``target`` "numba" is the same in loops that Numba compiles, for networks so small that NumPy's
        calls are what takes the time.

        Raises:
            ImportError: if Numba is asked for and not installed.
            RequestProblem: if a function of the model is abstract.
        """
        if target not in ("numpy", "numba"):
            raise RequestProblem(f"there is no target {target!r} to compile", hint='write "numpy" or "numba"')
        return pipeline.module_of(self._system(wrt), target)

    def to_numpy(self, wrt: Iterable[str] = ()) -> str:
        """The text of the generated NumPy module."""
        return pipeline.module_text(self._system(wrt))

    def verify(self) -> Report:
        """Every line, every matrix form and the generated gradients, checked by the oracle."""
        return pipeline.verified(self.core)

    def show(self) -> str:
        """Equations, shapes, ranges and the order of evaluation, as text."""
        return pipeline.shown(self.core)

    def to_latex(self, *variables: str, standalone: bool = False, **options: Any) -> str:
        """LaTeX about ``variables``, or about every parameter and named adjoint.

        The options of these methods are ``detail`` and ``notation``, as for :meth:`derivations`.
        """
        return pipeline.documented(self.core, variables, "latex", standalone=standalone, **options)

    def to_beamer(self, *variables: str, standalone: bool = True, **options: Any) -> str:
        """A deck on which the lines come one by one, or its frames for ``\\input``."""
        return pipeline.documented(self.core, variables, "beamer", standalone=standalone, **options)

    def to_markdown(self, *variables: str, flavor: str = "pandoc", **options: Any) -> str:
        """Markdown with ``$$`` formulas, or as ``github``, ``myst`` or ``quarto`` want them."""
        return pipeline.documented(self.core, variables, "markdown", flavor=flavor, **options)

    def to_notebook(self, *variables: str, **options: Any) -> str:
        """A Jupyter notebook with the generated module, ready to run."""
        return pipeline.documented(self.core, variables, "notebook", **options)

    def to_html(self, *variables: str, **options: Any) -> str:
        """A self-contained HTML page with MathML."""
        return pipeline.documented(self.core, variables, "html", **options)

    @property
    def graph(self) -> Picture:
        """The dependency graph: what is computed from what, and how the adjoints go back."""
        return Picture(pipeline.graph(self.core))

    def _system(self, wrt: Iterable[str]) -> AdjointSystem:
        from symbp.derive.engine import adjoint_system

        params = tuple(a.name for a in self.core.of_kind("param"))
        return adjoint_system(self.core, (*params, *(pipeline.variable(self.core, w) for w in wrt)))

    def _repr_html_(self) -> str:
        from symbp.emit.html import emit
        from symbp.emit.model_sheet import model_sheet

        return emit(model_sheet(self.core), fragment=True)

    def _repr_markdown_(self) -> str:
        from symbp.emit.markdown import emit
        from symbp.emit.model_sheet import model_sheet

        return emit(model_sheet(self.core))

    def _repr_latex_(self) -> str:
        from symbp.emit.model_sheet import model_latex

        return model_latex(self.core)

    def __str__(self) -> str:
        return self.show()


class Builder(_Builder):
    """Build a model from SymPy objects; see :class:`symbp.model.builder.Builder` for its methods."""

    def build(self) -> Model:  # type: ignore[override]
        """The finished model, as :func:`parse` would return it.

        Raises:
            ModelProblem: as :func:`symbp.model.build.build` does.
        """
        return Model(super().build())


@dataclass(frozen=True)
class Step:
    """One line of a derivation: what was done (``rule``), why (``reason``), and the two expressions."""

    rule: str
    reason: str
    line: Line
    adjoints: Mapping[str, str]
    cost: str

    @property
    def before(self) -> Any:
        """The expression that the step starts from, as a SymPy expression."""
        return self._sympy(self.line.source)

    @property
    def after(self) -> Any:
        """The expression that the step leads to, as a SymPy expression."""
        return self._sympy(self.line.target)

    def _sympy(self, node: Any) -> Any:
        from symbp.calculus.bridge import to_sympy

        return to_sympy(node, self.adjoints, self.cost)


@dataclass(frozen=True)
class MatrixForm:
    """A result in matrix form; LaTeX and NumPy print the same tree."""

    view: MatrixView
    case: Case
    model: Equations

    def to_latex(self) -> str:
        """The formula in LaTeX, without dollar signs."""
        from symbp.emit.matrices import matrix_latex

        assert self.view.form is not None
        return matrix_latex(self.model, self.case, self.view.form)

    def to_numpy(self) -> str:
        """The formula as a NumPy expression of one example, arrays by their names."""
        from symbp.emit.matrices import matrix_numpy

        assert self.view.form is not None
        return matrix_numpy(self.model, self.view.form)

    def __str__(self) -> str:
        return self.to_numpy()


@dataclass(frozen=True)
class Picture:
    """A drawing that shows itself in Jupyter."""

    drawing: Drawing

    def to_svg(self) -> str:
        """An ``svg`` element that stands alone: a file of it is a picture."""
        from symbp.emit.pictures.svg import svg

        return svg(self.drawing)

    def to_tikz(self, *, standalone: bool = False) -> str:
        """A ``tikzpicture``, or an article that compiles by itself."""
        from symbp.emit.pictures.tikz import tikz

        return tikz(self.drawing, standalone)

    @property
    def caption(self) -> str:
        """What there is to see, in plain text."""
        from symbp.emit.plain_prose import prose

        return prose(self.drawing.caption)

    def _repr_svg_(self) -> str:
        return self.to_svg()


@dataclass(frozen=True)
class Derivation:
    """The derivation of one adjoint: ``cases`` on the parts of its range, the generic one first."""

    model: Model
    variable: str
    system: AdjointSystem

    @property
    def cases(self) -> tuple[Case, ...]:
        """The generic case, then the base cases."""
        return self.system.cases[self.variable]

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The lines of the generic case."""
        return self.steps_of(self.cases[0])

    def steps_of(self, case: Case) -> tuple[Step, ...]:
        """The lines of one of ``cases``."""
        from symbp.emit.reasons import reason_text

        adjoints, cost = self.model.core.adjoints, self.model.core.cost
        return tuple(
            Step(line.rule, reason_text(self.system, case, line), line, adjoints, cost) for line in case.lines
        )

    @property
    def result(self) -> Any:
        """The adjoint, generic case, as a SymPy expression."""
        from symbp.calculus.bridge import to_sympy

        return to_sympy(self.cases[0].result, self.model.core.adjoints, self.model.core.cost)

    @property
    def matrix(self) -> MatrixForm | None:
        """The generic case in matrix form; None if it has none."""
        return self.matrix_of(self.cases[0])

    def matrix_of(self, case: Case) -> MatrixForm | None:
        """One of ``cases`` in matrix form; None if it has none."""
        from symbp.arrays.views import matrix_view

        view = matrix_view(self.model.core.arrays, case, scalars=True)
        return None if view.form is None else MatrixForm(view, case, self.model.core)

    @property
    def picture(self) -> Picture | None:
        """The layer through which errors come back to the variable; None if it acts through no matrix."""
        drawing = pipeline.layer(self.system, self.variable)
        return None if drawing is None else Picture(drawing)

    def to_latex(
        self, *, standalone: bool = False, detail: str = "key", notation: NotationLike = "nielsen"
    ) -> str:
        """LaTeX: a fragment for ``\\input`` (amsmath), or a document of its own."""
        return self._written("latex", detail, notation, standalone)

    def to_beamer(
        self, *, standalone: bool = True, detail: str = "key", notation: NotationLike = "nielsen"
    ) -> str:
        """A deck in LaTeX on which the lines come one by one, or its frames for ``\\input``."""
        return self._written("beamer", detail, notation, standalone)

    def to_markdown(
        self, *, detail: str = "key", notation: NotationLike = "nielsen", flavor: str = "pandoc"
    ) -> str:
        """Markdown with ``$$`` formulas, or as ``github``, ``myst`` or ``quarto`` want them."""
        return self._written("markdown", detail, notation, flavor=flavor)

    def to_notebook(self, *, detail: str = "key", notation: NotationLike = "nielsen") -> str:
        """A Jupyter notebook with the generated module, ready to run."""
        return self._written("notebook", detail, notation)

    def to_text(self, *, detail: str = "key", notation: NotationLike = "nielsen") -> str:
        """Plain Unicode text."""
        return self._written("text", detail, notation)

    def to_html(self, *, detail: str = "key", notation: NotationLike = "nielsen") -> str:
        """A self-contained HTML page with MathML."""
        return self._written("html", detail, notation)

    def _written(
        self,
        format_: str,
        detail: str,
        notation: NotationLike,
        standalone: bool | None = None,
        flavor: str | None = None,
    ) -> str:
        return pipeline.written(
            self.system, (self.variable,), format_, detail, notation, standalone, flavor=flavor
        )

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        from symbp.emit.html import emit

        sheet = pipeline.sheet_of(self.system, (self.variable,), fold=True, pictures=True)
        return emit(sheet, fragment=True)

    def _repr_latex_(self) -> str:
        from symbp.emit.matrices import derivation_latex

        return derivation_latex(self.system, self.variable)

    def __str__(self) -> str:
        return self.to_text()


@dataclass(frozen=True)
class Derivations:
    """Derivations of several adjoints, which show themselves in a notebook."""

    sheet: Document

    def _repr_html_(self) -> str:
        from symbp.emit.html import emit

        return emit(self.sheet, fragment=True)

    def _repr_markdown_(self) -> str:
        from symbp.emit.markdown import emit

        return emit(_key_lines(self.sheet))

    def __str__(self) -> str:
        from symbp.emit.text import emit

        return emit(_key_lines(self.sheet))

    def __repr__(self) -> str:
        return f"<derivations of {self.sheet.name}: {', '.join(s.name for s in self.sheet.sections)}>"


def _key_lines(sheet: Document) -> Document:
    """The document without its folded lines, for formats that cannot fold."""
    def part(old: Part) -> Part:
        return replace(old, steps=tuple(s for s in old.steps if not s.folded))

    sections = (replace(s, parts=tuple(map(part, s.parts))) for s in sheet.sections)
    return replace(sheet, sections=tuple(sections))


@dataclass(frozen=True)
class Explanation:
    """The page that explains one adjoint with numbers: ``topics`` names the questions that it answers."""

    model: Model
    page: Page

    @property
    def topics(self) -> tuple[str, ...]:
        """What the sections are about: adjoint, paths, transpose, inverse, hadamard, batch …"""
        return self.page.topics

    def to_text(self, *, notation: NotationLike = "nielsen") -> str:
        """Plain Unicode text."""
        return self._written("text", notation)

    def to_markdown(self, *, notation: NotationLike = "nielsen") -> str:
        """Markdown with ``$$`` formulas."""
        return self._written("markdown", notation)

    def to_html(self, *, notation: NotationLike = "nielsen") -> str:
        """A self-contained HTML page with MathML."""
        return self._written("html", notation)

    def to_latex(self, *, standalone: bool = False, notation: NotationLike = "nielsen") -> str:
        """LaTeX: a fragment for ``\\input`` (amsmath), or a document of its own."""
        return self._written("latex", notation, standalone)

    def _written(self, format_: str, notation: NotationLike, standalone: bool = False) -> str:
        return explaining.explanation_text(self.model.core, self.page, format_, notation, standalone)

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _repr_html_(self) -> str:
        return self.to_html()

    def __str__(self) -> str:
        return self.to_text()
