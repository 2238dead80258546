"""Dependency order, and whether every element can be computed before it is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from symbp.calculus.affine import Affine, heading, known_le, show
from symbp.calculus.expr import Ref
from symbp.calculus.tree import refs
from symbp.errors import ModelProblem, Span
from symbp.model.core import Array, Equation


def components(nodes: Sequence[str], below: Callable[[str], Sequence[str]]) -> list[list[str]]:
    """Strongly connected components, dependencies first (Tarjan 1972), without recursion."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    on_stack: set[str] = set()
    out: list[list[str]] = []
    for root in nodes:
        if root in number:
            continue
        work = [(root, iter(below(root)))]
        number[root] = low[root] = len(number)
        stack.append(root)
        on_stack.add(root)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    out.append(_pop(stack, on_stack, node))
            elif child not in number:
                number[child] = low[child] = len(number)
                stack.append(child)
                on_stack.add(child)
                work.append((child, iter(below(child))))
            elif child in on_stack:
                low[node] = min(low[node], number[child])
    return out


def _pop(stack: list[str], on_stack: set[str], node: str) -> list[str]:
    group: list[str] = []
    while not group or group[-1] != node:
        group.append(stack.pop())
        on_stack.discard(group[-1])
    return group[::-1]


def order(equations: Sequence[Equation], arrays: Mapping[str, Array], cost: str) -> tuple[str, ...]:
    """The variables in dependency order, those of one recurrence side by side.

    Raises:
        ModelProblem: if an element needs itself.
    """
    by_name = _by_name(equations)
    groups = _groups(by_name)
    for group in groups:
        if _is_recurrence(group, by_name):
            _check_recurrence([e for n in group for e in by_name[n]], arrays)
    rank = {name: n for n, name in enumerate(by_name)}
    return tuple(n for group in groups for n in sorted(group, key=rank.__getitem__) if n != cost)


def recurrences(equations: Sequence[Equation]) -> list[list[str]]:
    """The variables that need each other, or themselves, at other places; dependencies first."""
    by_name = _by_name(equations)
    return [group for group in _groups(by_name) if _is_recurrence(group, by_name)]


def _by_name(equations: Sequence[Equation]) -> dict[str, list[Equation]]:
    out: dict[str, list[Equation]] = {}
    for equation in equations:
        out.setdefault(equation.lhs.name, []).append(equation)
    return out


def _groups(by_name: Mapping[str, Sequence[Equation]]) -> list[list[str]]:
    reads = {name: _reads(group, by_name) for name, group in by_name.items()}
    return components(list(by_name), lambda name: reads[name])


def _reads(group: Sequence[Equation], by_name: Mapping[str, Sequence[Equation]]) -> list[str]:
    return [r for e in group for r in dict.fromkeys(x.name for x in refs(e.rhs)) if r in by_name]


def _is_recurrence(group: Sequence[str], by_name: Mapping[str, Sequence[Equation]]) -> bool:
    return len(group) > 1 or group[0] in _reads(by_name[group[0]], by_name)


Edge = tuple[str, str, Ref, Equation]


def _check_recurrence(equations: Sequence[Equation], arrays: Mapping[str, Array]) -> None:
    """Equations that need each other: some sequence index has to put them in order."""
    keys = {str(n): e for n, e in enumerate(equations)}
    edges: list[Edge] = []
    for key, equation in keys.items():
        for ref in refs(equation.rhs):
            for other, target in keys.items():
                if target.lhs.name == ref.name and _may_meet(ref, target, arrays[ref.name]):
                    edges.append((key, other, ref, equation))
    _resolve(list(keys), edges, keys, arrays, frozenset())


def _resolve(
    nodes: list[str],
    edges: list[Edge],
    keys: Mapping[str, Equation],
    arrays: Mapping[str, Array],
    used: frozenset[str],
) -> None:
    below: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b, _, _ in edges:
        below[a].append(b)
    for group in components(nodes, lambda n: below[n]):
        inner = [e for e in edges if e[0] in group and e[1] in group]
        if not inner:
            continue
        name = _direction(inner, keys, arrays, used)
        rest = [e for e in inner if _shift(e, keys, arrays, name) == 0]
        _resolve(group, rest, keys, arrays, used | {name})


