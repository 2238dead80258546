"""Beamer: frames on which a derivation comes line by line, or a deck of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from symbp.emit.arrange import PageRow, broken
from symbp.emit.document import Document, Formula, Part, Section
from symbp.emit.environment import environment
from symbp.emit.latex import equation_rows, in_math, prose
from symbp.emit.layout import Text, width
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.tikz import number, tikz
from symbp.emit.slides import AROUND, Slide, Type, height, pages, slides, text_height, types
from symbp.emit.tex import escape, tex

SLIDE, OWN_SLIDE = 30.0, 39.0
"""The width of a slide's text in em of ``\\small``: beamer's own, 4:3, and that of ``standalone``, 16:9."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame: title, size of type, and what stands on it from top to bottom."""

    title: str
    type: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Item:
    """A paragraph, or rows of aligned equations, and its height in em."""

    text: str
    high: float
    aligned: bool = False


def emit(document: Document, *, standalone: bool = False, page: float | None = None) -> str:
    """The document as slides.

    Args:
        document: what to show.
        standalone: a deck that compiles by itself; else frames for ``\\input``.
        page: the width of a slide's text in em of ``\\small``.
    """
    wide = page or (OWN_SLIDE if standalone else SLIDE)
    return (
        environment()
        .get_template("beamer/document.tex.j2")
        .render(
            title=escape(document.title or document.name),
            standalone=standalone,
            frames=[*_model(document, wide), *(f for s in document.sections for f in _section(s, wide)),
                    *_check(document, wide)],
            pictured=document.picture is not None or any(s.pictures for s in document.sections),
        )
    )  # fmt: skip


# ── the model ─────────────────────────────────────────────────────────────────────────────────────


def _model(document: Document, wide: float) -> Iterator[Frame]:
    size = types(wide)[0]
    items = [_equation(document, f, size) for f in document.equations]
    if document.definitions:
        items.append(_paragraph(("where",), size.wide))
        items.extend(_definition(f, size) for f in document.definitions)
    if document.conventions:
        items.append(_paragraph((" ".join(document.conventions),), size.wide))
    yield from _flowing("The model", items, size)
    if document.picture is not None:
        yield _figure("The model as a picture", document.picture, size)


def _equation(document: Document, formula: Formula, size: Type) -> Item:
    rows = equation_rows(replace(document, equations=(formula,)), size.wide)
    text = " \\\\\n".join(re.sub(r"\\label\{[^{}]*\}", "", r) for r in rows)
    return Item(text, height(formula.rhs) * len(rows), True)


def _definition(formula: Formula, size: Type) -> Item:
    lines = broken(formula.rhs, size.wide - width(formula.lhs) - 2.0)
    text = " \\notag \\\\\n&\\quad ".join([f"{tex(formula.lhs)} &= {lines[0]}", *lines[1:]])
    return Item(text + r" \notag", height(formula.rhs) * len(lines), True)


def _paragraph(text: Text, wide: float) -> Item:
    return Item(prose(text), text_height(text, wide))


def _flowing(title: str, items: Sequence[Item], size: Type) -> Iterator[Frame]:
    """Frames that are filled from top to bottom, with nothing to click through."""
    groups = [items[page] for page in pages([i.high for i in items], size.high - 2 * AROUND)]
    for n, group in enumerate(groups):
        yield Frame(_counted(title, n, len(groups)), size.command, tuple(_blocks(group)))


def _blocks(items: Sequence[Item]) -> Iterator[str]:
    for aligned, group in groupby(items, key=lambda i: i.aligned):
        texts = [i.text for i in group]
        if aligned:
            yield "\\begin{align}\n" + " \\\\\n".join(texts) + "\n\\end{align}"
        else:
            yield "\n\n".join(texts)


def _counted(title: str, n: int, count: int) -> str:
    return f"{title} ({n + 1}/{count})" if count > 1 else title


def _check(document: Document, wide: float) -> Iterator[Frame]:
    if document.check:
        size = types(wide)[0]
        yield from _flowing("How far this was checked", [_paragraph(document.check, size.wide)], size)


# ── derivations ───────────────────────────────────────────────────────────────────────────────────


