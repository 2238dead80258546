"""Squared distances between two sets of points by a product of matrices, without an array of differences."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.arrays.nodes import Elementwise, Labels, Node
from symbp.calculus.affine import Index

FEW = 4
"""Up to so many coordinates, known when the code is written, the differences are as fast."""

HELPER = '''\
def squared_distances(u, v, out=None):
    """Σ_d (u[..., i, d] - v[..., j, d])², multiplied out, so that a product of matrices does the work.

    The points are moved to the middle of v first; where two lie so close together that digits would
    cancel, their difference is squared.
    """
    if u.shape[-1] < 8:
        difference = u[..., None] - v.swapaxes(-1, -2)[..., None, :, :]
        return np.add.reduce(difference**2, -2, None, out)
    middle = v.mean(axis=-2, keepdims=True)
    u, v = u - middle, v - middle
    bound = np.sum(u*u, axis=-1)[..., None] + np.sum(v*v, axis=-1)[..., None, :]
    out = np.matmul(u, -2*v.swapaxes(-1, -2), out)
    out += bound
    bound *= 0.02
    if (out < bound).any():
        *stack, i, j = np.nonzero(out < bound)
        difference = u[(*stack, i)] - v[(*stack, j)]
        out[(*stack, i, j)] = np.sum(difference**2, axis=-1)
    return out
'''


@dataclass(frozen=True, slots=True)
class Distances:
    """Σ_d (first[…, i, d] - second[…, j, d])²; ``have`` are the labels of the value: …, i, j."""

    first: Node
    second: Node
    feature: Index
    have: Labels

    @property
    def orders(self) -> tuple[Labels, Labels]:
        """The labels of the two sets of points in the order in which the helper takes them."""
        *stack, i, j = self.have
        return (*stack, i, self.feature), (*stack, j, self.feature)


def distances(left: Node, right: Node, over: Labels, want: Labels) -> Distances | None:
    """The contraction of an operand with itself, if the operand is a difference of two sets of points."""
    if left != right or len(over) != 1 or not isinstance(left, Elementwise) or left.op != "+":
        return None
    negative = [t for t in left.args if isinstance(t, Elementwise) and t.op == "neg"]
    if len(left.args) != 2 or len(negative) != 1:
        return None
    feature = over[0]
    terms = tuple(t.args[0] if t in negative and isinstance(t, Elementwise) else t for t in left.args)
    own = [[i for i in t.labels if i not in other.labels] for t, other in (terms, terms[::-1])]
    if [len(labels) for labels in own] != [1, 1] or any(feature not in t.labels for t in terms):
        return None
    if feature.extent.is_const and feature.extent.const <= FEW:
        return None
    (i,), (j,) = own
    first, second = terms
    if want.index(j) < want.index(i):
        i, j, first, second = j, i, second, first
    return Distances(first, second, feature, (*(k for k in want if k not in (i, j)), i, j))
