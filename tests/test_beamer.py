"""Slides: lines come one by one with their reasons, and every deck fits on its slides."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from printed import outside, under_numbers
from wide import alignment

import symbp
from symbp import models
from symbp.derive.engine import adjoint_system
from symbp.emit.arrange import arranged
from symbp.emit.beamer import OWN_SLIDE, SLIDE, emit, figure
from symbp.emit.breaking import in_one_piece
from symbp.emit.document import DETAILS, Document, document
from symbp.emit.notation import NOTATIONS
from symbp.emit.pictures.drawing import Drawing
from symbp.emit.slides import balanced, pages, types
from symbp.model.core import Model
from symbp.pipeline import load, matrix_views, parse

DEEP = bool(os.environ.get("SYMBP_DEEP"))
HEAD = "\\documentclass{beamer}\n\\usepackage{tikz}\n\\begin{document}\n"
LONG = r"""
title "Long lines"
index t = 1..T
input x[t] : D
param Wq "W^{Q}" : E, D
param U : E, E
param beta_2
const lambda_
h[0,i] = 0
h[t,i] = tanh(sum(Wq[i,d]*x[t,d], d) + sum(U[i,j]*h[t-1,j], j)) for t = 1..T
s[i] = h[T,i]*exp(-h[T,i]^2/(2*beta_2^2))
q[i] = softmax(s[i]/sqrt(E), i)
r[i] = where(abs(q[i]) < 1, q[i]^2/2, abs(q[i]) - 1/2)
cost J = mean(r[i], i)*max(r[j], j) + lambda_*sum(Wq[i,d]^2, i, d)/2 + log(sum(exp(s[i]), i))
"""


def sheet(model: Model, notation: str = "nielsen", detail: str = "key") -> Document:
    system = adjoint_system(model)
    style = next(n for n in NOTATIONS if n.name == notation)
    views = matrix_views(system, system.order)
    return document(system, system.order, detail=detail, notation=style, views=views, pictures=True)


@cache
def frames(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"\\begin\{frame\}\[t\].*?\\end\{frame\}", text, re.DOTALL))


def compiled(text: str, folder: Path) -> tuple[str, int]:
    """The log and the number of pages."""
    (folder / "deck.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "deck.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=300, check=False)
    log = done.stdout.decode("utf-8", "replace").replace("\n", "")
    assert done.returncode == 0, log[-3000:]
    pages = re.search(r"\((\d+) pages?,", log)
    assert pages is not None
    return log, int(pages[1])


def assert_within(folder: Path, textwidth: float = 396.8) -> None:
    """Nothing on the slides stands beside the text or over a number, even where TeX does not say so."""
    assert outside(folder / "deck.pdf", textwidth, TITLE, FOOT) == []
    assert under_numbers(folder / "deck.pdf") == []


TITLE, FOOT = 25.0, 243.0
"""Where a slide's title ends and where its number begins, in points from above."""


def assert_fits(log: str) -> None:
    wide = re.findall(r"Overfull \\[hv]box \(([\d.]+)pt too \w+\)", log)
    assert not [w for w in wide if float(w) > 10], wide
    assert "Missing character" not in log and "multiply defined" not in log


# ── what stands on the slides ─────────────────────────────────────────────────────────────────────


def rows_of(frame: str) -> list[str]:
    body = frame[frame.index("{align*}\n") + 9 : frame.index("\n\\end{align*}")]
    return [row.removesuffix(" \\\\") for row in body.splitlines()]


def click(row: str) -> int:
    """From which click on a row is seen; all of it comes at once."""
    (found,) = {int(n) for n in re.findall(r"\\uncover<(\d+)->", row)} or {1}
    return found


def delta() -> list[str]:
    return [f for f in frames(symbp.load("mlp").to_beamer("delta")) if "of $z$" in f and "{align*}" in f]


def test_one_line_comes_with_every_click() -> None:
    for frame in delta():
        rows = rows_of(frame)
        clicks = [click(row) for row in rows]
        assert clicks == sorted(clicks) and set(clicks) == set(range(1, max(clicks) + 1))
        # a line and its reason come with the same click, and there is one of both
        for n in set(clicks):
            now = [row for row, at in zip(rows, clicks, strict=True) if at == n]
            assert sum("&  &" in row for row in now) == 1
            goes_on = n == 1 and "How does" not in frame and "base case" not in frame
            assert sum("= " in row.split("&  &")[0] for row in now) == (2 if goes_on else 1)


def test_the_next_frame_repeats_the_line_without_its_reason() -> None:
    one, two = delta()[:2]
    last = next(row for row in reversed(rows_of(one)) if "= " in row.split("&  &")[0])
    formula = last.split("&  &")[0].split("= ", 1)[1].strip().rstrip("}$")
    again = rows_of(two)[0]
    assert formula in again and again.startswith(r"\delta^{l-1}_k & = ") and "&  &" not in again
    assert click(rows_of(two)[1]) == 1


def test_the_order_of_evaluation_is_told() -> None:
    assert r"Order of evaluation: $l = L, L - 1, \dots, 1$." in symbp.load("mlp").to_beamer("delta")


