"""Why a line follows, in words and formulas, and what is said where the line above it is not shown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Integer
from symbp.calculus.tree import free_indices
from symbp.derive.chain import TERMS
from symbp.derive.core import AdjointSystem, Case, Line
from symbp.emit import layout as lay
from symbp.emit.layout import Box, Text, row
from symbp.emit.math import Printer, printer
from symbp.emit.names import letters
from symbp.emit.naming import named
from symbp.emit.notation import NIELSEN, Notation


def reasons(place: Printer, case: Case, shown: Sequence[Line]) -> tuple[Text, ...]:
    """The reason of each line that is shown of a case."""
    out: list[Text] = []
    above = None
    for line in shown:
        at = case.lines.index(line)
        seen = at == 0 or above is case.lines[at - 1]
        out.append(reason_of(place, line) if seen else _overall(place, case, line))
        above = line
    return tuple(out)


def reason_of(place: Printer, line: Line) -> Text:
    """The reason of a line, its indices named as in the line."""
    return _equated(_reason(place, line, letters(line.target, place.names, place.reserved())))


def _overall(place: Printer, case: Case, line: Line) -> Text:
    """What led here: "only i = j survives" speaks of an i that stood in a line which is not shown."""
    before = {n.rule: n for n in reversed(case.lines[: case.lines.index(line)])}
    if (chain := before.get("chain rule")) is not None:
        return reason_of(place, chain)
    if (equation := before.get("equation")) is not None:
        return (*_until(reason_of(place, equation), TERMS), ", differentiated")
    return reason_of(place, line)


def _until(text: Text, words: str) -> Text:
    return text[: text.index(words)] if words in text else text


def _equated(pieces: Iterable[str | Box]) -> Text:
    """Formulas with an equals sign between them are one formula, and nothing is listed twice."""
    out: list[str | Box] = []
    for piece in pieces:
        if len(out) > 1 and out[-1] == " = " and not isinstance(piece, str) and not isinstance(out[-2], str):
            out[-2:] = [row(out[-2], lay.EQUALS, piece)]
        else:
            out.append(piece)
    return _once(out)


_BETWEEN = (", ", " and ")


def _once(pieces: list[str | Box]) -> Text:
    """``i = j and i = j`` is ``i = j``: indices of two sums may have one letter."""
    out: list[str | Box] = []
    for piece in pieces:
        if out and out[-1] in _BETWEEN and not isinstance(piece, str) and piece in out[:-1]:
            if out.pop() == " and " and len(out) > 1 and out[-2] == ", ":
                out[-2] = " and "
        else:
            out.append(piece)
    if len(out) == 3 and out[-1] == " survive":
        out[-1] = " survives"
    return tuple(out)


def _reason(place: Printer, line: Line, names: Mapping[Index, str]) -> Iterator[str | Box]:
    """A reason with the letters of its line; what was bound in the line above has the letter from there.

    Of what survives the line above had more: its letters are meant.
    """
    above = letters(line.source, place.names, place.reserved())
    known = {**names, **above} if line.rule == "collapse" else {**above, **names}
    for piece in line.reason:
        if isinstance(piece, str):
            yield piece
            continue
        node = Integer(piece) if isinstance(piece, Affine) else piece
        free = {i: known[i] for i in free_indices(node) if i in known}
        yield place.naming(letters(node, {**place.names, **free}, place.reserved())).box(node)


def reason_text(system: AdjointSystem, case: Case, line: Line, notation: Notation = NIELSEN) -> str:
    """The reason of a line as plain text: formulas in Unicode."""
    from symbp.emit.plain import text as plain

    why = reason_of(named(printer(system.model, notation), case), line)
    return "".join(p if isinstance(p, str) else plain(p) for p in why)
