"""Generated modules: right numbers, the right structure, a strict door, and code that reads well."""

from __future__ import annotations

import itertools
import re
import types
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import outside
import pytest

from symbp import models, pipeline
from symbp.derive.engine import adjoint_system
from symbp.emit.numpy import emit_module
from symbp.errors import RequestProblem
from symbp.verify.gradients import check_module
from symbp.verify.sample import samples

SHIPPED = [n for n in models.names() if n != "mlp_abstract"]


def _module(model: Any) -> Any:
    """The generated module, imported."""
    module = types.ModuleType(model.name)
    exec(compile(emit_module(adjoint_system(model)), model.name, "exec"), module.__dict__)
    return module


def _body(text: str, function: str) -> str:
    return re.split(r"\n\n\n", text[text.index(f"def {function}(") :])[0]


def _mlp(rng: np.random.Generator, sizes: tuple[int, ...] = (4, 5, 3), batch: int = 6) -> dict[str, Any]:
    return {
        "x": rng.normal(size=(batch, sizes[0])),
        "y": rng.normal(size=(batch, sizes[-1])),
        "w": [rng.normal(size=(n, m)) for m, n in itertools.pairwise(sizes)],
        "b": [rng.normal(size=n) for n in sizes[1:]],
    }


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────

TEXTS = {
    "rnn": """
        index t = 1..T
        input x[t] : D
        input y[t] : K
        param U : H, D
        param W : H, H
        param V : K, H
        param h0 : H
        h[0,i] = h0[i]
        h[t,i] = tanh(sum(U[i,d]*x[t,d], d) + sum(W[i,j]*h[t-1,j], j))
        o[t,k] = sum(V[k,i]*h[t,i], i)
        cost C = sum((o[t,k] - y[t,k])^2, t, k)/2
    """,
    "backward_recurrence": """
        index t = 0..T
        input x[t] : D
        param w : D
        param v
        g[T] = sum(w[d]*x[T,d], d)
        g[t] = sum(w[d]*x[t,d], d) + v*tanh(g[t+1]) for t = 0..T-1
        cost C = g[0]^2 + sum(g[t], t)
    """,
    "grid": """
        index i = 1..N, j = 1..M
        input x : N
        param y : M
        r[0,0] = 0
        r[i,0] = i
        r[0,j] = j/2
        r[i,j] = (x[i-1] - y[j-1])^2 - log(exp(-r[i-1,j]) + exp(-r[i,j-1]) + exp(-r[i-1,j-1]))
        cost C = r[N,M]
    """,
    "convolution": """
        input x : C, N
        input y : F
        param w : F, C, P
        param b : F
        z[f,i] = sum(w[f,c,p]*x[c,i+p], c, p) + b[f]
        m[f] = mean(relu(z[f,i]), i)
        cost J = sum((m[f] - y[f])^2, f)
    """,
    "two_convolutions": """
        input x : H, W
        param f : P, Q
        param g : P, Q
        a[i,j] = tanh(sum(f[p,q]*x[i+p,j+q], p, q))
        u[i,j] = sum(g[p,q]*a[2*i+p,2*j+q], p, q)
        cost J = sum(u[i,j]^2, i, j)
    """,
    "causal_attention": """
        input x : T, D
        param Wq : E, D
        param Wk : E, D
        param Wv : E, D
        q[t,e] = sum(Wq[e,d]*x[t,d], d)
        k[t,e] = sum(Wk[e,d]*x[t,d], d)
        v[t,e] = sum(Wv[e,d]*x[t,d], d)
        A[i,j] = softmax(where(j <= i, sum(q[i,e]*k[j,e], e)/sqrt(E), -1e9), j)
        o[i,e] = sum(A[i,j]*v[j,e], j)
        cost C = sum(o[i,e]^2, i, e)/2
    """,
    "embedding": """
        index t = 1..T
        input tok[t] in 0..V-1
        input c in 0..K-1
        param E : V, D
        param W : K, D
        h[d] = sum(E[tok[t],d], t)/T
        s[k] = sum(W[k,d]*h[d], d)
        cost C = logsumexp(s[k], k) - s[c]
    """,
    "chain": """
        index t = 1..T
        input x[t] : D
        input y[t] in 0..K-1
        param W : K, D
        param A : K, K
        e[t,k] = sum(W[k,d]*x[t,d], d)
        al[1,k] = e[1,k]
        al[t,k] = e[t,k] + logsumexp(al[t-1,j] + A[j,k], j) for t = 2..T
        cost C = logsumexp(al[T,k], k) - sum(e[t,y[t]], t) - sum(A[y[t-1],y[t]], t=2..T)
    """,
    "shared_weights": """
        index l = 1..L
        input x : D
        input y : D
        param w : D, D
        param alpha
        a[0,k] = x[k]
        a[l,j] = a[l-1,j] + alpha*softplus(sum(w[j,k]*a[l-1,k], k))
        cost C = sum(abs(a[L,j] - y[j]), j) + sum(a[l,j]^2, l, j)/L
    """,
    "diagonal_and_corner": """
        input x : N
        param E : N, N
        param S
        z[i] = sum(E[i,j]*x[j], j) + S
        cost O = sum(sin(z[i])*exp(-z[i]^2), i) + E[0,0]^2 + sum(E[n,n], n)
    """,
    "user_functions": """
        input x : N
        param w : N
        param c
        f(u) = u*exp(-u^2)
        g(u, v) = u^2*v + sin(u*v)
        a[i] = f(w[i]*x[i]) + g(w[i]*x[i], c)
        cost C = sum(a[i]^2, i)
    """,
    "reductions": """
        input x : N, D
        param W : K, D
        s[n,k] = sum(W[k,d]*x[n,d], d)
        m[n] = max(s[n,k], k)
        q[n] = min(s[n,k], k)
        cost C = sum(m[n]^2*q[n], n) + prod(m[n], n)
    """,
    "names": """
        input np : N
        param sum_ : N
        param range : N
        param batch
        const lambda_
        z = sum(np[i]*range[i] + sum_[i]*lambda_, i) + batch
        cost C = log(1 + z^2)
    """,
    "dilated": """
        size s
        input x : N
        param w : P
        z[i] = sum(w[p]*x[i+2*p], p)
        cost C = sum(tanh(z[i]), i)/s
    """,
    "no_influence": """
        input x : N
        param w : N
        param v : N
        cost C = sum(w[i]*x[i], i)
    """,
    "family_scalars": """
        index l = 1..L
        input x : n[0]
        input y : n[L]
        param w[l] : n[l], n[l-1]
        param s[l]
        param u : n[L], n[0]
        const E[l] : n[l]
        const lam[l]
        a[0,k] = x[k]
        z[l,j] = s[l]*sum(w[l,j,k]*a[l-1,k], k)/n[l-1] + E[l,j]
        a[l,j] = gelu(z[l,j])
        d = sum(lam[l]*sum(w[l,j,k]^2, j, k)*l, l) + sum(s[l]^4, l)
        cost C = sum((a[L,j] + sum(u[j,k]*x[k], k) - y[j])^2, j)/n[L] + d
    """,
    "ragged_input": """
        index l = 1..L
        input x[l] : n[l]
        param w[l] : n[l]
        param c
        s[l] = sum(w[l,i]*x[l,i], i)
        cost C = sum(tanh(c*s[l]), l)
    """,
    "normalised_layers": """
        index l = 1..L
        input x : n[0]
        input y : n[L]
        param w[l] : n[l], n[l-1]
        param g[l] : n[l]
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k)
        m[l] = mean(z[l,j], j)
        v[l] = mean((z[l,j]-m[l])^2, j)
        h[l,j] = (z[l,j]-m[l])/sqrt(v[l]+0.01)
        a[l,j] = silu(g[l,j]*h[l,j])
        p[j] = softmax(a[L,j], j)
        cost C = -sum(y[j]*log(p[j]), j)
    """,
    "stacked_recurrence": """
        index l = 1..L, t = 1..T
        input x[t] : D
        param W[l] : D, D
        param U[l] : D, D
        h[0,t,i] = x[t,i]
        h[l,0,i] = 0
        h[l,t,i] = tanh(sum(W[l,i,j]*h[l-1,t,j], j) + sum(U[l,i,j]*h[l,t-1,j], j))
        cost C = sum(h[L,t,i]^2, t, i)
    """,
    "causal_sum": """
        index t = 0..T-1
        input x[t] : D
        param w : D
        param d
        s[t] = sum(w[i]*x[t,i], i)
        c[t] = sum(exp(-d*(t - u))*s[u], u=0..t)
        cost C = sum(c[t]^2, t)
    """,
    "tensor": """
        input x : I, J, K
        param a : I, R
        param b : J, R
        param c : K, R
        p[i,j,k] = sum(a[i,r]*b[j,r]*c[k,r], r)
        cost C = sum((p[i,j,k]-x[i,j,k])^2, i,j,k)
    """,
    "multi_head": """
        input x : T, D
        param Wq : H, E, D
        param Wk : H, E, D
        param Wv : H, E, D
        param Wo : D, H, E
        q[h,t,e] = sum(Wq[h,e,d]*x[t,d], d)
        k[h,t,e] = sum(Wk[h,e,d]*x[t,d], d)
        v[h,t,e] = sum(Wv[h,e,d]*x[t,d], d)
        s[h,i,j] = sum(q[h,i,e]*k[h,j,e], e)/sqrt(E)
        A[h,i,j] = softmax(s[h,i,j], j)
        o[h,i,e] = sum(A[h,i,j]*v[h,j,e], j)
        z[i,d] = sum(Wo[d,h,e]*o[h,i,e], h, e) + x[i,d]
        cost C = sum(z[i,d]^4, i, d)
    """,
    "pooling": """
        input x : H, W
        input c in 0..K-1
        param f : O, 3, 3
        param V : K, O
        z[o,i,j] = sum(f[o,p,q]*x[i+p,j+q], p, q)
        m[o,i,j] = max(z[o,2*i+p,2*j+q], p=0..1, q=0..1)
        r[o] = mean(m[o,i,j], i, j)
        s[k] = sum(V[k,o]*r[o], o)
        cost C = logsumexp(s[k],k) - s[c]
    """,
    "two_steps_back": """
        index l = 1..L
        input x : D
        param W[l] : D, D
        param V : D, D
        h[0,i] = x[i]
        h[1,i] = tanh(sum(W[1,i,j]*h[0,j], j))
        h[l,i] = tanh(sum(W[l,i,j]*h[l-1,j], j) + sum(V[i,j]*h[l-2,j], j)) for l = 2..L
        cost C = sum(h[l,i]^2, l, i)
    """,
    "unbatched_variables": """
        input x : N
        param w : N
        const m : N
        n2 = sum(w[i]^2, i)
        u[i] = w[i]/sqrt(n2)
        g[i] = u[i]*m[i]
        cost C = sum(exp(u[i]*x[i]), i) + n2 + log(n2)
    """,
    "piecewise": """
        input x : D
        input y
        param w : D
        r = sum(w[d]*x[d], d) - y
        cost C = where(abs(r) < 1, r^2/2, abs(r) - 1/2) + where(r > 0, log(r), r^3)
    """,
}  # fmt: skip


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_models_agree_with_the_oracle(name: str) -> None:
    model = pipeline.load(name)
    _agrees(model)


