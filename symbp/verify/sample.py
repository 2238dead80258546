"""Small concrete instances of a model: sizes that tell all axes apart, and random values.

Sizes are pairwise different, so that an index that has strayed to another axis runs out of it or
sums over too little.  Everything is deterministic: same model, same seed, same numbers.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from symbp.calculus.expr import Call, Div
from symbp.calculus.tree import refs, walk
from symbp.errors import SymbpError
from symbp.model.core import Array, Model
from symbp.verify.places import Positions, place, points
from symbp.verify.sizes import Domains, SizeKey, choose_sizes, member

Elements = Mapping[Positions, "float | int"]


@dataclass(frozen=True, slots=True)
class Sample:
    """Sizes, and the values of all given arrays by position; integer arrays have ``int`` values."""

    model: Model
    sizes: Mapping[SizeKey, int]
    values: Mapping[str, Elements]
    mode: str = "signed"
    seed: int = 0

    def size(self, name: str, at: Positions) -> int:
        """A size or a member of a family of sizes.

        Raises:
            SymbpError: if the model's arrays do not have this member.
        """
        return member(self.sizes, name, at)

    def element(self, name: str, at: Positions) -> Any:
        """The value of an element of a given array."""
        return self.values[name][at]

    def sizes_text(self) -> str:
        """The sizes as ``L = 3, n = 5, 4, 3, 2``."""
        groups: dict[str, list[str]] = {}
        for (name, _), value in self.sizes.items():
            groups.setdefault(name, []).append(str(value))
        return ", ".join(f"{name} = {', '.join(values)}" for name, values in groups.items())


def samples(model: Model, count: int = 2, seed: int = 0, domains: Domains = ()) -> tuple[Sample, ...]:
    """``count`` samples with different sizes and values, at which the cost is finite.

    If possible no equation and none of ``domains`` is empty.

    Raises:
        SymbpError: if no sizes or values make sense of the model.
    """
    return tuple(draw(model, choose_sizes(model, k, domains), seed + k) for k in range(count))


# ── values ────────────────────────────────────────────────────────────────────────────────────────

_MODES: tuple[tuple[str, float, float, tuple[str, ...]], ...] = (
    ("signed", 0.0, 0.0, ()),
    ("positive data", 0.2, 1.4, ("input", "const")),
    ("positive", 0.2, 1.4, ("input", "const", "param")),
    ("within (0, 1)", 0.1, 0.9, ("input", "const", "param")),
    ("small", 0.01, 0.08, ("input", "const", "param")),
    ("above 1", 1.3, 3.0, ("input", "const", "param")),
)
"""Name, range, and the kinds of arrays that stay within it; all else is signed."""


def draw(model: Model, sizes: Mapping[SizeKey, int], seed: int = 0) -> Sample:
    """Random values for the given arrays such that the cost is a finite real number.

    Raises:
        SymbpError: if the cost is finite for none of the ranges that are tried.
    """
    reason: SymbpError | None = None
    for attempt in range(3 * len(_MODES)):
        mode = _MODES[attempt % len(_MODES)][0]
        sample = redraw(Sample(model, sizes, {}, mode, seed + 1000 * attempt))
        reason = trouble(sample)
        if reason is None:
            return sample
    raise SymbpError(
        f"found no values for which the cost is finite: {reason.message if reason else ''}",
        reason.span if reason else None,
        "the arrays were drawn between -1.2 and 1.2, all positive, below 1, near 0, and above 1: write the "
        "equation so that it has a value for some of these, say log(u^2 + 1) for log(u)",
    )


def redraw(sample: Sample, seed: int | None = None, kinds: Sequence[str] = ()) -> Sample:
    """The same sizes with new values: of the arrays of ``kinds`` only, if any are named."""
    chosen = sample.seed if seed is None else seed
    values: dict[str, Elements] = {}
    for array in sample.model.of_kind("param", "input", "const"):
        if kinds and array.kind not in kinds:
            values[array.name] = sample.values[array.name]
        elif array.integer is not None:
            others = [values[n] for n in values if sample.model.arrays[n].integer is not None]
            values[array.name] = _labels(array, sample, chosen, others)
        else:
            values[array.name] = _values(array, sample, chosen)
    return replace(sample, values=values, seed=chosen)


def _singular(model: Model) -> bool:
    """Whether some function of the model has no derivative, or no value, where its argument is 0."""
    return any(
        (isinstance(n, Call) and n.function in ("sqrt", "log")) or (isinstance(n, Div) and any(refs(n.den)))
        for e in model.equations
        for n in walk(e.rhs)
    )


def _labels(array: Array, sample: Sample, seed: int, others: Sequence[Elements]) -> Elements:
    """Random labels, and if something is singular none of the ``others``, so that distances are not 0."""
    assert array.integer is not None
    others = others if others and _singular(sample.model) else ()
    chance = random.Random(f"{seed}/{array.name}")
    lo, hi = (place(end)(sample, {}) for end in array.integer)
    drawn: dict[Positions, int] = {}
    for at in points(array.axes, sample):
        drawn[at] = chance.randint(lo, hi)
        taken = {other[at] for other in others if at in other}
        free = [n for n in range(lo, min(hi, lo + len(taken)) + 1) if n not in taken]
        if drawn[at] in taken and free:
            drawn[at] = free[0]
    return drawn


def _values(array: Array, sample: Sample, seed: int) -> Elements:
    chance = random.Random(f"{seed}/{array.name}")
    where = points(array.axes, sample)
    _, low, high, kinds = next(m for m in _MODES if m[0] == sample.mode)
    if array.kind in kinds:
        return {at: chance.uniform(low, high) for at in where}
    # Away from 0, where many functions have a kink.
    return {at: chance.uniform(0.15, 1.2) * chance.choice((-1, 1)) for at in where}


def spread(sample: Sample, name: str) -> tuple[float, float] | None:
    """The ends between which the elements of an array are drawn; None if they are integers."""
    array = sample.model.arrays[name]
    if array.integer is not None:
        return None
    _, low, high, kinds = next(m for m in _MODES if m[0] == sample.mode)
    return (low, high) if array.kind in kinds else (-1.2, 1.2)


def trouble(sample: Sample) -> SymbpError | None:
    """Why the cost is no finite real number, None if it is."""
    from symbp.verify.evaluate import Oracle, OutsideDomain

    try:
        cost = Oracle(sample.model, sample).cost
    except OutsideDomain as error:
        return error
    if isinstance(cost, float) and abs(cost) < 1e30:
        return None
    span = sample.model.equations_of(sample.model.cost)[0].span
    return SymbpError(f"the cost is {cost}", span)
