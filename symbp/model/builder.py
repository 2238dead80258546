"""Models from SymPy objects: the same lines as in a text, made by calls.

>>> from sympy import IndexedBase, symbols
>>> from symbp.model.builder import Builder
>>> i, k, K, D = symbols("i k K D", integer=True)
>>> m = Builder("linear", title="A linear map")
>>> w, x = m.param("w", K, D), m.input("x", D)
>>> z = IndexedBase("z")
>>> m.define(z[i], m.sum(w[i, k]*x[k], k))
>>> m.cost("C", m.sum(z[i]**2, i)/2)
>>> m.build().order
('z',)

SymPy sorts the terms of sums and products as it likes, so a derivation shows them in SymPy's order; the
text language keeps the author's.  ``Sum`` of SymPy needs limits; ``Builder.sum`` infers them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from symbp.errors import ModelProblem, Source, Span
from symbp.model.build import build
from symbp.model.core import Model
from symbp.model.names import plain_name
from symbp.model.syntax import (
    ArrayLine,
    CostLine,
    EquationLine,
    FunctionLine,
    IndexLine,
    LetLine,
    Name,
    Range,
    SizeLine,
    Subscript,
    Syntax,
    SyntaxLine,
    SyntaxModel,
    TitleLine,
)
from symbp.model.write import line_text

if TYPE_CHECKING:
    import sympy

MAX_TITLE = 300


class Builder:
    """Collects the lines of a model.

    Names are strings or SymPy symbols; sizes and positions are SymPy expressions or integers.  What a
    declaration returns is the SymPy object that stands for the array, index or function in expressions.
    """

    def __init__(self, name: str = "model", title: str = "") -> None:
        self.name = plain_name(name)
        self._lines: list[SyntaxLine] = []
        self._lets: list[tuple[str, str]] = []
        if title:
            words = " ".join(title.replace('"', "'").split())
            if len(words) > MAX_TITLE:
                raise ModelProblem(f"the title has more than {MAX_TITLE} characters")
            self._lines.append(TitleLine(words))

    def index(self, name: Any, lo: Any, hi: Any) -> sympy.Symbol:
        """A sequence index ``name = lo..hi``: equations may recur over it."""
        import sympy

        self._lines.append(IndexLine(Range(plain_name(name), self._read(lo), self._read(hi))))
        return sympy.Symbol(plain_name(name), integer=True)

    def param(self, name: Any, *dims: Any, over: Any = ()) -> Any:
        """An array to differentiate by; ``over`` one or several sequence indices makes it a family."""
        return self._array("param", name, dims, over, None)

    def input(
        self, name: Any, *dims: Any, over: Any = (), integer: tuple[Any, Any] | None = None
    ) -> Any:
        """An array given for each example; ``integer=(lo, hi)`` if its values are indices."""
        return self._array("input", name, dims, over, integer)

    def const(
        self, name: Any, *dims: Any, over: Any = (), integer: tuple[Any, Any] | None = None
    ) -> Any:
        """An array that is the same for every example."""
        return self._array("const", name, dims, over, integer)

    def size(self, name: Any) -> sympy.Symbol:
        """An integer that no shape fixes and that expressions use."""
        import sympy

        self._lines.append(SizeLine(plain_name(name)))
        return sympy.Symbol(plain_name(name), integer=True)

    def function(self, name: Any, params: Any = (), body: Any = None) -> Any:
        """``name(params) = body``; without a body the function stays undefined."""
        import sympy

        given = tuple(map(self._read, _tuple(params)))
        named = tuple(p for p in given if isinstance(p, (Name, Subscript)))
        if len(named) < len(given) or (body is None) != (not named):
            raise ModelProblem(
                f"the function {name} needs parameters and a body, or neither",
                hint='write function("f", u, 1/(1 + exp(-u))), or function("f") to leave it undefined',
            )
        read = None if body is None else self._read(body)
        self._lines.append(FunctionLine(plain_name(name), named, read))
        return sympy.Function(plain_name(name))

    def define(self, left: Any, right: Any, *ranges: tuple[Any, Any, Any]) -> None:
        """``left = right``, for all indices of ``left``; ``(l, 1, L-1)`` restricts one of them."""
        target = self._read(left)
        if not isinstance(target, (Name, Subscript)):
            raise ModelProblem(f"{left} cannot be defined", hint="the left side is z[l, j] or a symbol")
        at = target.positions if isinstance(target, Subscript) else ()
        limits = tuple(Range(plain_name(n), self._read(lo), self._read(hi)) for n, lo, hi in ranges)
        self._lines.append(EquationLine(target.name, at, self._read(right), limits))

    def cost(self, name: Any, value: Any) -> None:
        """The scalar to differentiate."""
        self._lines.append(CostLine(plain_name(name), self._read(value)))

    def let(self, name: Any, variable: Any) -> None:
        """Names the adjoint of a variable: ``let("delta", z)``."""
        self._lets.append((plain_name(name), plain_name(variable)))

    @staticmethod
    def sum(body: Any, *indices: Any) -> Any:
        """Σ over indices whose ranges are inferred.  ``sympy.Sum`` takes explicit limits."""
        import sympy

        return sympy.Function("sum")(body, *indices)

    def syntax(self) -> SyntaxModel:
        """The lines so far, with the text that a file would hold."""
        cost = next((line.name for line in self._lines if isinstance(line, CostLine)), "C")
        lines = (*self._lines, *(LetLine(n, cost, v) for n, v in self._lets))
        text = "".join(f"{line_text(line)}\n" for line in lines)
        source = Source(f"<{self.name}, built in Python>", text)
        return SyntaxModel(
            self.name, tuple(_placed(line, source, n + 1) for n, line in enumerate(lines)), text
        )

    def build(self) -> Model:
        """The model.

        Raises:
            ModelProblem: if the lines do not make one.
        """
        return build(self.syntax())

    def _array(
        self, kind: str, name: Any, dims: Sequence[Any], over: Any, integer: tuple[Any, Any] | None
    ) -> Any:
        import sympy

        family = tuple(Name(plain_name(i)) for i in _tuple(over))
        values = (self._read(integer[0]), self._read(integer[1])) if integer is not None else None
        shape = tuple(map(self._read, dims))
        self._lines.append(ArrayLine(kind, plain_name(name), family, shape, "", values))
        return sympy.IndexedBase(plain_name(name)) if family or shape else sympy.Symbol(plain_name(name))

    def _read(self, value: Any) -> Syntax:
        from symbp.model.from_sympy import from_sympy

        return from_sympy(value)


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _placed(line: SyntaxLine, source: Source, number: int) -> SyntaxLine:
    """The line with all of its nodes at the place of its text."""
    placed: SyntaxLine = _spanned(line, Span(source, number, 1, len(source.line(number))))
    return placed


def _spanned(node: Any, span: Span) -> Any:
    if isinstance(node, tuple):
        return tuple(_spanned(n, span) for n in node)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    changed = {f.name: _spanned(getattr(node, f.name), span) for f in fields(node) if f.name != "span"}
    return replace(node, **changed, span=span)
