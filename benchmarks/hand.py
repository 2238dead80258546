"""NumPy by hand: plain batched, with preallocated buffers, one example at a time, and bare products.

Each maker takes the arguments and returns a function of no arguments.  ``best`` owns all of its buffers,
so that nothing is allocated when it runs; ``floor`` runs the matrix products alone, on random data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Run = Callable[[], tuple[Any, list[Any]]]
Args = dict[str, Any]


def sigmoid(z: np.ndarray) -> np.ndarray:
    """As in textbooks."""
    return 1 / (1 + np.exp(-z))


# ── layers ────────────────────────────────────────────────────────────────────────────────────────


def _cross_entropy(z: np.ndarray, c: np.ndarray) -> tuple[Any, np.ndarray]:
    """The summed cost and softmax minus one-hot, for labels of any shape."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    total = e.sum(axis=-1, keepdims=True)
    e /= total
    hot = (*np.ogrid[tuple(slice(n) for n in c.shape)], c)
    cost = -np.log(e[hot]).sum()
    e[hot] -= 1
    return cost, e


def mlp_plain(x: Any, y: Any, w: Any, b: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        a = [x]
        for wl, bl in zip(w, b, strict=True):
            a.append(sigmoid(a[-1] @ wl.T + bl))
        error = a[-1] - y
        delta = error * a[-1] * (1 - a[-1]) / len(x)
        gw, gb = [delta.T @ a[-2]], [delta.sum(axis=0)]
        for l in range(len(w) - 1, 0, -1):
            delta = (delta @ w[l]) * a[l] * (1 - a[l])
            gw.append(delta.T @ a[l - 1])
            gb.append(delta.sum(axis=0))
        return 0.5 * np.vdot(error, error) / len(x), [*gw[::-1], *gb[::-1]]

    return run


def mlp_loop(x: Any, y: Any, w: Any, b: Any) -> Run:
    """Nielsen's network.py: one example at a time, columns."""

    def one(xi: Any, yi: Any, gw: Any, gb: Any) -> Any:
        a = [xi[:, None]]
        for wl, bl in zip(w, b, strict=True):
            a.append(sigmoid(np.dot(wl, a[-1]) + bl[:, None]))
        error = a[-1] - yi[:, None]
        delta = error * a[-1] * (1 - a[-1])
        for l in range(len(w) - 1, -1, -1):
            gw[l] += np.dot(delta, a[l].T)
            gb[l] += delta[:, 0]
            if l:
                delta = np.dot(w[l].T, delta) * a[l] * (1 - a[l])
        return 0.5 * np.vdot(error, error)

    def run() -> tuple[Any, list[Any]]:
        gw, gb = [np.zeros_like(m) for m in w], [np.zeros_like(m) for m in b]
        cost = sum(one(xi, yi, gw, gb) for xi, yi in zip(x, y, strict=True))
        return cost / len(x), [g / len(x) for g in (*gw, *gb)]

    return run


def mlp_best(x: Any, y: Any, w: Any, b: Any) -> Run:
    batch, dtype = len(x), x.dtype
    a = [x, *(np.empty((batch, len(bl)), dtype) for bl in b)]
    d = [np.empty_like(m) for m in a]
    s = [np.empty_like(m) for m in a]
    gw, gb = [np.empty_like(m) for m in w], [np.empty_like(m) for m in b]
    ones = np.full(batch, 1, dtype)
    wt, dt = [m.T for m in w], [m.T for m in d]
    scale = dtype.type(1 / batch)
    dot, add, mul, sub = np.dot, np.add, np.multiply, np.subtract
    exp, neg, inv = np.exp, np.negative, np.reciprocal
    grads = [*gw, *gb]

    def run() -> tuple[Any, list[Any]]:
        for l in range(len(w)):
            z = a[l + 1]
            dot(a[l], wt[l], z)
            add(z, b[l], z)
            neg(z, z)
            exp(z, z)
            add(z, 1, z)
            inv(z, z)
        delta, last = d[-1], a[-1]
        sub(last, y, delta)
        cost = 0.5 * float(np.vdot(delta, delta)) / batch
        mul(delta, scale, delta)
        for l in range(len(w), 0, -1):
            if l < len(w):
                delta = d[l]
                dot(d[l + 1], w[l], delta)
            mul(delta, a[l], delta)
            sub(1, a[l], s[l])
            mul(delta, s[l], delta)
            dot(dt[l], a[l - 1], gw[l - 1])
            dot(ones, delta, gb[l - 1])
        return cost, grads

    return run


def mlp_floor(x: Any, w: Any, **_: Any) -> Run:
    a = [x, *(np.ones((len(x), len(m)), x.dtype) for m in w)]
    d = [np.ones_like(m) for m in a]
    wt, dt = [m.T for m in w], [m.T for m in d]
    g = [np.empty_like(m) for m in w]

    def run() -> tuple[Any, list[Any]]:
        for l in range(len(w)):
            np.dot(a[l], wt[l], d[l + 1])
        for l in range(len(w) - 1, -1, -1):
            np.dot(dt[l + 1], a[l], g[l])
            if l:
                np.dot(d[l + 1], w[l], d[l])
        return 0.0, []

    return run


def classifier_plain(x: Any, c: Any, w: Any, b: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        a = [x]
        for wl, bl in zip(w[:-1], b[:-1], strict=True):
            a.append(np.tanh(a[-1] @ wl.T + bl))
        cost, delta = _cross_entropy(a[-1] @ w[-1].T + b[-1], c)
        delta /= len(x)
        gw, gb = [delta.T @ a[-1]], [delta.sum(axis=0)]
        for l in range(len(w) - 1, 0, -1):
            delta = (delta @ w[l]) * (1 - a[l] ** 2)
            gw.append(delta.T @ a[l - 1])
            gb.append(delta.sum(axis=0))
        return cost / len(x), [*gw[::-1], *gb[::-1]]

    return run


def classifier_best(x: Any, c: Any, w: Any, b: Any) -> Run:
    batch, dtype = len(x), x.dtype
    a = [x, *(np.empty((batch, len(bl)), dtype) for bl in b)]
    d = [np.empty_like(m) for m in a]
    gw, gb = [np.empty_like(m) for m in w], [np.empty_like(m) for m in b]
    ones, rows = np.full(batch, 1, dtype), np.arange(batch)
    top = np.empty((batch, 1), dtype)

    def run() -> tuple[Any, list[Any]]:
        last = len(w)
        for l in range(last):
            z = np.dot(a[l], w[l].T, a[l + 1])
            z += b[l]
            if l < last - 1:
                np.tanh(z, z)
        z = a[-1]
        z -= np.max(z, axis=1, keepdims=True, out=top)
        picked = z[rows, c].sum()
        delta = np.exp(z, d[-1])
        np.sum(delta, axis=1, keepdims=True, out=top)
        cost = (np.log(top).sum() - picked) / batch
        np.multiply(top, batch, top)
        delta /= top
        delta[rows, c] -= 1 / batch
        for l in range(last, 0, -1):
            if l < last:
                delta = np.dot(d[l + 1], w[l], d[l])
                np.multiply(a[l], a[l], a[l])
                np.subtract(1, a[l], a[l])
                delta *= a[l]
            np.dot(d[l].T, a[l - 1], gw[l - 1])
            np.dot(ones, d[l], gb[l - 1])
        return cost, [*gw, *gb]

    return run


# ── recurrent ─────────────────────────────────────────────────────────────────────────────────────


def rnn_plain(x: Any, y: Any, U: Any, W: Any, b: Any, V: Any, c: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        batch, steps, hidden = len(x), x.shape[1], len(W)
        h = np.zeros((steps + 1, batch, hidden), x.dtype)
        inputs = x.swapaxes(0, 1) @ U.T + b
        for t in range(steps):
            h[t + 1] = np.tanh(h[t] @ W.T + inputs[t])
        cost, eps = _cross_entropy(h[1:] @ V.T + c, y.T)
        eps /= batch
        dh = eps @ V
        delta = np.empty_like(dh)
        back = np.zeros((batch, hidden), x.dtype)
        for t in range(steps - 1, -1, -1):
            delta[t] = (dh[t] + back) * (1 - h[t + 1] ** 2)
            back = delta[t] @ W
        flat = delta.reshape(-1, hidden)
        gU = flat.T @ x.swapaxes(0, 1).reshape(len(flat), -1)
        gW = flat.T @ h[:-1].reshape(-1, hidden)
        gV = eps.reshape(-1, len(c)).T @ h[1:].reshape(-1, hidden)
        return cost / batch, [gU, gW, flat.sum(axis=0), gV, eps.sum(axis=(0, 1))]

    return run


def rnn_best(x: Any, y: Any, U: Any, W: Any, b: Any, V: Any, c: Any) -> Run:
    batch, steps, hidden, dtype = len(x), x.shape[1], len(W), x.dtype
    rows = steps * batch
    xt = np.empty((steps, batch, x.shape[2]), dtype)
    h = np.zeros((steps + 1, batch, hidden), dtype)
    delta, s = np.empty((steps, batch, hidden), dtype), np.empty((steps, batch, hidden), dtype)
    o, top = np.empty((rows, len(c)), dtype), np.empty((rows, 1), dtype)
    grads = [np.empty_like(m) for m in (U, W, b, V, c)]
    ones, every, back = np.full(rows, 1, dtype), np.arange(rows), np.empty((batch, hidden), dtype)
    before, after = h[:-1].reshape(rows, hidden), h[1:].reshape(rows, hidden)
    xf, df, sf = xt.reshape(rows, -1), delta.reshape(rows, hidden), s.reshape(rows, hidden)
    dot, add, mul, tanh = np.dot, np.add, np.multiply, np.tanh

    def run() -> tuple[Any, list[Any]]:
        xt[:] = x.swapaxes(0, 1)
        dot(xf, U.T, sf)
        add(sf, b, sf)
        Wt = np.ascontiguousarray(W.T)
        for t in range(steps):
            z = dot(h[t], Wt, h[t + 1])
            add(z, s[t], z)
            tanh(z, z)
        dot(after, V.T, o)
        add(o, c, o)
        np.subtract(o, np.max(o, axis=1, keepdims=True, out=top), o)
        labels = y.T.ravel()
        picked = o[every, labels].sum()
        np.exp(o, o)
        np.sum(o, axis=1, keepdims=True, out=top)
        cost = (np.log(top).sum() - picked) / batch
        mul(top, batch, top)
        np.divide(o, top, o)
        o[every, labels] -= 1 / batch
        dot(o, V, df)
        mul(after, after, sf)
        np.subtract(1, sf, sf)
        for t in range(steps - 1, -1, -1):
            d = delta[t]
            if t < steps - 1:
                add(d, dot(delta[t + 1], W, back), d)
            mul(d, s[t], d)
        dot(df.T, xf, grads[0])
        dot(df.T, before, grads[1])
        dot(ones, df, grads[2])
        dot(o.T, after, grads[3])
        dot(ones, o, grads[4])
        return cost, grads

    return run


def rnn_floor(x: Any, U: Any, W: Any, V: Any, **_: Any) -> Run:
    batch, steps, hidden = len(x), x.shape[1], len(W)
    rows = batch * steps
    xf, h = x.reshape(rows, -1), np.ones((steps + 1, batch, hidden), x.dtype)
    hf, z = h[1:].reshape(rows, hidden), np.empty((rows, hidden), x.dtype)
    o = np.empty((rows, len(V)), x.dtype)
    gU, gW, gV = np.empty_like(U), np.empty_like(W), np.empty_like(V)
    one = np.empty((batch, hidden), x.dtype)

    def run() -> tuple[Any, list[Any]]:
        np.dot(xf, U.T, z)
        for t in range(steps):
            np.dot(h[t], W.T, one)
        np.dot(hf, V.T, o)
        np.dot(o, V, z)
        for t in range(steps):
            np.dot(h[t], W, one)
        np.dot(hf.T, xf, gU)
        np.dot(hf.T, hf, gW)
        np.dot(o.T, hf, gV)
        return 0.0, []

    return run


# ── attention ─────────────────────────────────────────────────────────────────────────────────────


def attention_plain(x: Any, y: Any, Wq: Any, Wk: Any, Wv: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        batch, scale, width = len(x), 1 / float(np.sqrt(Wq.shape[1])), x.shape[2]
        q, k, v = x @ Wq, x @ Wk, x @ Wv
        s = q @ k.swapaxes(1, 2) * scale
        e = np.exp(s - s.max(axis=2, keepdims=True))
        a = e / e.sum(axis=2, keepdims=True)
        o = a @ v
        error = o - y
        do = error / batch
        ds = a * (do @ v.swapaxes(1, 2) - (do * o).sum(axis=2, keepdims=True)) * scale
        dv, dq, dk = a.swapaxes(1, 2) @ do, ds @ k, ds.swapaxes(1, 2) @ q
        xt = x.reshape(-1, width).T
        grads = [xt @ d.reshape(len(xt.T), -1) for d in (dq, dk, dv)]
        return 0.5 * np.vdot(error, error) / batch, grads

    return run


def attention_best(x: Any, y: Any, Wq: Any, Wk: Any, Wv: Any) -> Run:
    batch, n, width = x.shape
    flat, dtype = x.reshape(-1, width), x.dtype
    scale = dtype.type(Wq.shape[1] ** -0.5)
    q, k, v, dq, dk, dv = (np.empty((batch, n, m.shape[1]), dtype) for m in (Wq, Wk, Wv) * 2)
    o, error = np.empty_like(v), np.empty_like(v)
    s, ds = np.empty((batch, n, n), dtype), np.empty((n, n), dtype)
    top = np.empty((n, 1), dtype)
    grads = [np.empty_like(m) for m in (Wq, Wk, Wv)]

    def run() -> tuple[Any, list[Any]]:
        for m, out in ((Wq, q), (Wk, k), (Wv, v)):
            np.dot(flat, m, out.reshape(-1, m.shape[1]))
        np.multiply(q, scale, q)
        for i in range(batch):  # one example at a time stays in the cache
            e = np.dot(q[i], k[i].T, s[i])
            np.subtract(e, np.max(e, axis=1, keepdims=True, out=top), e)
            np.exp(e, e)
            np.sum(e, axis=1, keepdims=True, out=top)
            np.reciprocal(top, top)
            np.dot(e, v[i], o[i])
            np.multiply(o[i], top, o[i])
            d = np.subtract(o[i], y[i], error[i])
            np.multiply(d, top, dq[i])  # dq serves as room: the scaled error
            np.dot(e.T, dq[i], dv[i])
            np.dot(dq[i], v[i].T, ds)
            np.subtract(ds, np.einsum("ij,ij->i", dq[i], o[i])[:, None], ds)
            np.multiply(ds, e, ds)
            np.dot(ds, k[i], dq[i])
            np.dot(ds.T, q[i], dk[i])
        cost = 0.5 * np.vdot(error, error) / batch
        np.multiply(dq, scale, dq)
        for d, g in zip((dq, dk, dv), grads, strict=True):
            np.dot(flat.T, d.reshape(len(flat), -1), g)
            g /= batch
        return cost, grads

    return run


def attention_floor(x: Any, Wq: Any, **_: Any) -> Run:
    batch, n, width = x.shape
    flat = x.reshape(-1, width)
    out, g = np.empty((len(flat), Wq.shape[1]), x.dtype), np.empty_like(Wq)
    wide, narrow = np.ones((n, n), x.dtype), np.empty((n, Wq.shape[1]), x.dtype)

    def run() -> tuple[Any, list[Any]]:
        for _ in range(3):
            np.dot(flat, Wq, out)
        for i in range(batch):
            for _ in range(2):
                np.dot(x[i], x[i].T, wide)
            for _ in range(4):
                np.dot(wide, x[i], narrow)
        for _ in range(3):
            np.dot(flat.T, out, g)
        return 0.0, []

    return run


# ── convolution ───────────────────────────────────────────────────────────────────────────────────


def conv_plain(x: Any, y: Any, f: Any, b: Any) -> Run:
    def run() -> tuple[Any, list[Any]]:
        patches = np.lib.stride_tricks.sliding_window_view(x, f.shape[2:], axis=(2, 3))
        z = np.tensordot(patches, f, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2) + b[:, None, None]
        error = np.maximum(z, 0) - y
        dz = error * (z > 0) / len(x)
        gf = np.tensordot(dz, patches, axes=((0, 2, 3), (0, 2, 3)))
        return 0.5 * (error**2).sum() / len(x), [gf, dz.sum(axis=(0, 2, 3))]

    return run


def conv_best(x: Any, y: Any, f: Any, b: Any) -> Run:
    batch, channels, height, width = x.shape
    o, p = f.shape[0], f.shape[2]
    rows, cols, dtype = height - p + 1, width - p + 1, x.dtype
    cut = np.empty((channels, p, p, rows, cols), dtype)
    flat = cut.reshape(channels * p * p, rows * cols)
    z, d = np.empty((o, rows * cols), dtype), np.empty((o, rows * cols), dtype)
    mask = np.empty(z.shape, bool)
    gf, gb, part = np.empty((o, channels * p * p), dtype), np.empty(o, dtype), np.empty((o, len(flat)), dtype)
    ones, filt, column = np.full(rows * cols, 1, dtype), f.reshape(o, -1), b[:, None]

    def run() -> tuple[Any, list[Any]]:
        cost, gf[:], gb[:] = 0.0, 0, 0
        for n in range(batch):
            image = x[n]
            for i in range(p):
                for j in range(p):
                    cut[:, i, j] = image[:, i : i + rows, j : j + cols]
            np.dot(filt, flat, z)
            np.add(z, column, z)
            np.greater(z, 0, mask)
            np.maximum(z, 0, z)
            np.subtract(z, y[n].reshape(o, -1), d)
            cost += float(np.vdot(d, d))
            np.multiply(d, mask, d)
            np.dot(d, flat.T, part)
            np.add(gf, part, gf)
            np.add(gb, np.dot(d, ones), gb)
        return 0.5 * cost / batch, [gf.reshape(f.shape) / batch, gb / batch]

    return run


def conv_floor(x: Any, f: Any, **_: Any) -> Run:
    size = (x.shape[2] - f.shape[2] + 1) * (x.shape[3] - f.shape[3] + 1)
    filt = f.reshape(len(f), -1)
    cut, z = np.ones((filt.shape[1], size), x.dtype), np.empty((len(f), size), x.dtype)
    g = np.empty_like(filt)

    def run() -> tuple[Any, list[Any]]:
        for _ in range(len(x)):
            np.dot(filt, cut, z)
            np.dot(z, cut.T, g)
        return 0.0, []

    return run


HAND: dict[str, dict[str, Callable[..., Run]]] = {
    "mlp": {"floor": mlp_floor, "plain": mlp_plain, "best": mlp_best, "per example": mlp_loop},
    "classifier": {"floor": mlp_floor, "plain": classifier_plain, "best": classifier_best},
    "rnn": {"floor": rnn_floor, "plain": rnn_plain, "best": rnn_best},
    "attention": {"floor": attention_floor, "plain": attention_plain, "best": attention_best},
    "conv": {"floor": conv_floor, "plain": conv_plain, "best": conv_best},
}
