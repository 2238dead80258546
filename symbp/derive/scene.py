"""What the rules of a derivation see: the scene of a case, and the words of a reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from symbp.calculus.expr import Call, Div, Expr, Mul, Reduce, Ref, Weights, Where
from symbp.calculus.tree import children
from symbp.derive.context import Context
from symbp.derive.core import Reason
from symbp.derive.uses import Use
from symbp.model.core import Equation, Model


@dataclass(frozen=True)
class Scene:
    """What a case is about: the element, the uses of it, and what the rules may look up."""

    model: Model
    """As the author wrote it."""
    element: Ref
    uses: tuple[Use, ...]
    context: Context
    steady: Mapping[int, Expr]
    """The stable right sides, by the numbers of their equations."""
    through: frozenset[str] = frozenset()
    """The variables without an adjoint of their own: they change with the element."""
    names: NameTable = field(default_factory=dict)
    """The equations by which expressions get the names of variables."""
    total: bool = False
    """Keep the indicators that only a condition could replace: code scatters there."""
    local: bool = False
    """Only the local derivative of a consumer is wanted, not its way to the cost."""

    window: bool = False
    """The element is read through a window by other steps of its recurrence."""

    def named(self, name: str) -> bool:
        """Whether the adjoint of ``name`` has a name of its own."""
        return name in self.model.adjoints


Outcome = tuple[Expr, Reason]

SHORT, LONG = 8, 24
"""The most nodes of a value that stands in a reason beside another, and of one that stands there alone."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule with the name under which steps refer to it; ``key`` lines are shown by default."""

    name: str
    apply: Callable[[Expr, Scene], Outcome | None]
    key: bool = True


NameTable = Mapping[tuple[type, frozenset[str]], tuple[Equation, ...]]


NAMED = (Call, Weights, Reduce, Div, Where)
"""What a right side has to be for a value to be called by the name of its left side."""


def name_table(model: Model, steady: Model) -> NameTable:
    """The equations whose right sides may be recognised, by what a match must have in common.

    As the author wrote them, and in their stable forms: exp(x_k)/z is a softmax.
    """
    out: dict[tuple[type, frozenset[str]], tuple[Equation, ...]] = {}
    for equation in dict.fromkeys((*model.equations, *steady.equations)):
        if _is_named(equation.rhs) and equation.lhs.name != model.cost:
            key = signature(equation.rhs)
            out[key] = (*out.get(key, ()), equation)
    return out


def _is_named(rhs: Expr) -> bool:
    """Whether it has a name worth to be called by; of products those of exponentials, exp(u) exp(v)."""
    if isinstance(rhs, Mul):
        return sum(isinstance(f, Call) and f.function == "exp" for f in rhs.factors) > 1
    return isinstance(rhs, NAMED)


def signature(node: Expr) -> tuple[type, frozenset[str]]:
    """The kind of a node, and the arrays whose values it reads; what only stands in positions may differ."""
    return type(node), frozenset(_values(node))


def _values(node: Expr) -> Iterator[str]:
    if isinstance(node, Ref):
        yield node.name
    for child in children(node):
        yield from _values(child)


def listed(items: Iterable[Expr]) -> Reason:
    """a, b and c; each once."""
    return joined([(item,) for item in dict.fromkeys(items)])


def joined(parts: list[Reason], last: str = " and ") -> Reason:
    out: list[object] = []
    for n, part in enumerate(parts):
        if n:
            out.append(last if n == len(parts) - 1 else ", ")
        out.extend(part)
    return tuple(out)  # type: ignore[arg-type]
