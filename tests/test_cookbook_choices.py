"""Matrix forms with conditions on entries, labels that choose rows, and largest entries.

Conditions are Iverson brackets, labels one-hot rows, a largest entry a unit vector; checked as the
identities of the Cookbook are.
"""

from __future__ import annotations

import numpy as np
import pytest
from blackboard import assert_numpy_is_the_gradient, matrix, shown

import symbp

FORMS: list[tuple[str, str, str, str]] = [
    (
        "hinge",
        "param w : D\nconst X : N, D\nconst y : N\n"
        "cost C = sum(maximum(0, 1 - y[n]*sum(X[n,d]*w[d], d)), n)\n",
        "w",
        "−Xᵀ ([1 − y ⊙ (X w) ≥ 0] ⊙ y)",
    ),
    (
        "Huber",
        "param w : D\nconst X : N, D\nconst y : N\n"
        "cost C = sum(where(abs(sum(X[n,d]*w[d], d) - y[n]) < 1, (sum(X[n,d]*w[d], d) - y[n])**2/2, "
        "abs(sum(X[n,d]*w[d], d) - y[n]) - 1/2), n)\n",
        "w",
        "Xᵀ ((X w − y) ⊙ [|X w − y| < 1] + sign(X w − y) ⊙ [|X w − y| ≥ 1])",
    ),
    (
        "elu",
        "param A : N, M\nconst x : M\nconst a\n"
        "cost C = sum(where(sum(A[i,j]*x[j], j) > 0, sum(A[i,j]*x[j], j), "
        "a*(exp(sum(A[i,j]*x[j], j)) - 1)), i)\n",
        "A",
        "([A x > 0] + a exp(A x) ⊙ [A x ≤ 0]) xᵀ",
    ),
    (
        "clipped",
        "param x : N\nconst a : N\ncost C = sum((minimum(maximum(x[i], 0), 1) - a[i])**2, i)\n",
        "x",
        "2(min(max(x, 0), 1) − a) ⊙ [max(x, 0) < 1] ⊙ [x > 0]",
    ),
    (
        "entries that are known",
        "param U : N, K\nconst V : M, K\nconst S : N, M\nconst Y : N, M\n"
        "cost C = sum(where(S[i,j] > 0, (sum(U[i,k]*V[j,k], k) - Y[i,j])**2, 0), i, j)\n",
        "U",
        "2([S > 0] ⊙ (U Vᵀ − Y)) V",
    ),
    (
        "a condition on a scalar",
        "param X : N, M\nconst s\ncost C = where(s > 0, sum(X[i,j]**2, i, j), sum(X[i,j], i, j))\n",
        "X",
        "2[s > 0] X + [s ≤ 0]",
    ),
    (
        "where the branch that is not chosen is not finite",
        "param x : N\ncost C = sum(where(x[i] > 0.5, log(x[i] - 0.5), x[i]), i)\n",
        "x",
        "[x > 0.5] ⊙ 1/(x − 0.5) + [x ≤ 0.5]",
    ),
    (
        "conditions joined",
        "param x : N\nconst y : N\n"
        "cost C = sum(where(x[i] > 0 and y[i] < 1 or x[i] < -1, x[i]*y[i], 0), i)\n",
        "x",
        "[(x > 0 and y < 1) or x < −1] ⊙ y",
    ),
    (
        "largest entry of A x + b, x",
        "param x : M\nconst A : N, M\nconst b : N\ncost C = max(sum(A[i,j]*x[j], j) + b[i], i)\n",
        "x",
        "Aᵀ 𝐞_{argmax(Ax+b)}",
    ),
    (
        "largest entry of A x + b, A",
        "const x : M\nparam A : N, M\nconst b : N\ncost C = max(sum(A[i,j]*x[j], j) + b[i], i)\n",
        "A",
        "𝐞_{argmax(Ax+b)} xᵀ",
    ),
    (
        "smallest entry",
        "param x : N\ncost C = min(x[i], i)**2/2\n",
        "x",
        "min(x) 𝐞_{argmin(x)}",
    ),
    (
        "infinity norm",
        "param x : N\ncost C = max(abs(x[i]), i)\n",
        "x",
        "𝐞_{argmax(|x|)} ⊙ sign(x)",
    ),
    (
        "largest entries of rows",
        "param X : N, M\nconst c : N\ncost C = sum(c[i]*max(X[i,j], j), i)\n",
        "X",
        "diag(c) onehot(argmax(X))",
    ),
    (
        "embedding",
        "param E : N, D\nconst t : M in 0..N-1\nconst Y : M, D\n"
        "cost C = sum((E[t[m],d] - Y[m,d])**2, m, d)\n",
        "E",
        "2 onehot(t)ᵀ (onehot(t) E − Y)",
    ),
    (
        "differences along edges",
        "param w : N\nconst a : M in 0..N-1\nconst b : M in 0..N-1\n"
        "cost C = sum((w[a[m]] - w[b[m]])**2, m)/2\n",
        "w",
        "(onehot(a) − onehot(b))ᵀ (onehot(a) − onehot(b)) w",
    ),
    (
        "Bradley-Terry",
        "param s : N\nconst a : M in 0..N-1\nconst b : M in 0..N-1\n"
        "cost C = sum(softplus(s[b[m]] - s[a[m]]), m)\n",
        "s",
        "(onehot(b) − onehot(a))ᵀ sigmoid((onehot(b) − onehot(a)) s)",
    ),
    (
        "labels of a classifier",
        "param W : D, K\nconst X : N, D\nconst y : N in 0..K-1\n"
        "cost C = sum(logsumexp(sum(X[n,d]*W[d,k], d), k) - sum(X[n,d]*W[d,y[n]], d), n)\n",
        "W",
        "Xᵀ (softmax(X W) − onehot(y))",
    ),
    (
        "labels of two axes",
        "param T : N, N\nconst a : M in 0..N-1\nconst b : M in 0..N-1\n"
        "cost C = sum((T[a[m],b[m]] - 1)**2, m)\n",
        "T",
        "2 onehot(a)ᵀ diag(((onehot(b) Tᵀ) ⊙ onehot(a)) 𝟏 − 1) onehot(b)",
    ),
    (
        "labels beside their own index",
        "param P : N, K\nconst y : N in 0..K-1\ncost C = sum((1 - P[n,y[n]])**2, n)/2\n",
        "P",
        "diag((P ⊙ onehot(y)) 𝟏 − 1) onehot(y)",
    ),
    (
        "one label",
        "param W : D, K\nconst x : D\nconst c in 0..K-1\n"
        "cost C = logsumexp(sum(W[d,k]*x[d], d), k) - sum(W[d,c]*x[d], d)\n",
        "W",
        "x (softmax(Wᵀ x) − 𝐞_c)ᵀ",
    ),
    (
        "centres by labels",
        "const x : N, D\nparam c : K, D\nconst z : N in 0..K-1\n"
        "cost C = sum((x[i,d] - c[z[i],d])**2, i, d)\n",
        "c",
        "−2 onehot(z)ᵀ (x − onehot(z) c)",
    ),
]