@pytest.mark.parametrize("name", TEXTS)
def test_other_models_agree_with_the_oracle(name: str) -> None:
    _agrees(pipeline.parse(TEXTS[name], name))


def _agrees(model: Any) -> None:
    module = _module(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bad = [c for sample in samples(model, 2) for c in check_module(model, module, sample) if not c.ok]
    assert not bad


def test_forward_gives_every_variable_in_its_structure() -> None:
    arguments = _mlp(np.random.default_rng(0))
    values = _module(pipeline.load("mlp")).forward(**arguments)
    assert set(values) == {"a", "z", "C"}
    assert [v.shape for v in values["a"]] == [(6, 4), (6, 5), (6, 3)]
    assert [v.shape for v in values["z"]] == [(6, 5), (6, 3)]
    np.testing.assert_allclose(values["z"][0], arguments["x"] @ arguments["w"][0].T + arguments["b"][0])


def test_forward_puts_the_batch_before_the_sequence() -> None:
    rng = np.random.default_rng(1)
    shapes = {"x": (2, 3, 4), "y": (2, 3, 5), "U": (6, 4), "W": (6, 6), "V": (5, 6), "h0": (6,)}
    values = _module(pipeline.parse(TEXTS["rnn"], "rnn")).forward(
        **{name: rng.normal(size=shape) for name, shape in shapes.items()}
    )
    assert values["h"].shape == (2, 4, 6) and values["o"].shape == (2, 3, 5)


def test_gradients_with_respect_to_inputs_come_on_request() -> None:
    model = pipeline.load("mlp")
    module = types.ModuleType("mlp")
    text = emit_module(adjoint_system(model, ["w", "b", "x"]))
    exec(compile(text, "mlp", "exec"), module.__dict__)
    arguments = _mlp(np.random.default_rng(2))
    grads = module.value_and_grad(**arguments)[1]
    assert grads._fields == ("w", "b", "x")
    step = np.zeros_like(arguments["x"])
    step[1, 2] = 1e-6
    up, down = (module.value(**{**arguments, "x": arguments["x"] + s}) for s in (step, -step))
    assert abs((up - down) / 2e-6 - grads.x[1, 2]) < 1e-8


# ── structure and types ───────────────────────────────────────────────────────────────────────────


def test_a_list_gives_a_list_and_an_array_an_array() -> None:
    module = _module(pipeline.load("mlp"))
    arguments = _mlp(np.random.default_rng(3), (4, 4, 4))
    lists = module.value_and_grad(**arguments)[1]
    assert isinstance(lists.w, list) and isinstance(lists.b, list)
    stacked = {**arguments, "w": np.stack(arguments["w"])}
    arrays = module.value_and_grad(**stacked)[1]
    assert isinstance(arrays.w, np.ndarray) and arrays.w.shape == (2, 4, 4) and isinstance(arrays.b, list)
    np.testing.assert_array_equal(arrays.w, np.stack(lists.w))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda v: v, "float64"),
        (lambda v: v.astype(np.float32), "float32"),
        (lambda v: np.round(v).astype(np.int64), "float64"),
    ],
)
def test_dtypes_are_kept_and_integers_become_float64(
    change: Callable[[Any], Any], expected: str
) -> None:
    arguments = _mlp(np.random.default_rng(4))
    given = {k: [change(m) for m in v] if isinstance(v, list) else change(v) for k, v in arguments.items()}
    cost, grads = _module(pipeline.load("mlp")).value_and_grad(**given)
    assert isinstance(cost, float)
    assert {m.dtype.name for g in grads for m in g} == {expected}


