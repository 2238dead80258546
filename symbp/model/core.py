"""The model: arrays, functions and equations, complete and checked, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from symbp.calculus.affine import Affine, Index
from symbp.calculus.expr import Expr, Ref
from symbp.errors import Span


@dataclass(frozen=True, slots=True)
class Array:
    """A named array.

    ``kind`` is ``param``, ``input``, ``const``, ``variable`` or ``cost``.  ``axes`` has one ranged
    index for each position: the range of an axis may depend on the axes before it (z has the axes
    l in 0..L and j in 0..n[l]-1).  An axis whose index has ``sequence`` set is a sequence axis: a
    family, or the index of a recurrence.  ``integer`` is the range of its values if they are integers.
    """

    name: str
    kind: str
    axes: tuple[Index, ...] = ()
    latex: str = ""
    integer: tuple[Affine, Affine] | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Function:
    """A user's function.

    ``sigma(u) = body``: elementwise, ``params`` stand in ``body`` as ``Ref("u")``.  With ``body``
    None it is abstract: ``function sigma``.
    """

    name: str
    params: tuple[str, ...] = ()
    body: Expr | None = None
    latex: str = ""
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Equation:
    """``lhs = rhs`` for all values of ``indices`` (the free indices of the left side, in order).

    The positions of ``lhs`` are an index of ``indices`` or a fixed position (0, T, an integer); the
    ranges of ``indices`` have the ``for`` clause in them.  ``number`` counts equations from 1 in the
    order of the text; documents and generated comments refer to it.
    """

    lhs: Ref
    rhs: Expr
    indices: tuple[Index, ...] = ()
    number: int = 0
    span: Span | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Model:
    """A system of indexed equations with one scalar cost.

    ``order`` holds the names of the variables in dependency order (entangled ones side by side);
    ``adjoints`` maps a variable to the name that ``let`` gave its adjoint; ``sizes`` are the names of
    the plain sizes and size families, ``free_sizes`` those that no shape fixes.
    """

    name: str
    title: str
    sequences: tuple[Index, ...]
    arrays: Mapping[str, Array]
    functions: Mapping[str, Function]
    equations: tuple[Equation, ...]
    cost: str
    adjoints: Mapping[str, str]
    order: tuple[str, ...]
    sizes: tuple[str, ...]
    free_sizes: tuple[str, ...]
    text: str = field(default="", repr=False)
    _by_name: Mapping[str, tuple[Equation, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        groups: dict[str, list[Equation]] = {}
        for equation in self.equations:
            groups.setdefault(equation.lhs.name, []).append(equation)
        object.__setattr__(self, "_by_name", {name: tuple(group) for name, group in groups.items()})

    def equations_of(self, name: str) -> tuple[Equation, ...]:
        """The equations that define ``name``: more than one where boundaries are set apart."""
        return self._by_name.get(name, ())

    def of_kind(self, *kinds: str) -> tuple[Array, ...]:
        """The arrays of these kinds, in the order of their declarations."""
        return tuple(a for a in self.arrays.values() if a.kind in kinds)
