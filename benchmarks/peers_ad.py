"""Peers that differentiate the cost by themselves; each is found by import and left out without it.

``peers(problem, given, params)`` yields (name, function of no arguments): what it returns is the cost and
the gradients, as arrays of the peer, computed by the time it returns.
"""

from __future__ import annotations

import importlib.util
import os
import warnings
from collections.abc import Callable, Container, Iterator
from types import SimpleNamespace
from typing import Any

Run = Callable[[], tuple[Any, list[Any]]]


def peers(
    problem: Any, given: dict[str, Any], params: dict[str, Any], without: Container[str] = ()
) -> Iterator[tuple[str, Run]]:
    """The peers that are installed, but for those in ``without``."""
    if problem.cost is None:
        return
    for module, make in (("autograd", _autograd), ("jax", _jax), ("torch", _torch)):
        if module not in without and importlib.util.find_spec(module):
            yield from make(problem, given, params)


def _ops(xp: Any, **more: Any) -> SimpleNamespace:
    """The operations that costs use, from the functions NumPy and its relatives share."""

    def shifted(u: Any) -> Any:
        return u - u.max(axis=-1, keepdims=True)

    def softmax(u: Any) -> Any:
        e = xp.exp(shifted(u))
        return e / e.sum(axis=-1, keepdims=True)

    def cross_entropy(u: Any, labels: Any) -> Any:
        u = shifted(u)
        return xp.sum(xp.log(xp.exp(u).sum(axis=-1))) - u[xp.arange(len(u)), labels].sum()

    base = {
        "tanh": xp.tanh, "softmax": softmax, "cross_entropy": cross_entropy,
        "sigmoid": lambda u: 0.5 * (xp.tanh(0.5 * u) + 1),
        "relu": lambda u: xp.maximum(u, 0),
        "zeros": lambda shape, like: xp.zeros(shape, like.dtype),
    }  # fmt: skip
    return SimpleNamespace(**{**base, **more})


def _autograd(problem: Any, given: dict[str, Any], params: dict[str, Any]) -> Iterator[tuple[str, Run]]:
    import autograd.numpy as anp
    from autograd import value_and_grad

    def conv(x: Any, f: Any) -> Any:
        p = f.shape[-1]
        rows, cols = x.shape[2] - p + 1, x.shape[3] - p + 1
        parts = [
            anp.tensordot(f[:, :, i, j], x[:, :, i : i + rows, j : j + cols], axes=(1, 1))
            for i in range(p) for j in range(p)
        ]  # fmt: skip
        return anp.swapaxes(sum(parts[1:], parts[0]), 0, 1)

    ops = _ops(anp, conv=conv)
    both = value_and_grad(lambda p: problem.cost(ops, **given, **p))
    yield "autograd", lambda: _flat(*both(params))


def _flat(cost: Any, grads: dict[str, Any]) -> tuple[Any, list[Any]]:
    out: list[Any] = []
    for g in grads.values():
        out.extend(g) if isinstance(g, (list, tuple)) else out.append(g)
    return cost, out


def _jax(problem: Any, given: dict[str, Any], params: dict[str, Any]) -> Iterator[tuple[str, Run]]:
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    ops = _ops(jnp, conv=lambda x, f: jax.lax.conv(x, f, (1, 1), "VALID"), sigmoid=jax.nn.sigmoid)
    on_device = jax.tree.map(jnp.asarray, given)
    device_params = jax.tree.map(jnp.asarray, params)
    both = jax.jit(jax.value_and_grad(lambda p, g: problem.cost(ops, **g, **p)))

    def run() -> tuple[Any, list[Any]]:
        cost, grads = jax.block_until_ready(both(device_params, on_device))
        return _flat(cost, {name: grads[name] for name in params})  # JAX sorts the names

    yield "jax jit", run


def _torch(problem: Any, given: dict[str, Any], params: dict[str, Any]) -> Iterator[tuple[str, Run]]:
    import torch

    torch.set_num_threads(int(os.environ.get("THREADS", "2")))
    ops = SimpleNamespace(
        tanh=torch.tanh, sigmoid=torch.sigmoid, relu=torch.relu,
        softmax=lambda u: torch.softmax(u, -1),
        cross_entropy=lambda u, c: torch.nn.functional.cross_entropy(u, c, reduction="sum"),
        conv=torch.nn.functional.conv2d,
        zeros=lambda shape, like: torch.zeros(shape, dtype=like.dtype),
    )  # fmt: skip

    def tensors(values: dict[str, Any], grad: bool) -> dict[str, Any]:
        one = lambda a: torch.from_numpy(a).requires_grad_(grad)  # noqa: E731
        return {n: [one(m) for m in v] if isinstance(v, list) else one(v) for n, v in values.items()}

    t_given, t_params = tensors(given, False), tensors(params, True)
    leaves = _flat(None, t_params)[1]

    def runner(cost: Callable[..., Any]) -> Run:
        def run() -> tuple[Any, list[Any]]:
            value = cost(**t_given, **t_params)
            return value.item(), list(torch.autograd.grad(value, leaves))

        return run

    def plain(**arguments: Any) -> Any:
        return problem.cost(ops, **arguments)

    yield "torch eager", runner(plain)
    if problem.name in ("rnn", "deep"):
        return  # unrolled, these take minutes to compile
    compiled = runner(torch.compile(plain))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled()
    except Exception as error:  # no compiler on this machine: the peer is left out
        print(f"    torch compiled is left out: {type(error).__name__}")
        return
    yield "torch compiled", compiled