def test_python_numbers_adapt_to_the_arrays() -> None:
    model = pipeline.load("binary_classifier")
    rng = np.random.default_rng(5)
    arguments: dict[str, Any] = {
        "x": rng.normal(size=(3, 4)), "y": np.array([0, 1, 1]), "w": [rng.normal(size=(2, 4))],
        "b": [rng.normal(size=2)], "v": rng.normal(size=2), "d": 0.5, "lambda_": 0.1,
    }  # fmt: skip
    small = {
        k: [m.astype(np.float32) for m in v] if isinstance(v, list)
        else v.astype(np.float32) if isinstance(v, np.ndarray) else v
        for k, v in arguments.items()
    }  # fmt: skip
    grads = _module(model).value_and_grad(**small)[1]
    assert grads.w[0].dtype == np.float32 and grads.d.dtype == np.float32


@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_no_overflow_at_large_values(scale: float) -> None:
    """The cost is finite there, and so is all on the way to it."""
    x = np.array([[scale], [-scale]])
    binary = {
        "x": x, "y": np.array([1.0, 0.0]), "w": [np.ones((1, 1))], "b": [np.zeros(1)],
        "v": np.array([abs(scale)]), "d": np.float64(0), "lambda_": 0.0,
    }  # fmt: skip
    softmax = {
        "x": x, "c": np.array([0, 1]), "w": [np.array([[1.0], [-1.0]])], "b": [np.zeros(2)],
    }  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for name, arguments in (("binary_classifier", binary), ("softmax_classifier", softmax)):
            cost, grads = _module(pipeline.load(name)).value_and_grad(**arguments)
            assert np.isfinite(cost)
            assert all(np.isfinite(m).all() for g in grads for m in (g if isinstance(g, list) else [g]))


