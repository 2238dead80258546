"""Numbers that carry a step in many directions at once: one evaluation gives a whole gradient.

A complex step tells one derivative for each evaluation.  A bundle has one real part and a step for
each direction; what an elementary function does to a step is found by its complex step at that real
part.  No symbolic derivative takes part.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

STEP = 1e-40
"""The imaginary step: so small that its square is nothing beside 1."""


class Bundle:
    """``real`` is a float, ``imag`` an array with one step for each direction; both are never changed."""

    __slots__ = ("imag", "real")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, real: float, imag: Any) -> None:
        self.real, self.imag = real, imag

    def through(self, analytic: Callable[[complex], complex]) -> Bundle:
        """An elementary function of it; ``analytic`` is that function of complex numbers."""
        value = analytic(complex(self.real, STEP))
        return Bundle(value.real, self.imag * (value.imag / STEP))

    def __add__(self, other: Any) -> Bundle:
        if isinstance(other, Bundle):
            return Bundle(self.real + other.real, self.imag + other.imag)
        return Bundle(self.real + other, self.imag)

    __radd__ = __add__

    def __neg__(self) -> Bundle:
        return Bundle(-self.real, -self.imag)

    def __sub__(self, other: Any) -> Bundle:
        if isinstance(other, Bundle):
            return Bundle(self.real - other.real, self.imag - other.imag)
        return Bundle(self.real - other, self.imag)

    def __rsub__(self, other: float) -> Bundle:
        return Bundle(other - self.real, -self.imag)

    def __mul__(self, other: Any) -> Bundle:
        if isinstance(other, Bundle):
            return Bundle(self.real * other.real, self.imag * other.real + other.imag * self.real)
        return Bundle(self.real * other, self.imag * other)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Bundle:
        if isinstance(other, Bundle):
            ratio = self.real / other.real
            return Bundle(ratio, (self.imag - other.imag * ratio) / other.real)
        return Bundle(self.real / other, self.imag / other)

    def __rtruediv__(self, other: float) -> Bundle:
        ratio = other / self.real
        return Bundle(ratio, self.imag * (-ratio / self.real))

    def __eq__(self, other: object) -> bool:
        """Whether it is this very number: without a step."""
        return bool(self.real == other and not self.imag.any())


def directions(count: int) -> list[Bundle]:
    """Nothing, moved by 1 in each of ``count`` directions."""
    import numpy as np

    return [Bundle(0.0, row) for row in np.eye(count)]
