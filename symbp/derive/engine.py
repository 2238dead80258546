"""Reverse mode over the equations of a model: every adjoint, line by line.

The whole way in one place: which variables carry an adjoint, who uses each of them, on which parts of
a sequence, and the rules applied in order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from symbp.calculus.affine import Affine, Index, affine, fresh, known_le
from symbp.calculus.expr import ZERO, Adjoint, Expr, Partial, Ref
from symbp.calculus.tree import canonical, refs, substitute, walk
from symbp.derive.context import Context, definition
from symbp.derive.core import AdjointSystem, Case, Contribution, Jacobian, Line
from symbp.derive.graph import Graph, closure, graph_of, needed, recurrences, seen_through
from symbp.derive.regions import Region, regions
from symbp.derive.rules import DISPLAY_ONLY, RULES
from symbp.derive.scene import NameTable, Scene, name_table
from symbp.derive.stable import stabilise
from symbp.derive.uses import Use, generic, reached, uses
from symbp.derive.variants import Unsolvable, generic_le
from symbp.model.core import Array, Equation, Model

Uses = dict[str, tuple[Use, ...]]


@dataclass(frozen=True, slots=True)
class Stage:
    """What all cases of a model have in common."""

    model: Model
    context: Context
    steady: Mapping[int, Expr]
    through: frozenset[str]
    names: NameTable
    recurrences: Mapping[str, frozenset[str]]
    alive: frozenset[str]
    """What a leaf acts on: of nothing else an adjoint is needed."""
    local: frozenset[str] = frozenset()
    """Parameters and other leaves of which the Jacobians are wanted too."""

    def scene(self, element: Ref, uses_: tuple[Use, ...], total: bool = False) -> Scene:
        """The scene of one case."""
        group = self.recurrences.get(element.name, frozenset())
        window = any(u.consumer in group and any(i.sequence for i in u.indices) for u in uses_)
        return Scene(
            self.model, element, uses_, self.context, self.steady, self.through, self.names, total,
            window=window,
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """Which arrays carry an adjoint, who uses them, and the order in which the adjoints can be computed."""

    steady: Model
    graph: Graph
    alive: frozenset[str]
    through: frozenset[str]
    uses: Uses
    wanted: tuple[str, ...]
    order: tuple[str, ...]


def adjoint_system(
    model: Model, wrt: Iterable[str] | None = None, local: Iterable[str] = ()
) -> AdjointSystem:
    """The adjoints that the gradients with respect to ``wrt`` need; by default of every param.

    ``wrt`` may name inputs, constants and variables too.  An array on which the cost does not depend
    has one case, with the result 0.  Cases of variables have the Jacobians on the way, those of
    parameters and inputs only where ``local`` names them.
    """
    plan = planned(model, wrt)
    steady, found = plan.steady, plan.uses
    context = Context(model.functions, lambda ref: definition(model, ref))
    bodies = {e.number: e.rhs for e in steady.equations}
    groups, names = recurrences(plan.graph), name_table(model, steady)
    stage = Stage(model, context, bodies, plan.through, names, groups, plan.alive, frozenset(local))
    cases: dict[str, tuple[Case, ...]] = {}
    contributions: dict[str, tuple[Contribution, ...]] = {}
    number = len(model.equations)
    for name in plan.order:
        array = model.arrays[name]
        cases[name] = tuple(_cases(stage, array, found[name], number))
        contributions[name] = tuple(_contributions(stage, array, found[name], cases[name]))
        number += len(cases[name])
    variables = [n for n in plan.order if model.arrays[n].kind == "variable" and n not in plan.wanted]
    ends = {n: reached(plan.graph, model.arrays[n], plan.alive) for n in variables}
    return AdjointSystem(model, steady, plan.order, cases, contributions, plan.through, ends)


def planned(model: Model, wrt: Iterable[str] | None = None) -> Plan:
    """What is to be derived for ``wrt``, before anything is: by default for every param."""
    params = tuple(a.name for a in model.of_kind("param"))
    wanted = params if wrt is None else tuple(dict.fromkeys(wrt))
    leaves = frozenset(wanted) | frozenset(params)
    steady = stabilise(model, frozenset(wanted))
    graph = graph_of(steady)
    alive = needed(graph, leaves)
    dropped = _dropped(model, steady) & alive - frozenset(wanted)
    through, found = _all_uses(graph, alive, frozenset(wanted), leaves, dropped)
    return Plan(steady, graph, alive, through, found, wanted, _order(model, found, wanted, through))


def _dropped(model: Model, steady: Model) -> frozenset[str]:
    """The variables that some stable form no longer reads, and those that it no longer reads through them.

    If others still do, ∂C/∂a of such a variable would lack the part that goes through the stable form:
    it has to be seen through everywhere.
    """
    lost: set[str] = set()
    for old, new in zip(model.equations, steady.equations, strict=True):
        if old.rhs is not new.rhs:
            before, after = _reads(old.rhs), _reads(new.rhs)
            # a softmax reads its scores once, a quotient of exponentials twice: that opens no variable
            more = {*(after - before)}
            todo = [n for n in before - after if n not in after or more & _made_from(model, n)]
            expected = Counter(before)
            while todo:
                name = todo.pop()
                lost.add(name)
                below = _reads_of(model, name)
                for read, times in below.items():
                    expected[read] += times * expected[name]
                inner = [r for r in sorted({*below} - lost) if _is_variable(model, r)]
                todo += [r for r in inner if after[r] <= before[r] or _opened(model, r, after, expected)]
    return frozenset(lost)


def _opened(model: Model, name: str, after: Counter[str], expected: Counter[str]) -> bool:
    """Whether a variable is read less often than those above it read it, and what it is made of more often.

    log Z of a Z = Σ g reads what g is made of, and no g; log(a/Σ a) of an a = σ(z) reads z, and a in its sum.
    """
    return after[name] < expected[name] and any(after[r] > expected[r] for r in _made_from(model, name))


def _reads_of(model: Model, name: str) -> Counter[str]:
    """How often the equations of a variable read each array."""
    return sum((_reads(e.rhs) for e in model.equations_of(name)), Counter())


def _made_from(model: Model, name: str) -> set[str]:
    """The arrays that a variable is computed from, through others too."""
    return set(closure([name], lambda n: sorted(_reads_of(model, n)))) - {name}


def _is_variable(model: Model, name: str) -> bool:
    return model.arrays[name].kind == "variable"


def _reads(node: Expr) -> Counter[str]:
    """How often each array is read, every occurrence counted."""
    return Counter(n.name for n in walk(node) if isinstance(n, Ref))


def _all_uses(
    graph: Graph,
    alive: frozenset[str],
    wanted: frozenset[str],
    leaves: frozenset[str],
    dropped: frozenset[str],
) -> tuple[frozenset[str], Uses]:
    """The uses of every array that carries an adjoint, as the stable equations have them.

    Variables of ``dropped`` are seen through.

    Texts come from the author's equations: a use whose equation was brought into a stable form shows
    the author's first, if it reads the same elements.
    """
    fixed, model = wanted, graph.model
    while True:
        through = seen_through(graph, alive, fixed) | dropped - fixed
        try:
            names_ = [n for n in (*leaves, *model.order) if n not in through and (n in alive or n in leaves)]
            return through, {n: uses(graph, model.arrays[n], alive, through, fixed) for n in names_}
        except Unsolvable as problem:
            fixed = fixed | {problem.name}


def _order(
    model: Model, found: Uses, wanted: tuple[str, ...], through: frozenset[str]
) -> tuple[str, ...]:
    """Consumers before what they read; parameters last, in the order of their declarations."""
    variables = [n for n in reversed(model.order) if n in found and n not in through]
    used = _made_of(wanted, found)
    return (*(n for n in variables if n in used or n in wanted), *(n for n in wanted if n not in variables))


def _made_of(wanted: Iterable[str], found: Uses) -> set[str]:
    """The arrays whose adjoints those of ``wanted`` are made of."""
    seen, todo = set(wanted), list(wanted)
    while todo:
        for use in found.get(todo.pop(), ()):
            if use.consumer in found and use.consumer not in seen:
                seen.add(use.consumer)
                todo.append(use.consumer)
    return seen


def _cases(
    stage: Stage, array: Array, found: tuple[Use, ...], number: int
) -> Iterator[Case]:
    target = found[0].target if found else generic(array)
    aligned = tuple(_aligned(u, target) for u in found)
    found_parts = regions(array, target, aligned, tuple(_asked(stage, array))) if aligned else ()
    parts = tuple(r for r in found_parts if _exists(stage.model, array, r))
    if not parts:
        lhs = Adjoint(array.name, target.indices)
        free = tuple(p.indices()[0] for p in target.indices)
        yield Case(lhs, free, (_no_use(lhs),), ZERO, number + 1)
        return
    for offset, region in enumerate(parts):
        there = _defined(stage.model, array, region)
        yield _case(stage, there, number + offset + 1, len(parts) > 1 and region.point)


def _defined(model: Model, array: Array, region: Region) -> Region:
    """The region without what no equation defines: of a triangle b[w,i] for i = 0..T-w, not all of 0..T-1."""
    for equation in model.equations_of(array.name) if array.kind == "variable" else ():
        values: dict[Index, Affine] = {}
        ends: dict[Index, Affine] = {}
        for mine, place in zip(equation.lhs.indices, region.element.indices, strict=True):
            index, here = mine.as_index(), place.as_index()
            if index is None or here is None or here not in region.indices:
                break
            low, high = index.low.substitute(values), index.high.substitute(values)
            if high.indices() and known_le(high, here.high):
                ends[here] = high
            elif not (generic_le(low, here.low) and generic_le(here.high, high)):
                break
            values[index] = place
        else:
            return replace(
                region, indices=tuple(replace(i, hi=ends[i]) if i in ends else i for i in region.indices)
            )
    return region


def _exists(model: Model, array: Array, region: Region) -> bool:
    """Whether some equation defines elements of a region: of a table that gets shorter, not its corner."""
    if array.kind != "variable":
        return True
    axes = [a for a, axis in enumerate(array.axes) if axis.sequence]
    own = {a: _ends(region.element.indices[a]) for a in axes}
    return any(_may_overlap(own, _extent(equation, array)) for equation in model.equations_of(array.name))


def _may_overlap(
    one: Mapping[int, tuple[Affine, Affine] | None], other: Mapping[int, tuple[Affine, Affine] | None]
) -> bool:
    """Whether two parts of a grid may have an element in common, as far as their ends say it."""
    for axis, mine in one.items():
        its = other[axis]
        if mine is not None and its is not None:
            apart = known_le(mine[1] + 1, its[0]) or known_le(its[1] + 1, mine[0])
            if apart:
                return False
    return True


def _extent(equation: Equation, array: Array) -> dict[int, tuple[Affine, Affine] | None]:
    """From where to where an equation defines an array, by sequence axis; None along a triangle."""
    return {a: _ends(p) for a, p in enumerate(equation.lhs.indices) if array.axes[a].sequence}


def _asked(stage: Stage, array: Array) -> Iterator[dict[int, tuple[Affine, Affine]]]:
    """The parts of an array, by axis, that equations compute from something that needs an adjoint."""
    for equation in stage.model.equations_of(array.name):
        if not any(r.name in stage.alive for r in refs(equation.rhs)):
            continue
        ends = _extent(equation, array)
        if None not in ends.values():  # a triangle is no part of a grid
            yield {a: part for a, part in ends.items() if part is not None}


def _ends(position: Affine) -> tuple[Affine, Affine] | None:
    """From where to where a position goes; None where it does not go step by step."""
    if not position.indices():
        return position, position
    (index, *others) = position.indices()
    if others or position.coefficient(index) != 1:
        return None
    ends = index.low + (position - index), index.high + (position - index)
    return None if any(end.indices() for end in ends) else ends


def _no_use(lhs: Adjoint) -> Line:
    return Line("no use", ("the cost does not depend on it",), lhs, ZERO)


def _aligned(use: Use, target: Ref) -> Use:
    """The use in terms of a common target, so that several uses can be added."""
    if use.target == target:
        return use
    values = {
        old.indices()[0]: new for old, new in zip(use.target.indices, target.indices, strict=True)
    }
    return _placed(use, values, target)


def _placed(use: Use, values: dict[Index, Affine], target: Ref) -> Use:
    """The use at certain positions of its target."""
    moved = dict(values)
    indices = []
    for i in use.indices:
        indices.append(fresh(i.name, i.low.substitute(moved), i.high.substitute(moved), i.sequence))
        moved[i] = affine(indices[-1])
    lhs, body = substitute(use.lhs, moved), substitute(use.body, moved)
    assert isinstance(lhs, Ref)
    domain = {a: (lo.substitute(moved), hi.substitute(moved)) for a, (lo, hi) in use.domain.items()}
    seen = tuple(r for s in use.seen if isinstance(r := substitute(s, moved), Ref))
    return replace(
        use, lhs=lhs, body=body, indices=tuple(indices), target=target, domain=domain, seen=seen
    )


def _case(stage: Stage, region: Region, number: int, base: bool) -> Case:
    placed = tuple(_placed(u, dict(region.values), region.element) for u in region.uses)
    lhs = Adjoint(region.element.name, region.element.indices)
    if not placed:
        return Case(lhs, region.indices, (_no_use(lhs),), ZERO, number, base)
    lines = tuple(_lines(lhs, stage.scene(region.element, placed)))
    result = next((n.target for n in reversed(lines) if n.rule not in DISPLAY_ONLY), lhs)
    consumers = tuple(dict.fromkeys(u.consumer for u in placed))
    jacobians = tuple(
        _jacobian(stage, use, region)
        for use in placed
        # for a parameter the Jacobian says nothing that the chain rule did not say
        if use.consumer != stage.model.cost
        if stage.model.arrays[lhs.name].kind == "variable" or lhs.name in stage.local
    )
    return Case(lhs, region.indices, lines, result, number, base, consumers, jacobians)


def _jacobian(stage: Stage, use: Use, region: Region) -> Jacobian:
    """∂z_j/∂z_k with j free: the matrix whose transpose carries the adjoint back."""
    node: Expr = Partial(use.lhs, region.element)
    for line in _lines(node, replace(stage.scene(region.element, (use,)), local=True)):
        node = line.target if line.rule not in DISPLAY_ONLY else node
    rows = tuple(i for i in use.indices if not i.sequence)
    cols = tuple(i for i in region.indices if not i.sequence)
    return Jacobian(use.lhs, region.element, rows, cols, node)


def _lines(start: Expr, scene: Scene) -> Iterator[Line]:
    """The rules in order, each once; those that find nothing leave no line."""
    node = start
    if isinstance(node, Adjoint) and not scene.named(node.name):
        # without a name of its own an adjoint is written ∂C/∂z, so its definition says nothing
        node = Partial(Ref(scene.model.cost), scene.element)
    for rule in RULES:
        outcome = rule.apply(node, scene)
        if outcome is None:
            continue
        new, why = outcome
        if canonical(new) != canonical(node):
            yield Line(rule.name, why, node, new, rule.key)
        node = new


def _contributions(
    stage: Stage, array: Array, found: tuple[Use, ...], cases: tuple[Case, ...]
) -> Iterator[Contribution]:
    """One addend for each use, on all of the range where the use exists."""
    for use in found:
        values: dict[Index, Affine] = {}
        indices: list[Index] = []
        for axis, position in enumerate(use.target.indices):
            old = position.indices()[0]
            lo, hi = use.domain.get(axis, (old.low, old.high))
            lo, hi = lo.substitute(values), hi.substitute(values)
            if lo == hi and old.sequence:
                values[old] = lo
                continue
            indices.append(fresh(old.name, lo, hi, old.sequence))
            values[old] = affine(indices[-1])
        element = Ref(array.name, tuple(p.substitute(values) for p in use.target.indices))
        scene = stage.scene(element, (_placed(use, values, element),), total=True)
        lhs = Adjoint(array.name, element.indices)
        node: Expr = lhs
        for line in _lines(lhs, scene):
            node = line.target if line.rule not in DISPLAY_ONLY else node
        yield Contribution(lhs, node, tuple(indices), _number(use, cases), use.consumer)


def _number(use: Use, cases: tuple[Case, ...]) -> int:
    """The number of the first case in which the use takes part."""
    return next((c.number for c in cases if use.consumer in c.consumers), cases[0].number)
