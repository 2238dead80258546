"""Typeset formulas as a tree: what stands beside, above and below what, before any output format.

:mod:`symbp.emit.math` makes these trees of expressions and takes every decision in them: brackets,
names, order.  :mod:`symbp.emit.tex` and :mod:`symbp.emit.plain` only spell them out, so that all
formats show the same formula.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Union


@dataclass(frozen=True, slots=True)
class Sym:
    """One sign or name: how TeX and how plain text spell it.

    ``kind`` is ``ord`` (a letter), ``num``, ``op`` (the name of a function), ``bin``, ``rel``,
    ``punct`` or ``words``.  ``key`` says what it stands for (:mod:`symbp.emit.identity`); signs that
    look the same are equal.
    """

    tex: str
    text: str
    kind: str = "ord"
    key: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Row:
    """Things side by side."""

    items: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Product:
    """Factors side by side; ``gaps`` are ``thin``, ``none``, ``dot`` (a visible multiplication) or
    ``op`` (a function or Σ follows, which brings its own space)."""

    factors: tuple[Box, ...]
    gaps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """A sum: each term with its sign, "+" or "-"; a first "+" is not shown.  Long lines break here."""

    terms: tuple[tuple[str, Box], ...]


@dataclass(frozen=True, slots=True)
class Script:
    """A base with a subscript and a superscript."""

    base: Box
    sub: Box | None = None
    sup: Box | None = None


@dataclass(frozen=True, slots=True)
class Frac:
    """A quotient.  ``bare`` says of numerator and denominator whether a slash needs no brackets.

    ``entrywise``: it divides by every entry of an array, so that 1 over it is no factor.  ``upright``: it
    has a bar in a line of text too.  ``numbers``: its denominator is a number, and so is each of its factors,
    which those of a matrix product are not.
    """

    num: Box
    den: Box
    bare: tuple[bool, bool] = (True, True)
    entrywise: bool = False
    upright: bool = False
    numbers: bool = False


@dataclass(frozen=True, slots=True)
class Root:
    """A square root."""

    body: Box


@dataclass(frozen=True, slots=True)
class Big:
    """Σ, Π, max … with what stands below and above; its body follows in the row."""

    sign: Sym
    below: Box | None = None
    above: Box | None = None


@dataclass(frozen=True, slots=True)
class Fence:
    """Brackets around a body, sized when they are spelled out: ``(``, ``[``, ``{``, ``|``, ``⌊`` or ``‖``."""

    body: Box
    kind: str = "("


@dataclass(frozen=True, slots=True)
class Cases:
    """A distinction of cases: rows of a value and its condition, None for "otherwise"."""

    rows: tuple[tuple[Box, Box | None], ...]


@dataclass(frozen=True, slots=True)
class Stack:
    """A formula that TeX sets on several lines, one below the other, and its width in em."""

    lines: tuple[str, ...]
    wide: float


@dataclass(frozen=True, slots=True)
class Grid:
    """A matrix written out, in square brackets: rows of entries."""

    rows: tuple[tuple[Box, ...], ...]


@dataclass(frozen=True, slots=True)
class Brace:
    """A body with a brace below it, and what the brace says: a shape."""

    body: Box
    below: Box


@dataclass(frozen=True, slots=True)
class Strong:
    """An entry that stands out among others."""

    body: Box


Box = Union[  # noqa: UP007  (the names are not defined yet where the nodes use it)
    Sym, Row, Product, Terms, Script, Frac, Root, Big, Fence, Cases, Stack, Grid, Brace, Strong
]

PRIME = Sym("'", "′")
COMMA = Sym(",", ",", "punct")
PARTIAL = Sym(r"\partial", "∂")
DOTS = Sym(r"\dots", "…")
SPACE = Sym(r"\ ", " ", "words")

Text = tuple["str | Box", ...]
"""Words and formulas in turn."""


def row(*items: Box) -> Box:
    """The items side by side; one item is itself."""
    return items[0] if len(items) == 1 else Row(items)


def num(value: int | str) -> Sym:
    """A number as it is written."""
    return Sym(str(value), str(value), "num")


def rel(tex: str, text: str) -> Sym:
    """A relation sign."""
    return Sym(tex, text, "rel")


EQUALS = rel("=", "=")


def separated(items: Iterable[Box]) -> Box:
    """The items with commas between them."""
    out: list[Box] = []
    for item in items:
        out.extend((COMMA, item) if out else (item,))
    return row(*out)


def kept(*items: Box) -> Box:
    """Things side by side between which no line of text ends: TeX has them as a group."""
    return Script(Row(items))


def merged(line: Iterable[str | Box]) -> Text:
    """Words side by side as one string."""
    out: list[str | Box] = []
    for item in line:
        if isinstance(item, str) and out and isinstance(out[-1], str):
            out[-1] += item
        elif item != "":
            out.append(item)
    return tuple(out)


def parts(box: Box) -> Iterator[Box]:
    """The boxes directly inside."""
    match box:
        case Sym() | Stack():
            return
        case Row(items):
            yield from items
        case Product(factors, _):
            yield from factors
        case Terms(terms):
            yield from (t for _, t in terms)
        case Script(base, sub, sup):
            yield from (b for b in (base, sub, sup) if b is not None)
        case Frac(top, bottom):
            yield from (top, bottom)
        case Root(body) | Fence(body, _):
            yield body
        case Big(sign, below, above):
            yield from (b for b in (sign, below, above) if b is not None)
        case Cases(rows):
            yield from (b for pair in rows for b in pair if b is not None)
        case Grid(lines):
            yield from (b for line in lines for b in line)
        case Brace(body, below):
            yield from (body, below)
        case Strong(body):
            yield body
        case _:
            raise TypeError(f"{type(box).__name__} is not a layout node")


def contains(box: Box, *kinds: type) -> bool:
    """Whether a node of one of these types stands anywhere in the box."""
    return isinstance(box, kinds) or any(contains(p, *kinds) for p in parts(box))


def slashed(box: Box) -> bool:
    """Whether a slash stands in the box where fractions are written with one: a/b, or x a/b."""
    match box:
        case Frac():
            return not box.upright
        case Product(factors, _):
            return slashed(factors[-1])
        case Row(items):
            return slashed(items[-1])
        case _:
            return False


def first(box: Box) -> Sym | None:
    """The leftmost sign, as it decides what may stand to the left of the box."""
    match box:
        case Sym():
            return box
        case Terms(terms):
            return first(terms[0][1]) if terms[0][0] == "+" else Sym("-", "−", "bin")
        case Fence() | Cases() | Root() | Stack() | Grid():
            return None
        case Script(base, _, _):
            return first(base)
        case _:
            return next((f for p in parts(box) if (f := first(p)) is not None), None)


# ── measuring ─────────────────────────────────────────────────────────────────────────────────────

SMALL = 0.72
"""The width of a script relative to the text."""


def words_width(text: str) -> float:
    """The width of a text in em: Computer Modern has half an em for an average letter."""
    return sum(0.78 if c.isupper() else 0.28 if c in " .,;:'il" else 0.48 for c in text)


def width(box: Box, display: bool = True) -> float:
    """An estimate of the width in em, on the safe side by some per cent."""
    match box:
        case Sym(_, text, kind):
            return _sign_width(text, kind)
        case Product(factors, gaps):
            return sum(width(f, display) for f in factors) + sum(_GAPS[g] for g in gaps)
        case Terms(terms):
            return sum(width(t, display) + 1.25 for _, t in terms) - (1.25 if terms[0][0] == "+" else 0.5)
        case Script(base, sub, sup):
            return (
                width(base, display)
                + max((SMALL * width(s, False) for s in (sub, sup) if s), default=0)
                + 0.05
            )
        case Frac(top, bottom):
            wide = (width(top, False), width(bottom, False))
            return max(wide) + 0.3 if display or box.upright else sum(wide) + 0.5
        case Stack(_, wide_):
            return wide_
        case Root(body):
            return width(body, display) + 0.9
        case Big(sign, below, above):
            limits = [SMALL * width(b, False) for b in (below, above) if b is not None]
            own = 1.5 if sign.kind == "ord" else width(sign)
            return max([own, *limits]) + 0.2 if display else own + max(limits, default=0)
        case Fence(body, _):
            return width(body, display) + 0.8 + 0.25 * fence_size(box, display)
        case Cases(rows):
            values = max(width(v, False) for v, _ in rows)
            return values + max(width(c, False) if c else 4.0 for _, c in rows) + 3.0
        case Grid(lines):
            columns = zip(*lines, strict=True)
            return sum(max(width(b, False) for b in c) + 1.0 for c in columns) + 0.3
        case Brace(body, below):
            return max(width(body, display), SMALL * width(below, False))
        case Strong(body):
            return width(body, display) * 1.15
        case Row(items):
            return sum(width(i, display) for i in items)
        case _:
            raise TypeError(f"{type(box).__name__} is not a layout node")


_GAPS = {"thin": 0.17, "none": 0.0, "dot": 0.75, "op": 0.17}


def _sign_width(text: str, kind: str) -> float:
    match kind:
        case "rel":
            return 1.35
        case "bin":
            return 1.25
        case "words":
            return words_width(text)
        case "punct":
            return 0.45
        case "op":
            return words_width(text) + 0.17
        case _:
            return sum(0.78 if c.isupper() else 1.3 if c == "…" else 0.56 for c in text)


def fence_size(box: Fence, display: bool = True) -> int:
    """How large the brackets are: 0 plain, 1 big, 2 Big, 3 bigg, 4 Bigg."""
    return min(tallness(box.body, display), 4)


def tallness(box: Box, display: bool = True) -> int:
    """The size of brackets that fit around the box."""
    inner = max((tallness(p, display) for p in _level_parts(box)), default=0)
    match box:
        case Fence(_, "["):
            return inner
        case Fence():
            size = fence_size(box, display)
            return size + 1 if size < 2 else size
        case Frac():
            return 2 if display or box.upright else inner
        case Big(_, _, above):
            return (3 if above is not None else 2) if display else 1
        case Cases() | Stack() | Grid() | Brace():
            return 4
        case _:
            return inner


def _level_parts(box: Box) -> Iterator[Box]:
    """The parts that stand on the line, at full size."""
    match box:
        case Script(base, _, _):
            yield base
        case Big():
            return
        case _:
            yield from parts(box)
