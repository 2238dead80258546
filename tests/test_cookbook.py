"""Matrix forms against the Matrix Cookbook (Petersen and Pedersen 2012, sections 2.4 to 2.6) and beyond.

Each cost is written with indices.  Its matrix form must read as a textbook prints it, and the NumPy
text of the same tree must agree with the cost differentiated numerically: plain Python loops over the
text of the model (no code of symbp), by complex step, at sizes that are all different.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from blackboard import assert_numpy_is_the_gradient, matrix, shown

import symbp
from symbp.emit.math import printer
from symbp.emit.matrix_math import matrix_words
from symbp.emit.plain import text as plain

COOKBOOK: list[tuple[str, str, str, str]] = [
    (
        "69 a'x",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum(x[i]*a[i], i)\n",
        "x",
        "a",
    ),
    (
        "70 a'Xb",
        "const a : N\n"
        "const b : M\n"
        "param X : N, M\n"
        "cost C = sum(a[i]*X[i,j]*b[j], i, j)\n",
        "X",
        "a bᵀ",
    ),
    (
        "71 a'X'b",
        "const a : M\n"
        "const b : N\n"
        "param X : N, M\n"
        "cost C = sum(a[j]*X[i,j]*b[i], i, j)\n",
        "X",
        "b aᵀ",
    ),
    (
        "72 a'Xa",
        "const a : N\n"
        "param X : N, N\n"
        "cost C = sum(a[i]*X[i,j]*a[j], i, j)\n",
        "X",
        "a aᵀ",
    ),
    (
        "76 sum sum X",
        "param X : N, M\n"
        "cost C = sum(X[k,l]*X[m,n], k, l, m, n)\n",
        "X",
        "2 sum(X) 𝟏 𝟏ᵀ",
    ),
    (
        "77 b'X'Xc",
        "const b : M\n"
        "const c : M\n"
        "param X : N, M\n"
        "cost C = sum(b[j]*X[i,j]*X[i,k]*c[k], i, j, k)\n",
        "X",
        "X (c bᵀ + b cᵀ)",
    ),
    (
        "78 (Bx+b)'C(Dx+d)",
        "const B : P, N\n"
        "const b : P\n"
        "const E : P, Q\n"
        "const D : Q, N\n"
        "const d : Q\n"
        "param x : N\n"
        "cost C = sum((sum(B[p,i]*x[i], i) + b[p])*E[p,q]*(sum(D[q,i]*x[i], i) + d[q]), p, q)\n",
        "x",
        "Bᵀ E (D x + d) + Dᵀ Eᵀ (B x + b)",
    ),
    (
        "78v",
        "const B : P, N\n"
        "const b : P\n"
        "const E : P, Q\n"
        "const D : Q, N\n"
        "const d : Q\n"
        "param x : N\n"
        "u[p] = sum(B[p,i]*x[i], i) + b[p]\n"
        "v[q] = sum(D[q,i]*x[i], i) + d[q]\n"
        "cost C = sum(u[p]*E[p,q]*v[q], p, q)\n",
        "x",
        "Bᵀ ∂C/∂u + Dᵀ ∂C/∂v",
    ),
    (
        "79 Tr(X'BX) -> 108",
        "const B : N, N\n"
        "param X : N, M\n"
        "cost C = sum(X[k,i]*B[k,l]*X[l,i], i, k, l)\n",
        "X",
        "(B + Bᵀ) X",
    ),
    (
        "81 x'Bx",
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*B[i,j]*x[j], i, j)\n",
        "x",
        "(B + Bᵀ) x",
    ),
    (
        "82 b'X'DXc",
        "const b : M\n"
        "const c : M\n"
        "const D : N, N\n"
        "param X : N, M\n"
        "cost C = sum(b[j]*X[i,j]*D[i,k]*X[k,l]*c[l], i, j, k, l)\n",
        "X",
        "D X c bᵀ + Dᵀ X b cᵀ",
    ),
    (
        "83 (Xb+c)'D(Xb+c)",
        "const b : M\n"
        "const c : N\n"
        "const D : N, N\n"
        "param X : N, M\n"
        "cost C = sum((sum(X[i,j]*b[j], j) + c[i])*D[i,k]*(sum(X[k,j]*b[j], j) + c[k]), i, k)\n",
        "X",
        "(D + Dᵀ) (X b + c) bᵀ",
    ),
    (
        "83v",
        "const b : M\n"
        "const c : N\n"
        "const D : N, N\n"
        "param X : N, M\n"
        "u[i] = sum(X[i,j]*b[j], j) + c[i]\n"
        "cost C = sum(u[i]*D[i,k]*u[k], i, k)\n",
        "X",
        "(∂C/∂u) bᵀ",
    ),
    (
        "84 x-As",
        "const x : N\n"
        "const s : M\n"
        "const W : N, N\n"
        "param A : N, M\n"
        "u[i] = x[i] - sum(A[i,j]*s[j], j)\n"
        "cost C = sum(u[i]*W[i,k]*u[k], i, k)\n",
        "A",
        "−(∂C/∂u) sᵀ",
    ),
    (
        "84s",
        "const x : N\n"
        "const A : N, M\n"
        "const W : N, N\n"
        "param s : M\n"
        "u[i] = x[i] - sum(A[i,j]*s[j], j)\n"
        "cost C = sum(u[i]*W[i,k]*u[k], i, k)\n",
        "s",
        "−Aᵀ ∂C/∂u",
    ),
    (
        "84inline",
        "const x : N\n"
        "const A : N, M\n"
        "const W : N, N\n"
        "param s : M\n"
        "cost C = sum((x[i] - sum(A[i,j]*s[j], j))*W[i,k]*(x[k] - sum(A[k,j]*s[j], j)), i, k)\n",
        "s",
        "−Aᵀ (W + Wᵀ) (x − A s)",
    ),
    (
        "85",
        "const s : N\n"
        "const W : N, N\n"
        "param x : N\n"
        "cost C = sum((x[i] - s[i])*W[i,k]*(x[k] - s[k]), i, k)\n",
        "x",
        "(W + Wᵀ) (x − s)",
    ),
    (
        "85s",
        "const x : N\n"
        "const W : N, N\n"
        "param s : N\n"
        "cost C = sum((x[i] - s[i])*W[i,k]*(x[k] - s[k]), i, k)\n",
        "s",
        "−(W + Wᵀ) (x − s)",
    ),
    (
        "85diag",
        "const s : N\n"
        "const w : N\n"
        "param x : N\n"
        "cost C = sum(w[i]*(x[i] - s[i])^2, i)\n",
        "x",
        "2w ⊙ (x − s)",
    ),
    (
        "90 aXXb",
        "const a : N\n"
        "const b : N\n"
        "param X : N, N\n"
        "cost C = sum(a[i]*X[i,k]*X[k,j]*b[j], i, j, k)\n",
        "X",
        "a bᵀ Xᵀ + Xᵀ a bᵀ",
    ),
    (
        "90 aXXXb",
        "const a : N\n"
        "const b : N\n"
        "param X : N, N\n"
        "cost C = sum(a[i]*X[i,k]*X[k,l]*X[l,j]*b[j], i, j, k, l)\n",
        "X",
        "a bᵀ (X²)ᵀ + Xᵀ a bᵀ Xᵀ + (X²)ᵀ a bᵀ",
    ),
    (
        "92 a'X2'X2b",
        "const a : N\n"
        "const b : N\n"
        "param X : N, N\n"
        "cost C = sum(a[i]*X[k,i]*X[k,m]*X[m,j]*b[j], i, j, k, m)\n",
        "X",
        "X² b aᵀ + X a bᵀ Xᵀ + Xᵀ X a bᵀ",
    ),
    (
        "95 xtAx + btx",
        "const A : N, N\n"
        "const b : N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j], i, j) + sum(b[i]*x[i], i)\n",
        "x",
        "(A + Aᵀ) x + b",
    ),
    (
        "99 Tr X",
        "param X : N, N\n"
        "cost C = sum(X[i,i], i)\n",
        "X",
        "I",
    ),
    (
        "100 Tr XA",
        "const A : M, N\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*A[j,i], i, j)\n",
        "X",
        "Aᵀ",
    ),
    (
        "101 Tr AXB",
        "const A : P, N\n"
        "const B : M, P\n"
        "param X : N, M\n"
        "cost C = sum(A[p,i]*X[i,j]*B[j,p], p, i, j)\n",
        "X",
        "Aᵀ Bᵀ",
    ),
    (
        "102 Tr AX'B",
        "const A : P, M\n"
        "const B : N, P\n"
        "param X : N, M\n"
        "cost C = sum(A[p,j]*X[i,j]*B[i,p], p, i, j)\n",
        "X",
        "B A",
    ),
    (
        "103 Tr X'A",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*A[i,j], i, j)\n",
        "X",
        "A",
    ),
    (
        "105 Tr A kron X",
        "const A : M, M\n"
        "param X : N, N\n"
        "cost C = sum(A[m,m], m)*sum(X[n,n], n)\n",
        "X",
        "tr(A) I",
    ),
    (
        "106 Tr X2",
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,i], i, j)\n",
        "X",
        "2Xᵀ",
    ),
    (
        "107 Tr X2B",
        "const B : N, N\n"
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,k]*B[k,i], i, j, k)\n",
        "X",
        "(X B + B X)ᵀ",
    ),
    (
        "109 Tr BXX'",
        "const B : N, N\n"
        "param X : N, M\n"
        "cost C = sum(B[k,l]*X[l,i]*X[k,i], i, k, l)\n",
        "X",
        "(B + Bᵀ) X",
    ),
    (
        "113 Tr XBX'",
        "const B : M, M\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*B[j,k]*X[i,k], i, j, k)\n",
        "X",
        "X (B + Bᵀ)",
    ),
    (
        "114 Tr AXBX",
        "const A : M, N\n"
        "const B : M, N\n"
        "param X : N, M\n"
        "cost C = sum(A[p,i]*X[i,j]*B[j,k]*X[k,p], p, i, j, k)\n",
        "X",
        "(B X A + A X B)ᵀ",
    ),
    (
        "115 Tr X'X",
        "param X : N, M\n"
        "cost C = sum(X[i,j]^2, i, j)\n",
        "X",
        "2X",
    ),
    (
        "116 Tr BX'XB",
        "const B : M, P\n"
        "param X : N, M\n"
        "cost C = sum(B[j,p]*X[i,j]*X[i,k]*B[k,p], i, j, k, p)\n",
        "X",
        "2X B Bᵀ",
    ),
    (
        "117 Tr X'BXC",
        "const B : N, N\n"
        "const E : M, M\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*B[i,k]*X[k,l]*E[l,j], i, j, k, l)\n",
        "X",
        "B X E + Bᵀ X Eᵀ",
    ),
    (
        "118 Tr AXBX'C",
        "const A : P, N\n"
        "const B : M, M\n"
        "const E : N, P\n"
        "param X : N, M\n"
        "cost C = sum(A[p,i]*X[i,j]*B[j,k]*X[l,k]*E[l,p], p, i, j, k, l)\n",
        "X",
        "Aᵀ Eᵀ X Bᵀ + E A X B",
    ),
    (
        "119 Tr (AXB+C)(AXB+C)'",
        "const A : P, N\n"
        "const B : M, Q\n"
        "const E : P, Q\n"
        "param X : N, M\n"
        "cost C = sum((sum(A[p,i]*X[i,j]*B[j,q], i, j) + E[p,q])^2, p, q)\n",
        "X",
        "2Aᵀ (A X B + E) Bᵀ",
    ),
    (
        "119v",
        "const A : P, N\n"
        "const B : M, Q\n"
        "const E : P, Q\n"
        "param X : N, M\n"
        "R[p,q] = sum(A[p,i]*X[i,j]*B[j,q], i, j) + E[p,q]\n"
        "cost C = sum(R[p,q]^2, p, q)\n",
        "X",
        "Aᵀ (∂C/∂R) Bᵀ",
    ),
    (
        "120 Tr X kron X",
        "param X : N, N\n"
        "cost C = sum(X[m,m], m)*sum(X[n,n], n)\n",
        "X",
        "2 tr(X) I",
    ),
    (
        "120b",
        "param X : N, N\n"
        "cost C = sum(X[m,m], m)^2\n",
        "X",
        "2 tr(X) I",
    ),
    (
        "121 Tr X^3",
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,k]*X[k,i], i, j, k)\n",
        "X",
        "3(X²)ᵀ",
    ),
    (
        "121 Tr X^4",
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,k]*X[k,l]*X[l,i], i, j, k, l)\n",
        "X",
        "4(X³)ᵀ",
    ),
    (
        "122 Tr AX^3",
        "const A : N, N\n"
        "param X : N, N\n"
        "cost C = sum(A[l,i]*X[i,j]*X[j,k]*X[k,l], i, j, k, l)\n",
        "X",
        "(X² A + X A X + A X²)ᵀ",
    ),
    (
        "123 Tr B'X'CXX'CXB",
        "const B : M, P\n"
        "const E : N, N\n"
        "param X : N, M\n"
        "cost C = sum(B[a,p]*X[i,a]*E[i,j]*X[j,b]*X[k,b]*E[k,l]*X[l,d]*B[d,p], p, i, j, k, l, a, b, d)\n",
        "X",
        "E X Xᵀ E X B Bᵀ + Eᵀ X B Bᵀ Xᵀ Eᵀ X + E X B Bᵀ Xᵀ E X + Eᵀ X Xᵀ Eᵀ X B Bᵀ",
    ),
    (
        "129 |x-a|",
        "const a : N\n"
        "param x : N\n"
        "cost C = sqrt(sum((x[i] - a[i])^2, i))\n",
        "x",
        "(x − a)/‖x − a‖₂",
    ),
    (
        "130 (x-a)/|x-a| . c",
        "const a : N\n"
        "const c : N\n"
        "param x : N\n"
        "cost C = sum(c[i]*(x[i] - a[i]), i)/sqrt(sum((x[i] - a[i])^2, i))\n",
        "x",
        "c/‖x − a‖₂ − (cᵀ (x − a)) (x − a)/‖x − a‖₂³",
    ),
    (
        "131 |x|^2",
        "param x : N\n"
        "cost C = sum(x[i]*x[i], i)\n",
        "x",
        "2x",
    ),
    (
        "132 |X|F",
        "param X : N, M\n"
        "cost C = sqrt(sum(X[i,j]^2, i, j))\n",
        "X",
        "X/‖X‖_F",
    ),
    (
        "141ish Tr(XoX)",
        "param X : N, N\n"
        "cost C = sum(X[i,i]^2, i)\n",
        "X",
        "2X ⊙ I",
    ),
]
"""(number of the equation, model, variable, the form as it is printed)."""

BEYOND: list[tuple[str, str, str, str]] = [
    (
        "a'(XoX)b",
        "const a : N\n"
        "const b : M\n"
        "param X : N, M\n"
        "cost C = sum(a[i]*X[i,j]^2*b[j], i, j)\n",
        "X",
        "2 diag(a) X diag(b)",
    ),
    (
        "a'(XoY)b",
        "const a : N\n"
        "const b : M\n"
        "const Y : N, M\n"
        "param X : N, M\n"
        "cost C = sum(a[i]*X[i,j]*Y[i,j]*b[j], i, j)\n",
        "X",
        "diag(a) Y diag(b)",
    ),
    (
        "logreg",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "z[n] = sum(X[n,d]*w[d], d)\n"
        "cost C = sum(softplus(z[n]) - y[n]*z[n], n)\n",
        "w",
        "Xᵀ ∂C/∂z",
    ),
    (
        "logreg inline",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum(softplus(sum(X[n,d]*w[d], d)) - y[n]*sum(X[n,d]*w[d], d), n)\n",
        "w",
        "Xᵀ (sigmoid(X w) − y)",
    ),
    (
        "lsq",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum((sum(X[n,d]*w[d], d) - y[n])^2, n)/2\n",
        "w",
        "Xᵀ (X w − y)",
    ),
    (
        "lsq mean",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum((y[n] - sum(X[n,d]*w[d], d))^2, n)/N\n",
        "w",
        "−(2/N) Xᵀ (y − X w)",
    ),
    (
        "ridge",
        "const X : N, D\n"
        "const y : N\n"
        "const lam\n"
        "param w : D\n"
        "cost C = sum((sum(X[n,d]*w[d], d) - y[n])^2, n) + lam*sum(w[d]^2, d)\n",
        "w",
        "2(Xᵀ (X w − y) + lam w)",
    ),
    (
        "wls",
        "const X : N, D\n"
        "const y : N\n"
        "const r : N\n"
        "param w : D\n"
        "cost C = sum(r[n]*(sum(X[n,d]*w[d], d) - y[n])^2, n)\n",
        "w",
        "2Xᵀ (r ⊙ (X w − y))",
    ),
    (
        "lse",
        "const a : N, D\n"
        "param x : D\n"
        "cost C = logsumexp(sum(a[n,d]*x[d], d), n)\n",
        "x",
        "aᵀ softmax(a x)",
    ),
    (
        "lse2",
        "const A : N, D\n"
        "const b : N\n"
        "param x : D\n"
        "cost C = log(sum(exp(sum(A[n,d]*x[d], d) + b[n]), n))\n",
        "x",
        "Aᵀ softmax(A x + b)",
    ),
    (
        "softmaxreg",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "S[n,k] = sum(X[n,d]*W[d,k], d)\n"
        "cost C = sum(logsumexp(S[n,k], k), n) - sum(Y[n,k]*S[n,k], n, k)\n",
        "W",
        "Xᵀ ∂C/∂S",
    ),
    (
        "diag(a)X",
        "const a : N\n"
        "const B : M, N\n"
        "param X : N, M\n"
        "cost C = sum(a[i]*X[i,j]*B[j,i], i, j)\n",
        "X",
        "diag(a) Bᵀ",
    ),
    (
        "d/da Tr diag(a) XB",
        "const X : N, M\n"
        "const B : M, N\n"
        "param a : N\n"
        "cost C = sum(a[i]*X[i,j]*B[j,i], i, j)\n",
        "a",
        "diag(X B)",
    ),
    (
        "Rayleigh",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j], i, j)/sum(x[i]^2, i)\n",
        "x",
        "(A + Aᵀ) x/‖x‖₂² − 2(xᵀ A x) x/‖x‖₂⁴",
    ),
    (
        "x'A x ^2",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j], i, j)^2\n",
        "x",
        "2(xᵀ A x) (A + Aᵀ) x",
    ),
    (
        "mf",
        "const Y : N, M\n"
        "param U : N, K\n"
        "param V : M, K\n"
        "cost C = sum((Y[n,m] - sum(U[n,k]*V[m,k], k))^2, n, m)\n",
        "U",
        "−2(Y − U Vᵀ) V",
    ),
    (
        "mfV",
        "const Y : N, M\n"
        "param U : N, K\n"
        "param V : M, K\n"
        "cost C = sum((Y[n,m] - sum(U[n,k]*V[m,k], k))^2, n, m)\n",
        "V",
        "−2(Y − U Vᵀ)ᵀ U",
    ),
    (
        "tanh net",
        "const X : N, D\n"
        "const y : N\n"
        "param W : H, D\n"
        "param v : H\n"
        "h[n,k] = tanh(sum(W[k,d]*X[n,d], d))\n"
        "cost C = sum((sum(h[n,k]*v[k], k) - y[n])^2, n)\n",
        "W",
        "((∂C/∂h) ⊙ (1 − h ⊙ h))ᵀ X",
    ),
    (
        "gram",
        "const K : M, M\n"
        "param X : N, M\n"
        "cost C = sum((sum(X[n,i]*X[n,j], n) - K[i,j])^2, i, j)\n",
        "X",
        "2X (2Xᵀ X − K − Kᵀ)",
    ),
    (
        "exp quad",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = exp(-sum(x[i]*A[i,j]*x[j], i, j)/2)\n",
        "x",
        "−½ exp(−xᵀ A x/2) (A + Aᵀ) x",
    ),
    (
        "sum Wx",
        "const W : M, N\n"
        "param x : N\n"
        "cost C = sum(W[i,j]*x[j], i, j)\n",
        "x",
        "Wᵀ 𝟏",
    ),
    (
        "sum WxW",
        "const x : N\n"
        "param W : M, N\n"
        "cost C = sum(W[i,j]*x[j], i, j)\n",
        "W",
        "𝟏 xᵀ",
    ),
    (
        "bias mat",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "param b : K\n"
        "Z[n,k] = sum(X[n,d]*W[d,k], d) + b[k]\n"
        "cost C = sum((Z[n,k] - Y[n,k])^2, n, k)\n",
        "b",
        "(∂C/∂Z)ᵀ 𝟏",
    ),
    (
        "bias matW",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "param b : K\n"
        "cost C = sum((sum(X[n,d]*W[d,k], d) + b[k] - Y[n,k])^2, n, k)\n",
        "W",
        "2Xᵀ (X W + 𝟏 bᵀ − Y)",
    ),
    (
        "bias matb",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "param b : K\n"
        "cost C = sum((sum(X[n,d]*W[d,k], d) + b[k] - Y[n,k])^2, n, k)\n",
        "b",
        "2(Wᵀ Xᵀ 𝟏 + N b − Yᵀ 𝟏)",
    ),
    (
        "fro AX-B",
        "const A : P, N\n"
        "const B : P, M\n"
        "param X : N, M\n"
        "cost C = sum((sum(A[p,i]*X[i,j], i) - B[p,j])^2, p, j)\n",
        "X",
        "2Aᵀ (A X − B)",
    ),
    (
        "nuc/cos",
        "const y : N\n"
        "param x : N\n"
        "cost C = sum(x[i]*y[i], i)/(sqrt(sum(x[i]^2, i))*sqrt(sum(y[i]^2, i)))\n",
        "x",
        "y/(‖x‖₂ ‖y‖₂) − (xᵀ y) x/(‖y‖₂ ‖x‖₂³)",
    ),
    (
        "sqrt fro",
        "const A : P, N\n"
        "const B : P, M\n"
        "param X : N, M\n"
        "cost C = sqrt(sum((sum(A[p,i]*X[i,j], i) - B[p,j])^2, p, j))\n",
        "X",
        "Aᵀ (A X − B)/‖A X − B‖_F",
    ),
    (
        "centered",
        "param x : N\n"
        "cost C = sum((x[i] - mean(x[j], j))^2, i)\n",
        "x",
        "2(x − sum(x)/N)",
    ),
    (
        "a'x b'x",
        "const a : N\n"
        "const b : N\n"
        "param x : N\n"
        "cost C = sum(a[i]*x[i], i)*sum(b[i]*x[i], i)\n",
        "x",
        "(bᵀ x) a + (aᵀ x) b",
    ),
    (
        "a'x^3",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum(a[i]*x[i], i)^3\n",
        "x",
        "3(aᵀ x)² a",
    ),
    (
        "|x|^4",
        "param x : N\n"
        "cost C = sum(x[i]^2, i)^2\n",
        "x",
        "4‖x‖₂² x",
    ),
    (
        "xlogx",
        "param x : N\n"
        "cost C = sum(x[i]*log(x[i]), i)\n",
        "x",
        "log(x) + 1",
    ),
    (
        "huberish",
        "const A : M, N\n"
        "const b : M\n"
        "param x : N\n"
        "cost C = sum(sqrt(1 + (sum(A[m,n]*x[n], n) - b[m])^2), m)\n",
        "x",
        "Aᵀ ((A x − b)/√(1 + (A x − b)²))",
    ),
    (
        "Tr diag(x)A diag(x) B",
        "const A : N, N\n"
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j]*B[j,i], i, j)\n",
        "x",
        "(A ⊙ Bᵀ + Aᵀ ⊙ B) x",
    ),
    (
        "poisson",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum(exp(sum(X[n,d]*w[d], d)) - y[n]*sum(X[n,d]*w[d], d), n)\n",
        "w",
        "Xᵀ (exp(X w) − y)",
    ),
    (
        "svm sq",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum(relu(1 - y[n]*sum(X[n,d]*w[d], d))^2, n)\n",
        "w",
        "−2Xᵀ (relu(1 − y ⊙ (X w)) ⊙ relu′(1 − y ⊙ (X w)) ⊙ y)",
    ),
    (
        "bilinear X both",
        "const A : N, M\n"
        "param x : N\n"
        "param y : M\n"
        "cost C = sum(x[i]*A[i,j]*y[j], i, j)\n",
        "y",
        "Aᵀ x",
    ),
    (
        "sum over rows norm",
        "param X : N, M\n"
        "cost C = sum(sqrt(sum(X[i,j]^2, j)), i)\n",
        "X",
        "diag(1/√((X ⊙ X) 𝟏)) X",
    ),
    (
        "sum a_i |x_i|^2",
        "const a : N\n"
        "param X : N, M\n"
        "cost C = sum(a[i]*X[i,j]^2, i, j)\n",
        "X",
        "2 diag(a) X",
    ),
    (
        "a'Xb square",
        "const a : N\n"
        "const b : M\n"
        "const t\n"
        "param X : N, M\n"
        "cost C = (sum(a[i]*X[i,j]*b[j], i, j) - t)^2\n",
        "X",
        "2(aᵀ X b − t) a bᵀ",
    ),
    (
        "weighted fro",
        "const W : N, M\n"
        "const Y : N, M\n"
        "param X : N, M\n"
        "cost C = sum(W[i,j]*(X[i,j] - Y[i,j])^2, i, j)\n",
        "X",
        "2W ⊙ (X − Y)",
    ),
    (
        "x1",
        "param x : N\n"
        "cost C = sum(x[i], i)^2\n",
        "x",
        "2 sum(x) 𝟏",
    ),
    (
        "sum all X",
        "param X : N, M\n"
        "cost C = sum(X[i,j], i, j)\n",
        "X",
        "𝟏 𝟏ᵀ",
    ),
    (
        "diag quad",
        "const A : N, M\n"
        "const B : M, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*B[j,i], i, j)\n",
        "x",
        "diag(A B)",
    ),
    (
        "softmaxvec",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum(a[i]*softmax(x[i], i), i)\n",
        "x",
        "a ⊙ softmax(x) − (aᵀ softmax(x)) softmax(x)",
    ),
    (
        "softmax ce",
        "const y : N\n"
        "param x : N\n"
        "cost C = -sum(y[i]*log(softmax(x[i], i)), i)\n",
        "x",
        "sum(y) softmax(x) − y",
    ),
]

FURTHER: list[tuple[str, str, str, str]] = [
    (
        "xBx order",
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[j]*sum(x[k]*B[k,j], k), j)\n",
        "x",
        "(B + Bᵀ) x",
    ),
    (
        "half quad sym-form",
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*(B[i,j] + B[j,i])*x[j], i, j)/2\n",
        "x",
        "(B + Bᵀ) x",
    ),
    (
        "xAAx long",
        "const A : M, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[m,i]*A[m,j]*x[j], i, j, m)\n",
        "x",
        "2Aᵀ A x",
    ),
    (
        "xAAx A",
        "const x : N\n"
        "param A : M, N\n"
        "cost C = sum(x[i]*A[m,i]*A[m,j]*x[j], i, j, m)\n",
        "A",
        "2A x xᵀ",
    ),
    (
        "Ax=b weighted",
        "const A : M, N\n"
        "const b : M\n"
        "const W : M, M\n"
        "param x : N\n"
        "r[m] = sum(A[m,i]*x[i], i) - b[m]\n"
        "cost C = sum(r[p]*W[p,q]*r[q], p, q)/2\n",
        "x",
        "Aᵀ ∂C/∂r",
    ),
    (
        "Ax-b norm",
        "const A : M, N\n"
        "const b : M\n"
        "param x : N\n"
        "cost C = sqrt(sum((sum(A[m,i]*x[i], i) - b[m])^2, m))\n",
        "x",
        "Aᵀ (A x − b)/‖A x − b‖₂",
    ),
    (
        "norm sum",
        "const A : M, N\n"
        "param x : N\n"
        "cost C = sum(sqrt(sum((x[i] - A[m,i])^2, i)), m)\n",
        "x",
        "(𝟏 xᵀ − A)ᵀ · (1/√((𝟏 xᵀ − A)^{⊙2} 𝟏))",
    ),
    (
        "norm sum A",
        "const x : N\n"
        "param A : M, N\n"
        "cost C = sum(sqrt(sum((x[i] - A[m,i])^2, i)), m)\n",
        "A",
        "diag(1/√((𝟏 xᵀ − A)^{⊙2} 𝟏)) (A − 𝟏 xᵀ)",
    ),
    (
        "XX' fro",
        "param X : N, M\n"
        "cost C = sum(sum(X[i,k]*X[j,k], k)^2, i, j)\n",
        "X",
        "4X Xᵀ X",
    ),
    (
        "X'X fro",
        "param X : N, M\n"
        "cost C = sum(sum(X[k,i]*X[k,j], k)^2, i, j)\n",
        "X",
        "4X Xᵀ X",
    ),
    (
        "XX'-A",
        "const A : N, N\n"
        "param X : N, M\n"
        "cost C = sum((A[i,j] - sum(X[i,k]*X[j,k], k))^2, i, j)/4\n",
        "X",
        "−½ (A + Aᵀ − 2X Xᵀ) X",
    ),
    (
        "trX'CXX'CX",
        "const D : N, N\n"
        "param X : N, M\n"
        "cost C = sum(X[a,b]*D[a,c]*X[c,d]*X[e,d]*D[e,f]*X[f,b], a, b, c, d, e, f)\n",
        "X",
        "2(D X Xᵀ D + Dᵀ X Xᵀ Dᵀ) X",
    ),
    (
        "tr X'CX fro",
        "const D : N, N\n"
        "param X : N, M\n"
        "G[p,q] = sum(X[a,p]*D[a,b]*X[b,q], a, b)\n"
        "cost C = sum(G[p,q]^2, p, q)\n",
        "X",
        "D X (∂C/∂G)ᵀ + Dᵀ X ∂C/∂G",
    ),
    (
        "tr X2 X'",
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,k]*X[i,k], i, j, k)\n",
        "X",
        "X (X + Xᵀ) + Xᵀ X",
    ),
    (
        "tr XX'XX'",
        "param X : N, M\n"
        "cost C = sum(X[i,j]*X[k,j]*X[k,l]*X[i,l], i, j, k, l)\n",
        "X",
        "4X Xᵀ X",
    ),
    (
        "b'X'Xb",
        "const b : M\n"
        "param X : N, M\n"
        "cost C = sum(sum(X[i,j]*b[j], j)^2, i)\n",
        "X",
        "2X b bᵀ",
    ),
    (
        "a'XX'a",
        "const a : N\n"
        "param X : N, M\n"
        "cost C = sum(sum(X[i,j]*a[i], i)^2, j)\n",
        "X",
        "2a aᵀ X",
    ),
    (
        "a'XX'b nested",
        "const a : N\n"
        "const b : N\n"
        "param X : N, M\n"
        "cost C = sum(sum(a[i]*X[i,j], i)*sum(X[i,j]*b[i], i), j)\n",
        "X",
        "(a bᵀ + b aᵀ) X",
    ),
    (
        "a'XYX'b",
        "const a : N\n"
        "const b : N\n"
        "const Y : M, M\n"
        "param X : N, M\n"
        "cost C = sum(sum(a[i]*X[i,j], i)*Y[j,k]*sum(X[l,k]*b[l], l), j, k)\n",
        "X",
        "a bᵀ X Yᵀ + b aᵀ X Y",
    ),
    (
        "AXB el",
        "const A : P, N\n"
        "const B : M, Q\n"
        "const Y : P, Q\n"
        "param X : N, M\n"
        "Z[p,q] = sum(A[p,i]*sum(X[i,j]*B[j,q], j), i)\n"
        "cost C = sum((Z[p,q] - Y[p,q])^2, p, q)/2\n",
        "X",
        "Aᵀ (∂C/∂Z) Bᵀ",
    ),
    (
        "AXB norm",
        "const A : P, N\n"
        "const B : M, Q\n"
        "const Y : P, Q\n"
        "param X : N, M\n"
        "cost C = sqrt(sum((sum(A[p,i]*sum(X[i,j]*B[j,q], j), i) - Y[p,q])^2, p, q))\n",
        "X",
        "Aᵀ (A X B − Y) Bᵀ/‖A X B − Y‖_F",
    ),
    (
        "AX+XB (sylv)",
        "const A : N, N\n"
        "const B : M, M\n"
        "const D : N, M\n"
        "param X : N, M\n"
        "cost C = sum((sum(A[i,k]*X[k,j], k) + sum(X[i,l]*B[l,j], l) - D[i,j])^2, i, j)/2\n",
        "X",
        "Aᵀ (A X + X B − D) + (A X + X B − D) Bᵀ",
    ),
    (
        "1'X1",
        "param X : N, M\n"
        "cost C = sum(sum(X[i,j], i)^2, j)\n",
        "X",
        "2𝟏 𝟏ᵀ X",
    ),
    (
        "tr(X)^2",
        "param X : N, N\n"
        "cost C = sum(X[i,i], i)^2/2\n",
        "X",
        "tr(X) I",
    ),
    (
        "tr(AX)^2",
        "const A : M, N\n"
        "param X : N, M\n"
        "cost C = sum(A[j,i]*X[i,j], i, j)^2\n",
        "X",
        "2 tr(A X) Aᵀ",
    ),
    (
        "tr(AX) tr(BX)",
        "const A : M, N\n"
        "const B : M, N\n"
        "param X : N, M\n"
        "cost C = sum(A[j,i]*X[i,j], i, j)*sum(X[k,l]*B[l,k], k, l)\n",
        "X",
        "tr(B X) Aᵀ + tr(A X) Bᵀ",
    ),
    (
        "tr(X'X)/tr(X)",
        "param X : N, N\n"
        "cost C = sum(X[i,j]^2, i, j)/sum(X[i,i], i)\n",
        "X",
        "2X/tr(X) − ‖X‖_F² I/tr(X)²",
    ),
    (
        "exp tr AX",
        "const A : M, N\n"
        "param X : N, M\n"
        "cost C = exp(sum(A[j,i]*X[i,j], i, j))\n",
        "X",
        "exp(tr(A X)) Aᵀ",
    ),
    (
        "fro^4",
        "param X : N, M\n"
        "cost C = sum(X[i,j]*X[i,j], i, j)^2\n",
        "X",
        "4‖X‖_F² X",
    ),
    (
        "log fro",
        "param X : N, M\n"
        "cost C = log(sum(X[i,j]^2, i, j))\n",
        "X",
        "2X/‖X‖_F²",
    ),
    (
        "1/norm",
        "param x : N\n"
        "cost C = 1/sqrt(sum(x[i]^2, i))\n",
        "x",
        "−x/‖x‖₂³",
    ),
    (
        "gauss",
        "const a : N\n"
        "param x : N\n"
        "cost C = exp(-sum((x[i] - a[i])^2, i)/2)\n",
        "x",
        "exp(−‖x − a‖₂²/2) (a − x)",
    ),
    (
        "gauss W",
        "const a : N\n"
        "const W : N, N\n"
        "param x : N\n"
        "cost C = exp(-sum((x[i] - a[i])*W[i,j]*(x[j] - a[j]), i, j)/2)\n",
        "x",
        "−½ exp(−(x − a)ᵀ W (x − a)/2) (W + Wᵀ) (x − a)",
    ),
    (
        "log1p",
        "const a : N\n"
        "param x : N\n"
        "cost C = log(1 + sum((x[i] - a[i])^2, i))\n",
        "x",
        "2(x − a)/(1 + ‖x − a‖₂²)",
    ),
    (
        "diag(a)X fro",
        "const a : N\n"
        "param X : N, M\n"
        "cost C = sum((a[i]*X[i,j])^2, i, j)\n",
        "X",
        "2 diag(a²) X",
    ),
    (
        "diag(a)X fro a",
        "const X : N, M\n"
        "param a : N\n"
        "cost C = sum((a[i]*X[i,j])^2, i, j)\n",
        "a",
        "2((X ⊙ X) 𝟏) ⊙ a",
    ),
    (
        "diag(a)Xb",
        "const X : N, M\n"
        "const b : M\n"
        "param a : N\n"
        "cost C = sum((a[i]*sum(X[i,j]*b[j], j))^2, i)\n",
        "a",
        "2a ⊙ (X b)²",
    ),
    (
        "A diag(x) b",
        "const A : M, N\n"
        "const b : N\n"
        "param x : N\n"
        "cost C = sum(sum(A[m,i]*x[i]*b[i], i)^2, m)\n",
        "x",
        "2(Aᵀ A (x ⊙ b)) ⊙ b",
    ),
    (
        "A diag x A'",
        "const A : M, N\n"
        "const S : M, M\n"
        "param x : N\n"
        "cost C = sum((sum(A[m,i]*x[i]*A[k,i], i) - S[m,k])^2, m, k)/2\n",
        "x",
        "diag(Aᵀ (A diag(x) Aᵀ − S) A)",
    ),
    (
        "xx' fro",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum((x[i]*x[j] - A[i,j])^2, i, j)\n",
        "x",
        "2(2x xᵀ − A − Aᵀ) x",
    ),
    (
        "uv' fro",
        "const A : N, M\n"
        "const v : M\n"
        "param u : N\n"
        "cost C = sum((A[i,j] - u[i]*v[j])^2, i, j)\n",
        "u",
        "−2(A − u vᵀ) v",
    ),
    (
        "X^2 had",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(A[i,j]*X[i,j]^3, i, j)\n",
        "X",
        "3A ⊙ X ⊙ X",
    ),
    (
        "X/A",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]/A[i,j], i, j)\n",
        "X",
        "1/A",
    ),
    (
        "KL",
        "const p : N\n"
        "param q : N\n"
        "cost C = sum(p[i]*log(p[i]/q[i]), i)\n",
        "q",
        "−p/q",
    ),
    (
        "gKL mat",
        "const V : N, M\n"
        "const W : N, K\n"
        "param H : K, M\n"
        "cost C = sum(sum(W[i,k]*H[k,j], k) - V[i,j]*log(sum(W[i,k]*H[k,j], k)), i, j)\n",
        "H",
        "Wᵀ (𝟏 𝟏ᵀ − V/(W H))",
    ),
    (
        "lse rows",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(logsumexp(X[i,j], j), i) - sum(A[i,j]*X[i,j], i, j)\n",
        "X",
        "softmax(X) − A",
    ),
    (
        "lse cols",
        "param X : N, M\n"
        "cost C = sum(logsumexp(X[i,j], i), j)\n",
        "X",
        "softmax(Xᵀ)ᵀ",
    ),
    (
        "lse XW",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "cost C = sum(logsumexp(sum(X[n,d]*W[d,k], d), k), n) - sum(Y[n,k]*X[n,d]*W[d,k], n, k, d)\n",
        "W",
        "Xᵀ (softmax(X W) − Y)",
    ),
    (
        "lse WX",
        "const X : D, N\n"
        "param W : K, D\n"
        "cost C = sum(logsumexp(sum(W[k,d]*X[d,n], d), k), n)\n",
        "W",
        "softmax(Xᵀ Wᵀ)ᵀ Xᵀ",
    ),
    (
        "lse temp",
        "const t\n"
        "param x : N\n"
        "cost C = t*logsumexp(x[i]/t, i)\n",
        "x",
        "softmax(x/t)",
    ),
    (
        "softmax sq",
        "const y : N\n"
        "param x : N\n"
        "p[i] = softmax(x[i], i)\n"
        "cost C = sum((p[i] - y[i])^2, i)\n",
        "x",
        "(∂C/∂p) ⊙ p − ((∂C/∂p)ᵀ p) p",
    ),
    (
        "softmax sq inl",
        "const y : N\n"
        "param x : N\n"
        "cost C = sum((softmax(x[i], i) - y[i])^2, i)\n",
        "x",
        "2((softmax(x) − y) ⊙ softmax(x) − ((softmax(x) − y)ᵀ softmax(x)) softmax(x))",
    ),
    (
        "attention-ish",
        "const K : N, D\n"
        "const v : N\n"
        "param q : D\n"
        "cost C = sum(softmax(sum(K[n,d]*q[d], d), n)*v[n], n)\n",
        "q",
        "Kᵀ (softmax(K q) ⊙ v − (softmax(K q)ᵀ v) softmax(K q))",
    ),
    (
        "elementwise sin(Ax)",
        "const A : M, N\n"
        "param x : N\n"
        "cost C = sum(sin(sum(A[m,i]*x[i], i)), m)\n",
        "x",
        "Aᵀ cos(A x)",
    ),
    (
        "b'exp(Ax)",
        "const A : M, N\n"
        "const b : M\n"
        "param x : N\n"
        "cost C = sum(b[m]*exp(sum(A[m,i]*x[i], i)), m)\n",
        "x",
        "Aᵀ (b ⊙ exp(A x))",
    ),
    (
        "tanh(XW)",
        "const X : N, D\n"
        "const Y : N, K\n"
        "param W : D, K\n"
        "cost C = sum((tanh(sum(X[n,d]*W[d,k], d)) - Y[n,k])^2, n, k)/2\n",
        "W",
        "Xᵀ ((tanh(X W) − Y) ⊙ (1 − tanh²(X W)))",
    ),
    (
        "sigm WX+b1'",
        "const X : D, N\n"
        "param W : K, D\n"
        "param b : K\n"
        "cost C = sum(sigmoid(sum(W[k,d]*X[d,n], d) + b[k]), k, n)\n",
        "b",
        "(sigmoid(W X + b 𝟏ᵀ) ⊙ (1 − sigmoid(W X + b 𝟏ᵀ))) 𝟏",
    ),
    (
        "sigm W",
        "const X : D, N\n"
        "param b : K\n"
        "param W : K, D\n"
        "cost C = sum(sigmoid(sum(W[k,d]*X[d,n], d) + b[k]), k, n)\n",
        "W",
        "(sigmoid(W X + b 𝟏ᵀ) ⊙ (1 − sigmoid(W X + b 𝟏ᵀ))) Xᵀ",
    ),
    (
        "3 quad",
        "const A : N, N\n"
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j], i, j)*sum(x[i]*B[i,j]*x[j], i, j)\n",
        "x",
        "(xᵀ B x) (A + Aᵀ) x + (xᵀ A x) (B + Bᵀ) x",
    ),
    (
        "ratio",
        "const A : N, N\n"
        "const B : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*x[j], i, j)/sum(x[i]*B[i,j]*x[j], i, j)\n",
        "x",
        "(A + Aᵀ) x/(xᵀ B x) − (xᵀ A x) (B + Bᵀ) x/(xᵀ B x)²",
    ),
    (
        "sqrt quad",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sqrt(sum(x[i]*A[i,j]*x[j], i, j))\n",
        "x",
        "(A + Aᵀ) x/(2√(xᵀ A x))",
    ),
    (
        "log quad",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = log(sum(x[i]*A[i,j]*x[j], i, j))\n",
        "x",
        "(A + Aᵀ) x/(xᵀ A x)",
    ),
    (
        "x'ABx",
        "const A : N, M\n"
        "const B : M, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*B[j,k]*x[k], i, j, k)\n",
        "x",
        "(A B + Bᵀ Aᵀ) x",
    ),
    (
        "x'AA'x",
        "const A : N, M\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]*A[k,j]*x[k], i, j, k)/2\n",
        "x",
        "A Aᵀ x",
    ),
    (
        "x'A'BAx",
        "const A : M, N\n"
        "const B : M, M\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[p,i]*B[p,q]*A[q,j]*x[j], i, j, p, q)\n",
        "x",
        "Aᵀ (B + Bᵀ) A x",
    ),
    (
        "tr(AX)+tr(X'X)",
        "const A : M, N\n"
        "const l\n"
        "param X : N, M\n"
        "cost C = sum(A[j,i]*X[i,j], i, j) + l/2*sum(X[i,j]^2, i, j)\n",
        "X",
        "Aᵀ + l X",
    ),
    (
        "tr(X'AX)-2tr(BX)",
        "const A : N, N\n"
        "const B : M, N\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*A[i,k]*X[k,j], i, j, k) - 2*sum(B[j,i]*X[i,j], i, j)\n",
        "X",
        "(A + Aᵀ) X − 2Bᵀ",
    ),
    (
        "tr ABXC",
        "const A : P, Q\n"
        "const B : Q, N\n"
        "const E : M, P\n"
        "param X : N, M\n"
        "cost C = sum(A[p,q]*B[q,i]*X[i,j]*E[j,p], p, q, i, j)\n",
        "X",
        "Bᵀ Aᵀ Eᵀ",
    ),
    (
        "tr wrt A",
        "const X : N, M\n"
        "param A : N, N\n"
        "cost C = sum(X[i,j]*A[i,k]*X[k,j], i, j, k)\n",
        "A",
        "X Xᵀ",
    ),
    (
        "PCA",
        "const X : N, D\n"
        "param W : D, K\n"
        "cost C = sum((X[n,d] - sum(X[n,e]*W[e,k]*W[d,k], e, k))^2, n, d)\n",
        "W",
        "−2(Xᵀ (X − X W Wᵀ) + (X − X W Wᵀ)ᵀ X) W",
    ),
    (
        "PCA lin",
        "const S : D, D\n"
        "param W : D, K\n"
        "cost C = -sum(W[d,k]*S[d,e]*W[e,k], d, e, k)\n",
        "W",
        "−(S + Sᵀ) W",
    ),
    (
        "had both",
        "const A : N, M\n"
        "const B : N, M\n"
        "param X : N, M\n"
        "cost C = sum((A[i,j]*X[i,j] - B[i,j])^2, i, j)\n",
        "X",
        "2(A ⊙ X − B) ⊙ A",
    ),
    (
        "had prod",
        "const A : N, P\n"
        "param X : P, M\n"
        "const B : N, M\n"
        "cost C = sum((B[i,j]*sum(A[i,p]*X[p,j], p))^2, i, j)\n",
        "X",
        "2Aᵀ (B ⊙ B ⊙ (A X))",
    ),
    (
        "masked mf",
        "const Y : N, M\n"
        "const S : N, M\n"
        "const V : M, K\n"
        "param U : N, K\n"
        "cost C = sum(S[n,m]*(Y[n,m] - sum(U[n,k]*V[m,k], k))^2, n, m)\n",
        "U",
        "−2(S ⊙ (Y − U Vᵀ)) V",
    ),
    (
        "A diag(x) B",
        "const A : P, N\n"
        "const B : N, Q\n"
        "param x : N\n"
        "cost C = sum(sum(A[p,i]*x[i]*B[i,q], i)^2, p, q)\n",
        "x",
        "2((Aᵀ A diag(x) B) ⊙ B) 𝟏",
    ),
    (
        "tr A diag(x) B",
        "const A : M, N\n"
        "const B : N, M\n"
        "param x : N\n"
        "cost C = sum(A[m,i]*x[i]*B[i,m], i, m)\n",
        "x",
        "diag(B A)",
    ),
    (
        "tr diag(x) A diag(x) A'",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[i,j]^2*x[j], i, j)\n",
        "x",
        "(A ⊙ A + (A ⊙ A)ᵀ) x",
    ),
    (
        "diag(X)",
        "const a : N\n"
        "param X : N, N\n"
        "cost C = sum(a[i]*X[i,i], i)\n",
        "X",
        "diag(a)",
    ),
    (
        "diag(X) lin",
        "const a : N\n"
        "param X : N, N\n"
        "cost C = sum((X[i,i] - a[i])^2, i)\n",
        "X",
        "2 diag(diag(X) − a)",
    ),
    (
        "diag(AX)",
        "const A : N, M\n"
        "const a : N\n"
        "param X : M, N\n"
        "cost C = sum((sum(A[i,j]*X[j,i], j) - a[i])^2, i)\n",
        "X",
        "2Aᵀ diag(diag(A X) − a)",
    ),
    (
        "offdiag",
        "param X : N, N\n"
        "cost C = sum(X[i,j]^2, i, j) - sum(X[i,i]^2, i)\n",
        "X",
        "2(X − X ⊙ I)",
    ),
    (
        "skew-",
        "param X : N, N\n"
        "cost C = sum((X[i,j] - X[j,i])^2, i, j)/4\n",
        "X",
        "X − Xᵀ",
    ),
    (
        "var",
        "param x : N\n"
        "cost C = sum((x[i] - mean(x[j], j))^2, i)/N\n",
        "x",
        "(2/N) (x − sum(x)/N)",
    ),
    (
        "col centered",
        "param X : N, D\n"
        "cost C = sum((X[n,d] - mean(X[m,d], m))^2, n, d)\n",
        "X",
        "2(X − (1/N) 𝟏 𝟏ᵀ X)",
    ),
    (
        "cov",
        "const S : D, D\n"
        "param X : N, D\n"
        "cost C = sum((sum(X[n,d]*X[n,e], n)/N - S[d,e])^2, d, e)\n",
        "X",
        "(2/N) X ((2/N) Xᵀ X − S − Sᵀ)",
    ),
    (
        "pairwise",
        "param X : N, D\n"
        "cost C = sum(sum((X[n,d] - X[m,d])^2, d), n, m)\n",
        "X",
        "4(N X − 𝟏 𝟏ᵀ X)",
    ),
    (
        "dist to many",
        "const A : M, D\n"
        "param x : D\n"
        "cost C = sum((x[d] - A[m,d])^2, m, d)\n",
        "x",
        "2(M x − Aᵀ 𝟏)",
    ),
    (
        "dist W",
        "const A : M, D\n"
        "const w : M\n"
        "param x : D\n"
        "cost C = sum(w[m]*(x[d] - A[m,d])^2, m, d)\n",
        "x",
        "2(sum(w) x − Aᵀ w)",
    ),
    (
        "kernel sum",
        "const A : M, D\n"
        "const w : M\n"
        "param x : D\n"
        "cost C = sum(w[m]*exp(-sum((x[d] - A[m,d])^2, d)/2), m)\n",
        "x",
        "−(𝟏 xᵀ − A)ᵀ (w ⊙ exp(−½ (𝟏 xᵀ − A)^{⊙2} 𝟏))",
    ),
    (
        "lse gmm",
        "const A : M, D\n"
        "param x : D\n"
        "cost C = logsumexp(-sum((x[d] - A[m,d])^2, d)/2, m)\n",
        "x",
        "Aᵀ softmax(−½ (𝟏 xᵀ − A)^{⊙2} 𝟏) − x",
    ),
    (
        "abs",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = sum(abs(sum(X[n,d]*w[d], d) - y[n]), n)\n",
        "w",
        "Xᵀ sign(X w − y)",
    ),
    (
        "elastic",
        "const X : N, D\n"
        "const y : N\n"
        "const l\n"
        "const r\n"
        "param w : D\n"
        "cost C = sum((sum(X[n,d]*w[d], d) - y[n])^2, n)/2 + l*sum(abs(w[d]), d) + r/2*sum(w[d]^2, d)\n",
        "w",
        "Xᵀ (X w − y) + l sign(w) + r w",
    ),
    (
        "p norm",
        "param x : N\n"
        "cost C = sum(x[i]^4, i)^(1/4)\n",
        "x",
        "x³/sum(x⁴)^¾",
    ),
    (
        "p norm3",
        "const A : M, N\n"
        "param x : N\n"
        "cost C = sum(sum(A[m,i]*x[i], i)^3, m)\n",
        "x",
        "3Aᵀ (A x)²",
    ),
    (
        "2layer inline",
        "const x : N\n"
        "const v : H\n"
        "const W : P, N\n"
        "param V : H, P\n"
        "cost C = sum(v[h]*tanh(sum(V[h,p]*tanh(sum(W[p,i]*x[i], i)), p)), h)\n",
        "V",
        "(v ⊙ (1 − tanh²(V tanh(W x)))) tanh(W x)ᵀ",
    ),
    (
        "2layer inline W",
        "const x : N\n"
        "const v : H\n"
        "const V : H, P\n"
        "param W : P, N\n"
        "cost C = sum(v[h]*tanh(sum(V[h,p]*tanh(sum(W[p,i]*x[i], i)), p)), h)\n",
        "W",
        "((Vᵀ (v ⊙ (1 − tanh²(V tanh(W x))))) ⊙ (1 − tanh²(W x))) xᵀ",
    ),
    (
        "entropy softmax",
        "param x : N\n"
        "p[i] = softmax(x[i], i)\n"
        "cost C = -sum(p[i]*log(p[i]), i)\n",
        "x",
        "(pᵀ log(softmax(x))) p − log(softmax(x)) ⊙ p",
    ),
    (
        "softmax rows lin",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(A[i,j]*softmax(X[i,j], j), i, j)\n",
        "X",
        "A ⊙ softmax(X) − diag((A ⊙ softmax(X)) 𝟏) softmax(X)",
    ),
    (
        "softmax cols lin",
        "const A : N, M\n"
        "param X : N, M\n"
        "cost C = sum(A[i,j]*softmax(X[i,j], i), i, j)\n",
        "X",
        "A ⊙ softmax(Xᵀ)ᵀ − softmax(Xᵀ)ᵀ diag((Aᵀ ⊙ softmax(Xᵀ)) 𝟏)",
    ),
    (
        "unit vec resid",
        "const a : N\n"
        "param x : N\n"
        "u[i] = x[i]/sqrt(sum(x[j]^2, j))\n"
        "cost C = sum((u[i] - a[i])^2, i)\n",
        "x",
        "(∂C/∂u − ((∂C/∂u)ᵀ u) u)/‖x‖₂",
    ),
    (
        "AXBXC",
        "const A : P, N\n"
        "const B : M, N\n"
        "const E : M, P\n"
        "param X : N, M\n"
        "cost C = sum(A[p,i]*X[i,j]*B[j,k]*X[k,l]*E[l,p], p, i, j, k, l)\n",
        "X",
        "(B X E A + E A X B)ᵀ",
    ),
    (
        "geometric",
        "const A : N, N\n"
        "const b : N\n"
        "param x : N\n"
        "cost C = sum((sum(A[i,j]*x[j], j) + b[i])*(sum(A[i,j]*x[j], j) - b[i]), i)\n",
        "x",
        "2Aᵀ A x",
    ),
    (
        "Axx b",
        "const A : N, N\n"
        "const b : N\n"
        "param x : N\n"
        "cost C = sum(b[i]*x[i]*A[i,j]*x[j], i, j)\n",
        "x",
        "(A x) ⊙ b + Aᵀ (b ⊙ x)",
    ),
    (
        "sum prod",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum(x[i], i)*sum(a[j]*x[j], j)\n",
        "x",
        "(aᵀ x) 𝟏 + sum(x) a",
    ),
    (
        "mean X",
        "param X : N, M\n"
        "cost C = mean(X[i,j], i, j)^2\n",
        "X",
        "(2/(N² M²)) sum(X) 𝟏 𝟏ᵀ",
    ),
    (
        "log det-free trace",
        "const A : N, N\n"
        "param X : N, N\n"
        "cost C = log(sum(A[i,j]*X[j,k]*X[k,i], i, j, k))\n",
        "X",
        "(X A + A X)ᵀ/tr(X A X)",
    ),
    (
        "tr X'AX X'BX",
        "const A : N, N\n"
        "const B : N, N\n"
        "param X : N, M\n"
        "cost C = sum(X[a,p]*A[a,b]*X[b,q]*X[c,q]*B[c,e]*X[e,p], a, b, c, e, p, q)\n",
        "X",
        "(A X Xᵀ B + Bᵀ X Xᵀ Aᵀ + B X Xᵀ A + Aᵀ X Xᵀ Bᵀ) X",
    ),
    (
        "tr X'AX tr",
        "const A : N, N\n"
        "param X : N, M\n"
        "cost C = sum(X[a,p]*A[a,b]*X[b,p], a, b, p)^2\n",
        "X",
        "2 tr(Xᵀ A X) (A + Aᵀ) X",
    ),
    (
        "quotient of traces",
        "const A : N, N\n"
        "const B : N, N\n"
        "param X : N, M\n"
        "cost C = sum(X[a,p]*A[a,b]*X[b,p], a, b, p)/sum(X[a,p]*B[a,b]*X[b,p], a, b, p)\n",
        "X",
        "(A + Aᵀ) X/tr(Xᵀ B X) − tr(Xᵀ A X) (B + Bᵀ) X/tr(Xᵀ B X)²",
    ),
    (
        "AXb-c weighted",
        "const A : P, N\n"
        "const b : M\n"
        "const c : P\n"
        "param X : N, M\n"
        "cost C = sum((sum(A[p,i]*sum(X[i,j]*b[j], j), i) - c[p])^2, p)/2\n",
        "X",
        "Aᵀ (A X b − c) bᵀ",
    ),
    (
        "b wrt quad",
        "const X : N, M\n"
        "const c : N\n"
        "const D : N, N\n"
        "param b : M\n"
        "cost C = sum((sum(X[i,j]*b[j], j) + c[i])*D[i,k]*(sum(X[k,l]*b[l], l) + c[k]), i, k)\n",
        "b",
        "Xᵀ (D + Dᵀ) (X b + c)",
    ),
    (
        "mult w,l same",
        "const l\n"
        "const r\n"
        "param w : N\n"
        "cost C = l*sum(w[i]^2, i) + r*sum(w[i]^2, i)/2 + sum(w[i], i)\n",
        "w",
        "(2l + r) w + 1",
    ),
    (
        "X 3 users",
        "const A : N, N\n"
        "param X : N, N\n"
        "cost C = sum(X[i,j]*X[j,k]*A[k,l]*X[i,l], i, j, k, l)\n",
        "X",
        "X Aᵀ Xᵀ + Xᵀ X Aᵀ + X² A",
    ),
    (
        "tr(AXA'X')",
        "const A : N, N\n"
        "param X : N, N\n"
        "cost C = sum(A[i,j]*X[j,k]*A[l,k]*X[i,l], i, j, k, l)\n",
        "X",
        "Aᵀ X A + A X Aᵀ",
    ),
    (
        "mixed sig",
        "const A : N, M\n"
        "const b : N\n"
        "param X : M, N\n"
        "cost C = sum(b[i]*sigmoid(sum(A[i,j]*X[j,k]*b[k], j, k)), i)\n",
        "X",
        "Aᵀ (b ⊙ sigmoid(A X b) ⊙ (1 − sigmoid(A X b))) bᵀ",
    ),
    (
        "mean sq err",
        "const A : N, M\n"
        "const Y : N, K\n"
        "param X : M, K\n"
        "cost C = mean((sum(A[n,m]*X[m,k], m) - Y[n,k])^2, n, k)\n",
        "X",
        "(2/(N K)) Aᵀ (A X − Y)",
    ),
    (
        "quad form diag",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]^2*A[i,j]*x[j]^2, i, j)\n",
        "x",
        "2((A + Aᵀ) x²) ⊙ x",
    ),
    (
        "exp quad form",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(exp(x[i])*A[i,j]*exp(x[j]), i, j)\n",
        "x",
        "((A + Aᵀ) exp(x)) ⊙ exp(x)",
    ),
    (
        "f'Af tanh",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum(tanh(x[i])*A[i,j]*tanh(x[j]), i, j)/2\n",
        "x",
        "((A + Aᵀ) tanh(x)) ⊙ (1 − tanh²(x))/2",
    ),
    (
        "norm cubed",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum((x[i] - a[i])^2, i)^(3/2)\n",
        "x",
        "3‖x − a‖₂ (x − a)",
    ),
    (
        "norm Xb",
        "const b : M\n"
        "param X : N, M\n"
        "cost C = sqrt(sum(sum(X[i,j]*b[j], j)^2, i))\n",
        "X",
        "X b bᵀ/‖X b‖₂",
    ),
    (
        "sum of two norms",
        "const A : M, N\n"
        "const b : M\n"
        "const l\n"
        "param x : N\n"
        "cost C = sqrt(sum((sum(A[m,i]*x[i], i) - b[m])^2, m)) + l*sqrt(sum(x[i]^2, i))\n",
        "x",
        "Aᵀ (A x − b)/‖A x − b‖₂ + l x/‖x‖₂",
    ),
    (
        "logistic mean",
        "const X : N, D\n"
        "const y : N\n"
        "param w : D\n"
        "cost C = mean(log(1 + exp(-y[n]*sum(X[n,d]*w[d], d))), n)\n",
        "w",
        "−(1/N) Xᵀ (sigmoid(−y ⊙ (X w)) ⊙ y)",
    ),
    (
        "kron like",
        "const A : N, N\n"
        "const B : M, M\n"
        "param X : N, M\n"
        "cost C = sum(A[i,k]*B[j,l]*X[i,j]*X[k,l], i, j, k, l)\n",
        "X",
        "A X Bᵀ + Aᵀ X B",
    ),
    (
        "trace of a power of XA",
        "const A : M, N\n"
        "param X : N, M\n"
        "cost C = sum(X[i,j]*A[j,k]*X[k,l]*A[l,m]*X[m,n]*A[n,i], i, j, k, l, m, n)\n",
        "X",
        "3Aᵀ Xᵀ Aᵀ Xᵀ Aᵀ",
    ),
    (
        "sum of columns",
        "const a : M\n"
        "param X : N, M\n"
        "cost C = sum((sum(X[i,j], i) - a[j])^2, j)\n",
        "X",
        "2𝟏 (Xᵀ 𝟏 − a)ᵀ",
    ),
    (
        "double centre",
        "param X : N, M\n"
        "cost C = sum((X[i,j] - mean(X[i,k], k))^2, i, j)\n",
        "X",
        "2(X − (1/M) X 𝟏 𝟏ᵀ)",
    ),
    (
        "outer sum",
        "const A : N, M\n"
        "param x : N\n"
        "param y : M\n"
        "cost C = sum((x[i] + y[j] - A[i,j])^2, i, j)\n",
        "x",
        "2(M x + sum(y) − A 𝟏)",
    ),
    (
        "outer sum y",
        "const A : N, M\n"
        "param x : N\n"
        "param y : M\n"
        "cost C = sum((x[i] + y[j] - A[i,j])^2, i, j)\n",
        "y",
        "2(sum(x) + N y − Aᵀ 𝟏)",
    ),
    (
        "rbf",
        "const A : M, D\n"
        "const v : M\n"
        "param x : D\n"
        "cost C = sum(v[m]*sum((x[d] - A[m,d])^2, d)^2, m)\n",
        "x",
        "4(𝟏 xᵀ − A)ᵀ (v ⊙ ((𝟏 xᵀ − A)^{⊙2} 𝟏))",
    ),
    (
        "lse quad",
        "const A : M, N\n"
        "const l\n"
        "param x : N\n"
        "cost C = logsumexp(sum(A[m,i]*x[i], i), m) + l/2*sum(x[i]^2, i)\n",
        "x",
        "Aᵀ softmax(A x) + l x",
    ),
    (
        "rowwise dot",
        "const B : N, D\n"
        "param A : N, D\n"
        "cost C = sum(sum(A[n,d]*B[n,d], d)^2, n)\n",
        "A",
        "2 diag((A ⊙ B) 𝟏) B",
    ),
    (
        "rowwise quad",
        "const S : D, D\n"
        "param A : N, D\n"
        "cost C = sum(A[n,d]*S[d,e]*A[n,e], n, d, e)/N\n",
        "A",
        "(1/N) A (S + Sᵀ)",
    ),
    (
        "zero",
        "param x : N\n"
        "cost C = sum(x[i] - x[i], i)\n",
        "x",
        "𝟎",
    ),
]
"""The same and other identities, in other spellings, orders of indices and of sums."""

WRITTEN: list[tuple[str, str, str, str]] = [
    (
        "one term in two disguises",
        "const A : M, N\n"
        "const B : N, M\n"
        "param x : N\n"
        "cost C = sum(A[m,n]*x[n]*B[n,k]*A[k,p]*x[p]*B[p,m], m, n, k, p)\n",
        "x",
        "2((B A) ⊙ (B A)ᵀ) x",
    ),
    (
        "a number of some terms",
        "param X : N, N\n"
        "const A : N, N\n"
        "cost C = sum((X[i,j] - X[j,i])^2, i, j) + sum(A[i,j]*X[i,j], i, j)\n",
        "X",
        "4(X − Xᵀ) + A",
    ),
    (
        "a column in front of each column",
        "param x : N\n"
        "const X : M, N\n"
        "const Y : M, N\n"
        "cost C = sum((Y[m,n] - X[m,n]*x[n])^2, m, n)/2\n",
        "x",
        "diag(Xᵀ (X diag(x) − Y))",
    ),
    (
        "a difference behind a number",
        "const x : N, D\n"
        "const R : N, K\n"
        "param c : K, D\n"
        "cost C = sum(R[i,k]*sum((x[i,d] - c[k,d])^2, d), i, k)\n",
        "c",
        "2(diag(Rᵀ 𝟏) c − Rᵀ x)",
    ),
    (
        "two layers backwards",
        "const V : H, K\n"
        "const W : K, N\n"
        "param x : N\n"
        "const c : H\n"
        "cost C = sum(c[i]*sum(V[i,k]*tanh(sum(W[k,n]*x[n], n)), k), i)\n",
        "x",
        "Wᵀ ((1 − tanh²(W x)) ⊙ (Vᵀ c))",
    ),
    (
        "norm of third powers",
        "param x : N\n"
        "cost C = sum(abs(x[i])^3, i)^(1/3)\n",
        "x",
        "x ⊙ |x|/sum(|x|³)^⅔",
    ),
    (
        "norm as a half power",
        "const a : N\n"
        "param x : N\n"
        "cost C = sum((x[i] - a[i])^2, i)^(1/2)\n",
        "x",
        "(x − a)/‖x − a‖₂",
    ),
    (
        "inverse norm as a power",
        "param x : N\n"
        "cost C = sum(x[i]^2, i)^(-1/2)\n",
        "x",
        "−x/‖x‖₂³",
    ),
    (
        "root of a product of squares",
        "param x : N\n"
        "const y : N\n"
        "cost C = sqrt(sum(x[i]^2, i)*sum(y[i]^2, i))\n",
        "x",
        "‖y‖₂ x/‖x‖₂",
    ),
    (
        "root of a Rayleigh quotient",
        "param A : N, N\n"
        "const x : N\n"
        "cost C = sqrt(sum(x[i]*A[i,j]*x[j], i, j)/sum(x[i]*x[i], i))\n",
        "A",
        "x xᵀ/(2√(xᵀ A x) ‖x‖₂)",
    ),
    (
        "83 addends in another order",
        "const B : N, M\n"
        "const b : N\n"
        "const D : N, N\n"
        "param x : M\n"
        "cost C = sum((sum(B[i,k]*x[k], k) + b[i])*D[i,j]*(b[j] + sum(B[j,k]*x[k], k)), i, j)\n",
        "x",
        "Bᵀ (D + Dᵀ) (b + B x)",
    ),
    (
        "83 a difference turned round, x",
        "const A : N, M\n"
        "const b : N\n"
        "const D : N, N\n"
        "param x : M\n"
        "cost C = sum((b[i] - sum(A[i,k]*x[k], k))*D[i,j]*(sum(A[j,k]*x[k], k) - b[j]), i, j)\n",
        "x",
        "−Aᵀ (D + Dᵀ) (A x − b)",
    ),
    (
        "83 a difference turned round, D",
        "const A : N, M\n"
        "const b : N\n"
        "param D : N, N\n"
        "const x : M\n"
        "cost C = sum((b[i] - sum(A[i,k]*x[k], k))*D[i,j]*(sum(A[j,k]*x[k], k) - b[j]), i, j)\n",
        "D",
        "−(A x − b) (A x − b)ᵀ",
    ),
    (
        "Gaussian kernel",
        "param W : N, N\n"
        "const x : N\n"
        "const y : N\n"
        "cost C = exp(-sum((x[i] - y[i])*W[i,j]*(x[j] - y[j]), i, j))\n",
        "W",
        "−exp(−(x − y)ᵀ W (x − y)) (x − y) (x − y)ᵀ",
    ),
    (
        "residual in its transposed spelling",
        "param A : N, N\n"
        "const P : N, N\n"
        "const Q : N, N\n"
        "cost C = sum((sum(A[k,i]*P[k,j], k) + sum(P[i,k]*A[k,j], k) + Q[i,j])^2, i, j)\n",
        "A",
        "2(P (Aᵀ P + P A + Q)ᵀ + Pᵀ (Aᵀ P + P A + Q))",
    ),
    (
        "x - Ax",
        "const A : N, N\n"
        "param x : N\n"
        "cost C = sum((x[i] - sum(A[i,j]*x[j], j))^2, i)\n",
        "x",
        "2(I − A)ᵀ (x − A x)",
    ),
    (
        "projection on a subspace",
        "const W : D, K\n"
        "param x : D\n"
        "cost C = sum((x[d] - sum(W[d,k]*W[e,k]*x[e], e, k))^2, d)\n",
        "x",
        "2(I − W Wᵀ) (x − W Wᵀ x)",
    ),
    (
        "linear autoencoder",
        "const W : D, H\n"
        "const V : H, D\n"
        "param X : N, D\n"
        "cost C = sum((X[n,d] - sum(X[n,e]*W[e,h]*V[h,d], e, h))^2, n, d)\n",
        "X",
        "2(X − X W V) (I − W V)ᵀ",
    ),
    (
        "unit rows",
        "param X : N, M\n"
        "cost C = sum((sum(X[i,j]^2, j) - 1)^2, i)\n",
        "X",
        "4 diag((X ⊙ X) 𝟏 − 1) X",
    ),
    (
        "AXB + EXD",
        "const A : P, N\n"
        "const B : M, Q\n"
        "const E : P, N\n"
        "const D : M, Q\n"
        "param X : N, M\n"
        "cost C = sum((sum(A[p,n]*X[n,m]*B[m,q], n, m) + sum(E[p,n]*X[n,m]*D[m,q], n, m))^2, p, q)\n",
        "X",
        "2(Aᵀ (A X B + E X D) Bᵀ + Eᵀ (A X B + E X D) Dᵀ)",
    ),
    (
        "X'X - I",
        "param X : N, M\n"
        "cost C = sum((sum(X[k,i]*X[k,j], k) - where(i == j, 1, 0))^2, i, j)\n",
        "X",
        "4X (Xᵀ X − I)",
    ),
    (
        "off the diagonal",
        "param X : N, N\n"
        "cost C = sum(where(i == j, 0, X[i,j]^2), i, j)\n",
        "X",
        "2(X − X ⊙ I)",
    ),
    (
        "off the diagonal, squared",
        "param X : N, N\n"
        "cost C = sum(where(i != j, X[i,j], 0)^2, i, j)\n",
        "X",
        "2(X − X ⊙ I)",
    ),
    (
        "X - diag(d), X",
        "param X : N, N\n"
        "const d : N\n"
        "cost C = sum((X[i,j] - where(i == j, d[i], 0))^2, i, j)\n",
        "X",
        "2(X − diag(d))",
    ),
    (
        "X - diag(d), d",
        "const X : N, N\n"
        "param d : N\n"
        "cost C = sum((X[i,j] - where(i == j, d[i], 0))^2, i, j)\n",
        "d",
        "2(d − diag(X))",
    ),
    (
        "A + lambda I, A",
        "param A : N, N\n"
        "const X : N, N\n"
        "const l\n"
        "cost C = sum(A[i,j]*(X[i,j] + l*where(i == j, 1, 0)), i, j)\n",
        "A",
        "X + l I",
    ),
    (
        "A + lambda I, l",
        "const A : N, N\n"
        "const X : N, N\n"
        "param l\n"
        "cost C = sum(A[i,j]*(X[i,j] + l*where(i == j, 1, 0)), i, j)\n",
        "l",
        "tr(A)",
    ),
    (
        "cross-entropy by its targets",
        "const W : D, K\n"
        "const X : N, D\n"
        "param Y : N, K\n"
        "cost C = -sum(Y[n,k]*log(softmax(sum(X[n,d]*W[d,k], d), k)), n, k)/N\n",
        "Y",
        "−log(softmax(X W))/N",
    ),
    (
        "mixture",
        "param X : N, D\n"
        "const m : M, D\n"
        "cost C = -sum(logsumexp(-sum((X[n,d] - m[k,d])^2, d)/2, k), n)\n",
        "X",
        "X − softmax(−((X ⊙ X) 𝟏 𝟏ᵀ − 2X mᵀ + 𝟏 𝟏ᵀ (m ⊙ m)ᵀ)/2) m",
    ),
    (
        "Gaussian likelihood",
        "const X : N, D\n"
        "const m : D\n"
        "param s : D\n"
        "cost C = sum((X[n,d] - m[d])^2/(2*s[d]^2) + log(s[d]), n, d)\n",
        "s",
        "N/s − ((X − 𝟏 mᵀ)^{⊙2})ᵀ 𝟏/s³",
    ),
    (
        "kernel by its width",
        "param s\n"
        "const x : D\n"
        "const y : D\n"
        "cost C = exp(-sum((x[i] - y[i])^2, i)/(2*s^2))\n",
        "s",
        "exp(−‖x − y‖₂²/(2s²)) ‖x − y‖₂²/s³",
    ),
    (
        "Mahalanobis and threshold",
        "const A : N, N\n"
        "const x : N\n"
        "param t\n"
        "cost C = (sum(x[i]*A[i,j]*x[j], i, j) - t)^2\n",
        "t",
        "2(t − xᵀ A x)",
    ),
    (
        "ridge by its weight",
        "const X : N, D\n"
        "const y : N\n"
        "const w : D\n"
        "param l\n"
        "cost C = 1/2*sum((y[n] - sum(X[n,d]*w[d], d))^2, n) + l/2*sum(w[d]*w[d], d)\n",
        "l",
        "‖w‖₂²/2",
    ),
    (
        "a scalar without a sum",
        "const a : N\n"
        "const x : N\n"
        "param c\n"
        "cost C = c - sum(a[i]*x[i], i)\n",
        "c",
        "1",
    ),
    (
        "gated linear unit",
        "const W : H, D\n"
        "param U : H, D\n"
        "const X : N, D\n"
        "cost C = sum(sum(W[i,d]*X[n,d], d)*sigmoid(sum(U[i,d]*X[n,d], d)), n, i)\n",
        "U",
        "((W Xᵀ) ⊙ sigmoid(U Xᵀ) ⊙ (1 − sigmoid(U Xᵀ))) X",
    ),
    (
        "smoothness on a graph",
        "const W : N, N\n"
        "param f : N\n"
        "cost C = sum(W[i,j]*(f[i] - f[j])^2, i, j)/2\n",
        "f",
        "((W + Wᵀ) 𝟏) ⊙ f − (W + Wᵀ) f",
    ),
    (
        "both means taken away",
        "param X : N, M\n"
        "cost C = sum((X[i,j] - mean(X[k,j], k) - mean(X[i,l], l) + mean(X[k,l], k, l))^2, i, j)\n",
        "X",
        "2(X − (1/N) 𝟏 𝟏ᵀ X − (1/M) X 𝟏 𝟏ᵀ + sum(X)/(N M))",
    ),
    (
        "a mean put back",
        "param X : N, M\n"
        "cost C = sum((X[i,j] - mean(X[k,j], k) + mean(X[k,l], k, l))^2, i, j)\n",
        "X",
        "2(X − (1/N) 𝟏 𝟏ᵀ X + sum(X)/(N M))",
    ),
    (
        "biased factorisation",
        "const U : N, K\n"
        "const V : M, K\n"
        "const b : N\n"
        "const c : M\n"
        "const Y : N, M\n"
        "param m\n"
        "cost C = sum((Y[i,j] - m - b[i] - c[j] - sum(U[i,k]*V[j,k], k))^2, i, j)\n",
        "m",
        "2(M N m + M sum(b) + N sum(c) + sum(V Uᵀ) − sum(Y))",
    ),
    (
        "distances by their weights, W",
        "param W : N, M\n"
        "const X : N, D\n"
        "const Y : M, D\n"
        "cost C = sum(W[i,j]*sum((X[i,d] - Y[j,d])^2, d), i, j)\n",
        "W",
        "(X ⊙ X) 𝟏 𝟏ᵀ − 2X Yᵀ + 𝟏 𝟏ᵀ (Y ⊙ Y)ᵀ",
    ),
    (
        "distances by their weights, X",
        "const W : N, M\n"
        "param X : N, D\n"
        "const Y : M, D\n"
        "cost C = sum(W[i,j]*sum((X[i,d] - Y[j,d])^2, d), i, j)\n",
        "X",
        "2(diag(W 𝟏) X − W Y)",
    ),
    (
        "tied autoencoder",
        "const W : H, D\n"
        "param X : N, D\n"
        "const Y : N, D\n"
        "cost C = sum(Y[n,d]*W[h,d]*sigmoid(sum(W[h,e]*X[n,e], e)), n, d, h)\n",
        "X",
        "((Y Wᵀ) ⊙ sigmoid(X Wᵀ) ⊙ (1 − sigmoid(X Wᵀ))) W",
    ),
    (
        "tied autoencoder, a step",
        "const W : H, D\n"
        "param X : N, D\n"
        "R[n,d] = sum(W[h,d]*sigmoid(sum(W[h,e]*X[n,e], e)), h)\n"
        "cost C = sum(R[n,d]^2, n, d)/2\n",
        "X",
        "(((∂C/∂R) Wᵀ) ⊙ sigmoid(X Wᵀ) ⊙ (1 − sigmoid(X Wᵀ))) W",
    ),
    (
        "two layers of a graph",
        "param A : N, N\n"
        "const X : N, D\n"
        "const W : D, H\n"
        "F[n,h] = tanh(sum(A[n,m]*X[m,d]*W[d,h], m, d))\n"
        "S[n,h] = sum(A[n,m]*F[m,h], m)\n"
        "cost C = sum(S[n,h]^2, n, h)\n",
        "A",
        "((∂C/∂F) ⊙ (1 − F ⊙ F)) Wᵀ Xᵀ + (∂C/∂S) Fᵀ",
    ),
    (
        "quotient that cancels",
        "param x : N\n"
        "const a : N\n"
        "cost C = sum((a[i]/x[i] - 1)^2, i)\n",
        "x",
        "2 (1 − a/x) ⊙ a/x²",
    ),
    (
        "Rayleigh by steps, x",
        "const A : N, N\n"
        "param x : N\n"
        "s = sum(x[i]^2, i)\n"
        "q = sum(x[i]*A[i,j]*x[j], i, j)\n"
        "cost C = q/s\n",
        "x",
        "2 (∂C/∂s) x + (∂C/∂q) (A + Aᵀ) x",
    ),
    (
        "Rayleigh by steps, s",
        "const A : N, N\n"
        "const x : N\n"
        "s = sum(x[i]^2, i)\n"
        "q = sum(x[i]*A[i,j]*x[j], i, j)\n"
        "cost C = q/s\n",
        "s",
        "−q/s²",
    ),
    (
        "one softmax over all entries",
        "param X : N, M\n"
        "const Y : N, M\n"
        "cost C = logsumexp(X[i,j], i, j) - sum(Y[i,j]*X[i,j], i, j)\n",
        "X",
        "exp(X − logsumexp(X)) − Y",
    ),
    (
        "one softmax over all products",
        "param X : N, M\n"
        "const Y : P, M\n"
        "cost C = log(sum(exp(sum(X[i,j]*Y[p,j], j)), i, p))\n",
        "X",
        "exp(X Yᵀ − logsumexp(X Yᵀ)) Y",
    ),
    (
        "Kullback-Leibler divergence of a softmax",
        "param z : N\n"
        "const q : N\n"
        "p[i] = softmax(z[i], i)\n"
        "cost C = sum(p[i]*(log(p[i]) - log(q[i])), i)\n",
        "z",
        "p ⊙ (log(softmax(z)) − log(q)) − (pᵀ (log(softmax(z)) − log(q))) p",
    ),
    (
        "entropies of rows",
        "param Z : N, K\n"
        "P[n,k] = softmax(Z[n,k], k)\n"
        "cost C = -sum(P[n,k]*log(P[n,k]), n, k)\n",
        "Z",
        "diag((P ⊙ log(softmax(Z))) 𝟏) P − log(softmax(Z)) ⊙ P",
    ),
    (
        "targets that are parts of a whole",
        "param z : N\n"
        "const t : N\n"
        "y[i] = t[i]/sum(t[j], j)\n"
        "cost C = -sum(y[i]*log(softmax(z[i], i)), i)\n",
        "z",
        "softmax(z) − y",
    ),
    (
        "smoothness of columns on a graph",
        "const W : N, N\n"
        "param F : N, K\n"
        "cost C = sum(W[i,j]*(F[i,k] - F[j,k])^2, i, j, k)/2\n",
        "F",
        "(diag((W + Wᵀ) 𝟏) − W − Wᵀ) F",
    ),
    (
        "kernel matrix",
        "param x : N, D\n"
        "k[i,j] = exp(-sum((x[i,d] - x[j,d])^2, d)/2)\n"
        "cost C = sum(k[i,j]^2, i, j)\n",
        "x",
        "((∂C/∂k) ⊙ k + ((∂C/∂k) ⊙ k)ᵀ − diag(((∂C/∂k) ⊙ k + ((∂C/∂k) ⊙ k)ᵀ) 𝟏)) x",
    ),
    (
        "column means and deviations from them",
        "param X : N, D\n"
        "mu[d] = mean(X[n,d], n)\n"
        "cost C = sum((X[n,d] - mu[d])^2, n, d)/N\n",
        "X",
        "(𝟏 (∂C/∂μ − 2μ)ᵀ + 2X)/N",
    ),
    (
        "kernel that is a product",
        "param x : N\n"
        "const y : M\n"
        "const W : N, M\n"
        "k[i,j] = exp(-(x[i] - y[j])^2/2)*exp(-abs(x[i] - y[j]))\n"
        "cost C = sum(W[i,j]*k[i,j], i, j)\n",
        "x",
        "((∂C/∂k) ⊙ k) y − (((∂C/∂k) ⊙ k) 𝟏) ⊙ x − ((∂C/∂k) ⊙ k ⊙ sign(x 𝟏ᵀ − 𝟏 yᵀ)) 𝟏",
    ),
    (
        "density with its factors in another order",
        "param s\n"
        "const m\n"
        "const b\n"
        "const x : N\n"
        "p[i] = exp(-(x[i] - m)^2/(2*s^2))/(s*sqrt(b))\n"
        "cost C = sum(p[i]^2, i)\n",
        "s",
        "(∂C/∂p)ᵀ (p ⊙ (x − m)²/s³ − p/s)",
    ),
    (
        "mixture with priors",
        "param p : K\n"
        "const m : K, D\n"
        "const X : N, D\n"
        "cost C = -sum(logsumexp(p[k] - sum((X[n,d] - m[k,d])^2, d)/2, k), n)\n",
        "p",
        "−softmax(𝟏 pᵀ − ((X ⊙ X) 𝟏 𝟏ᵀ + 𝟏 𝟏ᵀ (m ⊙ m)ᵀ)/2 + X mᵀ)ᵀ 𝟏",
    ),
    (
        "swish",
        "param W : K, D\n"
        "const x : D\n"
        "const v : K\n"
        "cost C = sum(v[k]*sum(W[k,d]*x[d], d)*sigmoid(sum(W[k,d]*x[d], d)), k)\n",
        "W",
        "(v ⊙ sigmoid(W x) ⊙ (1 + (W x) ⊙ (1 − sigmoid(W x)))) xᵀ",
    ),
    (
        "normalised Laplacian",
        "param F : N, K\n"
        "const A : N, N\n"
        "d[i] = sum(A[i,j], j)\n"
        "cost C = sum(A[i,j]*(F[i,k]/sqrt(d[i]) - F[j,k]/sqrt(d[j]))^2, i, j, k)/2\n",
        "F",
        "diag(1/√d) (diag((A + Aᵀ) 𝟏/√d) − (A + Aᵀ) diag(1/√d)) F",
    ),
    (
        "residual with a difference in front",
        "param x : N\n"
        "const P : N, N\n"
        "const v : N\n"
        "const a\n"
        "cost C = sum((x[i] - a*sum(P[j,i]*x[j], j) - (1 - a)*v[i])^2, i)/2\n",
        "x",
        "(I − a P) (x − a Pᵀ x − (1 − a) v)",
    ),
    (
        "exponents of their own",
        "param x : N\n"
        "param y : N\n"
        "cost C = sum(x[i]**y[i], i)\n",
        "x",
        "y ⊙ xʸ⁻¹",
    ),
    (
        "a matrix of exponents",
        "param X : N, M\n"
        "const P : N, M\n"
        "cost C = sum(X[i,j]**P[i,j], i, j)\n",
        "X",
        "P ⊙ X^{⊙(P−1)}",
    ),
    (
        "a power of a number",
        "param W : N, M\n"
        "const x : M\n"
        "cost C = sum(2**sum(W[i,j]*x[j], j), i)\n",
        "W",
        "log(2) · 2ᵂˣ xᵀ",
    ),
    (
        "mean of a Gaussian",
        "const X : N, D\n"
        "param m : D\n"
        "const A : D, D\n"
        "cost C = sum((X[n,d] - m[d])*A[d,e]*(X[n,e] - m[e]), n, d, e)/2\n",
        "m",
        "−½ (A + Aᵀ) (Xᵀ 𝟏 − N m)",
    ),
    (
        "variance by its moments",
        "param x : N\n"
        "cost C = mean(x[i]**2, i) - mean(x[i], i)**2\n",
        "x",
        "(2/N) (x − sum(x)/N)",
    ),
]
"""What other hands write: roots as powers, addends in any order, brackets without a form of their own."""

NONE: list[tuple[str, str]] = [
    (
        "const T : N, N, N\n"
        "param x : N\n"
        "cost C = sum(T[i,j,k]*x[i]*x[j]*x[k], i, j, k)\n",
        "x",
    ),
    (
        "const A : P, N, N\n"
        "param x : N\n"
        "cost C = sum(x[i]*A[p,i,j]*x[j], i, j, p)\n",
        "x",
    ),
    (
        "param x : N\n"
        "cost C = sum((x[i+1] - x[i])^2, i=0..N-2)\n",
        "x",
    ),
    (
        "const T : N, M, P\n"
        "const y : M\n"
        "const z : P\n"
        "param x : N\n"
        "cost C = sum(T[i,j,k]*x[i]*y[j]*z[k], i, j, k)\n",
        "x",
    ),
]

ROWS = [pytest.param(*row[1:], id=row[0]) for row in (*COOKBOOK, *BEYOND, *FURTHER, *WRITTEN)]


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_form_is_the_one_that_a_textbook_prints(text: str, variable: str, expected: str) -> None:
    assert shown(text, variable) == expected


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_numpy_text_is_the_gradient(text: str, variable: str, expected: str) -> None:
    assert_numpy_is_the_gradient(text, variable)


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_oracle_agrees_with_every_line(text: str, variable: str, expected: str) -> None:
    # raises VerificationFailed where the matrix line differs from the indexed one
    assert symbp.parse(text).derive(variable).to_text(detail="result")


def test_at_least_forty_identities_of_the_cookbook_are_here() -> None:
    assert len({name for name, *_ in COOKBOOK}) >= 40
    assert len({name for name, *_ in BEYOND}) >= 20
    assert len({name for name, *_ in FURTHER}) >= 100


@pytest.mark.parametrize(("text", "variable"), NONE)
def test_three_indices_have_no_matrix_form(text: str, variable: str) -> None:
    derivation = symbp.parse(text).derive(variable)
    assert derivation.matrix is None
    assert derivation.to_text(detail="result")


def test_a_part_of_an_axis_is_not_called_by_the_name_of_the_whole() -> None:
    text = "const a : N\nparam x : N\nparam b : M\ncost C = sum(b[i], i)*sum(a[j]*x[j], j=0..N-2)\n"
    assert symbp.parse(text).derive("b").matrix is None


REASONS = [
    (
        "const A : M, N\nconst b : M\nparam x : N\ncost C = sum((sum(A[m,i]*x[i], i) - b[m])^2, m)\n",
        "the sum runs over the first index of A: a product with its transpose",
    ),
    (
        "const B : N, N\nparam x : N\ncost C = sum(x[i]*B[i,j]*x[j], i, j)\n",
        "the sum runs over either index of B: products with it and its transpose, added",
    ),
    (
        "param x : N\nconst c : N\ncost C = sum(c[i]*x[i]/sum(x[j], j), i)\n",
        "the same in every entry: a multiple of a vector of ones",
    ),
    (
        "param x : N\nconst y : N\ncost C = sum(x[i], i)*sum(y[i]*x[i]^2, i)\n",
        "the same in every entry: a multiple of a vector of ones; entry by entry: a Hadamard product",
    ),
    (
        "const X : M, N\nconst y : M\nparam x : N\nmu[m] = exp(sum(X[m,n]*x[n], n))\n"
        "cost C = sum(y[m]/mu[m] + log(mu[m]), m)\n",
        "the sum runs over the first index of X: a product with its transpose; "
        "1 in every entry: a vector of ones",
    ),
    (
        "param x : P, Q\nconst w : Q\nconst B : P, P\n"
        "cost C = sum((sum(x[p,q]*w[q]*x[r,q], q) - B[p,r])^2, p, r)/2\n",
        "the sum runs over the first index of x: a matrix product; "
        "a factor for each column: a diagonal matrix",
    ),
    (
        "const X : P, Q\nparam x : Q\nconst B : P, P\n"
        "cost C = sum((sum(X[p,q]*x[q]*X[r,q], q) - B[p,r])^2, p, r)/2\n",
        "the sum runs over the first index of X: a product with its transpose; "
        "a factor for each column: a diagonal matrix; the entries at equal indices: a diagonal, as a vector",
    ),
    (
        "param x : N, N\ncost C = sum(x[i,j]*x[j,k]*x[k,i], i, j, k)\n",
        "the sum runs over the second index of x: a matrix product; "
        "with rows and columns exchanged: the transpose",
    ),
    (
        "param x : N, N\ncost C = sum((x[i,j] - x[j,i])^2, i, j)\n",
        "indices exchanged: a transpose",
    ),
    (
        "const B : P, N\nconst D : Q, N\nconst b : P\nconst d : Q\nparam x : N\n"
        "u[p] = sum(B[p,i]*x[i], i) + b[p]\nv[q] = sum(D[q,i]*x[i], i) + d[q]\n"
        "cost C = sum(u[p]^2, p) + sum(v[q]^2, q) + sum(u[p]*v[q], p, q)\n",
        "the sums run over the first indices of B and D: products with their transposes",
    ),
    (
        "const B : N, N\nconst E : M, M\nparam x : N, M\n"
        "cost C = sum(x[i,j]*B[i,k]*x[k,l]*E[l,j], i, j, k, l)\n",
        "the sum runs over the first index of B: a product with its transpose; "
        "over the second index of E: a product with its transpose; "
        "over the second index of x: a matrix product",
    ),
]


@pytest.mark.parametrize(("text", "expected"), REASONS)
def test_the_reason_is_one_sentence_that_names_each_array_once(text: str, expected: str) -> None:
    form = matrix(text, "x")
    setter = printer(form.model)
    words = (w if isinstance(w, str) else plain(w) for w in matrix_words(setter, form.view.reason))
    assert "".join(words) == expected


def test_sums_over_rows_and_columns_of_an_entrywise_product_are_told_alike() -> None:
    """No product of whole matrices of which the diagonal alone is wanted, whichever index is summed."""
    text = """
        param r : N
        param s : N
        const D : N, N
        e[i,j] = tanh(r[i] + s[j])
        cost C = sum(D[i,j]*e[i,j]^3, i, j)
        let delta = dC/de
    """
    for variable in ("r", "s"):
        form = shown(text, variable)
        assert "diag" not in form and "⊙" in form and form.endswith("𝟏"), form


@pytest.mark.needs("pdflatex")
def test_every_form_is_latex_that_compiles(tmp_path: Path) -> None:
    rows = (*COOKBOOK, *BEYOND, *FURTHER, *WRITTEN)
    forms = [matrix(text, variable).to_latex() for _, text, variable, _ in rows]
    body = "\n".join(rf"\[ {form} \]" for form in forms)
    head = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
    (tmp_path / "forms.tex").write_text(f"{head}{body}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "forms.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
