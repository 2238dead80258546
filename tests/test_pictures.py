"""Pictures: nothing overlaps, every format can show them, and what they show is what the model says."""

from __future__ import annotations

import math
import re
import subprocess
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

import symbp
from symbp import models, pipeline
from symbp.cli import main
from symbp.derive.core import AdjointSystem
from symbp.emit.notation import symbol
from symbp.emit.pictures.cut import cut
from symbp.emit.pictures.dependency import dependency_graph
from symbp.emit.pictures.drawing import BEVEL, Drawing, Node, extent, label_width, samples
from symbp.emit.pictures.glyphs import runs
from symbp.emit.pictures.layered import layers
from symbp.emit.pictures.reads import reads_of
from symbp.emit.pictures.svg import svg
from symbp.emit.pictures.tikz import tikz

SVG = "{http://www.w3.org/2000/svg}"
NAMES = models.names()
NOTATIONS = ("nielsen", "goodfellow", "ng", "bishop", "rows")
WIDE = 38.0
"""Drawn 34.5 em wide, text of 10 pt is 9 pt then."""


@cache
def derived(name: str) -> tuple[AdjointSystem, tuple[str, ...]]:
    return pipeline.derive(pipeline.load(name))


@cache
def drawings(name: str, notation: str = "nielsen") -> tuple[Drawing, ...]:
    system, names = derived(name)
    found = (pipeline.layer(system, n, notation) for n in names)
    return (pipeline.graph(system.model, notation), *(d for d in found if d is not None))


@cache
def all_drawings(name: str) -> tuple[Drawing, ...]:
    """With the graph from left to right, whole and in pieces."""
    turned = dependency_graph(derived(name)[0].model, turned=True)
    pieces = (p for wide in (10.0, 20.0) for p in cut(turned, wide))
    return (*drawings(name), turned, *pieces)


def overlap(a: tuple[float, ...], b: tuple[float, ...], slack: float = 0.0) -> bool:
    return min(a[2], b[2]) - max(a[0], b[0]) > slack and min(a[3], b[3]) - max(a[1], b[1]) > slack


def inside(point: tuple[float, float], frame: tuple[float, ...]) -> bool:
    return frame[0] < point[0] < frame[2] and frame[1] < point[1] < frame[3]


def in_node(point: tuple[float, float], node: Node) -> bool:
    """Within the border by more than a hair; a box is taken as the ellipse in it."""
    x, y = (point[k] - node.at[k] for k in (0, 1))
    if node.shape == "hexagon":
        tip = BEVEL * abs(y) / (node.size[1] / 2)
        return abs(y) < node.size[1] / 2 - 0.02 and abs(x) < node.size[0] / 2 - tip - 0.02
    return math.hypot(x / (node.size[0] / 2), y / (node.size[1] / 2)) < 0.97


@pytest.mark.parametrize("name", NAMES)
def test_no_two_nodes_or_labels_overlap(name: str) -> None:
    for drawing in all_drawings(name):
        frames = [(i.id, extent(i)) for i in (*drawing.nodes, *drawing.labels)]
        for k, (one, a) in enumerate(frames):
            for other, b in frames[k + 1 :]:
                assert not overlap(a, b, 0.02), (drawing.id, one, other)


@pytest.mark.parametrize("name", NAMES)
def test_no_arrow_runs_through_a_node(name: str) -> None:
    for drawing in all_drawings(name):
        for arrow in drawing.arrows:
            for point in samples(arrow, 40):
                met = [n.id for n in drawing.nodes if in_node(point, n)]
                assert not met, (drawing.id, arrow.id, met)


@pytest.mark.parametrize("name", NAMES)
def test_no_arrow_runs_through_a_label(name: str) -> None:
    for drawing in all_drawings(name):
        frames = [(n.id, extent(n)) for n in drawing.labels]
        for arrow in drawing.arrows:
            for point in samples(arrow, 60):
                met = [
                    i
                    for i, (left, top, right, low) in frames
                    if inside(point, (left, top + 0.1, right, low - 0.1))
                ]
                assert not met, (drawing.id, arrow.id, met)


