"""Explanations in plain Unicode text: matrices over several lines, with their shapes below."""

from __future__ import annotations

from collections.abc import Sequence

from symbp.emit.explained import Page, Shown, Shows, cuts, unfolded
from symbp.emit.layout import Box, Row, Sym, Text
from symbp.emit.plain_block import Block, beside, block
from symbp.emit.plain_prose import prose, wrapped
from symbp.emit.text import columns

PAGE = 96
"""Columns of a line."""

LEFT = 0.5
"""The part of a line that left sides may have."""

INDENT = "  "


def view(page: Page, standalone: bool = False) -> dict[str, object]:
    """What the template shows."""
    heading = f"{page.title}: {prose(page.heading)}"
    return {
        "title": heading,
        "rule": "=" * columns(heading),
        "parts": [
            {
                "heading": (said := prose(p.heading)),
                "rule": "-" * columns(said),
                "blocks": ["\n".join(_block(b)) for b in p.blocks],
            }
            for p in page.parts
        ],
        "notes": ["\n".join(wrapped(n, PAGE, columns)) for n in page.notes],
    }


def _block(shows: Shows) -> list[str]:
    return _lines(shows.lines) if shows.lines else wrapped(shows.text, PAGE, columns)


def _lines(lines: Sequence[Shown]) -> list[str]:
    """Lines aligned at their signs; reasons beside them where they fit, else below."""
    lines = list(unfolded(lines, PAGE * LEFT, lambda b: float(_measure(b))))
    left = max((_measure(line.lhs) for line in lines if line.lhs is not None), default=0)
    rows = [_rows(line, left) for line in lines]
    ends = [(group[-1].width, columns(prose(line.why))) for line, group in zip(lines, rows, strict=True)]
    wide = max((w for w, why in ends if why and w + 3 + why <= PAGE), default=0)
    wide = max((w for w, _ in ends if all(w + 3 + why <= PAGE for _, why in ends)), default=wide)
    out: list[str] = []
    for line, group, (own, why) in zip(lines, rows, ends, strict=True):
        place = max(wide, own)
        out += _group(group, line.why, place if place + 3 + why <= PAGE else 0, left)
    return out


def _measure(box: Box) -> int:
    return block(box).width


def _rows(line: Shown, left: int) -> list[Block]:
    """The line in pieces that fit, each with the margin of the left side before it."""
    margin = left + 3 + len(INDENT) if left else len(INDENT)
    pieces = cuts(line, PAGE - margin, lambda b: float(_measure(b)))
    out = []
    for n, piece in enumerate(pieces):
        head = block(line.lhs) if line.lhs is not None and not n else Block(("",))
        pad = " " * (left - head.width if head.lines[0] else left)
        sign = f" {piece.sign.text.strip()} " if piece.sign is not None else "   " if left else ""
        out.append(beside([Block((INDENT + pad,)), head, Block((sign,)), block(_trimmed(piece.body))]))
    return out


def _trimmed(body: Box) -> Box:
    """A row that begins with a sign has it in the margin already."""
    starts = isinstance(body, Row) and isinstance(body.items[0], Sym) and body.items[0].kind == "rel"
    return Row(body.items[1:]) if starts and isinstance(body, Row) else body


def _group(group: Sequence[Block], why: Text, wide: int, left: int) -> list[str]:
    """The lines of one formula and its reason: beside the last line's base, or below."""
    out = [line.rstrip() for b in group[:-1] for line in b.lines]
    last = group[-1]
    for n, line in enumerate(last.lines):
        beside_ = why and wide and n == last.base
        out.append((line + " " * (wide - last.width) + "   " + prose(why) if beside_ else line).rstrip())
    if why and not wide:
        out += wrapped(why, PAGE, columns, INDENT + " " * (left + 3))
    return out
