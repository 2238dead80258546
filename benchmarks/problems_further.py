"""Ten further problems: recurrent gates, strides, heads, norms, gathers; beside plain NumPy, not a floor."""

from __future__ import annotations

from typing import Any

import numpy as np
from problems import Problem, _weights

DEPTHWISE = """\
title "Depthwise separable convolution"
input x : C, H, W
input y in 0..K-1
param f : C, P, P
param g : O, C
param V : K, O
z[c,i,j] = sum(f[c,p,q]*x[c,i+p,j+q], p, q)
a[c,i,j] = relu(z[c,i,j])
u[o,i,j] = sum(g[o,c]*a[c,i,j], c)
r[o,i,j] = relu(u[o,i,j])
m[o] = mean(r[o,i,j], i, j)
s[k] = sum(V[k,o]*m[o], o)
cost J = logsumexp(s[k], k) - s[y]
"""
LAYER_NORM = """\
title "Perceptron with layer norm"
index l = 1..L
input x : D
input c in 0..K-1
param W[l] : D, D
param g[l] : D
param b[l] : D
param V : K, D
h[0,i] = x[i]
z[l,i] = sum(W[l,i,j]*h[l-1,j], j)
m[l] = mean(z[l,i], i)
v[l] = mean((z[l,i] - m[l])^2, i)
n[l,i] = (z[l,i] - m[l])/sqrt(v[l] + 1e-5)
h[l,i] = relu(g[l,i]*n[l,i] + b[l,i])
s[k] = sum(V[k,i]*h[L,i], i)
cost C = logsumexp(s[k], k) - s[c]
"""
MACHINE = """\
title "Factorisation machine, logistic cost"
input x : D
input y
param w0
param w : D
param V : D, K
q[k] = sum(V[i,k]*x[i], i)
r[k] = sum(V[i,k]^2*x[i]^2, i)
s = w0 + sum(w[i]*x[i], i) + sum(q[k]^2 - r[k], k)/2
cost C = log(1 + exp(-y*s))
"""
FACTORS = """\
title "Matrix factorisation with biases"
input u in 0..N-1
input v in 0..M-1
input r
param P : N, K
param Q : M, K
param b : N
param c : M
p = sum(P[u,k]*Q[v,k], k) + b[u] + c[v]
cost C = (p - r)^2/2
"""
WORDS = """\
title "Continuous bag of words"
index t = 1..T
input x[t] in 0..N-1
input c in 0..N-1
param E : N, D
param V : N, D
h[d] = mean(E[x[t],d], t)
s[n] = sum(V[n,d]*h[d], d)
cost C = logsumexp(s[n], n) - s[c]
"""
AUTOENCODER = """\
title "Autoencoder with tied weights, cross-entropy"
input x : D
param W : H, D
param b : H
param c : D
h[j] = sigmoid(sum(W[j,i]*x[i], i) + b[j])
o[i] = sum(W[j,i]*h[j], j) + c[i]
cost C = sum(softplus(o[i]) - x[i]*o[i], i)
"""

Arguments = tuple[dict[str, Any], dict[str, Any]]


