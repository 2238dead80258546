"""What an elementwise function reads besides its parameters: f(u) = maximum(u, alpha*u) with ``const alpha``.

Such a number becomes a further parameter, and every call passes it on, so that differentiation, code and
documents need to know nothing of it: f(z) is f(z, alpha).
"""

from __future__ import annotations

from collections.abc import Iterator

from symbp.errors import ModelProblem
from symbp.model.names import Table
from symbp.model.syntax import Apply, Binary, Chain, FunctionLine, Name, Subscript, Unary


def lifted(table: Table, name: str) -> tuple[str, ...]:
    """The scalar constants and sizes that the body of a function reads, itself or through other functions.

    Raises:
        ModelProblem: if a parameter has the name of one that a function called here reads.
    """
    line = table.functions[name]
    own = {p.name for p in line.params}
    found = dict.fromkeys(n for n in _names(line.body) if n not in own and _is_number(table, n))
    for other in dict.fromkeys(n for n in called(line.body) if n in table.functions):
        if any(isinstance(p, Subscript) for p in table.functions[other].params):
            continue
        for further in lifted(table, other):
            if further in own:
                raise _hidden(line, other, further)
            found[further] = None
    return tuple(found)


def _is_number(table: Table, name: str) -> bool:
    """Whether it is a scalar const or a size: what is differentiated stands among the arguments."""
    if name in table.declared:
        return table.declared[name].kind == "const" and table.rank(name) == 0
    return table.rank(name) is None and table.sizes.get(name) == 0


def _hidden(line: FunctionLine, other: str, name: str) -> ModelProblem:
    return ModelProblem(
        f"the parameter {name} of {line.name} hides the {name} of the model, which {other} reads",
        line.span, f"give the parameter of {line.name} another name",
    )


def called(node: object) -> Iterator[str]:
    """The functions that a piece of syntax calls."""
    yield from (n.name for n in _walk(node) if isinstance(n, Apply))


def _names(node: object) -> Iterator[str]:
    yield from (n.name for n in _walk(node) if isinstance(n, Name))


def _walk(node: object) -> Iterator[object]:
    yield node
    match node:
        case Apply(_, inner) | Chain(_, inner) | Subscript(_, inner):
            parts: tuple[object, ...] = inner
        case Binary(_, left, right):
            parts = (left, right)
        case Unary(_, arg):
            parts = (arg,)
        case _:
            parts = ()
    for part in parts:
        yield from _walk(part)
