"""Reductions and weights along axes, as calls of NumPy or of helpers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from symbp.arrays.logspace import log_product
from symbp.arrays.masks import may_be_empty
from symbp.arrays.nodes import Fold, Labels, Node, Normalised
from symbp.arrays.pooling import short, slices
from symbp.emit import numpy_logspace
from symbp.emit.numpy_text import ATOM, Code, arranged, axis_text

if TYPE_CHECKING:
    from symbp.emit.numpy_code import Writer

FOLDED = {"sum": "np.add", "prod": "np.multiply", "max": "np.maximum", "min": "np.minimum"}
"""The functions of two arguments that reductions fold with."""


def along(writer: Writer, node: Fold | Normalised, want: Labels) -> Code:
    """Reductions and weights along axes."""
    arg = node.arg
    if isinstance(node, Normalised):
        name = exponential_helper(node.op, arg, (node.over,))
        writer.needs.helpers[name] = None
        axis = axis_text((want.index(node.over),), len(want))
        top = f", top={known}" if (known := known_extreme(writer, node, want)) else ""
        return Code(f"{name}({writer.write(arg, want).text}, axis={axis}{top})")
    if (found := log_product(node)) is not None:
        return numpy_logspace.value(writer, found, want)
    if short(node):
        parts, have, _ = few(writer, node, want)
        writer.needs.helpers["folded"] = None
        return arranged(Code(f"folded({FOLDED[node.op]}, {parts})"), have, want)
    inner = fold_order(node, want)
    have = tuple(i for i in inner if i not in node.over)
    code = writer.write(arg, inner)
    axes = tuple(inner.index(i) for i in node.over)
    op = exponential_helper(node.op, node.arg, node.over)
    return arranged(Code(_fold_text(writer, op, code, axes, len(inner))), have, want)


MASKED = "masked_"
"""The prefix of helpers for exponentials of which there may be none at all."""


def exponential_helper(op: str, arg: Node, over: Labels) -> str:
    """The helper that computes softmax or log Σ exp; any other reduction keeps its name."""
    masked = op in ("softmax", "logsumexp") and may_be_empty(arg, over)
    return f"{MASKED}{op}" if masked else op


def few(writer: Writer, node: Fold, want: Labels) -> tuple[str, Labels, str]:
    """The slices that a reduction folds one by one, as a list; their labels in order; the array."""
    if (parts := slices(node.arg, node.over)) is not None:
        text = writer.write(parts, parts.labels).text
        return text, tuple(i for i in parts.labels if i not in node.over), ""
    inner = fold_order(node, want)
    axes = tuple(inner.index(i) for i in node.over)
    writer.needs.helpers["sliced"] = None
    whole = writer.write(node.arg, inner).text
    return f"sliced({whole}, {axes})", tuple(i for i in inner if i not in node.over), whole


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
    helper = op.endswith("logsumexp")
    where = "" if len(axes) == rank and not helper else f"axis={axis_text(axes, rank)}"
    if helper:
        writer.needs.helpers[op] = None
        return f"{op}({code.text}, {where})"
    if code.tightness == ATOM and not code.text.startswith("np."):
        return f"{code.text}.{op}({where})"
    return f"np.{op}({code.text}{', ' if where else ''}{where})"
