"""Expressions as one NumPy call a line, each with the array that takes its result.

Where the plain form writes ``a[l] = sigmoid(a[l-1] @ w[l].T + b[l])``, this one writes a line for each
operation and computes in place where it can.  An array begins as None: NumPy makes it in the first call.
What has no such form is written as in the plain form; it allocates, and is as right.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from symbp import functions
from symbp.arrays.buffers import Kind, kind
from symbp.arrays.logspace import pulled
from symbp.arrays.nodes import (
    Apply,
    Choice,
    Contract,
    Elementwise,
    Fold,
    IndexValue,
    Labels,
    Load,
    LoopSum,
    Node,
    Normalised,
    Num,
    Step,
    Winners,
)
from symbp.calculus.affine import Affine, Index, known_le
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_fold import FOLDED
from symbp.emit.numpy_fraction import bare, signed
from symbp.emit.numpy_into_fold import extreme_into, fold_into, total_into
from symbp.emit.numpy_into_fraction import Value, fraction_into
from symbp.emit.numpy_into_index import positions_into, row_into, take_into, takes
from symbp.emit.numpy_into_product import contraction_into
from symbp.emit.numpy_logspace import arguments, called
from symbp.emit.numpy_pooling import winners_into
from symbp.emit.numpy_rooms import TARGET, Room, Rooms, number_name
from symbp.emit.numpy_text import (
    ATOM,
    COMPARISONS,
    SIGN,
    Code,
    arranged,
    expanded,
    is_constant,
    is_fixed,
)

COMPARED = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal",
            "==": "equal", "!=": "not_equal"}  # fmt: skip
UFUNCS = {"+": "np.add", "-": "np.subtract", "*": "np.multiply", "/": "np.divide"}


FORM = re.compile(r"((?:np\.)?\w+)\(([^()]*)\)")
"""A call of one function with plain arguments: the result's array can be one more."""

BRACKETS = re.compile(r"\[[^\[\]()]*\]|\([^\[\]()]*\)")
"""A pair without another in it."""
PRIMARY = re.compile(r"[^\W\d][\w.]*$|\0$")
"""A name, or attributes and parts of what has one, without their brackets."""


class Owner(Protocol):
    """What a writer asks of the function that it writes for."""

    rooms: Rooms

    @property
    def repeated(self) -> bool:
        """Whether loops are around this place."""

    def spare(self, groups: Sequence[Labels], what: Kind, whole: bool = False) -> Room:
        """An array with an axis for each group of labels."""

    def shape_key(self, groups: Sequence[Labels], what: Kind) -> str:
        """The shape and kind of an array as text; arrays with the same are interchangeable."""

    def mask(self, labels: Labels) -> str:
        """The name of an array of truth values that is there from the first call on, or None."""

    def lies(self, node: Node) -> Labels:
        """The axes of a value in the order in which they lie in memory."""

    def read_as_matrix(self, node: Node, first: Labels, second: Labels) -> None:
        """Take notice that a value is read as a matrix with several axes as one."""

    def unused(self, stem: str) -> str:
        """A name that nothing has."""

    def turned(self, lines: list[str], node: Node, text: str, order: Labels) -> str:
        """The name of a copy in another order that stays; ``lines`` are those before this place."""