# ── the door ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("x", np.zeros((6, 4, 1)), r"x: expected (batch, n[0]) = (batch, n[0]), got (6, 4, 1)"),
        ("y", np.zeros((6, 2)), r"y: expected (batch, n[2]) = (6, 3), got (6, 2)"),
        ("w", [np.zeros((5, 4)), np.zeros((3, 4))], r"w[2]: expected (n[2], n[1]) = (3, 5), got (3, 4)"),
        ("b", [np.zeros(5)], r"len(b): expected (L) = (2), got (1,)"),
        ("w", 3.0, r"w: expected a sequence of arrays, got float"),
        ("x", np.zeros((0, 4)), r"x: no size may be 0, got (0, 4)"),
    ],
)
def test_the_door_names_the_argument_and_both_shapes(name: str, value: Any, message: str) -> None:
    arguments = {**_mlp(np.random.default_rng(6)), name: value}
    with pytest.raises(ValueError) as caught:
        _module(pipeline.load("mlp")).value(**arguments)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 3]), "c: expected 0 to 2, got 0 to 3"),
        (np.array([-1, 2]), "c: expected 0 to 2, got -1 to 2"),
        (np.array([0.0, 1.0]), "c: expected integers, got float64"),
    ],
)
def test_labels_out_of_range_are_refused(labels: Any, message: str) -> None:
    arguments = _mlp(np.random.default_rng(7), batch=2)
    del arguments["y"]
    with pytest.raises(ValueError, match=re.escape(message)):
        _module(pipeline.load("softmax_classifier")).value(**arguments, c=labels)