def _section(section: Section, wide: float) -> Iterator[Frame]:
    """The frames of one variable; its pictures stand behind its first part, which they are about."""
    title = prose(section.heading)
    frames: list[Frame] = []
    for n, part in enumerate(section.parts):
        above = (*(section.question if not n else ()),)
        after: list[Text] = [part.jacobian] if part.jacobian else []
        if part is section.parts[-1] and section.order:
            after.append(section.order)
        frames.extend(_part(part, above, after, wide))
    counted = [replace(f, title=_counted(title, n, len(frames))) for n, f in enumerate(frames)]
    yield from counted
    for picture in section.pictures:
        yield _figure(title, picture, types(wide)[0])


def _part(part: Part, question: Text, after: Sequence[Text], wide: float) -> Iterator[Frame]:
    above = sum(text_height(t, wide) for t in (question, part.intro))
    found = slides(part, wide, above)
    for slide in found:
        size = slide.type
        first = (question, part.intro) if slide.first else ()
        blocks = [f"{prose(t)}\n" for t in first if t]
        clicks = len(slide.groups)
        blocks.append(_lines(slide))
        used = slide.used + (above * size.wide / wide if slide.first else 0.0)
        rest = [_paragraph(t, size.wide) for t in after] if slide.last else []
        while rest and used + rest[0].high <= size.high:
            clicks, used = clicks + 1, used + rest[0].high
            blocks.append(rf"\uncover<{clicks}->{{{rest.pop(0).text}\par}}")
        yield Frame("", size.command, tuple(blocks))
        if rest:
            yield from _flowing("", rest, size)


def _lines(slide: Slide) -> str:
    """The lines, each from its click on; the last line of the frame before stands above them."""
    rows = [(row, 1, 0) for row in slide.repeated]
    for click, group in enumerate(slide.groups, 1):
        last = slide.last and click == len(slide.groups)
        for n, row in enumerate(group):
            ends = last and n == len(group) - 1
            rows.append((row, click, slide.part.number if ends else 0))
    head, click, number = rows[0]
    if slide.lhs is not None and not head.lhs:
        rows[0] = (replace(head, lhs=tex(slide.lhs)), click, number)
    return "\\begin{align*}\n" + " \\\\\n".join(_row(*r) for r in rows) + "\n\\end{align*}"


def _row(row: PageRow, click: int, number: int) -> str:
    """A row of ``align*``; each of its cells is uncovered by itself, since a group cannot reach over &."""
    body = rf"\rlap{{$\displaystyle {row.rhs}$}}" if row.lap else row.rhs
    right = "" if not row.rhs else rf"\quad {body}" if row.continued else f"= {body}"
    cells = [_from(click, row.lhs), _from(click, right)]
    if row.reason:
        cells += ["", _from(click, _reason(row))]
    tag = rf" \tag*{{{_from(click, f'({number})')}}}" if number else ""
    return " & ".join(cells).strip() + tag


def _from(click: int, text: str) -> str:
    return text if click == 1 or not text else rf"\uncover<{click}->{{{text}}}"


def _reason(row: PageRow) -> str:
    if row.wrap:
        return rf"\parbox[t]{{{row.room:.1f}em}}{{\raggedright {prose(row.reason)}\endgraf\vspace{{0.6ex}}}}"
    return in_math(row.reason)


def _figure(title: str, drawing: Drawing, size: Type) -> Frame:
    """A picture that fits on the slide with its caption."""
    caption = _paragraph(drawing.caption, 0.9 * size.wide)
    room = (0.97 * size.wide / drawing.size[0], (size.high - caption.high - 1.5) / drawing.size[1])
    scale = min(1.0, *room)
    picture = tikz(drawing)
    if scale < 1:
        picture = f"\\scalebox{{{number(scale)}}}{{%\n{picture}}}"
    words = rf"\parbox{{0.9\linewidth}}{{\footnotesize {caption.text}}}"
    body = f"{picture}\n\n\\smallskip\n{words}"
    return Frame(title, size.command, (f"\\begin{{center}}\n{body}\n\\end{{center}}",))
