"""Making a line short: the surviving term, names that exist already, what leaves a sum, inner products.

Rules as :mod:`symbp.derive.rules` describes them.
"""

from __future__ import annotations

import functools
from dataclasses import replace

from symbp.calculus.adjoining import whole_sums
from symbp.calculus.affine import Affine, Index, affine, in_ranges, known_le
from symbp.calculus.collapse import collapse, outer_factors, solve
from symbp.calculus.common import common_factor
from symbp.calculus.conditions import indicated
from symbp.calculus.construct import div, mul, reduce_sum
from symbp.calculus.expr import (
    ONE,
    ZERO,
    Add,
    Adjoint,
    Call,
    Div,
    Expr,
    Indicator,
    Integer,
    Mul,
    Neg,
    Reduce,
    Ref,
    Weights,
    Within,
)
from symbp.calculus.tidy import collect, positive, symbols, tidy
from symbp.calculus.tree import (
    bound,
    canonical,
    free_indices,
    positions,
    replace_nodes,
    rewrite,
    same,
    size,
    walk,
)
from symbp.derive.core import Reason
from symbp.derive.scene import LONG, Outcome, Scene, joined
from symbp.model.reach import end


def survivors(node: Expr, scene: Scene) -> Outcome | None:
    """Σ_i f_i [i = k] = f_k.  Terminates: see :func:`symbp.calculus.collapse.collapse`."""
    partial = not scene.total or scene.window
    arrays, within = scene.model.arrays, functools.partial(_labels_within, scene)
    is_label = lambda ref: arrays[ref.name].integer is not None  # noqa: E731
    node = rewrite(node, lambda n: indicated(n, is_label, not scene.total))
    new = tidy(collapse(node, partial, outer_first=scene.window, total=scene.total, inside=within))
    if canonical(new) == canonical(node):
        return None
    before = [n for n in walk(node) if isinstance(n, Indicator)]
    after = {n for n in walk(new) if isinstance(n, Indicator)}
    summed = {i for n in walk(node) for i in bound(n)}
    kept = {i for n in walk(new) for i in bound(n)}
    used = [n for n in before if n not in after]
    shown: list[Reason] = []
    for indicator in used:
        own = (*indicator.left.indices(), *indicator.right.indices())
        # the index that is gone first: of Σ_j Σ_m [j − m = i] that is m
        for index in sorted(own, key=kept.__contains__):
            if index in summed and (value := solve(indicator, index)) is not None:
                entry: Reason = (affine(index), " = ", value)
                if entry not in shown:
                    shown.append(entry)
                break
    if not shown:
        if _sums(new) > _sums(node):
            return new, ("the sum is taken term by term",)
        cancelled = symbols(new) < symbols(node)
        return new, ("equal factors cancel" if cancelled else "signs and numbers gathered",)
    if len(shown) > 3:
        return new, ("each indicator leaves one term of its sum",)
    return new, ("only ", *joined(shown), " survives" if len(shown) == 1 else " survive")


def _labels_within(scene: Scene, low: Affine, value: Affine, high: Affine) -> bool:
    """Whether the declared range of a label is one of these: a y in 0..K-1 is one of k = 0..K-1."""
    least, most = (end(scene.model, value, top) for top in (False, True))
    return least is not None and most is not None and bool(known_le(low, least) and known_le(most, high))


def one_sum(node: Expr, scene: Scene) -> Outcome | None:
    """f(1) + Σ_{t ≥ 2} f(t) = Σ_t f(t).  Terminates: there are fewer terms."""
    new, found = whole_sums(node)
    if not found:
        return None
    if len(found) > 2:
        return new, ("terms that are summands of a sum beside them join it",)
    one = "term by itself is the summand" if len(found) == 1 else "terms by themselves are the summands"
    places: list[Reason] = [(affine(index), " = ", value) for index, value in found]
    return new, (f"the {one} for ", *joined(places))


