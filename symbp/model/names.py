"""The symbol table of a model: what every name means, with the place that says so."""

from __future__ import annotations

import difflib
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from symbp.errors import ModelProblem, Span
from symbp.functions import BY_NAME, CONSTANTS, INDEX_BOUND, REDUCTIONS
from symbp.model.syntax import (
    ArrayLine,
    Binary,
    Chain,
    CostLine,
    EquationLine,
    FunctionLine,
    IndexLine,
    LetLine,
    Name,
    SizeLine,
    Subscript,
    Syntax,
    SyntaxModel,
    TitleLine,
    Unary,
)

BUILTIN = frozenset({*BY_NAME, *REDUCTIONS, *INDEX_BOUND, "where"}) - CONSTANTS


@dataclass
class Table:
    """All names of a model by what they are.  Filled first, then read."""

    model: SyntaxModel
    title: str = ""
    sequences: dict[str, IndexLine] = field(default_factory=dict)
    declared: dict[str, ArrayLine] = field(default_factory=dict)
    functions: dict[str, FunctionLine] = field(default_factory=dict)
    equations: dict[str, list[EquationLine]] = field(default_factory=dict)
    order: list[EquationLine | CostLine] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)
    """How many indices each size takes: 0 for K, 1 for a family n[l]."""
    explicit_sizes: list[str] = field(default_factory=list)
    long: frozenset[str] = frozenset()
    """The sizes that ranges lead up to, and never start from: of P..T-1 it is T that is taken to be large."""
    lets: list[LetLine] = field(default_factory=list)
    cost: CostLine | None = None
    spans: dict[str, Span | None] = field(default_factory=dict)
    forms: dict[str, tuple[tuple[int, bool], Span | None]] = field(default_factory=dict)
    """How an undefined function is used first: the number of arguments, and whether they are arrays."""

    @property
    def arrays(self) -> tuple[str, ...]:
        """Declared arrays and variables."""
        return (*self.declared, *self.equations)

    def rank(self, name: str) -> int | None:
        """How many indices an array takes; None if there is no such array."""
        if name in self.declared:
            line = self.declared[name]
            return len(line.family) + len(line.dims)
        if name in self.equations:
            return len(self.equations[name][0].positions)
        return 0 if self.cost is not None and name == self.cost.name else None

    def integer(self, name: str) -> bool:
        """Whether the array is integer valued, so that it may stand in an index position."""
        return name in self.declared and self.declared[name].integer is not None

    def known(self) -> Iterable[str]:
        """Every name, for suggestions."""
        return (*self.arrays, *self.sequences, *self.sizes, *self.functions)


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)


def plain_name(value: object) -> str:
    """The name of a string, or of an object that prints as its name, such as a symbol.

    Raises:
        ModelProblem: if it is not a name of the model language.
    """
    text = str(value)
    if not _NAME.match(text):
        raise ModelProblem(
            f"{text!r} is not a name", hint="a name is a letter and further letters, digits and _"
        )
    return text


def suggestion(name: str, known: Iterable[str], alike: float = 0.6) -> str:
    """``did you mean …?`` or nothing, where no name is ``alike`` (1 is the same)."""
    near = difflib.get_close_matches(name, list(dict.fromkeys(known)), 1, alike)
    return f"did you mean {near[0]}?" if near else ""


def table(model: SyntaxModel) -> Table:
    """Read all declarations.

    Raises:
        ModelProblem: a name is declared twice or reserved, there is no cost or more than one, …
    """
    found = Table(model)
    for line in model.lines:
        _enter(found, line)
    if found.cost is None:
        raise ModelProblem(
            "the model has no cost", model.lines[-1].span if model.lines else None,
            "add one line: cost C = …, the scalar to differentiate",
        )
    _sizes(found)
    _lets(found, found.cost)
    return found


