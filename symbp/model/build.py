"""From syntax to a model: names, expressions, ranges, checks, order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from symbp.calculus.affine import Affine, Index, Size, affine, fresh
from symbp.calculus.expr import Div, Expr, Functional, Integer, Mul, Reduce, Ref, Weights
from symbp.calculus.tree import bound, map_children, map_positions, positions, rewrite, walk
from symbp.errors import ModelProblem
from symbp.model.advice import diagonal, moved
from symbp.model.core import Array, Equation, Function, Model
from symbp.model.elaborate import value
from symbp.model.elements import check_elements
from symbp.model.guards import check_guards
from symbp.model.history import over_history
from symbp.model.infer import infer
from symbp.model.lifting import called, lifted
from symbp.model.names import Table, lets, reserved, table
from symbp.model.order import components, order
from symbp.model.positions import Draft, Scope, names_in, position, range_end, sequence_range
from symbp.model.ranges import Drafted, Inference
from symbp.model.shapes import check_uses
from symbp.model.syntax import (
    ArrayLine,
    CostLine,
    EquationLine,
    FunctionLine,
    Name,
    Subscript,
    Syntax,
    SyntaxModel,
)


def build(syntax: SyntaxModel) -> Model:
    """The model that the lines describe: complete, checked, with every range inferred.

    Raises:
        ModelProblem: with the place (both places, for a contradiction) and what to do.
    """
    try:
        return _build(syntax)
    except RecursionError:
        raise ModelProblem(
            "the expressions of this model are nested too deep",
            hint="give parts of them names, each in an equation of its own",
        ) from None


def _build(syntax: SyntaxModel) -> Model:
    found = table(syntax)
    assert found.cost is not None
    functions = _functions(found)
    declared = {name: _array(found, line) for name, line in found.declared.items()}
    drafts = [_draft(found, line, n + 1) for n, line in enumerate(found.order)]
    _no_twins(drafts)
    state = Inference(drafts, {n: a.axes for n, a in declared.items()})
    infer(state)
    check_uses(state, {n: a.integer for n, a in declared.items() if a.integer is not None})
    arrays = {**declared, **_variables(found, state)}
    arrays[found.cost.name] = Array(
        found.cost.name, "cost", (), found.cost.latex, span=found.cost.span
    )
    equations = tuple(_equation(d, state) for d in drafts)
    spans = {(d.number, Ref(s.array, s.positions)): s.span for d in drafts for s in d.draft.uses}
    check_elements(equations, arrays, _lengths(found), spans)
    check_guards(equations, {d.number: frozenset(d.draft.given) for d in drafts}, spans)
    equations = over_history(equations, arrays)
    return Model(
        name=syntax.name,
        title=found.title,
        sequences=tuple(_declared_sequence(found, name) for name in found.sequences),
        arrays=MappingProxyType(arrays),
        functions=MappingProxyType(functions),
        equations=equations,
        cost=found.cost.name,
        adjoints=MappingProxyType(dict(lets(found))),
        order=order(equations, arrays, found.cost.name),
        sizes=tuple(found.sizes),
        free_sizes=_free_sizes(found, arrays),
        text=syntax.text,
    )


def _lengths(found: Table) -> frozenset[str]:
    """The sizes that bound the declared sequences."""
    ends = [e for n in found.sequences for e in sequence_range(found, n, Draft())]
    return frozenset(a.name for end in ends for a in end.atoms() if isinstance(a, Size))


def _no_twins(drafts: Sequence[Drafted]) -> None:
    """Two equations with the same left side define everything twice."""
    seen: dict[tuple[object, ...], Drafted] = {}
    for drafted in drafts:
        if any(r for r in getattr(drafted.line, "ranges", ())):
            continue
        form = tuple(i.sequence if (i := p.as_index()) is not None else p for p in drafted.left)
        first = seen.setdefault((drafted.name, *form), drafted)
        if first is not drafted:
            raise ModelProblem(
                f"{drafted.name} is defined twice", drafted.line.span,
                "remove one of the equations, or restrict it: … for l = 1..L-1",
                (("the other equation", first.line.span),),
            )


def _declared_sequence(found: Table, name: str) -> Index:
    low, high = sequence_range(found, name, Draft())
    return fresh(name, low, high, name)


# ── declarations ──────────────────────────────────────────────────────────────────────────────────


def _array(found: Table, line: ArrayLine) -> Array:
    """A declared array: its families first, then its dimensions."""
    draft, axes = Draft(), list[Index]()
    scope = Scope(found, draft)
    for family in line.family:
        if family.name not in found.sequences:
            raise ModelProblem(
                f"{family.name} is not a declared index", family.span,
                f"declare it: index {family.name} = 1..L",
            )
        low, high = sequence_range(found, family.name, draft)
        axes.append(fresh(family.name, low, high, family.name))
        scope = scope.within({family.name: affine(axes[-1])})
    for number, dim in enumerate(line.dims):
        extent = position(scope, dim)
        if extent.is_const and extent.const < 1:
            raise ModelProblem("a size is at least 1", dim.span, "write a positive size")
        axes.append(fresh("ijkpqrs"[number % 7], Affine(0), extent - 1))
    integer = None
    if line.integer is not None:
        integer = position(scope, line.integer[0]), position(scope, line.integer[1])
        if line.kind == "param":
            raise ModelProblem(
                f"the parameter {line.name} is integer valued, so nothing can be differentiated by it",
                line.span, "make it an input or a const",
            )
    return Array(line.name, line.kind, tuple(axes), line.latex, integer, line.span)


def _functions(found: Table) -> dict[str, Function]:
    """Users' functions; functions of whole arrays are put in where they are used."""
    _no_recursion(found)
    out: dict[str, Function] = {}
    for name, line in found.functions.items():
        if any(isinstance(p, Subscript) for p in line.params):
            continue
        params = tuple(p.name for p in line.params) + lifted(found, name)
        body = None
        if line.body is not None:
            body = _body(found, line, params)
        out[name] = Function(name, params, body, line.latex, line.span)
    return out