def simplify(node: Expr, scene: Scene) -> Outcome | None:
    """Multiplied out where that is shorter.  Terminates: the expression gets smaller."""
    new = positive(collect(tidy(node)))
    return None if canonical(new) == canonical(tidy(node)) else (new, ("multiply out and gather",))


def take_out(node: Expr, scene: Scene) -> Outcome | None:
    """Σ_j d_j s = (Σ_j d_j) s.  Terminates: a factor leaves a sum and does not come back."""
    new = outer_factors(node)
    if canonical(new) == canonical(node):
        return None
    moved = _moved_factor(node, new)
    if moved is None and _sums(new) < _sums(node):
        return new, ("a sum of equal terms counts them",)
    settled = tidy(new)
    if symbols(settled) < symbols(new):
        return settled, ("what does not depend on the summed index leaves the sum, and cancels",)
    if moved is None or size(moved[0]) > LONG:
        return new, ("what does not depend on the summed index leaves the sum",)
    factor, indices = moved
    return new, (factor, " does not depend on ", *joined([(affine(i),) for i in indices], " or "))


def _sums(node: Expr) -> int:
    return sum(isinstance(n, Reduce) and n.op == "sum" for n in walk(node))


def _moved_factor(before: Expr, after: Expr) -> tuple[Expr, tuple[Index, ...]] | None:
    for total in walk(before):
        if not (isinstance(total, Reduce) and total.op == "sum"):
            continue
        body = total.body.arg if isinstance(total.body, Neg) else total.body
        body = body.num if isinstance(body, Div) else body
        loose = [f for f in body.factors if _loose(f, total)] if isinstance(body, Mul) else []
        if loose:
            return mul(loose), total.indices
    return None


def _loose(factor: Expr, total: Reduce) -> bool:
    if isinstance(factor, Within):
        return False  # a condition on a range stays with what it is about
    own = free_indices(factor)
    return bool(own) and not any(i in own for i in total.indices)


def centred(node: Expr, scene: Scene) -> Outcome | None:
    """Σ_n (x_n − m) = 0 where m is the mean of the x_n.  Terminates: the sum is gone."""
    found: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if not _is_centred(n, scene):
            return None
        found.append(n)
        return ZERO

    new = tidy(rewrite(node, change))
    why: Reason = (found[0], " = 0: on average, values do not deviate from their mean") if found else ()
    return (new, why) if found else None


def _is_centred(node: Expr, scene: Scene) -> bool:
    """Whether a sum is that of the deviations from a variable that is the mean by its equation."""
    if not isinstance(node, Reduce) or node.op != "sum" or not isinstance(node.body, Add):
        return False
    terms = node.body.terms
    for value, other in (terms, terms[::-1]) if len(terms) == 2 else ():
        mean = other.arg if isinstance(other, Neg) else None
        if isinstance(mean, Ref) and not {*node.indices} & {*free_indices(mean)}:
            count = mul(Integer(i.extent) for i in node.indices)
            equation = scene.context.equations(mean)
            if equation is not None and same(equation, Div(Reduce("sum", node.indices, value), count)):
                return True
    return False


def whole_weights(node: Expr, scene: Scene) -> Outcome | None:
    """Σ_k softmax(z)_k = 1 and Σ_k u_k/(Σ_j u_j) = 1, also where a variable p_k names them.

    Terminates: indices of a sum are gone.
    """
    found: list[Expr] = []
    quotients: list[bool] = []

    def change(n: Expr) -> Expr | None:
        taken = _weights_of(n, scene) if isinstance(n, Reduce) and n.op == "sum" else None
        if taken is None:
            return None
        indices, factor, rest = taken
        found.append(Reduce("sum", indices, factor))
        quotients.append(isinstance(_value(factor, scene), Div))
        assert isinstance(n, Reduce)
        return reduce_sum(tuple(i for i in n.indices if i not in indices), rest)

    new = tidy(rewrite(node, change))
    what = "parts of a whole" if any(quotients) else "the entries of a softmax"
    if len(found) == 1 and size(found[0]) <= LONG:
        return new, (found[0], f" = 1: {what} add up to 1")
    return (new, (f"{what} add up to 1",)) if found else None


