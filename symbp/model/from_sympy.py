"""SymPy expressions as syntax.  Nothing is evaluated; what has no form in the language is refused."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from functools import reduce
from typing import Any

import sympy
from sympy.core.function import AppliedUndef
from sympy.core.relational import Relational
from sympy.logic.boolalg import BooleanFunction
from sympy.tensor.indexed import Idx, Indexed

from symbp.errors import ModelProblem
from symbp.model.names import plain_name
from symbp.model.syntax import Apply, Binary, Chain, Name, Num, Range, Subscript, Syntax, Unary

_FUNCTIONS: Mapping[Any, str] = {
    sympy.exp: "exp", sympy.log: "log", sympy.Abs: "abs", sympy.sign: "sign", sympy.sin: "sin",
    sympy.cos: "cos", sympy.tan: "tan", sympy.atan: "atan", sympy.sinh: "sinh", sympy.cosh: "cosh",
    sympy.tanh: "tanh", sympy.erf: "erf",
}  # fmt: skip
_TWO: Mapping[Any, str] = {sympy.Max: "maximum", sympy.Min: "minimum"}
_BINDERS: Mapping[Any, str] = {sympy.Sum: "sum", sympy.Product: "prod"}


def from_sympy(value: Any) -> Syntax:
    """The syntax of a SymPy expression, in the order in which SymPy prints its terms.

    Raises:
        ModelProblem: if it holds something that the model language cannot say.
    """
    try:
        return _read(sympy.sympify(value, strict=True))
    except sympy.SympifyError:
        raise ModelProblem(
            f"{value!r} is not a SymPy expression", hint="use symbols, IndexedBase and numbers"
        ) from None


def _read(e: Any) -> Syntax:
    match e:
        case sympy.Rational():
            return _rational(e)
        case sympy.Float():
            return _signed(Fraction(str(e)), True)
        case sympy.Symbol() | Idx() | sympy.IndexedBase():
            return Name(plain_name(e))
        case Indexed():
            return Subscript(plain_name(e.base), tuple(map(_read, e.indices)))
        case sympy.Add():
            return _add([_read(t) for t in e.as_ordered_terms()])
        case sympy.Mul():
            return _product(e)
        case sympy.Pow():
            return _power(e.base, e.exp)
        case AppliedUndef():
            return Apply(plain_name(e.func), tuple(map(_read, e.args)))
        case Relational():
            return _comparison(e)
        case BooleanFunction():
            return _logic(e)
        case _:
            return _special(e)


def _special(e: Any) -> Syntax:
    if e == sympy.pi:
        return Name("pi")
    if e == sympy.E:
        return Apply("exp", (Num(Fraction(1)),))
    if isinstance(e, sympy.Piecewise):
        return _piecewise(e)
    if isinstance(e, sympy.KroneckerDelta):
        same = Binary("==", _read(e.args[0]), _read(e.args[1]))
        return Apply("where", (same, Num(Fraction(1)), Num(Fraction(0))))
    if e.func in _FUNCTIONS and len(e.args) == 1:
        return Apply(_FUNCTIONS[e.func], (_read(e.args[0]),))
    if e.func in _TWO:
        name = _TWO[e.func]
        args = sorted(e.args, key=sympy.default_sort_key)
        return reduce(lambda a, b: Apply(name, (a, b)), map(_read, args))
    if e.func in _BINDERS:
        return Apply(_BINDERS[e.func], (_read(e.function), *map(_limit, e.limits)))
    raise ModelProblem(
        f"SymPy's {type(e).__name__} has no form in the model language: {e}",
        hint='a function of your own can stand for it: builder.function("f", u, …)',
    )


def _signed(value: Fraction, decimal: bool = False) -> Syntax:
    return Unary("-", Num(-value, decimal)) if value < 0 else Num(value, decimal)


def _rational(e: Any) -> Syntax:
    if e.q == 1:
        return _signed(Fraction(int(e.p)))
    quotient = Binary("/", Num(Fraction(abs(int(e.p)))), Num(Fraction(int(e.q))))
    return Unary("-", quotient) if e.p < 0 else quotient


def _add(terms: list[Syntax]) -> Syntax:
    return Chain("+", tuple(terms))


def _product(e: Any) -> Syntax:
    """Factors over a bar: powers with negative exponents and denominators stand below it."""
    coefficient, rest = e.as_coeff_Mul()
    negative = bool(coefficient < 0)
    above, below = list[Syntax](), list[Syntax]()
    if coefficient.is_Rational:
        p, q = abs(int(coefficient.p)), int(coefficient.q)
        above += [Num(Fraction(p))] if p != 1 else []
        below += [Num(Fraction(q))] if q != 1 else []
    else:
        above.append(_read(abs(coefficient)))
    for factor in rest.as_ordered_factors():
        if factor.is_Pow and factor.exp.could_extract_minus_sign():
            below.append(_power(factor.base, -factor.exp))
        else:
            above.append(_read(factor))
    top = _times(above) if above else Num(Fraction(1))
    whole = Binary("/", top, _times(below)) if below else top
    return Unary("-", whole) if negative else whole


def _times(factors: list[Syntax]) -> Syntax:
    return factors[0] if len(factors) == 1 else Chain("*", tuple(factors))


def _power(base: Any, exponent: Any) -> Syntax:
    if exponent == 1:
        return _read(base)
    if exponent == sympy.Rational(1, 2):
        return Apply("sqrt", (_read(base),))
    if exponent.could_extract_minus_sign():
        return Binary("/", Num(Fraction(1)), _power(base, -exponent))
    return Binary("^", _read(base), _read(exponent))


def _limit(limit: Any) -> Syntax | Range:
    if len(limit) == 1:
        return Name(plain_name(limit[0]))
    index, lo, hi = limit
    return Range(plain_name(index), _read(lo), _read(hi))


def _comparison(e: Any) -> Syntax:
    return Binary(e.rel_op, _read(e.lhs), _read(e.rhs))


def _logic(e: Any) -> Syntax:
    if isinstance(e, sympy.Not):
        return Unary("not", _read(e.args[0]))
    if isinstance(e, (sympy.And, sympy.Or)):
        op = "and" if isinstance(e, sympy.And) else "or"
        args = sorted(e.args, key=sympy.default_sort_key)
        return reduce(lambda a, b: Binary(op, a, b), map(_read, args))
    raise ModelProblem(f"SymPy's {type(e).__name__} has no form in the model language: {e}")


def _piecewise(e: Any) -> Syntax:
    """Nested ``where``; the last piece has to hold otherwise."""
    pieces = list(e.args)
    last, condition = pieces.pop()
    if condition != sympy.true:
        raise ModelProblem(
            f"nothing is said about the rest of {e}", hint="end the Piecewise with (value, True)"
        )
    out = _read(last)
    for value, cond in reversed(pieces):
        out = Apply("where", (_read(cond), _read(value), out))
    return out
