"""Explanations in LaTeX and Markdown: formulas that amsmath, KaTeX and MathJax all set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbp.emit import latex as tex_format
from symbp.emit import markdown as md_format
from symbp.emit.arrange import GAP, RELATION, text_width, wrapped
from symbp.emit.breaking import broken
from symbp.emit.explained import Page, Shown, Shows, cuts, unfolded
from symbp.emit.latex import in_math
from symbp.emit.layout import Brace, Text, width
from symbp.emit.tex import escape, headline, tex

Prose = Callable[[Text], str]

LEFT = 0.4
"""The part of the page that left sides may have."""


def latex(page: Page, standalone: bool = False) -> dict[str, object]:
    """What the template of LaTeX shows."""
    room = tex_format.OWN_PAGE if standalone else tex_format.PAGE
    return {
        "standalone": standalone,
        "page": room,
        "title": escape(page.title),
        "headline": headline(page.title),
        **_shared(page, tex_format.prose, room),
    }


def markdown(page: Page, standalone: bool = False) -> dict[str, object]:
    """What the template of Markdown shows."""
    prose = md_format.Writer(md_format.FLAVORS[0], "", md_format.PAGE, counts=False).prose
    return {"title": md_format.escape(page.title), **_shared(page, prose, md_format.PAGE)}


def _shared(page: Page, prose: Prose, room: float) -> dict[str, object]:
    return {
        "heading": prose(page.heading),
        "parts": [
            {"heading": prose(p.heading), "blocks": [_block(b, prose, room) for b in p.blocks]}
            for p in page.parts
        ],
        "notes": [prose(n) for n in page.notes],
    }


def _block(shows: Shows, prose: Prose, room: float) -> dict[str, object]:
    return {"text": prose(shows.text), "rows": rows(shows.lines, room)}


def rows(lines: Sequence[Shown], page: float) -> list[str]:
    """Rows for ``aligned``; reasons in a column of their own where all fit, else beside or below each."""
    lines = list(unfolded(lines, page * LEFT))
    left = max((width(line.lhs) for line in lines if line.lhs is not None), default=0.0)
    room = page - left - RELATION
    # shapes stand below factors, between which there is then no sign
    cut = [cuts(line, room, only=(Brace,)) for line in lines]
    wide = max((width(c.body) for group in cut for c in group), default=0.0)
    fit = all(wide + GAP + text_width(line.why) <= room for line in lines)
    out: list[str] = []
    for line, group in zip(lines, cut, strict=True):
        for n, piece in enumerate(group):
            head = tex(line.lhs) if line.lhs is not None and not n else ""
            sign = tex(piece.sign).strip() + " " if piece.sign is not None else r"\quad "
            start, *rest = broken(piece.body, room)
            out.append(f"{head} &{sign}{start}".lstrip())
            out.extend(rf"&\quad {more}" for more in rest)
        if line.why and fit:
            out[-1] += rf" && {in_math(line.why)}"
        elif line.why and width(group[-1].body) + GAP + text_width(line.why) <= room:
            out[-1] += rf" \qquad {in_math(line.why)}"
        elif line.why:
            out += [rf"&\quad {in_math(part)}" for part in wrapped(line.why, room - 1)]
    return out
