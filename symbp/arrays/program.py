"""The whole way from equations to a program: what is stored, the statements of both passes, their program."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from symbp.arrays import reuse
from symbp.arrays.calls import with_repeated_sums, with_stored_calls
from symbp.arrays.carried import inner_adjoints
from symbp.arrays.cover import initialised
from symbp.arrays.distribute import distributed
from symbp.arrays.fission import in_recurrences, inputs_apart
from symbp.arrays.instructions import Program, assignments, built, filters
from symbp.arrays.nodes import (
    Allocate,
    Assign,
    Guard,
    Instruction,
    Loop,
    loaded,
)
from symbp.arrays.powers import finite_powers
from symbp.arrays.recover import recovered
from symbp.arrays.scatter import mentioned, merged
from symbp.arrays.statement import Statement, adjoint_key
from symbp.arrays.statements import (
    backward_statements,
    batched_arrays,
    forward_statements,
    is_batched,
    joined,
)
from symbp.arrays.stencil import stencils
from symbp.arrays.storage import ragged
from symbp.arrays.whole import whole_ranges
from symbp.calculus.affine import Index
from symbp.calculus.construct import flatten
from symbp.calculus.expr import Expr
from symbp.derive.core import AdjointSystem
from symbp.derive.norms import Norms
from symbp.model.core import Equation, Model
from symbp.model.reach import bounds


def programs(system: AdjointSystem, wanted: Sequence[str]) -> tuple[Program, Program]:
    """The gradients and all values, with every given array in the same form.

    What one of them reads as a whole is a list in neither: both stand behind the same door.
    """
    gradient, forward = gradient_program(system, wanted), forward_program(system.steady)
    whole = frozenset(
        k for k, s in gradient.storages.items()
        if s.given and k in forward.storages and s.listed != forward.storages[k].listed
    )
    if not whole:
        return gradient, forward
    return gradient_program(system, wanted, whole), forward_program(system.steady, whole)


def forward_program(model: Model, whole: frozenset[str] = frozenset()) -> Program:
    """All equations, as they stand; the arrays ``whole`` are not lists."""
    sure = bounds(model)
    model = inputs_apart(model)
    batched = batched_arrays(model)
    return built(model, _forward(model, batched), (), batched, whole, sure)


def cost_program(program: Program, cost: str) -> Program:
    """The part of a program that computes the cost: the same instructions, so the same bits."""
    reads: dict[str, set[str]] = {}
    for a in assignments(program.forward):
        reads.setdefault(a.target.key, set()).update(loaded(a.value))
    needed, todo = set[str](), [cost]
    while todo:
        key = todo.pop()
        if key not in needed:
            needed.add(key)
            todo.extend(sorted(reads.get(key, ())))
    return replace(program, forward=_kept(program.forward, needed), backward=())


def _kept(body: tuple[Instruction, ...], needed: set[str]) -> tuple[Instruction, ...]:
    out: list[Instruction] = []
    for i in body:
        match i:
            case Assign(target):
                out.extend([i] if target.key in needed else [])
            case Allocate(key):
                out.extend([i] if key in needed else [])
            case Loop() | Guard():
                inner = _kept(i.body, needed)
                out.extend([replace(i, body=inner)] if inner else [])
    return tuple(out)


def gradient_program(
    system: AdjointSystem, wanted: Sequence[str], whole: frozenset[str] = frozenset()
) -> Program:
    """The equations and the adjoints that lead to those of ``wanted``; the arrays ``whole`` are not lists."""
    names = reuse.Names.of(system.model)
    shared = reuse.with_shared_calls(system, with_repeated_sums(system.steady, names), names)
    whole_model = with_stored_calls(system, shared, names)
    model = inputs_apart(whole_model)
    batched = batched_arrays(model)
    forward = _forward(_read_again(model, system.steady, names, batched), batched)
    parts: dict[str, tuple[Statement, ...]] = {}
    sure = bounds(system.steady)
    stored = reuse.Stored((
        replace(e, rhs=reuse.computed(e.rhs, names))
        # adjoints have the right sides in one piece
        for e in dict.fromkeys(
            (*system.steady.equations, *shared.equations, *whole_model.equations, *model.equations)
        )
        if _stored_as_is(e, model, batched)
    ), sure)
    norms = Norms(system.steady)
    labels = [a.name for a in model.arrays.values() if a.integer is not None]

    def computable(e: Expr) -> Expr:
        known = stored.reuse(flatten(reuse.computed(norms.guarded(e), names)))
        return distributed(finite_powers(known, labels))

    stepwise = in_recurrences(whole_model)
    for name in system.order:
        table = name not in stepwise and not ragged(model.arrays[name])
        made = backward_statements(model, system.contributions[name], batched, table)
        closed = reuse.changed(made, computable)
        parts[adjoint_key(name)] = joined(whole_ranges(merged(closed)))
    axes = {key: _needed_axes(system, key[1:]) for key in parts}
    backward, zeros = initialised(parts, axes)
    backward = recovered(backward, model.equations, stepwise)
    inner = inner_adjoints(backward, model.arrays, axes)
    backward, model = inner.statements, replace(model, arrays={**model.arrays, **inner.arrays})
    batched |= {new for new, old in inner.of.items() if old in batched}
    keys = tuple(adjoint_key(n) for n in wanted)
    apart = {*(model.arrays.keys() - whole_model.arrays.keys()), *map(adjoint_key, inner.of)}
    keep = frozenset({model.cost, *keys, *zeros, *apart, *(s.target for s in backward if s.accumulate)})
    everything = reuse.live((*forward, *backward), (model.cost, *keys))
    sizes = filters(model)
    looped = frozenset(s.target for s in everything if stencils(s, sizes, batched) != (s,))
    lines = frozenset(parts) - _spread_out(everything)  # an adjoint is a line, as in the notes
    everything = reuse.inlined(everything, keep | lines | looped)
    first = tuple(s for s in everything if not s.target.startswith("∂"))
    last = tuple(s for s in everything if s.target.startswith("∂"))
    return built(model, first, last, batched, whole, sure)


def _read_again(model: Model, first: Model, names: reuse.Names, batched: frozenset[str]) -> Model:
    """The model with what variables that ``first`` does not have store read by all other equations too."""
    made = model.arrays.keys() - first.arrays.keys()
    stored = reuse.Stored(
        replace(e, rhs=reuse.computed(e.rhs, names))
        for e in model.equations
        if e.lhs.name in made and _stored_as_is(e, model, batched)
    )

    def read(e: Equation) -> Equation:
        return e if e.lhs.name in made else replace(e, rhs=stored.reuse(reuse.computed(e.rhs, names)))

    return replace(model, equations=tuple(map(read, model.equations)))


def _spread_out(statements: Iterable[Statement]) -> frozenset[str]:
    """What is the same along one of its axes: the line that reads it does without that axis."""
    return frozenset(s.target for s in statements if not {*s.indices} <= mentioned(s.rhs))


def _stored_as_is(equation: Equation, model: Model, batched: frozenset[str]) -> bool:
    """Whether what is stored is the value of the right side, for one example or for all alike.

    The cost is stored as its mean over the batch, and a boundary without inputs once for each example
    if the rest of its variable has any.
    """
    if equation.lhs.name == model.cost:
        return not model.of_kind("input")
    return (equation.lhs.name in batched) == is_batched(equation.rhs, batched)


def _needed_axes(system: AdjointSystem, name: str) -> tuple[Index, ...]:
    """The axes of an adjoint without the elements that nobody needs: a boundary that is data."""
    ends = system.reached.get(name, {})
    axes = system.model.arrays[name].axes
    return tuple(
        replace(axis, lo=ends[k][0], hi=ends[k][1]) if k in ends else axis for k, axis in enumerate(axes)
    )


def _forward(model: Model, batched: frozenset[str]) -> tuple[Statement, ...]:
    names = reuse.Names.of(model)
    made = forward_statements(model, batched, in_recurrences(model))
    return reuse.changed(made, lambda e: reuse.computed(e, names))