def test_a_fragment_has_frames_alone() -> None:
    text = symbp.load("mlp").to_beamer("delta", standalone=False)
    assert text.startswith("% ") and r"\documentclass" not in text and r"\begin{document}" not in text
    assert r"\begin{tikzpicture}" not in text
    assert r"\begin{tikzpicture}" in symbp.load("mlp").to_beamer("delta")


# ── a real LaTeX ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.needs("pdflatex", "pdftotext")
@pytest.mark.parametrize("name", models.names())
def test_every_deck_fits_on_its_slides(name: str, tmp_path: Path) -> None:
    log, pages = compiled(emit(sheet(load(name)), standalone=True), tmp_path)
    assert_fits(log)
    assert_within(tmp_path)
    # a page for every click
    text = emit(sheet(load(name)), standalone=True)
    clicks = [max(map(int, re.findall(r"\\uncover<(\d+)->", f)), default=1) for f in frames(text)]
    assert pages == 1 + sum(clicks)


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("notation", [n.name for n in NOTATIONS if n.name != "nielsen"])
def test_fragments_in_every_notation_fit_a_narrow_slide(notation: str, tmp_path: Path) -> None:
    names = ("mlp", "lstm", "self_attention", "crf")
    body = "".join(emit(sheet(load(name), notation)) for name in names)
    assert_fits(compiled(f"{HEAD}{body}\\end{{document}}\n", tmp_path)[0])


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("standalone", [True, False])
def test_long_lines_fit(standalone: bool, tmp_path: Path) -> None:
    text = emit(sheet(parse(LONG, "long"), detail="all"), standalone=standalone)
    assert_fits(compiled(text if standalone else f"{HEAD}{text}\\end{{document}}\n", tmp_path)[0])


@pytest.mark.needs("pdflatex", "pdftotext")
@pytest.mark.parametrize("notation", [n.name for n in NOTATIONS] if DEEP else ["goodfellow"])
@pytest.mark.parametrize("detail", DETAILS)
def test_formulas_wider_than_a_slide_stay_on_it(notation: str, detail: str, tmp_path: Path) -> None:
    assert_fits(compiled(emit(alignment(notation, detail), standalone=True), tmp_path)[0])
    assert_within(tmp_path)


FILTER = """
index t = 1..T
input y[t] : O
const h0 : S
param F : S, S
param H : O, S
param G : S, O
x[0,i] = h0[i]
p[t,i] = sum(F[i,j]*x[t-1,j], j)
e[t,o] = y[t,o] - sum(H[o,i]*p[t,i], i)
x[t,i] = p[t,i] + sum(G[i,o]*e[t,o], o)
cost C = sum(e[t,o]^2, t, o)/2
"""
NORMED = """
input X : N, E
input Y : N, E
param W : E, E
param gamma : E
param beta : E
u[n,e] = X[n,e] + sum(X[n,d]*W[d,e], d)
mu[n] = mean(u[n,e], e)
sd[n] = sqrt(mean((u[n,e] - mu[n])^2, e) + 1e-6)
z[n,e] = gamma[e]*(u[n,e] - mu[n])/sd[n] + beta[e]
let delta = dC/du
cost C = sum((z[n,e] - Y[n,e])^2, n, e)/(2*N)
"""


def test_a_formula_in_a_reason_has_more_room_than_it_seems_to_need() -> None:
    """The width of small type is estimated: √(…) that is 4 % wider than that cannot break."""
    parts = [part for section in sheet(parse(NORMED, "normed"), "ng").sections for part in section.parts]
    tight = [
        row
        for part in parts
        for page in range(30, 60)
        for rows in arranged(part, page)
        for row in rows
        for box in row.reason
        if not isinstance(box, str) and 0 <= row.room - in_one_piece(box) < 0.05 * row.room
    ]
    assert tight == []


@pytest.mark.needs("pdflatex")
def test_high_fractions_stay_on_their_slides(tmp_path: Path) -> None:
    log, _ = compiled(emit(sheet(parse(FILTER, "filter"), "goodfellow"), standalone=True), tmp_path)
    assert all(float(points) <= 1 for points in re.findall(r"Overfull .*?\(([\d.]+)pt", log))


@pytest.mark.needs("pdflatex", "pdftotext")
@pytest.mark.parametrize("name", models.names() if DEEP else ["transformer_block"])
def test_decks_in_round_brackets_stay_on_their_slides(name: str, tmp_path: Path) -> None:
    assert_fits(compiled(emit(sheet(load(name), "goodfellow"), standalone=True), tmp_path)[0])
    assert_within(tmp_path)


def pictured(name: str, wide: float) -> list[str]:
    system = adjoint_system(load(name))
    text = emit(document(system, system.order[:1], detail="result", pictures=True), page=wide)
    return [f for f in text.split(r"\begin{frame}") if "The model as a picture" in f]


