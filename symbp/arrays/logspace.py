"""Products of matrices in the space of logarithms: log Σ_j exp(p[i,j] + q[j,k]) is one of exp p and exp q.

The forward algorithm of hidden Markov models and of conditional random fields is made of them
(Rabiner, *A tutorial on hidden Markov models*, 1989, section V.A on scaling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from symbp.arrays.nodes import Contract, Elementwise, Fold, Labels, Node, Normalised, elementwise
from symbp.calculus.affine import Index


@dataclass(frozen=True, slots=True)
class LogProduct:
    """log Σ_j exp(first[…, j] + second[j, k]), where ``first`` has the axes ``rows`` besides j."""

    first: Node
    second: Node
    rows: Labels
    over: Index
    column: Index

    @property
    def labels(self) -> Labels:
        """The axes of the value."""
        return (*self.rows, self.column)

    @property
    def orders(self) -> tuple[Labels, Labels]:
        """The axes of the two operands in order."""
        return (*self.rows, self.over), (self.over, self.column)


Side = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Pulled:
    """The adjoint of a :class:`LogProduct` by one operand, for an adjoint ``cotangent`` of its value."""

    product: LogProduct
    cotangent: Node
    side: Side


def log_product(node: Node) -> LogProduct | None:
    """A log Σ exp over one axis of a sum whose terms fall in two groups without an axis in common."""
    match node:
        case Fold("logsumexp", Elementwise("+", terms), (over,)):
            return _split(terms, over)
        case _:
            return None


def pulled(node: Contract) -> Pulled | None:
    """Σ of a cotangent times the weights exp(p + q)/Σ exp(p + q), over the axes of one operand alone."""
    for weights, cotangent in ((node.left, node.right), (node.right, node.left)):
        if not isinstance(weights, Normalised) or weights.op != "softmax":
            continue
        if not isinstance(weights.arg, Elementwise) or weights.arg.op != "+":
            continue
        product = _split(weights.arg.args, weights.over)
        if product is None or set(cotangent.labels) != set(product.labels):
            continue
        sides: dict[frozenset[Index], Side] = {
            frozenset((product.column,)): "left", frozenset(product.rows): "right",
        }
        side = sides.get(frozenset(node.over))
        return Pulled(product, cotangent, side) if side is not None else None
    return None


def _split(terms: Sequence[Node], over: Index) -> LogProduct | None:
    """The terms in two groups, if no axis but ``over`` is in both; one axis in the second."""
    groups: list[set[Index]] = []
    for term in terms:
        own = {i for i in term.labels if i != over}
        touched = [g for g in groups if g & own]
        groups = [g for g in groups if g not in touched]
        if own:
            groups.append(own.union(*touched))
    if len(groups) != 2:
        return None
    second = next((g for g in reversed(groups) if len(g) == 1), None)
    if second is None:
        return None
    column = next(iter(second))
    right = [t for t in terms if column in t.labels or set(t.labels) == {over}]
    left = [t for t in terms if t not in right]
    if not all(any(over in t.labels for t in part) for part in (left, right)):
        return None
    first, other = (elementwise("+", *part) if len(part) > 1 else part[0] for part in (left, right))
    return LogProduct(first, other, tuple(i for i in first.labels if i != over), over, column)
