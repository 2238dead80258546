"""Explanations as one self-contained HTML page, in the style of the derivations."""

from __future__ import annotations

from html import escape as escaped

from symbp.emit.explained import Page, Shown, Shows, cuts
from symbp.emit.html import BESIDE, escape, prose, spoken
from symbp.emit.layout import Box, Row, width
from symbp.emit.mathml import math
from symbp.emit.mathml_lines import BREAK
from symbp.version import VERSION

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
    pieces: list[str] = []
    for cut in cuts(line, PIECE):
        body: Box = cut.body if cut.sign is None else Row((cut.sign, cut.body))
        pieces.append(math(body, True))
    return {
        "lhs": math(line.lhs, True) if line.lhs is not None else "",
        "rhs": BREAK.join(pieces),
        "reason": prose(line.why),
        "wide": width(line.rhs) > BESIDE,
    }
