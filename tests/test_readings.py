"""Which elements are read: no index is shortened in silence, conditions may keep a reading inside."""

from __future__ import annotations

import numpy as np
import outside
import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.errors import SymbpError
from symbp.verify.report import verify
from symbp.verify.sizes import HEAVY, choose_sizes

PADDED = """\
const y : T
param x : T
param w : 3
z[t] = sum(where(t + p >= 1 and t + p <= T, w[p]*x[t+p-1], 0), p) for t = 0..T-1
cost C = sum((z[t] - y[t])^2, t)
"""
PADDED_IMAGES = """\
input x : C, H, W
param f : A, C, 3, 3
param g : B, A, 3, 3
h[a,i,j] = tanh(sum(where(i+p >= 1 and i+p <= H, where(j+q >= 1 and j+q <= W, \
f[a,c,p,q]*x[c,i+p-1,j+q-1], 0), 0), c, p, q)) for i = 0..H-1, j = 0..W-1
z[b,i,j] = sum(where(i+p >= 1 and i+p <= H, where(j+q >= 1 and j+q <= W, \
g[b,a,p,q]*h[a,i+p-1,j+q-1], 0), 0), a, p, q) for i = 0..H-1, j = 0..W-1
cost J = sum(z[b,i,j]^2, b, i, j)
"""
CAUSAL = """\
input x : T
input y : T
param k : T
a[t] = sum(where(s <= t, k[t-s]*x[s], 0), s) for t = 0..T-1
cost C = sum((a[t] - y[t])^2, t)
"""
UP_TO = CAUSAL.replace("where(s <= t, k[t-s]*x[s], 0), s)", "k[t-s]*x[s], s=0..t)")
BACK_FROM = CAUSAL.replace("where(s <= t, k[t-s]*x[s], 0), s)", "k[s]*x[t-s], s=0..t)")
ONE_STEP = """\
index t = 1..T
const x[t]
param a
h[0] = 0
h[t] = a*h[t-1] + x[t]
cost C = sum(h[t]^2, t) + h[3]
"""
THREE_STEPS = ONE_STEP.replace("sum(h[t]^2, t) + h[3]", "h[3]*h[T-1] + h[T]")
FROM_THE_THIRD = """\
index t = 1..T
input x[t]
param a
cost C = mean((x[t] - a*x[t-2])^2, t=3..T)
"""
TEACHER = """\
index t = 1..T
const y[t]
param w : P
x[t] = sum(w[p]*y[t-1-p], p) for t = P+1..T
cost C = sum((x[t] - y[t])^2, t=P+1..T)
"""
NAMED_OUT = """\
input x : D
param w : D
out = sum(w[d]*x[d], d)
cost C = out^2
"""
PARAMETER_OUT = NAMED_OUT.replace("w", "v").replace("out", "w").replace("v", "out")
RIGHT = {
    name: text
    for name, text in globals().items()
    if name.isupper() and isinstance(text, str) and "cost" in text
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_is_read_is_there(name: str) -> None:
    model = pipeline.parse(RIGHT[name])
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    assert verify(model, system, module, precise=False).ok
    assert outside.disagreement(model, module, 1) == ""


def test_a_causal_convolution_is_one() -> None:
    module = pipeline.module_of(adjoint_system(pipeline.parse(CAUSAL)))
    x, k = np.arange(1.0, 5.0), np.array([1.0, -2.0, 0.5, 3.0])
    value = module.value(x=x[None], y=np.zeros((1, 4)), k=k)
    assert value == pytest.approx(np.sum(np.convolve(x, k)[:4] ** 2))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("z[t] = sum(w[p]*x[t-p], p) for t = 1..T-1", "x is read at t-p = -1"),
        ("z[t] = sum(w[p]*x[t+p], p) for t = 0..T-1", "x is read at t.p = T.1"),
        ("z[t] = sum(w[p]*x[t-p], p) for t = 2..T", "x is read at t-p = T"),
        ("z[t] = sum(where(t > 0, w[p]*x[t-p], 0), p) for t = 0..T-1", "x is read at t-p = -2"),
        ("z[t] = x[t] + where(t != T-1, 0, x[t-1])", "x is read at t-1 = -1"),
    ],
)
def test_no_index_is_shortened_in_silence(line: str, said: str) -> None:
    text = f"const x : T\nparam w : 3\n{line}\ncost C = sum(z[t]^2, t)\n"
    with pytest.raises(SymbpError, match=said):
        pipeline.parse(text)


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("z[t] = x[t] + where(t >= 1, x[t-1], 0)", 1 + 9 + 25),
        ("z[t] = x[t] + where(t > 0 and t < T, x[t-1], 0)", 1 + 9 + 25),
        ("z[t] = where(t == 0, x[0], x[t] + x[t-1])", 1 + 9 + 25),
        ("z[t] = where(not (t < T-1), 0, x[t+1]) - x[t]", 1 + 1 + 9),
        ("z[t] = x[t] + sum(where(t >= p, k[p]*x[t-p], 0), p)", 4 + 25 + 64),
        ("z[t] = where(t == 0, x[0], x[t-1]) for t = 0..T-1", 1 + 1 + 4),
        ("g[t] = x[t] + where(t >= 1, x[t-1], 0)\nz[t] = g[t] - where(t >= 2, g[t-2], 0)", 1 + 9 + 16),
        ("z[t] = where(t >= 1, x[t+1] - x[t-1], x[t])", 1 + 4),
        ("z[t] = x[t] + where(t > 2, x[t-3], x[2-t])", 16 + 16 + 16),
        ("z[t] = x[2*t]*x[2*t+1]", 4),  # the last of three has no partner
    ],
)
def test_an_end_at_which_a_condition_stands_is_not_the_window_s(line: str, value: float) -> None:
    """No element gets lost where the author says what stands at the end: x[0] in x[t] + [t >= 1] x[t-1]."""
    model = pipeline.parse(f"param x : T\nconst k : 2\n{line}\ncost C = sum(z[t]^2, t) + 0*k[0]\n")
    module = pipeline.module_of(adjoint_system(model))
    x = np.array([1.0, 2.0, 3.0])
    given = {"k": np.array([1.0, 1.0]), "x": x}
    cost, grads = module.value_and_grad(**given)
    slopes = [
        (module.value(**given | {"x": x + h}) - module.value(**given | {"x": x - h})) / 2
        for h in np.eye(3)
    ]
    assert (cost, [*grads.x]) == (pytest.approx(value), pytest.approx(slopes))


