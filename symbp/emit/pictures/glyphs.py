"""Formulas as text for SVG: pieces of text at heights and sizes, in Unicode's mathematical letters."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from symbp.emit.alphabets import letter
from symbp.emit.layout import SMALL, Box, Fence, Frac, Product, Row, Script, Sym, Terms
from symbp.emit.notation import OPERATORS, apart
from symbp.emit.plain import text as plain


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of text: ``rise`` above the line and ``size``, in em; ``back`` is how far it starts to
    the left of where the last piece ended."""

    text: str
    rise: float = 0.0
    size: float = 1.0
    back: float = 0.0


def runs(box: Box) -> tuple[Run, ...]:
    """The formula of a label in pieces."""
    return tuple(_joined(_runs(box, 0.0, 1.0)))


def advance(pieces: tuple[Run, ...]) -> float:
    """An estimate of the width."""
    return sum(_width(p.text) * p.size - p.back for p in pieces)


def _runs(box: Box, rise: float, size: float) -> Iterator[Run]:
    match box:
        case Sym(tex, _, "ord") if "^" in tex or "_" in tex.replace(r"\_", ""):
            yield from _runs(apart(tex), rise, size)
        case Sym():
            yield Run(_sign(box, size == 1.0), rise, size)
        case Row(items):
            for item in items:
                yield from _runs(item, rise, size)
        case Terms(terms):
            for n, (mark, term) in enumerate(terms):
                shown = "−" if mark == "-" else "+"
                if n or mark == "-":
                    yield Run(f"\u2009{shown}\u2009" if n and size == 1.0 else shown, rise, size)
                yield from _runs(term, rise, size)
        case Script(base, sub, sup):
            yield from _runs(base, rise, size)
            yield from _scripts(sub, sup, rise, size)
        case Product(factors, gaps):
            for factor, gap in zip(factors, ("none", *gaps), strict=True):
                if gap != "none":
                    yield Run("⋅" if gap == "dot" else "\u2009", rise, size)
                yield from _runs(factor, rise, size)
        case Frac(top, bottom, _):
            yield from _runs(top, rise, size)
            yield Run("/", rise, size)
            yield from _runs(bottom, rise, size)
        case Fence(body, kind):
            yield Run({"(": "(", "[": "["}.get(kind, kind), rise, size)
            yield from _runs(body, rise, size)
            yield Run({"(": ")", "[": "]", "⌊": "⌋"}.get(kind, kind), rise, size)
        case _:
            yield Run(plain(box), rise, size)


def _scripts(sub: Box | None, sup: Box | None, rise: float, size: float) -> Iterator[Run]:
    """A subscript, and above it the superscript; what follows starts behind the wider of them."""
    small = SMALL * size
    below = tuple(_runs(sub, rise - 0.22 * size, small)) if sub is not None else ()
    above = tuple(_runs(sup, rise + 0.38 * size, small)) if sup is not None else ()
    yield from below
    if below and above:
        under, over = advance(below), advance(above)
        yield replace(above[0], back=under)
        yield from above[1:]
        if under > over:
            yield Run("", rise, size, over - under)
    else:
        yield from above


def _joined(pieces: Iterator[Run]) -> Iterator[Run]:
    """Neighbours on one line are one piece."""
    last: Run | None = None
    for piece in pieces:
        if last is not None and (last.rise, last.size) == (piece.rise, piece.size) and not piece.back:
            last = replace(last, text=last.text + piece.text)
            continue
        if last is not None:
            yield last
        last = piece
    if last is not None:
        yield last


def _sign(box: Sym, loose: bool) -> str:
    match box.kind:
        case "rel" | "bin":
            return f" {box.text} " if loose else box.text
        case "punct":
            return box.text + ("\u2009" if loose else "")
        case "ord":
            return "".join(letter(c, _alphabet(box.tex)) for c in box.text)
        case _:
            return box.text


_UPRIGHT = (r"\mathrm", r"\operatorname", *("\\" + name for name in sorted(OPERATORS)))
_ALPHABETS = (*((command, "upright") for command in _UPRIGHT), (r"\mathcal", "script"))


def _alphabet(tex: str) -> str:
    for command, alphabet in _ALPHABETS:
        if tex.startswith(command):
            return alphabet
    return "italic"


def _width(text: str) -> float:
    return sum(map(_letter_width, text))


def _letter_width(char: str) -> float:
    if char in "  ":
        return 0.2
    if char in "𝑖𝑗𝑙𝑡𝑓ijlt.:;'′()[]|/⋅" or char == "𝑟":
        return 0.34
    if char == ",":
        return 0.28
    if char in "𝑚𝑤𝑀𝑊→−+=":
        return 0.8
    return 0.66 if 0x1D434 <= ord(char) <= 0x1D44D or char.isupper() else 0.52
