"""Arithmetic that a reader does without noticing: 2·x/2 is x, x·x is x², x/x is 1.

``tidy`` keeps the author's order and never multiplies out; ``collect`` multiplies out and is used only
where the result is shorter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from fractions import Fraction

from symbp.calculus.affine import Index
from symbp.calculus.construct import add, mul, neg, power
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Call,
    Div,
    Expr,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Where,
    Within,
    number,
)
from symbp.calculus.tree import canonical, children, map_children, rewrite


def tidy(node: Expr) -> Expr:
    """The same value with numbers gathered in front and common factors cancelled.

    Terminates: bottom up, once; every node it builds is smaller or has its numbers further out.
    """
    return rewrite(node, _tidy_node)


def _tidy_node(node: Expr) -> Expr | None:
    match node:
        case Mul() | Div() | Neg():
            return _fraction(node)
        case Add(terms):
            return _like_terms(terms)
        case Pow(base, exponent):
            return _power(base, exponent)
        case Reduce("sum", indices, body):
            return _scaled_sum(indices, body)
        case Where(_, then, other) if then == other:
            return then
        case _:
            return None


def _power(base: Expr, exponent: Expr) -> Expr:
    if not (isinstance(base, Number) and isinstance(exponent, Number)):
        return power(base, exponent)
    whole = exponent.value.denominator == 1 and abs(exponent.value) <= 64
    if whole and (base.value or exponent.value > 0):
        return Number(base.value ** int(exponent.value), base.decimal)
    return power(base, exponent)


def _scaled_sum(indices: tuple[Index, ...], body: Expr) -> Expr | None:
    coefficient, rest = coefficient_of(body)
    if coefficient == 1 or rest == ONE:
        return None
    return scaled(coefficient, Reduce("sum", indices, rest), False)


def coefficient_of(node: Expr) -> tuple[Fraction, Expr]:
    """The node as a number times the rest; decimals stay where the author put them."""
    match node:
        case Neg(arg):
            c, rest = coefficient_of(arg)
            return -c, rest
        case Number(value, False):
            return value, ONE
        case Mul((Number(value, False), *rest)):
            return value, mul(rest)
        case Div(num, Number(value, False)) if value:
            c, rest = coefficient_of(num)
            return c / value, rest
        case Div(num, den):
            c, rest = coefficient_of(num)
            return c, Div(rest, den)
        case _:
            return Fraction(1), node


def scaled(coefficient: Fraction, rest: Expr, decimal: bool) -> Expr:
    """``coefficient·rest``, a proper fraction written as a quotient."""
    if coefficient == 0:
        return ZERO
    scale = abs(coefficient)
    if decimal or rest == ONE:
        out = mul((Number(scale, decimal), rest))
    else:
        out = rest if scale.numerator == 1 else mul((number(scale.numerator), rest))
        out = out if scale.denominator == 1 else Div(out, number(scale.denominator))
    return neg(out) if coefficient < 0 else out


@dataclass(slots=True)
class _Part:
    """A base with the sum of its exponents, or a term with the sum of its coefficients."""

    node: Expr
    amount: Fraction
    single: Expr | None = None
    """The term as it stood, as long as there is only one."""


def _fraction(node: Expr) -> Expr:
    """Numerators and denominators of a product gathered, equal factors cancelled."""
    top: list[Expr] = []
    bottom: list[Expr] = []
    _gather(node, top, bottom)
    coefficient, decimal = Fraction(1), False
    powers: dict[Expr, _Part] = {}
    for factor, sign in (*((f, 1) for f in top), *((f, -1) for f in bottom)):
        if isinstance(factor, Number):
            if factor.value == 0 and sign < 0:
                return node
            coefficient *= factor.value**sign
            decimal = decimal or factor.decimal
            continue
        base, exponent = _base(factor)
        powers.setdefault(canonical(base), _Part(base, Fraction(0))).amount += exponent * sign
    if coefficient == 0:
        return ZERO
    _cancel_roots(powers)
    _cancel_signs(powers)
    above = [power(p.node, number(p.amount)) for p in powers.values() if p.amount > 0]
    below = [power(p.node, number(-p.amount)) for p in powers.values() if p.amount < 0]
    return _assemble(coefficient, decimal, above, below)


def _cancel_roots(powers: dict[Expr, _Part]) -> None:
    """x/√x is √x, and (√x)² is x; x√x stays what it is."""
    for key, root in tuple(powers.items()):
        if not isinstance(root.node, Call) or root.node.function != "sqrt" or root.node.orders:
            continue
        if powers.get(key) is not root:
            continue  # it was inside of another root and is used up
        (inside,) = root.node.args
        whole = powers.get(canonical(inside), _Part(inside, Fraction(0)))
        total = whole.amount + root.amount / 2
        if isinstance(inside, Number) or whole.amount * root.amount > 0 or root.amount.denominator != 1:
            continue
        if total.denominator == 1:
            powers[key] = replace(whole, amount=total)
            powers.pop(canonical(inside), None)
        elif whole.amount:
            root.amount = 2 * total
            powers.pop(canonical(inside))


def _cancel_signs(powers: dict[Expr, _Part]) -> None:
    """sign(x)/|x| is 1/x: the derivative of log|x|."""
    for sign in tuple(powers.values()):
        if not isinstance(sign.node, Call) or sign.node.function != "sign" or sign.amount != 1:
            continue
        size = powers.get(canonical(Call("abs", sign.node.args)))
        if size is None or size.amount >= 0:
            continue
        inside = sign.node.args[0]
        sign.amount, size.amount = Fraction(0), size.amount + 1
        powers.setdefault(canonical(inside), _Part(inside, Fraction(0))).amount -= 1


def _assemble(coefficient: Fraction, decimal: bool, above: list[Expr], below: list[Expr]) -> Expr:
    # x + 1 over 2, not (1/2)(x + 1): a quotient of numbers joins the other denominators
    scale = abs(coefficient)
    if decimal:
        above, scale = [*([Number(scale, True)] if scale != 1 else []), *above], Fraction(1)
    if below and scale.denominator != 1:
        below, scale = [number(scale.denominator), *below], Fraction(scale.numerator)
    out = mul(above) if above else ONE
    out = Div(mul((number(scale.numerator), out)), mul(below)) if below else scaled(scale, out, False)
    return neg(out) if coefficient < 0 else out


def positive(node: Expr) -> Expr:
    """-(x - y) is y - x, at the top of an expression; in a sum -(-x + y) is x - y."""
    if isinstance(node, Add):
        return add(part for term in node.terms for part in _opened(term))
    if not isinstance(node, Neg):
        return node
    flipped = _opposite(node.arg)
    return node if flipped is None else flipped


def _opened(term: Expr) -> tuple[Expr, ...]:
    match term:
        case Neg(Add((Neg(), *_)) as inner):
            return tuple(map(neg, inner.terms))
        case _:
            return (term,)


def _opposite(node: Expr) -> Expr | None:
    match node:
        case Add(terms) if any(isinstance(t, Neg) for t in terms):
            return Add(tuple(sorted((neg(t) for t in terms), key=lambda t: isinstance(t, Neg))))
        case Div(num, den):
            above = _opposite(num)
            return None if above is None else Div(above, den)
        case Mul(factors):
            for place, factor in enumerate(factors):
                if isinstance(factor, Add) and (other := _opposite(factor)) is not None:
                    return Mul((*factors[:place], other, *factors[place + 1 :]))
            return None
        case _:
            return None


def _gather(node: Expr, top: list[Expr], bottom: list[Expr]) -> None:
    match node:
        case Mul(factors):
            for factor in factors:
                _gather(factor, top, bottom)
        case Div(num, den):
            _gather(num, top, bottom)
            _gather(den, bottom, top)
        case Neg(arg):
            top.append(number(-1))
            _gather(arg, top, bottom)
        case Pow(Mul(factors), Number(value)) if _whole(value):
            for factor in factors:
                _gather(Pow(factor, number(value)), top, bottom)
        case Pow(Pow(base, Number(inner)), Number(value)) if _whole(inner) and _whole(value):
            _gather(Pow(base, number(inner * value)), top, bottom)
        case Pow(Number() as base, Number(value)) if _whole(value):
            top.append(_power(base, number(value)))
        case Pow(Div(num, den), Number(value)) if _whole(value):
            _gather(Pow(num, number(value)), top, bottom)
            _gather(Pow(den, number(value)), bottom, top)
        case _:
            top.append(node)


def _whole(exponent: Fraction) -> bool:
    return exponent.denominator == 1 and exponent > 0


def _base(factor: Expr) -> tuple[Expr, Fraction]:
    match factor:
        case Pow(base, Number(value)) if _whole(value):
            return base, value
        case Within():
            return factor, Fraction(1)
        case _:
            return factor, Fraction(1)


def _like_terms(terms: Iterable[Expr]) -> Expr:
    """x + x is 2 x and x - x is nothing; the rest keeps its order."""
    found: dict[Expr, _Part] = {}
    for term in terms:
        for part in term.terms if isinstance(term, Add) else (term,):
            coefficient, rest = coefficient_of(part)
            known = found.get(canonical(rest))
            if known is None:
                found[canonical(rest)] = _Part(rest, coefficient, part)
            else:
                known.amount, known.single = known.amount + coefficient, None
    return add(p.single if p.single is not None else scaled(p.amount, p.node, False) for p in found.values())


# ── multiplying out ───────────────────────────────────────────────────────────────────────────────

_LIMIT = 64


def collect(node: Expr) -> Expr:
    """Multiply out and gather where that makes the whole shorter: a − y from −y(1 − a) + (1 − y)a."""
    if isinstance(node, Div) and isinstance(node.den, Mul):
        # a denominator stays in factors: its sums may stand under roots as well
        node = Div(collect(node.num), map_children(node.den, collect))
    else:
        node = map_children(node, collect)
    if not isinstance(node, (Add, Mul, Neg, Div)):
        return node
    polynomial = _polynomial(node)
    if polynomial is None:
        return node
    terms = [_monomial(c, factors) for factors, c in polynomial.values() if c]
    first = next((n for n, t in enumerate(terms) if not isinstance(t, Neg)), 0)
    terms.insert(0, terms.pop(first)) if terms else None
    gathered = tidy(add(terms))
    return gathered if leaves(gathered) < leaves(tidy(node)) else node


def leaves(node: Expr) -> int:
    """How many symbols and numbers a reader has to take in."""
    below = children(node)
    return sum(map(leaves, below)) if below else 1


def symbols(node: Expr) -> Counter[Expr]:
    """The symbols and numbers of an expression, each with how often it stands there; ones do not count."""
    found: Counter[Expr] = Counter()
    for child in children(node):
        found += symbols(child)
    return found if children(node) else Counter([canonical(node)] if node != ONE else [])


_Poly = dict[tuple[Expr, ...], tuple[tuple[Expr, ...], Fraction]]


def _polynomial(node: Expr) -> _Poly | None:
    match node:
        case Number(value, False):
            return {(): ((), value)}
        case Neg(arg):
            inner = _polynomial(arg)
            return inner and {k: (f, -c) for k, (f, c) in inner.items()}
        case Add(terms):
            return _merge(_polynomial(t) for t in terms)
        case Mul(factors):
            product: _Poly | None = {(): ((), Fraction(1))}
            for factor in factors:
                product = _times(product, _polynomial(factor))
            return product
        case Div(num, Number(value, False)) if value:
            inner = _polynomial(num)
            return inner and {k: (f, c / value) for k, (f, c) in inner.items()}
        case Pow(base, Number(value)) if value in (2, 3) and isinstance(base, (Add, Mul)):
            return _polynomial(Mul((base,) * int(value)))
        case Pow(base, Number(value)) if value.denominator == 1 and 1 < value < 6:
            return _atom(*(base,) * int(value))
        case _:
            return _atom(node)


def _atom(*factors: Expr) -> _Poly:
    return {_key(factors): (factors, Fraction(1))}


def _key(factors: tuple[Expr, ...]) -> tuple[Expr, ...]:
    return tuple(sorted((canonical(f) for f in factors), key=repr))


def _merge(parts: Iterable[_Poly | None]) -> _Poly | None:
    total: _Poly = {}
    for part in parts:
        if part is None:
            return None
        for key, (factors, c) in part.items():
            known = total.get(key)
            total[key] = (known[0], known[1] + c) if known else (factors, c)
    return total if len(total) <= _LIMIT else None


def _times(left: _Poly | None, right: _Poly | None) -> _Poly | None:
    if left is None or right is None or len(left) * len(right) > _LIMIT:
        return None
    parts: list[_Poly | None] = []
    for lf, lc in left.values():
        for rf, rc in right.values():
            factors = (*lf, *rf)
            parts.append({_key(factors): (factors, lc * rc)})
    return _merge(parts)


def _monomial(coefficient: Fraction, factors: tuple[Expr, ...]) -> Expr:
    return scaled(coefficient, tidy(mul(factors)) if factors else ONE, False)
