"""Notations: what they change, what they must not confuse, and that the lines stay true."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from symbp import cli, models
from symbp.arrays import matrix_nodes as mat
from symbp.arrays.matrix_nodes import Matrix, shape
from symbp.arrays.matrix_rows import by_rows, transposed
from symbp.derive.engine import adjoint_system
from symbp.emit import EMITTERS
from symbp.emit.document import document, formulas
from symbp.emit.lettering import set_alike
from symbp.emit.notation import CHOICES, NIELSEN, NOTATIONS, Notation, symbol
from symbp.emit.notation_file import read_notation
from symbp.emit.plain import text as plain
from symbp.emit.tex import tex
from symbp.errors import RequestProblem, Source, SyntaxProblem
from symbp.pipeline import derive, load, matrix_views, parse, written

BY_NAME = {n.name: n for n in NOTATIONS}


def page(name: str, notation: Notation, variable: str = "z", format_: str = "latex") -> str:
    system, names = derive(load(name), (variable,))
    return sheet(system, names, notation, format_)


def sheet(system: Any, names: tuple[str, ...], notation: Notation, format_: str = "latex") -> str:
    made = document(system, names, notation=notation, views=matrix_views(system, names), detail="all")
    return next(e for e in EMITTERS if e.name == format_).emit(made)


def own(text: str) -> Notation:
    return read_notation(Source("mine.toml", text))


# ── what each notation writes ─────────────────────────────────────────────────────────────────────

SEEN: dict[str, tuple[str, ...]] = {
    "nielsen": (r"\bigl((w^l)^{\mathsf{T}}\,\delta^l\bigr) \odot \sigma'(z^{l-1})", "w^l_{jk}"),
    "goodfellow": (
        r"\bigl((\boldsymbol{W}^{(l)})^{\top}\,\boldsymbol{\delta}^{(l)}\bigr)"
        r" \odot \sigma'(\boldsymbol{z}^{(l-1)})",
        "W^{(l)}_{jk}",
    ),
    "ng": (
        r"\bigl((W^{[l]})^{\mathrm{T}}\,\mathrm{d}z^{[l]}\bigr) \ast \sigma'(z^{[l-1]})",
        r"\mathrm{d}z^{[l]}_j",
    ),
    "bishop": (
        r"\bigl((\mathbf{W}^{(l)})^{\mathrm{T}}\,\boldsymbol{\delta}^{(l)}\bigr)"
        r" \odot \sigma'(\mathbf{z}^{(l-1)})",
        "w^{(l)}_{jk}",
    ),
    "rows": (r"(\delta^l\,W^l) \odot \sigma'(z^{l-1})", "W^l_{jk}"),
}


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda n: n.name)
def test_a_notation_changes_the_index_lines_and_the_matrix_line(notation: Notation) -> None:
    text = page("mlp", notation)
    for formula in SEEN[notation.name]:
        assert formula in text


@pytest.mark.parametrize(
    ("line", "formula"),
    [
        ('fixed = "capital"', r"\delta^{l-1}_K"),
        ('hadamard = "circ"', r"\circ \sigma'(z^{l-1})"),
        ('derivative = "d"', r"\frac{\mathrm{d}\sigma}{\mathrm{d}u}\Bigr)(z^{l-1}_k)"),
        ('sequence = "subscript"', r"z_{l-1,k}"),
        ('jacobian = "denominator"', r"\bigl(\sigma'(z^{l-1})\bigr)\,(w^l)^{\mathsf{T}}"),
        ('cost = "loss"', "change the loss"),
        ('base = "goodfellow"\ntranspose = "sans"', r"(\boldsymbol{W}^{(l)})^{\mathsf{T}}"),
    ],
)
def test_each_field_of_a_file_of_ones_own_shows(line: str, formula: str) -> None:
    assert formula in page("mlp", own(line))
    assert formula not in page("mlp", NIELSEN)


def test_a_kronecker_delta_where_no_other_delta_stands() -> None:
    system, names = derive(parse(TWO), ("h",))
    text = sheet(system, names, own('indicator = "kronecker"'))
    assert re.search(r"\\delta_\{\w\w\}", text) and "[" not in text.replace("[t]", "")


# ── clashes ───────────────────────────────────────────────────────────────────────────────────────


def test_the_kronecker_delta_is_refused_beside_an_adjoint_delta() -> None:
    with pytest.raises(RequestProblem, match="Kronecker") as problem:
        page("mlp", own('indicator = "kronecker"'))
    assert 'indicator = "bracket"' in problem.value.hint
    assert r"\delta_{ik}" in page("mlp", own('indicator = "kronecker"\nadjoint = "d"'))


TWO = """
input x : D
param w : D, D
param W : D, D
h[i] = tanh(sum(w[i,j]*x[j], j))
s[i] = sum(W[i,j]*h[j], j)
cost C = sum(s[i]^2, i)
"""


@pytest.mark.parametrize("name", ["goodfellow", "ng", "bishop", "rows"])
def test_two_arrays_that_differ_in_case_keep_their_letters(name: str) -> None:
    system, names = derive(parse(TWO), ("w", "W", "h"))
    text = sheet(system, names, BY_NAME[name], "text")
    assert "respect to w\n" in text and "respect to W\n" in text
    assert "tanh(Σⱼ wᵢⱼ xⱼ)" in text


def test_a_capital_is_not_taken_from_a_size() -> None:
    model = "input x : D\nparam d : K, D\ns[k] = sum(d[k,i]*x[i], i)\ncost C = sum(s[k]^2, k)"
    system, names = derive(parse(model), ("d",))
    assert "dₖᵢ" in sheet(system, names, BY_NAME["rows"], "text")


def test_a_fixed_index_is_not_called_like_a_size() -> None:
    model = "input x : D\nparam v : K, D\ns[k] = sum(v[k,i]*x[i], i)\ncost C = sum(s[k]^2, k)"
    system, names = derive(parse(model), ("s",))
    text = sheet(system, names, own('fixed = "capital"'))
    assert "s_k" in text and "s_K" not in text


@pytest.mark.parametrize("sequence", [*CHOICES["sequence"]])
def test_a_power_is_not_read_as_a_layer(sequence: str) -> None:
    model = "index l = 1..L\ninput x : D\nparam w[l] : D, D\nh[0,i] = x[i]\n" + (
        "h[l,i] = sum(w[l,i,j]*h[l-1,j], j)^2\ncost C = sum(h[L,i]^2, i)"
    )
    system, names = derive(parse(model), ("h",))
    text = sheet(system, names, own(f'sequence = "{sequence}"'))
    power = {"superscript": "(h^L_i)^2", "round": "(h^{(L)}_i)^2", "square": "(h^{[L]}_i)^2"}
    assert power.get(sequence, "h^2_{L,i}") in text


# ── files ─────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('base = "bishop"\nhadamrd = "circ"', "mine.toml:2:1: error: a notation has no 'hadamrd'"),
        ('hadamard = "cric"', "did you mean circ?"),
        ("hadamard = 3", "hadamard cannot be 3"),
        ('base = "nielson"', "did you mean nielsen?"),
        ('vector = "bold', "mine.toml:1:15: error: this is not TOML"),
        ("[hadamard]\nsign = 1", "mine.toml:1:2: error: hadamard cannot be"),
        ("name = 3", "mine.toml:1:1"),
        ("name = '\\input{x}'", "mine.toml:1:1"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(SyntaxProblem) as problem:
        own(text)
    assert message in str(problem.value)


def test_every_choice_can_be_written_in_a_file() -> None:
    for key, values in CHOICES.items():
        for word, meaning in values.items():
            assert getattr(own(f'{key} = "{word}"'), key) == meaning


def test_the_command_takes_names_and_files(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('fixed = "capital"\n', encoding="utf-8")
    done = CliRunner().invoke(cli.main, ["derive", "mlp", "delta", "--notation", str(path)])
    assert done.exit_code == 0 and r"\delta^{l-1}_K" in done.stdout
    wrong = CliRunner().invoke(cli.main, ["derive", "mlp", "--notation", "nielson"])
    assert wrong.exit_code == 2
    assert all(name in wrong.stderr for name in BY_NAME)
    path.write_text("fixd = 1\n", encoding="utf-8")
    located = CliRunner().invoke(cli.main, ["derive", "mlp", "--notation", str(path)])
    assert located.exit_code == 1 and "my.toml:1:1" in located.stderr
    assert {*cli.NAMED} == {*BY_NAME}


# ── the row form says the same ────────────────────────────────────────────────────────────────────


class Numbers:
    """Values of a matrix form with vectors as columns or as rows; every leaf has random entries."""

    def __init__(self, rows: bool) -> None:
        self.rows, self.random, self.sizes = rows, np.random.default_rng(3), {}

    def size(self, index: Any) -> int:
        return 3  # the shapes are held by the transposes; entries tell the rest

    def vector(self, value: Any) -> Any:
        return value.reshape(1, -1) if self.rows else value.reshape(-1, 1)

    def leaf(self, node: Any, count: int) -> Any:
        seed = sum(map(ord, str(node)))
        value = np.random.default_rng(seed).uniform(0.5, 1.5, (3,) * count)
        return self.vector(value) if count == 1 else value

    def value(self, node: Matrix) -> Any:
        below = [self.value(p) for p in mat.parts(node)]
        match node:
            case mat.Leaf(element, axes):
                name = getattr(element, "name", "")
                return self.leaf((type(element).__name__, name, len(axes)), len(axes))
            case mat.Scalar(expression):
                return self.leaf(("scalar", type(expression).__name__), 0)
            case mat.Ones():
                return self.vector(np.ones(3))
            case mat.Unit():
                return self.vector(np.eye(3)[1])
            case mat.Identity():
                return np.eye(3)
            case mat.OneHot():
                return np.eye(3)[[1, 2, 1]]
            case mat.Bracket():
                return 1.0 * (below[0] > 1)
            case mat.Transpose():
                return below[0].T
            case mat.Product():
                out = below[0]
                for factor in below[1:]:
                    out = out @ factor
                return out
            case mat.MatrixPower(_, exponent):
                return np.linalg.matrix_power(below[0], exponent)
            case mat.Diagonal():
                return self.vector(np.diag(below[0]))
            case mat.Trace():
                return np.trace(below[0])
            case mat.Norm():
                return np.linalg.norm(below[0])
            case mat.Hadamard() | mat.Scaled():
                return np.prod(np.broadcast_arrays(*below), axis=0)
            case mat.Quotient():
                return below[0] / below[1]
            case mat.Plus():
                return sum(below)
            case mat.Minus():
                return -below[0]
            case mat.Power():
                return np.abs(below[0]) ** 1.7
            case mat.Mapped(function, _, orders):
                return np.tanh(sum(below) + 0.01 * len(function) + sum(orders)) if below else 0.7
            case mat.Diag():
                return np.diag(below[0].ravel())
            case mat.Folded():
                return np.sum(below[0])
            case mat.Softmax():
                grown = np.exp(below[0])
                axis = None if 1 in grown.shape else 1
                return grown / grown.sum(axis=axis, keepdims=axis is not None)
            case _:
                return below[0]


def forms() -> Mapping[str, Matrix]:
    found: dict[str, Matrix] = {}
    for name in models.names():
        system = adjoint_system(load(name))
        for number, view in matrix_views(system, system.order).items():
            if view.form is not None:
                found[f"{name} {number}"] = view.form
            if view.jacobian is not None:
                found[f"{name} {number} J"] = view.jacobian.form
    return found


def test_forms_with_rows_have_the_same_entries() -> None:
    every = forms()
    assert len(every) > 60
    for name, form in every.items():
        columns, rows = Numbers(False).value(form), Numbers(True).value(by_rows(form))
        vector = shape(form)[0] != shape(form)[1]
        np.testing.assert_allclose(rows, columns.T if vector else columns, 1e-12, err_msg=name)
        turned = Numbers(False).value(transposed(form))
        np.testing.assert_allclose(turned, np.transpose(columns), 1e-12, err_msg=name)


# ── everything renders ────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", models.names())
def test_every_model_renders_in_every_notation(name: str) -> None:
    system = adjoint_system(load(name))
    for notation in NOTATIONS:
        made = document(system, system.order, notation=notation, views=matrix_views(system, system.order))
        for emitter in EMITTERS:
            text = emitter.emit(made)
            assert text == emitter.emit(made) and "None" not in text


def test_written_takes_a_notation_of_ones_own() -> None:
    system, names = derive(load("mlp"), ("z",))
    assert r"\delta^{l-1}_K" in written(system, names, notation=own('fixed = "capital"'))


TWO_SEQUENCES = """
    index i = 1..M, j = 1..N
    param w : D, E
    input x[i,j] : D, E
    r[i,j] = sum(w[k,m]*x[i,j,k,m], k, m)
    cost C = r[M,N]^2 + sum(r[i,j], i, j)
