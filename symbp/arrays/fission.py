"""What does not depend on a recurrence leaves it: a product over all steps instead of one in each.

``h[t] = tanh(W h[t-1] + U x[t] + b)`` becomes ``u[t] = U x[t] + b`` for all t at once and
``h[t] = tanh(W h[t-1] + u[t])`` (Appleyard, Kočiský, Blunsom, *Optimizing performance of recurrent neural
networks on GPUs*, section 3.1, does the same).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from symbp.calculus.affine import Affine, Index, affine, fresh
from symbp.calculus.expr import (
    Add,
    Expr,
    Reduce,
    Ref,
    add,
    bound,
    free_indices,
    refs,
    replace_nodes,
    substitute,
    walk,
)
from symbp.model.core import Array, Equation, Model
from symbp.model.order import components


def inputs_apart(model: Model) -> Model:
    """The model with a variable for each sum of products in a recurrence that reads none of its variables."""
    groups = recurrences(model)
    taken = {name: group for group in groups for name in group}
    for equation in model.equations:
        group = taken.get(equation.lhs.name)
        if group is not None and _steps(equation):
            for terms in _outside(equation, group, model):
                model = _apart(model, equation, terms)
    return model


def recurrences(model: Model) -> list[frozenset[str]]:
    """The groups of variables that need themselves or each other."""
    reads = {a.name: dict[str, None]() for a in model.of_kind("variable")}
    for e in model.equations:
        found = (r.name for r in refs(e.rhs) if r.name in reads)
        reads.setdefault(e.lhs.name, {}).update(dict.fromkeys(found))
    groups = components(list(reads), lambda n: list(reads[n]))
    return [frozenset(g) for g in groups if len(g) > 1 or g[0] in reads[g[0]]]


def _steps(equation: Equation) -> list[Index]:
    """The sequence indices that an equation runs over."""
    return [i for i in equation.indices if i.sequence]


def _outside(equation: Equation, group: frozenset[str], model: Model) -> Iterator[tuple[Expr, ...]]:
    """The terms of each sum that a step need not wait for, where one of them is worth computing at once."""
    for node in walk(equation.rhs):
        if isinstance(node, Add) and not _binds(equation.rhs, node):
            terms = tuple(t for t in node.terms if not {r.name for r in refs(t)} & group)
            if len(terms) < len(node.terms) and any(_moves(t, equation, model) for t in terms):
                yield terms


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
    """Whether a step chooses a parameter of its own: then each has its own product."""
    return array.kind == "param" and any(i in p.indices() for p in ref.indices for i in steps)


def _apart(model: Model, old: Equation, terms: tuple[Expr, ...]) -> Model:
    """The model with one more variable, the sum of ``terms``, for all that the equation runs over."""
    same = ((e.lhs, e.indices) == (old.lhs, old.indices) for e in model.equations)
    place = list(same).index(True)
    equation = model.equations[place]
    name = f"{equation.lhs.name}_input"
    while name in model.arrays or name in model.functions:
        name += "_"
    axes, moved = list[Index](), dict[Index, Affine]()
    for i in equation.indices:
        axes.append(fresh(i.name, i.low.substitute(moved), i.high.substitute(moved), i.sequence))
        moved[i] = affine(axes[-1])
    at = tuple(affine(i) for i in axes)
    made = Equation(Ref(name, at), substitute(add(terms), moved), tuple(axes), number=equation.number)
    here = Ref(name, tuple(affine(i) for i in equation.indices))
    rest = replace(equation, rhs=replace_nodes(equation.rhs, lambda n: _without(n, terms, here)))
    equations = (*model.equations[:place], made, rest, *model.equations[place + 1 :])
    like = model.arrays[equation.lhs.name]
    array = replace(like, name=name, latex="", axes=tuple(axes))
    order = tuple(m for n in model.order for m in ((name, n) if n == equation.lhs.name else (n,)))
    return replace(model, arrays={**model.arrays, name: array}, equations=equations, order=order)


def _without(node: Expr, terms: tuple[Expr, ...], new: Expr) -> Expr | None:
    """The sum with the new variable where the first of the terms stood."""
    if not isinstance(node, Add) or not set(terms) <= set(node.terms):
        return None
    return add(new if t == terms[0] else t for t in node.terms if t == terms[0] or t not in terms)
