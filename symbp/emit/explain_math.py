"""The formulas of an explanation as typeset boxes: expressions by the notation, numbers by their decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbp.calculus.expr import Expr
from symbp.emit import layout as lay
from symbp.emit.layout import (
    PARTIAL,
    Box,
    Brace,
    Frac,
    Grid,
    Product,
    Row,
    Script,
    Strong,
    Sym,
    Terms,
    num,
    row,
)
from symbp.emit.lettering import shown_names
from symbp.emit.math import Printer
from symbp.emit.matrix_math import matrix_piece, whole
from symbp.emit.names import letters
from symbp.emit.notation import GREEK
from symbp.emit.pieces import CLOSED, LETTER, PRODUCT, SUM, Piece, enclosed, juxtaposed
from symbp.explain.core import (
    Form,
    Inverse,
    Local,
    Math,
    Numbers,
    Plus,
    Rows,
    Shaped,
    Side,
    Sign,
    Times,
    Turned,
    Value,
    Whole,
)

RELATIONS: Mapping[str, Sym] = {
    "=": lay.EQUALS,
    "≈": lay.rel(r"\approx", "≈"),
    "≠": lay.rel(r"\ne", "≠"),
    "→": lay.rel(r"\to", "→"),
    ":": lay.rel(":", ":"),
}
_TIMES = Sym(r"\times", "×", "ord")


def box(printer: Printer, node: Math) -> Box:
    """The formula of a piece of an explanation."""
    return piece(printer, node).box


def piece(printer: Printer, node: Math) -> Piece:
    """The formula with its binding.

    Raises:
        TypeError: for something that is no piece of an explanation.
    """
    match node:
        case Expr():
            return printer.naming(letters(node, printer.names, printer.reserved())).piece(node)
        case Value():
            return _value(node)
        case Whole(element):
            return Piece(whole(printer, element), CLOSED)
        case Form(matrix):
            return matrix_piece(printer, matrix)
        case Numbers():
            return Piece(_grid(node), LETTER)
        case Shaped(body, (rows, columns)):
            return Piece(Brace(box(printer, body), row(num(rows), _TIMES, num(columns))), LETTER)
        case Plus(terms):
            return _sum(printer, terms)
        case Times(factors):
            return _product(printer, factors)
        case Side(items):
            return Piece(_side(printer, items), SUM)
        case Sign(name):
            return Piece(printer.notation.hadamard if name == "⊙" else RELATIONS[name], SUM)
        case _:
            return _named(printer, node)


def _named(printer: Printer, node: Math) -> Piece:
    match node:
        case Local(upper, lower):
            top, bottom = (row(PARTIAL, whole(printer, r)) for r in (upper, lower))
            return Piece(Frac(top, bottom, (True, True)), CLOSED)
        case Inverse(body, pseudo):
            mark: Box = Sym("+", "+") if pseudo else Terms((("-", num(1)),))
            return Piece(Script(enclosed(piece(printer, body), LETTER), None, mark), CLOSED)
        case Turned(body):
            inner = piece(printer, body)
            return Piece(Script(enclosed(inner, LETTER), None, printer.notation.transpose), CLOSED)
        case Rows(body, stacked):
            return piece(Stacked(**vars(printer), stacked=stacked), body)
        case _:
            raise TypeError(f"{type(node).__name__} is not a piece of an explanation")


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────


def digits(number: float, decimals: int) -> str:
    """The rounded number without its sign; a number too small for its decimals is 0."""
    return f"{abs(number):.{decimals}f}"


def _negative(value: Value) -> bool:
    return value.number < 0 and float(digits(value.number, value.decimals)) != 0


def _value(value: Value) -> Piece:
    shown = num(digits(value.number, value.decimals))
    if _negative(value):
        return Piece(Terms((("-", shown),)), SUM)
    if value.signed:
        return Piece(row(Sym("+", "+", "ord"), shown), SUM)
    return Piece(shown, LETTER)


def _grid(node: Numbers) -> Box:
    return Grid(
        tuple(
            tuple(_cell(Value(v, node.decimals), (r, c) in node.strong) for c, v in enumerate(line))
            for r, line in enumerate(node.rows)
        )
    )


def _cell(value: Value, strong: bool) -> Box:
    shown: Box = num("0") if value.number == 0 else num(digits(value.number, value.decimals))
    shown = Strong(shown) if strong else shown
    return Terms((("-", shown),)) if _negative(value) else shown


def _sum(printer: Printer, terms: tuple[Math, ...]) -> Piece:
    """A sum; the minus of a negative number, or of a product that begins with one, is that of the term."""
    found: list[tuple[str, Box]] = []
    for term in terms:
        minus, rest = _split(term)
        found.append(("-" if minus else "+", enclosed(piece(printer, rest), PRODUCT)))
    return Piece(Terms(tuple(found)), SUM)


def _split(term: Math) -> tuple[bool, Math]:
    match term:
        case Value() if _negative(term):
            return True, Value(-term.number, term.decimals)
        case Times((Value() as first, *rest)) if _negative(first):
            return True, Times((Value(-first.number, first.decimals), *rest))
        case _:
            return False, term


def _product(printer: Printer, factors: tuple[Math, ...]) -> Piece:
    """Letters stand side by side, numbers have a dot between them; only the first may be negative."""
    pieces = [piece(printer, f) for f in factors]
    if not any(isinstance(f, (Value, Plus, Side)) for f in factors):
        return juxtaposed(pieces)
    first = pieces[0].box if isinstance(factors[0], Value) else enclosed(pieces[0], PRODUCT)
    boxes = [first, *(_after(p, f) for p, f in zip(pieces[1:], factors[1:], strict=True))]
    return Piece(Product(tuple(boxes), ("dot",) * (len(boxes) - 1)), PRODUCT)


def _after(piece_: Piece, factor: Math) -> Box:
    # matrices side by side are a product already
    return piece_.box if isinstance(factor, Side) else enclosed(piece_, PRODUCT)


def _side(printer: Printer, items: tuple[Math, ...]) -> Box:
    """Items side by side; a thin space between factors."""
    out: list[Box] = []
    run: list[Box] = []
    for item in (*items, None):
        if item is not None and not isinstance(item, Sign):
            run.append(box(printer, item))
            continue
        if run:
            out.append(run[0] if len(run) == 1 else Product(tuple(run), ("thin",) * (len(run) - 1)))
        run = []
        if item is not None:
            out.append(box(printer, item))
    return out[0] if len(out) == 1 else Row(tuple(out))


# ── letters ───────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Stacked(Printer):
    """A printer that writes Z for the array that has z of each example as a row."""

    stacked: frozenset[tuple[bool, str]] = frozenset()

    def name(self, array: str, left_out: int = 0) -> Box:
        """The name of an array."""
        plain = super().name(array, left_out)
        # ∂C/∂Z and dZ: an adjoint without a name of its own is written with that of its array
        borrowed = self.notation.adjoint == "d" or array not in self.adjoints
        meant = (False, array) in self.stacked or (borrowed and (True, array) in self.stacked)
        return self._capital(plain) if meant else plain

    def adjoint_name(self, array: str, left_out: int = 0) -> Box | None:
        """The name of the adjoint of an array."""
        plain = super().adjoint_name(array, left_out)
        return self._capital(plain) if plain is not None and (True, array) in self.stacked else plain

    def _capital(self, plain: Box) -> Box:
        """δ as Δ, z as Z; what has no capital, or one that is taken, stays."""
        if isinstance(plain, Script):
            return Script(self._capital(plain.base), plain.sub, plain.sup)
        if not isinstance(plain, Sym):
            return plain
        other = _upper(plain)
        taken = other in set(shown_names(self.arrays, self.functions, self.adjoints))
        return plain if taken else other


def _upper(name: Sym) -> Sym:
    if len(name.tex) == 1 and name.tex.isalpha():
        return Sym(name.tex.upper(), name.text.upper(), name.kind)
    spelt = name.tex.removeprefix("\\").removeprefix("var")
    known = spelt[:1].upper() + spelt[1:]
    return Sym("\\" + known, GREEK[known], name.kind) if spelt in GREEK and known in GREEK else name


def spoken(printer: Printer, words: tuple[str | Math, ...]) -> tuple[str | Box, ...]:
    """Words with their formulas typeset."""
    return tuple(w if isinstance(w, str) else box(printer, w) for w in words)
