"""A model whose lines are wider than any page, and whose reasons are long too."""

from __future__ import annotations

from functools import cache

from symbp.derive.engine import adjoint_system
from symbp.emit.document import Document, document
from symbp.emit.notation import NOTATIONS
from symbp.pipeline import matrix_views, parse

ALIGNMENT = r"""
title "Soft edit distance with learnt gaps"
index i = 0..M, j = 0..N
input x[i] : D
input y[j] : D
param G : D, D
param g
r[i,0] = g*i
r[0,j] = g*j for j = 1..N
m[i,j] = sum(x[i,a]*G[a,b]*y[j,b], a, b) for i = 1..M, j = 1..N
r[i,j] = -log(exp(-r[i-1,j-1] - m[i,j]) + exp(-r[i-1,j] - g) + exp(-r[i,j-1] - g)) for i = 1..M, j = 1..N
let delta = dC/dr
cost C = r[M,N]
"""


@cache
def alignment(notation: str = "nielsen", detail: str = "all") -> Document:
    """The document of the model."""
    system = adjoint_system(parse(ALIGNMENT, "alignment"))
    style = next(n for n in NOTATIONS if n.name == notation)
    views = matrix_views(system, system.order)
    return document(system, system.order, detail=detail, notation=style, views=views)
