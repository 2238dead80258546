"""Words with formulas in plain text, on lines that end between words and not within a formula that fits."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import wrap

from symbp.emit.layout import Text
from symbp.emit.plain import text as formula_text

_JOINT = "\N{NO-BREAK SPACE}"
"""Stands for a space at which no line ends."""
_WHOLE = 0.7
"""Formulas that take no more than this share of a line stay on one."""
_SIGNS = frozenset("+−⊙=≈≠<>≤≥")


def prose(text: Text) -> str:
    """Words with formulas in a line of text."""
    return "".join(t if isinstance(t, str) else formula_text(t).strip() for t in text)


def wrapped(text: Text, room: int, columns: Callable[[str], int], indent: str = "") -> list[str]:
    """The text on lines of at most ``room`` columns, where a formula or word is not longer itself.

    Args:
        text: words and formulas in turn.
        room: the columns of a line, with the indent.
        columns: how many a text takes.
        indent: what stands before every line.
    """
    held = "".join(t if isinstance(t, str) else _held(formula_text(t).strip(), room, columns) for t in text)
    lines = wrap(
        held, room, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
    return [line.replace(_JOINT, " ") for line in lines]


def _held(formula: str, room: int, columns: Callable[[str], int]) -> str:
    """A formula whose lines may end before signs only, in as few brackets as will do."""
    if columns(formula) <= _WHOLE * room:
        return formula.replace(" ", _JOINT)
    words = formula.split(" ")
    depths = [0]
    for word in words:
        depths.append(depths[-1] + sum(map(word.count, "([{")) - sum(map(word.count, ")]}")))
    for most in sorted({*depths}):
        found = words[0] + "".join(
            (" " if word in _SIGNS and depth <= most else _JOINT) + word
            for word, depth in zip(words[1:], depths[1:-1], strict=True)
        )
        if max(map(columns, found.split(" "))) <= _WHOLE * room:
            return found
    return formula