def _enter(found: Table, line: object) -> None:
    match line:
        case TitleLine(text):
            found.title = text
        case IndexLine(range_):
            _claim(found, range_.name, range_.span, "an index")
            found.sequences[range_.name] = line
        case ArrayLine(_, name):
            _claim(found, name, line.span, "an array")
            found.declared[name] = line
        case SizeLine(name):
            _claim(found, name, line.span, "a size")
            found.explicit_sizes.append(name)
        case FunctionLine(name):
            _function(found, line, name)
        case EquationLine(name):
            _equation(found, line, name)
        case CostLine(name):
            _cost(found, line, name)
        case LetLine():
            found.lets.append(line)
        case _:
            raise TypeError(f"{type(line).__name__} is not a line of a model")


def _claim(found: Table, name: str, span: Span | None, what: str) -> None:
    if name in found.spans:
        raise ModelProblem(
            f"{name} is declared twice", span, "give one of them another name",
            (("first declared here", found.spans[name]),),
        )
    reserved(name, span)
    found.spans[name] = span


def reserved(name: str, span: Span | None) -> None:
    """Refuse what cannot be a name in generated code.

    Raises:
        ModelProblem: if ``name`` is such a word.
    """
    if keyword.iskeyword(name):
        raise ModelProblem(
            f"{name} is reserved: it is a word of Python, in which the code is generated", span,
            f"write {name}_",
        )
    if name in ("sum", "where"):
        raise ModelProblem(f"{name} is reserved for the language", span, "choose another name")


def _function(found: Table, line: FunctionLine, name: str) -> None:
    if name in BUILTIN:
        raise ModelProblem(
            f"the function {name} is built in", line.span, "leave the line out, or choose another name"
        )
    if name in found.functions:
        raise ModelProblem(
            f"the function {name} is defined twice", line.span, "keep one of the two",
            (("first defined here", found.functions[name].span),),
        )
    if name in found.spans and (found.cost is None or found.cost.name != name):
        raise ModelProblem(
            f"{name} is declared twice", line.span, "give the function another name",
            (("first declared here", found.spans[name]),),
        )
    reserved(name, line.span)
    names = [p.name for p in line.params]
    for n, param in enumerate(names):
        reserved(param, line.params[n].span or line.span)
        if param in names[:n]:
            raise ModelProblem(f"the parameter {param} stands twice", line.span, "rename one of them")
    found.functions[name] = line


def _equation(found: Table, line: EquationLine, name: str) -> None:
    if name in found.declared:
        kind = found.declared[name].kind
        raise ModelProblem(
            f"{name} is given ({kind}): an equation cannot define it", line.span,
            "define a variable of another name, or remove the declaration",
            ((f"declared as {kind} here", found.declared[name].span),),
        )
    if name in found.equations:
        first = found.equations[name][0]
        if len(first.positions) != len(line.positions):
            raise ModelProblem(
                f"{name} has {counted(len(line.positions))} here, elsewhere {counted(len(first.positions))}",
                line.span, "give it the same number of indices everywhere", (("elsewhere", first.span),),
            )
    else:
        if name in found.functions:
            raise ModelProblem(
                f"{name} is declared twice", line.span, "give the variable another name",
                (("first declared here", found.functions[name].span),),
            )
        _claim(found, name, line.span, "a variable")
    found.equations.setdefault(name, []).append(line)
    found.order.append(line)


def counted(number: int) -> str:
    """``2 indices``."""
    return "no index" if number == 0 else "1 index" if number == 1 else f"{number} indices"


def _cost(found: Table, line: CostLine, name: str) -> None:
    if found.cost is not None:
        raise ModelProblem(
            "the model has two costs", line.span, "add them up in one line",
            (("the first one", found.cost.span),),
        )
    if name not in found.functions or found.functions[name].body is not None:
        _claim(found, name, line.span, "the cost")
    found.cost = line
    found.order.append(line)


# ── sizes ─────────────────────────────────────────────────────────────────────────────────────────


