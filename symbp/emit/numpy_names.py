"""The names in a generated module: arguments keep theirs, all others give way."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable, Sequence

from symbp.arrays.statement import adjoint_key
from symbp.calculus.names import fresh_name
from symbp.emit.numpy_helpers import HELPERS
from symbp.model.core import Function, Model

GLOBALS = (
    "np", "math", "erf", "range", "len", "float", "int", "sum", "min", "max", "type", "list",
    "Gradients", "_checked", "_sizes", "_fits", "make_workspace", "_workspace", "_value_and_grad_into",
    "isinstance", "hasattr", "tuple", "numba", "_compiled", "_value_and_grad", "_value", "_forward", *HELPERS,
)  # fmt: skip
"""Names that the code of functions calls: an argument of the same name gets out of nobody's way."""

MODULE = (
    *GLOBALS, *dir(builtins), *keyword.kwlist, "functools", "operator", "NamedTuple", "Workspace",
    "value_and_grad", "value", "forward", "out",
)  # fmt: skip
"""Names that mean something in a module: a user's function of the same name gives way."""
DERIVATIVE = re.compile(r"_(prime|second|(d\d+)+)_*$")


def user_name(function: str, orders: tuple[int, ...]) -> str:
    """The name of a user's function or of its derivative: ``sigma_prime``, ``f_d1``, ``f_d0d1``.

    No two are alike: a function that is called like something of the module, or like the derivative of
    another function, has an underscore behind its name.
    """
    if not any(orders):
        taken = function.rstrip("_") in MODULE or DERIVATIVE.search(function)
        return f"{function}_" if taken else function
    if len(orders) == 1 and orders[0] <= 2:
        return f"{function}_{'prime' if orders[0] == 1 else 'second'}"
    return f"{function}_{''.join(f'd{k}' * n for k, n in enumerate(orders))}"


def callables(model: Model) -> list[str]:
    """What the user's functions are called, and those names of the model that derivatives may have."""
    given = (*model.arrays, *model.sizes, *model.free_sizes, *model.adjoints.values())
    derivatives = [n for n in given if DERIVATIVE.sub("", n) in model.functions]
    return [*(user_name(f, (0,)) for f in model.functions), *derivatives]


def parameters(function: Function, model: Model) -> dict[str, str]:
    """The names of a function's arguments in Python: none of a name that its body may call."""
    names: dict[str, str] = {}
    for p in function.params:
        names[p] = fresh_name(p, names.values(), GLOBALS, keyword.kwlist, callables(model))
    return names


def python_names(model: Model, wanted: Sequence[str]) -> dict[str, str]:
    """Python names: arguments keep theirs, all others give way."""
    out: dict[str, str] = {}
    arguments = [a.name for kind in ("input", "const", "param") for a in model.of_kind(kind)]
    reserved = (*GLOBALS, *keyword.kwlist, *callables(model))
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
