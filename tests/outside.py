"""A second opinion: a model's cost from its equations, element by element, differentiated by HIPS autograd.

It reads the :class:`~symbp.model.core.Model` and nothing that was derived from it: neither the calculus'
differentiation nor the array program, the emitters or the oracle have a part in it.
"""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd.core import make_vjp
from autograd.scipy.special import erf

from symbp.calculus.affine import Affine, FloorDiv, Index, Monomial, Size, affine
from symbp.calculus.expr import (
    Add,
    Call,
    Compare,
    Div,
    Expr,
    Integer,
    Logic,
    Mul,
    Neg,
    Number,
    Pow,
    Reduce,
    Ref,
    Weights,
    Where,
)
from symbp.model.core import Array, Model

Position = tuple[int, ...]
Env = dict[int, int]
Elements = Mapping[Position, Any]

BATCH = 3


class NoSizes(Exception):
    """No small sizes give every axis an extent."""


# ── an instance: sizes and values ─────────────────────────────────────────────────────────────────


class Sizes:
    """Sizes drawn when they are first asked for, each different from all others."""

    def __init__(self, seed: int, lengths: frozenset[str], most: int = 8) -> None:
        self.known: dict[tuple[str, Position], int] = {}
        self._chance, self._lengths, self._most = random.Random(seed), lengths, most

    def __call__(self, name: str, at: Position) -> int:
        if (name, at) not in self.known:
            low, high = (3, 5) if name in self._lengths else (2, self._most)
            free = [n for n in range(low, high) if n not in self.known.values()]
            more = max(max(self.known.values(), default=high) + 1, high)
            self.known[name, at] = self._chance.choice(free or [more])
        return self.known[name, at]


@dataclass(frozen=True)
class Instance:
    """Numbers for everything that is given: ``examples`` holds the inputs, one mapping for each example."""

    model: Model
    sizes: Sizes
    given: Mapping[str, Elements]
    examples: tuple[Mapping[str, Elements], ...]


def instance(model: Model, seed: int = 0, low: float = -1.2, high: float = 1.2) -> Instance:
    """Sizes that are pairwise different, and values in a range that spares a neighbourhood of 0.

    Raises:
        NoSizes: if none are found.
    """
    sizes = _sizes(model, seed)
    chance = random.Random(f"values {seed}")

    def values(array: Array) -> Elements:
        return {at: _drawn(array, sizes, chance, low, high) for at in _points(array.axes, sizes, {})}

    given = {a.name: values(a) for a in model.of_kind("param", "const")}
    inputs = model.of_kind("input")
    examples = tuple({a.name: values(a) for a in inputs} for _ in range(BATCH if inputs else 1))
    return Instance(model, sizes, given, examples)