def test_an_index_on_the_left_still_gives_way() -> None:
    """d[i] = x[i+1] - x[i] has one element less than x, and a convolution P - 1 less."""
    model = pipeline.parse("param x : N\nd[i] = x[i+1] - x[i]\ncost C = sum(d[i]^2, i)\n")
    assert str(model.arrays["d"].axes[0].extent) == "Affine(N-1)"


def test_a_sequence_may_end_where_a_strided_window_does() -> None:
    model = pipeline.parse("""\
param x : T
param f : P
z[t] = sum(f[p]*x[2*t+p], p)
h[0] = z[0]
h[t] = tanh(h[t-1]) + z[t] for t = 1..(T-P)//2
cost C = h[(T-P)//2]^2
""")
    system = adjoint_system(model)
    assert verify(model, system, pipeline.module_of(system), precise=False).ok


def test_sizes_are_chosen_with_little_to_compute() -> None:
    """Two convolutions and a pool between them: at sizes that only fit, every check took minutes."""
    text = """\
input x : Ch, H, W
param f : A, Ch, P, Q
param g : B, A, R, R
v[a,i,j] = relu(sum(f[a,c,p,q]*x[c,i+p,j+q], c, p, q))
m[a,i,j] = max(v[a,2*i+p,2*j+q], p=0..1, q=0..1)
z[o,i,j] = tanh(sum(g[o,a,p,q]*m[a,i+p,j+q], a, p, q))
cost J = mean(z[o,i,j], o, i, j)
"""
    sizes = choose_sizes(pipeline.parse(text))
    assert sizes["Ch", ()] < 6 and sizes["A", ()] < 6
    assert HEAVY > 0 and len(set(sizes.values())) == len(sizes)
