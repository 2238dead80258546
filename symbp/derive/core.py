"""What a derivation is: steps with reasons, grouped into the cases of a variable's adjoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Adjoint, Expr, Ref
from symbp.calculus.tree import canonical, substitute
from symbp.model.core import Model

Reason = tuple["str | Expr | Affine", ...]
"""Words and formulas in turn, as they stand in the sentence; emitters set each in their own way."""


@dataclass(frozen=True, slots=True)
class Line:
    """One step: the expression it leads from, the one it leads to, the rule and the reason why."""

    rule: str
    reason: Reason
    source: Expr
    target: Expr
    key: bool = True
    """Whether ``--detail key`` shows the line; ``result`` shows the last one only."""


@dataclass(frozen=True, slots=True)
class Jacobian:
    """The local derivative of a consumer's element by the element that is derived: ∂z_j/∂z_k.

    ``rows`` are the indices of the consumer's element, ``cols`` those of the derived one, sequence
    indices left out; ``entry`` is the entry at these indices.
    """

    consumer: Ref
    element: Ref
    rows: tuple[Index, ...]
    cols: tuple[Index, ...]
    entry: Expr


@dataclass(frozen=True, slots=True)
class Case:
    """The adjoint on a part of its range: generic (δ^{l-1}, l = 2..L) or a base case (δ^L).

    ``lhs`` is what is derived, an :class:`Adjoint` at affine positions.  ``indices`` are its free
    indices with the ranges on which the case holds.  ``result`` is its value, the last line's target.
    ``number`` is the equation number in documents and generated comments.  ``consumers`` are the
    variables whose equations carry the influence of this one on the cost.
    """

    lhs: Adjoint
    indices: tuple[Index, ...]
    lines: tuple[Line, ...]
    result: Expr
    number: int
    base: bool = False
    consumers: tuple[str, ...] = ()
    jacobians: tuple[Jacobian, ...] = ()


def alike(case: Case, other: Case) -> bool:
    """Whether the formula of a case is that of the other one at its place: δ^1 = a^1 where δ^l = a^l."""
    values: dict[Index, Affine] = {}
    for here, there in zip(case.lhs.indices, other.lhs.indices, strict=True):
        free = there.indices()
        if len(free) != 1 or there.coefficient(free[0]) != 1:
            return False
        values[free[0]] = here - (there - free[0])
    return canonical(substitute(other.result, values)) == canonical(case.result)


@dataclass(frozen=True, slots=True)
class Contribution:
    """One addend of an adjoint, for code: ``lhs += rhs`` for all values of ``indices``.

    ``lhs`` positions are affine in ``indices``, each index in one position.  ``rhs`` may hold
    :class:`Indicator` factors that tie summed indices to those of ``lhs`` (gathers, windows): a
    scatter.  ``number`` is that of the case it stands in.  ``consumer`` is the name of the variable
    (or the cost) through whose equation the influence goes.
    """

    lhs: Adjoint
    rhs: Expr
    indices: tuple[Index, ...]
    number: int
    consumer: str


@dataclass(frozen=True, slots=True)
class AdjointSystem:
    """All adjoints that the gradients need, in the order in which they can be computed.

    The adjoint system of a model is again a system of indexed equations.  ``order`` names the
    variables and parameters; ``cases`` are for people, ``contributions`` for code: both come from the
    same lines.  ``model`` is the author's; ``steady`` is the same with right sides in stable form, which
    is what code evaluates.  ``through`` names the variables that are seen through: they have no adjoint
    of their own because the chain rule passes them on the way to a named one.
    """

    model: Model
    steady: Model
    order: tuple[str, ...]
    cases: Mapping[str, tuple[Case, ...]]
    contributions: Mapping[str, tuple[Contribution, ...]]
    through: frozenset[str]
    reached: Mapping[str, Mapping[int, tuple[Affine, Affine]]] = field(default_factory=dict)
    """By variable and sequence axis: from the first to the last element that needs an adjoint."""