def _sizes(model: Model, seed: int) -> Sizes:
    lengths = frozenset(
        atom.name
        for i in model.sequences
        for end in (i.low, i.high)
        for atom in end.atoms()
        if isinstance(atom, Size)
    )
    for attempt in range(4000):
        # of windows in windows one in a thousand fits
        sizes = Sizes(1000 * seed + attempt, lengths, 8 + min(max(0, attempt - 60) // 20, 14))
        for index in model.sequences:
            _affine(index.low, {}, sizes), _affine(index.high, {}, sizes)
        if all(_sensible(array, sizes) for array in model.arrays.values()):
            return sizes
    raise NoSizes(model.text)


def _sensible(array: Array, sizes: Sizes) -> bool:
    """Whether every axis has an element, and every integer a value to take."""
    if array.integer is not None:
        lo, hi = (_affine(end, {}, sizes) for end in array.integer)
        if lo > hi:
            return False
    return all(all(_extents(array, outer, sizes)) for outer in _families(array, sizes))


def _families(array: Array, sizes: Sizes) -> Iterator[Env]:
    sequences = tuple(i for i in array.axes if i.sequence)
    for at in _points(sequences, sizes, {}):
        yield {i.uid: k for i, k in zip(sequences, at, strict=True)}


def _extents(array: Array, outer: Env, sizes: Sizes) -> tuple[int, ...]:
    ordinary = (i for i in array.axes if i.uid not in outer)
    ends = ((_affine(i.low, outer, sizes), _affine(i.high, outer, sizes)) for i in ordinary)
    return tuple(max(hi - lo + 1, 0) for lo, hi in ends)


def _drawn(array: Array, sizes: Sizes, chance: random.Random, low: float, high: float) -> Any:
    if array.integer is not None:
        lo, hi = (_affine(end, {}, sizes) for end in array.integer)
        return chance.randint(lo, hi)
    value = chance.uniform(low, high)
    return value if abs(value) > 0.05 else value + 0.2


def arguments(case: Instance, dtype: str = "float64") -> dict[str, Any]:
    """The keyword arguments of the generated module, as the contract describes them."""
    model, found = case.model, dict[str, Any]()
    for array in model.of_kind("input", "const", "param"):
        kind = "int64" if array.integer is not None else dtype
        parts = [e[array.name] for e in case.examples] if array.kind == "input" else None
        values = parts if parts is not None else [case.given[array.name]]
        found[array.name] = structured(array, case.sizes, values, array.kind == "input", kind)
    return found | {name: case.sizes(name, ()) for name in model.free_sizes}


def structured(
    array: Array, sizes: Sizes, values: list[Elements], batched: bool, dtype: str = "float64"
) -> Any:
    """Elements by position as an array, or as lists of arrays over the sequence axes."""
    sequences = [i for i in array.axes if i.sequence]
    differing = [i for i in sequences if _ragged(array, i)]
    if batched or differing:
        sequences = differing  # of members of one shape there is an array

    def nested(rest: list[Index], outer: Env) -> Any:
        if rest:
            ends = range(_affine(rest[0].low, outer, sizes), _affine(rest[0].high, outer, sizes) + 1)
            return [nested(rest[1:], {**outer, rest[0].uid: k}) for k in ends]
        filled = np.stack([_filled(array, sizes, v, outer, dtype) for v in values])
        return filled if batched else filled[0]

    return nested(sequences, {})


def _ragged(array: Array, index: Index) -> bool:
    return any(index in (*a.low.indices(), *a.high.indices()) for a in array.axes)


def _filled(array: Array, sizes: Sizes, values: Elements, outer: Env, dtype: str) -> Any:
    inner = tuple(i for i in array.axes if i.uid not in outer)
    places = list(_points(inner, sizes, outer))
    flat = np.empty(len(places), dtype)
    for n, at in enumerate(places):
        where = outer | {i.uid: k for i, k in zip(inner, at, strict=True)}
        flat[n] = values[tuple(where[i.uid] for i in array.axes)]
    return flat.reshape([len({p[k] for p in places}) for k in range(len(inner))])


def _points(axes: tuple[Index, ...], sizes: Sizes, outer: Env) -> Iterator[Position]:
    """All positions of axes whose ranges may depend on those before them."""
    if not axes:
        yield ()
        return
    lo, hi = (_affine(end, outer, sizes) for end in (axes[0].low, axes[0].high))
    for k in range(lo, hi + 1):
        for rest in _points(axes[1:], sizes, {**outer, axes[0].uid: k}):
            yield (k, *rest)


def _affine(value: Affine, env: Env, sizes: Sizes, world: World | None = None) -> int:
    total = value.const
    for atom, factor in value.terms:
        match atom:
            case Index():
                number = env[atom.uid]
            case Size(name, at):
                number = sizes(name, tuple(_affine(p, env, sizes, world) for p in at))
            case FloorDiv(inner, by):
                number = _affine(inner, env, sizes, world) // _affine(affine(by), env, sizes, world)
            case Monomial(factors):
                number = math.prod(_affine(affine(f), env, sizes, world) for f in factors)
            case Ref() if world is not None:
                number = world.element(atom.name, world.places(atom, env))
            case _:
                raise TypeError(f"{type(atom).__name__} in an index position")
        total += factor * number
    return total


# ── the value of a model ──────────────────────────────────────────────────────────────────────────


def _sigmoid(u: Any) -> Any:
    return 1 / (1 + anp.exp(-u))


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "exp": anp.exp, "log": anp.log, "sqrt": anp.sqrt, "abs": anp.abs, "sign": anp.sign,
    "sin": anp.sin, "cos": anp.cos, "tan": anp.tan, "atan": anp.arctan, "sinh": anp.sinh,
    "cosh": anp.cosh, "tanh": anp.tanh, "log1p": anp.log1p, "expm1": anp.expm1,
    "sigmoid": _sigmoid,
    "softplus": lambda u: anp.log(1 + anp.exp(u)),
    "logaddexp": lambda a, b: anp.log(anp.exp(a) + anp.exp(b)),
    "relu": lambda u: u if u > 0 else 0.0 * u,
    "erf": erf,
    "gelu": lambda u: u * (1 + erf(u / math.sqrt(2))) / 2,
    "silu": lambda u: u * _sigmoid(u),
    "maximum": lambda a, b: anp.maximum(a, b),
    "minimum": lambda a, b: anp.minimum(a, b),
    "pi": lambda: math.pi,
}  # fmt: skip

_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip


class World:
    """All elements of a model for one example, each computed once from the equation that defines it."""

    def __init__(self, model: Model, sizes: Sizes, known: Mapping[str, Elements]) -> None:
        self.model, self.sizes, self.given = model, sizes, known
        self.memo: dict[tuple[str, Position], Any] = {}

    def element(self, name: str, at: Position) -> Any:
        """The value of an element.

        Raises:
            LookupError: if nothing, or more than one equation, defines it.
        """
        if name in self.given:
            return self.given[name][at]
        if (name, at) not in self.memo:
            self.memo[name, at] = self._define(name, at)
        return self.memo[name, at]

    def _define(self, name: str, at: Position) -> Any:
        found = []
        for equation in self.model.equations_of(name):
            env = self._match(equation.lhs, equation.indices, at)
            if env is not None:
                found.append((equation, env))
        if len(found) != 1:
            raise LookupError(f"{len(found)} equations define {name}{list(at)}")
        return self.value(found[0][0].rhs, found[0][1])

    def _match(self, lhs: Ref, indices: tuple[Index, ...], at: Position) -> Env | None:
        env: Env = {}
        for position, place in zip(lhs.indices, at, strict=True):
            index = position.as_index()
            if index is not None and env.setdefault(index.uid, place) != place:
                return None
        for index in indices:
            if not self.at(index.low, env) <= env[index.uid] <= self.at(index.high, env):
                return None
        return env if self.places(lhs, env) == at else None

    def at(self, value: Affine, env: Env) -> int:
        """The value of an index position."""
        return _affine(value, env, self.sizes, self)

    def places(self, ref: Ref, env: Env) -> Position:
        """The position of the element that ``ref`` means."""
        return tuple(self.at(p, env) for p in ref.indices)

    def value(self, node: Expr, env: Env, local: Mapping[str, Any] | None = None) -> Any:
        """The value of an expression; ``local`` has the arguments inside a user's function."""
        match node:
            case Number(value):
                return float(value)
            case Integer(value):
                return float(self.at(value, env))
            case Ref(name, ()) if local is not None and name in local:
                return local[name]
            case Ref(name):
                return self.element(name, self.places(node, env))
            case Add(terms):
                return sum((self.value(t, env, local) for t in terms), 0.0)
            case Mul(factors):
                return math.prod((self.value(f, env, local) for f in factors), start=1.0)
            case Neg(arg):
                return -self.value(arg, env, local)
            case Div(num, den):
                return self.value(num, env, local) / self.value(den, env, local)
            case Pow(base, exponent):
                return self.value(base, env, local) ** self.value(exponent, env, local)
            case Call(_, _, ()):
                return self._call(node, [self.value(a, env, local) for a in node.args])
            case Reduce(op, indices, body):
                points = _points_in(self, indices, env)
                return _reduced(op, [self.value(body, e, local) for e in points])
            case Weights("softmax", index, body, at):
                place = self.at(at, env)
                if not self.at(index.low, env) <= place <= self.at(index.high, env):
                    return 0.0
                there = self.value(body, {**env, index.uid: place}, local)
                exps = [anp.exp(self.value(body, e, local)) for e in _points_in(self, (index,), env)]
                return anp.exp(there) / sum(exps, 0.0)
            case Where(cond, then, other):
                return self.value(then if self.holds(cond, env, local) else other, env, local)
            case _:
                raise TypeError(f"{type(node).__name__} in a model: {node}")

    def holds(self, node: Expr, env: Env, local: Mapping[str, Any] | None) -> bool:
        """Whether a condition is true."""
        match node:
            case Compare(op, left, right):
                return bool(_COMPARISONS[op](self.value(left, env, local), self.value(right, env, local)))
            case Logic("not", (arg,)):
                return not self.holds(arg, env, local)
            case Logic("and", args):
                return all(self.holds(a, env, local) for a in args)
            case Logic("or", args):
                return any(self.holds(a, env, local) for a in args)
            case _:
                raise TypeError(f"{type(node).__name__} is no condition")

    def _call(self, node: Call, args: list[Any]) -> Any:
        function = self.model.functions.get(node.function)
        if function is None:
            return FUNCTIONS[node.function](*args)
        assert function.body is not None
        return self.value(function.body, {}, dict(zip(function.params, args, strict=True)))


def _points_in(world: World, indices: tuple[Index, ...], env: Env) -> Iterator[Env]:
    if not indices:
        yield env
        return
    for k in range(world.at(indices[0].low, env), world.at(indices[0].high, env) + 1):
        yield from _points_in(world, indices[1:], {**env, indices[0].uid: k})


def _reduced(op: str, values: list[Any]) -> Any:
    match op:
        case "sum":
            return sum(values, 0.0)
        case "prod":
            return math.prod(values, start=1.0)
        case "max":
            return anp.max(anp.array(values))
        case "min":
            return anp.min(anp.array(values))
        case "logsumexp":
            if not values:
                return -math.inf
            return anp.log(sum((anp.exp(v) for v in values), 0.0))
        case _:
            raise TypeError(f"reduction {op}")


# ── cost and gradients ────────────────────────────────────────────────────────────────────────────


def value_and_grad(case: Instance, wrt: tuple[str, ...] = ()) -> tuple[float, dict[str, Any]]:
    """The cost, averaged over the examples, and its gradients by all parameters, in their structure.

    ``wrt`` names inputs whose gradients are wanted too: those of the mean, for each example.
    """
    names = [p.name for p in case.model.of_kind("param") if p.integer is None]
    slots = [(None, n, at) for n in names for at in case.given[n]]
    slots += [(k, n, at) for n in wrt for k, e in enumerate(case.examples) for at in e[n]]
    start = np.array([(case.given if k is None else case.examples[k])[n][at] for k, n, at in slots])

    def cost(flat: Any) -> Any:
        moved: dict[tuple[int | None, str], dict[Position, Any]] = {}
        for number, (k, name, at) in enumerate(slots):
            moved.setdefault((k, name), {})[at] = flat[number]
        shared = {**case.given, **{n: v for (k, n), v in moved.items() if k is None}}
        total: Any = 0.0
        for number, example in enumerate(case.examples):
            own = {n: v for (k, n), v in moved.items() if k == number}
            world = World(case.model, case.sizes, {**shared, **example, **own})
            total = total + world.element(case.model.cost, ())
        return total / len(case.examples) + 0.0 * anp.sum(flat)

    backward, value = make_vjp(cost, start)
    with np.errstate(over="ignore"):  # autograd divides by cosh(u)**2, which is inf where tanh is flat
        flat = backward(np.float64(1.0)) if start.size else start
    grads: dict[tuple[int | None, str], dict[Position, float]] = {}
    for (k, name, at), g in zip(slots, flat, strict=True):
        grads.setdefault((k, name), {})[at] = float(g)
    arrays = case.model.arrays
    found = {n: structured(arrays[n], case.sizes, [grads.get((None, n), {})], False) for n in names}
    for n in wrt:
        parts = [grads[k, n] for k in range(len(case.examples))]
        found[n] = structured(arrays[n], case.sizes, parts, True)
    return float(value), found


# ── comparison ────────────────────────────────────────────────────────────────────────────────────


def leaves(value: Any) -> Iterator[np.ndarray[Any, Any]]:
    """The arrays below lists, in order."""
    if isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(leaves, value))
    else:
        yield np.asarray(value)


