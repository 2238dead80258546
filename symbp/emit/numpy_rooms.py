"""The arrays of a workspace: their names, how each begins, and which are free for the next value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

NOTHING = "None"
"""How an array begins that the first call makes: NumPy takes ``out=None`` for no room yet."""


TARGET = "\0"
"""Stands for the target of a statement until it is known how many lines name it."""

NUMERALS = {"0": "zero", "1": "one", "2": "two", "0.5": "half"}
"""The names of numbers that are kept as arrays."""


@dataclass(frozen=True, slots=True)
class Room:
    """An array to compute in: how code refers to it, its shape and kind, whether the workspace keeps it.

    ``whole``: it lies in memory in the order of its axes, as products of matrices want to write it; NumPy
    lays out the results of other operations as their operands lie.
    """

    text: str
    shape: str = ""
    kept: bool = True
    whole: bool = False


@dataclass
class Rooms:
    """Names in the order in which they came up, with the Python of how each begins."""

    begins: dict[str, str] = field(default_factory=dict)
    free: dict[tuple[str, bool], list[Room]] = field(default_factory=dict)

    def keep(self, name: str, begins: str = NOTHING) -> str:
        """A name that the workspace keeps from call to call."""
        self.begins.setdefault(name, begins)
        return name

    def constant(self, stem: str, text: str, unused: Callable[[str], str]) -> str:
        """The name of an array that is the same in every call."""
        for name, begins in self.begins.items():
            if begins == text:
                return name
        return self.keep(unused(stem), text)

    def take(self, shape: str, whole: bool, make: Callable[[], Room]) -> Room:
        """An array of a shape that nothing needs any more, else a new one."""
        there = self.free.get((shape, whole))
        return there.pop() if there else make()

    def give_back(self, rooms: Iterable[Room]) -> None:
        """Arrays whose values are used up."""
        for room in rooms:
            if room.shape:
                self.free.setdefault((room.shape, room.whole), []).append(room)


def number_name(text: str) -> str:
    """The name of a number that is kept as an array: ``half``, ``float_N``, ``sqrt_D``."""
    if text.startswith("-"):
        return f"minus_{number_name(text[1:])}"
    plain = re.sub(r"\W+", "_", re.sub(r"\b(math|np)\.", "", text)).strip("_")
    head = "number_" if plain[:1].isdigit() else "float_" if text.isidentifier() else ""
    return NUMERALS.get(text, f"{head}{plain}")
