"""Feed-forward models that do not come with symbp: module, lines and LaTeX against a second opinion."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import outside
import pytest

import symbp
from symbp import pipeline

MODELS: Mapping[str, str] = {
    # ── activations ───────────────────────────────────────────────────────────────────────────────
    "gelu_hinge": """
        index l = 1..L
        input x    : n[0]
        input t                          # -1 or 1
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        param v    : n[L]
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k) + b[l,j]
        a[l,j] = gelu(z[l,j])
        s = sum(v[j]*a[L,j], j)
        let delta = dC/dz
        cost C = maximum(0, 1 - t*s)
    """,
    "silu_poisson": """
        input x : D
        input c
        param W : H, D
        param b : H
        param v : H
        param beta
        z[j] = sum(W[j,d]*x[d], d) + b[j]
        eta = sum(v[j]*silu(z[j]), j) + beta
        cost C = exp(eta) - c*eta
    """,
    "softplus_huber": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        const kappa
        a[0,k] = x[k]
        a[l,j] = softplus(sum(w[l,j,k]*a[l-1,k], k) + b[l,j])
        e[j] = a[L,j] - y[j]
        let epsilon = dJ/de
        cost J = sum(where(abs(e[j]) <= abs(kappa), e[j]^2/2, abs(kappa)*(abs(e[j]) - abs(kappa)/2)), j)
    """,
    "relu_l1": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        const lambda_
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k)
        a[l,j] = relu(z[l,j]) for l = 1..L-1
        let delta = dC/dz
        cost C = sum((z[L,j] - y[j])^2, j)/2 + lambda_*sum(abs(w[l,j,k]), l, j, k)
    """,
    "mish": """
        input x : D
        input y : K
        param W : K, D
        mish(u) = u*tanh(softplus(u))
        z[k] = sum(W[k,d]*x[d], d)
        cost C = sum((mish(z[k]) - y[k])^2, k)
    """,
    "leaky_relu": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        leaky(u) = where(u > 0, u, 0.01*u)
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k) + b[l,j]
        a[l,j] = leaky(z[l,j])
        let delta = dC/dz
        cost C = sum((a[L,j] - y[j])^2, j)/2
    """,
    "prelu_with_learned_slopes": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param alpha[l]
        prelu(u, s) = maximum(u, 0) + s*minimum(u, 0)
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k)
        a[l,j] = prelu(z[l,j], alpha[l])
        cost C = mean((a[L,j] - y[j])^2, j)
    """,
    "swish_of_two_arguments": """
        input x : D
        input y : K
        param W : H, D
        param V : K, H
        param beta : H
        swish(u, s) = u*sigmoid(s*u)
        z[h] = sum(W[h,d]*x[d], d)
        g[h] = swish(z[h], beta[h])
        o[k] = sum(V[k,h]*g[h], h)
        cost C = sum((o[k] - y[k])^2, k)/(2*K)
    """,
    "elu_and_softsign": """
        input x : D
        input y
        param W : H, D
        param v : H
        elu(u) = where(u > 0, u, exp(u) - 1)
        softsign(u) = u/(1 + abs(u))
        h[j] = elu(sum(W[j,d]*x[d], d))
        s = sum(v[j]*softsign(h[j]), j)
        cost C = (s - y)^2
    """,
    "sine_network": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        const omega
        h[0,k] = x[k]
        h[l,j] = sin(omega*sum(w[l,j,k]*h[l-1,k], k))
        cost C = sum(abs(h[L,j] - y[j]), j)
    """,
    # ── costs ─────────────────────────────────────────────────────────────────────────────────────
    "vector_target_cross_entropy": """
        index l = 1..L
        input x    : n[0]
        input q    : n[L]
        param w[l] : n[l], n[l-1]
        param b[l] : n[l]
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k) + b[l,j]
        a[l,j] = tanh(z[l,j]) for l = 1..L-1
        p[j] = softmax(z[L,j], j)
        let delta = dC/dz
        cost C = -sum(q[j]*log(p[j]), j)
    """,
    "log_cosh": """
        input x : D
        input y : K
        param W : K, D
        param b : K
        r[k] = sum(W[k,d]*x[d], d) + b[k] - y[k]
        cost C = sum(log(cosh(r[k])), k)
    """,
    "multiclass_hinge": """
        input x : D
        input c in 0..K-1
        param W : K, D
        s[k] = sum(W[k,d]*x[d], d)
        m[k] = where(k == c, 0, maximum(0, 1 + s[k] - s[c]))
        cost C = sum(m[k], k)
    """,
    "label_smoothing_with_temperature": """
        input x : D
        input c in 0..K-1
        param W : K, D
        param tau
        const eps
        s[k] = sum(W[k,d]*x[d], d)/exp(tau)
        lse = logsumexp(s[k], k)
        cost C = (1 - eps)*(lse - s[c]) + eps*(lse - mean(s[k], k))
    """,
    "gaussian_likelihood": """
        input x : D
        input y
        param w : D
        param v : D
        mu = sum(w[d]*x[d], d)
        s = sum(v[d]*x[d], d)
        cost C = log(2*pi)/2 + s + (y - mu)^2*exp(-2*s)/2
    """,
    "focal": """
        input x : D
        input t
        param w : D
        param b
        const gamma
        u = sum(w[d]*x[d], d) + b
        p = sigmoid(u)
        cost C = -t*(1 - p)^2*log(p) - (1 - t)*p^2*log(1 - p) + gamma*b^2
    """,
    # ── regularisers ──────────────────────────────────────────────────────────────────────────────
    "group_norm_regulariser": """
        input x : D
        input y
        param W : H, D
        param v : H
        const rho
        h[j] = tanh(sum(W[j,d]*x[d], d))
        g[j] = sqrt(sum(W[j,d]^2, d))
        cost C = (sum(v[j]*h[j], j) - y)^2/2 + rho*sum(g[j], j)
    """,
    "elastic_net": """
        input x : D
        input y
        param w : D
        param b
        const lambda_1
        const lambda_2
        e = sum(w[i]*x[i], i) + b - y
        cost C = e^2/2 + lambda_1*sum(abs(w[i]), i) + lambda_2/2*sum(w[i]^2, i)
    """,
    "contractive": """
        input x : D
        param W : H, D
        param b : H
        param c : D
        h[j] = sigmoid(sum(W[j,d]*x[d], d) + b[j])
        r[d] = sum(W[j,d]*h[j], j) + c[d]
        cost C = sum((r[d] - x[d])^2, d) + sum((h[j]*(1 - h[j]))^2*sum(W[j,d]^2, d), j)/10
    """,
    # ── shapes of networks ────────────────────────────────────────────────────────────────────────
    "weights_shared_over_layers": """
        index l = 1..L
        input x : D
        input y : D
        param w : D, D
        param b : D
        a[0,k] = x[k]
        z[l,j] = sum(w[j,k]*a[l-1,k], k) + b[j]
        a[l,j] = tanh(z[l,j])
        let delta = dC/dz
        cost C = sum((a[L,j] - y[j])^2, j)/2
    """,
    "skip_over_two_layers": """
        index l = 1..L
        input x : D
        input y : D
        param w[l] : D, D
        param b[l] : D
        h[0,k] = x[k]
        h[1,k] = tanh(x[k])
        z[l,j] = sum(w[l,j,k]*h[l-1,k], k) + b[l,j] for l = 2..L
        h[l,j] = h[l-2,j] + tanh(z[l,j]) for l = 2..L
        let delta = dC/dh
        cost C = sum((h[L,j] - y[j])^2, j)/2
    """,
    "every_layer_reads_the_input": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param u[l] : n[l], n[0]
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k) + sum(u[l,j,k]*x[k], k)
        a[l,j] = sigmoid(z[l,j])
        cost C = sum((a[L,j] - y[j])^2, j)/2
    """,
    "highway": """
        index l = 1..L
        input x : D
        input y : D
        param W[l] : D, D
        param V[l] : D, D
        param beta[l] : D
        h[0,i] = x[i]
        t[l,i] = sigmoid(sum(V[l,i,j]*h[l-1,j], j) + beta[l,i])
        h[l,i] = t[l,i]*relu(sum(W[l,i,j]*h[l-1,j], j)) + (1 - t[l,i])*h[l-1,i]
        cost C = sum((h[L,i] - y[i])^2, i)/2
    """,
    "two_heads": """
        input x : D
        input y : K
        input c in 0..M-1
        param W : H, D
        param U : K, H
        param V : M, H
        const alpha
        h[j] = tanh(sum(W[j,d]*x[d], d))
        r[k] = sum(U[k,j]*h[j], j)
        s[m] = sum(V[m,j]*h[j], j)
        let delta = dC/dh
        cost C = sum((r[k] - y[k])^2, k)/2 + alpha*(logsumexp(s[m], m) - s[c])
    """,
    "heads_along_an_axis": """
        input x : D
        input y : A, K
        param W : H, D
        param V : A, K, H
        h[j] = tanh(sum(W[j,d]*x[d], d))
        o[a,k] = sum(V[a,k,j]*h[j], j)
        cost C = sum((o[a,k] - y[a,k])^2, a, k)/(A*K)
    """,
    "deep_supervision": """
        index l = 1..L
        input x    : n[0]
        input y
        param w[l] : n[l], n[l-1]
        param v[l] : n[l]
        a[0,k] = x[k]
        a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k))
        o[l] = sum(v[l,j]*a[l,j], j)
        cost C = sum(l*(o[l] - y)^2, l)/L
    """,
    "layer_norm_between_layers": """
        index l = 1..L
        input x    : n[0]
        input y    : n[L]
        param w[l] : n[l], n[l-1]
        param g[l] : n[l]
        param b[l] : n[l]
        a[0,k] = x[k]
        z[l,j] = sum(w[l,j,k]*a[l-1,k], k)
        m[l] = mean(z[l,j], j)
        v[l] = mean((z[l,j] - m[l])^2, j)
        a[l,j] = tanh(g[l,j]*(z[l,j] - m[l])/sqrt(v[l] + 0.00001) + b[l,j])
        cost C = sum((a[L,j] - y[j])^2, j)/2
    """,
    "bilinear_and_transposed": """
        input x : D
        input y : H
        param W : H, D
        h[j] = tanh(sum(W[j,d]*x[d], d))
        r[d] = tanh(sum(W[j,d]*h[j], j))
        s = sum(y[j]*W[j,d]*r[d], j, d)
        cost C = -log(sigmoid(s))
    """,
    "gated_units": """
        input x : D
        input y : K
        param W : H, D
        param V : H, D
        param U : K, H
        h[j] = sum(W[j,d]*x[d], d)*sigmoid(sum(V[j,d]*x[d], d))
        o[k] = sum(U[k,j]*h[j], j)
        cost C = sum((o[k] - y[k])^2, k)/2
    """,
    "maxout": """
        input x : D
        input y : K
        param W : K, M, D
        param b : K, M
        o[k] = max(sum(W[k,m,d]*x[d], d) + b[k,m], m)
        cost C = sum((o[k] - y[k])^2, k)/2
    """,
    # ── names, scalars, data ──────────────────────────────────────────────────────────────────────
    "names_of_sympy": """
        input E : I
        input S : N
        param Q : N, I
        param O : N
        const beta
        const gamma
        lambda_[i] = sum(Q[i,j]*E[j], j) + O[i]
        pi_[i] = sigmoid(beta*lambda_[i])
        cost C = sum((pi_[i] - S[i])^2, i)/2 + gamma*sum(Q[i,j]^2, i, j)
    """,
    "names_of_numpy_and_python": """
        input np : batch
        param math : sum_, batch
        param def_
        param exp_ : sum_
        value_[i] = tanh(sum(math[i,j]*np[j], j) + def_*exp_[i])
        cost grad = sum(value_[i]^2, i)
    """,
    "greek_and_numbered": """
        input x_1 : D
        input x_2 : D
        param theta_1 : D
        param theta_2 : D
        param mu0
        zeta1 = sum(theta_1[d]*x_1[d], d)
        zeta2 = sum(theta_2[d]*x_2[d], d)
        cost Omega = (tanh(zeta1) - sigmoid(zeta2) - mu0)^2
    """,
    "scalars": """
        input x
        input y
        param a
        param b
        p = a*x + b
        q = tanh(p)*p
        cost C = (q - y)^2/2 + a^2*b^2
    """,
    "const_data_matrix_and_labels": """
        const X : N, D
        const c : N in 0..K-1
        param W : K, D
        param b : K
        s[i,k] = sum(W[k,d]*X[i,d], d) + b[k]
        let delta = dJ/ds
        cost J = mean(logsumexp(s[i,k], k) - s[i,c[i]], i)
    """,
    "sizes_in_expressions": """
        input x : D
        input y : K
        param W : K, D
        z[k] = sum(W[k,d]*x[d], d)/sqrt(D)
        cost C = sum((k + 1)*(z[k] - y[k])^2, k)/(2*K*(D + 1))
    """,
    "batch_norm_on_a_data_matrix": """
        const X : N, D
        const Y : N, H
        param W : H, D
        param gamma : H
        param beta : H
        z[i,j] = sum(W[j,d]*X[i,d], d)
        mu[j] = mean(z[i,j], i)
        var[j] = mean((z[i,j] - mu[j])^2, i)
        h[i,j] = gamma[j]*(z[i,j] - mu[j])/sqrt(var[j] + 0.001) + beta[j]
        cost C = sum((relu(h[i,j]) - Y[i,j])^2, i, j)/N
    """,
    "powers_and_quotients": """
        input x : D
        input y
        param w : D
        param v : D
        s = sum(w[d]^2*x[d], d)
        t = sum(v[d]*x[d]^3, d)
        cost C = (s/(1 + t^2) - y)^4 + (2 + s^2)^(-1/2) + 2^tanh(t)
    """,
    "attention_over_a_memory": """
        input q : D
        input y : E
        param K : M, D
        param V : M, E
        s[m] = sum(K[m,d]*q[d], d)/sqrt(D)
        p[m] = softmax(s[m], m)
        o[e] = sum(p[m]*V[m,e], m)
        let delta = dC/ds
        cost C = sum((o[e] - y[e])^2, e)/2
    """,
    "embedding_of_two_fields": """
        input u in 0..U-1
        input v in 0..V-1
        input r
        param P : U, K
        param Q : V, K
        param b : U
        param c : V
        e = sum(P[u,k]*Q[v,k], k) + b[u] + c[v] - r
        cost C = e^2 + 0.1*(sum(P[u,k]^2, k) + sum(Q[v,k]^2, k))
    """,
}  # fmt: skip

NAMES = tuple(MODELS)


def _model(name: str) -> symbp.Model:
    return symbp.parse(MODELS[name], name)


@pytest.mark.parametrize("name", NAMES)
def test_gradients_agree_with_autograd(name: str) -> None:
    model = _model(name)
    module = model.compile()
    for seed in (1, 2):
        assert not outside.disagreement(model.core, module, seed), model.to_numpy()


@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_inputs_agree_with_autograd(name: str) -> None:
    model = _model(name)
    wrt = tuple(a.name for a in model.core.of_kind("input") if a.integer is None)
    case = outside.instance(model.core, 3)
    _, wanted = outside.value_and_grad(case, wrt)
    _, gradients = model.compile(wrt).value_and_grad(**outside.arguments(case))
    for array in wrt:
        assert outside.distance(getattr(gradients, array), wanted[array]) < 1e-9, array


@pytest.mark.parametrize("name", NAMES)
def test_every_line_holds(name: str) -> None:
    report = _model(name).verify()
    assert report.ok, str(report)


@pytest.mark.parametrize("name", NAMES)
def test_float32_stays_float32(name: str) -> None:
    model = _model(name)
    case = outside.instance(model.core, 4)
    _, gradients = model.compile().value_and_grad(**outside.arguments(case, "float32"))
    for part, gradient in zip(gradients._fields, gradients, strict=True):
        assert {a.dtype for a in outside.leaves(gradient)} == {np.dtype("float32")}, part


@pytest.mark.parametrize("name", NAMES)
def test_the_documents_are_written(name: str) -> None:
    model = _model(name)
    for format_, detail in (("latex", "all"), ("html", "key")):
        text = pipeline.documented(model.core, (), format_, detail)
        assert text.strip()
        assert not re.search(r"Piecewise|KroneckerDelta|Affine\(|Index\(|\bTrue\b|\bNone\b", text)
