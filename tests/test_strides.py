"""Strides, windows and shapes with sizes that multiply: s*i+p, r*d, (N-P)//s + 1."""

from __future__ import annotations

import autograd
import autograd.numpy as anp
import numpy as np
import pytest

import symbp
from symbp.calculus.affine import Affine, FloorDiv, Size, affine, divided, floor_div, fresh, known_le
from symbp.errors import ModelProblem

S, R, N = (affine(Size(name)) for name in "srN")


def agree(text, cost, names, data, **sizes):
    """The module, the oracle and another library's gradients of ``cost(params, data)``."""
    model = symbp.parse(text)
    report = model.verify()
    assert report.ok, report
    model.to_latex()
    value, gradients = model.compile().value_and_grad(**data, **sizes)
    params = {n: data[n] for n in names}
    expected = autograd.grad(lambda p: cost({**data, **p}))(params)
    assert value == pytest.approx(cost(data), rel=1e-12)
    for name in names:
        np.testing.assert_allclose(getattr(gradients, name), expected[name], rtol=1e-9, atol=1e-12)


def draw(seed=0, **shapes):
    """Normal numbers in these shapes."""
    chance = np.random.default_rng(seed)
    return {name: chance.normal(size=shape) for name, shape in shapes.items()}


# ── a convolution whose stride is an argument ─────────────────────────────────────────────────────

CONVOLUTION = """
size s
param x : C, H, W
param f : O, C, P, Q
z[o,i,j] = sum(f[o,c,p,q]*x[c,s*i+p,s*j+q], c, p, q)
cost E = sum(tanh(z[o,i,j])^2, o, i, j)
"""


def strided(d, s):
    f, x = d["f"], d["x"]
    rows, columns = (x.shape[1] - f.shape[2]) // s + 1, (x.shape[2] - f.shape[3]) // s + 1
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            patch = x[:, s * i : s * i + f.shape[2], s * j : s * j + f.shape[3]]
            total = total + anp.sum(anp.tanh(anp.sum(f * patch[None], axis=(1, 2, 3))) ** 2)
    return total


@pytest.mark.parametrize("s", [1, 2, 3, 5])
def test_a_convolution_with_any_stride(s):
    data = draw(x=(2, 9, 11), f=(3, 2, 4, 5))
    agree(CONVOLUTION, lambda d: strided(d, s), ("x", "f"), data, s=s)


def test_the_backward_pass_goes_over_the_kernel_only():
    code = symbp.parse(CONVOLUTION).to_numpy().split("def value(")[0]
    loops = [line.strip() for line in code.splitlines() if line.lstrip().startswith("for ")]
    assert loops == ["for p in range(P):", "for q in range(Q):"]
    assert "q:q+s*((W-Q)//s)+s:s] +=" in code


def test_the_adjoint_names_what_is_left_of_the_window():
    text = symbp.parse(CONVOLUTION).derive("x").to_latex()
    assert r"[0 \le j - si < P]" in text, text


# ── other places for a product of sizes ───────────────────────────────────────────────────────────


def test_a_dilation_that_is_a_size():
    text = """
    size d
    param x : N
    param w : P
    z[t] = sum(w[p]*x[t+d*p], p)
    cost E = sum(z[t]^3, t)
    """

    def cost(data):
        n = 11 - 3 * 2
        z = sum(data["w"][p] * data["x"][3 * p : 3 * p + n] for p in range(3))
        return anp.sum(z**3)

    agree(text, cost, ("x", "w"), draw(x=11, w=3), d=3)


def test_patches_of_the_kernel_s_own_size():
    text = """
    param x : C, N
    param w : F, C, P
    z[f,i] = sum(w[f,c,p]*x[c,P*i+p], c, p)
    m[f] = mean(sigmoid(z[f,i]), i)
    cost E = logsumexp(m[f], f)
    """

    def cost(data):
        x = data["x"][:, :9].reshape(2, 3, 3)
        m = anp.mean(1 / (1 + anp.exp(-anp.einsum("fcp,cip->fi", data["w"], x))), axis=1)
        return anp.log(anp.sum(anp.exp(m)))

    agree(text, cost, ("x", "w"), draw(x=(2, 11), w=(4, 2, 3)))


def test_heads_in_one_axis():
    text = """
    param W : H*D, E
    input x : E
    size H, D
    q[h,d] = sum(W[D*h+d,e]*x[e], e) for d = 0..D-1
    u[h] = softmax(sum(q[h,d]^2, d), h)
    cost C = sum(u[h]*q[h,d], h, d)
    """

    def cost(data):
        q = anp.einsum("nde,be->bnd", data["W"].reshape(3, 2, 5), data["x"])
        e = anp.exp(anp.sum(q**2, axis=2))
        return anp.mean(anp.sum((e / anp.sum(e, axis=1)[:, None])[:, :, None] * q, axis=(1, 2)))

    agree(text, cost, ("W",), draw(W=(6, 5), x=(4, 5)), H=3, D=2)


def test_pixels_out_of_channels():
    text = """
    size r
    param x : C*r*r, H, W
    input y : C, H*r, W*r
    z[c,i,p,j,q] = x[r*r*c+r*p+q,i,j] for c = 0..C-1, p = 0..r-1, q = 0..r-1
    cost E = sum((z[c,i,p,j,q]-y[c,r*i+p,r*j+q])^2, c, i, p, j, q)
    """

    def cost(data):
        z = anp.transpose(data["x"].reshape(2, 3, 3, 4, 5), (0, 3, 1, 4, 2)).reshape(2, 12, 15)
        return anp.mean(anp.sum((z[None] - data["y"]) ** 2, axis=(1, 2, 3)))

    agree(text, cost, ("x",), draw(x=(18, 4, 5), y=(3, 2, 12, 15)), r=3)