def _weights_of(node: Reduce, scene: Scene) -> tuple[tuple[Index, ...], Expr, Expr] | None:
    """Indices of a sum, the weights that alone depend on them, and what else stands in the sum."""
    factors = node.body.factors if isinstance(node.body, Mul) else (node.body,)
    several = [node.indices] if len(node.indices) > 1 else []
    for indices in (*((i,) for i in node.indices), *several):
        on_it = [f for f in factors if not {*indices}.isdisjoint(free_indices(f))]
        others = tuple(i for i in node.indices if i not in indices)
        if len(on_it) != 1 or any(in_ranges(i, others) for i in indices):
            continue
        if _sums_to_one(on_it[0], indices, scene):
            return indices, on_it[0], mul(f for f in factors if f is not on_it[0])
    return None


def _value(factor: Expr, scene: Scene) -> Expr | None:
    return scene.context.equations(factor) if isinstance(factor, Ref) else factor


def _sums_to_one(factor: Expr, indices: tuple[Index, ...], scene: Scene) -> bool:
    """Whether a factor, or the variable that it is, has entries over these indices that add up to 1."""
    value = _value(factor, scene)
    if isinstance(value, Div):
        whole = isinstance(value.den, Reduce) and value.den.op == "sum"
        ranged = all(known_le(i.low, i.high) for i in indices)
        return whole and ranged and same(value.den, Reduce("sum", indices, value.num))
    match value, indices:
        case Call("exp", (Add((body, Neg(Reduce("logsumexp") as total))),)), _ if len(indices) > 1:
            return same(total, Reduce("logsumexp", indices, body))
        case Weights("softmax"), (index,):
            return _softmax_over(value, index)
        case _:
            return False


def _softmax_over(value: Weights, index: Index) -> bool:
    if value.at.as_index() != index:
        return False
    own = (value.index.lo, value.index.hi)
    if not known_le(index.low, index.high):
        return False  # over nothing the sum is 0
    return own == (index.lo, index.hi) and index not in free_indices(replace(value, at=Affine()))


def shared_factor(node: Expr, scene: Scene) -> Outcome | None:
    """a b/s − a c/s = a (b − c)/s.  Terminates: used once; see :mod:`symbp.calculus.common`."""
    found = common_factor(node)
    if found is None:
        return None
    above, below, new = found
    shared = above if below == ONE else below if above == ONE else div(above, below)
    what = shared if size(shared) <= LONG else "the same"
    return new, (what, " divides every term" if above == ONE else " is a factor of every term")


def inner_product(node: Expr, scene: Scene) -> Outcome | None:
    """Σ_j w_jk δ_j is the inner product of δ with a column of w.  Terminates: the sum becomes a dot."""
    found: list[tuple[Expr, Expr]] = []

    def change(n: Expr) -> Expr | None:
        if not (isinstance(n, Reduce) and n.op == "sum" and len(n.indices) == 1):
            return None
        pair = vector_pair(n)
        if pair is None:
            return None
        found.append(pair)
        return Reduce("dot", n.indices, Mul(pair))

    new = replace_nodes(node, change)
    if not found or len(found) > 1:
        return None
    return new, ("the sum is an inner product of two vectors",)


def vector_pair(node: Reduce) -> tuple[Expr, Expr] | None:
    """The two factors of a sum of products, each with the summed index in one position."""
    body, (index,) = node.body, node.indices
    if not isinstance(body, Mul) or len(body.factors) != 2 or index.sequence:
        return None
    first, second = body.factors
    for factor in (first, second):
        if not isinstance(factor, (Ref, Adjoint)):
            return None
        if sum(p.as_index() == index for p in positions(factor)) != 1:
            return None
    others = [[p for p in positions(f) if _plain_other(p, index)] for f in (first, second)]
    return (first, second) if sum(map(len, others)) == 1 else None


def _plain_other(position: object, index: Index) -> bool:
    i = position.as_index()  # type: ignore[attr-defined]
    return i is not None and i != index and not i.sequence
