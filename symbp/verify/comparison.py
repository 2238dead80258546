"""What a generated module must give and keep: values, gradients, types, arguments, bits."""

from __future__ import annotations

import copy
import inspect
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from symbp.verify.lines import FLOOR

Module = Any
"""A generated module: anything with ``value_and_grad``."""

@dataclass(frozen=True, slots=True)
class ModuleCheck:
    """One comparison: ``what`` is the cost, a gradient, or a property that must hold."""

    what: str
    error: float
    ok: bool
    precision: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a call is compared with; ``slack`` is what the arguments' own rounding changes, by name."""

    cost: float
    gradients: Mapping[str, Any]
    dtype: str
    within: float
    slack: Mapping[str, float] = field(default_factory=dict)


def compare(
    module: Module, arguments: dict[str, Any], goal: Goal, condition: float
) -> list[ModuleCheck]:
    """Call the module twice, and once more in each of its other forms, and compare with the goal."""
    wanted, dtype, within = goal.gradients, goal.dtype, goal.within
    before = copy.deepcopy(arguments)
    value, gradients = module.value_and_grad(**arguments)
    again = module.value_and_grad(**arguments)
    checks = [_cost("cost", value, goal, condition)]
    if hasattr(module, "value"):
        # the gradients may share a quotient with the cost, which then has its divisors one after the other
        same = replace(goal, cost=float(value))
        checks.append(_cost("value is the cost", module.value(**arguments), same, condition))
    if hasattr(module, "forward"):
        checks += _forward(module.forward(**arguments), goal, condition)
    most = max(map(largest, wanted.values()), default=0.0)
    # where the parts of all gradients cancel, what roundings leave is small beside the cost
    seven_digits = max(most, abs(goal.cost) / 1000)
    floor = max(FLOOR, seven_digits if dtype == "float32" else most / 1000)
    for name, expected in wanted.items():
        given, slack = getattr(gradients, name, None), goal.slack.get(name, 0.0)
        checks.append(_gradient(name, given, expected, dtype, within, floor, slack))
    if hasattr(module, "make_workspace"):
        checks += _into_workspace(module, arguments, goal, floor, condition)
    kept = _same_bits(before, arguments)
    checks.append(_holds("arguments are not modified", kept, dtype))
    checks.append(_holds("gradients share no memory", _apart(gradients, arguments), dtype))
    checks.append(_holds("same bits twice", _same_bits((value, gradients), again), dtype))
    return checks


def _cost(what: str, value: Any, goal: Goal, condition: float) -> ModuleCheck:
    off, slack = abs(float(value) - goal.cost), goal.slack.get("", 0.0)
    excess = 0.0 if off <= slack else off - slack  # max(0.0, nan) would be 0
    error = excess / max(abs(goal.cost), condition, FLOOR)
    return ModuleCheck(what, error, error <= goal.within, goal.dtype)


def _forward(values: Mapping[str, Any], goal: Goal, condition: float) -> Iterator[ModuleCheck]:
    """Every intermediate value is of the type of the arguments; the last one is the cost."""
    *variables, (_, cost) = values.items()
    wrong = [n for n, value in variables if not all(_is_of(leaf, goal.dtype) for leaf in _flat(value))]
    note = f"{', '.join(wrong)}: not {goal.dtype}" if wrong else ""
    yield replace(_holds("forward keeps the type", not wrong, goal.dtype), note=note)
    yield _cost("forward: the cost", cost, goal, condition)


def _flat(nested: Any) -> Iterator[Any]:
    """The arrays below lists; a list may be padded with None."""
    if isinstance(nested, list | tuple):
        for part in nested:
            yield from _flat(part)
    elif nested is not None:
        yield nested


def _is_of(value: Any, dtype: str) -> bool:
    return str(getattr(value, "dtype", "a number of Python")) == dtype


def _apart(gradients: Any, arguments: Mapping[str, Any]) -> bool:
    """Whether no gradient lies in another one or in an argument: each may be changed alone."""
    import numpy as np

    mine = [list(_flat(g)) for g in gradients]
    given = [list(_flat(a)) for a in arguments.values()]
    others = [(part, other) for k, part in enumerate(mine) for other in (*mine[:k], *given)]
    return not any(np.shares_memory(a, b) for part, other in others for a in part for b in other)


