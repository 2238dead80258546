"""From a model to an explanation, and from there to a page: the way of ``symbp explain``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from symbp import pipeline
from symbp.errors import RequestProblem

if TYPE_CHECKING:
    from symbp.derive.core import AdjointSystem
    from symbp.explain.core import Explanation
    from symbp.model.core import Model
    from symbp.pipeline import NotationLike


def explained(model: Model, name: str, vectors: str = "columns") -> Explanation:
    """Why the adjoint of a variable or parameter is what it is, with small numbers that are checked.

    ``vectors``: whether they are columns or rows on the page.

    Raises:
        VerificationFailed: if numbers that should be equal are not: nothing is printed then.
        RequestProblem: for a variable that does not exist, or of which no numbers show anything.
    """
    return book(model).page(name, vectors)


def book(model: Model) -> Book:
    """The explanations of a model's adjoints, from one derivation of the model."""
    from symbp.derive.engine import adjoint_system

    leaves = tuple(a.name for a in model.arrays.values() if a.kind != "variable")
    return Book(model, adjoint_system(model, pipeline.wanted(model, tuple(model.adjoints)), leaves))


@dataclass(frozen=True, slots=True)
class Book:
    """Pages about the adjoints of a model; ``document`` is what a document about the model derives."""

    model: Model
    document: AdjointSystem

    def page(self, name: str, vectors: str = "columns") -> Explanation:
        """The page about one adjoint: see ``explained``."""
        from symbp.explain.page import explanation

        meant = pipeline.variable(self.model, name)
        system = self._about(meant)
        views = pipeline.matrix_views(system, (meant,))
        known = system is self.document
        return explanation(system, meant, views, numbered=known, vectors=vectors)

    def _about(self, name: str) -> AdjointSystem:
        """The equations of the document where it has them, so that their numbers are its own."""
        from symbp.derive.engine import adjoint_system

        if name in self.document.order:
            return self.document
        return adjoint_system(self.model, pipeline.wanted(self.model, (name,)), (name,))


def explanation_text(
    model: Model,
    page: Explanation,
    format_: str = "text",
    notation: NotationLike = "nielsen",
    standalone: bool = False,
) -> str:
    """An explanation in a format, and in words about rows where the notation has vectors as rows.

    Raises:
        RequestProblem: for a format or notation that does not exist.
    """
    from symbp.emit.explained import WRITERS, emit

    writer = next((w for w in WRITERS if w.name == format_), None)
    if writer is None:
        hint = pipeline.choices(w.name for w in WRITERS)
        raise RequestProblem(f"there is no format {format_!r}", hint=hint)
    if standalone and writer.name != "latex":
        raise RequestProblem(f"{format_} has no standalone form", hint="use --format latex --standalone")
    meant = pipeline.notation_of(notation)
    if meant.vectors != page.vectors:
        page = explained(model, page.name, meant.vectors)
    return emit(model, page, writer, meant, standalone)
