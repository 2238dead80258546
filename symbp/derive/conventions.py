"""Where a model's functions have no derivative, and which value is taken there: said, not left to guess.

The same sentences stand in the documents and in the docstring of the generated module, and the oracle
and the code follow them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symbp.calculus.expr import Call, Expr, Reduce, Where, walk
from symbp.functions import BY_NAME
from symbp.model.core import Model

_LARGEST = {
    "max": "where several entries are the largest, max shares its derivative equally among them",
    "min": "where several entries are the smallest, min shares its derivative equally among them",
}
_WHERE = "at the border of a condition the derivative is that of the branch chosen there"


def conventions(model: Model) -> tuple[str, ...]:
    """One sentence for each kind of kink in the equations and functions of a model, each once."""
    bodies = [f.body for f in model.functions.values() if f.body is not None]
    nodes = (n for body in (*(e.rhs for e in model.equations), *bodies) for n in walk(body))
    return tuple(dict.fromkeys(s for n in nodes for s in _said(n, model)))


def _said(node: Expr, model: Model) -> Iterator[str]:
    match node:
        case Call(name) if name in BY_NAME and name not in model.functions and BY_NAME[name].kinks:
            yield BY_NAME[name].kinks
        case Reduce(op) if op in _LARGEST:
            yield _LARGEST[op]
        case Where():
            yield _WHERE
        case _:
            return
