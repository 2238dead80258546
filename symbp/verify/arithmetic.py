"""The numbers the oracle computes with: floats with complex step, and 60 digits with differences.

Where floats end (log(exp(a) + exp(b)) at a = b = -1e4, as written) numbers without a largest or smallest
exponent take their place, with complex step too: :func:`unbounded`.  None of them looks at a symbolic
derivative.  Branches compare real parts, so that an imaginary step rides along the branch that the real
value takes; at a tie the step is shared, as a tie is by convention (see ``kinks`` in
:mod:`symbp.functions`).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from symbp.verify.bundle import STEP, Bundle

Num = Any
"""float, complex, :class:`Bundle`, mpf or mpc: an arithmetic is a table of functions of such numbers."""

Function = Callable[..., Num]


class OutOfFloats(ArithmeticError):
    """A number is too small or too large for a float, and it is not known that this does no harm."""


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

def _complex_step(function: Callable[[Num], Num]) -> float:
    return float(function(complex(0.0, STEP)).imag / STEP)


def _either(real: Callable[[float], float], analytic: Callable[[complex], complex]) -> Function:
    def run(u: Num) -> Num:
        if isinstance(u, float):
            return real(u)
        if isinstance(u, complex):
            return analytic(u)
        if isinstance(u, Bundle):
            return u.through(analytic)
        if isinstance(u, int):
            return real(u)
        raise OutOfFloats("the argument is no float")

    return run


GRADUAL = (-746.0, -600.0)
"""Exponents whose exponentials, or the steps that they carry, have lost digits but are not yet 0."""


def _exp(u: Num) -> Num:
    if GRADUAL[0] < u.real < GRADUAL[1]:
        raise OutOfFloats("the exponential is too small for a float with all its digits")
    return _EXP(u)


_EXP = _either(math.exp, cmath.exp)


def _log(u: complex) -> complex:
    if u.real <= 0:
        raise ValueError(f"log of {u.real}, which is not positive")
    return cmath.log(u)


def _sqrt(u: complex) -> complex:
    if u == 0:
        return u  # nothing that moves acts on it: the distance of a point from itself
    if u.real <= 0:
        raise ValueError(f"sqrt of {u.real}, which is not positive")
    return cmath.sqrt(u)


def _erf(u: complex) -> complex:
    """2/√π·∫ exp(-t²) dt, from 0 to Re u by the library and straight up to u by the midpoint."""
    middle = complex(u.real, u.imag / 2)
    rise = 2 / math.sqrt(math.pi) * cmath.exp(-middle * middle) * complex(0, u.imag)
    return math.erf(u.real) + rise


def _logaddexp(a: Num, b: Num) -> Num:
    """log(exp a + exp b), where both exponentials are too small for floats too: beside a border."""
    top = max(a.real, b.real)
    return top + _FLOAT_TABLE["log"](_EXP(a - top) + _EXP(b - top))


_FLOAT_TABLE: dict[str, Function] = {
    "exp": _exp,
    # the exponential of a share: the largest is 1, and what else is lost is nothing beside it
    "share": _EXP,
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


# ── many digits, and exponents without end ────────────────────────────────────────────────────────

DIGITS = 60


@cache
def digits() -> Arithmetic:
    """Numbers of 60 digits, differences of fourth order: derivatives good to about 40 digits.

    A function and not a constant: mpmath is loaded by the first call.
    """
    lift, table = _mpmath(DIGITS)
    step = lift(10) ** -10
    return Arithmetic(f"{DIGITS} digits, differences", 1e-20, lift, table,
                      lambda f: _differences(f, step), True)


@cache
def unbounded(count: int) -> Arithmetic:
    """Numbers of ``count`` digits, complex step: for what floats are too small, too large or too coarse."""
    lift, table = _mpmath(count)

    def derive(function: Callable[[Num], Num]) -> Num:
        return as_float(function(lift(complex(0.0, STEP))).imag / lift(STEP))

    return Arithmetic(f"{count} digits, complex step", 1e-9, lift, table, derive, False)


PRECISIONS = (DIGITS, 10 * DIGITS, 10_000)
"""Digits for :func:`unbounded`, in the order of trying: 1 - tanh(u)² at u = 1e4 has 8686 zeros in front."""


def as_float(value: Num) -> Num:
    """The float or complex of the same value; the number as it is where none has its digits."""
    real, imag = value.real, value.imag
    if all(part == 0 or 1e-290 < abs(part) < 1e290 for part in (real, imag)):
        return complex(value) if imag else float(real)
    return value


def _mpmath(count: int) -> tuple[Callable[[Any], Num], dict[str, Function]]:
    import mpmath

    mp = mpmath.mp.clone()
    mp.dps = count

    def lift(value: Any) -> Num:
        if isinstance(value, Fraction):
            return mp.mpf(value.numerator) / value.denominator
        return mp.convert(value)

    def real_only(name: str) -> Function:
        function = getattr(mp, name)
        return lambda u: _domain(name, u, function)

    names = ("exp", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "erf")
    table: dict[str, Function] = {name: getattr(mp, name) for name in names}
    table |= {"log": real_only("log"), "sqrt": real_only("sqrt"), "share": mp.exp}
    table |= {"pi": lambda: +mp.pi, "infinity": lambda: mp.inf}
    return lift, table | _BRANCHING


def _domain(name: str, u: Num, function: Function) -> Num:
    if u.real < 0 or (u.real == 0 and (name == "log" or u.imag)):
        raise ValueError(f"{name} of {as_float(u.real)}, which is not positive")
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