def test_arguments_are_keywords_only() -> None:
    with pytest.raises(TypeError):
        _module(pipeline.load("mlp")).value(*_mlp(np.random.default_rng(8)).values())


def test_an_undefined_function_asks_for_a_binding() -> None:
    with pytest.raises(RequestProblem) as caught:
        emit_module(adjoint_system(pipeline.load("mlp_abstract")))
    assert "--bind sigma=tanh" in str(caught.value)


# ── how it reads ──────────────────────────────────────────────────────────────────────────────────


def test_the_mlp_reads_as_in_the_notes() -> None:
    body = _body(emit_module(adjoint_system(pipeline.load("mlp"))), "value_and_grad")
    for line in (
        "for l in range(1, L + 1):\n        a[l] = sigmoid(a[l-1] @ w[l].T + b[l])  # (2), (3)",
        "delta = difference*a[L]*(1 - a[L])/batch",
        "for l in range(L, 0, -1):\n        if l < L:",
        "delta = (delta @ w[l+1])*a[l]*(1 - a[l])",
        "grad_w[l] = delta.T @ a[l-1]",
        "grad_b[l] = delta.sum(axis=0)",
    ):
        assert line in body
    assert body.count("for ") == 2


FEED_FORWARD = (
    "autoencoder", "binary_classifier", "logistic_regression", "mlp", "mlp_z", "residual",
    "softmax_classifier",
)  # fmt: skip
"""The modules that an instructor puts on a slide; lines of windows and of attention grow longer."""


@pytest.mark.parametrize("name", FEED_FORWARD)
def test_modules_for_slides_are_tidy(name: str) -> None:
    text = emit_module(adjoint_system(pipeline.load(name)))
    assert max(map(len, text.splitlines())) <= 100
    for clutter in ("einsum", "+ -", "- -", "1*", "((", "symbp"):
        plain = text.replace("axes=((", "").replace("_fit(", "")
        plain = plain.replace("np.zeros((", "").replace("np.empty((", "")
        assert clutter not in plain, clutter


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_modules_are_the_same_text_again(name: str) -> None:
    text = emit_module(adjoint_system(pipeline.load(name)))
    assert text == emit_module(adjoint_system(pipeline.load(name)))
    for clutter in ("+ -", "- -", "symbp"):
        assert clutter not in text, clutter


def test_a_value_that_two_adjoints_need_is_computed_once() -> None:
    body = _body(emit_module(adjoint_system(pipeline.load("mlp_z"))), "value_and_grad")
    assert body.count("sigmoid(") == 1


