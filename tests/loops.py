"""The module of loops without its compiler: the same lines, run by Python."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import outside

from symbp.derive.core import AdjointSystem
from symbp.emit.numba import emit_numba
from symbp.model.core import Model


def interpreted(system: AdjointSystem) -> ModuleType:
    """The module, its decorator doing nothing."""
    numba = ModuleType("numba")
    numba.njit = lambda **_: lambda function: function  # type: ignore[attr-defined]
    module = ModuleType(f"loops_of_{system.model.name}")
    module.__spec__ = None
    with patch.dict(sys.modules, {"numba": numba, module.__name__: module}), np.errstate(all="ignore"):
        exec(compile(emit_numba(system), module.__name__, "exec"), module.__dict__)
    return module


def differences(model: Model, plain: ModuleType, loops: ModuleType, dtype: str = "float64") -> list[str]:
    """Where the two modules disagree about cost, gradients and intermediate values."""
    given = outside.arguments(outside.instance(model, 1), dtype)
    found = list[str]()
    with np.errstate(all="ignore"):
        ours, theirs = loops.value_and_grad(**given), plain.value_and_grad(**given)
        pairs = [("cost", ours[0], theirs[0]), ("value", loops.value(**given), theirs[0])]
        pairs += list(zip(ours[1]._fields, ours[1], theirs[1], strict=True))
        forward = plain.forward(**given)
        pairs += [(name, value, forward[name]) for name, value in loops.forward(**given).items()]
    for name, one, other in pairs:
        ones, others = _members(one), _members(other)
        if len(ones) != len(others):
            found.append(f"{name}: {len(ones)} members instead of {len(others)}")
            continue
        for a, b in zip(ones, others, strict=True):
            found += _difference(name, np.asarray(a), np.asarray(b), 1e-10 if dtype == "float64" else 1e-3)
    return found


def _members(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _difference(name: str, one: Any, other: Any, most: float) -> list[str]:
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return [f"{name}: {one.shape} {one.dtype} instead of {other.shape} {other.dtype}"]
    scale = np.max(np.abs(other), initial=1e-3, where=np.isfinite(other))
    return [] if np.allclose(one, other, most, most * scale, equal_nan=True) else [f"{name}: {one} {other}"]
