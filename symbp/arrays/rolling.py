"""Lists of which one member at a time is of interest: they need no list, only a variable.

In ``delta[l] = (delta[l+1] @ w[l+1])*…`` nothing reads ``delta[l+1]`` again.  With one variable the room of
the old member is free for the next, and stays in the cache; a list keeps all of them until the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from symbp.arrays.nodes import (
    Allocate,
    Assign,
    At,
    Choice,
    Guard,
    Instruction,
    Load,
    Loop,
    LoopSum,
    Node,
    below,
    loaded,
)
from symbp.arrays.program import Program, assignments
from symbp.calculus.affine import Affine, Index, Size

LENGTHS = range(1, 5)
"""The lengths of sequences with which the program is gone through: first, last and inner turns differ."""

Env = Mapping[Index, int]


class _Unknown(Exception):
    """A position or an end of a loop that is no matter of loop indices and lengths."""


def rolling(program: Program, keep: Iterable[str]) -> frozenset[str]:
    """The keys of lists whose every reading is of the member that was written last.

    ``keep`` are keys that are returned.  Positions are affine in loop indices with the same coefficients
    in all turns, so going through the program with the lengths 1 to 4 shows each kind of turn.
    """
    body = (*program.forward, *program.backward)
    zeros = {a.key for a in _allocations(body) if a.zero}
    listed = {a.target.key for a in assignments(body) if program.storages[a.target.key].listed}
    return frozenset(k for k in sorted(listed - zeros - {*keep}) if _rolls(body, k))


def _allocations(body: Iterable[Instruction]) -> Iterator[Allocate]:
    for i in body:
        match i:
            case Allocate():
                yield i
            case Loop() | Guard():
                yield from _allocations(i.body)


def _rolls(body: tuple[Instruction, ...], key: str) -> bool:
    try:
        return all(_Walk(key, length).goes(body) for length in LENGTHS)
    except _Unknown:
        return False


class _Walk:
    """The program gone through with sequences of a given length, with an eye on one list."""

    def __init__(self, key: str, length: int) -> None:
        self.key, self.length = key, length
        self.held: int | None = None
        self.sizes: dict[str, int] = {}

    def goes(self, body: Iterable[Instruction], env: Env | None = None) -> bool:
        """Whether one variable is enough for these instructions."""
        return all(self.step(i, env or {}) for i in body)

    def step(self, instruction: Instruction, env: Env) -> bool:
        match instruction:
            case Assign(target, value):
                return self.assign(target, value, instruction.accumulate, env)
            case Loop(index, lows, highs, down, inside):
                if not self.touches(inside):
                    return True
                turns = range(min(self.at(e, env) for e in lows), max(self.at(e, env) for e in highs) + 1)
                order = reversed(turns) if down else turns
                return all(self.goes(inside, {**env, index: n}) for n in order)
            case Guard(index, low, high, inside):
                here = env[index]
                below_ = low is not None and here < self.at(low, env)
                above = high is not None and here > self.at(high, env)
                return below_ or above or self.goes(inside, env)
            case _:
                return True

    def touches(self, body: Iterable[Instruction]) -> bool:
        return any(a.target.key == self.key or self.key in loaded(a.value) for a in assignments(body))

    def assign(self, target: Load, value: Node, accumulate: bool, env: Env) -> bool:
        if not all(self.member(read, env) == self.held for read in self.reads(value)):
            return False
        if target.key != self.key:
            return True
        written = self.member(target, env)
        if accumulate and written != self.held:
            return False
        if any(not isinstance(s, At) for s in target.subscripts[:1]):
            return False
        self.held = written
        return True

    def reads(self, node: Node) -> Iterator[Load]:
        if isinstance(node, LoopSum | Choice) and self.key in loaded(node):
            raise _Unknown
        if isinstance(node, Load) and node.key == self.key:
            yield node
        for inner in below(node):
            yield from self.reads(inner)

    def member(self, node: Load, env: Env) -> int:
        first = node.subscripts[0]
        if not isinstance(first, At):
            raise _Unknown
        return self.at(first.position, env)

    def at(self, value: Affine, env: Env) -> int:
        total = value.const
        for atom, factor in value.terms:
            if isinstance(atom, Index) and atom in env:
                total += factor * env[atom]
            elif isinstance(atom, Size) and not atom.at:
                # lengths of several sequences differ
                total += factor * self.sizes.setdefault(atom.name, self.length + len(self.sizes))
            else:
                raise _Unknown
        return total
