"""Values that a block computes more than once: which deserve a name, and which name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from symbp.arrays.masks import may_be_empty, shrinks
from symbp.arrays.nodes import (
    Apply,
    Assign,
    At,
    Contract,
    Elementwise,
    Fold,
    Guard,
    Instruction,
    Labels,
    Load,
    Local,
    Loop,
    Node,
    Normalised,
    Num,
    Select,
    Slices,
    Step,
    Take,
    Window,
    Winners,
    below,
)
from symbp.arrays.turns import changes
from symbp.emit.numpy_code import Writer
from symbp.emit.numpy_distance import distances
from symbp.emit.numpy_text import COMPARISONS, Code, is_constant

COSTLY = (Elementwise, Contract, Apply, Fold, Normalised, Slices, Winners, Select, Step)
RISKY = frozenset({"log", "log1p", "sqrt", "exp", "expm1", "sinh", "cosh", "tan"})
"""Functions that warn outside of where they are finite: the branch of a ``where`` not taken may."""


def parts(writer: Writer, node: Node, want: Labels) -> Iterator[tuple[Node, Labels]]:
    """The costly parts of a value with the order of axes in which they are written."""
    seen: list[tuple[Node, Labels]] = []

    def note(part: Node, order: Labels) -> Code | None:
        if costly(part) and not _cheap(part):
            seen.append((part, order))
        return None

    writer.shortcut = note
    writer.write(node, want)
    writer.shortcut = None
    yield from seen


def invariants(
    loop: Loop, writer: Writer, order: Callable[[Assign], Labels]
) -> Iterator[tuple[Node, Labels]]:
    """The largest costly parts of a loop's assignments that no turn of it changes.

    A guard may leave its lines out in all turns: what fails or costs more than a copy stays there.
    """
    seen: list[tuple[Node, Labels]] = []

    def laid(part: Node, want: Labels) -> Code | None:
        if not turned(part, want) or changes(part, loop):
            return None
        seen.append((part, want))
        return Code("hoisted")

    def note(part: Node, want: Labels) -> Code | None:
        small = _cheap(part) and not (scaling(part) and not loop.index.sequence)
        if not costly(part) or small or changes(part, loop):
            return laid(part, want)
        seen.append((part, want))
        return Code("hoisted")

    for a, guarded in _assignments(loop):
        if not risky(a.value):
            writer.shortcut = laid if guarded else note
            try:
                writer.write(a.value, order(a))
            finally:
                writer.shortcut = None
    yield from seen


def loops(loop: Loop) -> Iterator[Loop]:
    """A loop and the loops in it, under conditions too."""
    yield loop
    yield from _inner_loops(loop.body)


def _inner_loops(body: Iterable[Instruction]) -> Iterator[Loop]:
    for inner in body:
        match inner:
            case Loop():
                yield from loops(inner)
            case Guard():
                yield from _inner_loops(inner.body)


def _assignments(part: Loop | Guard, guarded: bool = False) -> Iterator[tuple[Assign, bool]]:
    """The assignments of a loop and of the loops in it, and whether a guard may leave them out."""
    for inner in part.body:
        match inner:
            case Assign():
                yield inner, guarded
            case Loop() | Guard():
                yield from _assignments(inner, guarded or isinstance(inner, Guard))


def costly(node: Node) -> bool:
    if isinstance(node, Load):
        return any(isinstance(s, (Window, Take)) for s in node.subscripts)
    return isinstance(node, COSTLY)


def turned(node: Node, want: Labels) -> bool:
    """Whether a matrix is read transposed: in a loop, BLAS is faster on a copy that lies that way."""
    if not isinstance(node, Load) or any(isinstance(s, At) for s in node.subscripts):
        return False
    return len(want) == 2 and node.labels == want[::-1]


def _cheap(node: Node) -> bool:
    """Whether a name would cost more reading than it saves: signs, scalings of one value, numbers."""
    if is_constant(node):
        return True
    match node:
        case Elementwise("neg" | "cast" | "clip", _):
            return True
        case Elementwise("*" | "/", args):
            weighty = [a for a in args if not is_constant(a)]
            return len(weighty) < 2 and not any(map(_is_sum, weighty)) and all(
                isinstance(a, (Load, Local)) or _cheap(a) for a in weighty
            )
        case Elementwise("+", args):
            return sum(not isinstance(a, Num) for a in args) < 2
        case _:
            return False


def scaling(node: Node) -> bool:
    """Whether a value is an array over a number: a loop over a kernel need not divide it in each turn."""
    match node:
        case Elementwise("/", (_, number), labels):
            return bool(labels) and is_constant(number)
        case _:
            return False


def _is_sum(node: Node) -> bool:
    return isinstance(node, Elementwise) and node.op == "+"


def stem(node: Node) -> str:
    """A name for a value from what it is."""
    match node:
        case Elementwise("+", args) if any(isinstance(a, Elementwise) and a.op == "neg" for a in args):
            return "difference"
        case Elementwise("+", _):
            return "total"
        case Elementwise("/", _):
            return "quotient"
        case Elementwise("where", _):
            return "chosen"
        case Elementwise("copy", _):
            return "patches"
        case Elementwise("rescaled", (Load(key),)):
            return f"rescaled_{key.lstrip('∂')}"
        case Elementwise("rescaled", _):
            return "rescaled_sum"
        case Elementwise("**", _):
            return "power"
        case Elementwise(op, _) if op in COMPARISONS or op in ("and", "or", "not"):
            return "mask"
        case Load(_, subscripts):
            return "patches" if any(isinstance(s, Window) for s in subscripts) else "rows"
        case Contract(left, right, over, labels) if distances(left, right, over, labels) is not None:
            return "distances"
        case Elementwise("*", _) | Contract():
            return "product"
        case Apply(name, _, orders):
            return f"{name}_prime_value" if any(orders) else f"{name}_value"
        case Normalised() | Winners():
            return "weights"
        case Slices():
            return "slices"
        case Fold():
            return "summed" if node.op == "sum" else f"{node.op}_value"
        case _:
            return "common"


def risky(node: Node, within: bool = False) -> bool:
    if is_constant(node):
        return False
    match node:
        case Normalised("softmax", arg, over) if may_be_empty(arg, (over,)) and not shrinks((over,)):
            return True  # a logarithm of 0
        case Fold("logsumexp", arg, over) if may_be_empty(arg, over) and not shrinks(over):
            return True
        case Elementwise("where", args):
            return any(risky(a, True) for a in args[1:]) or risky(args[0])
        case Elementwise("/" | "**", _) if within and not is_constant(node.args[1]):
            return True
        case Elementwise("**", (_, Num(value))) if within and (value < 0 or value.denominator != 1):
            return True
        case Apply(name) if within and name in RISKY:
            return True
        case _:
            return any(risky(n, within) for n in below(node))