def _gru(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {k: rng.standard_normal((16, 50, n)).astype(dtype) for k, n in (("x", 64), ("y", 128))}
    names = {"W": 64, "Wz": 64, "Wr": 64, "U": 128, "Uz": 128, "Ur": 128}
    return given, {name: _weights(rng, dtype, 128, n) for name, n in names.items()}


def _lstm(rng: np.random.Generator, dtype: Any) -> Arguments:
    x, y = rng.standard_normal((16, 50, 64)).astype(dtype), rng.standard_normal((16, 128)).astype(dtype)
    names = dict.fromkeys(("Wz", "Wi", "Wf", "Wo"), 64) | dict.fromkeys(("Rz", "Ri", "Rf", "Ro"), 128)
    return {"x": x, "y": y}, {name: _weights(rng, dtype, 128, n) for name, n in names.items()}


def _strided(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {"x": rng.standard_normal((16, 8, 29, 29)).astype(dtype), "y": rng.integers(0, 10, 16)}
    shapes = {"f": (16, 8, 3, 3), "b": (16,), "V": (10, 16)}
    return given, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


def _depthwise(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {"x": rng.standard_normal((16, 16, 20, 20)).astype(dtype), "y": rng.integers(0, 10, 16)}
    shapes = {"f": (16, 3, 3), "g": (32, 16), "V": (10, 32)}
    return given, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


def _heads(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {name: rng.standard_normal((8, 64, 64)).astype(dtype) for name in ("x", "y")}
    shapes = {"Wq": (4, 64, 16), "Wk": (4, 64, 16), "Wv": (4, 64, 16), "Wo": (4, 16, 64)}
    return given, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


def _layer_norm(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {"x": rng.standard_normal((64, 128)).astype(dtype), "c": rng.integers(0, 10, 64)}
    layers = {n: [_weights(rng, dtype, *s) for _ in range(6)] for n, s in (("W", (128, 128)), ("g", (128,)))}
    more = {"b": [_weights(rng, dtype, 128) for _ in range(6)], "V": _weights(rng, dtype, 10, 128)}
    return given, {**layers, **more}


def _machine(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {
        "x": rng.standard_normal((128, 200)).astype(dtype),
        "y": rng.choice([-1.0, 1.0], 128).astype(dtype),
    }
    first = np.array(0.1, dtype)
    return given, {"w0": first, "w": _weights(rng, dtype, 200), "V": _weights(rng, dtype, 200, 8)}


def _factors(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {"u": rng.integers(0, 1000, 256), "v": rng.integers(0, 2000, 256)}
    shapes = {"P": (1000, 16), "Q": (2000, 16), "b": (1000,), "c": (2000,)}
    rated = rng.standard_normal(256).astype(dtype)
    return {**given, "r": rated}, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


def _words(rng: np.random.Generator, dtype: Any) -> Arguments:
    given = {"x": rng.integers(0, 1000, (64, 6)), "c": rng.integers(0, 1000, 64)}
    return given, {n: _weights(rng, dtype, 1000, 50) for n in "EV"}


def _autoencoder(rng: np.random.Generator, dtype: Any) -> Arguments:
    shapes = {"W": (64, 784), "b": (64,), "c": (784,)}
    x = (rng.random((128, 784)) > 0.5).astype(dtype)
    return {"x": x}, {n: _weights(rng, dtype, *s) for n, s in shapes.items()}


# ── costs for peers that differentiate by themselves ──────────────────────────────────────────────


def gru_cost(ops: Any, x: Any, y: Any, W: Any, Wz: Any, Wr: Any, U: Any, Uz: Any, Ur: Any) -> Any:
    """Squares at every step."""
    h, total = ops.zeros((x.shape[0], U.shape[0]), U), 0.0
    for t in range(x.shape[1]):
        r, z = ops.sigmoid(x[:, t] @ Wr.T + h @ Ur.T), ops.sigmoid(x[:, t] @ Wz.T + h @ Uz.T)
        h = z * h + (1 - z) * ops.tanh(x[:, t] @ W.T + (r * h) @ U.T)
        total = total + ((h - y[:, t]) ** 2).sum()
    return total / (2 * len(y))


def lstm_cost(
    ops: Any, x: Any, y: Any, Wz: Any, Wi: Any, Wf: Any, Wo: Any, Rz: Any, Ri: Any, Rf: Any, Ro: Any
) -> Any:
    """Squares at the last step."""
    h = c = ops.zeros((x.shape[0], Rz.shape[0]), Rz)
    for t in range(x.shape[1]):
        i, f, o = (ops.sigmoid(x[:, t] @ W.T + h @ R.T) for W, R in ((Wi, Ri), (Wf, Rf), (Wo, Ro)))
        c = f * c + i * ops.tanh(x[:, t] @ Wz.T + h @ Rz.T)
        h = o * ops.tanh(c)
    return ((h - y) ** 2).sum() / (2 * len(y))


def layer_norm_cost(ops: Any, x: Any, c: Any, W: Any, g: Any, b: Any, V: Any) -> Any:
    """Cross-entropy after normalised layers."""
    for Wl, gl, bl in zip(W, g, b, strict=True):
        z = x @ Wl.T
        z = z - z.mean(1)[:, None]
        x = ops.relu(gl * z / ((z * z).mean(1) + 1e-5)[:, None] ** 0.5 + bl)
    return ops.cross_entropy(x @ V.T, c) / len(c)


def factors_cost(ops: Any, u: Any, v: Any, r: Any, P: Any, Q: Any, b: Any, c: Any) -> Any:
    """Squares of what is rated."""
    return (((P[u] * Q[v]).sum(1) + b[u] + c[v] - r) ** 2).sum() / (2 * len(r))


def words_cost(ops: Any, x: Any, c: Any, E: Any, V: Any) -> Any:
    """Cross-entropy of the word in the middle."""
    return ops.cross_entropy(E[x].mean(1) @ V.T, c) / len(c)


FURTHER_PROBLEMS = (
    Problem("gru", "gru", "gru", _gru, gru_cost),
    Problem("lstm", "lstm", "lstm", _lstm, lstm_cost),
    Problem("strided", "strided", "conv2d", _strided, None),
    Problem("depthwise", "depthwise", DEPTHWISE, _depthwise, None),
    Problem("heads", "heads", "causal_attention", _heads, None),
    Problem("layer-norm", "layer norm", LAYER_NORM, _layer_norm, layer_norm_cost),
    Problem("machine", "machine", MACHINE, _machine, None),
    Problem("factors", "factors", FACTORS, _factors, factors_cost),
    Problem("words", "words", WORDS, _words, words_cost),
    Problem("autoencoder", "autoencoder", AUTOENCODER, _autoencoder, None),
)
