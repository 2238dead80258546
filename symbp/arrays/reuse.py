"""What need not be computed again: forward values in adjoints, derivatives through outputs, and
variables that are read once.

Each function takes and returns expressions or statements; none knows a model's names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from symbp import functions
from symbp.arrays.precise import Small, precise, small_exponents
from symbp.arrays.statement import Statement, key_of, reads_of
from symbp.arrays.variables import copied, unused, with_variable
from symbp.calculus.affine import Affine, Index, known_le, span
from symbp.calculus.expr import ZERO, Adjoint, Call, Compare, Expr, Integer, Number, Ref
from symbp.calculus.match import match
from symbp.calculus.tree import bound, refresh, replace_nodes, rewrite, size, substitute, walk
from symbp.derive import identify, scalar
from symbp.derive.core import AdjointSystem
from symbp.errors import RequestProblem
from symbp.model.core import Equation, Function, Model
from symbp.model.reach import Bounds

ROUNDS = 3
"""How deep right sides of stored equations are looked for in each other."""

INLINE_LIMIT = 24
"""The longest right side, in nodes, that is written into the line that reads it."""


@dataclass(frozen=True, slots=True)
class Names:
    """Users' functions as code computes them: those that equal a built-in function by its name."""

    functions: Mapping[str, Function]
    builtin: Mapping[str, str]
    small: Small | None
    """Of which exponents the model subtracts 1; None where its functions have the names for that."""

    @classmethod
    def of(cls, model: Model) -> Names:
        """Look up each user's function once."""
        found: dict[str, str] = {}
        for name, function in model.functions.items():
            if function.body is not None and len(function.params) == 1:
                same = identify.equals_builtin(function)
                if same is not None:
                    found[name] = same
        return cls(model.functions, found, small_exponents(model))


def computed(node: Expr, names: Names) -> Expr:
    """Every function by the name under which it is computed, derivatives in closed form.

    Terminates: a derivative is replaced by an expression in calls of lower order.

    Raises:
        RequestProblem: for an undefined function.
    """

    def change(n: Expr) -> Expr | None:
        return (_computed(n, names) if isinstance(n, Call) else None) or precise(n, names.small)

    return rewrite(node, change)


def _computed(node: Call, names: Names) -> Expr | None:
    user = names.functions.get(node.function)
    if user is not None and user.body is None:
        raise unbound(user.name)
    name = names.builtin.get(node.function, node.function)
    if not any(node.orders):
        open_ = None if user is not None and name == node.function else _opened(name, node.args)
        return open_ or (replace(node, function=name) if name != node.function else None)
    if name in functions.BY_NAME and (user is None or name != node.function):
        return _builtin_derivative(Call(name, node.args, node.orders))
    if sum(node.orders) == 1 and user is not None and len(node.args) == 1:
        through = scalar.through_output(user)
        if through is not None:
            value = Call(name, node.args)
            return rewrite(through, lambda n: value if n == Ref(user.name) else None)
    return None


def _opened(name: str, args: tuple[Expr, ...]) -> Expr | None:
    """silu(u) as u σ(u): its derivative needs σ(u) too, which is then computed once."""
    record = functions.BY_NAME.get(name)
    return record.value(*args) if record is not None and record.opens and record.value is not None else None


def unbound(name: str) -> RequestProblem:
    """The refusal to compute an undefined function."""
    return RequestProblem(
        f"{name} is an undefined function: there is nothing to compute",
        hint=f"bind it to a function: --bind {name}=tanh",
    )


def _builtin_derivative(node: Call) -> Expr | None:
    for position, order in enumerate(node.orders):
        if order:
            value = functions.derivative(Call(node.function, node.args), position)
            rest = tuple(o - (k == position) for k, o in enumerate(node.orders))
            return value if not any(rest) else None
    return None


# ── forward values ────────────────────────────────────────────────────────────────────────────────


class Stored:
    """The equations by what their right sides begin with: a look-up is no search through all.

    ``sure`` says of some positions that they are within their axes.
    """

    def __init__(self, equations: Iterable[Equation], sure: Bounds = frozenset()) -> None:
        self.sure = sure
        self.by_head: dict[object, list[Equation]] = {}
        for e in equations:
            if worth(e.rhs):
                self.by_head.setdefault(_head(e.rhs), []).append(e)

    def reuse(self, node: Expr) -> Expr:
        """Every part that is the right side of an equation becomes a reading of its left side.

        Once more where that has made another right side: σ(W h + b) is σ(z), which may be stored as well.
        """
        for _ in range(ROUNDS):
            read = replace_nodes(node, self._read)
            if read == node:
                break
            node = read
        return node

    def _read(self, node: Expr) -> Expr | None:
        match node:
            case Compare(">", left, right) if right == ZERO and not isinstance(left, Ref):
                value = Call("relu", (left,))  # u > 0 where relu(u) > 0
                found = self._known(value)
                return None if found is None else Compare(">", found, ZERO)
            case _:
                return self._known(node)

    def _known(self, node: Expr) -> Expr | None:
        """The left side of an equation whose right side a node is."""
        for e in self.by_head.get(_head(node), ()):
            found = binding(e.rhs, node, e.indices, self.sure)
            if found is not None:
                return Ref(e.lhs.name, tuple(p.substitute(found) for p in e.lhs.indices))
        return None