def _body(found: Table, line: FunctionLine, params: tuple[str, ...]) -> Expr:
    assert line.body is not None
    draft = Draft()
    body = value(Scope(found, draft, {}, frozenset(params)), line.body)
    for node in walk(body):
        if bound(node) or (isinstance(node, Ref) and node.name not in params):
            what = node.name if isinstance(node, Ref) else "a sum"
            more = node.name if isinstance(node, Ref) else "s"
            raise ModelProblem(
                f"{what} cannot stand in the elementwise function {line.name}", line.span,
                f"pass it as an argument: {line.name}({', '.join((*params, more))}) = …",
            )
    return body


def _no_recursion(found: Table) -> None:
    calls = {name: [n for n in called(line.body) if n in found.functions]
             for name, line in found.functions.items()}
    for group in components(list(calls), lambda n: calls[n]):
        if len(group) > 1 or group[0] in calls[group[0]]:
            raise ModelProblem(
                f"the function {group[0]} is defined by itself", found.functions[group[0]].span,
                "a recurrence is an equation over a declared index: index l = 1..L",
            )


# ── equations ─────────────────────────────────────────────────────────────────────────────────────


def _draft(found: Table, line: EquationLine | CostLine, number: int) -> Drafted:
    draft = Draft()
    if isinstance(line, CostLine):
        scope = Scope(found, draft, left=f"the cost {line.name}, which is a scalar")
        return Drafted(line, line.name, (), (), value(scope, line.body), draft, number)
    places = ", ".join(map(_written, line.positions))
    written = f"{line.name}[{places}]" if places else line.name
    scope = Scope(found, draft, left=written)
    left: list[Affine] = []
    indices: list[Index] = []
    clause = {r.name: r for r in line.ranges}
    for place in line.positions:
        index = _dummy(found, place, indices, line)
        if index is None:
            left.append(_fixed(scope, line.name, place))
            continue
        indices.append(index)
        left.append(affine(index))
        draft.spans[index] = place.span
        if index.name in clause:
            # its own range cannot depend on it
            spec = clause.pop(index.name)
            draft.given[index] = (range_end(scope, spec.lo), range_end(scope, spec.hi))
        elif index.sequence:
            draft.given[index] = sequence_range(found, index.sequence, draft)
        scope = scope.within({index.name: affine(index)})
    if clause:
        name, spec = next(iter(clause.items()))
        raise ModelProblem(
            f"{name} is not an index of {written}", spec.span,
            "the for clause restricts the indices of the left side",
        )
    return Drafted(line, line.name, tuple(left), tuple(indices), value(scope, line.body), draft, number)


def _written(node: object) -> str:
    if isinstance(node, Name):
        return node.name
    return str(getattr(node, "value", "…"))


def _dummy(found: Table, place: Syntax, taken: list[Index], line: EquationLine) -> Index | None:
    """A new index for a name on the left, unless it is a size or a number: a fixed position."""
    if not isinstance(place, Name) or found.sizes.get(place.name) == 0:
        return None
    reserved(place.name, place.span)
    if found.rank(place.name) is not None:
        raise ModelProblem(
            f"{place.name} is an array, so it cannot be an index of the left side", place.span,
            "give the index another name", (("declared here", found.spans.get(place.name)),),
        )
    if any(i.name == place.name for i in taken):
        raise ModelProblem(
            f"the index {place.name} stands twice on the left", place.span,
            diagonal(line.name, len(found.equations[line.name])),
        )
    return fresh(place.name, sequence=place.name if place.name in found.sequences else "")


