"""The problems of the comparison: a model, arguments drawn for it, and its cost for peers that differentiate.

A cost is written once over a small set of operations (:mod:`peers_ad` has them for each peer).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

CONV = """\
title "Convolution, relu, squares"
input x : C, H, W
input y : O, H-P+1, W-P+1
param f : O, C, P, P
param b : O
z[o,i,j] = sum(f[o,c,p,q]*x[c,i+p,j+q], c, p, q) + b[o]
a[o,i,j] = relu(z[o,i,j])
cost J = sum((a[o,i,j] - y[o,i,j])^2, o, i, j)/2
"""


@dataclass(frozen=True)
class Problem:
    """``model`` is a name or a text; ``draw`` gives the arguments by name: inputs, parameters.

    Without ``cost`` the peers that differentiate are left out.
    """

    name: str
    kind: str
    model: str
    draw: Callable[[np.random.Generator, Any], tuple[dict[str, Any], dict[str, Any]]]
    cost: Callable[..., Any] | None


def _weights(rng: np.random.Generator, dtype: Any, *shape: int) -> np.ndarray:
    return (rng.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype)


def _layers(sizes: list[int], batch: int, labels: bool) -> Callable[..., Any]:
    def draw(rng: np.random.Generator, dtype: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        given: dict[str, Any] = {"x": rng.random((batch, sizes[0])).astype(dtype)}
        if labels:
            given["c"] = rng.integers(0, sizes[-1], batch)
        else:
            given["y"] = rng.random((batch, sizes[-1])).astype(dtype)
        pairs = list(zip(sizes[1:], sizes[:-1], strict=True))
        return given, {
            "w": [_weights(rng, dtype, n, m) for n, m in pairs],
            "b": [_weights(rng, dtype, n) for n in sizes[1:]],
        }

    return draw


def _rnn(rng: np.random.Generator, dtype: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    batch, steps, d, h, k = 16, 50, 64, 128, 10
    given = {
        "x": rng.standard_normal((batch, steps, d)).astype(dtype),
        "y": rng.integers(0, k, (batch, steps)),
    }
    shapes = {"U": (h, d), "W": (h, h), "b": (h,), "V": (k, h), "c": (k,)}
    return given, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


def _attention(rng: np.random.Generator, dtype: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    batch, n, d = 8, 128, 64
    given = {name: rng.standard_normal((batch, n, d)).astype(dtype) for name in ("x", "y")}
    return given, {name: _weights(rng, dtype, d, d) for name in ("Wq", "Wk", "Wv")}


def _conv(rng: np.random.Generator, dtype: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    batch = 16
    given = {
        "x": rng.standard_normal((batch, 8, 28, 28)).astype(dtype),
        "y": rng.standard_normal((batch, 16, 26, 26)).astype(dtype),
    }
    return given, {"f": _weights(rng, dtype, 16, 8, 3, 3), "b": _weights(rng, dtype, 16)}


# ── costs ─────────────────────────────────────────────────────────────────────────────────────────


def mlp_cost(ops: Any, x: Any, y: Any, w: Any, b: Any) -> Any:
    """The quadratic cost of sigmoid layers."""
    for wl, bl in zip(w, b, strict=True):
        x = ops.sigmoid(x @ wl.T + bl)
    return ((x - y) ** 2).sum() / (2 * len(y))


def classifier_cost(ops: Any, x: Any, c: Any, w: Any, b: Any) -> Any:
    """Cross-entropy after tanh layers and a linear one."""
    for wl, bl in zip(w[:-1], b[:-1], strict=True):
        x = ops.tanh(x @ wl.T + bl)
    return ops.cross_entropy(x @ w[-1].T + b[-1], c) / len(c)


def rnn_cost(ops: Any, x: Any, y: Any, U: Any, W: Any, b: Any, V: Any, c: Any) -> Any:
    """Cross-entropy at every step."""
    inputs = x @ U.T + b
    h, total = ops.zeros((x.shape[0], W.shape[0]), W), 0.0
    for t in range(x.shape[1]):
        h = ops.tanh(h @ W.T + inputs[:, t])
        total = total + ops.cross_entropy(h @ V.T + c, y[:, t])
    return total / len(y)


def attention_cost(ops: Any, x: Any, y: Any, Wq: Any, Wk: Any, Wv: Any) -> Any:
    """Squares after one head."""
    q, k, v = x @ Wq, x @ Wk, x @ Wv
    a = ops.softmax(q @ k.swapaxes(-1, -2) / Wq.shape[1] ** 0.5)
    return ((a @ v - y) ** 2).sum() / (2 * len(y))


def conv_cost(ops: Any, x: Any, y: Any, f: Any, b: Any) -> Any:
    """Squares after relu."""
    z = ops.conv(x, f) + b[:, None, None]
    return ((ops.relu(z) - y) ** 2).sum() / (2 * len(y))


def _mlp(name: str, sizes: list[int], batch: int) -> Problem:
    return Problem(name, "mlp", "mlp", _layers(sizes, batch, False), mlp_cost)


PROBLEMS = (
    _mlp("tiny", [2, 3, 1], 4),
    _mlp("mnist-10", [784, 30, 10], 10),
    _mlp("mnist-128", [784, 30, 10], 128),
    _mlp("mid", [784, 256, 128, 10], 128),
    _mlp("deep", [64] * 51, 128),
    _mlp("large", [1024, 2048, 2048, 1024, 10], 256),
    Problem("classifier", "classifier", "softmax_classifier", _layers([784, 256, 10], 128, True),
            classifier_cost),
    Problem("conv", "conv", CONV, _conv, conv_cost),
    Problem("rnn", "rnn", "rnn", _rnn, rnn_cost),
    Problem("attention", "attention", "self_attention", _attention, attention_cost),
)  # fmt: skip
