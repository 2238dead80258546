"""Integer positions and elements of arrays: what stands in brackets, and what stands before them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from math import prod

from symbp.calculus.affine import Affine, Index, Size, affine, floor_div
from symbp.calculus.expr import Expr, Integer, Ref
from symbp.errors import ModelProblem, Span
from symbp.model.advice import wraps
from symbp.model.names import BUILTIN, Table, counted, suggestion
from symbp.model.syntax import Binary, Chain, Name, Num, Subscript, Syntax, Unary


@dataclass(frozen=True, slots=True)
class UseSite:
    """An array read at some positions, for the inference of ranges."""

    array: str
    positions: tuple[Affine, ...]
    spans: tuple[Span | None, ...]
    span: Span | None
    guards: tuple[Expr, ...] = ()
    """The conditions under which it is read."""


@dataclass
class Draft:
    """An equation while it is being read: what its indices are, and where they are used."""

    uses: list[UseSite] = field(default_factory=list)
    bound: list[Index] = field(default_factory=list)
    given: dict[Index, tuple[Affine, Affine]] = field(default_factory=dict)
    """Ranges that the author wrote, or that a sequence index has by its declaration."""
    linked: list[tuple[Index, Index]] = field(default_factory=list)
    """Indices that run over the same range: softmax(s[j], j) sums over as many as it has entries."""
    spans: dict[Index, Span | None] = field(default_factory=dict)
    inlined: int = 0
    """How many functions of whole arrays were put in so far."""


@dataclass(frozen=True, slots=True)
class Macro:
    """The argument of a functional C(v[j]): how many indices it takes, and the expression at these."""

    rank: int
    at: Callable[[tuple[Affine, ...]], Expr]


@dataclass(frozen=True)
class Scope:
    """What names mean at a place: indices, a function's parameters, a functional's arguments."""

    table: Table
    draft: Draft
    locals: Mapping[str, Affine] = field(default_factory=dict)
    params: frozenset[str] = frozenset()
    macros: Mapping[str, Macro] = field(default_factory=dict)
    """The arguments of a functional while its body is read."""
    guards: tuple[Expr, ...] = ()
    """The conditions of the `where` around this place."""
    left: str = ""
    """The left side as messages show it."""
    nest: tuple[str, ...] = ()
    """The functions of whole arrays whose bodies are being read."""

    def within(self, names: Mapping[str, Affine]) -> Scope:
        """The scope with further indices."""
        return replace(self, locals={**self.locals, **names})


# ── index positions ───────────────────────────────────────────────────────────────────────────────


def position(scope: Scope, node: Syntax) -> Affine:
    """An integer-affine expression.

    Raises:
        ModelProblem: if it is not one, or has an unknown name in it.
    """
    match node:
        case Num(value, False) if value.denominator == 1:
            return Affine(int(value))
        case Name(name):
            return _position_name(scope, name, node.span)
        case Subscript(name, positions) if scope.table.sizes.get(name, 0):
            _size_rank(scope, name, len(positions), node.span)
            return affine(Size(name, tuple(position(scope, p) for p in positions)))
        case Subscript(name):
            element = reference(scope, node)
            if not isinstance(element, Ref) or not scope.table.integer(name):
                raise ModelProblem(
                    f"{name} is not integer valued, so it cannot stand in an index position", node.span,
                    f"declare its values: input {name} … in 0..K-1",
                )
            return affine(element)
        case Unary("-", arg):
            return -position(scope, arg)
        case Chain("+", args):
            return sum((position(scope, a) for a in args), Affine())
        case Chain("*", args):
            return _integer_product([position(scope, a) for a in args], node.span)
        case Binary("//", left, right):
            return _rounded(position(scope, left), position(scope, right), node.span)
        case _:
            raise ModelProblem(
                "an index position is an integer-affine expression", node.span,
                wraps(node) or "only sums of indices, sizes and integers, and integer multiples of them, "
                "can stand here",
            )


def _integer_product(parts: list[Affine], span: Span | None) -> Affine:
    moving = [part for part in parts if any(not isinstance(a, Size) for a in part.atoms())]
    if len(moving) > 1:
        raise ModelProblem(
            "a product of two indices cannot stand in an index position", span,
            "an integer or a size can multiply an index, as in 2*i+p or s*i+p for a stride of s",
        )
    if moving and any(isinstance(a, Ref) for a in moving[0].atoms()) and not _numbers(parts, moving[0]):
        raise ModelProblem(
            "a product of a size and a label cannot stand in an index position", span,
            "give the array one axis for each label, as in A[y,z]",
        )
    return prod(parts, start=Affine(1))


def _rounded(value: Affine, by: Affine, span: Span | None) -> Affine:
    """``value // by`` of sizes, by a positive integer or a size."""
    atoms = {*value.atoms(), *by.atoms()}
    if any(isinstance(a, (Index, Ref)) for a in atoms):
        raise ModelProblem(
            "// divides sizes; an index or a label cannot be divided", span,
            "read it the other way round: x[s*i+p] with p = 0..s-1 instead of m[u//s]",
        )
    if not by > 0:
        raise ModelProblem(
            "// divides by a positive integer or by a size", span, "write (N-P)//2 or (N-P)//s"
        )
    return floor_div(value, by.const if by.is_const else by)


def _numbers(parts: list[Affine], but: Affine) -> bool:
    return all(part.is_const for part in parts if part is not but)


