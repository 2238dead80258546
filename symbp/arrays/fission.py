"""What does not depend on a recurrence leaves it: a product over all steps instead of one in each.

``h[t] = tanh(W h[t-1] + U x[t] + b)`` becomes ``u[t] = U x[t] + b`` for all t at once and
``h[t] = tanh(W h[t-1] + u[t])`` (Appleyard, Kočiský, Blunsom, *Optimizing performance of recurrent neural
networks on GPUs*, section 3.1, does the same).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from symbp.arrays.variables import copied, unused, with_variable
from symbp.calculus.adjoining import beyond
from symbp.calculus.affine import Affine, Index, affine, fresh, in_ranges
from symbp.calculus.construct import add
from symbp.calculus.expr import Add, Expr, Reduce, Ref
from symbp.calculus.tree import bound, canonical, free_indices, refs, replace_nodes, substitute, walk
from symbp.derive.graph import graph_of, recurrences
from symbp.model.core import Array, Equation, Model


def inputs_apart(model: Model) -> Model:
    """The model with a variable for each sum of products in a recurrence that reads none of its variables.

    So is a factor: of ``(1 - f[t]) (W x[t])`` the product with W leaves.
    """
    groups = in_recurrences(model)
    for equation in model.equations:
        group = groups.get(equation.lhs.name)
        if group is not None and _steps(equation):
            for terms in _outside(equation, group, model):
                model = _apart(model, equation, terms)
    return model


def in_recurrences(model: Model) -> dict[str, frozenset[str]]:
    """The variables that need themselves or each other, each with those of its group."""
    graph = graph_of(model)
    return {n: g for n, g in recurrences(graph).items() if len(g) > 1 or n in graph.reads[n]}


def _steps(equation: Equation) -> list[Index]:
    """The sequence indices that an equation runs over."""
    return [i for i in equation.indices if i.sequence]


def _outside(equation: Equation, group: frozenset[str], model: Model) -> Iterator[tuple[Expr, ...]]:
    """What a step need not wait for, where it is worth computing at once: terms of sums, and factors."""
    moved: set[Expr] = set()
    for node in walk(equation.rhs):
        if _binds(equation.rhs, node):
            continue
        if isinstance(node, Add):
            terms = tuple(t for t in node.terms if not _reads(t, group))
            if len(terms) < len(node.terms) and any(_moves(t, equation, model) for t in terms):
                moved.update(n for t in terms for n in walk(t))
                yield terms
        elif node not in moved and not _reads(node, group) and _moves(node, equation, model):
            moved.update(walk(node))
            yield (node,)


def _reads(node: Expr, group: frozenset[str]) -> bool:
    return any(r.name in group for r in refs(node))


def _binds(whole: Expr, part: Expr) -> bool:
    """Whether a part stands inside of a sum whose index it reads."""
    inner = {i for n in walk(whole) for i in bound(n)}
    return bool(inner & set(free_indices(part)))


def _moves(term: Expr, equation: Equation, model: Model) -> bool:
    """Whether a term is a sum, or the row of a label, that each step has another of, over whole arrays."""
    product = (isinstance(term, Reduce) and term.op == "sum") or _is_row(term)
    steps = {i for i in _steps(equation) if any(i in p.indices() for r in refs(term) for p in r.indices)}
    lists = any(_chosen(model.arrays[r.name], r, steps) for r in refs(term))
    return product and bool(steps) and not lists


def _is_row(term: Expr) -> bool:
    """Whether a term is an entry of a row that a label chooses: rows are copied whole."""
    if not isinstance(term, Ref) or len(term.indices) < 2:
        return False
    first, *rest = term.indices
    return any(isinstance(a, Ref) for a in first.atoms()) and all(p.as_index() is not None for p in rest)


def _chosen(array: Array, ref: Ref, steps: set[Index]) -> bool:
    """Whether a step chooses a parameter of its own, not rows by labels: then each has its own product."""
    return array.kind == "param" and any(i in p.tops() for p in ref.indices for i in steps)


def _apart(model: Model, old: Equation, terms: tuple[Expr, ...]) -> Model:
    """The model with one more variable, the sum of ``terms``, for all that the equation runs over.

    If the first step has an equation of its own with the same terms, the variable runs over that too.
    """
    same = ((e.lhs, e.indices) == (old.lhs, old.indices) for e in model.equations)
    place = list(same).index(True)
    equation = model.equations[place]
    name = unused(model, f"{equation.lhs.name}_input")
    changed = {place: _reading(equation, name, equation.indices, terms, {})}
    axes = equation.indices
    for k, other in enumerate(model.equations):
        for values, wide in _starts(equation, other):
            read = _reading(other, name, equation.indices, terms, values)
            if read != other and axes == equation.indices:
                changed[k], axes = read, wide
    moved = copied(axes)
    at = tuple(moved.values())
    indices = tuple(i for p in at for i in p.indices())
    there = dict(zip(equation.indices, at, strict=True))
    made = Equation(Ref(name, at), substitute(add(terms), there), indices, number=equation.number)
    equations = [changed.get(k, e) for k, e in enumerate(model.equations)]
    equations.insert(min(changed), made)
    return with_variable(model, made, equation.lhs.name, equations)


def _reading(
    e: Equation, name: str, at: Sequence[Index], terms: Sequence[Expr], values: Mapping[Index, Affine]
) -> Equation:
    """The equation with the new variable for the terms, where its indices have these values."""
    new = Ref(name, tuple(affine(i).substitute(values) for i in at))
    here = frozenset(canonical(substitute(t, values)) for t in terms)
    return replace(e, rhs=replace_nodes(e.rhs, lambda n: _without(n, here, new)))


def _starts(
    equation: Equation, other: Equation
) -> Iterator[tuple[Mapping[Index, Affine], tuple[Index, ...]]]:
    """The values of the indices with which an equation would be ``other``, a step before or after its range.

    With them the indices that have this step in their range.
    """
    if other.lhs.name != equation.lhs.name or other is equation:
        return
    values: dict[Index, Affine] = {}
    wide: dict[Index, Index] = {}
    for mine, its in zip(equation.lhs.indices, other.lhs.indices, strict=True):
        index, read = mine.as_index(), its.as_index()
        if index is None:
            return
        ends = (index.low.substitute(values), index.high.substitute(values))
        if read is not None and (read.low, read.high) == ends:
            values[index] = affine(read)
            continue
        near = next((b for b in beyond(index) if b[0] == its), None)
        if near is None or wide:
            return
        values[index] = its
        wide[index] = fresh(index.name, near[1], near[2], index.sequence)
    if wide and not any(in_ranges(i, equation.indices) for i in wide):
        yield values, tuple(wide.get(i, i) for i in equation.indices)


def _without(node: Expr, terms: frozenset[Expr], new: Expr) -> Expr | None:
    """The sum, or the factor, with the new variable where the first of the terms stood."""
    if len(terms) == 1 and canonical(node) in terms:
        return new
    if not isinstance(node, Add):
        return None
    keys = list(map(canonical, node.terms))
    if not terms <= set(keys):
        return None
    first = next(k for k, key in enumerate(keys) if key in terms)
    keep = [k for k, key in enumerate(keys) if k == first or key not in terms]
    return add(new if k == first else node.terms[k] for k in keep)
