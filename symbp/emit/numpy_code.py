"""Array expressions as NumPy text: axes are put in order here, and a contraction becomes ``@``.

Every expression is written for a wanted order of its labels.  Leaves are transposed rather than
results, missing axes are inserted only where broadcasting does not add them by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from symbp import functions
from symbp.arrays.logspace import pulled
from symbp.arrays.nodes import (
    BATCH_SIZE,
    Apply,
    Choice,
    Contract,
    Elementwise,
    Fold,
    IndexValue,
    Labels,
    Load,
    Local,
    LoopSum,
    Node,
    Normalised,
    Num,
    Select,
    Slices,
    Step,
    Winners,
)
from symbp.arrays.storage import Storage
from symbp.calculus.affine import Affine, Atom, FloorDiv, Index, Monomial, Size, affine, known_le
from symbp.calculus.names import fresh_name
from symbp.emit import numpy_index, numpy_logspace, numpy_pooling
from symbp.emit.numpy_contract import contraction
from symbp.emit.numpy_fold import along
from symbp.emit.numpy_fraction import bare, quotient, thin_first, typed, untyped
from symbp.emit.numpy_names import user_name
from symbp.emit.numpy_text import (
    ATOM,
    COMPARE,
    COMPARISONS,
    COND,
    LOGIC,
    MATH,
    MATMUL,
    POWER,
    PRODUCT,
    SIGN,
    SUM,
    Code,
    arranged,
    expanded,
    is_constant,
    number,
    whole_power,
)
from symbp.errors import SymbpError


def _tightness(parts: list[str]) -> int:
    """How tightly an affine integer binds; a//2*b is (a//2)*b, but b*a//2 is not b*(a//2)."""
    if len(parts) > 2 or parts[0] == "-":
        return SUM
    return MATMUL if "//" in parts[1] else PRODUCT if "*" in parts[1] else ATOM


@dataclass
class Needs:
    """What the text calls and reads: the module has to provide it."""

    helpers: dict[str, None] = field(default_factory=dict)
    users: dict[tuple[str, tuple[int, ...]], None] = field(default_factory=dict)
    sizes: dict[str, None] = field(default_factory=dict)
    math: bool = False
    dtype: bool = False
    overflow: bool = False
    """Whether something overflows on the way to a finite value."""


Shortcut = Callable[[Node, Labels], "Code | None"]


