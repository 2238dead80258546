"""Products over products as lines that compute in place: numbers are combined, thin factors taken first."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from symbp.arrays.buffers import Kind
from symbp.arrays.nodes import Elementwise, Labels, Node
from symbp.emit.numpy_fraction import bare_flag, is_truth, quotient, thin
from symbp.emit.numpy_rooms import number_name
from symbp.emit.numpy_text import ATOM, PRODUCT, SIGN, Code, expanded, is_fixed

if TYPE_CHECKING:
    from symbp.emit.numpy_into import IntoWriter


@dataclass(frozen=True, slots=True)
class Value:
    """What an operand is: its text, the labels of its axes in order, its kind."""

    code: Code
    have: Labels
    what: Kind
    fixed: bool = False
    """Whether it is a number that is the same in every call."""

    def aligned(self, labels: Labels) -> str:
        """The text so that it broadcasts against ``labels``."""
        return expanded(self.code, self.have, labels).text


def fraction_into(writer: IntoWriter, node: Elementwise, want: Labels) -> Code:
    """Products over products; numbers are multiplied by Python, and divided by once.

    A factor with fewer axes than the others takes them: it has fewer elements.
    """
    top, bottom, negative, real = quotient(node, lambda n: writer.named_already(n, want))
    factors = [bare_flag(n, real) for n in top]
    least = thin(factors)
    small = [n for n in factors if n in least or not (n.labels or is_truth(n))] if least else factors
    divisor = _numbers(writer, bottom)
    if negative and divisor is not None and divisor.fixed and any(n.labels for n in small):
        divisor, negative = writer.negative(divisor), False
    if divisor is not None and not least and _has_thin(bottom, want):
        value = _product(writer, small, want, negative)
        (below,) = _arrays(writer, bottom, want)
        return writer.both("/", value, writer.both("*", below, divisor, want), want).code
    over = _numerator(writer, small) if divisor is not None and divisor.fixed else None
    if over is not None:
        small, factors = ([n for n in part if n.labels or is_truth(n)] for part in (small, factors))
    value = _product(writer, small, want, negative)
    value = value if divisor is None else _divided(writer, value, divisor, want, over)
    if len(small) < len(factors):
        value = writer.both("*", _product(writer, [n for n in factors if n not in small], want), value, want)
    for part in _arrays(writer, bottom, want):
        value = writer.both("/", value, part, want)
    return value.code


def _product(writer: IntoWriter, factors: Sequence[Node], want: Labels, negative: bool = False) -> Value:
    """The arrays multiplied in their order, then the numbers, which take the sign; a truth value times
    2 is an integer."""
    arrays = _arrays(writer, factors, want)
    truths = [n for n in factors if arrays and not n.labels and is_truth(n)]
    number = _numbers(writer, [n for n in factors if n not in truths])
    if negative and number is not None and number.fixed:
        number, negative = writer.negative(number), False
    parts = [*arrays, number, *(Value(writer.write(n, ()), (), "other") for n in truths)]
    found = [p for p in parts if p is not None] or [Value(Code("1"), (), "other", True)]
    value = found[0]
    for part in found[1:]:
        value = writer.both("*", value, part, want)
    return writer.negative(value) if negative else value


def _arrays(writer: IntoWriter, factors: Sequence[Node], want: Labels) -> list[Value]:
    """The product of the factors that have axes, in a list; an empty one if there are none."""
    value: Value | None = None
    for node in factors:
        if node.labels:
            part = writer.value(node, want)
            value = part if value is None else writer.both("*", value, part, want)
    return [] if value is None else [value]


def _numbers(writer: IntoWriter, factors: Sequence[Node]) -> Value | None:
    """The product of the factors that are numbers."""
    numbers = [n for n in factors if not n.labels]
    if not numbers:
        return None
    texts = [writer.write(n, ()).at(PRODUCT if k == 0 else SIGN) for k, n in enumerate(numbers)]
    code = Code("*".join(texts), ATOM if len(texts) == 1 else PRODUCT)
    return Value(code, (), "other", all(map(is_fixed, numbers)))


def _numerator(writer: IntoWriter, factors: Sequence[Node]) -> Value | None:
    """The numbers among factors, if these are arrays and numbers that are the same in every call."""
    numbers = [n for n in factors if not (n.labels or is_truth(n))]
    return _numbers(writer, numbers) if len(numbers) < len(factors) and all(map(is_fixed, numbers)) else None


def _divided(writer: IntoWriter, value: Value, by: Value, want: Labels, over: Value | None = None) -> Value:
    """A value over a number; one that is the same in every call multiplies, which is much faster.

    ``over`` is a number that multiplies it, too.
    """
    if not (by.fixed and value.have and value.what == "real"):
        value = value if over is None else writer.both("*", value, over, want)
        return writer.both("/", value, by, want)
    writer.needs.dtype = True
    top = "1" if over is None else over.code.at(PRODUCT)
    begins = f"np.asarray({top}/{writer.names['#dtype']}.type({by.code.text}))"
    stem = re.sub("(float|number)_", "", number_name(by.code.text))
    name = f"inverse_{stem}" if over is None else f"{number_name(over.code.text)}_over_{stem}"
    inverse = writer.owner.rooms.constant(name, begins, writer.owner.unused)
    labels = tuple(i for i in want if i in value.have)
    code = writer.operation("np.multiply", [value.aligned(labels), inverse], labels, "real")
    return Value(code, labels, "real")


def _has_thin(divisors: Sequence[Node], want: Labels) -> bool:
    """Whether the product of divisors is an array with fewer axes than the quotient: it takes numbers."""
    labels = {i for n in divisors for i in n.labels}
    return 0 < len(labels) < len(want)