def _direction(
    edges: list[Edge], keys: Mapping[str, Equation], arrays: Mapping[str, Array], used: frozenset[str]
) -> str:
    """A sequence index along which all reads go one way, at least one of them strictly."""
    first = keys[edges[0][0]].lhs
    for axis in arrays[first.name].axes:
        if not axis.sequence or axis.sequence in used:
            continue
        shifts = [_shift(e, keys, arrays, axis.sequence) for e in edges]
        known = [s for s in shifts if s is not None]
        if len(known) < len(shifts) or not any(known):
            continue
        if all(s <= 0 for s in known) or all(s >= 0 for s in known):
            return axis.sequence
    _, _, ref, equation = edges[0]
    names = list(dict.fromkeys(keys[e[0]].lhs.name for e in edges))
    who = f"{names[0]} needs itself" if len(names) == 1 else f"{', '.join(names)} need each other"
    others = dict.fromkeys(keys[e[0]] for e in edges if keys[e[0]] is not equation)
    if (window := next((w for e in edges if (w := _window(e, keys, arrays)) is not None), None)) is not None:
        name, position, span = window
        raise ModelProblem(
            f"{name} is read at {show(position)}, at several steps of its own recurrence at once", span,
            f"write the steps out, each on its own: w[0]*{name}[…-1] + w[1]*{name}[…-2], or carry what is "
            "summed along as a variable: s[t] = s[t-1] + …",
        )
    raise ModelProblem(
        f"{who}, and no sequence index puts the equations in order", equation.span,
        _earlier(ref, arrays[ref.name]),
        tuple((f"the equation of {e.lhs.name}", e.span) for e in others),
    )


def _earlier(ref: Ref, array: Array) -> str:
    """What to write so that there is an order: an earlier element along a sequence that the array has."""
    name = next((a.sequence for a in array.axes if a.sequence), "")
    if not name:
        return f"read an earlier element of {ref.name} (l-1, t-1), where l is declared: index l = 1..L"
    return f"read an earlier element of {ref.name}, at {name}-1, or a later one in every place, at {name}+1"


def _window(
    edge: Edge, keys: Mapping[str, Equation], arrays: Mapping[str, Array]
) -> tuple[str, Affine, Span | None] | None:
    """A reading whose place in a sequence depends on an index that is summed."""
    _, _, ref, equation = edge
    for position, axis in zip(ref.indices, arrays[ref.name].axes, strict=True):
        own = [i in equation.indices for i in position.indices()]
        if axis.sequence and any(own) and not all(own):
            return ref.name, position, equation.span
    return None


def _shift(edge: Edge, keys: Mapping[str, Equation], arrays: Mapping[str, Array], name: str) -> int | None:
    """How far back (negative) or ahead an equation reads along a sequence index."""
    _, target, ref, equation = edge
    mine = _place(equation.lhs, arrays, name)
    its = _place(ref, arrays, name)
    if mine is None or its is None:
        return None
    fixed = _place(keys[target].lhs, arrays, name)
    if mine.as_index() is None and its.as_index() is None and fixed is not None:
        difference = its - mine
        return difference.const if difference.is_const else None
    side = heading(its - mine)
    if side is not None:
        return side
    low, high = _ends(equation, mine)
    if known_le(its + 1, low):
        return -1
    return 1 if known_le(high + 1, its) else None


def _ends(equation: Equation, position: Affine) -> tuple[Affine, Affine]:
    index = position.as_index()
    return (index.low, index.high) if index is not None else (position, position)


def _place(ref: Ref, arrays: Mapping[str, Array], name: str) -> Affine | None:
    axes = arrays[ref.name].axes
    return next((p for p, a in zip(ref.indices, axes, strict=True) if a.sequence == name), None)


def _may_meet(ref: Ref, target: Equation, array: Array) -> bool:
    """Whether the element read can be one that the equation defines."""
    for position, mine, axis in zip(ref.indices, target.lhs.indices, array.axes, strict=True):
        if not axis.sequence:
            continue
        low, high = _ends(target, mine)
        if _always_below(position, low) or _always_below(high, position):
            return False
    return True


def _always_below(left: Affine, right: Affine) -> bool:
    return bool(known_le(left + 1, right))


