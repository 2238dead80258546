"""LaTeX: a fragment for ``\\input`` that needs amsmath only, or an article of its own."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.emit.arrange import GAP, RELATION, TAG, PageRow, arrange, broken, text_width
from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.layout import Box, Text, width
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.tikz import tikz
from symbp.emit.tex import escape, joined, tex, words_in_math

PAGE, OWN_PAGE = 34.5, 42.0
"""Widths of the text in em: article's own, the narrowest in common use, and that of ``standalone``."""


@dataclass(frozen=True, slots=True)
class PartView:
    """What the template shows of a part."""

    intro: str
    rows: tuple[str, ...]
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
            standalone=standalone,
            page=page,
            equations=equation_rows(document, page),
            definitions=[_definition(f, page) for f in document.definitions],
            conventions=escape(" ".join(document.conventions)),
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
            picture=_figure(document.picture, page) if document.picture is not None else "",
        )
    )


def _figure(drawing: Drawing, page: float) -> str:
    """A picture and its caption, where it stands; one that is wider than the text is made narrower."""
    shown = tikz(drawing)
    if drawing.size[0] > page:
        shown = f"\\resizebox{{\\linewidth}}{{!}}{{%\n{shown}}}"
    caption = rf"\parbox{{0.9\linewidth}}{{\small {prose(drawing.caption)}}}"
    return f"\\begin{{center}}\n{shown}\n\n\\smallskip\n{caption}\n\\end{{center}}"


def _part(document: Document, part: Part, page: float) -> PartView:
    rows = part_rows(document, part, page)
    return PartView(prose(part.intro), rows, "".join(_sentence(p, page) for p in part.jacobian))


def _sentence(piece: str | Box, page: float) -> str:
    """A piece of a sentence; a formula too long for a line of text is displayed."""
    if isinstance(piece, str) or width(piece, False) < page / 2:
        return prose((piece,))
    lines = " \\\\\n".join(broken(piece, page - 1))
    return f"\n\\begin{{gather*}}\n{lines}\n\\end{{gather*}}\n"


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    return "".join(escape(t) if isinstance(t, str) else f"${tex(t, False).strip()}$" for t in text)


def in_math(text: Text) -> str:
    """The same within a formula: words in \\text."""
    return joined(
        words_in_math(t) if isinstance(t, str) else f" {tex(t, False).strip()} " for t in text
    ).strip()


def label(name: str, number: int) -> str:
    """A label that is unique among documents: eq:mlp:5."""
    safe = "".join(c if c.isalnum() and c.isascii() else "-" for c in name)
    return f"eq:{safe}:{number}"


def _numbered(name: str, number: int) -> str:
    return rf" \tag{{{number}}}\label{{{label(name, number)}}}" if number else r" \notag"


def equation_rows(document: Document, page: float) -> list[str]:
    """The equations of the model, broken where they are long, each with its number."""
    left = max((width(f.lhs) for f in document.equations), default=0.0)
    room = page - left - RELATION - TAG
    beside = room - max((text_width(f.where) + GAP for f in document.equations if f.where), default=0.0)
    rows: list[str] = []
    for formula in document.equations:
        rows.extend(_equation(formula, document.name, room, beside))
    return rows


def _equation(formula: Formula, name: str, room: float, beside: float) -> list[str]:
    """One equation; where it is longer than its column, its range stands on a row of its own."""
    where, lap = _where(formula), width(formula.rhs) > beside
    lines = [_lapped(line) if lap else line for line in broken(formula.rhs, room)]
    rows = [f"{tex(formula.lhs)} &= {lines[0]}", *(rf"&\quad {line}" for line in lines[1:])]
    if where and not lap:
        rows[-1] += f" && {where}"
    elif where:
        rows.append(f"&&& {where}")
    return [r + r" \notag" for r in rows[:-1]] + [rows[-1] + _numbered(name, formula.number)]


def _lapped(line: str) -> str:
    """A formula that takes no width, so that it reaches over the next column."""
    return rf"\rlap{{$\displaystyle {line}$}}"


def _where(formula: Formula) -> str:
    return in_math(formula.where)


def _definition(formula: Formula, page: float) -> str:
    lines = broken(formula.rhs, page - width(formula.lhs) - 2.0)
    return r" \\ &\quad ".join([rf"{tex(formula.lhs)} &= {lines[0]}", *lines[1:]])


def part_rows(document: Document, part: Part, page: float) -> tuple[str, ...]:
    """Rows of ``align``: the lines of a derivation with their reasons, numbered."""
    rows = arrange(part, page, lap=True)
    return tuple(_row(r) + _numbered(document.name, r.number) for r in rows)


def _row(item: PageRow) -> str:
    reason = f" && {_reason(item)}" if item.reason else ""
    if not item.rhs:
        return "&" + reason.lstrip()
    body = _lapped(item.rhs) if item.lap else item.rhs
    return (rf"&\quad {body}" if item.continued else f"{item.lhs} &= {body}".lstrip()) + reason


def _reason(item: PageRow) -> str:
    if item.wrap:
        body = rf"\raggedright {prose(item.reason)}\endgraf\vspace{{0.6ex}}"
        return rf"\parbox[t]{{{item.room:.1f}em}}{{{body}}}"
    return in_math(item.reason)