@pytest.mark.parametrize("wide", [SLIDE, OWN_SLIDE])
@pytest.mark.parametrize("name", models.names())
def test_the_picture_of_the_model_can_be_read_from_afar(name: str, wide: float) -> None:
    """A deep graph is drawn from left to right, or on several slides, and not as small as it takes."""
    frames = pictured(name, wide)
    scales = [float(m) for f in frames for m in re.findall(r"scalebox\{([\d.]+)\}", f)]
    assert frames and min(scales, default=1.0) >= 0.7


def test_a_deep_graph_goes_on_on_another_slide() -> None:
    assert len(pictured("transformer_block", SLIDE)) == 2
    assert len(pictured("transformer_block", OWN_SLIDE)) == 2
    assert len(pictured("rnn", OWN_SLIDE)) == 1


def test_a_tall_picture_has_its_caption_beside_it() -> None:
    drawing = Drawing("d", "", "", ("Some words on what is seen. " * 8,), (10.0, 27.0), (), (), ())
    frame = figure("A picture", drawing, types(OWN_SLIDE)[0]).blocks[0]
    scale = re.search(r"\\scalebox\{([\d.]+)\}", frame)
    assert scale is not None and float(scale[1]) > 0.65 and r"\qquad" in frame
    wide = replace(drawing, size=(30.0, 6.0))
    assert r"\qquad" not in figure("A picture", wide, types(OWN_SLIDE)[0]).blocks[0]


def test_pages_are_balanced() -> None:
    assert list(pages([1.0] * 9, 8.0)) == [slice(0, 5), slice(5, 9)]
    assert list(pages([3.0, 3.0, 5.0], 8.0)) == [slice(0, 2), slice(2, 3)]
    assert list(pages([], 8.0)) == [] and list(pages([9.0], 8.0)) == [slice(0, 1)]


def test_a_remark_takes_the_last_line_with_it() -> None:
    for name in ("lstm", "rnn", "gru", "mlp"):
        found = frames(emit(sheet(load(name)), standalone=True))
        lonely = [f for f in found if "In terms of the Jacobian" in f and "align" not in f]
        assert not lonely, lonely


def test_lines_are_spread_alike_over_few_slides() -> None:
    def spread(*heights: float, room: float = 16.0, above: float = 0.0, below: float = 0.0) -> list[int]:
        found = balanced(heights, room, (above, below), True)
        assert found is not None and not found.over
        return [end - start for start, end, *_ in found.cuts]

    assert spread(3, 3, 3, 3, 3) == [5]
    # seven would fill two slides as 5 + 2: the line that is repeated counts too
    assert spread(3, 3, 3, 3, 3, 3, 3) == [4, 3]
    assert spread(3, 3, 3, 3, 3, 3, above=5) == [3, 3]
    assert spread(3, 3, 3, 3, 3, below=4) == [3, 2]
    over = balanced([9, 9], 16, (0.0, 0.0), True)
    assert over is not None and over.over
    apart = balanced([9, 9], 16, (0.0, 0.0), False)
    assert apart is not None and [again for _, _, again, _ in apart.cuts] == [False, False]


def test_a_short_derivation_has_one_slide() -> None:
    text = symbp.load("mlp").to_beamer("w")
    assert len([f for f in frames(text) if "respect to $w$" in f and "{align*}" in f]) == 1


# ── formulas that are longer than a slide ─────────────────────────────────────────────────────────

GATE = """
title "A gated unit in one equation"
index t = 1..T
input x[t] : D
input y : H
param Wz : H, D
param Uz : H, H
param Wr : H, D
param Ur : H, H
param W : H, D
param U : H, H
h[0,j] = 0
h[t,j] = (1 - sigmoid(sum(Wz[j,k]*x[t,k], k) + sum(Uz[j,i]*h[t-1,i], i)))*h[t-1,j] + sigmoid(sum(Wz[j,k]*x[t,k], k) + sum(Uz[j,i]*h[t-1,i], i))*tanh(sum(W[j,k]*x[t,k], k) + sum(U[j,i]*sigmoid(sum(Wr[i,k]*x[t,k], k) + sum(Ur[i,m]*h[t-1,m], m))*h[t-1,i], i))
cost C = sum((h[T,j] - y[j])^2, j)/2
"""  # noqa: E501


@pytest.mark.needs("pdflatex")
def test_a_line_higher_than_a_slide_goes_on_on_the_next_one(tmp_path: Path) -> None:
    text = emit(sheet(parse(GATE, "gate"), detail="all"), standalone=True)
    assert r"\tiny" not in text and r"\scriptsize" in text
    assert_fits(compiled(text, tmp_path)[0])


@pytest.mark.parametrize("name", models.names())
def test_no_slide_is_smaller_than_scriptsize(name: str) -> None:
    assert r"\tiny" not in emit(sheet(load(name), detail="all"), standalone=True)


def test_a_reason_is_not_alone_on_a_slide() -> None:
    found = frames(emit(sheet(parse(GATE, "gate"), detail="all"), standalone=True))
    derived = [f for f in found if "{align*}" in f]
    assert derived and all("=" in re.sub(r"\\text\{[^}]*\}", "", f) or r"\sum" in f for f in derived)
