"""The formulas of an explanation as typeset boxes: expressions by the notation, numbers by their decimals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from symbp.calculus.expr import Expr, Where
from symbp.emit import binders
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
from symbp.emit.lettering import array_names, rank, styled
from symbp.emit.math import Printer
from symbp.emit.matrix_math import matrix_piece, whole
from symbp.emit.names import letters
from symbp.emit.notation import GREEK, symbol
from symbp.emit.pieces import CLOSED, LETTER, PRODUCT, SUM, Piece, enclosed, juxtaposed
from symbp.explain.core import (
    Form,
    Inverse,
    Letters,
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
        case Where():
            # a definition: 1 and 0 stand below each other there, not in the bracket of an indicator
            return Piece(binders.cases(printer, node), PRODUCT, "cases")
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
    """A printer that writes Z for the array that has z of each example as a row.

    All such arrays have capitals, or none has: then one of them has no capital, or one that is taken.
    """

    stacked: frozenset[tuple[bool, str]] = frozenset()

    @cached_property
    def capitals(self) -> bool:
        """Whether every array of the batch has a capital of its own."""
        found = [_upper(self._plain(key)) for key in self._named()]
        # a size may have the letter: it is a number, and stands in no formula of a batch
        names = array_names(self.arrays, self.functions, self.adjoints)
        own = (self.name(a, rank(array)) for a, array in self.arrays.items() if rank(array) > 1)
        taken = {_letter(n) for n in (*names, *own, symbol(self.cost))}
        letters_ = {_letter(f) for f in found if f is not None}
        return None not in found and len(letters_) == len(found) and not letters_ & taken

    def _named(self) -> set[tuple[bool, str]]:
        """The arrays by the names that they are written with: ∂C/∂z and dz have that of z."""
        return {(adjoint and not self._borrows(array), array) for adjoint, array in self.stacked}

    def _borrows(self, array: str) -> bool:
        return self.notation.adjoint == "d" or array not in self.adjoints

    def _plain(self, key: tuple[bool, str]) -> Box:
        name = self.adjoints[key[1]] if key[0] else key[1]
        known = self.arrays.get(name)
        return self.sign(name, known.latex if known else "")

    def _capital(self, key: tuple[bool, str]) -> Box | None:
        """The name of an array of the batch; None if it has that of one example."""
        other = _upper(self._plain(key)) if key in self._named() and self.capitals else None
        return styled(other, self.notation, 2) if other is not None else None

    def name(self, array: str, left_out: int = 0) -> Box:
        """The name of an array; a matrix of the batch has all of its axes left out."""
        other = self._capital((False, array)) if left_out == rank(self.arrays.get(array)) else None
        return other or super().name(array, left_out)

    def adjoint_name(self, array: str, left_out: int = 0) -> Box | None:
        """The name of the adjoint of an array."""
        return self._capital((True, array)) or super().adjoint_name(array, left_out)

    def said(self) -> tuple[str | Box, ...]:
        """How the matrices of the batch are written."""
        order = {name: n for n, name in enumerate(self.arrays)}
        keys = sorted(self.stacked, key=lambda key: (order[key[1]], key[0]))
        names = [self._one(key) for key in keys]
        out: list[str | Box] = ["The capitals " if self.capitals else "In what follows "]
        for n, name in enumerate(names):
            out += [", " if n < len(names) - 1 else " and ", name] if n else [name]
        if len(names) == 1:
            out[0] = "The capital " if self.capitals else out[0]
            return (*out, " stands for the matrix that has one row for each example.")
        return (*out, " stand for matrices that have one row for each example.")

    def _one(self, key: tuple[bool, str]) -> Box:
        adjoint, array = key
        left_out = rank(self.arrays.get(array))
        if not adjoint:
            return self.name(array, left_out)
        return self.adjoint_name(array, left_out) or self.cost_by(self.name(array, left_out))


def _letter(name: Box) -> str:
    """The letter of a name, without its scripts: R and R^z look alike."""
    inner = name.base if isinstance(name, Script) else name
    return inner.text if isinstance(inner, Sym) else ""


def _upper(name: Box) -> Box | None:
    """δ as Δ, z as Z; None for what has no capital."""
    if isinstance(name, Script):
        base = _upper(name.base)
        return Script(base, name.sub, name.sup) if base is not None else None
    if not isinstance(name, Sym):
        return None
    if len(name.tex) == 1 and name.tex.isalpha() and name.tex.islower():
        return Sym(name.tex.upper(), name.text.upper(), name.kind)
    spelt = name.tex.removeprefix("\\").removeprefix("var")
    known = spelt[:1].upper() + spelt[1:]
    return Sym("\\" + known, GREEK[known], name.kind) if spelt in GREEK and known in GREEK else None


def spoken(printer: Printer, words: tuple[str | Math, ...]) -> tuple[str | Box, ...]:
    """Words with their formulas typeset."""
    out: list[str | Box] = []
    for word in words:
        match word:
            case str():
                out.append(word)
            case Letters(stacked):
                out += Stacked(**vars(printer), stacked=stacked).said()
            case _:
                out.append(box(printer, word))
    return tuple(out)
