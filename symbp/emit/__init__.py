"""The output formats.  To add one, add a record to :data:`EMITTERS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Emitter:
    """A document format: its name, the suffix of its files, and where its ``emit`` is defined.

    ``folds`` says whether it can show the key lines first and the lines between them on demand;
    ``standalone`` which form it has unless told otherwise, a whole document or a fragment, None if
    there is no choice; ``flavors`` whether it has several; ``runs`` whether it calls the generated module.

    The module is imported when it is first used, so that naming the formats costs nothing.
    """

    name: str
    suffix: str
    module: str
    pictures: bool = False
    folds: bool = False
    standalone: bool | None = None
    flavors: bool = False
    runs: bool = False

    def load(self) -> Callable[..., str]:
        """``emit(document, ...) -> str``."""
        function: Callable[..., str] = import_module(self.module).emit
        return function

    def emit(self, document: Any, **options: Any) -> str:
        """The document in this format."""
        return self.load()(document, **options)


EMITTERS: tuple[Emitter, ...] = (
    Emitter("latex", ".tex", "symbp.emit.latex", True, standalone=False),
    Emitter("beamer", ".beamer.tex", "symbp.emit.beamer", True, standalone=True),
    Emitter("markdown", ".md", "symbp.emit.markdown", flavors=True),
    Emitter("text", ".txt", "symbp.emit.text"),
    Emitter("html", ".html", "symbp.emit.html", True, folds=True),
    Emitter("notebook", ".ipynb", "symbp.emit.notebook", runs=True),
)
