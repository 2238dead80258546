"""Plain Unicode text for a terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from symbp.emit.document import Document, Formula, Part
from symbp.emit.environment import environment
from symbp.emit.layout import Text
from symbp.emit.plain import text as formula_text
from symbp.emit.plain_lines import broken
from symbp.emit.plain_prose import prose, wrapped

PAGE = 100
"""Columns, beyond which a reason moves to a line of its own."""


def emit(document: Document, *, page: int = PAGE) -> str:
    """The document as text, on lines of at most ``page`` columns where formulas can be broken."""
    title = document.title or document.name
    return (
        environment()
        .get_template("text/document.txt.j2")
        .render(
            title=title,
            rule="=" * columns(title),
            equations=_equations(document.equations, page),
            definitions=_equations(document.definitions, page),
            notes=_filled(document.notes, page),
            sections=[
                {
                    "heading": prose(s.heading),
                    "rule": "-" * columns(prose(s.heading)),
                    "question": _filled(s.question, page),
                    "parts": [
                        {
                            "intro": _filled(p.intro, page),
                            "lines": _lines(p, page),
                            "jacobian": _filled(p.jacobian, page),
                        }
                        for p in s.parts
                    ],
                    "order": _filled(s.order, page),
                }
                for s in document.sections
            ],
            check=_filled(document.check, page),
        )
    )


def _filled(text: Text, page: int) -> str:
    return "\n".join(wrapped(text, page, columns))


def columns(line: str) -> int:
    """How many columns a terminal gives to a line."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line
    )


def _equations(formulas: Sequence[Formula], page: int) -> list[str]:
    heads = [f"{formula_text(f.lhs)} = " for f in formulas]
    rights = [
        broken(formula_text(f.rhs).strip(), page - 6 - columns(h), columns)
        for f, h in zip(formulas, heads, strict=True)
    ]
    ends = [columns(h) + columns(r[0]) for h, r in zip(heads, rights, strict=True) if len(r) == 1]
    wide = max(ends, default=0)
    lines: list[str] = []
    for formula, head, (first, *more) in zip(formulas, heads, rights, strict=True):
        number = f"({formula.number})".rjust(5) if formula.number else " " * 5
        rows = [f"{number} {head}{first}", *(" " * (6 + columns(head)) + line for line in more)]
        where = prose(formula.where)
        if where and max(columns(rows[-1]), 6 + wide * (not more)) + 3 + columns(where) > page:
            rows.append(" " * 12 + where)
        elif where:
            rows[-1] = f"{padded(rows[-1], 6 + wide)}   {where}"
        lines += rows
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
    rights = [broken(formula_text(s.rhs).strip(), page - margin - 9, columns) for s in part.steps]
    bodies = [
        " " * (margin - columns(h)) + f"{h} = {first}" for h, (first, *_) in zip(heads, rights, strict=True)
    ]
    reasons = [prose(s.reason) for s in part.steps]
    single = [columns(b) if len(r) == 1 else page for b, r in zip(bodies, rights, strict=True)]
    wide = _column(single, reasons, page - 6)
    lines: list[str] = []
    for n, (body, (_, *more), reason) in enumerate(zip(bodies, rights, reasons, strict=True)):
        last = n == len(bodies) - 1
        number = f"({part.number})".rjust(5) if last else " " * 5
        if reason and single[n] <= wide and wide + 3 + columns(reason) <= page - 6:
            lines.append(f"{number} {padded(body, wide)}   {reason}")
        else:
            lines.append(f"{number} {body}")
            lines.extend(" " * (margin + 9) + line for line in more)
            lines.extend(wrapped(part.steps[n].reason, page, columns, " " * (margin + 12)))
    return lines


def _column(bodies: Sequence[int], reasons: Sequence[str], room: int) -> int:
    """Where the formulas, so many columns wide, end: the place at which most reasons fit beside them."""
    pairs = [(b, columns(r)) for b, r in zip(bodies, reasons, strict=True)]
    wide = sorted({b for b, _ in pairs})
    return max(wide, key=lambda w: sum(b <= w and w + 3 + r <= room for b, r in pairs), default=0)
