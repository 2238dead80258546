"""Plain Unicode text for a terminal."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from textwrap import wrap

from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.layout import Text
from symbp.emit.plain import text as formula_text

PAGE = 100
"""Columns, beyond which a reason moves to a line of its own."""


def emit(document: Document, *, page: int = PAGE) -> str:
    """The document as text; every formula stands on one line."""
    title = document.title or document.name
    return (
        environment()
        .get_template("text/document.txt.j2")
        .render(
            title=title,
            rule="=" * columns(title),
            equations=_equations(document.equations),
            definitions=_equations(document.definitions),
            conventions=textwrap.fill(" ".join(document.conventions), page),
            sections=[
                {
                    "heading": prose(s.heading),
                    "rule": "-" * columns(prose(s.heading)),
                    "question": prose(s.question),
                    "parts": [
                        {"intro": prose(p.intro), "lines": _lines(p, page), "jacobian": prose(p.jacobian)}
                        for p in s.parts
                    ],
                    "order": textwrap.fill(prose(s.order), page),
                }
                for s in document.sections
            ],
            check=prose(document.check),
        )
    )


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    return "".join(t if isinstance(t, str) else formula_text(t).strip() for t in text)


def columns(line: str) -> int:
    """How many columns a terminal gives to a line."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line
    )


def _equations(formulas: Sequence[Formula]) -> list[str]:
    bodies = [f"{formula_text(f.lhs)} = {formula_text(f.rhs).strip()}" for f in formulas]
    wide = max(map(columns, bodies), default=0)
    lines = []
    for formula, body in zip(formulas, bodies, strict=True):
        number = f"({formula.number})".rjust(5) if formula.number else " " * 5
        line = f"{number} {padded(body, wide)}   {prose(formula.where)}"
        lines.append(line.rstrip())
    return lines


def padded(line: str, wide: int) -> str:
    """The line with blanks up to a width."""
    return line + " " * (wide - columns(line))


def _lines(part: Part, page: int) -> list[str]:
    left = formula_text(part.lhs)
    heads = [
        left if not n else formula_text(s.lhs) if s.lhs is not None else "" for n, s in enumerate(part.steps)
    ]
    margin = max(map(columns, heads), default=0)
    bodies = [
        " " * (margin - columns(h)) + f"{h} = {formula_text(s.rhs).strip()}"
        for h, s in zip(heads, part.steps, strict=True)
    ]
    reasons = [prose(s.reason) for s in part.steps]
    wide = _column(bodies, reasons, page - 6)
    lines: list[str] = []
    for n, (body, reason) in enumerate(zip(bodies, reasons, strict=True)):
        last = n == len(bodies) - 1
        number = f"({part.number})".rjust(5) if last else " " * 5
        if reason and columns(body) <= wide and wide + 3 + columns(reason) <= page - 6:
            lines.append(f"{number} {padded(body, wide)}   {reason}")
        else:
            lines.append(f"{number} {body}")
            indent = " " * (margin + 12)
            lines.extend(wrap(reason, page, initial_indent=indent, subsequent_indent=indent))
    return lines


def _column(bodies: Sequence[str], reasons: Sequence[str], room: int) -> int:
    """Where the formulas end: the place at which most reasons fit beside them."""
    pairs = [(columns(b), columns(r)) for b, r in zip(bodies, reasons, strict=True)]
    wide = sorted({b for b, _ in pairs})
    return max(wide, key=lambda w: sum(b <= w and w + 3 + r <= room for b, r in pairs), default=0)
