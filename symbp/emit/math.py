"""Expressions as typeset formulas: names by the notation, the author's order, a form for every node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from symbp.calculus.affine import Index
from symbp.calculus.expr import (
    Add,
    Adjoint,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Indicator,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Partial,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    Within,
)
from symbp.calculus.tree import free_indices, substitute
from symbp.emit import binders
from symbp.emit import layout as lay
from symbp.emit.elements import Elements
from symbp.emit.identity import keyed
from symbp.emit.layout import PARTIAL, PRIME, Big, Box, Cases, Fence, Frac, Root, Script, Sym, Terms, num, row
from symbp.emit.lettering import D, set_alike, shown_names, upright
from symbp.emit.names import letters, meanings
from symbp.emit.notation import NIELSEN, Notation, symbol
from symbp.emit.pieces import (
    CLOSED,
    LETTER,
    PRODUCT,
    SUM,
    Piece,
    enclosed,
    flat,
    fraction,
    gathered,
    juxtaposed,
    number_piece,
    powered,
    split_sign,
    sums_quotients,
    tall,
)
from symbp.errors import RequestProblem
from symbp.functions import BY_NAME
from symbp.model.core import Function, Model


@dataclass(frozen=True)
class Printer(Elements):
    """Prints expressions; the names of arrays, functions and indices come from :class:`Elements`."""

    def line(self, node: Expr) -> Box:
        """An expression that stands alone, its indices named."""
        return self.naming(letters(node, self.names, self.reserved())).box(node)

    def box(self, node: Expr) -> Box:
        """The formula of an expression."""
        return self.piece(node).box

    def piece(self, node: Expr) -> Piece:
        """The formula of an expression with its binding.

        Raises:
            TypeError: for a node that is not an expression.
        """
        match node:
            case Number(value, decimal):
                return number_piece(value, decimal)
            case Integer(value):
                return self.position(value)
            case Ref() | Adjoint():
                return self._element(node)
            case Partial(body, wrt):
                return self._partial(body, wrt)
            case Add(terms):
                return self._sum(terms)
            case Mul(factors):
                return self._product(factors)
            case Neg() | Div():
                return self._signed(node)
            case Pow(base, exponent):
                return self._power(base, exponent)
            case Call():
                return self._call(node)
            case Reduce():
                return binders.reduce(self, node)
            case Weights():
                return binders.weights(self, node)
            case Functional():
                return self._functional(node)
            case Where():
                return binders.where(self, node)
            case Compare() | Logic():
                return binders.condition(self, node)
            case Indicator(left, right):
                return binders.indicator(self, left, right)
            case Within(value, lo, hi):
                return binders.within(self, value, lo, hi)
            case _:
                raise TypeError(f"{type(node).__name__} is not an expression that can be printed")

    def at_least(self, node: Expr, level: int) -> Box:
        """The formula, in brackets unless it binds at least this closely."""
        return enclosed(self.piece(node), level)

    def _element(self, node: Ref | Adjoint) -> Piece:
        if isinstance(node, Ref):
            return self.element(self.name(node.name), node.name, node.indices)
        named = self.adjoint_name(node.name)
        if named is not None:
            return self.element(named, node.name, node.indices)
        return Piece(self.cost_by(self.box(Ref(node.name, node.indices))), CLOSED)

    def _derivative(self, top: Box, wrt: Ref) -> Piece:
        return Piece(Frac(row(PARTIAL, top), row(PARTIAL, self.box(wrt)), (True, True)), CLOSED)

    def _partial(self, body: Expr, wrt: Ref) -> Piece:
        if isinstance(body, Ref):
            return self._derivative(self.box(body), wrt)
        operator = Frac(PARTIAL, row(PARTIAL, self.box(wrt)), (True, True))
        inner = self.piece(body)
        closed = isinstance(body, (Call, Functional, Weights)) and inner.level == CLOSED
        if isinstance(inner.box, Root):
            return Piece(row(operator, Sym(r"\,", " "), inner.box), PRODUCT)
        argument = inner.box if closed else Fence(inner.box)
        return Piece(row(operator, argument), PRODUCT)

    # ── arithmetic ────────────────────────────────────────────────────────────────────────────────

    def _sum(self, terms: tuple[Expr, ...]) -> Piece:
        found = list(flat(terms, Add))
        if (position := gathered(found)) is not None:
            return self.position(position)
        boxes: list[tuple[str, Box]] = []
        for place, term in enumerate(found):
            minus, rest = split_sign(term)
            piece = self.piece(rest)
            inside = piece.open == "cases" and place < len(found) - 1
            boxes.append(("-" if minus else "+", enclosed(piece, PRODUCT, inside)))
        if len(boxes) == 1 and boxes[0][0] == "+":
            return self.piece(found[0])
        return Piece(Terms(tuple(boxes)), SUM, piece.open)

    def _signed(self, node: Expr) -> Piece:
        minus, rest = split_sign(node)
        if not minus:
            return self._quotient(rest.num, rest.den) if isinstance(rest, Div) else self.piece(rest)
        if isinstance(rest, Where) and not binders.bracketed(rest):
            return binders.where(self, binders.negative(rest))
        piece = self.piece(rest)
        return Piece(Terms((("-", enclosed(piece, PRODUCT)),)), SUM, piece.open)

    def _product(self, factors: tuple[Expr, ...]) -> Piece:
        minus, rest = split_sign(Mul(factors))
        if minus:
            return self._signed(Neg(rest))
        if not isinstance(rest, Mul):
            return self.piece(rest)
        found = list(flat(rest.factors, Mul))
        return juxtaposed([self.piece(f) for f in found])

    def _quotient(self, top: Expr, bottom: Expr) -> Piece:
        upper, lower = self.piece(top), self.piece(bottom)
        if _large(upper.box) and lower.level >= CLOSED and not tall(lower.box):
            return self._fraction_in_front(top, lower)
        return Piece(fraction(upper, lower, numbers=True), CLOSED)

    def _fraction_in_front(self, top: Expr, lower: Piece) -> Piece:
        """λ/2 Σ …: what is not tall stays in the numerator, the sum follows at full size."""
        pieces = [self.piece(f) for f in flat((top,), Mul)]
        place = next(n for n, p in enumerate(pieces) if _large(p.box))
        front = juxtaposed(pieces[:place]) if place else Piece(num(1), LETTER)
        return juxtaposed([Piece(fraction(front, lower, numbers=True), CLOSED), *pieces[place:]])

    def _power(self, base: Expr, exponent: Expr) -> Piece:
        above = self.box(exponent)
        if isinstance(base, Call) and takes_power(base, exponent, self.functions):
            head, arguments = self._call_parts(base)
            return Piece(row(Script(head, None, above), arguments), CLOSED)
        return powered(self.piece(base), above)

    # ── functions ─────────────────────────────────────────────────────────────────────────────────

    def _call(self, node: Call) -> Piece:
        if not node.args:
            return Piece(self._head(node.function), LETTER)
        own = node.function in self.functions
        if node.function == "sqrt" and not own and not node.orders:
            return Piece(Root(self.box(node.args[0])), CLOSED)
        if node.function == "abs" and not own and not node.orders:
            return Piece(Fence(self.box(node.args[0]), "|"), LETTER)
        head, arguments = self._call_parts(node)
        return Piece(row(head, arguments), CLOSED)

    def _call_parts(self, node: Call) -> tuple[Box, Box]:
        head = self.derived(node.function, node.orders, len(node.args))
        return head, Fence(lay.separated(self.box(a) for a in node.args))

    def _head(self, name: str) -> Box:
        user = self.functions.get(name)
        if user is not None or name not in BY_NAME:
            return keyed(upright(self.sign(name, user.latex if user else "")), name)
        tex = BY_NAME[name].latex
        return Sym(tex, _CONSTANTS[name], "ord") if name in _CONSTANTS else Sym(tex, _spoken(name), "op")

    def derived(self, name: str, orders: tuple[int, ...], arity: int) -> Box:
        """σ, σ′, σ″, σ^{(3)}; ∂_u f for one argument of several."""
        head, total = self._head(name), sum(orders)
        if not total:
            return head
        if arity == 1 and self.notation.derivative == "d":
            return self._leibniz(name, head, total)
        if arity == 1:
            marks = (
                Sym("'" * total, "′" * total) if total < 3 else row(Sym("(", "("), num(total), Sym(")", ")"))
            )
            return Script(head, None, PRIME if total == 1 else marks)
        user = self.functions.get(name)
        params = user.params if user else ()
        by = [
            symbol(params[n]) if n < len(params) else num(n + 1)
            for n, o in enumerate(orders)
            for _ in range(o)
        ]
        return row(Script(PARTIAL, lay.separated(by)), head)

    def _leibniz(self, name: str, head: Box, total: int) -> Box:
        """(dσ/du), in brackets because an argument follows."""
        user = self.functions.get(name)
        by = symbol(user.params[0]) if user is not None and user.params else Sym("u", "u")
        above: Box = D if total == 1 else Script(D, None, num(total))
        below = by if total == 1 else Script(by, None, num(total))
        return Fence(Frac(row(above, head), row(D, below), (True, True)))

    def _functional(self, node: Functional) -> Piece:
        head = self.name(node.name) if node.name in self.arrays else self._head(node.name)
        if node.position >= 0:
            return self._functional_partial(node, head)
        return Piece(row(head, Fence(lay.separated(self.whole(a, node.indices) for a in node.args))), CLOSED)

    def _functional_partial(self, node: Functional, head: Box) -> Piece:
        argument = node.args[node.position]
        if isinstance(argument, Ref) and node.name == self.cost:
            moved = substitute(argument, dict(zip(node.indices, node.at, strict=True)))
            assert isinstance(moved, Ref)
            return self._derivative(head, moved)
        at = lay.separated([num(node.position + 1), *(self.position(p).box for p in node.at)])
        whole = Fence(lay.separated(self.whole(a, node.indices) for a in node.args))
        return Piece(row(Script(PARTIAL, at), head, whole), CLOSED)

    def whole(self, node: Expr, indices: tuple[Index, ...]) -> Box:
        """The array that an expression forms over ``indices``: a^L for a^L_j, else (…)_j."""
        indices = tuple(i for i in indices if i in free_indices(node))
        if isinstance(node, (Ref, Adjoint)):
            open_ = self.opened(node, indices)
            if open_ is not None:
                return open_
        body = self.piece(node)
        return Script(Fence(body.box), row(*(self.index(i) for i in indices)))


def _large(box: Box) -> bool:
    """Whether a numerator is read better behind the fraction: ½ Σ …, ½ (x/y − 1)."""
    return lay.contains(box, Big, Cases) or sums_quotients(box)


def printer(model: Model, notation: Notation = NIELSEN) -> Printer:
    """The printer for the expressions of a model.

    Raises:
        RequestProblem: if a sign of the notation is already a name of the model.
    """
    if notation.indicator == "kronecker":
        adjoints = model.adjoints if notation.adjoint == "given" else {}
        for name in shown_names(model.arrays, model.functions, adjoints):
            if (name.base if isinstance(name, Script) else name) == symbol("delta"):
                raise RequestProblem(
                    f"the notation {notation.name} has the Kronecker delta δ, and {model.name} its own δ",
                    hint='set indicator = "bracket" in the notation, or name the adjoint otherwise',
                )
    apart = set_alike(model.arrays, model.functions, model.adjoints)
    return Printer(
        model.arrays, model.functions, model.adjoints, model.cost, notation,
        meanings=meanings(model), literal=apart,
    )


def takes_power(call: Call, exponent: Expr, functions: Mapping[str, Function]) -> bool:
    """sin²(x): only functions where no other reading is in use, and only powers from 2 on."""
    known = call.function in _CIRCULAR and call.function not in functions and not call.orders
    return known and isinstance(exponent, Number) and exponent.value.denominator == 1 and exponent.value > 1


_CONSTANTS: Mapping[str, str] = {"pi": "π", "infinity": "∞"}
_CIRCULAR = frozenset({"sin", "cos", "tan", "sinh", "cosh", "tanh"})
_SPOKEN: Mapping[str, str] = {"maximum": "max", "minimum": "min", "atan": "arctan"}


def _spoken(name: str) -> str:
    return _SPOKEN.get(name, name)
