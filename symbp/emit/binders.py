"""Sums and the other binders, and conditions, as formulas."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from symbp.calculus.affine import Affine, Index, affine, known_le
from symbp.calculus.conditions import OPPOSITE
from symbp.calculus.construct import neg
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Adjoint,
    Compare,
    Expr,
    Indicator,
    Logic,
    Mul,
    Reduce,
    Ref,
    Weights,
    Where,
)
from symbp.calculus.tidy import positive
from symbp.calculus.tree import walk
from symbp.emit import layout as lay
from symbp.emit.layout import Big, Box, Cases, Fence, Product, Script, Sym, row
from symbp.emit.notation import positions
from symbp.emit.pieces import CLOSED, LETTER, PRODUCT, RELATION, SUM, Piece

if TYPE_CHECKING:
    from symbp.emit.math import Printer

_SIGNS = {
    "sum": Sym(r"\sum", "Σ"),
    "prod": Sym(r"\prod", "Π"),
    "max": Sym(r"\max", "max", "op"),
    "min": Sym(r"\min", "min", "op"),
}
_RELATIONS = {
    "<": lay.rel("<", "<"),
    "<=": lay.rel(r"\le", "≤"),
    ">": lay.rel(">", ">"),
    ">=": lay.rel(r"\ge", "≥"),
    "==": lay.EQUALS,
    "!=": lay.rel(r"\ne", "≠"),
}
_CONNECTIVES = {
    "and": Sym(r"\text{ and }", " and ", "words"),
    "or": Sym(r"\text{ or }", " or ", "words"),
}


def signs(printer: Printer, indices: Iterable[Index]) -> list[Box]:
    """Σ with the range of each index, for sums over layers or over time."""
    return [
        Big(
            _SIGNS["sum"],
            row(printer.index(i), lay.EQUALS, printer.position(i.low).box),
            printer.position(i.high).box,
        )
        for i in indices
    ]


def reduce(printer: Printer, node: Reduce) -> Piece:
    match node.op:
        case "dot":
            return _inner(printer, node)
        case "logsumexp":
            signs = _signs(printer, Sym(r"\sum", "Σ"), node)
            body = row(Sym(r"\exp", "exp", "op"), Fence(printer.box(node.body)))
            return Piece(Product((Sym(r"\log", "log", "op"), row(*signs, body)), ("op",)), PRODUCT, "sum")
        case "sum" | "prod" | "max" | "min":
            body = printer.at_least(node.body, PRODUCT)
            signs = _signs(printer, _SIGNS[node.op], node)
            return Piece(row(*signs, body), PRODUCT, "sum")
        case _:
            raise TypeError(f"there is no sign for the reduction {node.op}")


def _inner(printer: Printer, node: Reduce) -> Piece:
    assert isinstance(node.body, Mul)
    vectors = [printer.whole(f, node.indices) for f in node.body.factors]
    return Piece(Product(tuple(vectors), ("dot",) * (len(vectors) - 1)), PRODUCT, "sum")


def _signs(printer: Printer, sign: Sym, node: Reduce) -> list[Box]:
    """One sign for the indices whose range is that of their axis, one for each that shows it."""
    signs: list[Box] = []
    plain: list[Box] = []
    for index in node.indices:
        if _implied(printer, index, node.body):
            plain.append(printer.index(index))
            continue
        if plain:
            signs.append(Big(sign, lay.separated(plain)))
            plain = []
        signs.append(Big(sign, _first(printer, index), printer.position(index.high).box))
    return [*signs, Big(sign, lay.separated(plain))] if plain else signs


def _implied(printer: Printer, index: Index, body: Expr) -> bool:
    """Whether the range is that of an axis over which the index runs alone."""
    if index.lo is None or index.hi is None:
        return True
    if index.sequence:
        return False
    for node in walk(body):
        if isinstance(node, (Ref, Adjoint)) and _runs_over(printer, index, node):
            return True
        if isinstance(node, Weights) and node.at.as_index() == index:
            return (node.index.lo, node.index.hi) == (index.lo, index.hi) and not _moves(index)
        if isinstance(node, Indicator) and _tied(index, node):
            return True
    return not printer.arrays


def _tied(index: Index, node: Indicator) -> bool:
    """Whether the index is set equal to another of the same range."""
    sides = (node.left.as_index(), node.right.as_index())
    if index not in sides or None in sides:
        return False
    return all((i.lo, i.hi) == (index.lo, index.hi) for i in sides if i is not None)


def _runs_over(printer: Printer, index: Index, node: Ref | Adjoint) -> bool:
    array = printer.arrays.get(node.name)
    if array is None or len(array.axes) != len(node.indices):
        return False
    earlier: dict[Index, Affine] = {}
    for axis, place in zip(array.axes, node.indices, strict=True):
        if place.as_index() == index and axis.lo is not None and axis.hi is not None:
            ends = axis.lo.substitute(earlier), axis.hi.substitute(earlier)
            if ends == (index.lo, index.hi):
                return True
        earlier[axis] = place
    return False


def weights(printer: Printer, node: Weights) -> Piece:
    at = printer.position(node.at).box
    if node.op == "softmax":
        whole = printer.opened(node.body, (node.index,)) if isinstance(node.body, (Ref, Adjoint)) else None
        head: Box = Sym(r"\operatorname{softmax}", "softmax", "op")
        if _moves(node.index):
            head, whole = _limited(printer, head, node.index), printer.box(node.body)
        elif whole is None:
            head, whole = Script(head, printer.index(node.index)), printer.box(node.body)
        return Piece(row(head, Script(Fence(whole), at)), CLOSED)
    if node.op not in ("argmax", "argmin"):
        raise TypeError(f"there is no sign for the weights {node.op}")
    sign = Sym(rf"\operatorname*{{arg\,{node.op[3:]}}}", node.op, "op")
    body = printer.at_least(node.body, PRODUCT)
    best = Big(sign, printer.index(node.index))
    if _moves(node.index):
        best = Big(sign, _first(printer, node.index), printer.position(node.index.high).box)
    return Piece(Fence(row(at, lay.EQUALS, best, body), "["), LETTER)


def _moves(index: Index) -> bool:
    """Whether the range depends on another index: the weights are 0 outside of it."""
    return index.lo is not None and bool(index.low.indices() or index.high.indices())


def _first(printer: Printer, index: Index) -> Box:
    return row(printer.index(index), lay.EQUALS, printer.position(index.low).box)


def _limited(printer: Printer, head: Box, index: Index) -> Box:
    """The sign of a softmax with the range of its index."""
    return Script(head, _first(printer, index), printer.position(index.high).box)


# ── conditions ────────────────────────────────────────────────────────────────────────────────


def indicator(printer: Printer, left: Affine, right: Affine) -> Piece:
    """[i = k], or δ_{ik} where the notation says so."""
    # [i = 0], not [0 = i]
    left, right = (right, left) if left.is_const and not right.is_const else (left, right)
    sides = printer.position(left).box, printer.position(right).box
    if printer.notation.indicator == "kronecker":
        return Piece(Script(Sym(r"\delta", "δ"), positions(sides)), LETTER)
    return Piece(Fence(row(sides[0], lay.EQUALS, sides[1]), "["), LETTER)


def bracketed(node: Where) -> bool:
    """Whether the cases are 1 and 0, or 0 and 1: a condition in brackets."""
    first = _one_first(node)
    return first.then == ONE and first.other == ZERO


def _one_first(node: Where) -> Where:
    """1 where i ≠ k, and not 0 where i = k."""
    if isinstance(node.cond, Compare) and node.then == ZERO and node.other == ONE:
        return Where(replace(node.cond, op=OPPOSITE[node.cond.op]), ONE, ZERO)
    return node


def where(printer: Printer, node: Where) -> Piece:
    if bracketed(node):
        return Piece(Fence(printer.box(_one_first(node).cond), "["), LETTER)
    return Piece(cases(printer, node), PRODUCT, "cases")


def cases(printer: Printer, node: Where) -> Cases:
    """Every case with its condition below the other, also where there is only 1 or 0.

    Cases within the first of two come behind the second: one brace for all of them.
    """
    rows: list[tuple[Box, Box | None]] = []
    rest: Expr = node
    while isinstance(rest, Where):
        rest = _unnested(rest)
        rows.append((printer.box(rest.then), printer.box(rest.cond)))
        rest = rest.other
    return Cases((*rows, (printer.box(rest), None)))


def negative(node: Where) -> Where:
    """The cases of opposite sign: −1 where it was 1, and 0 where it was 0."""
    then, other = (
        negative(n) if isinstance(n, Where) else positive(neg(n)) for n in (node.then, node.other)
    )
    return Where(node.cond, then, other)


def _unnested(node: Where) -> Where:
    """The same with the simple case first: the other one, where its condition does not hold."""
    nested = isinstance(node.then, Where) and not isinstance(node.other, Where)
    if not nested or not isinstance(node.cond, Compare):
        return node
    return Where(replace(node.cond, op=OPPOSITE[node.cond.op]), node.other, node.then)


def condition(printer: Printer, node: Compare | Logic) -> Piece:
    if isinstance(node, Compare):
        return compared(printer.at_least(node.left, SUM), node.op, printer.at_least(node.right, SUM))
    several = [isinstance(a, Logic) and a.op != "not" for a in node.args]
    return connected(node.op, [printer.box(a) for a in node.args], several)


def compared(left: Box, op: str, right: Box) -> Piece:
    """left < right."""
    return Piece(row(left, _RELATIONS[op], right), RELATION)


def connected(op: str, args: list[Box], several: list[bool]) -> Piece:
    """Conditions with "and", "or" between, or "not" in front; those of ``several`` parts in brackets."""
    if op == "not":
        return Piece(row(Sym(r"\lnot", "not "), Fence(args[0])), SUM)
    boxes: list[Box] = []
    for arg, joined in zip(args, several, strict=True):
        boxes.extend((*((_CONNECTIVES[op],) if boxes else ()), Fence(arg) if joined else arg))
    return Piece(row(*boxes), RELATION)


def within(printer: Printer, value: Affine, lo: Affine, hi: Affine) -> Piece:
    """[lo ≤ value ≤ hi] without an end that the value never passes: that is no condition."""
    below, above = known_le(lo, value), known_le(value, hi)
    ends = (not below, not above or bool(below))
    value, lo, hi = _alone(value, lo, hi, ends)
    if ends == (True, False) and value.as_index() is not None and not lo.indices():
        sides = (printer.position(value).box, _RELATIONS[">="], printer.position(lo).box)
        return Piece(Fence(row(*sides), "["), LETTER)
    strict = hi.const == -1 and not hi.is_const
    end, sign = (hi + 1, "<") if strict else (hi, "<=")
    low = (printer.position(lo).box, _RELATIONS["<="])
    high = (_RELATIONS[sign], printer.position(end).box)
    sides = (*(low if ends[0] else ()), printer.position(value).box, *(high if ends[1] else ()))
    return Piece(Fence(row(*sides), "["), LETTER)


def _alone(
    value: Affine, lo: Affine, hi: Affine, ends: tuple[bool, bool]
) -> tuple[Affine, Affine, Affine]:
    """The condition on one index that stands alone, t ≥ 2 for 0 ≤ t − 2, where its ends have none."""
    for index in value.indices():
        rest = value - index
        low, high = lo - rest, hi - rest
        shown = [end for end, seen in zip((low, high), ends, strict=True) if seen]
        if value.coefficient(index) == 1 and not any(end.indices() for end in shown):
            return affine(index), low, high
    return value, lo, hi
