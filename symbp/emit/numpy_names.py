"""The names in a generated module: arguments keep theirs, all others give way."""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Sequence

from symbp.arrays.statement import adjoint_key
from symbp.calculus.names import fresh_name
from symbp.emit.numpy_helpers import HELPERS
from symbp.model.core import Model

GLOBALS = (
    "np", "math", "erf", "range", "len", "float", "int", "sum", "min", "max", "type", "list",
    "Gradients", "_checked", "_sizes", "make_workspace", "_value_and_grad_into", "isinstance",
    "tuple", "numba", "_compiled", "_value_and_grad", "_value", "_forward", *HELPERS,
)  # fmt: skip
"""Names that the code of functions calls: an argument of the same name gets out of nobody's way."""


def python_names(model: Model, wanted: Sequence[str]) -> dict[str, str]:
    """Python names: arguments keep theirs, all others give way."""
    out: dict[str, str] = {}
    arguments = [a.name for kind in ("input", "const", "param") for a in model.of_kind(kind)]
    reserved = (*GLOBALS, *keyword.kwlist, *model.functions)
    for name in arguments:
        out[name] = fresh_name(name, out.values(), reserved)
    for name in model.free_sizes:
        out[f"size {name}"] = fresh_name(name, out.values(), reserved)
    others = [("#out", "out"), *((f"size {s}", s) for s in model.sizes if f"size {s}" not in out)]
    others += [(a.name, a.name) for a in model.arrays.values() if a.name not in out]
    others += [("#batch", "batch"), ("#dtype", "dtype")]
    for name in model.arrays:
        plain = f"grad_{name}" if name in wanted else f"d{name}" if len(name) == 1 else f"d_{name}"
        others.append((adjoint_key(name), model.adjoints.get(name, plain)))
    for key, name in others:
        out[key] = fresh_name(name, out.values(), reserved)
    return out


def safe(name: str) -> str:
    """The name of an argument: that of the model, but for Python's keywords."""
    return f"{name}_" if keyword.iskeyword(name) else name


def aliased(line: str, clashes: Iterable[str]) -> str:
    """A line that calls globals by their second names, where arguments have taken the first."""
    for g in clashes:
        line = re.sub(rf"(?<![\w.\"']){re.escape(g)}(?=[.(])", f"_{g}", line)
    return line
