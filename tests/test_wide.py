"""Formulas wider than any line: cases in cases, fractions in fractions, sums in logarithms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from symbp.emit import layout as lay
from symbp.emit.breaking import broken
from symbp.emit.layout import Cases, Fence, Frac, Product, Root, Script, Sym, Terms, num
from symbp.pipeline import documented, parse

SEGMENTS = """
title "Semi-Markov conditional random field"
index t = 0..T
input x[t] : D
param W : K, D
param A : K, K
param B : K, P
alpha[0,k] = 0
alpha[t,k] = logsumexp(where(t - d >= 1, alpha[t-d-1,j] + A[j,k] + sum(where(s >= t - d, where(s <= t,
    sum(W[k,e]*x[s,e], e), 0), 0), s=1..T) + B[k,d], -1e9), d, j) for t = 1..T
cost C = logsumexp(alpha[T,k], k)
""".replace(",\n    ", ", ")
CASES = """
title "Nested cases in a softmax"
input x : N, E
input y : N, E
const g : N
param W : E, E
param U : E, E
s[n,m] = sum(x[n,e]*W[e,f]*x[m,f], e, f)
r[n,m] = where(m <= n, where(n - m <= 3, where(g[m] > 0, s[n,m]*g[n] + sum(x[n,e]*U[e,f]*x[m,f], e, f),
    s[n,m]^2/(1 + g[n]^2)), s[n,m]*tanh(g[n])), -1e9)
a[n,m] = softmax(r[n,m], m)
o[n,e] = sum(a[n,m]*x[m,e], m)
cost C = sum((o[n,e] - y[n,e])^2, n, e)/2
""".replace(",\n    ", ", ")
FRACTIONS = """
title "Fractions in fractions"
input x : D
input y
param a : D
param b : D
param c
r[i] = (a[i]*x[i] + b[i]/(1 + c^2/(2 + a[i]^2/(3 + b[i]^2*x[i]^2))))/(sqrt(1 + x[i]^2) + (a[i]^2 + b[i]^2)/
    (1 + c^2*(a[i] - b[i])^2/(1 + x[i]^2)))
cost C = (sum(r[i]*exp(-r[i]^2/(2*c^2 + 1)), i) - y)^2/(1 + sum(r[i]^2, i))
""".replace("\n    ", "")
NESTED = """
param a : N
const g : N
r[n] = where(g[n] < 1, where(g[n] > 0, a[n], a[n]^2), 3)
cost C = sum(r[n], n)
"""
HEAD = "\\documentclass{article}\\usepackage{amsmath}\\begin{document}\n"
MODELS = {"segments": SEGMENTS, "cases": CASES, "fractions": FRACTIONS}


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("form", "notation"), [("latex", "rows"), ("latex", "goodfellow"), ("beamer", "ng")])
def test_wide_models_stay_on_the_page(name: str, form: str, notation: str, tmp_path: Path) -> None:
    text = documented(parse(MODELS[name], name), (), form, "all", notation, standalone=True)
    assert overfull(text, tmp_path) == []


def overfull(text: str, folder: Path) -> list[str]:
    """What TeX says about boxes that are more than 10 pt too wide or too high."""
    (folder / "page.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = done.stdout.decode("utf-8", "replace").replace("\n", "")
    assert done.returncode == 0, log[-2000:]
    return [w for w in re.findall(r"Overfull \\[hv]box \(([\d.]+)pt", log) if float(w) > 10]


# ── a small formula for each way ──────────────────────────────────────────────────────────────────


def letters(*names: str) -> Terms:
    return Terms(tuple(("+", Sym(n, n)) for n in names))


LONG = letters(*"abcdefghijklmnopqrstuvwxyz")
LOG, SUM = Sym(r"\log", "log", "op"), lay.Big(Sym(r"\sum", "Σ"), Sym("j", "j"))


def test_no_line_ends_between_a_function_and_its_sum() -> None:
    wide = lay.row(SUM, Sym(r"\exp", "exp", "op"), Fence(LONG))
    for line in broken(Product((letters("x"), Product((LOG, wide), ("op",))), ("thin",)), 20.0):
        assert not line.rstrip().endswith(r"\log") and r"\cdot \sum" not in line


def test_a_bracket_with_an_index_breaks_like_any_other() -> None:
    softmax = lay.row(Sym("s", "s", "op"), Script(Fence(LONG), Sym("k", "k")))
    lines = broken(softmax, 20.0)
    assert len(lines) > 1 and lines[-1].endswith(")_k")


def test_a_fraction_keeps_the_number_above() -> None:
    box = Frac(Product((num(2), Fence(LONG)), ("none",)), letters("u", "v"))
    assert broken(box, 20.0)[0].startswith(r"\frac{2}{u + v}\,(")


@pytest.mark.parametrize("box", [Frac(LONG, LONG), Root(LONG), Frac(letters("a"), LONG, entrywise=True)])
def test_what_cannot_break_is_set_on_several_lines(box: lay.Box) -> None:
    (line,) = broken(box, 20.0)
    assert r"\begin{array}{l}" in line


def test_one_over_an_array_is_no_factor() -> None:
    shown = "".join(broken(Frac(LONG, letters("u", "v"), entrywise=True), 20.0))
    assert r"\frac{1}" not in shown and shown.startswith(r"\frac{\begin{array}")


def test_a_long_case_has_its_condition_beside_its_last_line() -> None:
    box = Cases(((LONG, Sym("p", "p")), (num(0), None)))
    (line,) = broken(box, 20.0)
    *_, last, otherwise = line.split(r" \\ ")
    assert last.endswith(r"& \text{if } p") and otherwise.startswith(r"0 & \text{otherwise}")


def test_cases_in_cases_have_one_brace() -> None:
    shown = documented(parse(NESTED), (), "latex", "all")
    equation = shown[shown.index("r_n &=") :].split("\\tag")[0]
    assert equation.count(r"\begin{cases}") == 1
    values = [row.split("&")[0].strip() for row in equation.split(r"\begin{cases}")[1].split(r"\\")]
    assert values[:3] == ["3", "a_n", "a^2_n"] and r"\ge 1" in equation


def test_a_fraction_in_a_reason_is_as_wide_as_it_is_in_a_line_of_text() -> None:
    """Σ W f/(√… √…) stands on one line there, one above the other in a display."""
    from symbp.emit.breaking import in_one_piece
    from symbp.emit.layout import Frac, Row, Sym, width

    letters = Row(tuple(Sym("x", "x", "ord", "") for _ in range(9)))
    assert in_one_piece(Frac(letters, letters)) == width(Frac(letters, letters), False) > width(letters) * 1.9