"""


def two_sequences(format_: str, notation: Notation = NIELSEN) -> str:
    return written(*derive(parse(TWO_SEQUENCES), ("r",)), format_, "all", notation).replace(", ", ",")


def test_two_sequence_indices_above_are_no_product() -> None:
    text, latex, html = map(two_sequences, ("text", "latex", "html"))
    assert "r^{i,j}" in text and "r^{M,N}" in text and "wₖₘ xₖₘ^{i,j}" in text
    assert "r^{i,j}" in latex and "r^{M,N}" in latex and "w_{km}\\,x^{i,j}_{km}" in latex
    assert "<mi>𝑖</mi><mi>𝑗</mi>" not in html


@pytest.mark.parametrize(("name", "power"), [("goodfellow", "r^{(i,j)}"), ("ng", "r^{[i,j]}")])
def test_two_sequence_indices_in_brackets(name: str, power: str) -> None:
    assert power in two_sequences("latex", BY_NAME[name]).replace("^{{[i,j]}}", "^{[i,j]}")


ALIKE = """
param s0
param s_0
param lambda_
const x "\\lambda" : K
param w1 : K
W_1[k] = w1[k]*s0
cost C = sum(exp(W_1[k]*x[k]*lambda_)*s_0, k)
"""


@pytest.mark.parametrize("notation", NOTATIONS, ids=lambda n: n.name)
def test_names_that_would_be_set_alike_are_told_apart(notation: Notation) -> None:
    """s0 would be set like s_0, and lambda_ like what the author calls \\lambda."""
    made = parse(ALIKE, "alike")
    first, second = formulas(made, notation)
    shown = plain(second.rhs)
    assert "s0" in plain(first.rhs)
    assert "s₀" in shown and "s0" not in shown and "λ" in shown and "lambda" in shown
    assert r"\mathit{s0}" in tex(first.rhs) and r"\mathit{lambda}" in tex(second.rhs)


def test_only_a_name_that_is_set_alike_is_written_out() -> None:
    assert set_alike(parse(ALIKE, "alike").arrays, {}, {}) == {"s0", "lambda_"}
    assert not any(set_alike(m.arrays, m.functions, m.adjoints) for m in map(load, models.names()))


def test_the_variable_of_a_function_is_not_an_array_of_the_same_name() -> None:
    text = "const x : N, D\nparam u : N, D\ncost C = sum(silu(u[n,d])*x[n,d], n, d)\n"
    system, names = derive(parse(text), ())
    page_ = sheet(system, names, BY_NAME["goodfellow"])
    assert r"\operatorname{silu}(u) &= u \operatorname{sigmoid}(u)" in page_ and "U_{nd}" in page_


def test_a_given_letter_is_the_same_in_pictures_as_in_formulas() -> None:
    """TeX has two signs for phi and for epsilon: the names of LaTeX choose among them."""
    shown = ("\\phi", "\\varphi", "\\epsilon", "\\varepsilon")
    assert [plain(symbol("f", name)) for name in shown] == list("ϕφϵε")
