"""Formulas with matrices in plain text, on several lines; signs stand beside the middle of a matrix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from symbp.emit.layout import Box, Brace, Grid, Product, Row, Strong, contains
from symbp.emit.plain import GAPS, text
from symbp.emit.text import columns, padded


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of equal width; ``base`` is the one on which signs beside it stand."""

    lines: tuple[str, ...]
    base: int = 0

    @property
    def width(self) -> int:
        """How many columns it takes."""
        return columns(self.lines[0])


def block(box: Box) -> Block:
    """The formula on as many lines as its matrices need."""
    if not contains(box, Grid):
        return _one(text(box))
    match box:
        case Grid(lines):
            return _grid(lines)
        case Brace(body, below):
            return _braced(block(body), text(below))
        case Row(items):
            return beside(map(block, items))
        case Product(factors, gaps):
            pieces = [block(factors[0])]
            for gap, factor in zip(gaps, factors[1:], strict=True):
                pieces += [_one(GAPS[gap]), block(factor)]
            return beside(pieces)
        case _:
            return _one(text(box))


def _one(line: str) -> Block:
    return Block((line,))


def beside(blocks: Iterable[Block]) -> Block:
    """Blocks side by side, their bases on one line."""
    found = [b for b in blocks if b.width]
    above = max((b.base for b in found), default=0)
    below = max((len(b.lines) - b.base for b in found), default=1)
    rows = [""] * (above + below)
    for item in found:
        top = above - item.base
        for n in range(len(rows)):
            inside = 0 <= n - top < len(item.lines)
            rows[n] += item.lines[n - top] if inside else " " * item.width
    return Block(tuple(rows), above)


def _grid(lines: Sequence[Sequence[Box]]) -> Block:
    """Brackets of as many lines; an entry that stands out has brackets of its own."""
    cells = [[f"[{text(b)}]" if _strong(b) else f" {text(b)} " for b in line] for line in lines]
    wide = [max(columns(c) for c in column) for column in zip(*cells, strict=True)]
    rows = ["".join(" " * (w - columns(c)) + c for c, w in zip(line, wide, strict=True)) for line in cells]
    last = len(rows) - 1
    shown = [_bracket(n, last, "[⎡⎢⎣") + r + _bracket(n, last, "]⎤⎥⎦") for n, r in enumerate(rows)]
    return Block(tuple(shown), last // 2)


def _strong(box: Box) -> bool:
    return contains(box, Strong)


def _bracket(line: int, last: int, signs: str) -> str:
    """One line of a bracket: alone, the upper corner, between, the lower corner."""
    return signs[0 if last == 0 else 1 if line == 0 else 3 if line == last else 2]


def _braced(body: Block, below: str) -> Block:
    """The shape below the matrix, in its middle."""
    wide = max(body.width, columns(below))
    lines = [padded(line, wide) for line in body.lines]
    left = (wide - columns(below)) // 2
    return Block((*lines, padded(" " * left + below, wide)), body.base)
