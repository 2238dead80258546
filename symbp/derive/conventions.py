"""Where a model's functions have no derivative, and which value is taken there: said, not left to guess.

The same sentences stand in the documents and in the docstring of the generated module, and the oracle
and the code follow them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symbp.calculus.expr import Call, Expr, Reduce, Ref, Where
from symbp.calculus.tree import walk
from symbp.functions import BY_NAME
from symbp.model.core import Model

_LARGEST = {
    "max": "where several entries are the largest, max shares its derivative equally among them",
    "min": "where several entries are the smallest, min shares its derivative equally among them",
}
_NESTED = "; over several indices it is taken index by index, one after the other, and shares equally at each"
"""A max over i and j is a max over i of maxima over j: two of three largest entries may share a half."""
_WHERE = "at the border of a condition the derivative is that of the branch chosen there"


def conventions(model: Model) -> tuple[str, ...]:
    """One sentence for each kind of kink in the equations and functions of a model, each once."""
    bodies = [f.body for f in model.functions.values() if f.body is not None]
    nodes = [n for body in (*(e.rhs for e in model.equations), *bodies) for n in walk(body)]
    nested = frozenset(n.op for n in nodes if isinstance(n, Reduce) and len(n.indices) > 1)
    return tuple(dict.fromkeys(s for n in nodes for s in _said(n, model, nested)))


def _said(node: Expr, model: Model, nested: frozenset[str]) -> Iterator[str]:
    match node:
        case Call(name, args) if name in BY_NAME and name not in model.functions and BY_NAME[name].kinks:
            if any(_varies(a, model) for a in args):
                yield BY_NAME[name].kinks
        case Reduce(op, _, body) if op in _LARGEST and _varies(body, model):
            yield _LARGEST[op] + (_NESTED if op in nested else "")
        case Where(cond) if _varies(cond, model):
            yield _WHERE
        case _:
            return


def _varies(node: Expr, model: Model) -> bool:
    """Whether a value changes when those do of which derivatives are taken: no size, position, constant."""
    names = (n.name for n in walk(node) if isinstance(n, Ref))
    return any(n not in model.arrays or model.arrays[n].kind != "const" for n in names)