@dataclass
class Writer:
    """Writes expressions; ``names`` maps keys of arrays, sizes and loop indices to Python names.

    ``shortcut`` may stand in for a node: a value that was computed before.
    """

    storages: Mapping[str, Storage]
    names: Mapping[str, str]
    needs: Needs
    indices: dict[Index, str] = field(default_factory=dict)
    shortcut: Shortcut | None = None
    rolled: frozenset[str] = frozenset()
    """Keys of lists of which a variable holds the one member that is of interest."""
    lines: list[str] = field(default_factory=list)
    """Lines that have to stand before the one that is being written."""

    # ── integers ──────────────────────────────────────────────────────────────────────────────────

    def integer(self, value: Affine, spaced: bool = False) -> Code:
        """An affine integer: ``l-1`` in subscripts, ``L + 1`` elsewhere."""
        parts: list[str] = []
        terms = sorted(value.terms, key=lambda t: t[1] < 0)
        for atom, factor in terms:
            text = self.atom(atom)
            if isinstance(atom, FloorDiv) and abs(factor) != 1:
                text = f"({text})"
            times = text if abs(factor) == 1 else f"{abs(factor)}*{text}"
            parts += [("-" if factor < 0 else "+"), times]
        if value.const or not parts:
            parts += [("-" if value.const < 0 else "+"), str(abs(value.const))]
        sign = "-" if parts[0] == "-" else ""
        gap = " " if spaced else ""
        rest = "".join(f"{gap}{p}{gap}" if k % 2 == 0 else p for k, p in enumerate(parts[2:]))
        return Code(sign + parts[1] + rest, _tightness(parts))

    def atom(self, atom: Atom) -> str:
        """A size, a loop index, a rounded quotient or an integer constant."""
        match atom:
            case Index():
                return self.index(atom)
            case Size(name, at):
                self.needs.sizes[name] = None
                text = self.names["#batch" if atom == BATCH_SIZE else f"size {name}"]
                return f"{text}[{', '.join(self.integer(p).text for p in at)}]" if at else text
            case FloorDiv(value, by):
                return f"{self.integer(value).at(PRODUCT)}//{self.integer(affine(by)).at(ATOM)}"
            case Monomial(factors):
                return "*".join(self._multiplier(f) for f in factors)
            case _:
                if atom.indices:
                    raise SymbpError(f"{atom.name} stands in a size or in the range of a loop")
                return f"int({self.names[atom.name]})"

    def _multiplier(self, atom: Atom) -> str:
        return f"({self.atom(atom)})" if isinstance(atom, FloorDiv) else self.atom(atom)

    def index(self, index: Index) -> str:
        """The Python name of a loop index."""
        if index not in self.indices:
            raise SymbpError(f"index {index.name} has no value here: it is neither an axis nor a loop")
        return self.indices[index]

    # ── expressions ───────────────────────────────────────────────────────────────────────────────

    def write(self, node: Node, want: Labels, whole: bool = False) -> Code:
        """The expression with its labels in the order of ``want``; ``whole`` asks for integers."""
        want = tuple(i for i in want if i in node.labels)
        if self.shortcut is not None and (found := self.shortcut(node, want)) is not None:
            return found
        return self.spell(node, want, whole)

    def named_already(self, node: Node, want: Labels) -> bool:
        """Whether a name stands for the expression: no value of its own is computed."""
        want = tuple(i for i in want if i in node.labels)
        return self.shortcut is not None and self.shortcut(node, want) is not None

    def positions(self, axis: Index) -> Code:
        """All positions along an axis, which a gather pairs with its own."""
        return Code(f"np.arange({self.integer(axis.extent, True).text})")

    def spell(self, node: Node, want: Labels, whole: bool = False) -> Code:
        """The expression itself, whatever may stand in for it."""
        match node:
            case Num(value):
                return number(value)
            case Local(name):
                return Code(name)
            case IndexValue():
                return self.index_value(node, want, whole or node.whole)
            case Load():
                return numpy_index.load(self, node, want)
            case Elementwise():
                return self.elementwise(node, want, whole)
            case Apply():
                return self.apply(node, want)
            case Contract() if (found := pulled(node)) is not None:
                return numpy_logspace.adjoint(self, found, want)
            case Contract():
                return contraction(self, node, want)
            case Fold() | Normalised():
                return along(self, node, want)
            case Slices():
                return numpy_pooling.listed(self, node)
            case Winners():
                return numpy_pooling.winners(self, node, want)
            case Select(arg, label, ids):
                return numpy_index.select(self, arg, label, ids, want)
            case LoopSum() | Choice():
                return self.apart(node, want)
            case Step():
                return numpy_logspace.step(self, node, want)
            case _:
                raise TypeError(f"{type(node).__name__} is not an array node")

    def aligned(self, node: Node, want: Labels) -> Code:
        """The expression so that it broadcasts against the axes ``want``."""
        return expanded(self.write(node, want), tuple(i for i in want if i in node.labels), want)

    def apart(self, node: LoopSum | Choice, want: Labels) -> Code:
        """What is computed only at times: nothing in it may be shared with the surroundings."""
        kept, self.shortcut = self.shortcut, None
        try:
            return self.loop_sum(node, want) if isinstance(node, LoopSum) else self.choice(node, want)
        finally:
            self.shortcut = kept

    def loop_sum(self, node: LoopSum, want: Labels) -> Code:
        index = node.index
        name = fresh_name(index.name, self.indices.values(), self.names.values())
        limits = f"{self.integer(index.low, True).text}, {self.integer(index.high + 1, True).text}"
        self.indices[index] = name
        body = self.write(node.body, want)
        del self.indices[index]
        return Code(f"sum({self.started(node, want, f'{body.text} for {name} in range({limits})')})")

    def started(self, node: LoopSum, want: Labels, terms: str) -> str:
        """The terms of a loop; where there may be none, zeros of the right shape to begin with."""
        if not node.labels or known_le(node.index.low, node.index.high):
            return terms
        self.needs.dtype = True
        ends = self.shape(tuple(i for i in want if i in node.labels))
        return f"({terms}), np.zeros({ends}, {self.names['#dtype']})"

    def choice(self, node: Choice, want: Labels) -> Code:
        cond, then, other = node.cond, self.aligned(node.then, want), self.aligned(node.other, want)
        return Code(f"{then.at(LOGIC)} if {self.condition(cond).at(LOGIC)} else {other.at(LOGIC)}", COND)

    def condition(self, node: Node) -> Code:
        """A condition on Python integers."""
        if isinstance(node, Elementwise) and node.op in ("and", "or"):
            parts = [self.condition(a).at(COMPARE) for a in node.args]
            return Code(f" {node.op} ".join(parts), LOGIC)
        if isinstance(node, Elementwise) and node.op == "not":
            return Code(f"not {self.condition(node.args[0]).at(COMPARE)}", LOGIC)
        if isinstance(node, Elementwise) and node.op in COMPARISONS:
            left, right = (self.write(a, (), whole=True) for a in node.args)
            return Code(f"{left.at(SUM)} {node.op} {right.at(SUM)}", COMPARE)
        return self.write(node, ())

    def index_value(self, node: IndexValue, want: Labels, whole: bool) -> Code:
        """Values of indices as numbers."""
        return numpy_index.index_value(self, node, want, whole)

    def elementwise(self, node: Elementwise, want: Labels, whole: bool = False) -> Code:
        match node.op, node.args:
            case "+", terms:
                return self.sum(terms, want, whole)
            case ("*" | "/" | "neg"), _:
                return self.product(node, want, whole)
            case "**", (base, exponent):
                return self.power(base, exponent, want)
            case "where", (_, then, other):
                text = f"np.where({', '.join(self.aligned(a, want).text for a in node.args)})"
                return self.cast(Code(text)) if is_constant(then) and is_constant(other) else Code(text)
            case ("cast" | "flag"), (arg,):
                return self.cast(self.write(arg, want))
            case "clip", (arg, *ends):
                ids = self.write(arg, want, True).text
                return Code(f"np.clip({ids}, {', '.join(self.write(e, (), True).text for e in ends)})")
            case "rescaled", (arg,):
                self.needs.helpers["rescaled"] = None
                return Code(f"rescaled({numpy_index.operand(self, arg, want).text})")
            case "spread", (arg,):
                return self.spread(arg, want)
            case "copy", (arg,):
                text = self.write(arg, node.labels).text
                return arranged(Code(f"np.ascontiguousarray({text})"), node.labels, want)
            case "not", (arg,):
                return Code(f"~{self.aligned(arg, want).at(ATOM)}", SIGN)
            case ("and" | "or") as op, args:
                sign = " & " if op == "and" else " | "
                return Code(sign.join(self.aligned(a, want).at(SUM) for a in args), LOGIC)
            case op, (left, right) if op in COMPARISONS:
                return self.compare(op, left, right, want)
            case _:
                raise SymbpError(f"there is no NumPy form of the operation {node.op}")

    def cast(self, code: Code) -> Code:
        """In the type of the arguments: conditions, integers and constants have another."""
        self.needs.dtype = True
        return Code(f"{code.at(ATOM)}.astype({self.names['#dtype']})")

    def compare(self, op: str, left: Node, right: Node, want: Labels) -> Code:
        whole = isinstance(left, IndexValue) or isinstance(right, IndexValue)
        parts = []
        for arg in (left, right):
            code = self.write(arg, want, whole)
            parts.append(expanded(code, tuple(i for i in want if i in arg.labels), want).at(SUM))
        return Code(f"{parts[0]} {op} {parts[1]}", COMPARE)

    def spread(self, arg: Node, want: Labels) -> Code:
        """A value over axes on which it does not depend."""
        self.needs.dtype = True
        shape = self.shape(want)
        value = self.aligned(arg, want)
        return Code(f"np.full({shape}, {value.text}, {self.names['#dtype']})")

    def shape(self, labels: Labels) -> str:
        """The shape of an array with these axes."""
        ends = [self.integer(i.extent, True).text for i in labels]
        return f"({ends[0]},)" if len(ends) == 1 else f"({', '.join(ends)})"

    def sum(self, terms: Sequence[Node], want: Labels, whole: bool) -> Code:
        out = ""
        for term in terms:
            if out and typed(terms[0]):
                term = bare(term)
            turned = isinstance(term, Elementwise) and term.op == "neg"
            # the first one keeps its sign: -a*(u > 0), not -(u > 0)*a, which NumPy refuses
            turned = turned and (bool(out) or _is_sum(term))
            if isinstance(term, Elementwise) and turned:
                term = term.args[0]
            have = tuple(i for i in want if i in term.labels)
            plain = not isinstance(term, Elementwise) or term.op != "+"
            # a + (b + c) is written a + b + c: no name may stand for b + c, or the bits would differ
            flat = bool(out) and not plain and not turned and expanded(Code("x"), have, want).text == "x"
            code = (self.spell if flat else self.write)(term, want, whole)
            # the sign in -a <= b is that of a alone
            signed = code.text.startswith("-") and code.tightness >= SUM
            minus = signed and (plain or (not turned and have in ((), want)))
            if minus:
                code = Code(code.text[1:], PRODUCT)
            minus = minus != turned
            text = expanded(code, have, want).at(MATMUL if minus else SUM)
            out += f" {'-' if minus else '+'} {text}" if out else f"-{text}" if minus else text
        return Code(out, SUM)

    def product(self, node: Elementwise, want: Labels, whole: bool) -> Code:
        top, bottom, negative, real = quotient(node, lambda n: self.named_already(n, want))
        top, bottom = thin_first(top, bottom)
        parts = [self._factor(n, want, whole, real) for n in top]
        text = "*".join(p.at(PRODUCT) for p in parts) if len(parts) > 1 else ""
        if not parts:
            text = "1"
        elif not text:
            text = parts[0].at(PRODUCT) if bottom or negative else parts[0].text
        if bottom:
            texts = [self._factor(n, want, whole) for n in bottom]
            divisor = "*".join(t.at(PRODUCT) for t in texts)
            text += f"/{texts[0].at(SIGN)}" if len(texts) == 1 else f"/({divisor})"
        elif len(parts) == 1 and not negative:
            return parts[0]
        return Code(f"-{text}", SUM) if negative else Code(text, PRODUCT)

    def _factor(self, node: Node, want: Labels, whole: bool, flag: bool = False) -> Code:
        """A factor; conditions need no type of their own beside a factor that has one."""
        have = tuple(i for i in want if i in node.labels)
        if flag and isinstance(node, Elementwise) and node.op == "flag":
            node = node.args[0]
        return expanded(self.write(node, want, whole), have, want)

    def power(self, base: Node, exponent: Node, want: Labels) -> Code:
        below_ = self.aligned(base, want)
        if isinstance(exponent, Num):
            return self._rational_power(base, below_, exponent.value)
        return Code(f"{below_.at(ATOM)}**{self.aligned(exponent, want).at(ATOM)}", POWER)

    def _rational_power(self, base: Node, code: Code, value: Fraction) -> Code:
        if value < 0:
            inverse = self._rational_power(base, code, -value)
            return Code(f"1/{inverse.at(SIGN)}", PRODUCT)
        if value == Fraction(1, 2):
            under = code.text if is_constant(base) else self._typed(base, code.text)
            return Code(f"{self._root(base)}({under})")
        if value == 1:
            return code
        large = len(base.labels) > 1 and value.denominator == 1
        if large and (whole := whole_power(code, value.numerator)) is not None:
            return whole
        text = number(value)
        return Code(f"{code.at(ATOM)}**{text.at(ATOM)}", POWER)

    def _root(self, arg: Node) -> str:
        if is_constant(arg):
            self.needs.math = True
            return "math.sqrt"
        return "np.sqrt"

    # ── functions ─────────────────────────────────────────────────────────────────────────────────

    def apply(self, node: Apply, want: Labels) -> Code:
        """An elementwise function; of constants in Python floats, which leave float32 as it is."""
        args = [self.aligned(a, want).text for a in node.args]
        record = functions.BY_NAME.get(node.function)
        if record is None or any(node.orders):
            orders = node.orders if any(node.orders) else ()
            self.needs.users[(node.function, orders)] = None
            args = [self._typed(a, text) for a, text in zip(node.args, args, strict=True)]
            return Code(f"{user_name(node.function, orders)}({', '.join(args)})")
        if args and all(is_constant(a) for a in node.args):
            return self._constant(node.function, record, args)
        if all(map(untyped, node.args)):
            args = [self._typed(a, text) for a, text in zip(node.args, args, strict=True)]
        if record.helper or node.function == "erf":
            self.needs.helpers[node.function] = None
        return Code(record.numpy.format(*args))

    def _typed(self, node: Node, text: str) -> str:
        """An argument that may be a number of Python, of which NumPy would make a float64."""
        if not untyped(node):
            return text
        self.needs.dtype = True
        return f"{self.names['#dtype']}.type({text})"

    def _constant(self, name: str, record: functions.Elementwise, args: list[str]) -> Code:
        if name in MATH:
            self.needs.math = True
            return Code(f"math.{name}({', '.join(args)})")
        if record.helper:
            self.needs.helpers[name] = None
        # an integer of Python would make an array of integers, which holds no result
        floats = [f"{a}.0" if a.lstrip("-").isdecimal() else f"float({a})" for a in args]
        return Code(f"float({record.numpy.format(*floats)})")


def _is_sum(negative: Node) -> bool:
    """Whether what has a minus is a sum, which stands in brackets behind it."""
    inner = negative.args[0] if isinstance(negative, Elementwise) else None
    return isinstance(inner, Elementwise) and inner.op == "+"
