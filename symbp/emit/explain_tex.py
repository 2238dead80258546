"""Explanations in LaTeX and Markdown: formulas that amsmath, KaTeX and MathJax all set."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from symbp.emit import latex as tex_format
from symbp.emit import markdown as md_format
from symbp.emit.arrange import GAP, RELATION, text_width
from symbp.emit.explained import Page, Shown, Shows, cuts
from symbp.emit.latex import in_math
from symbp.emit.layout import Box, Text, width
from symbp.emit.tex import escape, tex

Prose = Callable[[Text], str]


def latex(page: Page, standalone: bool = False) -> dict[str, object]:
    """What the template of LaTeX shows."""
    room = tex_format.OWN_PAGE if standalone else tex_format.PAGE
    return {
        "standalone": standalone,
        "page": room,
        "title": escape(page.title),
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
    left = max((width(line.lhs) for line in lines if line.lhs is not None), default=0.0)
    room = page - left - RELATION
    cut = [cuts(line, room) for line in lines]
    wide = max((width(c.body) for group in cut for c in group), default=0.0)
    fit = all(wide + GAP + text_width(line.why) <= room for line in lines)
    out: list[str] = []
    for line, group in zip(lines, cut, strict=True):
        for n, piece in enumerate(group):
            head = tex(line.lhs) if line.lhs is not None and not n else ""
            sign = tex(piece.sign).strip() + " " if piece.sign is not None else r"\quad "
            out.append(f"{head} &{sign}{_spelled(piece.body)}".lstrip())
        if line.why and fit:
            out[-1] += rf" && {in_math(line.why)}"
        elif line.why and width(group[-1].body) + GAP + text_width(line.why) <= room:
            out[-1] += rf" \qquad {in_math(line.why)}"
        elif line.why:
            out += [rf"&\quad {in_math(part)}" for part in wrapped(line.why, room - 1)]
    return out


def _spelled(body: Box) -> str:
    return tex(body).strip()


def wrapped(text: Text, room: float) -> list[Text]:
    """Words and formulas on lines of a limited width."""
    lines: list[list[str | Box]] = [[]]
    for item in text:
        words = item.split(" ") if isinstance(item, str) else [item]
        for n, word in enumerate(words):
            glue: Text = (" ",) if n else ()
            if lines[-1] and n and text_width((*lines[-1], " ", word)) > room:
                lines.append([word])
            else:
                lines[-1] += [*glue, word]
    return [_merged(line) for line in lines]


def _merged(line: Sequence[str | Box]) -> Text:
    """Words side by side as one string."""
    out: list[str | Box] = []
    for item in line:
        if isinstance(item, str) and out and isinstance(out[-1], str):
            out[-1] += item
        elif item != "":
            out.append(item)
    return tuple(out)
