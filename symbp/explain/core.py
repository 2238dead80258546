"""What an explanation is: paragraphs, formulas and numbers, before any notation or format.

Formulas hold expressions of the model, which a notation sets in type later, and numbers that the oracle
computed.  Who builds a page checks every equality of numbers in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Union

from symbp.arrays.matrix_nodes import Matrix
from symbp.calculus.expr import Adjoint, Expr, Ref


@dataclass(frozen=True, slots=True)
class Value:
    """A number with so many decimals; ``signed`` shows a plus too."""

    number: float
    decimals: int
    signed: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """The array of which an element is given: δ³ for δ³ⱼ."""

    element: Ref | Adjoint


@dataclass(frozen=True, slots=True)
class Form:
    """A matrix expression in letters."""

    node: Matrix


@dataclass(frozen=True, slots=True)
class Numbers:
    """A matrix written out, rows of numbers with equally many decimals; ``strong`` entries stand out."""

    rows: tuple[tuple[float, ...], ...]
    decimals: int
    strong: frozenset[tuple[int, int]] = frozenset()

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and of columns."""
        return len(self.rows), len(self.rows[0])


@dataclass(frozen=True, slots=True)
class Shaped:
    """A factor with its shape below."""

    body: Math
    shape: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Plus:
    """A sum, the signs of numbers drawn out of them."""

    terms: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Times:
    """A product with a visible sign between numbers; negative ones stand in brackets."""

    factors: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Side:
    """Things side by side."""

    items: tuple[Math, ...]


@dataclass(frozen=True, slots=True)
class Sign:
    """``=``, ``≈``, ``≠``, ``→``, ``⊙`` as the notation writes it, or a dot between what is multiplied."""

    name: str


@dataclass(frozen=True, slots=True)
class Local:
    """The Jacobian of one whole array by another: ∂a/∂z."""

    upper: Ref
    lower: Ref


@dataclass(frozen=True, slots=True)
class Inverse:
    """M⁻¹, or the pseudo-inverse M⁺ of a matrix that has no inverse."""

    body: Math
    pseudo: bool


@dataclass(frozen=True, slots=True)
class Turned:
    """The transpose of something, with the notation's sign."""

    body: Math


@dataclass(frozen=True, slots=True)
class Rows:
    """A formula in which the arrays ``stacked`` have the examples of a batch as their rows: Z for z.

    An array is given as (whether its adjoint is meant, its name).
    """

    body: Math
    stacked: frozenset[tuple[bool, str]]


@dataclass(frozen=True, slots=True)
class Letters:
    """The sentence that says how a notation writes the arrays ``stacked`` of a batch; it stands in words."""

    stacked: frozenset[tuple[bool, str]]


Math = Union[  # noqa: UP007  (the names are not defined yet where the nodes use it)
    Expr, Value, Whole, Form, Numbers, Shaped, Plus, Times, Side, Sign, Local, Inverse, Turned, Rows, Letters
]

Words = tuple["str | Math", ...]
"""Words and formulas in turn."""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences."""

    text: Words


@dataclass(frozen=True, slots=True)
class Line:
    """``lhs sign rhs`` and why; a line without a left side goes on with the one above."""

    lhs: Math | None
    sign: str
    rhs: Math
    why: Words = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Formulas on lines of their own, aligned at their signs."""

    lines: tuple[Line, ...]


Block = Paragraph | Lines


@dataclass(frozen=True, slots=True)
class Section:
    """One question and its answer."""

    topic: str
    heading: Words
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The page about one variable: ``name`` of ``model``, and a section for each question it raises.

    ``vectors``: whether they are columns or rows on it, as :class:`symbp.emit.notation.Notation` says.
    """

    model: str
    title: str
    name: str
    intro: tuple[Block, ...]
    sections: tuple[Section, ...]
    notes: tuple[Words, ...]
    vectors: str = "columns"

    @property
    def topics(self) -> tuple[str, ...]:
        """What the sections are about: adjoint, paths, transpose, inverse, hadamard, batch …"""
        return tuple(s.topic for s in self.sections)


SIGNS = {"=": "=", "≈": "≈", "≠": "≠", "→": "→", "⊙": "⊙", "·": "·"}


def say(*pieces: str | Math) -> Paragraph:
    """A paragraph of these words and formulas."""
    return Paragraph(pieces)


def side(*items: Math | str) -> Side:
    """Things side by side; a string is a sign."""
    return Side(tuple(Sign(SIGNS[i]) if isinstance(i, str) else i for i in items))
