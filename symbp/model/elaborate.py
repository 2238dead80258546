"""From what the author wrote to expressions: every name resolved, nothing rearranged.

Indices get no ranges here; where an index stands in an array is recorded, so that ranges can be
inferred from it (:mod:`symbp.model.ranges`).
"""

from __future__ import annotations

from dataclasses import replace

from symbp.calculus.affine import Index, Size, affine, fresh
from symbp.calculus.expr import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Functional,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
    number,
)
from symbp.errors import ModelProblem, Span
from symbp.functions import BY_NAME, CONSTANTS, NORM, REDUCTIONS
from symbp.model.advice import unknown_function
from symbp.model.lifting import lifted
from symbp.model.names import BUILTIN, counted, reserved, suggestion
from symbp.model.positions import Macro, Scope, position, range_end, reference, sequence_range
from symbp.model.syntax import Apply, Binary, Chain, Name, Num, Range, Subscript, Syntax, Unary

_TWO_VALUES = {
    "max": "the larger of two values is maximum(a, b); max(a[k], k) is the largest of many",
    "min": "the smaller of two values is minimum(a, b); min(a[k], k) is the smallest of many",
}
MOST_INLINED, DEEPEST = 1000, 10
"""How often, and how deep in each other, functions of whole arrays are put in within one equation."""
COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")




# ── expressions ───────────────────────────────────────────────────────────────────────────────────


def value(scope: Scope, node: Syntax) -> Expr:
    """The expression that a piece of syntax stands for.

    Raises:
        ModelProblem: with the place of what has no meaning there.
    """
    match node:
        case Num(number, decimal):
            return Number(number, decimal)
        case Name(name):
            return _name(scope, name, node.span)
        case Subscript():
            return reference(scope, node)
        case Unary("-", arg):
            return Neg(value(scope, arg))
        case Chain("+", args):
            return Add(_flat(scope, args, Add))
        case Chain("*", args):
            return Mul(_flat(scope, args, Mul))
        case Binary("/", left, right):
            return Div(value(scope, left), value(scope, right))
        case Binary("//"):
            return _quotient(scope, node)
        case Binary("^", left, right):
            return Pow(value(scope, left), _exponent(value(scope, right)))
        case Apply():
            return _apply(scope, node)
        case Binary() | Unary():
            raise ModelProblem(
                "a comparison is not a value", node.span, "put it into where(condition, a, b)"
            )
        case _:
            raise TypeError(f"{type(node).__name__} is not an expression of the model language")


def _exponent(node: Expr) -> Expr:
    """-1 as the number that it is: u^-1 is differentiated to u^-2."""
    match node:
        case Neg(Number(number, decimal)):
            return Number(-number, decimal)
        case _:
            return node


def _quotient(scope: Scope, node: Binary) -> Expr:
    """The integer ``a // b`` of sizes."""
    try:
        return Integer(position(scope, node))
    except ModelProblem as problem:
        raise ModelProblem(
            "// divides sizes, as in (N-P)//2", node.span,
            "write a quotient of values with one /, and begin a comment with #",
        ) from problem


def _flat(scope: Scope, args: tuple[Syntax, ...], kind: type) -> tuple[Expr, ...]:
    out: list[Expr] = []
    for arg in args:
        part = value(scope, arg)
        if isinstance(part, (Add, Mul)) and type(part) is kind:
            out.extend(part.terms if isinstance(part, Add) else part.factors)
        else:
            out.append(part)
    return tuple(out)


def _name(scope: Scope, name: str, span: Span | None) -> Expr:
    table = scope.table
    if name in scope.macros:
        return reference(scope, Subscript(name, (), span))
    if name in scope.params:
        return Ref(name)
    if name in scope.locals:
        return Integer(scope.locals[name])
    if table.rank(name) is not None:
        return reference(scope, Subscript(name, (), span))
    if table.sizes.get(name) == 0:
        return Integer(affine(Size(name, (), name in table.long)))
    if name == "pi":
        return Call("pi", ())
    if name in table.functions or name in BUILTIN:
        raise ModelProblem(f"{name} is a function", span, f"write its argument: {name}(…)")
    near = suggestion(name, [*scope.locals, *table.known(), *scope.params])
    raise ModelProblem(
        f"{name} is not defined", span,
        near or f"declare it (param, input, const, size {name}) or define it: {name} = …",
    )


# ── functions ─────────────────────────────────────────────────────────────────────────────────────


def _apply(scope: Scope, node: Apply) -> Expr:
    name = node.name
    if name in scope.table.functions:
        return _users(scope, node)
    if name in REDUCTIONS or name == "logsumexp" or (name == NORM and scope.table.rank(name) is None):
        return _reduction(scope, node)
    if name == "softmax":
        return _softmax(scope, node)
    if name == "where":
        return _where(scope, node)
    if name in BY_NAME and name not in CONSTANTS:
        args = _plain_args(scope, node)
        _arity(node, BY_NAME[name].arity)
        return Call(name, args)
    if scope.table.rank(name) is not None:
        raise ModelProblem(f"{name} is an array, not a function", node.span, f"index it with [ ]: {name}[…]")
    raise unknown_function(scope.table, node)


