"""The numbers the oracle computes with: floats with complex step, and 60 digits with differences.

Neither looks at a symbolic derivative.  Branches compare real parts, so that an imaginary step
rides along the branch that the real value takes; at a tie the step is shared, as a tie is by
convention (see ``kinks`` in :mod:`symbp.functions`).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

Num = Any
"""float, complex or mpf: the arithmetics are told apart by their tables, never by their types."""

Function = Callable[..., Num]


class Kink(Exception):
    """A difference quotient straddles a point at which the function has no derivative."""


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Numbers, their elementary functions, and a way to differentiate ``f(h)`` at h = 0.

    ``unit`` is the tolerance of a comparison, far above the rounding and far below a wrong formula.
    """

    label: str
    unit: float
    lift: Callable[[Fraction | int | float], Num]
    table: Mapping[str, Function]
    derive: Callable[[Callable[[Num], Num]], Num]
    exact: bool


def power(arith: Arithmetic, base: Num, exponent: Num) -> Num:
    """``base ** exponent``: by multiplication for integers, so that negative bases keep a step.

    Raises:
        ValueError: for a negative base and an exponent that is no integer.
    """
    whole = round(exponent.real) if abs(exponent.real) < 1e9 else 0
    if exponent == whole and abs(whole) <= 64:
        result = _integer_power(base, abs(whole))
        return 1 / result if whole < 0 else result * arith.lift(1)
    if base == 0 and exponent.real > 0:
        return base * 0
    return arith.table["exp"](exponent * arith.table["log"](base))


def _integer_power(base: Num, exponent: int) -> Num:
    result: Num = 1
    for _ in range(exponent):
        result = result * base
    return result


def differentiate(
    arith: Arithmetic,
    function: Callable[[Arithmetic, Sequence[Num]], Num],
    args: Sequence[Num],
    orders: Sequence[int],
) -> Num:
    """A partial derivative of a smooth function of numbers; ``orders`` counts by argument.

    In floats a derivative of a derivative, or one at a point that carries a step itself, is taken in
    60 digits: complex steps do not nest.
    """
    if not any(orders):
        return function(arith, args)
    if arith.exact:
        return _nested(arith, function, args, orders)
    if sum(orders) == 1 and not any(a.imag for a in args):
        return arith.derive(lambda h: function(arith, _moved(args, orders.index(1), h)))
    fine = digits()
    real = [fine.lift(a.real) for a in args]
    value: Num = float(_nested(fine, function, real, orders))
    for k, arg in enumerate(args):
        if arg.imag:
            higher = [n + (i == k) for i, n in enumerate(orders)]
            value += complex(0, arg.imag * float(_nested(fine, function, real, higher)))
    return value


def _nested(
    arith: Arithmetic,
    function: Callable[[Arithmetic, Sequence[Num]], Num],
    args: Sequence[Num],
    orders: Sequence[int],
) -> Num:
    k = next((k for k, n in enumerate(orders) if n), None)
    if k is None:
        return function(arith, args)
    lower = [n - (i == k) for i, n in enumerate(orders)]
    return arith.derive(lambda h: _nested(arith, function, _moved(args, k, h), lower))


def _moved(args: Sequence[Num], position: int, step: Num) -> list[Num]:
    return [a + step if i == position else a for i, a in enumerate(args)]


# ── functions that branch, for any arithmetic ─────────────────────────────────────────────────────


def _abs(u: Num) -> Num:
    return u if u.real > 0 else -u if u.real < 0 else u * 0


def _sign(u: Num) -> Num:
    # Times 0 plus 1 keeps the type of the number.
    return u.real * 0 + (u.real > 0) - (u.real < 0)


def largest(values: Sequence[Num]) -> Num:
    """The maximum by real part; those that tie share the step.

    Raises:
        ValueError: if there are no values.
    """
    top = max(v.real for v in values)
    tied = [v for v in values if v.real == top]
    return tied[0] if len(tied) == 1 else sum(tied) / len(tied)


def smallest(values: Sequence[Num]) -> Num:
    """The minimum by real part; those that tie share the step."""
    return -largest([-v for v in values])


_BRANCHING: dict[str, Function] = {
    "abs": _abs,
    "sign": _sign,
    "maximum": lambda a, b: largest((a, b)),
    "minimum": lambda a, b: smallest((a, b)),
}


# ── floats ────────────────────────────────────────────────────────────────────────────────────────