def _into_workspace(
    module: Module, arguments: dict[str, Any], goal: Goal, floor: float, condition: float
) -> list[ModuleCheck]:
    """The form that computes in arrays that stay: a call that finds what one with other values left."""
    import numpy as np

    workspace = {workspace_keyword(module): module.make_workspace(**arguments)}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.value_and_grad(**{n: _reversed(a) for n, a in arguments.items()}, **workspace)
    first, _ = module.value_and_grad(**arguments, **workspace)
    value, gradients = module.value_and_grad(**arguments, **workspace)
    checks = [_cost("cost", value, goal, condition)]
    checks += [
        _gradient(name, getattr(gradients, name, None), expected, goal.dtype, goal.within, floor, slack)
        for name, expected in goal.gradients.items()
        for slack in (goal.slack.get(name, 0.0),)
    ]
    same = _holds("workspace: the same cost again", _same_bits(first, value), goal.dtype)
    apart = _holds("gradients share no memory", _apart(gradients, arguments), goal.dtype)
    return [*(replace(c, what=f"workspace: {c.what}") for c in (*checks, apart)), same]


def _reversed(argument: Any) -> Any:
    """Arrays of the same shapes and types with their rows in the opposite order."""
    if isinstance(argument, list):
        return list(map(_reversed, argument))
    return argument[::-1].copy() if getattr(argument, "ndim", 0) else argument


def _holds(what: str, holds: bool, dtype: str) -> ModuleCheck:
    return ModuleCheck(what, 0.0 if holds else math.inf, holds, dtype)


def largest(nested: Any) -> float:
    """The largest element of arrays below lists."""
    if isinstance(nested, list):
        return max(map(largest, nested), default=0.0)
    return float(abs(nested).max())


def _gradient(
    name: str, given: Any, expected: Any, dtype: str, within: float, floor: float, slack: float
) -> ModuleCheck:
    what = f"gradient with respect to {name}"
    try:
        pairs = list(leaves(given, expected, name))
    except ValueError as error:
        return ModuleCheck(what, math.inf, False, dtype, str(error))
    scale = max((float(abs(e).max(initial=0)) for _, e in pairs), default=0.0)
    worst = max((float(abs(g - e).max(initial=0)) for g, e in pairs), default=0.0)
    relative = max(0.0, worst - slack) / max(scale, floor)
    wrong = sorted({str(g.dtype) for g, _ in pairs if g.dtype != dtype})
    note = f"dtype {', '.join(wrong)} instead of {dtype}" if wrong else ""
    return ModuleCheck(what, relative, relative <= within and not note, dtype, note)


def leaves(given: Any, expected: Any, name: str) -> Iterator[tuple[Any, Any]]:
    """Pairs of arrays below the lists of a family.

    Raises:
        ValueError: if lengths or shapes differ.
    """
    import numpy as np

    if given is None:
        raise ValueError(f"there is no gradient {name}")
    if isinstance(expected, list):
        if len(given) != len(expected):
            raise ValueError(f"{name} has {len(given)} members instead of {len(expected)}")
        for k, (part, wanted) in enumerate(zip(given, expected, strict=True)):
            yield from leaves(part, wanted, f"{name}[{k}]")
        return
    left, right = np.asarray(given), np.asarray(expected)
    if left.shape != right.shape:
        raise ValueError(f"{name} has the shape {left.shape} instead of {right.shape}")
    if not np.isfinite(left).all():
        raise ValueError(f"{name} is not finite")
    yield left, right


def _same_bits(left: Any, right: Any) -> bool:
    import numpy as np

    if isinstance(left, Mapping):
        return left.keys() == right.keys() and all(_same_bits(left[k], right[k]) for k in left)
    if isinstance(left, list | tuple):
        pairs = zip(left, right, strict=False)
        return len(left) == len(right) and all(_same_bits(a, b) for a, b in pairs)
    a, b = np.asarray(left), np.asarray(right)
    return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()


def workspace_keyword(module: Module) -> str:
    """The name of the argument that takes a workspace: the last one, `out` unless an array has that name."""
    return list(inspect.signature(module.value_and_grad).parameters)[-1]
