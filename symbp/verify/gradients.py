"""A generated module against the oracle: cost, gradients, dtypes, and what it does to its arguments."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from symbp.calculus.affine import Index
from symbp.errors import SymbpError
from symbp.model.core import Array, Model
from symbp.verify.arithmetic import DIGITS, FLOAT, Arithmetic, unbounded
from symbp.verify.comparison import Goal, Module, ModuleCheck, compare, largest, leaves, workspace_keyword
from symbp.verify.compile import Program
from symbp.verify.evaluate import Oracle
from symbp.verify.places import Positions, Values, loop, place
from symbp.verify.sample import Sample, redraw, trouble
from symbp.verify.sizes import work_of

if TYPE_CHECKING:
    import numpy as np

BATCH = 3


ROUNDINGS = 30
"""How many times what the rounding of the arguments changes, the roundings on the way may."""


def check_module(
    model: Model, module: Module, sample: Sample, tolerance: float = 1e-9
) -> tuple[ModuleCheck, ...]:
    """Compare ``module.value_and_grad`` with the oracle at a batch of three different examples.

    float64 has to agree to ``tolerance`` relative to the largest element of the array (or a thousandth
    of that of all gradients: behind a saturated tanh, 1 − h² keeps few of its digits), float32 to 1e-3
    relative to that of all gradients, or a thousandth of the cost (behind a normalisation a gradient is
    what is left when large parts cancel, and seven digits are soon lost). What roundings alone change
    is no error of the module; in float64 that is a millionth at most. The cost is measured against
    Σ |p ∂C/∂p| where that is larger than the cost: its condition (Higham, Accuracy and Stability of
    Numerical Algorithms, section 1.6). dtypes are kept, arguments are not modified, and a second call
    gives the same bits. Before a module is blamed, what is expected is found again in many digits.
    """
    batch = _batch(model, sample)
    checks = _compared(model, module, batch, tolerance, FLOAT)
    elements = sum(len(sample.values[p.name]) for p in model.of_kind("param"))
    if all(check.ok for check in checks) or elements * work_of(model, sample.sizes) > AFFORDABLE:
        return checks
    return _compared(model, module, batch, tolerance, unbounded(DIGITS))


AFFORDABLE = 10**6
"""So many products are computed again in many digits, to see whether floats are to blame."""


def _compared(
    model: Model, module: Module, batch: Sequence[Sample], tolerance: float, arith: Arithmetic
) -> tuple[ModuleCheck, ...]:
    sample = batch[0]
    expected_cost, expected, size = _expected(model, batch, arith)
    checks: list[ModuleCheck] = []
    held = size < LARGE
    for dtype, within in (("float64", tolerance), *([("float32", 1e-3)] if held else [])):
        arguments = _arguments(model, batch, dtype)
        wanted = {
            # The gradient in the structure in which the parameter is given.
            name: _argument(model.arrays[name], replace(sample, values={name: g}), None, "float64")
            for name, g in expected.items()
        }
        goal = Goal(expected_cost, wanted, dtype, within)
        if dtype == "float32":
            exact = _arguments(model, batch, "float64")
            goal = replace(goal, slack=_slack(module, _rounded(arguments), exact, goal))
        elif held:
            goal = replace(goal, slack=_rounding(module, _arguments(model, batch, "float32"), goal))
        checks += compare(module, arguments, goal, _condition(arguments, wanted))
    return tuple(checks)


LARGE = 1e37
"""Where values get larger, float32 is not asked for: it ends at 3.4e38, and sums of a few come near it."""


def _rounded(nested: Any) -> Any:
    """float32 arguments, exactly, as float64."""
    import numpy as np

    if isinstance(nested, Mapping):
        return {name: _rounded(value) for name, value in nested.items()}
    if isinstance(nested, list):
        return [_rounded(value) for value in nested]
    return np.asarray(nested, "float64")[()] if np.asarray(nested).dtype == "float32" else nested


PRECISIONS = 2.0**29
"""How many times larger a rounding in float32 is than one in float64."""
FORGIVEN = 1e-6
"""The largest part of a gradient in float64 that is put down to roundings."""


def _slack(module: Module, rounded: dict[str, Any], exact: dict[str, Any], goal: Goal) -> dict[str, float]:
    """What roundings alone change in float32, by the name of the gradient; "" is the cost.

    Those of the arguments are seen in float64 at rounded arguments; those on the way are in float64
    ``PRECISIONS`` times smaller (1 − h² behind a saturated tanh loses the same digits in both).
    """
    changes = [
        {name: weight * e for name, e in _errors(found, goal).items()}
        for arguments, weight in ((rounded, 1.0), (exact, PRECISIONS))
        for found in _every_form(module, arguments)
    ]
    known = set(changes[0]).intersection(*changes[1:])
    return {name: ROUNDINGS * max(c[name] for c in changes) for name in known}


def _rounding(module: Module, single: dict[str, Any], goal: Goal) -> dict[str, float]:
    """What roundings alone change in float64: they are about ``PRECISIONS`` times larger in float32.

    One result may be ten times luckier than another.  Of a wrong gradient that forgives one part in a
    million, and never more than ``FORGIVEN``: of its largest element, or of a thousandth of the cost where
    it vanishes, as behind a column standardised over two values.
    """
    found = [_errors(one, goal) for one in _every_form(module, single)]
    known = set(found[0]).intersection(*found[1:]) & set(goal.gradients)
    seen = {name: 10 * ROUNDINGS * max(e[name] for e in found) / PRECISIONS for name in known}
    least, most = abs(goal.cost) / 1000, max(seen.values(), default=0.0)
    out: dict[str, float] = {}
    for name, e in seen.items():
        size = largest(goal.gradients[name])
        # one that vanishes may have no rounding in float32 by chance: then those of the others count
        out[name] = min(most if size < FORGIVEN * least else e, FORGIVEN * max(size, least))
    return out


def _every_form(module: Module, arguments: dict[str, Any]) -> Iterator[Any]:
    """What the plain form gives, and the form with a workspace: they round in different places."""
    yield module.value_and_grad(**arguments)
    if hasattr(module, "make_workspace"):
        workspace = {workspace_keyword(module): module.make_workspace(**arguments)}
        yield module.value_and_grad(**arguments, **workspace)


def _errors(found: Any, goal: Goal) -> dict[str, float]:
    """The largest absolute errors; a gradient that is not there or not finite has none."""
    value, gradients = found
    errors = {"": abs(float(value) - goal.cost)}
    for name, expected in goal.gradients.items():
        with suppress(ValueError):
            pairs = leaves(getattr(gradients, name, None), expected, name)
            errors[name] = max((float(abs(g - e).max(initial=0)) for g, e in pairs), default=0.0)
    return errors


def _condition(arguments: Mapping[str, Any], wanted: Mapping[str, Any]) -> float:
    """Σ |p ∂C/∂p| over the parameters."""
    pairs = (pair for name, g in wanted.items() for pair in leaves(arguments[name], g, name))
    return sum(float(abs(p * g).sum()) for p, g in pairs)


# ── the arguments ─────────────────────────────────────────────────────────────────────────────────


def _batch(model: Model, sample: Sample) -> tuple[Sample, ...]:
    """Examples that differ in their inputs only; one if the model has no inputs."""
    if not model.of_kind("input"):
        return (sample,)
    examples, seed = [sample], sample.seed
    while len(examples) < BATCH:
        seed += 1
        example = redraw(sample, seed, ("input",))
        if trouble(example) is None:
            examples.append(example)
        elif seed > sample.seed + 200:
            raise SymbpError("found no three examples at which the cost is finite")
    return tuple(examples)


def _arguments(model: Model, batch: Sequence[Sample], dtype: str) -> dict[str, Any]:
    """The keyword arguments of ``value_and_grad``: inputs have a leading batch axis."""
    arguments: dict[str, Any] = {}
    for array in model.of_kind("input", "const", "param"):
        kind = "int64" if array.integer is not None else dtype
        examples = batch if array.kind == "input" else None
        arguments[array.name] = _argument(array, batch[0], examples, kind)
    for name in model.free_sizes:
        arguments[name] = batch[0].size(name, ())
    return arguments


def _argument(
    array: Array, sample: Sample, batch: Sequence[Sample] | None, dtype: str
) -> Any:
    sequences = [i for i in array.axes if i.sequence]
    if batch is not None:
        # A family of inputs with members of one shape is an axis after that of the batch.
        sequences = [i for i in sequences if _ragged(array, i)]

    def leaf(outer: Values) -> Any:
        if batch is None:
            return _filled(array, sample, sample, outer, dtype)
        return _stacked([_filled(array, sample, s, outer, dtype) for s in batch])

    return _nested(sequences, sample, {}, leaf)


def _ragged(array: Array, index: Index) -> bool:
    """Whether the shape of a member depends on an index."""
    return any(index in (*a.low.indices(), *a.high.indices()) for a in array.axes)


def _nested(
    sequences: Sequence[Index], sample: Sample, outer: Values, leaf: Callable[[Values], Any]
) -> Any:
    """A list for each sequence axis, in order of the index; ``leaf`` below them."""
    if not sequences:
        return leaf(outer)
    return [
        _nested(sequences[1:], sample, dict(outer), leaf)
        for _ in loop(sequences[:1])(sample, outer)
    ]


def _filled(array: Array, frame: Sample, sample: Sample, outer: Values, dtype: str) -> Any:
    """The member of a family at ``outer``, or the whole array, as a NumPy array."""
    import numpy as np

    inner = [i for i in array.axes if i.uid not in outer]
    values, ends = dict(outer), []
    for axis in inner:
        low = place(axis.low)(frame, values)
        values[axis.uid] = low
        ends.append((low, place(axis.high)(frame, values)))
    filled = np.zeros([hi - lo + 1 for lo, hi in ends], dtype=dtype)
    for at in itertools.product(*(range(lo, hi + 1) for lo, hi in ends)):
        where = outer | dict(zip((i.uid for i in inner), at, strict=True))
        filled[tuple(k - lo for k, (lo, _) in zip(at, ends, strict=True))] = sample.values[
            array.name
        ][tuple(where[i.uid] for i in array.axes)]
    return filled if filled.ndim else filled[()]


def _stacked(arrays: Sequence[Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.stack(arrays)


# ── what is expected ──────────────────────────────────────────────────────────────────────────────


def _expected(
    model: Model, batch: Sequence[Sample], arith: Arithmetic
) -> tuple[float, Mapping[str, Mapping[Positions, float]], float]:
    """The cost and the gradients, averaged over the examples, and the largest value on the way."""
    program = Program(model, arith)
    oracles = [Oracle(model, s, arith, program=program, many=True) for s in batch]
    cost = sum(float(o.cost.real) for o in oracles) / len(batch)
    gradients = {
        p.name: {
            at: sum(float(o.adjoint(p.name, at)) for o in oracles) / len(batch)
            for at in batch[0].values[p.name]
        }
        for p in model.of_kind("param")
        if p.integer is None
    }
    return cost, gradients, max(float(o.largest) for o in oracles)
