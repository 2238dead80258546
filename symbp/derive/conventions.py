"""Where a model's functions have no derivative, and which value is taken there: said, not left to guess.

The same sentences stand in the documents and in the docstring of the generated module, and the oracle
and the code follow them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symbp.calculus.expr import Add, Call, Expr, Reduce, Ref, Where
from symbp.calculus.tree import walk
from symbp.derive.context import Context, definition
from symbp.derive.norms import Norms
from symbp.derive.signs import is_nonnegative, is_positive
from symbp.functions import BY_NAME
from symbp.model.core import Model

_LARGEST = {
    "max": "where several entries are the largest, max shares its derivative equally among them",
    "min": "where several entries are the smallest, min shares its derivative equally among them",
}
_NESTED = "; over several indices it is taken index by index, one after the other, and shares equally at each"
"""A max over i and j is a max over i of maxima over j: two of three largest entries may share a half."""
_NORM = "a norm has no derivative where it is 0: it is taken to be 0 there"
_WHERE = "at the border of a condition the derivative is that of the branch chosen there"


def conventions(model: Model) -> tuple[str, ...]:
    """One sentence for each kind of kink in the equations and functions of a model, each once."""
    bodies = [f.body for f in model.functions.values() if f.body is not None]
    nodes = [n for body in (*(e.rhs for e in model.equations), *bodies) for n in walk(body)]
    nested = frozenset(n.op for n in nodes if isinstance(n, Reduce) and len(n.indices) > 1)
    norms = Norms(model)
    return tuple(dict.fromkeys(s for n in nodes for s in _said(n, model, nested, norms)))


def _said(node: Expr, model: Model, nested: frozenset[str], norms: Norms) -> Iterator[str]:
    match node:
        case Call("sqrt", (inner,)) if norms.guards and norms.is_norm(node):
            if _varies(inner, model):
                yield _NORM
        case Call(name, args) if name in BY_NAME and name not in model.functions and BY_NAME[name].kinks:
            smooth = name == "sqrt" and _is_kept_from_0(args[0], model)
            if not smooth and any(_varies(a, model) for a in args):
                yield BY_NAME[name].kinks
        case Reduce(op, _, body) if op in _LARGEST and _varies(body, model):
            yield _LARGEST[op] + (_NESTED if op in nested else "")
        case Where(cond) if _varies(cond, model):
            yield _WHERE
        case _:
            return


def _is_kept_from_0(node: Expr, model: Model) -> bool:
    """Whether a value is positive for sure, or would be if a constant that is added to it is: v + ε.

    An ε beside what cannot be negative is there for no other purpose.
    """
    context = Context(model.functions, lambda ref: definition(model, ref))
    if is_positive(node, context):
        return True
    opened = context.opened(node)
    terms = opened.terms if isinstance(opened, Add) else ()
    rest = [t for t in terms if not (isinstance(t, Ref) and not t.indices and not _varies(t, model))]
    return 0 < len(rest) < len(terms) and all(is_nonnegative(t, context) for t in rest)


def _varies(node: Expr, model: Model) -> bool:
    """Whether a value changes when those do of which derivatives are taken: no size, position, constant."""
    names = (n.name for n in walk(node) if isinstance(n, Ref))
    return any(n not in model.arrays or model.arrays[n].kind != "const" for n in names)
