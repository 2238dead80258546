"""Explanations as one self-contained HTML page, in the style of the derivations."""

from __future__ import annotations

from html import escape as escaped

from symbp.emit.explained import Page, Shown, Shows, cuts
from symbp.emit.html import BESIDE, escape, prose, spoken
from symbp.emit.layout import width
from symbp.emit.mathml import math
from symbp.emit.mathml_lines import BREAK, right_side
from symbp.version import VERSION

LEFT = 18.0
"""A left side that is wider than this, in em, breaks like a right one, in the column of those."""
PIECE = 20.0
"""The width, in em, of the pieces between which a browser may break a formula."""


def view(page: Page, standalone: bool = False) -> dict[str, object]:
    """What the template shows."""
    return {
        "version": VERSION,
        "title": escape(page.title),
        "heading": prose(page.heading),
        "parts": [
            {
                "topic": escaped(f"{p.topic}-{n}"),
                "heading": prose(p.heading),
                "name": escape(spoken(p.heading)),
                "blocks": [_block(b) for b in p.blocks],
            }
            for n, p in enumerate(page.parts)
        ],
        "notes": [prose(n) for n in page.notes],
    }


def _block(shows: Shows) -> dict[str, object]:
    return {"text": prose(shows.text), "lines": [_line(line) for line in shows.lines]}


def _line(line: Shown) -> dict[str, object]:
    found = [right_side(cut.body, cut.sign) for cut in cuts(line, PIECE)]
    left = math(line.lhs, True) if line.lhs is not None else ""
    if line.lhs is not None and width(line.lhs) > LEFT:
        left, found = "", [right_side(line.lhs, None), *found]
    return {
        "lhs": left,
        "rhs": BREAK.join(found),
        "reason": prose(line.why),
        "wide": width(line.rhs) > BESIDE,
    }
