"""A generated module and small data that it runs on, for documents with cells that run."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING, Any

from symbp import pipeline
from symbp.errors import SymbpError

if TYPE_CHECKING:
    from symbp.derive.core import AdjointSystem
    from symbp.emit.notebook import Program

SEEDS = 50


def program(system: AdjointSystem) -> Program | None:
    """The module of a model, and arguments at which its cost is finite; None if a function is abstract.

    Raises:
        SymbpError: for what cannot be turned into NumPy code.
    """
    from symbp.derive.engine import adjoint_system
    from symbp.emit.notebook import Given, Program
    from symbp.emit.numpy_names import safe
    from symbp.verify.example import example

    model = system.model
    if any(f.body is None for f in model.functions.values()):
        return None
    plain = adjoint_system(model)
    module = pipeline.module_of(plain)
    given = tuple(Given(safe(a.name), _text(a.value, a.spread)) for a in example(model))
    for seed in range(SEEDS):
        if _finite(module, given, seed):
            return Program(pipeline.module_text(plain), given, seed)
    raise SymbpError(f"found no small data at which the cost of {model.name} is finite")


def _text(value: Any, spread: tuple[float, float] | None) -> str:
    """An argument as Python: drawn by ``rng`` where it may be any real number."""
    if isinstance(value, list):
        shapes = {getattr(member, "shape", None) for member in value}
        if spread is not None and len(value) > 2 and len(shapes) == 1 and None not in shapes:
            return f"[{_text(value[0], spread)} for _ in range({len(value)})]"
        return "[" + ", ".join(_text(member, spread) for member in value) + "]"
    if spread is None:
        return f"np.array({value.tolist()!r})" if getattr(value, "shape", ()) else str(int(value))
    drawn = f"rng.uniform({spread[0]}, {spread[1]}, {_shape(value.shape)})"
    return drawn if value.shape else f"np.array(rng.uniform({spread[0]}, {spread[1]}))"


def _shape(shape: tuple[int, ...]) -> str:
    return str(shape[0]) if len(shape) == 1 else str(tuple(shape))


def _finite(module: ModuleType, given: Any, seed: int) -> bool:
    """Whether the cost is finite at what the notebook will draw."""
    import numpy as np

    names = {"np": np, "rng": np.random.default_rng(seed)}
    arguments = {g.name: eval(g.value, names) for g in given}
    with np.errstate(all="ignore"):
        return bool(np.isfinite(module.value(**arguments)))
