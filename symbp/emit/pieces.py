"""Formulas with their binding: when brackets stand, and what stands between factors.

The conventions of the printed page that everything here keeps: Σ reaches over the product that
follows it and ends at + and −; a product binds closer than a sum; a power stands only on a letter
without superscript, everything else gets brackets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from symbp.calculus.affine import Affine, affine
from symbp.calculus.expr import ONE, Add, Div, Expr, Integer, Mul, Neg, Number
from symbp.emit import layout as lay
from symbp.emit.layout import Big, Box, Cases, Fence, Frac, Product, Row, Script, Sym, Terms, num

RELATION, SUM, PRODUCT, CLOSED, LETTER = range(5)
"""Levels of binding.  CLOSED can be a factor as it is; only LETTER can carry a superscript."""


SHORT = 3
"""So many characters, as in 2.5, has a number before a power of ten at most, instead of its digits."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A formula with its binding; ``open`` if what follows on the right would be drawn into it."""

    box: Box
    level: int
    open: str = ""


def juxtaposed(pieces: Sequence[Piece]) -> Piece:
    """Factors side by side; one that would draw in the next gets brackets."""
    if len(pieces) == 1:
        return pieces[0]
    boxes = [enclosed(p, PRODUCT, bool(p.open)) for p in pieces[:-1]] + [enclosed(pieces[-1], PRODUCT)]
    gaps = tuple(_gap(a, b) for a, b in pairwise(boxes))
    return Piece(Product(tuple(boxes), gaps), PRODUCT, pieces[-1].open)


def enclosed(piece: Piece, level: int, force: bool = False) -> Box:
    """The formula, in brackets unless it binds at least this closely."""
    return Fence(piece.box) if force or piece.level < level else piece.box


def powered(base: Piece, above: Box) -> Piece:
    """A power: on the letter itself where nothing else stands above it, else on brackets."""
    box = enclosed(base, LETTER)
    if isinstance(box, Script) and box.sup is None:
        return Piece(replace(box, sup=above), CLOSED)
    return Piece(Script(box, None, above), CLOSED)


def fraction(upper: Piece, lower: Piece, entrywise: bool = False, numbers: bool = False) -> Box:
    """A quotient that knows whether a slash would need brackets."""
    bare = (upper.level >= PRODUCT and not upper.open, lower.level >= CLOSED)
    return Frac(upper.box, lower.box, bare, entrywise, numbers=numbers)


def split_sign(node: Expr) -> tuple[bool, Expr]:
    """Whether a minus sign stands in front, and what stands behind it; factors 1 are left out."""
    match node:
        case Neg(arg):
            return True, arg
        case Number(value, decimal) if value < 0:
            return True, Number(-value, decimal)
        case Div(top, bottom):
            minus, rest = split_sign(top) if not isinstance(top, Add) else (False, top)
            return minus, Div(rest, bottom)
        case Mul(factors):
            minus, rest = split_sign(factors[0])
            kept = tuple(f for f in (rest, *factors[1:]) if f != ONE) or (ONE,)
            return minus, kept[0] if len(kept) == 1 else Mul(kept)
        case _:
            return False, node


def flat(items: Iterable[Expr], kind: type[Add] | type[Mul]) -> Iterable[Expr]:
    for item in items:
        if isinstance(item, kind):
            yield from flat(item.terms if isinstance(item, Add) else item.factors, kind)
        else:
            yield item


def gathered(terms: Sequence[Expr]) -> Affine | None:
    """Positions with several terms each, as one where they are added: (d + t + 1) − d is t + 1."""
    signed = [split_sign(t) for t in terms]
    values = [(minus, rest.value) for minus, rest in signed if isinstance(rest, Integer)]
    several = any(len(value.terms) + bool(value.const) > 1 for _, value in values)
    if len(values) < max(2, len(terms)) or not several:
        return None
    return sum((-value if minus else value for minus, value in values), affine(0))


def number_piece(value: Fraction, decimal: bool) -> Piece:
    if value < 0:
        return Piece(Terms((("-", number_piece(-value, decimal).box),)), SUM)
    if decimal and (digits := decimal_digits(value)) is not None:
        return _scientific(digits) if "e" in digits else Piece(num(digits), LETTER)
    if value.denominator == 1:
        round_ = decimal_digits(value) or ""
        short = "e" in round_ and len(round_.split("e")[0]) <= SHORT
        return _scientific(round_) if short else Piece(num(value.numerator), LETTER)
    return Piece(Frac(num(value.numerator), num(value.denominator), (True, True)), CLOSED)


def _scientific(digits: str) -> Piece:
    mantissa, exponent = digits.split("e")
    power = Script(
        num(10), None, lay.row(num(exponent)) if exponent[0] != "-" else Terms((("-", num(exponent[1:])),))
    )
    if mantissa == "1":
        return Piece(power, CLOSED)
    return Piece(Product((num(mantissa), power), ("dot",)), PRODUCT)


def decimal_digits(value: Fraction) -> str | None:
    """The exact decimal expansion, with an exponent where it is long; None if it never ends."""
    rest, places = value.denominator, 0
    while rest % 10 == 0 or rest % 2 == 0 or rest % 5 == 0:
        rest, places = (
            (rest // 10 if rest % 10 == 0 else rest // 2 if rest % 2 == 0 else rest // 5),
            places + 1,
        )
    if rest != 1:
        return None
    digits = str(value.numerator * 10**places // value.denominator)
    significant = digits.rstrip("0") or "0"
    exponent = len(digits) - 1 - places
    if value and not -4 <= exponent <= 6:
        mantissa = significant[0] + ("." + significant[1:] if significant[1:] else "")
        return f"{mantissa}e{exponent}"
    padded = digits.rjust(places + 1, "0")
    whole, part = padded[: len(padded) - places], padded[len(padded) - places :].rstrip("0")
    return f"{whole}.{part}" if part else whole


def _gap(left: Box, right: Box) -> str:
    start = lay.first(right) if not isinstance(right, Big) else None
    if start is not None and start.kind == "num":
        return "dot"
    if _operator(right):
        return "op"
    plain = isinstance(left, Sym) and left.kind == "num"
    return "none" if plain and not isinstance(right, Frac) else "thin"


def _operator(box: Box) -> bool:
    """Whether the box begins with Σ, log …, before which TeX leaves a space by itself."""
    match box:
        case Big():
            return True
        case Sym(_, _, kind):
            return kind == "op"
        case Row(items):
            return _operator(items[0])
        case Product(factors, _):
            return _operator(factors[0])
        case Script(base, _, _):
            return _operator(base)
        case _:
            return False


def superscripted(box: Box) -> bool:
    return (isinstance(box, Script) and box.sup is not None) or (isinstance(box, Sym) and "^" in box.tex)


def sums_quotients(box: Box) -> bool:
    """Whether a term of a sum is a quotient: −v²/s + 1, also beside other factors."""
    match box:
        case Terms(terms):
            return len(terms) > 1 and any(_divided(t) for _, t in terms)
        case Fence(body, "("):
            return sums_quotients(body)
        case Product(factors, _):
            return any(sums_quotients(f) for f in factors if isinstance(f, Fence))
        case _:
            return False


def _divided(box: Box) -> bool:
    factors = box.factors if isinstance(box, Product) else (box,)
    return any(isinstance(f, Frac) and not _slope(f) for f in factors)


def _slope(box: Frac) -> bool:
    """Whether a quotient is ∂C/∂z, which is read as one sign."""
    return lay.first(box.num) == lay.PARTIAL


def tall(box: Box) -> bool:
    return lay.contains(box, Big, Frac, Cases)
