"""Long formulas in plain text on several lines; without the ends of lines the text is what it was."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from symbp.emit.breaking import BEFORE, BRACKET, CALL, ENTRYWISE, FACTOR, LISTED, NESTED, Chunk, filled

_SIGNS = frozenset("+−⊙∘∗·=<>≤≥≠∈→")
ALONE = 14.0
"""What it costs more to leave an opening bracket with one word at the end of a line."""
_APPLIES = re.compile(r"(?:^|[(\[{−])(?:[ΣΠ]|∂/∂|[a-z]{2})[^()\[\]]*$")
"""What stands before its argument: a sum, ∂/∂z, log."""


def broken(line: str, room: int, columns: Callable[[str], int]) -> list[str]:
    """The formula on as many lines as it needs, those after the first further in where a bracket is open.

    Args:
        line: a formula, its signs and factors with spaces between them.
        room: the columns of a line.
        columns: how many a text takes.
    """
    if columns(line) <= room:
        return [line]
    lines = filled(list(_chunks(line, columns)), float(room), True)[1]
    first, *rest = ("".join((c[0].text, *(p.lead + p.text for p in c[1:]))) for c in lines)
    return [first, *(" " * (2 + group[0].depth) + text for group, text in zip(lines[1:], rest, strict=True))]


def _chunks(line: str, columns: Callable[[str], int]) -> Iterator[Chunk]:
    """The words of a line with what it costs to begin one with them; those that stay together are one."""
    open_: tuple[float, ...] = ()
    before = whole = ""
    held: Chunk | None = None
    for word in line.split(" "):
        whole = _whole(whole, before)
        cost = None if whole else _cost(before, word, open_)
        if held is None or cost is None:
            held = Chunk(word, 0.0) if held is None else replace(held, text=f"{held.text} {word}")
        else:
            yield replace(held, width=float(columns(held.lead + held.text)))
            held = Chunk(word, 0.0, cost, word in ("+", "−"), lead=" ", depth=len(open_))
        open_ = _opened(open_, word)
        before = word
    if held is not None:
        yield replace(held, width=float(columns(held.lead + held.text)))


def _opened(open_: tuple[float, ...], word: str) -> tuple[float, ...]:
    """What a break costs more in each bracket that is open behind a word, the outermost first."""
    for n, sign in enumerate(word):
        if sign in "([{":
            called = n > 0 and word[n - 1] not in "([{−√"
            open_ = (*open_, NESTED * (open_[-1] if open_ else 0.0) + (CALL if called else BRACKET))
        elif sign in ")]}":
            open_ = open_[:-1]
    return open_


def _whole(open_: str, word: str) -> str:
    """What a word leaves open that stays on one line: ``[`` of [i = k], ``if`` of a condition; or ""."""
    if not open_:
        start = word.rfind("[")
        return "if" if word == "if" else "[" if start >= 0 and "]" not in word[start:] else ""
    closed = "]" in word if open_ == "[" else word.endswith((";", "}")) or "}" in word
    return "" if closed else open_


def _cost(before: str, word: str, open_: tuple[float, ...]) -> float | None:
    """What a break between two words costs; None: there is none."""
    begun = before.startswith("(") and before.count("(") > before.count(")")
    inside = (open_[-1] if open_ else 0.0) + (ALONE if begun else 0.0)
    if before in _SIGNS or word in ("if", "otherwise"):
        return None
    if word in _SIGNS:
        return inside + (0.0 if word in ("+", "−") else ENTRYWISE)
    if _APPLIES.search(before):
        return None
    if before.endswith((",", ";")):
        return inside + FACTOR + LISTED
    return inside + (BEFORE if word[0] in "(Σ" else FACTOR)
