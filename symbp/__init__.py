"""symbp: backpropagation derived as on a blackboard, line by line with reasons, then as LaTeX and NumPy.

>>> import symbp
>>> d = symbp.load("mlp").derive("delta")
>>> d.steps[0].rule
'definition'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbp.version import VERSION as __version__

if TYPE_CHECKING:
    from symbp.api import Builder, Derivation, Explanation, MatrixForm, Model, Step, load, parse
    from symbp.errors import (
        ModelProblem,
        RequestProblem,
        SymbpError,
        SyntaxProblem,
        VerificationFailed,
    )

_HOMES = {
    **dict.fromkeys(
        ("Builder", "Derivation", "Explanation", "MatrixForm", "Model", "Step", "load", "parse"), "symbp.api"
    ),
    **dict.fromkeys(
        ("ModelProblem", "RequestProblem", "SymbpError", "SyntaxProblem", "VerificationFailed"),
        "symbp.errors",
    ),
}

__all__ = [
    "Builder",
    "Derivation",
    "Explanation",
    "MatrixForm",
    "Model",
    "ModelProblem",
    "RequestProblem",
    "Step",
    "SymbpError",
    "SyntaxProblem",
    "VerificationFailed",
    "__version__",
    "load",
    "parse",
]


def __getattr__(name: str) -> Any:
    """Names are imported when they are first used, so that importing symbp costs next to nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'symbp' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext symbp`` calls: it brings the cell magic ``%%symbp``."""
    from symbp.jupyter import load

    load(shell)


def __dir__() -> list[str]:
    return sorted(__all__)