ROWS = [pytest.param(*row[1:], id=row[0]) for row in FORMS]


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_form_is_written_without_indices(text: str, variable: str, expected: str) -> None:
    assert shown(text, variable) == expected


@pytest.mark.parametrize("low", [0.3, -1.2])
@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_numpy_text_is_the_gradient(text: str, variable: str, expected: str, low: float) -> None:
    assert_numpy_is_the_gradient(text, variable, low)


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_oracle_agrees_with_every_line(text: str, variable: str, expected: str) -> None:
    assert symbp.parse(text).derive(variable).to_text(detail="result")


@pytest.mark.parametrize(("text", "variable"), [
    # a comparison of a column with a row says less as one of matrices
    ("const x : N\nconst y : M\nparam A : N, M\ncost C = sum(where(x[i] > y[j], A[i,j]**2, 0), i, j)\n", "A"),
    # a triangle is a condition on places, not on entries
    ("param A : N, N\ncost C = sum(where(j <= i, A[i,j]**2, 0), i, j)\n", "A"),
])  # fmt: skip
def test_conditions_that_are_none_on_entries_have_no_matrix_form(text: str, variable: str) -> None:
    assert symbp.parse(text).derive(variable).matrix is None


def test_equal_largest_entries_share_as_in_the_generated_module() -> None:
    text = "param x : N\ncost C = max(x[i], i)\n"
    x = np.array([1.0, 3.0, 3.0, 2.0])
    _, gradients = symbp.parse(text).compile().value_and_grad(x=x)
    np.testing.assert_array_equal(eval(matrix(text, "x").to_numpy(), {"np": np, "x": x}), gradients.x)
