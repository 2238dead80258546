"""Markdown with formulas that KaTeX in its strict mode and MathJax both set."""

from __future__ import annotations

from symbp.emit.arrange import PageRow, arrange, broken
from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.latex import in_math
from symbp.emit.layout import Text, width
from symbp.emit.tex import tex

PAGE = 48.0
"""The usual width of a column on a web page, in em."""

_SPECIAL = str.maketrans({c: "\\" + c for c in "\\`*_{}[]<>#|$"})


def emit(document: Document, *, page: float = PAGE) -> str:
    """The document in Markdown; formulas stand between $ and $$."""
    return (
        environment()
        .get_template("markdown/document.md.j2")
        .render(
            title=escape(document.title or document.name),
            equations=equation_rows(document.equations, page),
            definitions=equation_rows(document.definitions, page),
            conventions=escape(" ".join(document.conventions)),
            sections=[
                {
                    "heading": prose(s.heading),
                    "question": prose(s.question),
                    "parts": [
                        {
                            "intro": prose(p.intro),
                            "rows": part_rows(p, page),
                            "number": p.number,
                            "jacobian": prose(p.jacobian),
                        }
                        for p in s.parts
                    ],
                    "order": prose(s.order),
                }
                for s in document.sections
            ],
            check=prose(document.check),
        )
    )


def escape(text: str) -> str:
    """A user's text, in which nothing is markup."""
    return text.translate(_SPECIAL)


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    return "".join(escape(t) if isinstance(t, str) else f"${tex(t, False).strip()}$" for t in text)


def equation_rows(formulas: tuple[Formula, ...], page: float) -> list[str]:
    """Rows of ``aligned``, each equation with its range and number."""
    rows: list[str] = []
    left = max((width(f.lhs) for f in formulas), default=0.0)
    for formula in formulas:
        lines = broken(formula.rhs, page - left - 12.0)
        rows.append(f"{tex(formula.lhs)} &= {lines[0]}")
        rows.extend(rf"&\quad {line}" for line in lines[1:])
        where = in_math(formula.where)
        rows[-1] += f" && {where}" if where or formula.number else ""
        rows[-1] += rf" && \text{{({formula.number})}}" if formula.number else ""
    return rows


def part_rows(part: Part, page: float) -> list[str]:
    """Rows of ``aligned``: the lines of a derivation with their reasons."""
    return [_row(r) for r in arrange(part, page)]


def _row(item: PageRow) -> str:
    lead = r"&\quad " if item.continued else f"{item.lhs} &= "
    return lead.lstrip() + item.rhs + (f" && {in_math(item.reason)}" if item.reason else "")
