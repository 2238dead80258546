"""Elementwise functions in closed form: derivatives, through the function's own output where it is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from symbp.calculus.construct import add, mul, neg, power
from symbp.calculus.differentiate import CallRule, differentiate
from symbp.calculus.expr import ONE, Call, Compare, Expr, Logic, Ref, Where, number
from symbp.calculus.tidy import collect, tidy
from symbp.calculus.tree import children, replace_nodes
from symbp.derive.exponents import builtin, joined
from symbp.derive.identify import known, value_at
from symbp.derive.stable import stable_scalar
from symbp.errors import RequestProblem
from symbp.functions import BY_NAME
from symbp.functions import derivative as builtin_derivative
from symbp.model.core import Function


def call_rule(call: Call, position: int) -> Expr:
    """∂f/∂(argument): written out for built-in functions with a short derivative, else as f′."""
    record = BY_NAME.get(call.function)
    if record is not None and not record.prime and not call.orders:
        return builtin_derivative(call, position)
    orders = list(call.orders or (0,) * len(call.args))
    orders[position] += 1
    return replace(call, orders=tuple(orders))


def written_out(functions: Mapping[str, Function]) -> CallRule:
    """A rule that writes out every derivative, of users' functions too."""

    def rule(call: Call, position: int) -> Expr:
        if call.function in functions:
            function = functions[call.function]
            return fill(derivative(function, position), dict(zip(function.params, call.args, strict=True)))
        return builtin_derivative(call, position)

    return rule


def fill(body: Expr, values: Mapping[str, Expr]) -> Expr:
    """A function's body with its parameters replaced."""
    return replace_nodes(body, lambda n: values.get(n.name) if isinstance(n, Ref) else None)


def derivative(function: Function, position: int = 0) -> Expr:
    """The partial derivative of a user's function, in terms of ``Ref(param)``.

    The body is brought into its stable form first, so that the derivative is stable as well; calls of
    other functions in it stay calls, of order 1.

    Raises:
        RequestProblem: if the function is abstract.
    """
    if function.body is None:
        raise RequestProblem(
            f"the function {function.name} is undefined",
            function.span,
            f"give it a definition, or bind one: --bind {function.name}=tanh",
        )
    body = stable_scalar(function.body)
    change = differentiate(body, Ref(function.params[position]), call_rule)
    return joined(collect(tidy(change)), builtin)


def through_output(function: Function) -> Expr | None:
    """The derivative of a one-argument function as a polynomial in its own value, if it is one.

    The value stands as ``Ref(function.name)``: σ′ = σ(1 − σ) for the sigmoid.  None otherwise.  The
    coefficients of f′ = c₀ + c₁f + c₂f² are found from three points and confirmed at forty others.
    """
    if function.body is None or len(function.params) != 1 or _has_kink(function.body):
        return None
    coefficients = _riccati(function)
    return None if coefficients is None else _polynomial(coefficients, Ref(function.name))


def _polynomial(coefficients: tuple[Fraction, ...], value: Expr) -> Expr:
    c0, c1, c2 = coefficients
    if c0 == 0 and c2 == -c1 and c1:
        return mul((number(c1), value, ONE - value))
    square = mul((number(abs(c2)), power(value, number(2))))
    terms: list[Expr] = [number(c0), mul((number(c1), value)), neg(square) if c2 < 0 else square]
    return add(t for t in terms)


def _has_kink(body: Expr) -> bool:
    match body:
        case Where() | Compare() | Logic():
            return True
        case Call(name) if name in BY_NAME and (BY_NAME[name].kinks or BY_NAME[name].prime):
            return True
        case _:
            return any(map(_has_kink, children(body)))


def _riccati(function: Function) -> tuple[Fraction, ...] | None:
    import mpmath

    change = derivative(function)
    name = function.params[0]
    if not all(known(n) for n in (function.body, change) if n is not None):
        return None
    with mpmath.workdps(50):
        rows = []
        for place in ("0.3", "-0.7", "1.1"):
            f, d = (value_at(e, name, mpmath.mpf(place)) for e in (function.body, change))
            if f is None or d is None:
                return None
            rows.append((f, d))
        try:
            solution = mpmath.lu_solve(
                mpmath.matrix([[1, f, f * f] for f, _ in rows]), mpmath.matrix([d for _, d in rows])
            )
        except ZeroDivisionError:
            return None
        fractions = tuple(_rational(c) for c in solution)
        if any(c is None for c in fractions):
            return None
        exact = tuple(c for c in fractions if c is not None)
        return exact if _confirmed(function.body, change, name, exact) else None


def _confirmed(body: Expr | None, change: Expr, name: str, c: tuple[Fraction, ...]) -> bool:
    import mpmath

    for n in range(40):
        u = mpmath.mpf(n - 20) * mpmath.mpf("0.31") + mpmath.mpf("0.017")
        f, d = value_at(body, name, u), value_at(change, name, u)
        if f is None or d is None:
            return False
        guess = sum(mpmath.mpf(k.numerator) / k.denominator * f**p for p, k in enumerate(c))
        if abs(guess - d) > mpmath.mpf(10) ** -35 * max(1, abs(d)):
            return False
    return True


def _rational(value: Any) -> Fraction | None:
    import mpmath

    guess = Fraction(str(mpmath.nstr(value, 40))).limit_denominator(1000)
    near = abs(mpmath.mpf(guess.numerator) / guess.denominator - value)
    return guess if near < mpmath.mpf(10) ** -35 else None
