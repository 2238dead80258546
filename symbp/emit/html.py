"""One self-contained HTML page: formulas in MathML, nothing to load.

Everything can be read without its script, which lights up a sign wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape as escaped
from itertools import groupby

from symbp.emit.document import Document, Formula, Part, Section, Step
from symbp.emit.environment import environment
from symbp.emit.layout import Box, Text, width
from symbp.emit.mathml import math
from symbp.emit.mathml_lines import inline, right_side, slim
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.svg import svg
from symbp.emit.plain import text as plain
from symbp.version import VERSION

BESIDE = 26.0
"""The width of formulas, in em, beyond which the reason stands below instead of beside."""


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the page: both sides of an equation, its reason or range, and its number."""

    lhs: str
    rhs: str
    reason: str = ""
    number: int = 0
    wide: bool = False
    lines: tuple[()] = ()
    """None: it is a row itself, not a :class:`Fold`."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines that are seen when the reader asks for them."""

    lines: tuple[Line, ...]

    @property
    def label(self) -> str:
        """What stands where the lines are folded away."""
        return f"{len(self.lines)} line{'s' if len(self.lines) > 1 else ''} between"


@dataclass(frozen=True, slots=True)
class PartView:
    """What the template shows of a part."""

    intro: str
    lines: tuple[Line | Fold, ...]
    jacobian: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its caption."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True)
class SectionView:
    """What the template shows of a section; ``anchor`` is where links to it lead, ``name`` its
    heading without markup."""

    anchor: str
    name: str
    heading: str
    question: str
    parts: tuple[PartView, ...]
    order: str = ""
    pictures: tuple[Figure, ...] = ()


def emit(document: Document, *, fragment: bool = False) -> str:
    """The document as a page, or as a ``fragment`` to stand in another page, such as a notebook.

    Styles and script stay within the article, so that it can be embedded.
    """
    return (
        environment()
        .get_template("html/fragment.html.j2" if fragment else "html/document.html.j2")
        .render(
            title=escape(document.title or document.name),
            version=VERSION,
            equations=[_equation(f) for f in document.equations],
            definitions=[_equation(f) for f in document.definitions],
            notes=prose(document.notes),
            sections=[_section(s) for s in document.sections],
            check=prose(document.check),
            pictured=document.picture is not None or any(s.pictures for s in document.sections),
            picture=_figure(document.picture) if document.picture is not None else None,
        )
    )


def escape(text: str) -> str:
    """A user's text, in which nothing is markup; what XML cannot hold becomes a replacement sign."""
    return escaped(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", text))


def spoken(text: Text) -> str:
    """The same in Unicode, where no markup may stand."""
    return "".join(t if isinstance(t, str) else plain(t) for t in text)


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    shown = "".join(escape(t) if isinstance(t, str) else inline(t) for t in text)
    return _TOUCHED.sub(r'<span class="kept">\g<0></span>', shown)


_TOUCHED = re.compile(r"\(<math>(?:(?!</math>).)*</math>[,.;:)?!]*|<math>(?:(?!</math>).)*</math>[,.;:)?!]+")
"""A formula with the signs that touch it: between a formula and a comma a browser would end a line, also
where a sign between them forbids that."""


def _equation(formula: Formula) -> Line:
    wide = width(formula.lhs) + width(slim(formula.rhs)) > BESIDE
    return Line(math(formula.lhs, True), right_side(formula.rhs), prose(formula.where), formula.number, wide)


def _section(section: Section) -> SectionView:
    anchor = "of-" + re.sub(r"\W", "-", section.name)
    parts = tuple(_part(p) for p in section.parts)
    pictures = tuple(_figure(p) for p in section.pictures)
    name, heading = escape(spoken(section.heading)), prose(section.heading)
    question, order = prose(section.question), prose(section.order)
    return SectionView(anchor, name, heading, question, parts, order, pictures)


def _figure(drawing: Drawing) -> Figure:
    return Figure(svg(drawing, styled=False), prose(drawing.caption))


def _part(part: Part) -> PartView:
    last = len(part.steps) - 1
    # a reader who unfolds nothing needs the left side on the first line that is seen
    first = next((n for n, step in enumerate(part.steps) if not step.folded), 0)
    lines = [
        (step.folded, _step(step, part.lhs if n in (0, first) else step.lhs, part.number if n == last else 0))
        for n, step in enumerate(part.steps)
    ]
    return PartView(prose(part.intro), tuple(_folded(lines)), prose(part.jacobian))


def _folded(lines: Iterable[tuple[bool, Line]]) -> Iterator[Line | Fold]:
    for folded, group in groupby(lines, key=lambda pair: pair[0]):
        rows = tuple(line for _, line in group)
        yield from (Fold(rows),) if folded else rows


def _step(step: Step, lhs: Box | None, number: int) -> Line:
    left = math(lhs, True) if lhs is not None else ""
    return Line(left, right_side(step.rhs), prose(step.reason), number, width(slim(step.rhs)) > BESIDE)
