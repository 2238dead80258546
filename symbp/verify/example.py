"""Small arguments for the generated module of a model, at which its cost is finite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from symbp.model.core import Model
from symbp.verify.gradients import _arguments, _batch
from symbp.verify.sample import samples, spread


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of the model's name: an array, a list for each sequence index, or an integer size.

    ``spread`` are the ends between which its elements may be drawn; None if the value has to be this one.
    """

    name: str
    value: Any
    spread: tuple[float, float] | None = None


def example(model: Model) -> tuple[Argument, ...]:
    """The arguments of ``value_and_grad``; inputs have a leading batch axis.

    Raises:
        SymbpError: if there are no sizes or values at which the cost is finite.
    """
    sample = samples(model, 1)[0]
    found = _arguments(model, _batch(model, sample), "float64")
    return tuple(
        Argument(name, value, spread(sample, name) if name in model.arrays else None)
        for name, value in found.items()
    )
