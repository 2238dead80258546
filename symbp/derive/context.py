"""What the rules of stable forms may look up: users' functions, and the equations of variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from symbp.calculus.affine import known_le
from symbp.calculus.expr import Call, Expr, Ref
from symbp.calculus.tree import refresh, substitute
from symbp.derive.identify import equals_builtin
from symbp.model.core import Equation, Function, Model

DEEP = 4
"""How far stable forms see through equations."""


@dataclass(frozen=True)
class Context:
    """What the rules may look up: users' functions and the equations of variables."""

    functions: Mapping[str, Function]
    equations: Callable[[Ref], Expr | None]

    def named(self, node: Expr, name: str) -> Expr | None:
        """The argument if ``node`` is a call of the built-in ``name`` or of a user's equal to it."""
        if not isinstance(node, Call) or node.orders or len(node.args) != 1:
            return None
        if node.function == name:
            return node.args[0]
        user = self.functions.get(node.function)
        return node.args[0] if user is not None and equals_builtin(user) == name else None

    def opened(self, node: Expr) -> Expr:
        """What an element is by its equation; anything else, and what has none, is what it is."""
        return (self.equations(node) or node) if isinstance(node, Ref) else node


def definition(model: Model, ref: Ref) -> Expr | None:
    """The right side of the one equation that defines the element, its indices put in."""
    equations = model.equations_of(ref.name)
    if len(equations) != 1:
        candidates = [e for e in equations if _certain(e, ref)]
        if len(candidates) != 1:
            return None
        equations = (candidates[0],)
    return instance(equations[0], ref)


def instance(equation: Equation, ref: Ref) -> Expr | None:
    """The right side with the positions of ``ref`` in place of the indices of the left side."""
    values = {}
    for mine, its in zip(equation.lhs.indices, ref.indices, strict=True):
        index = mine.as_index()
        if index is not None and index in equation.indices:
            values[index] = its
        elif mine != its:
            return None
    return substitute(refresh(equation.rhs), values)


def _certain(equation: Equation, ref: Ref) -> bool:
    for mine, its in zip(equation.lhs.indices, ref.indices, strict=True):
        index = mine.as_index()
        if index is None:
            if mine != its:
                return False
        elif index.sequence:
            low = known_le(index.low.substitute({}), its)
            if not low or not known_le(its, index.high):
                return False
    return True
