"""Matrix forms against the Matrix Cookbook (Petersen and Pedersen 2012, sections 2.4 to 2.6) and beyond.

Each cost is written with indices.  Its matrix form must read as a textbook prints it, and the NumPy
text of the same tree must agree with the cost differentiated numerically: plain Python loops over the
text of the model (no code of symbp), by complex step, at sizes that are all different.
"""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import symbp
from symbp.emit.math import printer
from symbp.emit.matrix_math import matrix_box
from symbp.emit.plain import text as plain

SIZES = {"N": 4, "M": 3, "P": 5, "Q": 2, "D": 3, "K": 2, "H": 5}


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
        "Aᵀ (A x − b)/√(1 + (A x − b)²)",
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

NONE: list[tuple[str, str]] = [
    (
        "const T : N, N, N\n"
        "param x : N\n"
        "cost C = sum(T[i,j,k]*x[i]*x[j]*x[k], i, j, k)\n",
        "x",
    ),
]

# ── an evaluation that knows nothing of symbp ─────────────────────────────────────────────────────

_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "sin": np.sin, "cos": np.cos,
    "sigmoid": lambda u: 1 / (1 + np.exp(-u)),
    "softplus": lambda u: np.log(1 + np.exp(u)),
    "relu": lambda u: u * (np.real(u) > 0),
}  # fmt: skip


class _Loops(ast.NodeTransformer):
    """``sum(e, i, j)`` as Python's own sum over two loops; ``softmax(e, i)`` and its kin likewise."""

    def __init__(self, ranges: Mapping[str, int]) -> None:
        self.ranges = ranges

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        assert isinstance(node.func, ast.Name)
        if node.func.id not in ("sum", "mean", "logsumexp", "softmax"):
            return node
        body, *indices = (ast.unparse(a) for a in node.args)
        loops = " ".join(f"for {i} in range({self.ranges[i]})" for i in indices)
        total = f"sum(({body}) {loops})"
        texts = {
            "sum": total,
            "mean": f"({total})/{np.prod([self.ranges[i] for i in indices])}",
            "logsumexp": f"log(sum(exp({body}) {loops}))",
            "softmax": f"(exp({body})/sum(exp({body}) {loops}))",
        }
        return ast.parse(texts[node.func.id], mode="eval").body