def _fixed(scope: Scope, name: str, place: Syntax) -> Affine:
    """A position on the left that no index stands in: 0, L, T-1."""
    loose = [n for n in names_in(place) if n.name not in scope.table.sizes]
    if not loose:
        at = position(scope, place)
        if not at.indices() and not any(isinstance(a, Ref) for a in at.atoms()):
            return at
    raise ModelProblem(
        "the left side has an index or a fixed position on each axis", place.span,
        moved(name, place, loose),
    )


def _variables(found: Table, state: Inference) -> dict[str, Array]:
    out = {}
    for name, lines in found.equations.items():
        latex = next((line.latex for line in lines if line.latex), "")
        out[name] = Array(name, "variable", state.axes[name], latex, span=lines[0].span)
    return out


def _equation(drafted: Drafted, state: Inference) -> Equation:
    """The equation with ranges on all its indices."""
    twins = _twins(drafted, state)
    lhs = Ref(drafted.name, tuple(_renewed(p, twins) for p in drafted.left))
    rhs = rewrite(_ranged(drafted.rhs, twins), _plain_mean)
    indices = tuple(twins[i] for i in drafted.indices)
    return Equation(lhs, rhs, indices, drafted.number, drafted.line.span)


def _twins(drafted: Drafted, state: Inference) -> dict[Index, Index]:
    """Every index with its range, which may mention indices outside of it."""
    twins: dict[Index, Index] = {}

    def twin(index: Index, depth: int = 0) -> Index:
        if index not in twins:
            low, high = state.ranges[index]
            for other in (*low.indices(), *high.indices()):
                if other != index and depth < 20 and other in state.ranges:
                    twin(other, depth + 1)
            sequence = index.sequence or _sequence_of(drafted, state, index)
            twins[index] = replace(
                index, lo=_renewed(low, twins), hi=_renewed(high, twins), sequence=sequence
            )
        return twins[index]

    for index in drafted.all_indices:
        twin(index)
    return twins


def _sequence_of(drafted: Drafted, state: Inference, index: Index) -> str:
    """An index that runs over a sequence axis is a sequence index too, whatever its name."""
    found = ""
    for site, axis in drafted.sites.get(index, ()):
        if site.array in state.axes and site.positions[axis].indices() == (index,):
            if not (sequence := state.axes[site.array][axis].sequence):
                return ""  # it runs over an ordinary axis somewhere, and only shifts the sequence
            found = found or sequence
    return found


def _renewed(value_: Affine, twins: Mapping[Index, Index]) -> Affine:
    return value_.map_atoms(lambda a: affine(twins[a]) if isinstance(a, Index) and a in twins else None)


def _ranged(node: Expr, twins: Mapping[Index, Index]) -> Expr:
    match node:
        case Weights(_, index, _, _):
            node = replace(node, index=twins[index])
        case Reduce(_, indices, _) | Functional(_, indices, _, _, _):
            node = replace(node, indices=_outer_first(tuple(twins[i] for i in indices)))
        case _:
            pass
    if positions(node):
        node = map_positions(node, lambda p: _renewed(p, twins))
    return map_children(node, lambda child: _ranged(child, twins))


def _outer_first(indices: tuple[Index, ...]) -> tuple[Index, ...]:
    """The indices of one sum so that each range depends on those before it: l before j < n[l]."""
    pending, ordered = list(indices), list[Index]()
    while pending:
        free = next((i for i in pending if not _depends_on(i, pending)), pending[0])
        pending.remove(free)
        ordered.append(free)
    return tuple(ordered)


def _depends_on(index: Index, others: list[Index]) -> bool:
    return any(o != index and (o in index.low.indices() or o in index.high.indices()) for o in others)


def _plain_mean(node: Expr) -> Expr | None:
    if not (isinstance(node, Reduce) and node.op == "mean"):
        return None
    extents = [Integer(i.extent) for i in node.indices]
    total = Reduce("sum", node.indices, node.body)
    return Div(total, extents[0] if len(extents) == 1 else Mul(tuple(extents)))


def _free_sizes(found: Table, arrays: Mapping[str, Array]) -> tuple[str, ...]:
    """The sizes that the shapes of the arguments do not fix."""
    known: set[str] = set()
    extents = [
        axis.extent for a in arrays.values() if a.kind in ("param", "input", "const") for axis in a.axes
    ]
    while True:
        new = {name for extent in extents if (name := _only_unknown(extent, known)) is not None}
        if new <= known:
            return tuple(name for name in found.sizes if name not in known)
        known |= new


def _only_unknown(extent: Affine, known: set[str]) -> str | None:
    unknown = [a for a in extent.atoms() if isinstance(a, Size) and a.name not in known]
    tops = [(a, c) for a, c in extent.terms if isinstance(a, Size) and a.name not in known]
    # of 2*S no length says what S is, since it may be odd
    return tops[0][0].name if len(unknown) == 1 and len(tops) == 1 and abs(tops[0][1]) == 1 else None


