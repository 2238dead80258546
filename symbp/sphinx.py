"""A directive for Sphinx: ``symbp-derive`` sets a derivation in reStructuredText and in MyST.

    .. symbp-derive:: mlp delta
       :notation: bishop
       :detail: all

The model is the name of one that comes with symbp, or a file beside the document.  Below the options
the text of a model may stand; then the argument names variables only.  Formulas are nodes of Sphinx,
so that every builder that sets formulas sets these.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective

from symbp import pipeline
from symbp.emit import latex, markdown
from symbp.emit.arrange import stacked
from symbp.emit.document import DETAILS, Document, Part
from symbp.emit.layout import Text
from symbp.emit.tex import tex
from symbp.errors import Source, SymbpError
from symbp.version import VERSION

PAPER = 42.0
"""The width of formulas in em that fits the paper of Sphinx."""


class Derive(SphinxDirective):  # type: ignore[misc,unused-ignore]
    """``symbp-derive``: the equations of a model and the derivations of variables."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {
        "notation": directives.unchanged_required,
        "detail": lambda value: directives.choice(value, DETAILS),
    }

    def run(self) -> list[nodes.Node]:
        """The nodes; what symbp refuses is an error of the document, at the line of the model."""
        words = (self.arguments or [""])[0].split()
        if not words and not self.content:
            raise self.error("symbp-derive needs a model: its name, its file, or its text")
        try:
            return list(_body(self._sheet(words)))
        except SymbpError as problem:
            return [self._refused(problem)]

    def _sheet(self, words: list[str]) -> Document:
        notation = self.options.get("notation", "nielsen")
        if notation.endswith(".toml"):
            notation = self._beside(notation)
        model = self._written() if self.content else self._named(words.pop(0))
        system, names = pipeline.derive(model, words)
        return pipeline.sheet_of(system, names, self.options.get("detail", "key"), notation)

    def _written(self) -> Any:
        """The model in the document; lines are counted in the document, as its reader does."""
        page = Path(self.env.doc2path(self.env.docname))
        source = Source(str(page), "\n" * self._above(page) + "\n".join(self.content) + "\n")
        return pipeline.build_source(source, "model")

    def _above(self, page: Path) -> int:
        """How many lines stand above the text; MyST and reStructuredText count from different places."""
        lines = page.read_text(encoding="utf-8").splitlines() if page.exists() else []
        head = self.content[0].strip()
        found = (n for n, line in enumerate(lines) if n >= self.lineno and line.strip() == head)
        return next(found, self.lineno)

    def _named(self, model: str) -> Any:
        return pipeline.load(self._beside(model) if model.endswith(".symbp") else model)

    def _beside(self, name: str) -> Path:
        """A file beside the document, which is made again when the file changes."""
        relative, absolute = self.env.relfn2path(name)
        self.env.note_dependency(relative)
        return Path(absolute)

    def _refused(self, problem: SymbpError) -> nodes.Node:
        text = str(problem)
        shown = nodes.literal_block(text, text)
        message: nodes.Node = self.state_machine.reporter.error(problem.message, shown, line=self.lineno)
        return message


def _body(sheet: Document) -> Iterator[nodes.Node]:
    yield _on_paper(_stacked(latex.equation_rows(sheet, PAPER)))
    yield _on_page(markdown.equation_rows(sheet.equations, markdown.PAGE))
    if sheet.definitions:
        yield _paragraph(("where",))
        yield _formula(_aligned(markdown.equation_rows(sheet.definitions, PAPER)))
    yield from _sentences(sheet.notes)
    for section in sheet.sections:
        # a heading would need a place in the document's own outline
        yield nodes.rubric("", "", *_inline(section.heading))
        yield _paragraph(section.question)
        for part in section.parts:
            yield from _part(sheet, part)
        yield from _sentences(section.order)
    yield from _sentences(sheet.check)


def _part(sheet: Document, part: Part) -> Iterator[nodes.Node]:
    yield from _sentences(part.intro)
    yield _on_paper(latex.derivation(sheet, part, PAPER))
    *lines, result = markdown.result_apart(part)
    for piece in lines:
        yield _on_page(_rows(piece))
    yield _on_page(_rows(result), part.number)
    yield from _sentences(part.jacobian)


def _sentences(text: Text) -> Iterator[nodes.Node]:
    if any(text):
        yield _paragraph(text)


def _paragraph(text: Text) -> nodes.Node:
    return nodes.paragraph("", "", *_inline(text))


def _inline(text: Text) -> Iterator[nodes.Node]:
    for piece in text:
        if isinstance(piece, str):
            yield nodes.Text(piece)
        else:
            source = tex(piece, False).strip()
            yield nodes.math(source, source)


def _rows(part: Part) -> list[str]:
    return markdown.row_texts(stacked(part, markdown.PAGE))


def _on_paper(lines: str) -> nodes.Node:
    """Lines with reasons, which LaTeX can wrap."""
    # a variable may be derived in several places of a book, a label only in one
    return _only("latex", f"\\begin{{align}}\n{_LABEL.sub('', lines)}\n\\end{{align}}")


def _on_page(rows: Sequence[str], number: int = 0) -> nodes.Node:
    """The same where MathJax sets it, which cannot wrap a reason and need not."""
    return _only("not latex", _aligned(rows, number))


_LABEL = re.compile(r"\\label\{[^{}]*\}")


def _only(builder: str, text: str) -> nodes.Node:
    node: nodes.Node = addnodes.only("", _formula(text), expr=builder)
    return node


def _aligned(rows: Iterable[str], number: int = 0) -> str:
    tag = rf"\tag{{{number}}}" if number else ""
    inside = f"\\begin{{aligned}}\n{_stacked(rows)}\n\\end{{aligned}}{tag}"
    return f"\\begin{{equation*}}\n{inside}\n\\end{{equation*}}"


def _stacked(rows: Iterable[str]) -> str:
    return " \\\\\n".join(rows)


def _formula(text: str) -> nodes.Node:
    options: dict[str, Any] = {"no-wrap": True, "nowrap": True}
    return nodes.math_block(text, text, label=None, number=None, **options)


def setup(app: Any) -> dict[str, Any]:
    """What Sphinx calls for ``extensions = ["symbp.sphinx"]``."""
    app.add_directive("symbp-derive", Derive)
    return {"version": VERSION, "parallel_read_safe": True, "parallel_write_safe": True}
