"""LaTeX: a fragment for ``\\input`` that needs amsmath only, or an article of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from symbp.emit.arrange import GAP, MARGIN, RELATION, TAG, PageRow, arrange, settled, text_width
from symbp.emit.breaking import broken
from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.layout import Box, Text, merged, width
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.tikz import tikz
from symbp.emit.tex import escape, headline, joined, tex, words_in_math

PAGE, OWN_PAGE = 34.5, 42.0
"""Widths of the text in em: article's own, the narrowest in common use, and that of ``standalone``."""


@dataclass(frozen=True, slots=True)
class PartView:
    """What the template shows of a part."""

    intro: str
    lines: str
    jacobian: str = ""


def emit(document: Document, *, standalone: bool = False, page: float | None = None) -> str:
    """The document in LaTeX.

    Args:
        document: what to show.
        standalone: with a preamble, as an article that compiles by itself.
        page: the width of the text in em.
    """
    page = page or (OWN_PAGE if standalone else PAGE)
    return (
        environment()
        .get_template("latex/document.tex.j2")
        .render(
            name=document.name,
            title=escape(document.title or document.name),
            headline=headline(document.title or document.name),
            standalone=standalone,
            page=page,
            equations=equation_rows(document, page),
            definitions=[_definition(f, page) for f in document.definitions],
            notes=prose(document.notes),
            sections=[
                {
                    "heading": prose(s.heading),
                    "question": prose(s.question),
                    "parts": [_part(document, p, page) for p in s.parts],
                    "order": prose(s.order),
                    "pictures": [_figure(p, page) for p in s.pictures],
                }
                for s in document.sections
            ],
            check=prose(document.check),
            pictured=document.picture is not None or any(s.pictures for s in document.sections),
            picture=_waiting(document.picture, page) if document.picture is not None else "",
        )
    )


def _waiting(drawing: Drawing, page: float) -> str:
    """A picture in a box that waits for a page with room for it, so that text goes on before it.

    ``\\symbpplace`` puts it where it fits, and with 0 in any case; then the box is empty.
    """
    return f"{WAITING}\n\\setbox\\symbppicture\\vbox{{\\hsize=\\linewidth\n{_figure(drawing, page)}}}%"


WAITING = r"""\ifdefined\symbppicture\else\newbox\symbppicture\fi
\def\symbpplace#1{\par\ifvoid\symbppicture\else
  \ifdim\ifdim\pagegoal=\maxdimen\textheight\else\dimexpr\pagegoal-\pagetotal\fi<#1\ht\symbppicture
  \else\unvbox\symbppicture\fi\fi}%"""


def _figure(drawing: Drawing, page: float) -> str:
    """A picture and its caption, where it stands; one that is wider than the text is made narrower."""
    shown = tikz(drawing)
    if drawing.size[0] > page:
        shown = f"\\resizebox{{\\linewidth}}{{!}}{{%\n{shown}}}"
    caption = rf"\parbox{{0.9\linewidth}}{{\small {prose(drawing.caption)}}}"
    return f"\\begin{{center}}\n{shown}\n\n\\smallskip\n{caption}\n\\end{{center}}"


def _part(document: Document, part: Part, page: float) -> PartView:
    lines = derivation(document, part, page)
    return PartView(prose(part.intro), lines, "".join(_sentence(p, page) for p in part.jacobian))


def _sentence(piece: str | Box, page: float) -> str:
    """A piece of a sentence; a formula too long for a line of text is displayed."""
    if isinstance(piece, str) or width(piece, False) < page / 2:
        return prose((piece,))
    lines = " \\\\\n&\\quad ".join(broken(piece, page - 1))
    return f"\n\\begin{{align*}}\n&{lines}\n\\end{{align*}}\n"


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    return "".join(escape(t) if isinstance(t, str) else f"${tex(t, False).strip()}$" for t in text)


def in_math(text: Text) -> str:
    """The same within a formula: words in \\text."""
    return joined(
        words_in_math(t) if isinstance(t, str) else f" {tex(t, False).strip()} " for t in merged(text)
    ).strip()


def label(name: str, number: int) -> str:
    """A label that is unique among documents: eq:mlp:5."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in name)
    return f"eq:{safe}:{number}"


def equation_rows(document: Document, page: float) -> list[str]:
    """The equations of the model, broken where they are long, each with its number."""
    rows = settled(row for group in equation_groups(document.equations, page) for row in group)
    return [spelled(r, document.name) for r in rows]


def equation_groups(formulas: Sequence[Formula], page: float) -> list[list[PageRow]]:
    """The rows of each equation; where one is longer than its column, its range stands below it."""
    room = page - max((width(f.lhs) for f in formulas), default=0.0) - RELATION - TAG
    words = max((text_width(f.where) for f in formulas if f.where), default=-GAP)
    return [_equation(f, room, room - GAP - words) for f in formulas]


def _equation(formula: Formula, room: float, beside: float) -> list[PageRow]:
    where = PageRow(reason=formula.where, room=room - GAP - beside, number=formula.number)
    if width(formula.rhs) <= beside:
        return [replace(where, lhs=tex(formula.lhs), rhs=tex(formula.rhs).strip())]
    first, *rest = broken(formula.rhs, room - MARGIN)
    rows = [PageRow(tex(formula.lhs), first, lap=beside)]
    rows.extend(PageRow(rhs=line, lap=beside, continued=True) for line in rest)
    return [*rows, where] if formula.where else [*rows[:-1], replace(rows[-1], number=formula.number)]


def _definition(formula: Formula, page: float) -> str:
    lines = broken(formula.rhs, page - width(formula.lhs) - 2.0)
    return r" \\ &\quad ".join([rf"{tex(formula.lhs)} &= {lines[0]}", *lines[1:]])


def derivation(document: Document, part: Part, page: float) -> str:
    """What stands in ``align``: the lines of a derivation with their reasons, numbered."""
    out = ""
    for row in arrange(part, page):
        # with \\* no page ends between a formula and its reason
        end = (r" \\*" if row.stays else r" \\") + "\n" if out else ""
        out += end + spelled(row, document.name)
    return out


def spelled(row: PageRow, name: str = "") -> str:
    """A row of ``align`` with its number, and a label in the document of this name."""
    named = rf"\label{{{label(name, row.number)}}}" if name else ""
    return _row(row) + (rf" \tag{{{row.number}}}{named}" if row.number else r" \notag")


def _row(row: PageRow) -> str:
    words = reason(row)
    if not row.rhs:
        return rf"&\quad {words}" if row.below else f"&&& {words}"
    body = lapped(row)
    return (rf"&\quad {body}" if row.continued else f"{row.lhs} &= {body}".lstrip()) + (
        f" && {words}" if words else ""
    )


def lapped(row: PageRow) -> str:
    """The right side; one that reaches over the next column keeps the width of its own."""
    return rf"\hbox to {row.lap:.1f}em{{$\displaystyle {row.rhs}$\hss}}" if row.lap else row.rhs


def reason(row: PageRow) -> str:
    """The reason of a row, in a box of its width where it needs more lines than one."""
    if row.wrap:
        body = rf"\raggedright {prose(row.reason)}\endgraf\vspace{{0.6ex}}"
        return rf"\parbox[t]{{{row.room:.1f}em}}{{{body}}}"
    return in_math(row.reason)
