"""One element of an array expression as Python text, its labels being indices of loops around it.

What NumPy says for whole arrays is said here for one number: a view is an element at positions, a gather an
element at an element, ``np.where`` a conditional expression.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Protocol

from symbp import functions
from symbp.arrays.nodes import (
    Apply,
    At,
    Choice,
    Contract,
    Elementwise,
    Fold,
    IndexValue,
    Load,
    Local,
    Node,
    Num,
    Select,
    Span,
    Subscript,
    Take,
    Window,
)
from symbp.calculus.affine import Affine, affine
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_fraction import quotient
from symbp.emit.numpy_index import whole_list
from symbp.emit.numpy_names import user_name
from symbp.emit.numpy_text import (
    ATOM,
    COMPARE,
    COMPARISONS,
    COND,
    LOGIC,
    MATMUL,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Code,
    number,
)
from symbp.errors import SymbpError


class Reducer(Protocol):
    """Who writes the loops of a reduction before the line that reads its value."""

    def reduction(self, node: Contract | Fold) -> Code:
        """The name of the value."""


@dataclass
class Scalars:
    """Writes elements; ``writer`` knows the names of arrays, sizes and indices.

    ``unpadded`` are the keys of families that are tuples of the caller's: they have no padding in front.
    """

    writer: Writer
    reducer: Reducer | None = None
    unpadded: frozenset[str] = frozenset()
    members: Mapping[str, str] = field(default_factory=dict)
    """Names for members of lists, by how the member is written."""

    def write(self, node: Node) -> Code:
        """The element of a value at the present indices.

        Raises:
            SymbpError: for what has no form as one element.
        """
        match node:
            case Num(value):
                return number(value)
            case IndexValue(value):
                return self.writer.integer(value, spaced=True)
            case Load():
                return self.load(node)
            case Local(name, labels):
                return self.at(name, [self.writer.integer(affine(i) - i.low) for i in labels])
            case Elementwise():
                return self.elementwise(node)
            case Apply():
                return self.apply(node)
            case Choice(cond, then, other):
                return self.either(cond, then, other)
            case Select(Local(name, labels), label, ids):
                places = [
                    self.write(ids) if i == label else self.writer.integer(affine(i) - i.low) for i in labels
                ]
                return self.at(name, places)
            case Contract() | Fold() if self.reducer is not None:
                return self.reducer.reduction(node)
            case _:
                raise SymbpError(f"a loop has no form of {type(node).__name__}")

    # ── elements of arrays ────────────────────────────────────────────────────────────────────────

    def load(self, node: Load) -> Code:
        storage = self.writer.storages[node.key]
        if storage.nested:
            text = self.member(node)
            return self.at(self.members.get(text, text), [self.position(p) for p in node.subscripts[1:]])
        places = [self.position(p) for p in node.subscripts]
        if storage.listed:
            places[0] = self.in_list(node)
        return self.at(self.writer.names[node.key], places)

    def member(self, node: Load) -> str:
        """The array in a list that is read or written."""
        return f"{self.writer.names[node.key]}[{self.in_list(node).text}]"

    def in_list(self, node: Load) -> Code:
        """Where in a list the member stands."""
        storage, head = self.writer.storages[node.key], node.subscripts[0]
        if not isinstance(head, At):
            raise whole_list(node, storage)
        axis = storage.layout[0]
        gap = storage.axes[axis].low - storage.base[axis] if node.key in self.unpadded else Affine()
        return self.writer.integer(head.position - gap)

    def at(self, name: str, places: list[Code]) -> Code:
        return Code(f"{name}[{', '.join(p.text for p in places)}]" if places else name)

    def position(self, s: Subscript) -> Code:
        """Where a subscript stands for the present indices, counted from 0."""
        match s:
            case At(position):
                return self.writer.integer(position)
            case Span(label, start, step):
                return self.writer.integer(start + (affine(label) - label.low) * step)
            case Window(labels, start, steps):
                moved = ((affine(i) - i.low) * step for i, step in zip(labels, steps, strict=True))
                return self.writer.integer(sum(moved, start))
            case Take(ids):
                return self.write(ids)

    # ── operations ────────────────────────────────────────────────────────────────────────────────

    def elementwise(self, node: Elementwise) -> Code:
        match node.op, node.args:
            case "+", terms:
                return self.sum(terms)
            case ("*" | "/" | "neg"), _:
                return self.product(node)
            case "**", (base, exponent):
                return self.power(base, exponent)
            case "where", (cond, then, other):
                return self.either(cond, then, other)
            case "flag", (cond,):
                return Code(f"1.0 if {self.write(cond).at(LOGIC)} else 0.0", COND)
            case "cast", (arg,):
                return Code(f"float({self.write(arg).text})")
            case "clip", (arg, first, last):
                ids, low, high = (self.write(a).text for a in (arg, first, last))
                return Code(f"min(max({ids}, {low}), {high})")
            case ("spread" | "copy"), (arg,):
                return self.write(arg)
            case "not", (arg,):
                return Code(f"not {self.write(arg).at(COMPARE)}", LOGIC)
            case ("and" | "or") as op, args:
                return Code(f" {op} ".join(self.write(a).at(COMPARE) for a in args), LOGIC)
            case op, (left, right) if op in COMPARISONS:
                return Code(f"{self.write(left).at(SUM)} {op} {self.write(right).at(SUM)}", COMPARE)
            case _:
                raise SymbpError(f"a loop has no form of the operation {node.op}")

    def either(self, cond: Node, then: Node, other: Node) -> Code:
        """Of two values the one that a condition chooses; the other one is not computed."""
        texts = self.write(then).at(LOGIC), self.write(cond).at(LOGIC), self.write(other).at(LOGIC)
        return Code(f"{texts[0]} if {texts[1]} else {texts[2]}", COND)

    def sum(self, terms: tuple[Node, ...]) -> Code:
        out = ""
        for term in terms:
            minus = isinstance(term, Elementwise) and term.op == "neg"
            code = self.write(term.args[0] if isinstance(term, Elementwise) and minus else term)
            text = code.at(MATMUL if minus or out else SUM)
            out += f" {'-' if minus else '+'} {text}" if out else f"-{text}" if minus else text
        return Code(out, SUM)

    def product(self, node: Elementwise) -> Code:
        top, bottom, negative, _ = quotient(node)
        text = "*".join(self.write(n).at(PRODUCT) for n in top) or "1"
        if bottom:
            below = [self.write(n) for n in bottom]
            product = "*".join(b.at(PRODUCT) for b in below)
            text += f"/{below[0].at(SIGN)}" if len(below) == 1 else f"/({product})"
        return Code(f"-{text}", SUM) if negative else Code(text, PRODUCT)

    def power(self, base: Node, exponent: Node) -> Code:
        below = self.write(base)
        if not isinstance(exponent, Num):
            return Code(f"{below.at(ATOM)}**{self.write(exponent).at(ATOM)}", POWER)
        value = exponent.value
        if value < 0:
            inverse = self.power(base, Num(-value))
            return Code(f"1/{inverse.at(SIGN)}", PRODUCT)
        if value == Fraction(1, 2):
            return Code(f"np.sqrt({below.text})")
        return below if value == 1 else Code(f"{below.at(ATOM)}**{number(value).at(ATOM)}", POWER)

    def apply(self, node: Apply) -> Code:
        args = [self.write(a).text for a in node.args]
        record = functions.BY_NAME.get(node.function)
        if record is None or any(node.orders):
            orders = node.orders if any(node.orders) else ()
            self.writer.needs.users[(node.function, orders)] = None
            return Code(f"{user_name(node.function, orders)}({', '.join(args)})")
        return Code(record.numpy.format(*args))