def _plain_args(scope: Scope, node: Apply) -> tuple[Expr, ...]:
    out = []
    for arg in node.args:
        if isinstance(arg, Range):
            raise ModelProblem(
                f"{node.name} takes no range", arg.span, "only sum, prod, max, min and mean run over one"
            )
        out.append(value(scope, arg))
    return tuple(out)


def _arity(node: Apply, wanted: int) -> None:
    if len(node.args) != wanted:
        raise ModelProblem(
            f"{node.name} takes {wanted} argument{'s' * (wanted != 1)}, here it is given {len(node.args)}",
            node.span, f"write {node.name}({', '.join('abcdefgh'[:wanted])})",
        )


def _users(scope: Scope, node: Apply) -> Expr:
    line = scope.table.functions[node.name]
    split = _split_bound(scope, node)
    if line.body is None:
        return _abstract(scope, node, split)
    if any(isinstance(p, Subscript) for p in line.params):
        if split is None:
            raise ModelProblem(
                f"{node.name} is a function of a whole array", node.span,
                f"name the index that runs over it: {node.name}(a[j], j)",
            )
        return _inlined(scope, node, *split)
    _arity(node, len(line.params))
    return Call(node.name, (*_plain_args(scope, node), *_lifted(scope, node)))


def _lifted(scope: Scope, node: Apply) -> tuple[Expr, ...]:
    """The numbers of the model that a function's body reads: arguments that nobody has to write."""
    inside = replace(scope, locals={}, macros={})
    names = lifted(scope.table, node.name)
    return tuple(_name(inside, name, node.span) for name in names)


def _abstract(
    scope: Scope, node: Apply, split: tuple[tuple[Syntax, ...], tuple[Name, ...]] | None
) -> Expr:
    """An undefined function, elementwise or of whole arrays, with as many arguments everywhere."""
    form = len(split[0]) if split else len(node.args), split is not None
    first, place = scope.table.forms.setdefault(node.name, (form, node.span))
    if form != first:
        raise ModelProblem(
            f"{node.name} has {_form(*form)} here, elsewhere {_form(*first)}", node.span,
            "use an undefined function in one way, or name two", (("elsewhere", place),),
        )
    return _functional(scope, node, *split) if split else Call(node.name, _plain_args(scope, node))


def _form(arguments: int, whole: bool) -> str:
    plural = "s" * (arguments != 1)
    return f"{arguments} {'array' if whole else 'number'}{plural} as its argument{plural}"


def _split_bound(scope: Scope, node: Apply) -> tuple[tuple[Syntax, ...], tuple[Name, ...]] | None:
    """Arguments and the indices bound after them: C(a[L,j], y[j], j)."""
    names: list[Name] = []
    for arg in reversed(node.args):
        if not isinstance(arg, Name) or not _unused(scope, arg.name):
            break
        names.insert(0, arg)
    rest = node.args[: len(node.args) - len(names)]
    plain = tuple(a for a in rest if not isinstance(a, Range))
    if not names or not plain or len(plain) != len(rest):
        return None
    return plain, tuple(names)


def _unused(scope: Scope, name: str) -> bool:
    table = scope.table
    return (
        name not in scope.locals and name not in scope.params and table.rank(name) is None
        and name not in table.sizes and name != "pi"
    )


def _functional(scope: Scope, node: Apply, args: tuple[Syntax, ...], names: tuple[Name, ...]) -> Expr:
    inner, indices = _bind(scope, names, node.name)
    return Functional(node.name, indices, tuple(value(inner, a) for a in args))


def _inlined(scope: Scope, node: Apply, args: tuple[Syntax, ...], names: tuple[Name, ...]) -> Expr:
    """A defined function of whole arrays: its body, with the arguments in place of its parameters."""
    line = scope.table.functions[node.name]
    formal = tuple(dict.fromkeys(n for p in line.params for n in _formal(p)))
    if len(args) != len(line.params) or len(names) != len(formal) or line.body is None:
        given = ", ".join((*("…" for _ in line.params), *formal))
        raise ModelProblem(
            f"{node.name} takes {len(line.params)} arrays or numbers and {counted(len(formal))}", node.span,
            f"write {node.name}({given})",
        )
    scope.draft.inlined += 1
    if scope.draft.inlined > MOST_INLINED or len(scope.nest) >= DEEPEST:
        raise ModelProblem(
            f"{node.name} and what it calls are put in too often or too deep", node.span,
            "give parts of the expression names, each in an equation of its own",
        )
    actual = dict(zip(formal, (n.name for n in names), strict=True))
    macros = {
        param.name: _macro(scope, arg, tuple(actual[n] for n in _formal(param)))
        for param, arg in zip(line.params, args, strict=True)
    }
    nest = (*scope.nest, node.name)
    return value(Scope(scope.table, scope.draft, macros=macros, left=scope.left, nest=nest), line.body)


