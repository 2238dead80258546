"""NumPy's functions by their bare names, where small networks wait for nothing but Python.

``add(a, b, out)`` after ``from numpy import add`` saves the look-up of ``np.add`` in each call.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection, Sequence

from symbp.emit.numpy_layout import WIDTH

FUNCTIONS = frozenset({
    "add", "arctan", "copyto", "cos", "cosh", "divide", "dot", "einsum", "equal", "exp", "expm1",
    "greater", "greater_equal", "less", "less_equal", "log", "log1p", "logaddexp", "logical_and",
    "logical_not", "logical_or", "matmul", "maximum", "minimum", "multiply", "negative", "not_equal",
    "sign", "sin", "sinh", "sqrt", "square", "subtract", "take", "tan", "tanh", "vdot", "vecdot",
})  # fmt: skip
"""What the lines of a workspace call, but for what hides a function of Python."""

CALL = re.compile(r"(?<![\w.])np\.(\w+)(?=\(|\.reduce\()")


def imported(names: Sequence[str]) -> str:
    """The names as they stand behind ``import``, in lines that are not too long."""
    text = ", ".join(names)
    if len(text) < WIDTH - 20:
        return text
    return "\n    ".join(["(", *textwrap.wrap(text, WIDTH - 4)]) + "\n)"


def bound(lines: Sequence[str], taken: Collection[str]) -> tuple[list[str], list[str]]:
    """The lines with bare names, and those names; a name in ``taken`` is something else here."""
    names: set[str] = set()

    def bare(found: re.Match[str]) -> str:
        name = found[1]
        if name not in FUNCTIONS or name in taken:
            return found[0]
        names.add(name)
        return name

    out = []
    for line in lines:
        code, mark, comment = line.partition("  # ")
        out.append(CALL.sub(bare, code) + mark + comment)
    return out, sorted(names)