class Plain:
    """A model's text, evaluated with loops."""

    def __init__(self, text: str) -> None:
        self.dims: dict[str, tuple[int, ...]] = {}
        self.kinds: dict[str, str] = {}
        self.equations: list[tuple[str, tuple[str, ...], Any]] = []
        for line in text.strip().splitlines():
            self._read(line)

    def _read(self, line: str) -> None:
        if found := re.fullmatch(r"(const|param|input) (\w+)(?: : (.*))?", line):
            kind, name, dims = found.groups()
            self.dims[name] = tuple(SIZES[d] for d in re.findall(r"\w+", dims or ""))
            self.kinds[name] = kind
            return
        left, right = line.removeprefix("cost ").split(" = ")
        name, *indices = re.findall(r"\w+", left)
        tree = ast.parse(right.replace("^", "**"), mode="eval")
        ranges = self._ranges(tree)
        self.dims[name] = tuple(ranges[i] for i in indices)
        code = compile(ast.fix_missing_locations(_Loops(ranges).visit(tree)), line, "eval")
        self.equations.append((name, tuple(indices), code))

    def _ranges(self, tree: ast.AST) -> dict[str, int]:
        found: dict[str, int] = {}
        for node in ast.walk(tree):
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
                places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                for place, size in zip(places, self.dims[node.value.id], strict=True):
                    if isinstance(place, ast.Name):
                        assert found.setdefault(place.id, size) == size
        return found

    def given(self, seed: int = 1) -> dict[str, Any]:
        rng = np.random.default_rng(seed)
        return {name: rng.uniform(0.3, 1.4, self.dims[name])[()] for name in self.kinds}

    def run(self, values: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
        """All arrays; those in ``held`` keep that value instead of their equation's."""
        env: dict[str, Any] = {**_FUNCTIONS, **SIZES, **values, **held}
        for name, indices, code in self.equations:
            if name in held:
                continue
            array = np.zeros(self.dims[name], dtype=complex)
            for place in np.ndindex(*self.dims[name]):
                array[place] = eval(code, {**env, **dict(zip(indices, place, strict=True))})
            env[name] = array[()]
        return env

    def gradient(self, values: Mapping[str, Any], name: str) -> Any:
        """∂C/∂name by complex step, the equation of ``name`` set aside."""
        base = np.asarray(self.run(values, {})[name], dtype=complex)
        out = np.zeros(base.shape)
        for place in np.ndindex(*base.shape):
            moved = base.copy()
            moved[place] += 1e-30j
            out[place] = np.imag(self.run(values, {name: moved[()]})["C"]) / 1e-30
        return out


def _softmax(u: Any) -> Any:
    e = np.exp(u - u.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def _names(text: str, values: Mapping[str, Any], code: str) -> dict[str, Any]:
    """What a reader of the NumPy text would have at hand."""
    model = Plain(text)
    arrays = {n: np.real(v) for n, v in model.run(values, {}).items() if n in model.dims}
    adjoints = {f"d{n}": model.gradient(values, n) for n in arrays if re.search(rf"\bd{n}\b", code)}
    helpers = {
        "sigmoid": _FUNCTIONS["sigmoid"],
        "softmax": _softmax,
        "relu_prime": lambda u: (u > 0) * 1.0,
        "logsumexp": lambda u: np.log(np.sum(np.exp(u))),
    }
    return {"np": np, **SIZES, **helpers, **arrays, **adjoints}


def _matrix(text: str, variable: str) -> Any:
    form = symbp.parse(text).derive(variable).matrix
    assert form is not None, "no matrix form was found"
    return form


ROWS = [pytest.param(*row[1:], id=row[0]) for row in (*COOKBOOK, *BEYOND)]


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_form_is_the_one_that_a_textbook_prints(text: str, variable: str, expected: str) -> None:
    form = _matrix(text, variable)
    shown = plain(matrix_box(printer(form.model), form.view.form))
    assert shown == expected


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_numpy_text_is_the_gradient(text: str, variable: str, expected: str) -> None:
    code = _matrix(text, variable).to_numpy()
    model = Plain(text)
    values = model.given()
    computed = eval(code, _names(text, values, code))
    assert np.shape(computed) == model.dims[variable]
    np.testing.assert_allclose(computed, model.gradient(values, variable), rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize(("text", "variable", "expected"), ROWS)
def test_the_oracle_agrees_with_every_line(text: str, variable: str, expected: str) -> None:
    # raises VerificationFailed where the matrix line differs from the indexed one
    assert symbp.parse(text).derive(variable).to_text(detail="result")


def test_at_least_forty_identities_of_the_cookbook_are_here() -> None:
    assert len({name for name, *_ in COOKBOOK}) >= 40
    assert len({name for name, *_ in BEYOND}) >= 20


@pytest.mark.parametrize(("text", "variable"), NONE)
def test_three_indices_have_no_matrix_form(text: str, variable: str) -> None:
    derivation = symbp.parse(text).derive(variable)
    assert derivation.matrix is None
    assert derivation.to_text(detail="result")


def test_a_part_of_an_axis_is_not_called_by_the_name_of_the_whole() -> None:
    text = "const a : N\nparam x : N\nparam b : M\ncost C = sum(b[i], i)*sum(a[j]*x[j], j=0..N-2)\n"
    assert symbp.parse(text).derive("b").matrix is None


@pytest.mark.needs("pdflatex")
def test_every_form_is_latex_that_compiles(tmp_path: Path) -> None:
    forms = [_matrix(text, variable).to_latex() for _, text, variable, _ in (*COOKBOOK, *BEYOND)]
    body = "\n".join(rf"\[ {form} \]" for form in forms)
    head = "\\documentclass{article}\\usepackage{amsmath,amssymb}\\begin{document}\n"
    (tmp_path / "forms.tex").write_text(f"{head}{body}\n\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "forms.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
