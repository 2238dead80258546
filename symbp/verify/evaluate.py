"""The oracle: every element by its defining equation, every adjoint by a numeric derivative.

It shares no code with the derivation, the lowering or the printing of a model: it evaluates the
equations one element at a time with plain loops, and differentiates by moving one element, or many at
once in a direction each.  Where floats do not reach, the same equations are evaluated in numbers whose
exponent has no end.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property

from symbp.calculus.affine import Index
from symbp.calculus.expr import Expr
from symbp.errors import SymbpError
from symbp.model.core import Equation, Model
from symbp.verify.arithmetic import (
    FLOAT,
    PRECISIONS,
    Arithmetic,
    Num,
    OutOfFloats,
    as_float,
    digits,
    unbounded,
)
from symbp.verify.bundle import Bundle, directions
from symbp.verify.compile import Code, Program
from symbp.verify.places import Place, Positions, Values, place
from symbp.verify.sample import Sample

Key = tuple[str, Positions]


class OutsideRange(SymbpError):
    """An element is read that the model does not have: the line reads beyond an array's range."""


class OutsideDomain(SymbpError):
    """A function of real numbers is asked for a value that it does not have, such as log(-1)."""


NO_VALUE = (ValueError, ZeroDivisionError, OverflowError, OutOfFloats)
"""What says that an arithmetic has no value for something."""

FEW, AT_ONCE = 6, 512
"""Fewer elements of an array are moved one at a time; so many together, each in its own direction."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """One equation, ready to be matched with an element."""

    equation: Equation

    taken: tuple[tuple[int, int], ...]
    fixed: tuple[tuple[int, Place], ...]
    ranges: tuple[tuple[int, Place, Place], ...]
    body: Code

    def match(self, world: Oracle, at: Positions) -> Values | None:
        """The values of the equation's indices for this element, None if it is not defined by it."""
        values: Values = {}
        for k, uid in self.taken:
            if values.setdefault(uid, at[k]) != at[k]:
                return None
        inside = all(lo(world, values) <= values[u] <= hi(world, values) for u, lo, hi in self.ranges)
        if inside and all(code(world, values) == at[k] for k, code in self.fixed):
            return values
        return None


def _definition(equation: Equation, program: Program) -> _Definition:
    taken, fixed = [], []
    for k, position in enumerate(equation.lhs.indices):
        index = position.as_index()
        if index is not None and index in equation.indices:
            taken.append((k, index.uid))
        else:
            fixed.append((k, place(position)))
    ranges = tuple((i.uid, place(i.low), place(i.high)) for i in equation.indices)
    return _Definition(equation, tuple(taken), tuple(fixed), ranges, program.code(equation.rhs))