def worth(node: Expr) -> bool:
    """Whether an expression costs more than reading it from where it is stored."""
    return not isinstance(node, (Ref, Adjoint, Number, Integer)) and any(
        isinstance(n, Call) or bound(n) for n in walk(node)
    )


def _head(node: Expr) -> object:
    """The kind of a node and the first array that it reads: what matches has the same."""
    name = node.function if isinstance(node, Call) else ""
    return type(node).__name__, name, next((n.name for n in walk(node) if isinstance(n, Ref)), "")


def binding(
    pattern: Expr, node: Expr, indices: tuple[Index, ...], sure: Bounds = frozenset()
) -> dict[Index, Affine] | None:
    """The values of an equation's indices for which ``pattern``, a part of it, is ``node``."""
    found = match(pattern, node, indices)
    return found if found is not None and all(_within(i, found, sure) for i in indices) else None


def _within(index: Index, found: Mapping[Index, Affine], sure: Bounds) -> bool:
    value = found.get(index)
    if value is None:
        return False
    if any(isinstance(a, Ref) for a in value.atoms()):
        return True
    low, high = index.low.substitute(found), index.high.substitute(found)
    ends = ((low, span(value, False)), (span(value, True), high))
    return all(pair in sure or known_le(*pair) for pair in ends)


# ── functions of stored values that several equations need ────────────────────────────────────────

Place = tuple[Affine, ...]

CHEAP = frozenset({"abs", "sign", "relu", "maximum", "minimum", "pi", "infinity"})
"""Functions that cost no more than reading a stored value."""


def with_shared_calls(system: AdjointSystem, model: Model, names: Names) -> Model:
    """The model with a variable for each f(z[…]) that more than one equation or adjoint needs."""
    known = tuple(replace(e, rhs=computed(e.rhs, names)) for e in model.equations)
    model = replace(model, equations=known)
    stored = Stored(known)
    exprs = [e.rhs for e in known]
    for name in system.order:
        exprs += [stored.reuse(computed(c.rhs, names)) for c in system.contributions[name]]
    uses: dict[tuple[str, str], int] = {}
    places: dict[tuple[str, str], list[Place]] = {}
    for node in exprs:
        calls = [n for n in walk(node) if isinstance(n, Call)]
        found = [(key, call) for call in calls if (key := _shareable(call, model)) is not None]
        for key in dict.fromkeys(key for key, _ in found):
            uses[key] = uses.get(key, 0) + 1
        for key, call in found:
            places.setdefault(key, []).extend(a.indices for a in call.args if isinstance(a, Ref))
    there = {k for e in known if (k := _shareable(e.rhs, model)) is not None}
    for key in (k for k, n in uses.items() if n > 1 and k not in there):
        model = _with_call(model, *key, places[key])
    return model


def _shareable(node: Expr, model: Model) -> tuple[str, str] | None:
    """The function and the variable of a call f(z[l,j])."""
    match node:
        case Call(function, (Ref(name, at),), ()) if len(at) > 0 and (function not in CHEAP or _windows(at)):
            plain = all(not any(isinstance(a, Ref) for a in p.atoms()) for p in at)
            return (function, name) if plain and model.arrays[name].kind == "variable" else None
        case _:
            return None


def _windows(at: tuple[Affine, ...]) -> bool:
    """Whether positions overlap or skip: what is computed before has fewer elements, in one piece."""
    return any(len(p.indices()) > 1 for p in at)


def _with_call(model: Model, function: str, name: str, places: Sequence[Place]) -> Model:
    """The model with one more variable, read at ``places``: the values of ``function`` at ``name``."""
    new = unused(model, f"{function}_{name}")
    place = tuple(copied(_read_part(model.arrays[name].axes, places)).values())
    indices = tuple(i for p in place for i in p.indices())
    made = Equation(Ref(new, place), Call(function, (Ref(name, place),)), indices)
    last = max(k for k, e in enumerate(model.equations) if e.lhs.name == name)
    equations = (*model.equations[: last + 1], made, *model.equations[last + 1 :])
    read = (_read_new(e, function, name, new) for e in equations)
    return with_variable(model, made, name, read, after=True)


