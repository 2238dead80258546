"""Pieces of Python text: how tightly they bind, numbers, axes put in order and inserted."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from symbp.arrays.nodes import Apply, Elementwise, IndexValue, Labels, Node, Num
from symbp.calculus.affine import Affine, FloorDiv, Monomial, Size, affine
from symbp.errors import SymbpError

COND, LOGIC, COMPARE, SUM, MATMUL, PRODUCT, SIGN, POWER, ATOM = range(9)
"""Precedence, loosest first.  ``@`` stands below ``*`` so that a product shows its brackets."""


@dataclass(frozen=True, slots=True)
class Code:
    """A piece of Python and how tightly it binds."""

    text: str
    tightness: int = ATOM

    def at(self, tightness: int) -> str:
        """The text, in brackets if it binds more loosely than its surroundings."""
        return self.text if self.tightness >= tightness else f"({self.text})"


COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
MATH = ("exp", "log", "sqrt", "sin", "cos", "tan", "atan", "sinh", "cosh", "tanh", "log1p", "expm1", "erf")
"""Functions that Python's math module has under the same name."""


def number(value: Fraction) -> Code:
    """A number as Python writes it; what has no short decimal form is a quotient."""
    if value < 0:
        return Code(f"-{number(-value).text}", SUM)
    if value.denominator == 1:
        return Code(_whole_number(value.numerator))
    if Fraction(repr(float(value))) == value:
        return Code(repr(float(value)))
    return Code(f"{value.numerator}/{value.denominator}", PRODUCT)


def _whole_number(value: int) -> str:
    digits = str(value)
    tail = len(digits) - len(digits.rstrip("0"))
    return f"{digits[:-tail]}e{tail}" if tail >= 6 else digits


def whole_power(base: Code, exponent: int) -> Code | None:
    """u*u*u for u**3, (u**2)**2 for u**4: NumPy squares and multiplies much faster than it takes powers.

    None where a power is as good, or where u would be computed twice.
    """
    named = re.fullmatch(r"\w+(\[[^\[\]]*\])?", base.text) is not None
    if exponent == 3 and named:
        text = "*".join([base.text] * 3) if len(base.text) < 5 else f"{base.text}*{base.text}**2"
        return Code(text, PRODUCT)
    if exponent == 4:
        return Code(f"({base.at(ATOM)}**2)**2", POWER)
    return None


def is_constant(node: Node) -> bool:
    """Whether a value is made of numbers and sizes alone: then Python computes it."""
    match node:
        case Num():
            return True
        case IndexValue(_, labels):
            return not labels
        case Elementwise(_, args) | Apply(_, args):
            return all(map(is_constant, args))
        case _:
            return False


def is_fixed(node: Node) -> bool:
    """Whether a value is a number that sizes and constants alone make, the same in every turn of a loop."""
    match node:
        case Num():
            return True
        case IndexValue(value, labels):
            return not labels and not list(value.indices())
        case Elementwise(_, args) | Apply(_, args):
            return is_constant(node) and all(map(is_fixed, args))
        case _:
            return False


def axis_text(axes: tuple[int, ...], rank: int) -> str:
    if len(axes) == 1:
        return "-1" if axes[0] == rank - 1 and rank > 2 else str(axes[0])
    return f"({', '.join(map(str, sorted(axes)))})"


def arranged(code: Code, have: Labels, want: Labels) -> Code:
    """Axes brought into order by a transposed view."""
    if have == want:
        return code
    if set(have) != set(want):
        raise SymbpError("an array has other axes than its place needs: this is a defect of symbp")
    order = tuple(have.index(i) for i in want)
    text = code.at(ATOM)
    if len(order) == 2:
        return Code(f"{text}.T")
    moved = [k for k, o in enumerate(order) if k != o]
    if len(moved) == 2:
        a, b = moved
        last = b == len(order) - 1 and a == b - 1
        return Code(f"{text}.swapaxes({'-1, -2' if last else f'{a}, {b}'})")
    return Code(f"{text}.transpose({', '.join(map(str, order))})")


def expanded(code: Code, have: Labels, want: Labels) -> Code:
    """Axes inserted where broadcasting does not add them: behind an axis that is there."""
    if not have or len(have) == len(want):
        return code
    first = want.index(have[0])
    shape = [":" if i in have else "None" for i in want[first:]]
    if "None" not in shape:
        return code
    while shape[-1] == ":" and len(shape) > 1:
        shape.pop()
    return Code(f"{code.at(ATOM)}[{', '.join(shape)}]")


def sizes_in(value: Affine) -> list[Affine]:
    """The positions and quotients inside the atoms of an affine integer."""
    out: list[Affine] = []
    for atom, _ in value.terms:
        if isinstance(atom, Size):
            out.extend(atom.at)
        elif isinstance(atom, FloorDiv):
            out.append(atom.value)
        elif isinstance(atom, Monomial):
            out.extend(inner for f in atom.factors for inner in sizes_in(affine(f)))
    return out