@pytest.mark.parametrize("name", NAMES)
def test_everything_is_in_the_frame_and_text_is_large_enough_to_read(name: str) -> None:
    for drawing in all_drawings(name):
        width, height = drawing.size
        assert width <= WIDE or drawing.bands, (drawing.id, width)
        frames = [extent(i) for i in (*drawing.nodes, *drawing.labels)]
        points = [p for a in drawing.arrows for p in samples(a)]
        assert all(f[0] >= 0 and f[1] >= 0 and f[2] <= width and f[3] <= height for f in frames), drawing.id
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points), drawing.id
        for node in drawing.nodes:
            assert node.label is None or label_width(node.label) < node.size[0]


@pytest.mark.parametrize("notation", NOTATIONS)
@pytest.mark.parametrize("name", NAMES)
def test_svg_is_well_formed_and_its_ids_are_unique(name: str, notation: str) -> None:
    for drawing in drawings(name, notation):
        text = svg(drawing)
        root = ElementTree.fromstring(text)
        ids = [e.get("id") for e in root.iter() if e.get("id")]
        assert len(ids) == len(set(ids)), drawing.id
        assert root.findtext(f"{SVG}title") and root.findtext(f"{SVG}desc")
        assert not {"foreignObject", "script"} & {e.tag.removeprefix(SVG) for e in root.iter()}
        shown = "".join("".join(e.itertext()) for e in root.iter(f"{SVG}text"))
        assert "\\" not in shown and "{" not in shown, shown
        assert "nan" not in text and "inf" not in tikz(drawing).replace("infty", "")


