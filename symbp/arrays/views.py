"""What a document shows of a case in matrices: the result, and the Jacobian that the adjoint passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from symbp.arrays.matrix import matrix_form
from symbp.arrays.matrix_entry import entry
from symbp.arrays.matrix_nodes import Identity, Matrix
from symbp.arrays.matrix_reason import matrix_reason
from symbp.calculus.affine import Index, affine
from symbp.calculus.apart import apart
from symbp.calculus.construct import add, mul, neg, reduce_sum
from symbp.calculus.expr import Add, Adjoint, Expr, Indicator, Mul, Neg, Number, Reduce, Ref
from symbp.calculus.tree import free_indices, same, substitute, walk
from symbp.derive.core import Case, Jacobian, Line
from symbp.model.core import Array


@dataclass(frozen=True, slots=True)
class JacobianView:
    """∂z^l/∂z^{l-1} as a matrix, so that δ^{l-1} is its transpose times δ^l."""

    consumer: Ref
    element: Ref
    form: Matrix


@dataclass(frozen=True, slots=True)
class MatrixView:
    """The matrix form of a case; ``form`` is None where there is none."""

    form: Matrix | None
    rows: tuple[Index, ...]
    reason: tuple[object, ...] = ()
    jacobian: JacobianView | None = None


def matrix_view(arrays: Mapping[str, Array], case: Case, *, scalars: bool = False) -> MatrixView:
    """The matrix form of a case's result, and of the Jacobian where there is one consumer.

    With ``scalars`` a scalar has a form too where it reads as the indexed one does.
    """
    own = tuple(i for i in case.indices if not i.sequence)
    if len(own) > 2 or not _plain(case.lhs, own):
        return MatrixView(None, own)
    result = apart(_of_one_rank(case.result), frozenset(i.name for i in case.indices))
    form = matrix_form(arrays, result, *own)
    if form is not None and not own and not scalars and not _says_more(case.result):
        form = None
    reason = matrix_reason(form) if form is not None else ()
    return MatrixView(form, own, reason, _jacobian(arrays, case))


def _plain(lhs: Adjoint, own: tuple[Index, ...]) -> bool:
    """Whether the free indices stand alone on their axes, so that leaving them out says the array."""
    alone = [p.as_index() for p in lhs.indices]
    return all(i in alone for i in own)


def _of_one_rank(result: Expr) -> Expr:
    """(u_i − c) s_i multiplied out: matrices add only what has the same axes."""
    if not isinstance(result, Mul):
        return result
    for place, factor in enumerate(result.factors):
        if isinstance(factor, Add) and len(groups := _by_rank(factor.terms)) > 1:
            before, after = result.factors[:place], result.factors[place + 1 :]
            return add(_of_one_rank(_times(before, add(g), after)) for g in groups)
    return result


def _by_rank(terms: tuple[Expr, ...]) -> list[list[Expr]]:
    """The terms by their axes; a number alone stays with the others: 1 − u is what a reader expects.

    log Σ exp z goes with the z that it normalises: together they are the logarithm of a softmax.
    """
    groups: dict[frozenset[Index], list[Expr]] = {}
    for term in terms:
        whole = next((t for t in terms if _normalises(term, t)), term)
        groups.setdefault(frozenset(free_indices(whole)), []).append(term)
    numbers = [rank for rank, group in groups.items() if all(isinstance(t, Number) for t in group)]
    return [list(terms)] if len(groups) - len(numbers) < 2 else list(groups.values())


def _normalises(term: Expr, other: Expr) -> bool:
    """Whether a term is −log Σ_i exp z_i and another is z_k."""
    match term:
        case Neg(Reduce("logsumexp", (index,), body)):
            return any(same(other, substitute(body, {index: affine(i)})) for i in free_indices(other))
        case _:
            return False


def _times(before: tuple[Expr, ...], term: Expr, after: tuple[Expr, ...]) -> Expr:
    return neg(_times(before, term.arg, after)) if isinstance(term, Neg) else mul((*before, term, *after))


def _says_more(result: Expr) -> bool:
    """A scalar without a sum in it looks the same in matrices."""
    sums = (node for node in walk(result) if isinstance(node, Reduce))
    return any(not all(i.sequence for i in node.indices) for node in sums)


def _jacobian(arrays: Mapping[str, Array], case: Case) -> JacobianView | None:
    if len(case.jacobians) != 1 or len(case.consumers) != 1:
        return None
    (only,) = case.jacobians
    if len(only.rows) != 1 or len(only.cols) != 1 or _sums_a_sequence(only):
        return None
    form = matrix_form(arrays, _on_one_diagonal(only.entry), only.rows[0], only.cols[0])
    if form is None or isinstance(form, Identity):
        return None
    return JacobianView(only.consumer, only.element, form)


def _on_one_diagonal(node: Expr) -> Expr:
    """[j = i] a_j − [j = i] b_j as [j = i] (a_j − b_j): one diagonal matrix and not the sum of two."""
    if not isinstance(node, Add):
        return node
    found: dict[Expr, list[Expr]] = {}
    others: list[Expr] = []
    for term in node.terms:
        mark, rest = _indicated(term)
        if mark is None:
            others.append(term)
        else:
            found.setdefault(mark, []).append(rest)
    if all(len(terms) == 1 for terms in found.values()):
        return node
    return add((*others, *(mul((mark, add(terms))) for mark, terms in found.items())))


def _indicated(term: Expr) -> tuple[Expr | None, Expr]:
    """The one indicator among the factors of a term, and the others."""
    if isinstance(term, Neg):
        mark, rest = _indicated(term.arg)
        return mark, neg(rest)
    factors = term.factors if isinstance(term, Mul) else (term,)
    marks = [f for f in factors if isinstance(f, Indicator)]
    if len(marks) != 1:
        return None, term
    return marks[0], mul([f for f in factors if f is not marks[0]])


def _sums_a_sequence(jacobian: Jacobian) -> bool:
    """Whether the chain rule adds up over a sequence: then no single Jacobian carries the adjoint."""
    known = {i for p in jacobian.element.indices for i in p.indices()}
    return any(
        i.sequence and i not in known for p in jacobian.consumer.indices for i in p.indices()
    )


def with_matrix_line(case: Case, view: MatrixView) -> Case:
    """The case with its matrix forms read back as indexed expressions, for the oracle to check."""
    lines = list(case.lines)
    places = (*map(affine, view.rows), None, None)[:2]
    if view.form is not None:
        lines.append(Line("matrix form", (), case.result, entry(view.form, *places)))
    if view.jacobian is not None and case.jacobians:
        lines.append(Line("Jacobian", (), lines[-1].target if lines else case.result, _carried(case, view)))
    return replace(case, lines=tuple(lines))


def _carried(case: Case, view: MatrixView) -> Expr:
    """Σ_j J_jk δ_j: what the Jacobian's transpose makes of the consumer's adjoint."""
    (only,) = case.jacobians
    assert view.jacobian is not None
    (row,) = only.rows
    upstream = Adjoint(only.consumer.name, only.consumer.indices)
    value = entry(view.jacobian.form, affine(row), affine(only.cols[0]))
    return reduce_sum(only.rows, Mul((value, upstream)))