def distance(given: Any, expected: Any, floor: float = 1e-6) -> float:
    """The largest difference relative to the largest element; inf if structures differ or it is no number."""
    left, right = list(leaves(given)), list(leaves(expected))
    if [a.shape for a in left] != [a.shape for a in right]:
        return math.inf
    scale = max([floor, *(float(np.abs(b).max(initial=0)) for b in right)])
    if not all(np.isfinite(a).all() for a in left):
        return math.inf
    worst = max((float(np.abs(a - b).max(initial=0)) for a, b in zip(left, right, strict=True)), default=0.0)
    return worst / scale


def disagreement(model: Model, module: Any, seed: int = 0, within: float = 1e-9) -> str:
    """What a generated module says otherwise than this second opinion; "" if they agree."""
    case = instance(model, seed)
    cost, wanted = value_and_grad(case)
    value, gradients = module.value_and_grad(**arguments(case))
    parts = {"the cost": distance(value, cost)}
    # behind a saturated tanh 1 - h**2 keeps few of its digits, here and there
    floor = max([1e-6, *(float(np.abs(a).max(initial=0)) / 1000 for g in wanted.values() for a in leaves(g))])
    parts |= {name: distance(getattr(gradients, name), g, floor) for name, g in wanted.items()}
    return ", ".join(f"{name}: {error:.1e}" for name, error in parts.items() if not error <= within)
