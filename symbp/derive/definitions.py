"""What the functions on a page are, and their derivatives: nothing is left for the reader to look up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from symbp.calculus.expr import Call, Expr, Ref
from symbp.calculus.tree import replace_nodes, walk
from symbp.derive.scalar import derivative, through_output
from symbp.functions import BY_NAME
from symbp.model.core import Function, Model

Definition = tuple[Call, Expr]
"""σ(u), or σ′(u), and what it is."""


def definitions(model: Model, shown: Iterable[Expr], everything: bool = True) -> Iterator[Definition]:
    """The functions of the model, those of ours that are written in simpler ones, and the derivatives shown.

    ``everything``: also functions that the expressions ``shown`` do not call.
    """
    calls = [n for line in shown for n in walk(line) if isinstance(n, Call)]
    bodies = (f.body for f in model.functions.values() if f.body is not None)
    known = (*(e.rhs for e in model.equations), *bodies) if everything else ()
    named = {n.function for node in known for n in walk(node) if isinstance(n, Call)}
    named |= {c.function for c in calls}
    for function in model.functions.values():
        if function.body is not None and (everything or function.name in named):
            yield from _users(function, calls)
    for name in sorted(named - set(model.functions)):
        yield from _ours(model, name, calls)


def _users(function: Function, calls: list[Call]) -> Iterator[Definition]:
    params = tuple(Ref(p) for p in function.params)
    assert function.body is not None
    yield Call(function.name, params), function.body
    for place in range(len(params)):
        orders = tuple(int(k == place) for k in range(len(params)))
        if any(c.function == function.name and c.orders == orders for c in calls):
            body = _prime(function) if len(params) == 1 else derivative(function, place)
            yield Call(function.name, params, orders), body


def _prime(function: Function) -> Expr:
    """σ′ = σ(1 − σ) where the derivative is a function of σ, else written out."""
    own = through_output(function)
    if own is None:
        return derivative(function)
    call = Call(function.name, (Ref(function.params[0]),))
    return replace_nodes(own, lambda n: call if n == Ref(function.name) else None)


def _ours(model: Model, name: str, calls: list[Call]) -> Iterator[Definition]:
    """relu(u) and relu′(u), at 0 too; what the derivatives of others are is said where they are taken."""
    record = BY_NAME[name]
    if record.arity != 1 or record.value is None:
        return
    # reasons and conventions say u as well; an array of that name may be shown as something else
    letter = Ref(next(c for c in ("u", "v", "u_") if c not in model.arrays or not model.arrays[c].latex))
    yield Call(name, (letter,)), record.value(letter)
    if record.prime and any(c.function == name and c.orders == (1,) for c in calls):
        yield Call(name, (letter,), (1,)), record.derivatives[0](letter)