def _sizes(found: Table) -> None:
    """Every name in a dimension or a range that is declared nowhere else is a size."""
    found.sizes.update(dict.fromkeys(found.explicit_sizes, 0))
    for array in found.declared.values():
        local = {n.name for n in array.family}
        for part in (*array.dims, *(array.integer or ())):
            _size_names(found, part, local)
    for line in found.sequences.values():
        for part in (line.range.lo, line.range.hi):
            _size_names(found, part, set())
    found.long = _long(found)


def _long(found: Table) -> frozenset[str]:
    ranges = [line.range for line in found.sequences.values()]
    ranges += [r for lines in found.equations.values() for line in lines for r in line.ranges]
    tops = {name for r in ranges for name, sign in _signed(r.hi, 1) if sign > 0}
    short = {name for r in ranges for name, sign in (*_signed(r.lo, 1), *_signed(r.hi, -1)) if sign > 0}
    return frozenset(tops - short)


def _signed(node: Syntax, sign: int) -> Iterator[tuple[str, int]]:
    """The names of a sum, each with its sign."""
    match node:
        case Name(name):
            yield name, sign
        case Unary("-", arg):
            yield from _signed(arg, -sign)
        case Binary("//", arg, _):
            yield from _signed(arg, sign)
        case Chain(_, args):
            for arg in args:
                yield from _signed(arg, sign)
        case _:
            return


def _size_names(found: Table, node: Syntax, local: set[str]) -> None:
    match node:
        case Name(name):
            if name not in local and name not in found.sequences and name not in found.arrays:
                _size(found, name, 0, node.span)
        case Subscript(name, positions):
            if name not in found.arrays:
                _size(found, name, len(positions), node.span)
            for part in positions:
                _size_names(found, part, local)
        case Unary(_, arg):
            _size_names(found, arg, local)
        case Chain(_, args):
            for part in args:
                _size_names(found, part, local)
        case Binary(_, left, right):
            _size_names(found, left, local)
            _size_names(found, right, local)
        case _:
            return


def _size(found: Table, name: str, rank: int, span: Span | None) -> None:
    if name in found.sizes and found.sizes[name] != rank:
        raise ModelProblem(
            f"the size {name} has {counted(rank)} here, elsewhere {counted(found.sizes[name])}",
            span, f"write {name}[l] for a family of sizes, {name} for one size",
            (("elsewhere", found.spans.get(name)),),
        )
    if name in found.functions:
        raise ModelProblem(f"{name} is a function and cannot be a size", span, "choose another name")
    reserved(name, span)
    found.sizes[name] = rank
    found.spans.setdefault(name, span)


def _lets(found: Table, cost: CostLine) -> None:
    seen: dict[str, Span | None] = {}
    for line in found.lets:
        if line.top != cost.name:
            raise ModelProblem(
                f"d{line.top} is not the derivative of the cost {cost.name}", line.span,
                f"write let {line.name} = d{cost.name}/d{line.bottom}",
            )
        if line.bottom not in found.arrays:
            raise ModelProblem(
                f"there is no variable {line.bottom}", line.span,
                suggestion(line.bottom, found.arrays) or "name a variable of the model",
            )
        if line.name in seen or line.name in found.spans or line.name in found.functions:
            raise ModelProblem(
                f"{line.name} is declared twice", line.span, "give the adjoint another name",
                (("first declared here", seen.get(line.name, found.spans.get(line.name))),),
            )
        twin = next((o for o in found.lets if o is not line and o.bottom == line.bottom), None)
        if twin is not None and twin.name in seen:
            raise ModelProblem(
                f"the adjoint of {line.bottom} has two names", line.span, "keep one of the two",
                (("the other one", twin.span),),
            )
        reserved(line.name, line.span)
        seen[line.name] = line.span


def lets(found: Table) -> Mapping[str, str]:
    """The names of adjoints by the arrays they belong to."""
    return {line.bottom: line.name for line in found.lets}