@dataclass
class IntoWriter(Writer):
    """Writes lines for what it computes; what is left of an expression is the name of its result."""

    owner: Owner = field(kw_only=True)
    own: dict[str, Room] = field(default_factory=dict)
    """Arrays that hold a value of this statement alone: they may be overwritten."""
    target: Labels | None = None
    """The labels of the statement's target while it is free to hold a part of the value."""
    target_in_one_piece: bool = True
    target_name: str = ""
    """The name of the target if it is a variable that every call makes once: it may be a view."""
    target_is_stack: bool = False
    """Whether a stack of products was written into the target, which may lie in another order for that."""
    inside: bool = False

    # ── rooms ─────────────────────────────────────────────────────────────────────────────────────

    def room(self, labels: Labels, what: Kind, whole: bool = False) -> str:
        """An array for a value with these labels; the target if it fits and is free.

        ``whole``: it has to lie in memory in the order of the labels.
        """
        if self.target == labels and what == "real" and (self.target_in_one_piece or not whole):
            self.target = None
            self.own[TARGET] = Room(TARGET, self.owner.shape_key(singly(labels), what))
            return TARGET
        return self.spare(singly(labels), what, whole)

    def spare(self, groups: Sequence[Labels], what: Kind = "real", whole: bool = False) -> str:
        """An array that is not the target, with an axis for each group of labels."""
        room = self.owner.spare(groups, what, whole)
        self.own[room.text] = room
        return room.text

    def as_target(self, view: Code, labels: Labels) -> Code:
        """A view as the target, whose own its array is."""
        self.target = None
        self.own[TARGET] = Room(TARGET, self.owner.shape_key(singly(labels), "real"))
        self.lines.append(f"{TARGET} = {view.text}")
        return Code(TARGET)

    def call(
        self, function: str, args: Sequence[str], out: str, new: bool = True, keyword: str = ""
    ) -> Code:
        """One line; ``new`` if the array may not be there yet."""
        there = not new or out not in self.own or self.own[out].kept
        # NumPy deprecates the third positional argument of these two alone
        keyword = "out=" if function in ("np.maximum", "np.minimum") else keyword
        head, args = called_on(function, args)
        text = f"{head}({', '.join((*args, keyword + (out if there else 'None')))})"
        self.lines.append(f"{out} = {text}" if new else text)
        return Code(out)

    def used_up(self, *texts: str) -> None:
        """Operands that nothing reads any more."""
        for text in dict.fromkeys(texts):
            if text != TARGET and text in self.own:
                self.owner.rooms.give_back([self.own.pop(text)])

    def operation(self, function: str, texts: Sequence[str], labels: Labels, what: Kind) -> Code:
        """A ufunc; an operand that is a free array as large as the result takes it."""
        shape = self.owner.shape_key(singly(labels), what)
        mine = [t for t in texts if what == "real" and t in self.own and self.own[t].shape == shape]
        out = TARGET if TARGET in mine else mine[0] if mine else ""
        code = self.call(function, texts, out or self.room(labels, what), new=not out)
        self.used_up(*(t for t in texts if t != code.text))
        return code

    def done(self) -> None:
        """Everything but the target is free again."""
        self.used_up(*list(self.own))

    # ── which node becomes which call ─────────────────────────────────────────────────────────────

    def spell(self, node: Node, want: Labels, whole: bool = False) -> Code:
        if self.inside or whole:
            return super().spell(node, want, whole)
        if not want:
            return total_into(self, node) or super().spell(node, ())
        match node:
            case Elementwise(op) if op in COMPARISONS or op in ("and", "or", "not"):
                return self.truth(node, want)
            case Elementwise():
                return self.arithmetic(node, want)
            case Apply():
                return self.function(node, want)
            case Contract() if pulled(node) is None:
                return contraction_into(self, node, want)
            case Fold(op) if op in FOLDED:
                return fold_into(self, node, want)
            case Normalised("argmax" | "argmin") if len(want) > 1:
                return extreme_into(self, node, want)
            case Winners():
                return winners_into(self, node, want)
            case Load() if takes(self, node):
                return take_into(self, node, want)
            case Step():
                return self.step(node, want)
            case _:
                return super().spell(node, want, whole)

    def arithmetic(self, node: Elementwise, want: Labels) -> Code:
        what = kind(node, self.storages)
        match node.op, node.args:
            case "+", terms:
                return self.total(terms, want).code
            case ("*" | "/" | "neg"), _:
                return fraction_into(self, node, want)
            case "**", (base, Num(value)) if value == 2:
                return self.operation("np.square", [self.aligned(base, want).text], want, what)
            case "**", (base, Num(value)) if value.denominator == 1 and value > 0:
                return self.powers(self.aligned(base, want).text, int(value), want, what)
            case "where", (cond, then, other) if not (is_constant(then) and is_constant(other)):
                return self.where(cond, then, other, want, what)
            case ("cast" | "flag"), (arg,):
                return self.copied(self.write(arg, want).text, want)
            case "copy", (arg,):
                code = self.copied(self.write(arg, node.labels).text, node.labels)
                return arranged(code, node.labels, want)
            case _:
                return super().spell(node, want)

    def step(self, node: Step, want: Labels) -> Code:
        """What the steps of a loop keep, in the array that takes it."""
        texts = arguments(self, node)
        if node.labels != want:
            return super().spell(node, want)
        code = self.call(called(self, node), texts, self.room(want, "real"))
        self.used_up(*texts)
        return code

    def powers(self, base: str, exponent: int, want: Labels, what: Kind) -> Code:
        """A whole power by squares and products, which NumPy computes much faster than powers."""
        if exponent % 2 == 0:
            half = Code(base) if exponent == 2 else self.powers(base, exponent // 2, want, what)
            return self.operation("np.square", [half.text], want, what)
        square = self.call("np.square", [base], self.spare(singly(want), what))
        while (exponent := exponent - 2) > 1:
            self.call("np.multiply", [square.text, base], square.text, new=False)
            self.call("np.multiply", [square.text, base], square.text, new=False)
        return self.operation("np.multiply", [square.text, base], want, what)

    def apart(self, node: LoopSum | Choice, want: Labels) -> Code:
        kept, self.inside = self.inside, True
        try:
            return super().apart(node, want)
        finally:
            self.inside = kept

    def index_value(self, node: IndexValue, want: Labels, whole: bool) -> Code:
        return positions_into(self, node, want, whole)

    def positions(self, axis: Index) -> Code:
        return row_into(self, super().positions(axis), axis)

    # ── sums and products ─────────────────────────────────────────────────────────────────────────

    def value(self, node: Node, want: Labels) -> Value:
        """An operand with those of the axes ``want`` that it has."""
        have = tuple(i for i in want if i in node.labels)
        return Value(self.write(node, want), have, kind(node, self.storages), is_fixed(node))

    def total(self, terms: Sequence[Node], want: Labels) -> Value:
        """Terms one after the other, each in the array of the sum before where it is large enough."""
        parts = [signed(t) for t in terms]
        if parts[0][0] == "-" and len(parts) > 1 and parts[1][0] == "+":
            parts[0], parts[1] = parts[1], parts[0]
        sign, first = parts[0]
        value = self.value(first, want)
        if sign == "-":
            value = self.negative(value)
        for sign, term in parts[1:]:
            term = bare(term) if value.what == "real" else term
            value = self.both(sign, value, self.value(term, want), want)
        return value

    def negative(self, value: Value) -> Value:
        if not value.have:
            return Value(Code(f"-{value.code.at(SIGN)}", SIGN), (), value.what, value.fixed)
        code = self.operation("np.negative", [value.code.text], value.have, value.what)
        return Value(code, value.have, value.what)

    def both(self, sign: str, left: Value, right: Value, want: Labels) -> Value:
        """Two values combined, by Python if both are numbers."""
        what: Kind = "real" if "real" in (left.what, right.what) else "other"
        labels = tuple(i for i in want if i in left.have or i in right.have)
        if not labels:
            fixed = left.fixed and right.fixed
            return Value(Code(f"({left.code.text} {sign} {right.code.at(ATOM)})"), (), what, fixed)
        kept = what == "real"
        texts = [self.fixed(v.code.text) if kept and v.fixed else v.aligned(labels) for v in (left, right)]
        return Value(self.operation(UFUNCS[sign], texts, labels, what), labels, what)

    def fixed(self, text: str) -> str:
        """A number as an array that stays: NumPy need not make one of a number of Python in each call."""
        self.needs.dtype = True
        begins = f"np.asarray({text}, {self.names['#dtype']})"
        return self.owner.rooms.constant(number_name(text), begins, self.owner.unused)

    def numerals(self, texts: Sequence[str]) -> list[str]:
        """Operands of a function of real numbers, numbers as arrays that stay."""
        return [self.fixed(t) if re.fullmatch(r"-?\d+(\.\d+)?", t) else t for t in texts]

    # ── choices, truth values, copies ─────────────────────────────────────────────────────────────

    def where(self, cond: Node, then: Node, other: Node, want: Labels, what: Kind) -> Code:
        """``other`` where it may lie already, overwritten by ``then`` where the condition holds."""
        kept, self.target = self.target, None
        texts = [self.aligned(n, want).text for n in (cond, then)]
        self.target = kept
        texts.append(self.aligned(other, want).text)
        self.needs.helpers["_where"] = None
        shape = self.owner.shape_key(singly(want), what)
        there = shape != "" and texts[2] in self.own and self.own[texts[2]].shape == shape
        code = self.call("_where", texts, texts[2] if there else self.room(want, what), new=not there)
        self.used_up(*(t for t in texts if t != code.text))
        return code

    def truth(self, node: Elementwise, want: Labels) -> Code:
        """Comparisons, and what is made of them."""
        if node.op in COMPARISONS:
            whole = any(isinstance(a, IndexValue) for a in node.args)
            values = [self.write(a, want, whole) for a in node.args]
            haves = [tuple(i for i in want if i in a.labels) for a in node.args]
            texts = [expanded(v, h, want).text for v, h in zip(values, haves, strict=True)]
            if any(a.labels and kind(a, self.storages) == "real" for a in node.args):
                texts = self.numerals(texts)
            return self.operation(f"np.{COMPARED[node.op]}", texts, want, "bool")
        texts = [self.aligned(a, want).text for a in node.args]
        if len(texts) == 1:
            return self.operation("np.logical_not", texts, want, "bool")
        code = Code(texts[0])
        for text in texts[1:]:
            code = self.operation(f"np.logical_{node.op}", [code.text, text], want, "bool")
        return code

    def copied(self, text: str, want: Labels) -> Code:
        """A copy in the type of the arguments, in the order of ``want``."""
        self.needs.helpers["_copied"] = None
        self.needs.dtype = True
        code = self.call("_copied", [text, self.names["#dtype"]], self.room(want, "real"))
        self.used_up(text)
        return code

    # ── functions and reductions ──────────────────────────────────────────────────────────────────

    def function(self, node: Apply, want: Labels) -> Code:
        if node.function == "sigmoid" and not any(node.orders):
            return self.sigmoid(node, want)
        record = functions.BY_NAME.get(node.function)
        form = FORM.fullmatch(record.numpy) if record is not None else None
        constant = all(is_constant(a) for a in node.args)
        if record is None or form is None or constant or any(node.orders):
            return super().spell(node, want)
        if record.helper or node.function == "erf":
            self.needs.helpers[node.function] = None
        texts = [self.aligned(a, want).text for a in node.args]
        if record.helper and "out=None" not in record.helper:
            return Code(record.numpy.format(*texts))
        filled, what = [part.format(*texts) for part in form[2].split(", ")], kind(node, self.storages)
        return self.operation(form[1], self.numerals(filled) if what == "real" else filled, want, what)

    def sigmoid(self, node: Apply, want: Labels) -> Code:
        """1/(1 + exp(-u)) in one array; where exp(-u) is inf, which is no news, the quotient is 0."""
        what, arg = kind(node, self.storages), node.args[0]
        opposite = Elementwise("neg", (arg,), arg.labels)  # -(-u) is written u
        code = self.operation("np.exp", [self.aligned(opposite, want).text], want, what)
        code = self.operation("np.add", [code.text, self.fixed("1")], want, what)
        self.needs.overflow = True
        # np.reciprocal takes twice as long
        return self.operation("np.divide", [self.fixed("1"), code.text], want, what)

    def extent(self, labels: Labels) -> str:
        """How many elements these axes have together."""
        parts = [self.integer(i.extent, spaced=True) for i in labels]
        return "*".join(p.at(SIGN) for p in parts) if len(parts) > 1 else parts[0].text if parts else "1"


    def reshaped(self, text: str, first: Labels, rest: Labels) -> str:
        """An array as a matrix; NumPy cannot tell how many rows have no element."""
        sure = all(known_le(Affine(1), i.extent) for i in rest)
        return f"{text}.reshape({'-1' if sure else self.extent(first)}, {self.extent(rest)})"


def called_on(function: str, args: Sequence[str]) -> tuple[str, Sequence[str]]:
    """``a.dot(b)`` for ``dot(a, b)`` of a name, or of a part or view of it: that takes less time."""
    if function != "np.dot":
        return function, args
    bare, count = args[0], 1
    while count:
        bare, count = BRACKETS.subn("", bare)
    return (f"{args[0]}.dot", args[1:]) if PRIMARY.match(bare) else (function, args)


def singly(labels: Labels) -> tuple[Labels, ...]:
    """An axis for each label."""
    return tuple((i,) for i in labels)