def test_a_recurrence_is_the_only_loop() -> None:
    body = _body(emit_module(adjoint_system(pipeline.parse(TEXTS["rnn"], "rnn"))), "value_and_grad")
    assert body.count("for t in range(") == 2
    assert "grad_W = d_h_inner[1:].reshape(-1, H).T @ h[:-1].reshape(-1, H)" in body


def test_einsum_is_never_used_where_a_product_says_it() -> None:
    for name in ("causal_attention", "convolution", "two_convolutions", "rnn", "embedding"):
        assert "einsum" not in emit_module(adjoint_system(pipeline.parse(TEXTS[name], name)))


def test_shapes_are_compared_again_when_they_change() -> None:
    module = pipeline.module_of(adjoint_system(pipeline.load("mlp")))
    w, b = [np.ones((3, 2)), np.ones((1, 3))], [np.ones(3), np.ones(1)]
    first, _ = module.value_and_grad(x=np.ones((4, 2)), y=np.ones((4, 1)), w=w, b=b)
    assert module.value(x=np.ones((4, 2)), y=np.ones((4, 1)), w=w, b=b) == first
    with pytest.raises(ValueError, match=r"y: expected \(batch, n\[2\]\) = \(4, 1\), got \(5, 1\)"):
        module.value_and_grad(x=np.ones((4, 2)), y=np.ones((5, 1)), w=w, b=b)
    with pytest.raises(ValueError, match=r"w\[1\]: expected"):
        module.value(x=np.ones((4, 3)), y=np.ones((4, 1)), w=w, b=b)
    with pytest.raises(ValueError, match="x: expected real numbers, got complex128"):
        module.value(x=np.ones((4, 2), complex), y=np.ones((4, 1)), w=w, b=b)
    with pytest.raises(ValueError, match=r"y: .*inhomogeneous"):
        module.value(x=np.ones((4, 2)), y=[[1], [1, 2]], w=w, b=b)
    with pytest.raises(ValueError, match="w: expected real numbers, got object"):
        module.value(x=np.ones((4, 2)), y=np.ones((4, 1)), w=[w[0], None], b=b)
    mixed = module.value(x=np.ones((4, 2), np.float32), y=np.ones((4, 1)), w=w, b=b)
    assert mixed == first


def test_a_window_larger_than_its_array_is_refused_at_the_door() -> None:
    module = pipeline.module_of(adjoint_system(pipeline.parse("""
        input x : H
        param f : P
        z[i] = sum(f[p]*x[i+p], p)
        cost C = sum(z[i]^2, i)
    """)))
    with pytest.raises(ValueError, match=r"z: an axis of H-P\+1 elements .* got -1"):
        module.value_and_grad(x=np.ones((2, 3)), f=np.ones(5))


def test_a_condition_on_a_function_of_the_argument_is_elementwise() -> None:
    model = pipeline.parse("""
        input x : D
        input y
        param w : D
        huber(r) = where(abs(r) < 1, r^2/2, abs(r) - 1/2)
        cost C = huber(sum(w[i]*x[i], i) - y)
    """)
    assert outside.disagreement(model, pipeline.module_of(adjoint_system(model))) == ""


def test_a_product_of_rounded_quotients_keeps_its_brackets() -> None:
    """a//3*b//3 would be (a//3*b)//3."""
    model = pipeline.parse("""
        input x : H, W
        param s
        h[i,j] = max(s*x[3*i+p,3*j+q], p=0..2, q=0..2)
        cost C = mean(h[i,j], i, j)
    """)
    x = np.arange(88.0).reshape(1, 8, 11)
    value = _module(model).value(x=x, s=1.0)
    assert value == pytest.approx(np.mean(x[0, 2:6:3, 2:9:3]))


def test_positions_are_subtracted_not_added_times_minus_one() -> None:
    model = pipeline.parse(
        "param x : N, M\n"
        "y[i,j] = x[i,j]*(3 - 2*i) + (i - j)*x[i,j] + (2*i - 3*j + 1)*x[i,j]^2 + (N - j)*x[i,j]\n"
        "cost C = sum(y[i,j]^2, i, j)\n"
    )
    system = adjoint_system(model)
    text = emit_module(system)
    assert "arange" in text and "-1*" not in text and "+ -" not in text
    assert not outside.disagreement(model, pipeline.module_of(system))
