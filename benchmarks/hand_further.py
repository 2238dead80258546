"""Plain batched NumPy for the further problems, as a person writes it who knows the derivatives.

Inputs of all steps are multiplied at once, gates stand side by side in one matrix, and a convolution is a
product with a copy of its windows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hand import Run, _cross_entropy, sigmoid


def gru_plain(x: Any, y: Any, W: Any, Wz: Any, Wr: Any, U: Any, Uz: Any, Ur: Any) -> Run:
    batch, steps, size = *x.shape[:2], len(U)

    def run() -> tuple[Any, list[Any]]:
        inputs = np.ascontiguousarray(x.swapaxes(0, 1))
        gates, gate_weights = inputs @ np.concatenate([Wr, Wz, W]).T, np.concatenate([Ur, Uz])
        h = np.zeros((steps + 1, batch, size), x.dtype)
        r, z, c = (np.empty((steps, batch, size), x.dtype) for _ in range(3))
        for t in range(steps):
            both = sigmoid(gates[t, :, : 2 * size] + h[t] @ gate_weights.T)
            r[t], z[t] = both[:, :size], both[:, size:]
            c[t] = np.tanh(gates[t, :, 2 * size :] + (r[t] * h[t]) @ U.T)
            h[t + 1] = z[t] * h[t] + (1 - z[t]) * c[t]
        error = h[1:] - y.swapaxes(0, 1)
        cost = 0.5 * np.vdot(error, error) / batch
        error /= batch
        d, dh = np.empty_like(gates), np.zeros_like(h[0])
        for t in range(steps - 1, -1, -1):
            dh = dh + error[t]
            d[t, :, 2 * size :] = dh * (1 - z[t]) * (1 - c[t] ** 2)
            d[t, :, size : 2 * size] = dh * (h[t] - c[t]) * z[t] * (1 - z[t])
            back = d[t, :, 2 * size :] @ U
            d[t, :, :size] = back * h[t] * r[t] * (1 - r[t])
            dh = dh * z[t] + back * r[t] + d[t, :, : 2 * size] @ gate_weights
        flat, before = d.reshape(-1, 3 * size), h[:-1].reshape(-1, size)
        gr, gz, g = np.split(flat.T @ inputs.reshape(len(flat), -1), 3)
        ur, uz = np.split(flat[:, : 2 * size].T @ before, 2)
        return cost, [g, gz, gr, flat[:, 2 * size :].T @ (r.reshape(-1, size) * before), uz, ur]

    return run


def lstm_plain(
    x: Any, y: Any, Wz: Any, Wi: Any, Wf: Any, Wo: Any, Rz: Any, Ri: Any, Rf: Any, Ro: Any
) -> Run:
    batch, steps, size = *x.shape[:2], len(Rz)

    def run() -> tuple[Any, list[Any]]:
        inputs = np.ascontiguousarray(x.swapaxes(0, 1))
        weights = np.concatenate([Ri, Rf, Ro, Rz])
        gates = inputs @ np.concatenate([Wi, Wf, Wo, Wz]).T
        h, c = (np.zeros((steps + 1, batch, size), x.dtype) for _ in range(2))
        squashed = np.empty((steps, batch, size), x.dtype)
        for t in range(steps):
            gates[t] += h[t] @ weights.T
            gates[t, :, : 3 * size] = sigmoid(gates[t, :, : 3 * size])
            np.tanh(gates[t, :, 3 * size :], gates[t, :, 3 * size :])
            i, f, o, g = np.split(gates[t], 4, axis=1)
            c[t + 1] = f * c[t] + i * g
            np.tanh(c[t + 1], squashed[t])
            h[t + 1] = o * squashed[t]
        error = h[-1] - y
        cost, dh, dc = 0.5 * np.vdot(error, error) / batch, error / batch, np.zeros_like(error)
        d = np.empty_like(gates)
        for t in range(steps - 1, -1, -1):
            i, f, o, g = np.split(gates[t], 4, axis=1)
            dc = dc + dh * o * (1 - squashed[t] ** 2)
            parts = (
                dc * g * i * (1 - i), dc * c[t] * f * (1 - f), dh * squashed[t] * o * (1 - o),
                dc * i * (1 - g**2),
            )  # fmt: skip
            np.concatenate(parts, axis=1, out=d[t])
            dh, dc = d[t] @ weights, dc * f
        flat = d.reshape(-1, 4 * size)
        gi, gf, go, gz = np.split(flat.T @ inputs.reshape(len(flat), -1), 4)
        ri, rf, ro, rz = np.split(flat.T @ h[:-1].reshape(-1, size), 4)
        return cost, [gz, gi, gf, go, rz, ri, rf, ro]

    return run


def strided_plain(x: Any, y: Any, f: Any, b: Any, V: Any) -> Run:
    batch, channels, height, width = x.shape
    filters, _, p, q = f.shape
    rows, cols = (height - p) // 2 + 1, (width - q) // 2 + 1

    def run() -> tuple[Any, list[Any]]:
        copy = np.empty((channels, p, q, batch, rows, cols), x.dtype)
        for i in range(p):
            for j in range(q):
                window = x[:, :, i : i + 2 * rows - 1 : 2, j : j + 2 * cols - 1 : 2]
                copy[:, i, j] = window.transpose(1, 0, 2, 3)
        matrix = copy.reshape(channels * p * q, -1)
        z = f.reshape(filters, -1) @ matrix
        z += b[:, None]
        mean = np.maximum(z, 0).reshape(filters, batch, -1).mean(axis=2)
        cost, e = _cross_entropy((V @ mean).T, y)
        e /= batch
        back = (e @ V).T / (rows * cols)
        dz = ((z > 0).reshape(filters, batch, -1) * back[:, :, None]).reshape(filters, -1)
        return cost / batch, [(dz @ matrix.T).reshape(f.shape), dz.sum(axis=1), e.T @ mean.T]

    return run


def depthwise_plain(x: Any, y: Any, f: Any, g: Any, V: Any) -> Run:
    batch, channels, height, width = x.shape
    p = f.shape[1]
    rows, cols = height - p + 1, width - p + 1

    def run() -> tuple[Any, list[Any]]:
        z = np.zeros((batch, channels, rows, cols), x.dtype)
        for i in range(p):
            for j in range(p):
                z += f[:, i, j][:, None, None] * x[:, :, i : i + rows, j : j + cols]
        a = np.maximum(z, 0).reshape(batch, channels, -1)
        u = g @ a
        mean = np.maximum(u, 0).mean(axis=2)
        cost, e = _cross_entropy(mean @ V.T, y)
        e /= batch
        du = (u > 0) * (e @ V / (rows * cols))[:, :, None]
        dz = (g.T @ du).reshape(z.shape)
        dz *= z > 0
        df = np.empty_like(f)
        for i in range(p):
            for j in range(p):
                df[:, i, j] = np.einsum("bcij,bcij->c", dz, x[:, :, i : i + rows, j : j + cols])
        return cost / batch, [df, (du @ a.swapaxes(1, 2)).sum(axis=0), e.T @ mean]

    return run


def heads_plain(x: Any, y: Any, Wq: Any, Wk: Any, Wv: Any, Wo: Any) -> Run:
    batch, n, width = x.shape
    heads, _, d = Wq.shape

    def run() -> tuple[Any, list[Any]]:
        flat = x.reshape(-1, width)
        weights = np.concatenate([Wq, Wk, Wv]).transpose(1, 0, 2).reshape(width, -1)
        q, k, v = (flat @ weights).reshape(batch, n, 3, heads, d).transpose(2, 0, 3, 1, 4)
        a = q @ k.swapaxes(2, 3)
        a /= np.sqrt(d)
        a[:, :, ~np.tri(n, dtype=bool)] = -1e9
        a -= a.max(axis=3, keepdims=True)
        np.exp(a, a)
        a /= a.sum(axis=3, keepdims=True)
        u = a @ v
        joined = u.transpose(0, 2, 1, 3).reshape(-1, heads * d)
        out = Wo.reshape(-1, width)
        error = joined @ out - y.reshape(-1, width)
        cost = 0.5 * np.vdot(error, error) / batch
        error /= batch
        du = (error @ out.T).reshape(batch, n, heads, d).transpose(0, 2, 1, 3)
        dv, ds = a.swapaxes(2, 3) @ du, du @ v.swapaxes(2, 3)
        ds -= np.sum(du * u, axis=3, keepdims=True)
        ds *= a
        ds /= np.sqrt(d)
        back = np.stack([ds @ k, ds.swapaxes(2, 3) @ q, dv]).transpose(1, 3, 0, 2, 4)
        grads = (flat.T @ back.reshape(len(flat), -1)).reshape(width, 3, heads, d).transpose(1, 2, 0, 3)
        return cost, [*grads, (joined.T @ error).reshape(Wo.shape)]

    return run


def layer_norm_plain(x: Any, c: Any, W: Any, g: Any, b: Any, V: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        h, normed, scales = [x], [], []
        for Wl, gl, bl in zip(W, g, b, strict=True):
            z = h[-1] @ Wl.T
            z -= z.mean(axis=1, keepdims=True)
            scales.append(1 / np.sqrt((z * z).mean(axis=1, keepdims=True) + 1e-5))
            normed.append(z * scales[-1])
            h.append(np.maximum(normed[-1] * gl + bl, 0))
        cost, e = _cross_entropy(h[-1] @ V.T, c)
        e /= len(x)
        dh, gW, gg, gb = e @ V, [], [], []
        for l in range(len(W) - 1, -1, -1):
            d, n = dh * (h[l + 1] > 0), normed[l]
            gb.append(d.sum(axis=0))
            gg.append((d * n).sum(axis=0))
            d *= g[l]
            inner = (d * n).mean(axis=1, keepdims=True)
            dz = (d - d.mean(axis=1, keepdims=True) - n * inner) * scales[l]
            gW.append(dz.T @ h[l])
            dh = dz @ W[l]
        return cost / len(x), [*gW[::-1], *gg[::-1], *gb[::-1], e.T @ h[-1]]

    return run


def machine_plain(x: Any, y: Any, w0: Any, w: Any, V: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        q, squares = x @ V, x * x
        u = -y * (w0 + x @ w + 0.5 * ((q * q).sum(axis=1) - squares @ (V * V).sum(axis=1)))
        ds = -y * sigmoid(u) / len(x)
        gV = x.T @ (ds[:, None] * q) - V * (ds @ squares)[:, None]
        return np.logaddexp(0, u).sum() / len(x), [ds.sum(), ds @ x, gV]

    return run


def factors_plain(u: Any, v: Any, r: Any, P: Any, Q: Any, b: Any, c: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        p, q = P[u], Q[v]
        error = (p * q).sum(axis=1) + b[u] + c[v] - r
        cost = 0.5 * np.vdot(error, error) / len(r)
        error /= len(r)
        gP, gQ = np.zeros_like(P), np.zeros_like(Q)
        np.add.at(gP, u, error[:, None] * q)
        np.add.at(gQ, v, error[:, None] * p)
        return cost, [gP, gQ, np.bincount(u, error, len(b)), np.bincount(v, error, len(c))]

    return run


def words_plain(x: Any, c: Any, E: Any, V: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        h = E[x].mean(axis=1)
        cost, e = _cross_entropy(h @ V.T, c)
        e /= len(x)
        gE = np.zeros_like(E)
        np.add.at(gE, x.ravel(), np.repeat(e @ V / x.shape[1], x.shape[1], axis=0))
        return cost / len(x), [gE, e.T @ h]

    return run


def autoencoder_plain(x: Any, W: Any, b: Any, c: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        h = sigmoid(x @ W.T + b)
        o = h @ W + c
        cost = (np.logaddexp(0, o) - x * o).sum() / len(x)
        do = (sigmoid(o) - x) / len(x)
        da = (do @ W.T) * h * (1 - h)
        return cost, [h.T @ do + da.T @ x, da.sum(axis=0), do.sum(axis=0)]

    return run


FURTHER = {
    "gru": {"plain": gru_plain},
    "lstm": {"plain": lstm_plain},
    "strided": {"plain": strided_plain},
    "depthwise": {"plain": depthwise_plain},
    "heads": {"plain": heads_plain},
    "layer norm": {"plain": layer_norm_plain},
    "machine": {"plain": machine_plain},
    "factors": {"plain": factors_plain},
    "words": {"plain": words_plain},
    "autoencoder": {"plain": autoencoder_plain},
}
