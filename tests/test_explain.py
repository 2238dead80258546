"""Explanations: every number on a page is right, and each section stands where the model gives rise to it."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from test_latex import assert_tidy, compile_latex
from wide import ALIGNMENT

import symbp
from symbp import explaining, models, pipeline
from symbp.calculus.affine import Size, affine, fresh
from symbp.calculus.expr import ZERO, Indicator, Mul, Reduce, Ref
from symbp.cli import main
from symbp.derive.engine import adjoint_system
from symbp.emit.explained import WRITERS
from symbp.emit.layout import Brace, Grid, Strong, num, row
from symbp.emit.mathml import math
from symbp.emit.plain import text as plain
from symbp.emit.plain_block import block
from symbp.emit.tex import tex
from symbp.errors import RequestProblem, VerificationFailed
from symbp.explain.concrete import concrete
from symbp.explain.core import Explanation, Line, Lines, Numbers, Section, Shaped, Side, Whole
from symbp.explain.numerals import decimals, multiplied, summed
from symbp.explain.page import explanation

needs_pdflatex = pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
GOLDEN = Path(__file__).parent / "golden" / "explain_mlp_delta.txt"


@cache
def book(model: str) -> explaining.Book:
    """Derived once for all tests that ask for pages about a model."""
    return explaining.book(pipeline.load(model))


def explained(model: str, name: str) -> Explanation:
    return book(model).page(name)


def page(text: str, name: str) -> Explanation:
    return explaining.explained(pipeline.parse(text), name)


def section(found: Explanation, topic: str) -> Section:
    return next(s for s in found.sections if s.topic == topic)


def lines(found: Section) -> list[Line]:
    return [line for b in found.blocks if isinstance(b, Lines) for line in b.lines]


def matrices(line: Line) -> list[Numbers]:
    items = line.rhs.items if isinstance(line.rhs, Side) else (line.rhs,)
    return [i.body for i in items if isinstance(i, Shaped) and isinstance(i.body, Numbers)]


# ── every model ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", models.names())
def test_every_variable_of_every_model_has_a_page(name: str) -> None:
    """The formats take turns: each is seen with each kind of variable of some model."""
    model = book(name).model
    asked = [a for a in model.arrays.values() if a.integer is None and a.kind != "cost"]
    for number, array in enumerate(asked):
        found = explained(name, array.name)
        assert found.topics[0] == "adjoint"
        for writer in (WRITERS[0], WRITERS[number % len(WRITERS)]):
            written = explaining.explanation_text(model, found, writer.name)
            assert not re.search(r"\bnan\b|\binf\b", written), (name, array.name)
            assert "[0 = 0]" not in written and "[1 = 1]" not in written, (name, array.name)


def test_the_page_has_the_equations_through_which_an_element_acts() -> None:
    model = pipeline.load("mlp")
    written = explaining.explanation_text(model, explaining.explained(model, "z"), "text")
    ways = written.split("Which ways")[1].split("acts on")[0]
    assert [line.strip() for line in ways.splitlines() if " = " in line] == [
        "aⱼˡ = σ(zⱼˡ)", "zⱼˡ = Σₖ wⱼₖˡ aₖˡ⁻¹ + bⱼˡ",
    ]  # fmt: skip


def test_the_page_about_delta_is_the_one_that_was_read() -> None:
    """To renew it: symbp explain mlp delta -o tests/golden/explain_mlp_delta.txt, and read it."""
    model = pipeline.load("mlp")
    written = explaining.explanation_text(model, explaining.explained(model, "delta"))
    assert written == GOLDEN.read_text(encoding="utf-8")


def test_the_same_model_gives_the_same_page() -> None:
    models_ = (pipeline.load("lstm"), pipeline.load("lstm"))
    first, second = (explaining.explanation_text(m, explaining.explained(m, "c")) for m in models_)
    assert first == second


def test_a_book_has_the_pages_that_are_asked_for_one_by_one() -> None:
    """Also of x, which the document about the model does not derive."""
    model = pipeline.load("mlp")
    for name in ("delta", "w", "x"):
        alone = explaining.explanation_text(model, explaining.explained(model, name))
        assert explaining.explanation_text(model, explained("mlp", name)) == alone


def test_a_model_is_derived_once_for_all_its_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    from symbp.derive import engine

    derived: list[object] = []
    whole = engine.adjoint_system
    monkeypatch.setattr(engine, "adjoint_system", lambda *a: derived.append(a) or whole(*a))
    pages = explaining.book(pipeline.load("mlp"))
    for name in ("z", "w", "b", "delta"):
        pages.page(name)
    assert len(derived) == 1


# ── which sections ────────────────────────────────────────────────────────────────────────────────

TOPICS = {
    ("mlp", "delta"): {"paths", "transpose", "inverse", "hadamard", "batch", "cases"},
    ("mlp", "w"): {"paths", "outer", "batch"},
    ("mlp", "b"): {"paths", "batch"},
    ("rnn", "h"): {"paths", "ways", "transpose", "inverse", "batch", "cases"},
    ("self_attention", "s"): {"paths", "transpose", "inverse", "hadamard", "diagonal", "softmax", "batch"},
    ("embedding_classifier", "E"): {"paths", "gather", "transpose", "batch"},
    ("conv1d", "x"): {"paths", "window", "batch"},
}


@pytest.mark.parametrize(("model", "name"), TOPICS)
def test_sections_stand_where_the_derivation_gives_rise_to_them(model: str, name: str) -> None:
    assert set(explained(model, name).topics) == {"adjoint", *TOPICS[model, name]}


COUPLING = """
input x : D
param A : H, D
param S : E, H
h[j] = tanh(sum(A[j,d]*x[d], d))
s[e] = tanh(sum(S[e,j]*h[j], j))
cost L = sum(s[e]^3, e)
"""


@pytest.mark.parametrize("notation", ["nielsen", "rows"])
def test_a_product_entry_by_entry_within_a_matrix_product_is_explained_too(notation: str) -> None:
    """Sᵀ ((∂L/∂s) ⊙ (1 − s²)): the slopes have an axis that h does not have."""
    model = pipeline.parse(COUPLING)
    found = explaining.explained(model, "h", "rows" if notation == "rows" else "columns")
    told = section(found, "hadamard")
    (diagonal,) = matrices(lines(told)[0])
    assert len(diagonal.rows) > 1
    assert all((v != 0) == (r == c) for r, line in enumerate(diagonal.rows) for c, v in enumerate(line))
    written = " ".join(explaining.explanation_text(model, found, notation=notation).split())
    assert "each number of ∂L/∂s goes back through a step that makes one number of one number" in written
    assert "(∂L/∂s) ⊙ (1 − s²) =" in written


def test_a_page_that_shows_a_hadamard_product_says_why() -> None:
    """Also where it is a factor of a product with a transpose, which is what most layers have."""
    for model, name in [("vae", "x"), ("vae", "z"), ("rnn", "W"), ("lstm", "c"), ("batch_norm", "gamma")]:
        found = explained(model, name)
        written = explaining.explanation_text(book(model).model, found, "text")
        assert ("⊙" in written.split("Which ways")[0]) <= ("hadamard" in found.topics), (model, name)


def test_no_transpose_where_the_model_multiplies_by_the_transpose_itself() -> None:
    turned = page("""
        input x : N
        param w : N, M
        param v : N
        h[k] = x[k]*v[k]
        z[j] = sum(w[k,j]*h[k], k)
        let delta = dC/dz
        cost C = sum(tanh(z[j]), j)""", "h")
    plain_ = page("""
        input x : N
        param w : M, N
        param v : N
        h[k] = x[k]*v[k]
        z[j] = sum(w[j,k]*h[k], k)
        let delta = dC/dz
        cost C = sum(tanh(z[j]), j)""", "h")
    assert "transpose" not in turned.topics and "inverse" not in turned.topics
    assert {"transpose", "inverse"} <= set(plain_.topics)


def test_names_do_not_decide_what_is_explained() -> None:
    text = pipeline.load("mlp").text
    renamed = re.sub(r"\bsigma\b", "g", re.sub(r"\bdelta\b", "q", re.sub(r"\bw\b", "M", text)))
    assert page(renamed, "z").topics == explained("mlp", "z").topics


# ── the numbers ───────────────────────────────────────────────────────────────────────────────────


def test_the_transpose_gives_the_measured_adjoint_and_the_pseudo_inverse_does_not() -> None:
    found = lines(section(explained("mlp", "delta"), "inverse"))
    inverse, measured, right, wrong = (matrices(line)[0] for line in found)
    assert inverse.shape[0] != inverse.shape[1]
    column = [v for (v,) in measured.rows]
    assert [v for (v,) in right.rows] == pytest.approx(column)
    assert found[3].sign == "≠" and [v for (v,) in wrong.rows] != pytest.approx(column)


def test_a_square_matrix_is_inverted() -> None:
    import numpy as np

    found = lines(section(explained("rnn", "h"), "inverse"))
    shown = lines(section(explained("rnn", "h"), "transpose"))
    matrix, inverse = (np.array(matrices(group[0])[0].rows) for group in (shown, found))
    assert matrix @ inverse == pytest.approx(np.eye(len(matrix)))


def test_the_column_that_stands_out_is_the_row_of_the_transpose() -> None:
    plain_, turned = lines(section(explained("mlp", "delta"), "transpose"))[:2]
    (before,), (after, _) = matrices(plain_), matrices(turned)
    assert {(c, r) for r, c in before.strong} == after.strong
    assert len({c for _, c in before.strong}) == 1
    assert before.rows == tuple(zip(*after.rows, strict=True))


def test_the_jacobian_of_an_elementwise_function_is_diagonal_and_that_of_softmax_is_not() -> None:
    (diagonal,) = matrices(lines(section(explained("mlp", "delta"), "hadamard"))[0])
    assert all((v != 0) == (r == c) for r, line in enumerate(diagonal.rows) for c, v in enumerate(line))
    full = matrices(lines(section(explained("self_attention", "s"), "softmax"))[1])[0]
    assert all(v != 0 for line in full.rows for v in line)


def test_a_wrong_result_is_noticed() -> None:
    system = adjoint_system(pipeline.load("mlp"), ("w", "b", "z"), ("z",))
    views = pipeline.matrix_views(system, ("z",))
    cases = tuple(replace(c, result=2 * c.result) for c in system.cases["z"])
    wrong = replace(system, cases={**system.cases, "z": cases})
    with pytest.raises(VerificationFailed, match="explanation of z"):
        explanation(wrong, "z", views)


def test_a_wrong_matrix_product_is_noticed() -> None:
    from symbp.explain.products import same_grid
    from symbp.explain.spot import spots

    spot = next(spots(adjoint_system(pipeline.load("mlp")), "z"))
    with pytest.raises(VerificationFailed, match="matrix product"):
        same_grid(spot, ((1.0,),), ((1.001,),))


@pytest.mark.parametrize(
    "values", [(0.0110081, -0.0042450, -0.0168185), (0.3333, 0.3333, 0.3334), (2.0, 3.5)]
)
def test_printed_terms_add_up_as_printed_or_say_that_they_do_not(values: tuple[float, ...]) -> None:
    _, sign, total = summed(values)
    rounded = round(sum(round(v, total.decimals) for v in values), total.decimals)
    assert (rounded == round(total.number, total.decimals)) == (sign == "=")


def test_printed_factors_multiply_as_printed() -> None:
    written, sign, total = multiplied((-0.2, 0.1182711, 0.1794638))
    product = 1.0
    for factor in written.factors:  # type: ignore[union-attr]
        product *= round(factor.number, factor.decimals)  # type: ignore[union-attr]
    assert sign == "=" and round(product, total.decimals) == round(total.number, total.decimals)


def test_numbers_have_three_digits_and_no_more_decimals_than_they_need() -> None:
    assert [decimals([v]) for v in (0.7, 0.0123456, 1.23456, 3.0, 0.0)] == [1, 4, 2, 0, 0]


# ── the words ─────────────────────────────────────────────────────────────────────────────────────

HIGHWAY = """
title "Highway"
index l = 1..L
input x : D
param V[l] : D, D
h[0,k] = x[k]
g[l,j] = sum(V[l,j,k]*h[l-1,k], k)
h[l,j] = tanh(g[l,j]) + sigmoid(g[l,j])*h[l-1,j]
let gamma = dC/dg
let epsilon = dC/dh
cost C = sum(h[L,j]^2, j)
"""


def words(text: str, name: str, topic: str) -> str:
    """A section in plain text, on one line."""
    model = pipeline.parse(text)
    found = explaining.explained(model, name)
    only = replace(found, sections=(section(found, topic),))
    return " ".join(explaining.explanation_text(model, only).split())


def test_a_diagonal_jacobian_beside_other_paths_is_called_direct() -> None:
    told = words(HIGHWAY, "h", "hadamard")
    assert "Directly – with g² held fixed – h₁² reads only h₁¹ and no other element of h¹" in told
    assert "direct Jacobian" in told and "computed from" not in told
    alone = words(pipeline.load("mlp").text, "z", "hadamard")
    assert "a₁¹ is computed from z₁¹ and from no other element of z¹" in alone and "irect" not in alone


def test_what_is_seen_through_is_named_between_an_element_and_its_readers() -> None:
    mlp = pipeline.load("mlp").text
    assert "3 elements read it by way of a₁¹" in words(mlp, "z", "paths")
    assert "how far z² moves if a¹ is moved" in words(mlp, "z", "inverse")
    assert "2 elements read it. " in words(pipeline.load("lstm").text, "c", "paths")
    mixed = """
        input x : N
        param w : M, N
        u[k] = w[0,k]*x[k]
        z[k] = tanh(u[k])
        a[k] = sigmoid(z[k])
        s[j] = sum(w[j,k]*a[k], k)
        let delta = dC/dz
        let eta = dC/ds
        cost C = sum(s[j]^2, j) + sum(z[k]^2, k) + sum(a[k]^3, k)"""
    told = words(mixed, "z", "paths")
    assert "directly and by way of a₁" in told and "the cost reads it directly and by way of a₁" in told


def test_a_vector_of_ones_repeats_and_is_no_product_on_a_path() -> None:
    crf = pipeline.load("crf").text
    told = words(crf, "alpha", "ones")
    assert "It repeats α¹ in every row" in told and "what is differentiated" not in told
    assert "outer" not in explained("crf", "alpha").topics
    block_ = words(pipeline.load("transformer_block").text, "x", "ones")
    assert "It repeats ∂C/∂μ in every column" in block_
    assert "the shape of what is differentiated" in words(pipeline.load("mlp").text, "w", "outer")


POOL = """
input x : 5
param w : 5
a[k] = w[k]*x[k]
u[i] = {body}
let delta = dC/da
cost C = sum(u[i]^2, i)
"""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("max(a[2*i+p], p=0..1)", "gives the largest: here in u"),
        ("min(a[i+p], p=0..2)", "gives the smallest: here in u"),
        ("mean(a[2*i+p], p=0..1)", "the mean of the 2 numbers of its window, so each counts ½ there"),
        ("sum(a[i+p], p=0..1)", "adds up its window, so all numbers count alike"),
        ("sum(a[i+p]*w[p], p=0..1)", "decides which weight it meets"),
        ("logsumexp(a[i+p], p=0..1)", "what its local derivative says"),
    ],
)
def test_what_an_output_makes_of_its_window_is_said(body: str, said: str) -> None:
    told = words(POOL.format(body=body), "a", "window")
    assert said in told and ("weight" in told) == ("w[p]" in body)


def test_an_output_in_whose_window_an_element_is_not_the_smallest_sees_it_too() -> None:
    told = words(POOL.format(body="min(a[i+p], p=0..2)"), "a", "window")
    seen = re.search(r"in their window: (.*?)\. An output", told)
    counted = re.search(r"here in (.*?)\. Where", told)
    assert seen and counted
    assert set(re.findall(r"u.", counted[1])) < set(re.findall(r"u.", seen[1]))


def test_an_adjoint_and_the_way_of_counting_are_defined_where_they_first_occur() -> None:
    told = explaining.explanation_text(pipeline.load("mlp"), explained("mlp", "delta"))
    assert "δ₁¹ is the adjoint of z₁¹: it says" in told
    assert told.index("is the adjoint of") == told.index("adjoint") - len("is the ")
    assert told.count("count from 0") == 1 and told.index("count from 0") < told.index("C = ")


def test_sizes_and_the_entries_of_softmax_are_formulas() -> None:
    latex = explaining.explanation_text(pipeline.load("mlp"), explained("mlp", "delta"), "latex")
    assert "$L = 2$, $n_0 = 4$, $n_1 = 2$" in latex
    soft = explaining.explanation_text(
        pipeline.load("self_attention"), explained("self_attention", "s"), "latex"
    )
    assert r"$a_{0,0}\,(1 - a_{0,0})$" in soft and "p q" not in soft and "p(1" not in soft


def test_all_matrices_of_a_batch_have_capitals_or_none_has_and_it_is_said() -> None:
    told = words(pipeline.load("mlp").text, "z", "batch")
    assert "The capitals Z and Δ stand for matrices that have one row for each example" in told
    # C is the cost and R the letter of parameters, so no array has a capital
    told = words(pipeline.load("lstm").text, "c", "batch")
    assert "In what follows" in told and "one row for each example" in told
    assert "ε¹ = ε² ⊙ sigmoid(q²) + δ¹ ⊙ sigmoid(r¹) ⊙ (1 − tanh²(c¹))" in told
    model = pipeline.load("mlp")
    for notation, letter in (("goodfellow", "𝒁"), ("ng", "dZ")):
        bold = explaining.explanation_text(model, explained("mlp", "z"), notation=notation)
        assert letter in bold[bold.index("for a batch") :]
    told = words(model.text, "w", "batch")
    assert "The capitals A and Δ stand" in told and "∂C/∂W" not in told


# ── vectors as rows ───────────────────────────────────────────────────────────────────────────────

ROWS_TIMES_MATRIX = """
index l = 1..L
input x : n[0]
input y : n[L]
param w[l] : n[l-1], n[l]
a[0,k] = x[k]
z[l,j] = sum(a[l-1,k]*w[l,k,j], k)
a[l,j] = tanh(z[l,j])
let delta = dC/dz
cost C = sum((a[L,j] - y[j])^2, j)/2
"""
"""A batch-first model: it multiplies rows by w as it is."""


def in_rows(text: str, name: str) -> str:
    """The page in the row notation, its lines joined."""
    model = pipeline.parse(text)
    written = explaining.explanation_text(model, explaining.explained(model, name), notation="rows")
    return " ".join(written.split())


def test_a_page_in_rows_speaks_of_rows() -> None:
    told = in_rows(pipeline.load("mlp").text, "delta")
    assert "Vectors are rows" in told and "δ¹ = (δ² W²) ⊙ σ′(z¹) the same for all" in told
    assert "Why W² itself, and not its transpose?" in told and "(W²)ᵀ δ²" not in told
    assert "forwards it is the transpose by which a row is multiplied" in told
    assert "1×3 and 2×3 do not fit" in told and "2×3 and 3×1" not in told
    assert "(W²)ᵀ maps forwards" in told and "≠ [ −0.108 0.044 ]" in told
    assert "multiply the row that comes back by this matrix" in told
    assert "The formula stays what it is" in told and "A column that becomes a row" not in told
    notes = pipeline.documented(pipeline.load("mlp"), ("delta",), "text", notation="rows")
    assert "(δˡ Wˡ) ⊙ σ′(zˡ⁻¹)" in notes
    columns = " ".join(explaining.explanation_text(pipeline.load("mlp"), explained("mlp", "delta")).split())
    assert "Vectors are rows" not in columns and "Why the transpose of w²?" in columns


def test_in_a_batch_first_model_it_is_the_way_back_that_has_the_transpose() -> None:
    told = in_rows(ROWS_TIMES_MATRIX, "z")
    assert "Why the transpose of W²?" in told and "so this row has to stand as a column" in told
    assert "column 0 of W², which a row times a matrix reads as it is" in told
    assert "δ¹ = (δ² (W²)ᵀ) ⊙" in told and "W² maps forwards" in told
    assert "transpose" not in page(ROWS_TIMES_MATRIX, "z").topics


def test_the_outer_product_of_rows_turns_the_first() -> None:
    told = in_rows(pipeline.load("mlp").text, "w")
    assert "∂C/∂W² = (δ²)ᵀ a¹" in told and "the first of the two is turned into a column" in told
    assert "δ² (a¹)ᵀ" not in told


def test_softmax_and_windows_go_back_by_a_row_times_the_jacobian() -> None:
    soft = in_rows(pipeline.load("self_attention").text, "s")
    assert "the row of the adjoints of the outputs is multiplied by the whole matrix" in soft
    window = in_rows("""
        input x : N
        param f : K
        z[i] = sum(f[k]*x[i+k], k)
        cost C = sum(z[i]^2, i)/2
    """, "x")  # fmt: skip
    assert "the row of the adjoints of the outputs times it" in window and "its transpose" not in window


def runs(line: Line) -> list[list[Numbers]]:
    """The matrices that stand side by side in a line, with nothing between them."""
    items = line.rhs.items if isinstance(line.rhs, Side) else (line.rhs,)
    found: list[list[Numbers]] = [[]]
    for item in items:
        if isinstance(item, Shaped) and isinstance(item.body, Numbers):
            found[-1].append(item.body)
        elif found[-1]:
            found.append([])
    return [f for f in found if f]


@pytest.mark.parametrize("name", models.names())
def test_matrices_side_by_side_in_a_page_in_rows_can_be_multiplied(name: str) -> None:
    model = book(name).model
    for array in [a for a in model.arrays.values() if a.integer is None and a.kind != "cost"]:
        found = book(name).page(array.name, "rows")
        assert found.vectors == "rows" and found.topics[0] == "adjoint"
        vector = sum(not axis.sequence for axis in array.axes) == 1
        for line in (line for part in found.sections for line in lines(part)):
            for run in runs(line):
                for left, right in pairwise(run):
                    assert left.shape[1] == right.shape[0], (name, array.name)
            if vector and isinstance(line.lhs, Whole):
                assert all(run[-1].shape[0] == 1 for run in runs(line)[-1:]), (name, array.name)
        writer = WRITERS[len(array.name) % len(WRITERS)]
        assert explaining.explanation_text(model, found, writer.name, "rows")


SOFT_ALIGNMENT = """
index i = 0..M, j = 0..N
input x[i] : D
input y[j] : D
param G : D, D
param g
r[i,0] = g*i
r[0,j] = g*j for j = 1..N
m[i,j] = sum(x[i,a]*G[a,b]*y[j,b], a, b) for i = 1..M, j = 1..N
r[i,j] = -log(exp(-r[i-1,j-1] - m[i,j]) + exp(-r[i-1,j] - g) + exp(-r[i,j-1] - g)) for i = 1..M, j = 1..N
cost C = r[M,N]
"""


def test_a_long_result_has_the_place_of_the_page_too() -> None:
    told = words(SOFT_ALIGNMENT, "r", "adjoint")
    formula = told[told.index("gives the same number") : told.index("equation (")]
    assert "r^{1,1}" in formula and "∂C/∂r^{2,2}" in formula
    assert "i" not in re.sub(r"sigmoid|gives|is|logaddexp", "", formula.split(":")[1])


@pytest.mark.parametrize("name", ["mlp", "rnn", "mlp_abstract"])
def test_equations_have_the_numbers_of_the_derivation_of_the_whole_model(name: str) -> None:
    pages = book(name)
    model = pages.model
    whole, _ = pipeline.derive(model)
    for array in model.arrays.values():
        if array.integer is not None or array.kind == "cost":
            continue
        told = explaining.explanation_text(model, pages.page(array.name))
        numbers = {int(n) for n in re.findall(r"equation \((\d+)\)", told)}
        known = {c.number for c in whole.cases.get(array.name, ())}
        assert numbers <= known and bool(numbers) == bool(known)
        assert ("derivation of the whole model" in told) == bool(known)


# ── how it looks ──────────────────────────────────────────────────────────────────────────────────

MATRIX = Brace(Grid(((num("1"), Strong(num("0.5"))), (num("2"), num("3")))), row(num(2), num(2)))


def test_a_matrix_in_every_spelling() -> None:
    assert block(MATRIX).lines == ("⎡ 1 [0.5]⎤", "⎣ 2    3 ⎦", "    22    ")
    assert plain(MATRIX) == "[1, 0.5; 2, 3]"
    assert tex(MATRIX) == (
        r"\underbrace{\begin{bmatrix} 1 & \mathbf{0.5} \\ 2 & 3 \end{bmatrix}}_{22}"
    )
    assert math(MATRIX).count("<mtd>") == 4


@needs_pdflatex
@pytest.mark.parametrize(
    ("model", "name"),
    [("mlp", "delta"), ("rnn", "W"), ("lstm", "c"), ("self_attention", "s"), ("crf", "alpha")],
)
def test_latex_compiles_without_overfull_lines(model: str, name: str, tmp_path: Path) -> None:
    found = symbp.load(model).explain(name)
    assert_tidy(compile_latex(found.to_latex(standalone=True), tmp_path))


@needs_pdflatex
@pytest.mark.parametrize("notation", ["nielsen", "bishop"])
def test_formulas_wider_than_the_page_stay_on_it(notation: str, tmp_path: Path) -> None:
    found = symbp.parse(ALIGNMENT).explain("r")
    assert_tidy(compile_latex(found.to_latex(standalone=True, notation=notation), tmp_path))


# ── the command and Python ────────────────────────────────────────────────────────────────────────


def test_the_command_writes_text_and_takes_the_format_from_the_file(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["explain", "mlp", "delta"])
    assert done.exit_code == 0 and done.output == GOLDEN.read_text(encoding="utf-8")
    path = tmp_path / "why.html"
    assert CliRunner().invoke(main, ["explain", "mlp", "delta", "-o", str(path)]).exit_code == 0
    assert path.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_an_unknown_variable_is_refused_with_the_nearest_name() -> None:
    done = CliRunner().invoke(main, ["explain", "mlp", "delt"])
    assert done.exit_code == 1 and "did you mean delta?" in done.output


def test_integer_data_and_formats_that_do_not_exist_are_refused() -> None:
    with pytest.raises(RequestProblem, match="integer valued"):
        explained("skip_gram", "w")
    with pytest.raises(RequestProblem, match="no format"):
        explaining.explanation_text(pipeline.load("mlp"), explained("mlp", "b"), "pdf")


def test_a_stand_in_for_an_abstract_function_is_said() -> None:
    told = symbp.load("mlp_abstract").explain("z").to_text()
    assert "smooth functions stand in" in told and "--bind sigma=tanh" in told
    assert "stand in" not in symbp.load("mlp").explain("z").to_text()


def test_an_explanation_shows_itself() -> None:
    found = symbp.load("mlp").explain("w")
    assert "outer" in found.topics
    assert found._repr_html_() == found.to_html() and "<math" in found.to_html()
    assert found.to_markdown() != found.to_markdown(notation="ng")
    assert str(found) == found.to_text()


GRID = """
index i = 0..M, j = 0..N
const s[i,j]
param g
r[0,0] = 0
r[i,0] = g*i for i = 1..M
r[0,j] = g*j for j = 1..N
r[i,j] = log(exp(r[i-1,j-1] + s[i,j]) + exp(r[i-1,j] + g) + exp(r[i,j-1] + g)) for i = 1..M, j = 1..N
cost C = r[M,N]
"""
WINDOWS = """
param z : H, V
cost C = sum(mean(z[i,2*j+r], r=0..1)^2, i, j=0..1)
"""


@pytest.mark.parametrize(("text", "name"), [(GRID, "g"), (WINDOWS, "z")])
def test_borders_and_powers_of_numbers_are_explained(text: str, name: str) -> None:
    model = pipeline.parse(text)
    found = explaining.explained(model, name)
    for writer in WRITERS:
        assert explaining.explanation_text(model, found, writer.name)


def test_a_sum_over_all_layers_before_has_numbers_at_its_ends_and_a_batch() -> None:
    text = (
        "index l = 1..L\ninput x : D\nparam w[l] : D, D\na[0,k] = x[k]\n"
        "a[l,j] = tanh(sum(w[l,j,k]*sum(a[m,k], m=0..l-1), k))\ncost C = sum(a[L,j]^2, j)\n"
    )
    model = pipeline.parse(text)
    found = explaining.explanation_text(model, explaining.explained(model, "w"), "text")
    assert "What changes for a batch?" in found and "Σₘ₌₀⁰ (aᵐ)ᵀ" in found


def test_the_letter_of_a_size_does_not_take_the_capital_of_a_batch() -> None:
    """v ranges over V places: whether its matrix is called V must not hang on the name of a size."""
    text = (
        "input x : D\ninput y : K\nparam U : V, D\nparam P : K, V\nv[i] = tanh(sum(U[i,j]*x[j], j))\n"
        "r[k] = sum(P[k,i]*v[i], i)\ncost C = sum((r[k] - y[k])^2, k)\n"
    )
    other = text.replace(": V, D", ": n, D").replace(": K, V", ": K, n")
    for model in (text, other):
        assert "The capitals X, V and ∂C/∂V stand" in words(model, "U", "batch")


def test_a_sum_of_nothing_is_0() -> None:
    m, n = (fresh(c, affine(0), affine(Size(c.upper())) - 1) for c in "mn")
    entry = Mul((Ref("a", (affine(m), affine(n))), Indicator(affine(0), affine(1))))
    nothing = Reduce("sum", (m,), Reduce("sum", (n,), entry))
    assert concrete(nothing, lambda position: position, lambda index: range(9)) == ZERO


@pytest.mark.parametrize(
    ("model", "variable", "factor", "end", "begin"),
    [
        ("self_attention", "v", "a", "o", "v"),  # on the left: o = a v
        ("transformer_block", "t", "W", "u", "t"),  # on the right: u = t W
        ("self_attention", "s", "v", "o", "a"),  # through a softmax
    ],
)
def test_the_inverse_is_tried_for_matrices_too(
    model: str, variable: str, factor: str, end: str, begin: str
) -> None:
    page = " ".join(str(symbp.load(model).explain(variable)).split())
    assert f"Why not the inverse of {factor}?" in page
    assert f"{factor} maps forwards: it says how far {end} moves if {begin} is moved." in page
    assert "with the transpose: the same" in page and "in its place: something else" in page


def test_a_matrix_inside_a_function_maps_forwards_up_to_its_slope() -> None:
    text = "input x : D\nparam W : H, D\nparam U : H, H\nh[i] = tanh(sum(W[i,d]*x[d], d))\n"
    text += "g[i] = tanh(sum(U[i,j]*h[j], j))\ncost C = sum(g[i]^2, i)"
    told = " ".join(words(text, "h", "inverse").split())
    assert "U maps forwards: it says, up to the factor that each path has besides, how far g moves" in told


def test_quotients_of_vectors_are_written_for_all_examples_at_once() -> None:
    text = "input x : D\nparam W : H, D\ns[i] = sum(W[i,d]*x[d], d)\ncost C = sum(exp(s[i]) - s[i], i)/2"
    told = words(text, "s", "batch")
    assert "Entry by entry nothing changes" in told and "is no vector" not in told


# ── what shows little ─────────────────────────────────────────────────────────────────────────────

POOLED = """
input x : H, W
param f : P, P
u[i,j] = sum(f[p,q]*x[i+p,j+q], p, q)
m[i,j] = max(u[2*i+p,2*j+q], p=0..1, q=0..1)
cost C = sum(tanh(m[i,j])^2, i, j)
"""


def test_paths_on_which_nothing_comes_back_are_counted_and_not_written_out() -> None:
    """Only one entry of a window is the largest: the adjoints of the others are 0."""
    found = explaining.explained(pipeline.parse(POOLED), "f")
    told = explaining.explanation_text(pipeline.parse(POOLED), found, "text")
    assert re.search(r"The other (path adds|\d+ paths add) nothing: the adjoint", told)
    written = [line for line in lines(section(found, "paths")) if line.sign == ":"]
    assert written and not any("· 0 = 0" in line for line in told.splitlines())


WINDOWS = """
input x : D
param w : N, D
param f : P
h[i] = tanh(sum(w[i,d]*x[d], d))
z[i] = sum(f[p]*h[i+p], p)
cost C = sum(z[i]^2, i)
"""


def test_an_element_is_chosen_that_several_paths_reach() -> None:
    """At the edge a window is read once: the first element shows no sum."""
    found = explaining.explained(pipeline.parse(WINDOWS), "h")
    assert len([line for line in lines(section(found, "paths")) if line.sign == ":"]) >= 2


NORMED = """
const Y : N, E
param z : N, E
param g : E
mu[n] = mean(z[n,e], e)
r[n,e] = g[e]*(z[n,e] - mu[n])
let delta = dC/dz
cost C = sum((r[n,e] - Y[n,e])^2, n, e)
"""


@pytest.mark.parametrize("notation", ["nielsen", "rows"])
def test_a_diagonal_matrix_is_one_factor_for_each_column(notation: str) -> None:
    model = pipeline.parse(NORMED)
    told = " ".join(
        explaining.explanation_text(model, explaining.explained(model, "z"), "text", notation).split()
    )
    assert "On the right of a product it multiplies each column by one number" in told
    assert "with a matrix whose rows are all alike" in told
    assert "the column that stands out has one factor" in told