def _macro(scope: Scope, arg: Syntax, names: tuple[str, ...]) -> Macro:
    return Macro(
        len(names), lambda places: value(scope.within(dict(zip(names, places, strict=True))), arg)
    )


def _formal(param: Name | Subscript) -> tuple[str, ...]:
    """The names of the indices in the head of a functional C(v[j])."""
    if isinstance(param, Name):
        return ()
    for place in param.positions:
        if not isinstance(place, Name):
            raise ModelProblem(
                "the head of a function names indices only", place.span, "write C(v[j]) = sum(v[j], j)"
            )
    return tuple(p.name for p in param.positions if isinstance(p, Name))


def _bind(
    scope: Scope, names: tuple[Name | Range, ...], op: str
) -> tuple[Scope, tuple[Index, ...]]:
    """The scope inside a sum, and its new indices."""
    indices: list[Index] = []
    inner = scope
    for name in names:
        _bindable(scope, name, op)
        if any(i.name == name.name for i in indices):
            raise ModelProblem(
                f"the index {name.name} stands twice", name.span, "name every index of the sum once"
            )
        sequence = name.name if name.name in scope.table.sequences else ""
        index = fresh(name.name, sequence=sequence)
        if isinstance(name, Range):
            scope.draft.given[index] = (range_end(inner, name.lo), range_end(inner, name.hi))
        elif sequence:
            scope.draft.given[index] = sequence_range(scope.table, sequence, inner.draft)
        scope.draft.bound.append(index)
        scope.draft.spans[index] = name.span
        indices.append(index)
        inner = inner.within({name.name: affine(index)})
    return inner, tuple(indices)


def _bindable(scope: Scope, name: Name | Range, op: str) -> None:
    table = scope.table
    reserved(name.name, name.span)
    if table.rank(name.name) is not None or name.name in table.sizes:
        what = "an array" if table.rank(name.name) is not None else "a size"
        raise ModelProblem(
            f"{name.name} is {what}, so {op} cannot run over it", name.span,
            _TWO_VALUES.get(op, "give the index another name"),
            (("declared here", table.spans.get(name.name)),),
        )


def _reduction(scope: Scope, node: Apply) -> Expr:
    op = node.name
    if not node.args or isinstance(node.args[0], Range):
        raise ModelProblem(f"{op} needs an expression first", node.span, f"write {op}(a[k], k)")
    names = tuple(a for a in node.args[1:] if isinstance(a, (Name, Range)))
    if len(names) != len(node.args) - 1 or not names:
        hint = _TWO_VALUES.get(op, f"write {op}(a[k], k)")
        raise ModelProblem(f"{op} runs over indices named after the expression", node.span, hint)
    inner, indices = _bind(scope, names, op)
    body = value(inner, node.args[0])
    if op == NORM:
        return Call("sqrt", (Reduce("sum", indices, Pow(body, number(2))),))
    return Reduce(op, indices, body)


def _softmax(scope: Scope, node: Apply) -> Expr:
    """Weights at the index of the left side; with a range, as in softmax(s[t,j], j=0..t), 0 outside of it."""
    if len(node.args) != 2 or not isinstance(node.args[1], (Name, Range)) or isinstance(node.args[0], Range):
        raise ModelProblem(
            "softmax takes an expression and one index", node.span,
            "write softmax(s[i,j], j), or softmax(s[i,j], j=0..i)",
        )
    name = node.args[1]
    if name.name not in scope.locals:
        raise ModelProblem(
            f"the index {name.name} of softmax stays free, and is neither summed nor on the left", name.span,
            f"define p[{name.name}] = softmax(…, {name.name}) on a line of its own",
        )
    at = scope.locals[name.name]
    inner, (index,) = _bind(scope, (name,), "softmax")
    outer = at.as_index()
    if outer is not None and index not in scope.draft.given:
        scope.draft.linked.append((index, outer))
    elif outer is not None and isinstance(name, Range):
        value(scope, node.args[0])  # the outer index runs as far as the arrays under the softmax
    return Weights("softmax", index, value(inner, node.args[0]), at)


def _where(scope: Scope, node: Apply) -> Expr:
    _arity(node, 3)
    cond, then, other = node.args
    if isinstance(cond, Range) or isinstance(then, Range) or isinstance(other, Range):
        raise ModelProblem("where takes a condition and two values", node.span, "write where(i <= j, a, b)")
    known = _condition(scope, cond)
    inside = replace(scope, guards=(*scope.guards, known))
    outside = replace(scope, guards=(*scope.guards, Logic("not", (known,))))
    return Where(known, value(inside, then), value(outside, other))


def _condition(scope: Scope, node: Syntax) -> Expr:
    match node:
        case Binary(op, left, right) if op in COMPARISONS:
            return Compare(op, value(scope, left), value(scope, right))
        case Binary(("and" | "or") as op, left, right):
            return Logic(op, (_condition(scope, left), _condition(scope, right)))
        case Unary("not", arg):
            return Logic("not", (_condition(scope, arg),))
        case _:
            raise ModelProblem(
                "the first argument of where is a condition", node.span,
                "compare something: where(u > 0, a, b)",
            )