_STEP = 1e-40


def _complex_step(function: Callable[[Num], Num]) -> float:
    return float(function(complex(0.0, _STEP)).imag / _STEP)


def _either(real: Callable[[float], float], analytic: Callable[[complex], complex]) -> Function:
    return lambda u: analytic(u) if isinstance(u, complex) else real(u)


def _log(u: complex) -> complex:
    if u.real <= 0:
        raise ValueError("log of a number that is not positive")
    return cmath.log(u)


def _sqrt(u: complex) -> complex:
    if u.real <= 0:
        raise ValueError("sqrt of a number that is not positive")
    return cmath.sqrt(u)


def _erf(u: complex) -> complex:
    """2/√π·∫ exp(-t²) dt, from 0 to Re u by the library and straight up to u by the midpoint."""
    middle = complex(u.real, u.imag / 2)
    rise = 2 / math.sqrt(math.pi) * cmath.exp(-middle * middle) * complex(0, u.imag)
    return math.erf(u.real) + rise


def _logaddexp(a: Num, b: Num) -> Num:
    """log(exp a + exp b), where both exponentials are too small for floats too: beside a border."""
    top = max(a.real, b.real)
    exp, log = _FLOAT_TABLE["exp"], _FLOAT_TABLE["log"]
    return top + log(exp(a - top) + exp(b - top))


_FLOAT_TABLE: dict[str, Function] = {
    "exp": _either(math.exp, cmath.exp),
    "log": _either(math.log, _log),
    "sqrt": _either(math.sqrt, _sqrt),
    "sin": _either(math.sin, cmath.sin),
    "cos": _either(math.cos, cmath.cos),
    "tan": _either(math.tan, cmath.tan),
    "atan": _either(math.atan, cmath.atan),
    "sinh": _either(math.sinh, cmath.sinh),
    "cosh": _either(math.cosh, cmath.cosh),
    "tanh": _either(math.tanh, cmath.tanh),
    "erf": _either(math.erf, _erf),
    "logaddexp": _logaddexp,
    "pi": lambda: math.pi,
    "infinity": lambda: math.inf,
    **_BRANCHING,
}

FLOAT = Arithmetic("float64, complex step", 1e-9, float, _FLOAT_TABLE, _complex_step, False)
"""64-bit floats; derivatives by complex step (Squire and Trapp 1998), exact to rounding."""


# ── 60 digits ─────────────────────────────────────────────────────────────────────────────────────

DIGITS = 60


@cache
def digits() -> Arithmetic:
    """Numbers of 60 digits, differences of fourth order: derivatives good to about 40 digits.

    A function and not a constant: mpmath is loaded by the first call.
    """
    import mpmath

    mp = mpmath.mp.clone()
    mp.dps = DIGITS
    step = mp.mpf(10) ** -10

    def lift(value: Fraction | int | float) -> Num:
        if isinstance(value, Fraction):
            return mp.mpf(value.numerator) / value.denominator
        return mp.mpf(value)

    def real_only(name: str) -> Function:
        function = getattr(mp, name)
        return lambda u: _domain(name, u, function)

    names = ("exp", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "erf")
    table: dict[str, Function] = {name: getattr(mp, name) for name in names}
    table |= {"log": real_only("log"), "sqrt": real_only("sqrt")}
    table |= {"pi": lambda: +mp.pi, "infinity": lambda: mp.inf}
    return Arithmetic(f"{DIGITS} digits, differences", 1e-20, lift, table | _BRANCHING,
                      lambda f: _differences(f, step), True)


def _domain(name: str, u: Num, function: Function) -> Num:
    if u < 0 or (u == 0 and name == "log"):
        raise ValueError(f"{name} of a number that is not positive")
    return function(u)


def _differences(function: Callable[[Num], Num], h: Num) -> Num:
    """The derivative at 0 from ±h, ±2h.

    Raises:
        Kink: if the second difference is of the order of h instead of h².
    """
    near, far = (function(h), function(-h)), (function(2 * h), function(-2 * h))
    slope = (8 * (near[0] - near[1]) - (far[0] - far[1])) / (12 * h)
    bend = (far[0] + far[1] - near[0] - near[1]) / h
    if abs(bend) > 1e-4 * (1 + abs(slope)) or abs(slope) > 1e8:
        raise Kink("the function has no derivative here")
    return slope