class Oracle:
    """Values of elements, adjoints and expressions of ``model`` at ``sample``.

    ``through`` names the variables that a :class:`~symbp.calculus.expr.Partial` sees through: they
    follow the element that is moved, all others are held fixed.  ``program`` may be shared by the
    oracles of one model and arithmetic.  ``steady`` is the model in stable form: which elements an
    equation reads, and so what ∂y/∂z holds fixed, is what this form says (log y[c] of a softmax y reads
    its argument); values are always those of ``model``.  With ``many``
    the adjoints of all elements of an array are found together, which loads NumPy.
    """

    def __init__(
        self,
        model: Model,
        sample: Sample,
        arith: Arithmetic = FLOAT,
        through: Collection[str] = (),
        program: Program | None = None,
        steady: Model | None = None,
        many: bool = False,
    ) -> None:
        self.steady = steady or model
        self.model, self.sample, self.arith = model, sample, arith
        self.program = program or Program(model, arith)
        self.through = frozenset(through)
        self._definitions: dict[str, list[_Definition]] = {}
        self._local: dict[str, list[_Definition]] = self._definitions if self.steady is model else {}
        self._known: dict[Key, Num] = {}
        self._adjoints: dict[Key, Num] = {}
        # Who read whom: what follows an element when it is moved.
        self._readers: defaultdict[Key, set[Key]] = defaultdict(set)
        self._reader: Key | None = None
        # While an element is moved: the values of what follows it, None for "not computed yet".
        self._moved: dict[Key, Num] | None = None
        self._following: Collection[Key] = frozenset()
        # What is added to the elements that are moved.
        self._steps: Mapping[Key, Num] = {}
        self._wider: list[Oracle] = []
        self._many, self._together = many, set[str]()
        self.sums: dict[tuple[object, ...], Num] = {}
        """Values of sums while nothing is moved; see :func:`symbp.verify.compile._reduce`."""
        self.asked: set[Key] = set()
        """The adjoints that were read since this was last cleared."""

    @cached_property
    def fine(self) -> Oracle:
        """The same in 60 digits: its differences notice where a function has no derivative."""
        if self.arith.exact:
            return self
        return Oracle(self.model, self.sample, digits(), self.through, None, self.steady)

    @property
    def largest(self) -> Num:
        """The largest value of an element or an adjoint that was asked for."""
        return max(map(abs, (*self._known.values(), *self._adjoints.values())), default=0.0)

    # ── the definition ────────────────────────────────────────────────────────────────────────────

    def size(self, name: str, at: Positions) -> int:
        """A size or a member of a family of sizes."""
        return self.sample.size(name, at)

    def element(self, name: str, at: Positions) -> Num:
        """The value of an element.

        Raises:
            OutsideRange: if nothing gives it a value.
        """
        key, moved = (name, at), self._moved
        if moved is None:
            if self._reader is not None:
                self._readers[key].add(self._reader)
        elif key in self._following:
            if key not in moved:
                value = self._define(key)
                moved[key] = value + self._steps[key] if key in self._steps else value
            return moved[key]
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._settle(key)
        return known

    def _settle(self, key: Key) -> Num:
        """The value of an element when nothing is moved."""
        saved, self._moved, self._reader = (self._moved, self._reader), None, key
        try:
            return self._define(key)
        finally:
            self._moved, self._reader = saved

    def _define(self, key: Key) -> Num:
        name, at = key
        if name in self.sample.values:
            value = self.sample.values[name].get(at)
            if value is None:
                raise OutsideRange(f"{_show(key)} is read, which is outside of the range of {name}")
            return value if isinstance(value, int) else self.arith.lift(value)
        definition, values = self._equation(key, self.model, self._definitions)
        try:
            value = definition.body(self, values)
            if isinstance(value, Bundle) or value - value == 0:
                return value
        except NO_VALUE as error:
            if self._wide_enough:
                raise _outside(key, definition.equation, error) from error
        return value if self._wide_enough else self._widened(lambda o: o.element(*key))

    def _equation(
        self, key: Key, model: Model, known: dict[str, list[_Definition]]
    ) -> tuple[_Definition, Values]:
        """What defines an element, and the values of the equation's indices."""
        name, at = key
        if name not in known:
            known[name] = [_definition(e, self.program) for e in model.equations_of(name)]
        for definition in known[name]:
            values = definition.match(self, at)
            if values is not None:
                return definition, values
        raise OutsideRange(f"{_show(key)} is read, and no equation defines it")

    def defines(self, key: Key) -> bool:
        """Whether there is an element at this place."""
        if key[0] in self.sample.values:
            return key[1] in self.sample.values[key[0]]
        try:
            self._equation(key, self.model, self._definitions)
        except OutsideRange:
            return False
        return True

    # ── where floats do not reach ─────────────────────────────────────────────────────────────────

    @property
    def at_rest(self) -> bool:
        """Whether nothing is moved, and nobody notes who reads whom."""
        return self._moved is None and self._reader is None

    @property
    def _wide_enough(self) -> bool:
        """Whether what has no value here has none at all."""
        return self.arith is not FLOAT

    def _widened(self, function: Callable[[Oracle], Num]) -> Num:
        """The value in numbers whose exponent has no end, with as many digits as it takes.

        Raises:
            OutOfFloats: while many elements are moved at once.
            OutsideDomain: if there is no value.
        """
        if any(isinstance(step, Bundle) for step in self._steps.values()):
            raise OutOfFloats("one element at a time, please")
        for k, count in enumerate(PRECISIONS):
            if k == len(self._wider):
                self._wider.append(self._alike(unbounded(count)))
            try:
                return as_float(self._wider[k]._beside(self, function))
            except (OutsideDomain, *NO_VALUE):
                if k == len(PRECISIONS) - 1:
                    raise
        raise AssertionError("there is at least one precision")

    def _alike(self, arith: Arithmetic) -> Oracle:
        """The same in another arithmetic, with what is known about who reads whom in common."""
        other = Oracle(self.model, self.sample, arith, self.through, self.program.at(arith), self.steady)
        other._readers, other.asked = self._readers, self.asked
        return other

    def _beside(self, other: Oracle, function: Callable[[Oracle], Num]) -> Num:
        """The value of a function where the same elements are moved as in ``other``."""
        if other._moved is None:
            self._moved, self._steps = None, {}
        elif self._steps is not other._steps:
            self._moved, self._steps, self._following = {}, other._steps, other._following
        return function(self)

    @property
    def cost(self) -> Num:
        """The cost."""
        return self.element(self.model.cost, ())

    def value(self, node: Expr, at: Mapping[Index, int] | None = None) -> Num:
        """The value of an expression where its free indices have the values ``at``.

        Raises:
            SymbpError: if it reads an element that does not exist or an index that has no value.
        """
        return self.run(node, {index.uid: v for index, v in (at or {}).items()})

    def run(self, node: Expr, values: Values) -> Num:
        """As :meth:`value`, for values by the identity of indices."""
        try:
            value = self.program.code(node)(self, dict(values))
            if self._wide_enough or value - value == 0:
                return value
        except NO_VALUE:
            if self._wide_enough:
                raise
        except KeyError as error:
            raise SymbpError("the expression has an index that nothing binds") from error
        return self._widened(lambda o: o.run(node, values))

    def reads(self, key: Key) -> set[Key]:
        """The elements that the equation of an element reads; none if the cost does not need it."""
        _ = self.cost
        return {read for read, readers in self._readers.items() if key in readers}

    def followers(self, key: Key) -> set[Key]:
        """All that is computed from an element on the way to the cost, itself included."""
        _ = self.cost
        return self._followers(key, None)

    # ── derivatives ───────────────────────────────────────────────────────────────────────────────

    def adjoint(self, name: str, at: Positions) -> Num:
        """The derivative of the cost by an element, everything downstream of it recomputed."""
        key = (name, at)
        self.asked.add(key)
        if key not in self._adjoints:
            saved, self._moved = (self._moved, self._following, self._steps), None
            try:
                # The cost is evaluated first, so that it is known who reads whom.
                _ = self.cost
                if self._many and name not in self._together:
                    self._together.add(name)
                    self._all_of(name)
                if key not in self._adjoints:
                    self._adjoints[key] = self._move(key, lambda: self.cost, None)
            finally:
                self._moved, self._following, self._steps = saved
        return self._adjoints[key]

    def _all_of(self, name: str) -> None:
        """The adjoints of all elements of an array that are read, in few evaluations of the cost.

        None where that is no gain, or where the numbers leave the range of floats.
        """
        keys = [key for key in self._known if key[0] == name]
        if self.arith is not FLOAT or len(keys) < FEW or self.model.arrays[name].integer is not None:
            return
        import numpy as np

        for start in range(0, len(keys), AT_ONCE):
            part = keys[start : start + AT_ONCE]
            steps = dict(zip(part, directions(len(part)), strict=True))
            following = set[Key]().union(*(self._followers(key, None) for key in part))
            try:
                with np.errstate(all="ignore"):
                    cost = self._with(steps, following, lambda: self.cost)
            except (SymbpError, *NO_VALUE):
                continue
            slopes = cost.imag if isinstance(cost, Bundle) else np.zeros(len(part))
            if np.isfinite(slopes).all():
                self._adjoints |= dict(zip(part, slopes.tolist(), strict=True))

    def partial_of(self, name: str, at: Positions, wrt: Key) -> Num:
        """The derivative of the equation that defines a variable by an element that it reads."""
        definition, values = self._equation((name, at), self.steady, self._local)
        return self.partial(definition.body, values, wrt)

    def partial(self, code: Code, values: Values, wrt: Key) -> Num:
        """The derivative of an expression by an element; all others but ``through`` are held fixed.

        Raises:
            SymbpError: inside another derivative: complex steps do not nest.
        """
        if self._moved is not None:
            raise SymbpError("a derivative within a derivative cannot be checked numerically")
        if self.through:  # evaluated once in place, so that it is known who reads whom
            code(self, dict(values))
        return self._move(wrt, lambda: code(self, dict(values)), self.through)

    def nudged(self, name: str, at: Positions, step: Num) -> Num:
        """The cost when one element is moved by ``step``, everything downstream of it recomputed.

        Raises:
            SymbpError: inside a derivative.
        """
        if self._moved is not None:
            raise SymbpError("an element cannot be moved while a derivative is taken")
        _ = self.cost
        return self._shifted((name, at), lambda: self.cost, None)(step)

    def _move(self, wrt: Key, function: Callable[[], Num], names: Collection[str] | None) -> Num:
        """d function/d element; of what follows the element only ``names`` (None: all) do so."""
        moved = self._shifted(wrt, function, names)
        size = abs(self.element(*wrt))
        if not self.arith.exact or size <= 1:
            return self.arith.derive(moved)
        # differences of a large number: a step that is small beside 1 would be lost beside it
        return self.arith.derive(lambda step: moved(step * size)) / size

    def _shifted(
        self, wrt: Key, function: Callable[[], Num], names: Collection[str] | None
    ) -> Callable[[Num], Num]:
        """The function of a step by which an element is moved."""
        array = self.model.arrays.get(wrt[0])
        if array is None or array.integer is not None:
            raise SymbpError(f"{wrt[0]} has no derivatives: it is not a real-valued array")
        _ = self.element(*wrt)
        following = self._followers(wrt, names)
        return lambda step: self._with({wrt: step}, following, function)

    def _with(
        self, steps: Mapping[Key, Num], following: Collection[Key], function: Callable[[], Num]
    ) -> Num:
        """The value of a function while elements are moved by ``steps`` and what follows them, follows."""
        self._moved, self._steps, self._following = {}, steps, following
        try:
            return function()
        finally:
            self._moved, self._steps = None, {}

    def _followers(self, start: Key, names: Collection[str] | None) -> set[Key]:
        """The elements (of ``names``) that depend on ``start``, itself included."""
        found, todo = {start}, [start]
        while todo:
            for reader in self._readers.get(todo.pop(), ()):
                if reader not in found and (names is None or reader[0] in names):
                    found.add(reader)
                    todo.append(reader)
        return found


def _outside(key: Key, equation: Equation, error: Exception) -> OutsideDomain:
    """There is no value: which element's, and where its equation is."""
    what = "a division by zero" if isinstance(error, ZeroDivisionError) else str(error)
    return OutsideDomain(f"{_show(key)} has no value: {what}", equation.span)


def _show(key: Key) -> str:
    name, at = key
    return f"{name}[{','.join(map(str, at))}]" if at else name
