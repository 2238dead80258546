"""Where a notation has vectors as rows: its formulas beside those of the page, which has columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from symbp.arrays.matrix_nodes import Matrix, Product, Transpose, shape
from symbp.arrays.matrix_rows import by_rows
from symbp.explain.core import Explanation, Form, Line, Lines, Paragraph, Section, Side, Whole, Words, say


def with_rows(told: Explanation) -> Explanation:
    """The explanation with each formula for a whole array a second time, for vectors as rows."""
    forms = [f for s in told.sections for line in _lines(s) if (f := _result(line)) is not None]
    sections = tuple(_section(s) for s in told.sections)
    return replace(told, sections=sections, notes=(*told.notes, _note(forms)))


def _lines(section: Section) -> Iterator[Line]:
    return (line for block in section.blocks if isinstance(block, Lines) for line in block.lines)


def _result(line: Line) -> Matrix | None:
    """The formula of a line that says what a whole array is."""
    body = line.rhs.items[0] if isinstance(line.rhs, Side) else line.rhs
    return body.node if isinstance(line.lhs, Whole) and isinstance(body, Form) else None


def _note(forms: Sequence[Matrix]) -> Words:
    if any(by_rows(f) != f for f in forms):
        return ("On this page vectors are columns. In the notes they are rows, and a formula that differs "
                "stands below its own with columns: each vector there is the transpose of the one here, "
                "matrices and numbers are the same.",)  # fmt: skip
    if forms:
        return ("The formula for all elements is the same with vectors as rows; where a vector is written "
                "out in numbers on this page, it is a column.",)  # fmt: skip
    return ("Where a vector is written out in numbers on this page, it is a column.",)


def _section(section: Section) -> Section:
    blocks = [
        Lines(tuple(new for line in b.lines for new in _doubled(line))) if isinstance(b, Lines) else b
        for b in section.blocks
    ]
    if section.topic == "transpose":
        blocks += _without_transpose(section)
    return replace(section, blocks=tuple(blocks))


def _doubled(line: Line) -> Iterator[Line]:
    yield line
    form = _result(line)
    if form is not None and by_rows(form) != form:
        yield Line(line.lhs, "=", Form(by_rows(form)), ("with vectors as rows",))


def _without_transpose(section: Section) -> Iterator[Paragraph]:
    """The product whose transposed factor a section is about needs no transpose where vectors are rows."""
    heads = (line.lhs.node for line in _lines(section) if isinstance(line.lhs, Form))
    node = next((n for n in heads if isinstance(n, Product)), None)
    if node is None or shape(node) != (True, False):
        return
    other = by_rows(node)
    if isinstance(other, Product) and not any(isinstance(a, Transpose) for a in other.args):
        yield say("With vectors as rows this is ", Form(other), ". What comes back is a row then, and a row "
                  "times a matrix reads the columns of the matrix as they are: they need not lie as rows, so "
                  "nothing is transposed.")  # fmt: skip