def test_a_target_as_long_as_the_strided_output():
    text = """
    size s
    param x : N
    input y : (N-P)//s + 1
    param w : P
    z[i] = sum(w[p]*x[s*i+p], p)
    cost E = sum((z[i]-y[i])^2, i)/((N-P)//s + 1)
    """

    def cost(data):
        z = anp.stack([anp.sum(data["w"] * data["x"][2 * i : 2 * i + 4]) for i in range(4)])
        return anp.mean(anp.sum((z - data["y"]) ** 2, axis=1)) / 4

    data = draw(x=11, w=4, y=(3, 4))
    agree(text, cost, ("x", "w"), data, s=2)
    with pytest.raises(ValueError, match="y"):
        symbp.parse(text).compile().value_and_grad(**data, s=3)


def test_a_recurrence_that_reads_its_input_in_strides():
    text = """
    size s
    index t = 0..T-1
    param x : N
    input y[t] : D
    param w : D, P
    param U : D, D
    h[0,d] = tanh(sum(w[d,p]*x[p], p=0..P-1))
    h[t,d] = tanh(sum(w[d,p]*x[s*t+p], p) + sum(U[d,e]*h[t-1,e], e)) for t = 1..T-1
    cost E = sum((h[t,d]-y[t,d])^2, t, d)/2
    """

    def cost(data):
        h, total = 0.0, 0.0
        for t in range(4):
            before = anp.dot(data["U"], h) if t else 0.0
            h = anp.tanh(anp.dot(data["w"], data["x"][2 * t : 2 * t + 5]) + before)
            total = total + anp.sum((h - data["y"][:, t]) ** 2) / 2 / 6
        return total

    agree(text, cost, ("x", "w", "U"), draw(x=13, y=(6, 4, 3), w=(3, 5), U=(3, 3)), s=2)


def test_a_slice_takes_what_windows_of_a_recurrence_read():
    """Slices with a stride are written as they are, and none of them is full where a range is empty."""
    text = """
    index t = 0..T-1
    param x : N
    param w : P
    h[0] = x[0]
    h[t] = tanh(h[t-1] + sum(w[p]*x[3*t+p-3], p)) for t = 1..T-1
    input y[t]
    cost E = sum((h[t]-y[t])^2, t)
    """
    assert "np.add.at" not in symbp.parse(text).to_numpy()

    def cost(data, steps=3):
        h = data["x"][0]
        total = anp.mean((h - data["y"][:, 0]) ** 2)
        for t in range(1, steps):
            h = anp.tanh(h + anp.sum(data["w"] * data["x"][3 * t - 3 : 3 * t + 1]))
            total = total + anp.mean((h - data["y"][:, t]) ** 2)
        return total

    agree(text, cost, ("x", "w"), draw(x=12, w=4, y=(5, 3)))
    agree(text, lambda d: cost(d, 1), ("x", "w"), draw(x=12, w=4, y=(5, 1)))


def test_two_arrays_that_need_sizes_of_each_other():
    text = "param x : 2*C, H\nparam y : C, 2*H\ncost E = sum(x[c,h]*y[c,h], c=0..C-1, h=0..H-1)"
    agree(text, lambda d: anp.sum(d["x"][:3] * d["y"][:, :4]), ("x", "y"), draw(x=(6, 4), y=(3, 8)))


# ── the door ──────────────────────────────────────────────────────────────────────────────────────


def test_a_stride_is_positive():
    module = symbp.parse(CONVOLUTION).compile()
    for s in (0, -1):
        with pytest.raises(ValueError, match=f"s: expected a positive integer, got {s}"):
            module.value_and_grad(**draw(x=(2, 9, 11), f=(3, 2, 4, 5)), s=s)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("z = sum(x[i*j], i=0..2, j=0..2)", "product of two indices"),
        ("z = sum(x[i//2], i=0..2)", "// divides sizes"),
        ("z = sum(x[i]//2, i)", "// divides sizes"),
        ("z = sum(x[i], i=0..N//(1-N))", "// divides by a positive"),
        ("z = sum(x[N*c+i], i)", "a size and a label"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(line, message):
    with pytest.raises(ModelProblem, match=message) as caught:
        symbp.parse(f"param x : N\ninput c in 0..K-1\n{line}\ncost E = z")
    assert caught.value.span is not None and caught.value.hint


# ── integers with products of sizes ───────────────────────────────────────────────────────────────


def test_products_have_one_order_and_cancel():
    index = fresh("i", Affine(0), N - 1)
    i = affine(index)
    assert S * R == R * S
    assert S * i - i * S == Affine(0)
    assert (S * i + 3).coefficient(index) == S
    assert (S * i).substitute({index: i + 2}) == S * i + S * 2


def test_quotients_by_a_size():
    assert divided(S * R * 6, S * 2) == R * 3
    assert divided(R + 1, S) is None
    assert floor_div(N - S, S) == FloorDiv(N, S) + affine(-1)


def test_what_holds_for_all_strides():
    last = floor_div(N - R, S)
    assert known_le(last * S + R, N) is True
    assert known_le(last * S + R + 1, N) is None
    assert S > 0 and not S > 1 and not S < 1
