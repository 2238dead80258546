"""Which arrays a statement may be computed in: what the form of a program that allocates nothing asks.

Everything here only looks at the nodes of a statement.  The answers are on the safe side: a value of
unknown type gets room of its own, and a target that its own statement may read is written last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Literal

from symbp.arrays.logspace import log_product
from symbp.arrays.masks import NOTHING, may_be_empty, shrinks
from symbp.arrays.nodes import (
    Apply,
    Assign,
    At,
    Choice,
    Contract,
    Elementwise,
    Fold,
    Guard,
    IndexValue,
    Instruction,
    Labels,
    Load,
    Local,
    Loop,
    LoopSum,
    Node,
    Normalised,
    Num,
    Select,
    Slices,
    Step,
    Winners,
    below,
    elementwise,
)
from symbp.arrays.storage import Storage
from symbp.calculus.affine import Index

Kind = Literal["real", "bool", "other"]
"""What the elements of a value are: of the arguments' type, truth values, or what is not known here."""

TRUTHS = frozenset({"<", "<=", ">", ">=", "==", "!=", "and", "or", "not"})


def kind(node: Node, storages: Mapping[str, Storage]) -> Kind:
    """The kind of the elements of a value that has axes."""
    match node:
        case Load(key):
            return "other" if storages[key].integer else "real"
        case Elementwise(op, _) if op in TRUTHS:
            return "bool"
        case Elementwise("flag" | "cast" | "spread", _):
            return "real"
        case Elementwise("clip" | "rescaled", _) | Num() | IndexValue() | Local():
            return "other"
        case Elementwise("where", (_, *branches)):
            return _real(branches, storages)
        case Elementwise("**", (base, _)):
            return _real((base,), storages)
        case Elementwise(_, args) | Apply(_, args):
            return _real(args, storages)
        case Contract(left, right):
            return _real((left, right), storages)
        case Fold(_, arg) | Normalised(_, arg) | LoopSum(_, arg) | Select(arg):
            return _real((arg,), storages)
        case Step():
            return "real"
        case Choice(_, then, other):
            return _real((then, other), storages)
        case Slices():
            return "other"
        case Winners(_, parts):
            return kind(parts.arg, storages)
        case _:
            raise TypeError(f"{type(node).__name__} is not an array node")


def _real(parts: Iterable[Node], storages: Mapping[str, Storage]) -> Kind:
    return "real" if any(kind(p, storages) == "real" for p in parts) else "other"


# ── targets ───────────────────────────────────────────────────────────────────────────────────────


def may_hold_parts(a: Assign) -> bool:
    """Whether the target may be written before all of the right side is computed: nothing reads it."""
    return all(_apart(a.target, read) for read in _loads(a.value) if read.key == a.target.key)


def _loads(node: Node) -> Iterable[Load]:
    if isinstance(node, Load):
        yield node
    for inner in below(node):
        yield from _loads(inner)


def _apart(one: Load, other: Load) -> bool:
    """Whether two readings of an array surely have no element in common: positions differ on an axis."""
    for mine, its in zip(one.subscripts, other.subscripts, strict=True):
        if isinstance(mine, At) and isinstance(its, At):
            gap = mine.position - its.position
            if gap.is_const and gap.const:
                return True
    return False


def moving(labels: Labels, loops: Iterable[Index]) -> tuple[Index, ...]:
    """The loop indices on which the shape of an array with these labels depends."""
    found: dict[Index, None] = {}
    for label in labels:
        found.update(dict.fromkeys(label.extent.indices()))
    return tuple(i for i in loops if i in found)


# ── what is written as one function elsewhere ─────────────────────────────────────────────────────


def opened(body: Iterable[Instruction]) -> tuple[Instruction, ...]:
    """The instructions with softmax, log Σ exp and softplus as the steps that compute them.

    What two of them have in common, the largest entry and the exponentials, is then one value, and each
    step has its array.
    """
    out: list[Instruction] = []
    for i in body:
        match i:
            case Assign():
                out.append(replace(i, value=_mapped(i.value, partial(_opened, order=i.target.labels))))
            case Loop() | Guard():
                out.append(replace(i, body=opened(i.body)))
            case _:
                out.append(i)
    return tuple(out)


def _opened(node: Node, order: Labels) -> Node:
    match node:
        case Normalised("softmax", _, over) if shrinks((over,)):
            return node
        case Fold("logsumexp", _, over) if shrinks(over):
            return node
        case Normalised("softmax", arg, over) if log_product(Fold("logsumexp", arg, (over,), ())) is None:
            exps, total, _ = _exponentials(_lying(arg, order), (over,))
            # of exponentials the largest is 1: a smaller sum has no terms
            if may_be_empty(arg, (over,)):
                total = Apply("maximum", (total, Num(Fraction(1))), (), total.labels)
            return elementwise("/", exps, total)
        case Fold("logsumexp", arg, over) if log_product(node) is None:
            _, total, top = _exponentials(_lying(arg, order), over)
            return elementwise("+", Apply("log", (total,), (), total.labels), top)
        case Apply("softplus", (arg,), orders, labels) if labels and not any(orders):
            # |-u| is |u|: softplus(u) and softplus(-u) have it in common
            same = arg.args[0] if isinstance(arg, Elementwise) and arg.op == "neg" else arg
            size = Elementwise("neg", (Apply("abs", (same,), (), labels),), labels)
            rest = Apply("log1p", (Apply("exp", (size,), (), labels),), (), labels)
            return Elementwise("+", (Apply("relu", (arg,), (), labels), rest), labels)
        case _:
            return node


def _lying(node: Node, order: Labels) -> Node:
    """A computed value with its axes in the order of the array that it is computed for.

    The reductions would else want another order than the result, and compute it a second time.
    """
    if isinstance(node, Load | Local):
        return node
    labels = sorted(node.labels, key=lambda n: order.index(n) if n in order else len(order))
    return replace(node, labels=tuple(labels))


def _exponentials(arg: Node, over: Labels) -> tuple[Node, Node, Node]:
    """exp(u - max u), its sum, and max u."""
    rest = tuple(i for i in arg.labels if i not in over)
    top: Node = Fold("max", arg, over, rest)
    if may_be_empty(arg, over):
        top = Elementwise("where", (elementwise(">", top, NOTHING), top, Num(Fraction(0))), rest)
    below_top = Elementwise("+", (arg, Elementwise("neg", (top,), rest)), arg.labels)
    exps = Apply("exp", (below_top,), (), arg.labels)
    return exps, Fold("sum", exps, over, rest), top


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    """The expression with ``change`` applied from the leaves up; what subscripts read stays."""
    match node:
        case Elementwise(_, args) | Apply(_, args):
            node = replace(node, args=tuple(_mapped(a, change) for a in args))
        case Contract(left, right):
            node = replace(node, left=_mapped(left, change), right=_mapped(right, change))
        case Fold(_, arg) | Normalised(_, arg) | Select(arg) | Step(_, _, _, arg):
            node = replace(node, arg=_mapped(arg, change))
        case LoopSum(_, body):
            node = replace(node, body=_mapped(body, change))
        case Choice(_, then, other):
            node = replace(node, then=_mapped(then, change), other=_mapped(other, change))
        case _:
            pass
    return change(node)
