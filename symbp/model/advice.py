"""What to do about what the language does not have: advice that works where it is followed as it stands.

A function of the model language is elementwise, and a maximum or a trace names its index.  To explain
a function of another language, add a line to :data:`INSTEAD`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from symbp.errors import ModelProblem, Span
from symbp.model.names import BUILTIN, Table, suggestion
from symbp.model.syntax import Apply, Chain, Name, Num, Range, Subscript, Syntax, Unary

_MOST = "m = max({a}[i], i) on a line of its own, then sum(where({a}[i] >= m, y[i], 0), i) is the y there"
_LEAST = _MOST.replace("max", "min").replace(">=", "<=")

_ROWS: tuple[tuple[tuple[str, ...], tuple[int, ...], str], ...] = (
    (("argmax",), (1, 2), f"a place is no number to differentiate; write {_MOST}"),
    (("argmin",), (1, 2), f"a place is no number to differentiate; write {_LEAST}"),
    (("trace", "tr"), (1, 3), "write sum({a}[i,i], i)"),
    (("dot", "inner", "vdot"), (2,), "write sum({a}[i]*{b}[i], i)"),
    (("matmul",), (2,), "write sum({a}[i,j]*{b}[j,k], j)"),
    (("transpose",), (1,), "exchange the indices: {a}[j,i]"),
    (("pow", "power"), (2,), "write {0}^{1}"),
    (("square",), (1,), "write {0}^2"),
    (("clip", "clamp"), (3,), "write minimum(maximum({0}, {1}), {2})"),
    (("ln",), (1,), "write log({0})"),
    (("atan2", "arctan2"), (2,), "write atan({0}/{1}), which is the same where {1} is positive"),
    (("heaviside",), (1, 2), "write where({0} > 0, 1, 0)"),
)
INSTEAD: Mapping[tuple[str, int], str] = {
    (name, count): form for names, counts, form in _ROWS for name in names for count in counts
}
"""By name and number of arguments; {0}, {1} … are these as written, {a} and {b} the names of arrays."""


# ── functions that there are not ──────────────────────────────────────────────────────────────────


def unknown_function(table: Table, node: Apply) -> ModelProblem:
    """What to write for a function that the language does not have."""
    return ModelProblem(f"there is no function {node.name}", node.span, _advice(table, node))


def _advice(table: Table, node: Apply) -> str:
    name = node.name
    if (name, len(node.args)) in INSTEAD:
        named = dict(zip("ab", map(_array, node.args), strict=False))
        return INSTEAD[name, len(node.args)].format(*map(_operand, node.args), **named)
    near = suggestion(name, [*table.functions, *BUILTIN], 0.7)
    whole = [a.name for a in node.args if isinstance(a, Name) and table.rank(a.name)]
    if whole and not near:
        places = _letters("ijkmn", table.rank(whole[0]) or 0)
        return (
            "a function takes numbers, not arrays: write it out with indices; or leave it abstract, as "
            f"function {name}, and write {name}({whole[0]}[{','.join(places)}], {', '.join(places)})"
        )
    given = ", ".join(_letters("uvw", len(node.args)))
    return near or f"define it: {name}({given}) = …, or leave it abstract: function {name}"


def wraps(node: Syntax) -> str:
    """The advice for mod(i+1, N) in an index position."""
    if not isinstance(node, Apply) or node.name not in ("mod", "remainder", "fmod") or len(node.args) != 2:
        return ""
    at, by = written(node.args[0].span), _operand(node.args[1])
    return f"an index that wraps around is a choice: where({at} < {by}, x[{at}], x[{at}-{by}])"


def _letters(some: str, count: int) -> list[str]:
    return list(some[:count]) if count <= len(some) else [f"{some[0]}{n}" for n in range(1, count + 1)]


def _array(node: Syntax | Range) -> str:
    return node.name if isinstance(node, (Name, Subscript)) else "x"


def _operand(node: Syntax | Range) -> str:
    """An argument as written, in brackets if it is more than one word."""
    alone = isinstance(node, (Name, Num, Subscript, Apply))
    return written(node.span) if alone else f"({written(node.span)})"


def written(span: Span | None) -> str:
    """The text at a place of a model."""
    return span.source.line(span.line)[span.column - 1 :][: span.width] if span is not None else "…"


# ── the left side ─────────────────────────────────────────────────────────────────────────────────


def diagonal(name: str, pieces: int) -> str:
    """``I[i,i] = …``: alone it is a condition, beside other equations the first step of a recurrence."""
    if pieces > 1:
        return (
            "count from the diagonal on: declare index n = 0..N-1 for the length of a span, "
            f"write {name}[0,i] = … for the diagonal and {name}[n,i] for the entry at i, i+n"
        )
    return f"write {name}[i,j] = where(i == j, …, 0) for i = 0..N-1, j = 0..N-1"


def moved(name: str, place: Syntax, loose: Sequence[Name]) -> str:
    """``z[l+1] = …`` read shifted, ``z[2*t+p] = …`` as a sum of what meets in each place."""
    known = list(dict.fromkeys(n.name for n in loose))
    if len(known) == 1 and not _scales(place):
        return "shift the right side instead: write z[l] = …, and read z[l-1] there"
    new = next(c for c in "umnqr" if c not in known)
    return (
        f"write {name}[{new}] = sum(where({new} == {written(place.span)}, …, 0), {', '.join(known)}) "
        f"for {new} = 0..N-1, with the length that it has as N"
    )


def _scales(node: Syntax) -> bool:
    match node:
        case Chain("*", args):
            return True
        case Chain(_, args):
            return any(map(_scales, args))
        case Unary(_, arg):
            return _scales(arg)
        case _:
            return False