def test_the_same_model_gives_the_same_bytes() -> None:
    one, two = (pipeline.drawn(pipeline.load("lstm")) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("name", NAMES)
def test_the_graph_shows_each_array_that_is_used_and_each_read(name: str) -> None:
    model = pipeline.load(name)
    graph, reads = drawings(name)[0], reads_of(model)
    assert {n.name for n in graph.nodes} == set(reads.names)
    shown = {(a.source, a.target) for a in graph.arrows if a.role == "forward"}
    loops = {(k.source, t) for k in reads.loops for t in k.targets}
    assert shown == set(reads.edges) | loops
    back = {(a.target, a.source) for a in graph.arrows if a.role == "adjoint"}
    assert back == {(a, b) for a, b in shown if {a, b} <= reads.alive}


def test_a_recurrence_goes_around_the_side_and_says_where_it_comes_from() -> None:
    (loop,) = reads_of(pipeline.load("mlp")).loops
    assert (loop.source, loop.targets) == ("a", ("z",))
    text = pipeline.drawn(pipeline.load("mlp"))
    (label,) = re.findall(r'<g id="graph-mlp-a-loop".*?</g>', text)
    shown = "".join(ElementTree.fromstring(label).itertext())
    assert re.sub(r"\s", "", shown) == "𝑙−1→𝑙"


DEEP = """
input x : N
input y : N
param u : N, N
param v : N, N
param w : N, N
a[i] = tanh(sum(u[i,j]*x[j], j))
b[i] = tanh(sum(v[i,j]*a[j], j))
c[i] = tanh(sum(w[i,j]*b[j], j))
d[i] = sigmoid(c[i])
f[i] = exp(d[i]) + a[i]
g[i] = f[i]/sum(f[q], q)
cost C = sum((g[i]*x[i] - y[i])^2, i)
"""


def test_a_turned_graph_has_the_same_nodes_and_arrows_from_left_to_right() -> None:
    model = pipeline.parse(DEEP)
    upright, turned = dependency_graph(model), dependency_graph(model, turned=True)
    assert [n.id for n in upright.nodes] == [n.id for n in turned.nodes]
    assert [a.id for a in upright.arrows] == [a.id for a in turned.arrows]
    assert turned.size[0] > upright.size[0] and turned.size[1] < upright.size[1]
    places = {n.name: n.at[0] for n in turned.nodes}
    assert all(places[a.source] < places[a.target] for a in turned.arrows if a.role == "forward")


@pytest.mark.parametrize("wide", [12.0, 18.0, 25.0])
def test_the_pieces_of_a_graph_have_each_node_and_each_line(wide: float) -> None:
    whole = dependency_graph(pipeline.parse(DEEP), turned=True)
    pieces = cut(whole, wide)
    assert len(pieces) > 1 and max(p.size[0] for p in pieces) <= max(wide, 12.0) + 2
    assert {n.id for p in pieces for n in p.nodes} == {n.id for n in whole.nodes}
    assert {a.id for p in pieces for a in p.arrows} == {a.id for a in whole.arrows}
    for arrow in whole.arrows:
        parts = [a for p in pieces for a in p.arrows if a.id == arrow.id]
        assert sum(a.tip for a in parts) == arrow.tip, arrow.id
        # a line that goes on in another piece says where to: at both its ends
        told = [k for p in pieces for k in p.labels if k.id == f"{arrow.id}-beyond"]
        assert len(told) == (2 * (len(parts) - 1) if arrow.role == "forward" else 0), arrow.id


def test_a_graph_is_cut_where_no_line_passes() -> None:
    """The block's output stands at the end of one piece and at the beginning of the next."""
    first, second = cut(dependency_graph(pipeline.load("transformer_block"), turned=True), 36.0)
    both = {n.name for n in first.nodes} & {n.name for n in second.nodes}
    assert both == {"h"}
    assert not [k for p in (first, second) for k in p.labels if k.id.endswith("-beyond")]


def test_kinds_differ_in_shape_and_not_in_colour_only() -> None:
    graph = drawings("vae")[0]
    shapes = {n.name: n.shape for n in graph.nodes}
    assert (shapes["x"], shapes["W"], shapes["h"], shapes["C"]) == ("box", "hexagon", "circle", "double")


# ── layers ────────────────────────────────────────────────────────────────────────────────────────


def caption(name: str, variable: str) -> str:
    picture = symbp.load(name).derive(variable).picture
    return "" if picture is None else picture.caption


def test_what_leaves_a_unit_is_a_column_of_the_weights() -> None:
    assert "are column k of wˡ, which is row k of its transpose." in caption("mlp", "delta")
    assert "wⱼₖˡ σ′(zₖˡ⁻¹)" in caption("mlp", "delta")


def test_or_a_row_where_the_model_has_them_the_other_way() -> None:
    text = 'input x : D\nparam W : D, K\nparam V : K, M\nh[k] = sum(x[d]*W[d,k], d)\n' \
        "s[m] = sum(h[k]*V[k,m], k)\ncost C = sum(s[m]^2, m)"  # fmt: skip
    picture = symbp.parse(text).derive("h").picture
    assert picture is not None
    assert "are row k of V." in picture.caption and "transpose" not in picture.caption


def test_several_consumers_are_named() -> None:
    assert caption("lstm", "h").endswith("The same goes for p, q and r.")


@pytest.mark.parametrize(
    ("name", "variable"),
    [("mlp", "w"), ("conv1d", "z"), ("layer_norm", "a"), ("crf", "alpha"), ("graph_convolution", "u")],
)
def test_there_is_no_layer_where_no_single_matrix_is_between(name: str, variable: str) -> None:
    assert symbp.load(name).derive(variable).picture is None


def test_a_layer_shows_the_weights_of_one_unit_and_the_errors_of_those_it_feeds() -> None:
    layer = next(d for d in drawings("mlp") if d.id.startswith("layer"))
    tex = tikz(layer)
    for k in (0, 1, 2):
        assert f"$w^l_{{{k},k}}$" in tex and rf"$\delta^l_{k}$" in tex
    assert (
        sum(a.role == "chosen" for a in layer.arrows) == sum(a.role == "adjoint" for a in layer.arrows) == 3
    )


# ── layers of a graph ─────────────────────────────────────────────────────────────────────────────


def test_ordering_undoes_crossings() -> None:
    edges = [("a", "z"), ("b", "y"), ("c", "x")]
    found = layers("abcxyz", edges, frozenset(), {}, 100.0)
    upper, lower = found.rows
    assert [dict(edges)[n] for n in upper] == list(lower)


def test_a_row_that_is_too_wide_is_split() -> None:
    many = [f"p{n}" for n in range(12)]
    found = layers([*many, "s"], [(p, "s") for p in many], frozenset(many), dict.fromkeys(many, 3.0), 30.0)
    assert len(found.rows) > 2
    assert all(sum(n in many for n in row) * 3.7 < 31 for row in found.rows)


def test_cycles_are_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        layers("ab", [("a", "b"), ("b", "a")], frozenset(), {}, 10.0)


# ── where they are asked for ──────────────────────────────────────────────────────────────────────


def run(*args: str) -> str:
    result = CliRunner().invoke(main, args)
    assert result.exit_code == 0, result.output
    return result.output


def test_html_has_pictures_unless_told_otherwise() -> None:
    page = run("derive", "mlp", "delta", "--format", "html")
    ids = re.findall(r'<svg[^>]* id="([^"]*)"', page)
    assert ids == ["graph-mlp", "layer-mlp-5"]
    assert "<svg" not in run("derive", "mlp", "delta", "--format", "html", "--no-pictures")
    every = re.findall(r' id="([^"]*)"', page)
    assert len(every) == len(set(every))


def test_a_fragment_needs_amsmath_only_unless_pictures_are_asked_for() -> None:
    assert "tikz" not in run("derive", "mlp", "delta")
    assert r"needs \usepackage{amsmath,tikz}" in run("derive", "mlp", "delta", "--pictures")
    assert r"\usepackage{amsmath,tikz}" in run("derive", "mlp", "delta", "--standalone")
    assert "tikz" not in run("derive", "mlp", "delta", "--standalone", "--no-pictures")


def test_formats_without_pictures_say_what_to_do() -> None:
    result = CliRunner().invoke(main, ["derive", "mlp", "--format", "text", "--pictures"])
    assert result.exit_code == 1 and "symbp show MODEL --format svg" in result.output


def test_show_draws_a_picture_alone(tmp_path: Path) -> None:
    run("show", "mlp", "-o", str(tmp_path / "a.svg"))
    assert ElementTree.parse(tmp_path / "a.svg").getroot().get("id") == "graph-mlp"
    assert run("show", "mlp", "delta", "--format", "tikz").startswith(r"\begin{tikzpicture}")
    result = CliRunner().invoke(main, ["show", "mlp", "w", "--format", "svg"])
    assert result.exit_code == 1 and "there is no picture of w" in result.output
    assert CliRunner().invoke(main, ["show", "mlp", "w"]).exit_code == 2


def test_pictures_show_themselves() -> None:
    model = symbp.load("mlp")
    assert model.graph._repr_svg_() == run("show", "mlp", "--format", "svg").rstrip("\n")
    assert model.graph.to_tikz(standalone=True).startswith(r"\documentclass")


@pytest.mark.needs("pdflatex")
@pytest.mark.parametrize("notation", NOTATIONS)
def test_all_pictures_compile(tmp_path: Path, notation: str) -> None:
    found = [d for name in NAMES for d in drawings(name, notation)]
    body = "\n\n".join(rf"\resizebox{{!}}{{0.5\textheight}}{{{tikz(d)}}}" for d in found)
    head = "\\documentclass{article}\n\\usepackage{amsmath,tikz}\n\\begin{document}\n"
    text = f"{head}{body}\n\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Missing character" not in done.stdout


def test_names_of_ones_own_are_shown_as_letters() -> None:
    text = (
        'param q "\\hat{q}" : N\nparam rate "\\mathrm{rate}" : N\n'
        "r[i] = q[i]*rate[i]\ncost C = sum(r[i]^2, i)"
    )
    root = ElementTree.fromstring(symbp.parse(text).graph.to_svg())
    shown = ["".join(e.itertext()) for e in root.iter(f"{SVG}text")]
    assert "rate" in shown and not any("\\" in s for s in shown)


def test_a_read_of_every_step_is_no_step_back() -> None:
    """The decoder's attention runs over all t at one u; what recurs is s over u."""
    graph = reads_of(pipeline.parse(ATTENTION))
    assert ("e", "a") in graph.edges
    assert [(loop.source, loop.targets, len(loop.shifts)) for loop in graph.loops] == [("s", ("e",), 1)]


ATTENTION = """
index t = 1..T, u = 1..U
input x[t] : H
param B : H, H
s[0,i] = x[T,i]
e[u,t] = sum(s[u-1,i]*x[t,i], i)
a[u,t] = softmax(e[u,t], t)
g[u,i] = sum(a[u,t]*x[t,i], t)
s[u,i] = tanh(sum(B[i,j]*g[u,j], j))
cost C = sum(s[U,i]^2, i)
"""


def test_a_sum_over_the_steps_before_is_a_step_back() -> None:
    text = "index t = 0..T\ninput x[t]\nparam w\na[t] = tanh(w*c[t] + x[t])\nc[0] = 0\n"
    graph = reads_of(pipeline.parse(text + "c[t] = sum(a[r], r=0..t-1) for t = 1..T\ncost C = a[T]^2"))
    assert [(loop.source, loop.targets) for loop in graph.loops] == [("a", ("c",))]
    assert ("c", "a") in graph.edges


def test_recurrences_in_both_directions_have_a_loop_each() -> None:
    text = (
        "index t = 1..T\ninput x[t] : D\nparam A : H, D\nf[0,k] = 0\ng[T+1,k] = 0\n"
        "f[t,k] = tanh(sum(A[k,d]*x[t,d], d) + f[t-1,k])\ng[t,k] = tanh(sum(A[k,d]*x[t,d], d) + g[t+1,k])\n"
        "cost C = sum(f[t,k]*g[t,k], t, k)"
    )
    alt = symbp.parse(text).graph.drawing.alt
    assert "f (from t-1 to t)" in alt and "g (from t+1 to t)" in alt


def test_an_upright_superscript_is_raised_and_shows_no_caret() -> None:
    for name in ("W^{\\mathrm{i}}", "W^{z}"):
        base, above = runs(symbol("n", name))
        assert above.rise > base.rise and "^" not in base.text + above.text


def test_the_name_of_a_function_in_a_name_is_upright() -> None:
    assert [r.text for r in runs(symbol("x", r"x_{\max}"))] == ["𝑥", "max"]


def test_scripts_in_scripts_are_raised_and_lowered() -> None:
    model = symbp.parse(
        'input x : D\nparam w "W^{a^{b}}" : D\nparam q "\\theta_{(k_{2})}" : D\n'
        "h[i] = w[i]*x[i] + q[i]\ncost C = sum(h[i]^2, i)\n"
    )
    pieces = [
        [(r.text, r.rise > 0, round(r.size, 2)) for r in runs(symbol("w", tex))]
        for tex in ("W^{a^{b}}", r"\theta_{(k_{2})}")
    ]
    assert pieces[0] == [("𝑊", False, 1.0), ("𝑎", True, 0.72), ("𝑏", True, 0.52)]
    assert pieces[1] == [("𝜃", False, 1.0), ("(𝑘", False, 0.72), ("2", False, 0.52), (")", False, 0.72)]
    text = "".join(re.findall("<text.*?</text>", model.graph.to_svg(), re.DOTALL))
    assert "^" not in text and "_" not in text


def test_the_adjoint_that_is_gathered_ends_at_its_unit() -> None:
    """The width of a label is an estimate: a wide letter would reach into the unit."""
    system, _ = pipeline.derive(pipeline.parse(
        "input x : D\nparam W : H, D\nparam U : K, H\nm[j] = tanh(sum(W[j,d]*x[d], d))\n"
        "s[k] = sum(U[k,j]*m[j], j)\ncost C = sum(s[k]^2, k)"
    ))  # fmt: skip
    drawing = pipeline.layer(system, "m")
    assert drawing is not None
    unit = next(n for n in drawing.nodes if f"{n.id}-adjoint" == drawing.labels[0].id)
    assert drawing.labels[0].at[0] == pytest.approx(unit.at[0] - unit.size[0] / 2 - 0.4)
    assert "anchor=base east" in tikz(drawing) and 'text-anchor="end"' in svg(drawing)
