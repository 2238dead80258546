"""Beamer: frames on which a derivation comes line by line, or a deck of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from symbp.emit.arrange import PageRow, settled
from symbp.emit.breaking import broken
from symbp.emit.document import Document, Formula, Part, Section
from symbp.emit.environment import environment
from symbp.emit.latex import equation_groups, lapped, prose, reason, spelled
from symbp.emit.layout import Text, width
from symbp.emit.pictures.cut import cut
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.pictures.tikz import number, tikz
from symbp.emit.slides import AROUND, LINE, Slide, Type, height, pages, row_height, slides, text_height, types
from symbp.emit.tex import escape, headline, tex

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

    high: float
    text: str = ""
    rows: tuple[PageRow, ...] = ()


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
            headline=headline(document.title or document.name),
            standalone=standalone,
            frames=[*_model(document, wide), *(f for s in document.sections for f in _section(s, wide)),
                    *_check(document, wide)],
            pictured=document.picture is not None or any(s.pictures for s in document.sections),
        )
    )  # fmt: skip


# ── the model ─────────────────────────────────────────────────────────────────────────────────────


def _model(document: Document, wide: float) -> Iterator[Frame]:
    size = types(wide)[0]
    items = list(_equations(document.equations, size))
    if document.definitions:
        items.append(_paragraph(("where",), size.wide))
        items.extend(_definition(f, size) for f in document.definitions)
    if document.notes:
        items.append(_paragraph(document.notes, size.wide))
    yield from _flowing("The model", items, size)
    yield from _pictured(document, size)


def _pictured(document: Document, size: Type) -> Iterator[Frame]:
    """The graph, from top to bottom or from left to right, or in pieces where it were too small to read."""
    if document.picture is None or document.turned is None:
        return
    shown: Sequence[Drawing] = [max(document.picture, document.turned, key=lambda d: room_for(d, size))]
    if room_for(shown[0], size) < LEGIBLE:
        pieces = cut(document.turned, 0.97 * size.wide / COMFORTABLE)
        # one that is too high is not any larger in pieces
        if min(room_for(d, size) for d in pieces) > 1.1 * room_for(shown[0], size):
            shown = pieces
    for n, drawing in enumerate(shown):
        yield figure(_counted("The model as a picture", n, len(shown)), drawing, size)


LEGIBLE, COMFORTABLE = 0.75, 0.8
"""The scale below which a picture is cut in pieces, and that for which these are made."""


def _equations(formulas: Sequence[Formula], size: Type) -> Iterator[Item]:
    for formula, rows in zip(formulas, equation_groups(formulas, size.wide), strict=True):
        high = sum(row_height(formula.rhs, r.rhs) or LINE + 0.3 for r in rows)
        yield Item(high, rows=tuple(rows))


def _definition(formula: Formula, size: Type) -> Item:
    first, *rest = broken(formula.rhs, size.wide - width(formula.lhs) - 2.0)
    rows = (PageRow(tex(formula.lhs), first), *(PageRow(rhs=line, continued=True) for line in rest))
    return Item(height(formula.rhs) * len(rows), rows=rows)


def _paragraph(text: Text, wide: float) -> Item:
    return Item(text_height(text, wide), prose(text))


def _flowing(title: str, items: Sequence[Item], size: Type) -> Iterator[Frame]:
    """Frames that are filled from top to bottom, with nothing to click through."""
    aligned = sum(1 for rows, _ in groupby(items, key=lambda i: bool(i.rows)) if rows)
    groups = [items[page] for page in pages([i.high for i in items], size.high - AROUND * max(aligned, 1))]
    for n, group in enumerate(groups):
        yield Frame(_counted(title, n, len(groups)), size.command, tuple(_blocks(group)))


def _blocks(items: Sequence[Item]) -> Iterator[str]:
    for aligned, group in groupby(items, key=lambda i: bool(i.rows)):
        found = list(group)
        if aligned:
            rows = settled(row for item in found for row in item.rows)
            yield "\\begin{align}\n" + " \\\\\n".join(map(spelled, rows)) + "\n\\end{align}"
        else:
            yield "\n\n".join(item.text for item in found)


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
        yield figure(title, picture, types(wide)[0])


def _part(part: Part, question: Text, after: Sequence[Text], wide: float) -> Iterator[Frame]:
    first: Text = (*question, " ", *part.intro) if question and part.intro else question or part.intro
    above = text_height(first, wide)
    found = slides(part, wide, above, sum(text_height(t, wide) for t in after))
    for slide in found:
        size = slide.type
        blocks = [f"{prose(first)}\n"] if slide.first and first else []
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
    groups = (slide.repeated, *slide.groups)
    clicks = [max(n, 1) for n, group in enumerate(groups) for _ in group]
    rows = list(settled(row for group in groups for row in group))
    if slide.lhs is not None and not rows[0].lhs:
        rows[0] = replace(rows[0], lhs=tex(slide.lhs))
    if slide.last:
        rows[-1] = replace(rows[-1], number=slide.part.number)
    body = " \\\\\n".join(map(_row, rows, clicks))
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


def _row(row: PageRow, click: int) -> str:
    """A row of ``align*``; each of its cells is uncovered by itself, since a group cannot reach over &."""
    body, words = lapped(row), reason(row)
    right = "" if not row.rhs else rf"\quad {body}" if row.continued else f"= {body}"
    cells = [_from(click, row.lhs), _from(click, rf"\quad {words}" if row.below else right)]
    if words and not row.below:
        cells += ["", _from(click, words)]
    tag = rf" \tag*{{{_from(click, f'({row.number})')}}}" if row.number else ""
    return " & ".join(cells).strip() + tag


def _from(click: int, text: str) -> str:
    return text if click == 1 or not text else rf"\uncover<{click}->{{{text}}}"


def figure(title: str, drawing: Drawing, size: Type) -> Frame:
    """A picture with its caption below or beside it, whichever leaves more room for the picture."""
    caption = _paragraph(drawing.caption, 0.9 * size.wide)
    below, beside = _below(drawing, size), _beside(drawing, size)
    if beside > below:
        words = rf"\parbox{{{BESIDE}\linewidth}}{{\footnotesize\raggedright {caption.text}}}"
        picture = rf"$\vcenter{{\hbox{{{_scaled(drawing, beside)}}}}}$"
        body = f"{picture}\\qquad\n{words}"
    else:
        words = rf"\parbox{{0.9\linewidth}}{{\footnotesize {caption.text}}}"
        body = f"{_scaled(drawing, below)}\n\n\\smallskip\n{words}"
    return Frame(title, size.command, (f"\\begin{{center}}\n{body}\n\\end{{center}}",))


def room_for(drawing: Drawing, size: Type) -> float:
    """The scale at which a picture fits on a slide."""
    return max(_below(drawing, size), _beside(drawing, size))


def _below(drawing: Drawing, size: Type) -> float:
    caption = text_height(drawing.caption, 0.9 * size.wide)
    return _fitting(drawing, 0.97 * size.wide, size.high - caption - 1.5)


def _beside(drawing: Drawing, size: Type) -> float:
    return _fitting(drawing, (0.9 - BESIDE) * size.wide, size.high - 1.0)


BESIDE = 0.3
"""The part of a slide's width that a caption has beside its picture."""


def _fitting(drawing: Drawing, wide: float, high: float) -> float:
    return min(1.0, wide / drawing.size[0], high / drawing.size[1])


def _scaled(drawing: Drawing, scale: float) -> str:
    picture = tikz(drawing)
    return f"\\scalebox{{{number(scale)}}}{{%\n{picture}}}" if scale < 1 else picture