def _position_name(scope: Scope, name: str, span: Span | None) -> Affine:
    if name in scope.locals:
        return scope.locals[name]
    if scope.table.integer(name):
        element = reference(scope, Subscript(name, (), span))
        assert isinstance(element, Ref)
        return affine(element)
    if scope.table.sizes.get(name) == 0:
        return affine(Size(name, (), name in scope.table.long))
    if name in scope.table.equations:
        raise ModelProblem(
            f"{name} is computed, so it cannot stand in an index position", span,
            f"choose with a condition: sum(where(x[i] >= {name}, y[i], 0), i) is the y where x is {name}",
        )
    if name in scope.table.arrays:
        raise ModelProblem(
            f"{name} is an array, so it cannot stand in an index position", span,
            f"declare its values as integers (… in 0..K-1), or give the index another name than {name}",
        )
    raise _unknown_index(scope, name, span)


def _unknown_index(scope: Scope, name: str, span: Span | None) -> ModelProblem:
    if name in BUILTIN or name in scope.table.functions:
        return ModelProblem(
            f"{name} is a function, so it cannot stand in an index position", span,
            f"an index stands here, as in x[{next(iter(scope.locals), 'i')}]",
        )
    near = suggestion(name, [*scope.locals, *scope.table.sizes])
    what = f"is neither summed nor on the left, in {scope.left}" if scope.left else "is not summed"
    left = "" if "scalar" in scope.left else ", or add it on the left"
    return ModelProblem(
        f"the index {name} {what}", span,
        near or f"sum over it: sum(…, {name}){left}; a size is declared: size {name}",
    )


def range_end(scope: Scope, node: Syntax) -> Affine:
    """One end of a range that the author wrote.

    Raises:
        ModelProblem: if it is not integer affine, or a name in it is no size.
    """
    for name in names_in(node):
        known = name.name in scope.locals or name.name in scope.table.sizes
        if known or scope.table.rank(name.name) is not None:
            continue
        near = suggestion(name.name, [*scope.table.sizes, *scope.locals])
        raise ModelProblem(
            f"{name.name} is not a size", name.span,
            near or f"a size that is in no shape is declared: size {name.name}",
        )
    end = position(scope, node)
    arrays = (a.name for a in end.atoms() if isinstance(a, Ref))
    if (array := next((a for a in arrays if not _is_one_integer(scope.table, a)), None)) is not None:
        raise ModelProblem(
            f"a range ends at a size or an index, and {array} has more than one value", node.span,
            "write a condition in its place: sum(where(j <= …, …, 0), j)",
        )
    return end


def _is_one_integer(table: Table, name: str) -> bool:
    """Whether an array is a constant number, the same for all examples: a stride, the end of a range."""
    return name in table.declared and table.declared[name].kind == "const" and table.rank(name) == 0


def sequence_range(table: Table, name: str, draft: Draft) -> tuple[Affine, Affine]:
    """The declared range of a sequence index."""
    declared = table.sequences[name].range
    scope = Scope(table, draft)
    return position(scope, declared.lo), position(scope, declared.hi)


def names_in(node: Syntax) -> Iterator[Name]:
    """The names that stand alone in an affine expression."""
    match node:
        case Name():
            yield node
        case Chain(_, args):
            for arg in args:
                yield from names_in(arg)
        case Unary(_, arg):
            yield from names_in(arg)
        case Binary(_, left, right):
            yield from names_in(left)
            yield from names_in(right)
        case Subscript(_, places):
            for place in places:
                yield from names_in(place)
        case _:
            return


# ── elements ──────────────────────────────────────────────────────────────────────────────────────


def reference(scope: Scope, node: Subscript) -> Expr:
    """An element of an array, or the value of a size n[l]."""
    name, table = node.name, scope.table
    if name in scope.macros:
        if scope.macros[name].rank != len(node.positions):
            raise ModelProblem(
                f"{name} takes {counted(scope.macros[name].rank)}, here it is given {len(node.positions)}",
                node.span, "use it as in the head of the function",
            )
        return scope.macros[name].at(tuple(position(scope, p) for p in node.positions))
    rank = table.rank(name)
    if rank is None and table.sizes.get(name, 0):
        return Integer(position(scope, node))
    if rank is None or name in scope.params:
        if name in BUILTIN or name in table.functions:
            raise ModelProblem(
                f"{name} is a function: it has no elements", node.span,
                f"write its arguments in parentheses: {name}(…)",
            )
        near = suggestion(name, [*table.arrays, *(s for s, rank in table.sizes.items() if rank)])
        raise ModelProblem(
            f"{name} is a number here, not an array" if name in scope.params else f"{name} is not defined",
            node.span,
            near or f"declare it (param, input, const) or define it: {name}[…] = …",
        )
    if table.cost is not None and name == table.cost.name and name not in table.equations:
        raise ModelProblem(
            f"the cost {name} cannot be read", node.span, "define a variable and use it in both places"
        )
    if rank != len(node.positions):
        raise ModelProblem(
            f"{name} has {counted(rank)}, here it is given {len(node.positions)}",
            node.span, _signature(table, name), (("defined here", table.spans.get(name)),),
        )
    positions = tuple(position(scope, p) for p in node.positions)
    spans = tuple(p.span for p in node.positions)
    scope.draft.uses.append(UseSite(name, positions, spans, node.span, scope.guards))
    return Ref(name, positions)


def _signature(table: Table, name: str) -> str:
    rank = table.rank(name) or 0
    return f"write {name}[{', '.join('…' * rank)}]" if rank else f"write {name} without brackets"


def _size_rank(scope: Scope, name: str, given: int, span: Span | None) -> None:
    if scope.table.sizes[name] != given:
        raise ModelProblem(
            f"the size {name} is given {given} here, elsewhere {scope.table.sizes[name]}", span,
            "give it the same number of indices everywhere",
        )
