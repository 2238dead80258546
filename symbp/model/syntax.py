"""What an author wrote, before names are resolved: the common input of text files and Python builders.

Every node knows its place in the source, so that a message can show it.  Nothing is checked here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from symbp.errors import Span


@dataclass(frozen=True, slots=True)
class Num:
    """A number as written; ``decimal`` if it has a point or an exponent."""

    value: Fraction
    decimal: bool = False
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A name that stands alone: an index, a size, a scalar, a function's parameter."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subscript:
    """``name[positions]``."""

    name: str
    positions: tuple[Syntax, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``p = 0..K-1``, both ends included."""

    name: str
    lo: Syntax
    hi: Syntax
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """``name(args)``: a function, a reduction or an index-bound function; ``sum(x[k], k)`` has the
    args ``x[k]`` and ``k``; ``sum(x[p], p=0..K-1)`` the args ``x[p]`` and a :class:`Range`."""

    name: str
    args: tuple[Syntax | Range, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x``, ``not x``.  A leading ``+`` is dropped by the reader."""

    op: str
    arg: Syntax
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Chain:
    """``a + b - c`` and ``a * b``: op is "+" or "*"; a difference has a Unary "-" term."""

    op: str
    args: tuple[Syntax, ...]
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """``a / b``, ``a ^ b``, comparisons (``< <= > >= == !=``), ``and``, ``or``.

    ``a*b/c*d`` is read from the left: Chain(*, (Binary(/, Chain(*, (a, b)), c), d)).
    """

    op: str
    left: Syntax
    right: Syntax
    span: Span | None = field(default=None, compare=False, repr=False)


Syntax = Num | Name | Subscript | Apply | Unary | Chain | Binary


@dataclass(frozen=True, slots=True)
class IndexLine:
    """One of the ranges of ``index l = 1..L, t = 0..T-1``."""

    range: Range
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ArrayLine:
    """``param w "W^{Q}"[l] : n[l], n[l-1] in 0..K-1``; kind is param, input, const."""

    kind: str
    name: str
    family: tuple[Name, ...] = ()
    dims: tuple[Syntax, ...] = ()
    latex: str = ""
    integer: tuple[Syntax, Syntax] | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class SizeLine:
    """``size s``."""

    name: str
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class FunctionLine:
    """``sigma(u) = expr``; with ``body`` None ``function sigma``.

    ``params`` are Names (elementwise) or Subscripts (``C(v[j]) = sum(v[j]^2, j)``: a function of a
    whole array, which is what binds an abstract functional).
    """

    name: str
    params: tuple[Name | Subscript, ...] = ()
    body: Syntax | None = None
    latex: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class EquationLine:
    """``z[l,j] = expr for l = 1..L-1``; a scalar variable has no positions."""

    name: str
    positions: tuple[Syntax, ...]
    body: Syntax
    ranges: tuple[Range, ...] = ()
    latex: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class CostLine:
    """``cost C = expr``."""

    name: str
    body: Syntax
    latex: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class LetLine:
    """``let delta = dC/dz``: ``top`` is the text after the first d, ``bottom`` after the second."""

    name: str
    top: str
    bottom: str
    latex: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class TitleLine:
    """``title "…"``."""

    text: str
    span: Span | None = field(default=None, compare=False, repr=False)


SyntaxLine = (
    TitleLine | IndexLine | ArrayLine | SizeLine | FunctionLine | EquationLine | CostLine | LetLine
)


@dataclass(frozen=True, slots=True)
class SyntaxModel:
    """All lines of a model, in order, with the name and the text they came from."""

    name: str
    lines: tuple[SyntaxLine, ...]
    text: str = field(default="", repr=False)
