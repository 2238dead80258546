"""An explanation as a page, in every format: the same sentences and formulas, spelled differently."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from itertools import pairwise

from symbp.emit.environment import render
from symbp.emit.explain_math import RELATIONS, box, spoken
from symbp.emit.layout import Box, Brace, Product, Row, Sym, Terms, Text, contains, width
from symbp.emit.math import Printer, printer
from symbp.emit.notation import NIELSEN, Notation
from symbp.explain.core import Block, Explanation, Line, Lines, Paragraph
from symbp.model.core import Model


@dataclass(frozen=True, slots=True)
class Shown:
    """A line: its sides, the sign between them (None: none), and why."""

    lhs: Box | None
    sign: Sym | None
    rhs: Box
    why: Text = ()


@dataclass(frozen=True, slots=True)
class Shows:
    """A paragraph, or aligned lines."""

    text: Text = ()
    lines: tuple[Shown, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A question and its answer."""

    topic: str
    heading: Text
    blocks: tuple[Shows, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """What every format shows."""

    name: str
    title: str
    heading: Text
    parts: tuple[Part, ...]
    notes: tuple[Text, ...]


def page(model: Model, told: Explanation, notation: Notation = NIELSEN) -> Page:
    """The explanation with every formula typeset."""
    setter = printer(model, notation)
    name = setter.adjoint_name(told.name) or setter.cost_by(setter.name(told.name))
    parts = tuple(
        Part(s.topic, spoken(setter, s.heading), tuple(_block(setter, b) for b in s.blocks))
        for s in told.sections
    )
    notes = [spoken(setter, n) for n in told.notes]
    return Page(model.name, model.title or model.name, ("why ", name, " is what it is"), parts, tuple(notes))


def _block(setter: Printer, block: Block) -> Shows:
    match block:
        case Paragraph(text):
            return Shows(spoken(setter, text))
        case Lines(lines):
            return Shows(lines=tuple(_line(setter, line) for line in lines))
        case _:
            raise TypeError(f"{type(block).__name__} is not a block of an explanation")


def _line(setter: Printer, line: Line) -> Shown:
    lhs = box(setter, line.lhs) if line.lhs is not None else None
    return Shown(lhs, RELATIONS[line.sign] if line.sign else None, box(setter, line.rhs),
                 spoken(setter, line.why))  # fmt: skip


# ── lines that are too long ───────────────────────────────────────────────────────────────────────


def unfolded(
    lines: Sequence[Shown], most: float, measure: Callable[[Box], float] = width
) -> Iterator[Shown]:
    """The lines, where a left side wider than ``most`` has a line of its own in the column of right sides."""
    for line in lines:
        if line.lhs is not None and measure(line.lhs) > most:
            yield Shown(None, None, line.lhs)
            yield replace(line, lhs=None)
        else:
            yield line


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a right side that stays on one line, and the sign before it."""

    sign: Sym | None
    body: Box


def cuts(
    shown: Shown, room: float, measure: Callable[[Box], float] = width, only: tuple[type, ...] = ()
) -> list[Cut]:
    """The right side on as many lines as it needs: cut at relations, then at + and −, then at factors.

    ``only``: what has none of these nodes is cut at relations only.
    """
    pieces = list(_relations(Cut(shown.sign, shown.rhs)))
    pieces = [
        part
        for p in pieces
        for part in (
            _inner(p) if measure(p.body) > room and (not only or contains(p.body, *only)) else [p]
        )
    ]
    lines: list[list[Cut]] = []
    for piece in pieces:
        if lines and sum(measure(_joined([p])) for p in (*lines[-1], piece)) <= room:
            lines[-1].append(piece)
        else:
            lines.append([piece])
    return [Cut(line[0].sign, _joined([Cut(None, line[0].body), *line[1:]])) for line in lines]


def _joined(pieces: list[Cut]) -> Box:
    items: list[Box] = []
    for piece in pieces:
        items += [piece.sign] if piece.sign is not None else []
        items += piece.body.items if isinstance(piece.body, Row) else [piece.body]
    return items[0] if len(items) == 1 else Row(tuple(items))


def _relations(whole: Cut) -> Iterator[Cut]:
    """The pieces between = and =."""
    items = whole.body.items if isinstance(whole.body, Row) else (whole.body,)
    sign, run = whole.sign, list[Box]()
    for item in items:
        if isinstance(item, Sym) and item in RELATIONS.values():
            yield Cut(sign, _joined([Cut(None, b) for b in run]))
            sign, run = item, []
        else:
            run.append(item)
    yield Cut(sign, _joined([Cut(None, b) for b in run]))


def _inner(piece: Cut) -> list[Cut]:
    """A long piece cut at the signs of a sum or of a Hadamard product, or between factors."""
    body = piece.body
    match body:
        case Terms(terms):
            heads = [piece.sign, *(PLUS if sign == "+" else MINUS for sign, _ in terms[1:])]
            first = Terms((terms[0],))
            return [Cut(h, b) for h, b in zip(heads, (first, *(t for _, t in terms[1:])), strict=True)]
        case Product(factors, _):
            return [Cut(piece.sign, factors[0]), *(Cut(_between(f), f) for f in factors[1:])]
        case Row(items):
            out = [Cut(piece.sign, items[0])]
            for before, item in pairwise(items):
                if isinstance(before, Sym) and before.kind == "bin":
                    out.append(Cut(before, item))
                elif not (isinstance(item, Sym) and item.kind == "bin"):
                    out[-1] = Cut(out[-1].sign, _joined([Cut(None, out[-1].body), Cut(None, item)]))
            return [part for p in out for part in (_inner(p) if isinstance(p.body, Product) else [p])]
        case _:
            return [piece]


def _between(factor: Box) -> Sym | None:
    """The sign where a product is cut; matrices side by side show what they are without one."""
    return None if isinstance(factor, Brace) else DOT


PLUS, MINUS, DOT = Sym("+", "+", "bin"), Sym("-", "−", "bin"), Sym(r"\cdot", "·", "bin")


# ── formats ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Writer:
    """A format of explanations: its template, and the function that makes the template's values of a page."""

    name: str
    template: str
    module: str
    view: str

    def write(self, shown: Page, standalone: bool) -> str:
        """The page in this format; the module is imported when it is first used."""
        make: Callable[[Page, bool], dict[str, object]] = getattr(import_module(self.module), self.view)
        return render(self.template, **make(shown, standalone))


WRITERS: tuple[Writer, ...] = (
    Writer("text", "text/explain.txt.j2", "symbp.emit.explain_text", "view"),
    Writer("markdown", "markdown/explain.md.j2", "symbp.emit.explain_tex", "markdown"),
    Writer("html", "html/explain.html.j2", "symbp.emit.explain_html", "view"),
    Writer("latex", "latex/explain.tex.j2", "symbp.emit.explain_tex", "latex"),
)


def emit(
    model: Model, told: Explanation, writer: Writer, notation: Notation = NIELSEN, standalone: bool = False
) -> str:
    """The explanation in one of the formats of :data:`WRITERS`."""
    return writer.write(page(model, told, notation), standalone)
