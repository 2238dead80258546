"""Guards that guard nothing: where(i+p-1 >= 0, x[i+p-1], 0) does not widen the range of i.

Where a condition keeps a window inside of its array, no end of a range is inferred from it.  One that says
less does nothing: its author wants zeros beyond the ends, and would get a shorter array in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from symbp.calculus.affine import Affine, Index, known_nonnegative, show
from symbp.calculus.conditions import apart, gaps
from symbp.calculus.expr import Expr, Ref, Where
from symbp.calculus.tree import refs, walk
from symbp.errors import ModelProblem, Span
from symbp.model.core import Equation


def check_guards(
    equations: Sequence[Equation],
    given: Mapping[int, frozenset[Index]],
    spans: Mapping[tuple[int, Ref], Span | None],
) -> None:
    """Refuse a condition around a window that holds everywhere, where the window gave its index the range.

    ``given`` are, by the number of the equation, the indices whose range the author wrote.

    Raises:
        ModelProblem: at the element that is read.
    """
    for equation in equations:
        inferred = {i for i in equation.indices if i not in given[equation.number]}
        for node in walk(equation.rhs):
            if isinstance(node, Where):
                for ref, position in _windows(node.then, inferred):
                    if any(_idle(gap, position) for gap in gaps(node.cond)):
                        (index, *_) = (i for i in position.indices() if i in inferred)
                        span = spans.get((equation.number, ref), equation.span)
                        raise _problem(ref, position, index, span)


def _windows(branch: Expr, inferred: set[Index]) -> Iterator[tuple[Ref, Affine]]:
    for ref in refs(branch):
        for position in ref.indices:
            if len(position.indices()) > 1 and inferred & set(position.indices()):
                yield ref, position


def protects(guards: Iterable[Expr], room: Affine, nonnegative: Callable[[Affine], bool]) -> bool:
    """Whether conditions see to it that ``room >= 0``.

    A condition on values may: what it says cannot be known here.  One on indices has to say it.
    """
    known = tuple(guards)
    if any(isinstance(n, Ref) for g in known for n in walk(g)):
        return True
    return keeps(known, room, nonnegative)


def keeps(guards: Iterable[Expr], room: Affine, nonnegative: Callable[[Affine], bool]) -> bool:
    """Whether conditions on indices say that ``room >= 0``."""
    known = tuple(guards)
    if any(nonnegative(room - gap) for g in known for gap in gaps(g)):
        return True
    return nonnegative(room + 1) and excludes(known, room)


def excludes(guards: Iterable[Expr], room: Affine) -> bool:
    """Whether conditions say that ``room`` is not -1, as ``t != 0`` does of t - 1."""
    return any(room + 1 in (value, -value) for g in guards for value in apart(g))


def _idle(gap: Affine, position: Affine) -> bool:
    """Whether the condition is about this window, and holds wherever it is read."""
    own = {a: c for a, c in gap.terms if isinstance(a, Index)}
    its = {a: c for a, c in position.terms if isinstance(a, Index)}
    about = own in (its, {a: -c for a, c in its.items()})
    return about and known_nonnegative(gap)


def _problem(ref: Ref, position: Affine, index: Index, span: Span | None) -> ModelProblem:
    name, at = ref.name, show(position)
    return ModelProblem(
        f"the condition around {name} at {at} holds everywhere: {at} stays inside {name} anyway",
        span, f"to pad {name}, say how far {index.name} runs: … for {index.name} = …",
    )
