"""Reductions and weights along axes, as calls of NumPy or of helpers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from symbp.arrays.logspace import log_product
from symbp.arrays.nodes import Fold, Labels, Load, Node, Normalised, Window, below
from symbp.calculus.affine import Index
from symbp.emit import numpy_logspace
from symbp.emit.numpy_text import ATOM, Code, arranged, axis_text

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer

FOLDED = {"sum": "np.add", "prod": "np.multiply", "max": "np.maximum", "min": "np.minimum"}
"""The functions of two arguments that reductions fold with."""

SHORT = range(2, 17)
"""How many slices are folded one by one."""


def short(node: Fold) -> bool:
    """Whether a reduction runs over the few offsets of a window, which are known by number."""
    extents = [i.extent for i in node.over]
    if node.op not in FOLDED or not all(e.is_const for e in extents):
        return False
    return math.prod(e.const for e in extents) in SHORT and {*node.over} <= _offsets(node.arg)


def _offsets(node: Node) -> set[Index]:
    """The indices that share an axis with others: where they are in windows."""
    own = set[Index]()
    if isinstance(node, Load):
        own = {i for s in node.subscripts if isinstance(s, Window) for i in s.labels}
    return own.union(*(_offsets(n) for n in below(node)))


def along(writer: Writer, node: Fold | Normalised, want: Labels) -> Code:
    """Reductions and weights along axes."""
    arg = node.arg
    if isinstance(node, Normalised):
        writer.needs.helpers[node.op] = None
        axis = axis_text((want.index(node.over),), len(want))
        top = f", top={known}" if (known := known_extreme(writer, node, want)) else ""
        return Code(f"{node.op}({writer.write(arg, want).text}, axis={axis}{top})")
    if (found := log_product(node)) is not None:
        return numpy_logspace.value(writer, found, want)
    inner = fold_order(node, want)
    have = tuple(i for i in inner if i not in node.over)
    code = writer.write(arg, inner)
    axes = tuple(inner.index(i) for i in node.over)
    if short(node):
        writer.needs.helpers["folded"] = None
        text = f"folded({FOLDED[node.op]}, {code.text}, {axes})"
    else:
        text = _fold_text(writer, node.op, code, axes, len(inner))
    return arranged(Code(text), have, want)


def extreme(node: Normalised, want: Labels) -> Fold:
    """The largest or smallest entries along an axis, of which argmax and argmin tell where they are."""
    return Fold(node.op.removeprefix("arg"), node.arg, (node.over,), tuple(i for i in want if i != node.over))


def known_extreme(writer: Writer, node: Normalised, want: Labels) -> str:
    """The name of these entries if a line before has them."""
    if node.op not in ("argmax", "argmin"):
        return ""
    top = extreme(node, want)
    known = (t for t in (top, _at_once(top)) if writer.named_already(t, t.labels))
    found = next(known, None)
    return "" if found is None else writer.write(found, found.labels).text


def _at_once(node: Fold) -> Fold:
    """The largest of the largest entries as one reduction over the axes of both."""
    match node.arg:
        case Fold(op, arg, over) if op == node.op:
            return Fold(op, arg, (*node.over, *over), node.labels)
        case _:
            return node


def fold_order(node: Fold, want: Labels) -> Labels:
    natural = node.arg.labels
    if tuple(i for i in natural if i not in node.over) == want:
        return natural
    return (*want, *(i for i in natural if i in node.over))


def _fold_text(writer: Writer, op: str, code: Code, axes: tuple[int, ...], rank: int) -> str:
    where = "" if len(axes) == rank and op != "logsumexp" else f"axis={axis_text(axes, rank)}"
    if op == "logsumexp":
        writer.needs.helpers[op] = None
        return f"{op}({code.text}, {where})"
    if code.tightness == ATOM and not code.text.startswith("np."):
        return f"{code.text}.{op}({where})"
    return f"np.{op}({code.text}{', ' if where else ''}{where})"
