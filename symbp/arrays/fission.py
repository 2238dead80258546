"""What does not depend on a recurrence leaves it: a product over all steps instead of one in each.

``h[t] = tanh(W h[t-1] + U x[t] + b)`` becomes ``u[t] = U x[t] + b`` for all t at once and
``h[t] = tanh(W h[t-1] + u[t])`` (Appleyard, Kočiský, Blunsom, *Optimizing performance of recurrent neural
networks on GPUs*, section 3.1, does the same).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symbp.arrays.variables import copied, unused, with_variable
from symbp.calculus.affine import Index, affine
from symbp.calculus.construct import add
from symbp.calculus.expr import Add, Expr, Reduce, Ref
from symbp.calculus.tree import bound, free_indices, refs, replace_nodes, substitute, walk
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
    """Whether a term is a sum that differs from step to step, over arrays in one piece."""
    product = isinstance(term, Reduce) and term.op == "sum"
    steps = {i for i in _steps(equation) if any(i in p.indices() for r in refs(term) for p in r.indices)}
    lists = any(_chosen(model.arrays[r.name], r, steps) for r in refs(term))
    return product and bool(steps) and not lists


def _chosen(array: Array, ref: Ref, steps: set[Index]) -> bool:
    """Whether a step chooses a parameter of its own, not rows by labels: then each has its own product."""
    return array.kind == "param" and any(i in p.tops() for p in ref.indices for i in steps)


def _apart(model: Model, old: Equation, terms: tuple[Expr, ...]) -> Model:
    """The model with one more variable, the sum of ``terms``, for all that the equation runs over."""
    same = ((e.lhs, e.indices) == (old.lhs, old.indices) for e in model.equations)
    place = list(same).index(True)
    equation = model.equations[place]
    name = unused(model, f"{equation.lhs.name}_input")
    moved = copied(equation.indices)
    at = tuple(moved.values())
    axes = tuple(i for p in at for i in p.indices())
    made = Equation(Ref(name, at), substitute(add(terms), moved), axes, number=equation.number)
    here = Ref(name, tuple(map(affine, equation.indices)))
    rest = replace(equation, rhs=replace_nodes(equation.rhs, lambda n: _without(n, terms, here)))
    equations = (*model.equations[:place], made, rest, *model.equations[place + 1 :])
    return with_variable(model, made, equation.lhs.name, equations)


def _without(node: Expr, terms: tuple[Expr, ...], new: Expr) -> Expr | None:
    """The sum, or the factor, with the new variable where the first of the terms stood."""
    if (node,) == terms:
        return new
    if not isinstance(node, Add) or not set(terms) <= set(node.terms):
        return None
    return add(new if t == terms[0] else t for t in node.terms if t == terms[0] or t not in terms)