def _read_part(axes: Sequence[Index], places: Sequence[Place]) -> tuple[Index, ...]:
    """The axes of a sequence without the ends that are never read: tanh(c[0]) where nothing needs it."""
    out: list[Index] = []
    for k, axis in enumerate(axes):
        at = [p[k] for p in places]
        ends = [e for i in (axis, *(i for p in at for i in p.indices())) for e in (i.low, i.high)]
        if axis.sequence and not any(e.indices() for e in ends):
            low = _first([span(p, False) for p in at], known_le)
            high = _first([span(p, True) for p in at], lambda a, b: known_le(b, a))
            low = low if low is not None and known_le(axis.low, low) else axis.low
            high = high if high is not None and known_le(high, axis.high) else axis.high
            axis = replace(axis, lo=low, hi=high)
        out.append(axis)
    return tuple(out)


def _first(ends: Sequence[Affine], before: Callable[[Affine, Affine], bool | None]) -> Affine | None:
    """The one of several ends that is before all others; None if that depends on sizes."""
    return next((e for e in ends if all(before(e, other) for other in ends)), None)


def _read_new(e: Equation, function: str, name: str, new: str) -> Equation:
    if e.lhs.name == new:
        return e

    def change(node: Expr) -> Expr | None:
        match node:
            case Call(f, (Ref(n, at),), ()) if f == function and n == name:
                return Ref(new, at)
            case _:
                return None

    return replace(e, rhs=replace_nodes(e.rhs, change))


# ── variables that are read once, or never ────────────────────────────────────────────────────────


def live(statements: Iterable[Statement], wanted: Iterable[str]) -> tuple[Statement, ...]:
    """The statements on which the arrays ``wanted`` depend, in their order."""
    group: dict[str, list[Statement]] = {}
    for s in statements:
        group.setdefault(s.target, []).append(s)
    seen: set[str] = set()
    todo = list(wanted)
    while todo:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            todo.extend(key_of(r) for s in group.get(key, ()) for r in reads_of(s))
    return tuple(s for members in group.values() for s in members if s.target in seen)


def inlined(statements: Iterable[Statement], keep: frozenset[str]) -> tuple[Statement, ...]:
    """Variables that one line reads, at the same place, are written into that line."""
    out: dict[int, Statement] = dict(enumerate(statements))
    makers: dict[str, list[int]] = {}
    users: dict[str, dict[int, None]] = {}
    for number, s in out.items():
        makers.setdefault(s.target, []).append(number)
        for read in reads_of(s):
            users.setdefault(key_of(read), {})[number] = None
    for key, made in makers.items():
        used = list(users.get(key, ()))
        if key in keep or len(made) != 1 or len(used) != 1 or made == used:
            continue
        new = _inline(out[made[0]], out[used[0]])
        if new is not None:
            for read in reads_of(out.pop(made[0])):
                users[key_of(read)].pop(made[0], None)
                users[key_of(read)][used[0]] = None
            out[used[0]] = new
    return tuple(out.values())


def _inline(maker: Statement, user: Statement) -> Statement | None:
    """``user`` with the right side of ``maker`` in place of what it reads of it."""
    key = maker.target
    places = [n for n in walk(user.rhs) if isinstance(n, (Ref, Adjoint)) and key_of(n) == key]
    gathered = any(key_of(r) == key for p in user.at for r in p.atoms() if isinstance(r, Ref))
    if maker.accumulate or len(places) != 1 or gathered or size(maker.rhs) > INLINE_LIMIT:
        return None
    values = _alignment(maker, places[0], user)
    if values is None:
        return None
    body = substitute(refresh(maker.rhs), values)
    rhs = replace_nodes(user.rhs, lambda n: body if n == places[0] else None)
    return replace(user, rhs=rhs, numbers=tuple(sorted({*maker.numbers, *user.numbers})))


def _alignment(maker: Statement, place: Ref | Adjoint, user: Statement) -> dict[Index, Affine] | None:
    """The indices of ``maker`` where ``user`` reads it; None where a place would be computed twice."""
    values: dict[Index, Affine] = {}
    seen: set[Index] = set()
    for mine, its in zip(maker.at, place.indices, strict=True):
        index, read = mine.as_index(), its.as_index()
        if index is None or index not in maker.indices:
            return None
        if read is None or read in seen or (index.sequence and read not in user.indices):
            return None
        if index.low.substitute(values) != read.low or index.high.substitute(values) != read.high:
            return None
        seen.add(read)
        values[index] = its
    return values


Change = Callable[[Expr], Expr]


def changed(statements: Iterable[Statement], change: Change) -> tuple[Statement, ...]:
    """The statements with ``change`` applied to their right sides."""
    return tuple(replace(s, rhs=change(s.rhs)) for s in statements)
