"""The page in a real browser: folding, lighting up, keys, touch, print, colours, and what axe finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from browser import browser

import symbp
from symbp import models
from symbp.derive.engine import adjoint_system
from symbp.emit.identity import case_keys
from symbp.pipeline import derive, documented, load, parse

TWICE = """
param w : K
param v : K
const x : K
p = sum(w[k]*x[k], k)*sum(v[k]*x[k], k)
cost C = p^2
"""
CASES = """
param w : N
const x : N
r[n] = where(x[n] > 0, w[n]*x[n]*exp(-w[n]^2)*tanh(x[n]), w[n]^3)
cost C = sum(r[n], n)
"""
PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><g id="w" data-name="w">
<circle cx="20" cy="20" r="9"/></g><g id="wz" data-name="w z"><circle cx="20" cy="20" r="3"/></g></svg>"""


@cache
def text(model: str, detail: str = "key") -> str:
    return documented(load(model), (), "html", detail)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as running:
        yield running


@pytest.fixture
def opened(chromium: Any) -> Iterator[Any]:
    """Opens a page; at the end nothing may stand in its console."""
    told: list[str] = []
    contexts: list[Any] = []

    def show(markup: str, **options: Any) -> Any:
        contexts.append(chromium.new_context(viewport={"width": 1000, "height": 900}, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.on("request", lambda request: told.append(request.url))
        page.set_content(markup)
        return page

    yield show
    for context in contexts:
        context.close()
    assert not told


def keys(page: Any, lit: str = "math .lit") -> set[str]:
    return set(page.eval_on_selector_all(lit, "all => all.map(e => e.dataset.name)"))


def marked(page: Any, key: str) -> int:
    return int(page.locator(f'math [data-name="{key}"]').count())


# ── folding ───────────────────────────────────────────────────────────────────────────────────────


def test_the_lines_between_the_key_lines_unfold(opened: Any) -> None:
    page = opened(text("mlp"))
    hidden = page.locator(".between .rhs").first
    assert not hidden.is_visible()
    page.locator("summary").first.click()
    assert hidden.is_visible()
    page.locator("summary").first.focus()
    page.keyboard.press("Enter")
    assert not hidden.is_visible()


def test_folding_works_without_the_script(opened: Any) -> None:
    page = opened(text("mlp"), java_script_enabled=False)
    page.locator("summary").first.click()
    assert page.locator(".between .rhs").first.is_visible()


def test_the_paper_shows_every_line(opened: Any) -> None:
    for script in (True, False):
        page = opened(text("mlp"), java_script_enabled=script)
        page.emulate_media(media="print")
        assert page.locator(".between .rhs").first.is_visible()
        assert not page.locator("summary").first.is_visible()


def test_a_folded_line_stands_in_the_columns_of_the_others(opened: Any) -> None:
    page = opened(text("mlp"))
    page.locator("summary").first.click()
    fold = page.locator(".fold").first
    for column in (".rhs", ".why"):
        inner = fold.locator(column).first.bounding_box()
        outer = fold.locator(f"xpath=../li[not(@class)]/span[contains(@class, '{column[1:]}')]").first
        assert inner["x"] == pytest.approx(outer.bounding_box()["x"], abs=0.5)


@pytest.mark.parametrize("model", ["mlp", "gru", "layer_norm", "transformer_block"])
def test_all_lines_are_there_and_the_key_lines_are_seen(model: str) -> None:
    key, every, result = text(model), text(model, "all"), text(model, "result")
    rows = [page.count('<span class="rhs') for page in (key, every, result)]
    assert rows[0] == rows[1] > rows[2]
    assert "<details>" not in every and "<details>" not in result
    folded = sum(page.count('<span class="rhs') for page in re.findall(r"(?s)<details>.*?</details>", key))
    system, names = derive(load(model))
    lines = [(line, case) for n in names for case in system.cases[n] for line in case.lines]
    assert folded == sum(not line.key and line.target != case.result for line, case in lines)


# ── lighting up ───────────────────────────────────────────────────────────────────────────────────


def test_a_sign_under_the_mouse_lights_up_wherever_it_stands(opened: Any) -> None:
    page = opened(text("mlp"))
    page.locator('[data-name="adjoint-z"]').last.hover()
    assert keys(page) == {"adjoint-z"} and page.locator("math .lit").count() == marked(page, "adjoint-z") > 5
    page.mouse.move(1, 1)
    assert not keys(page)


def test_letters_are_told_apart_by_what_they_stand_for() -> None:
    system = adjoint_system(load("mlp"))
    (case, _) = system.cases["z"]
    found = case_keys(case)
    by_letter: dict[str, set[str]] = {}
    for index, key in found.items():
        by_letter.setdefault(index.name, set()).add(key)
    assert len(set(found.values())) == 4 and len(by_letter["k"]) == 2
    assert all(key.startswith(f"index-{case.number}-") for key in found.values())


def test_two_sums_over_one_letter_are_two_indices(opened: Any) -> None:
    page = opened(documented(parse(TWICE, "twice"), (), "html"))
    equation = page.locator("#eq-1 .rhs")
    own = equation.evaluate(
        "e => [...e.querySelectorAll('[data-name^=index]')].map(s => [s.dataset.name, s.textContent])"
    )
    first, second = (k for k in dict.fromkeys(key for key, _ in own))
    assert {letter for _, letter in own} == {"𝑘"} and first != second
    equation.locator(f'[data-name="{first}"]').first.hover()
    assert keys(page) == {first}


def test_an_index_that_a_rule_binds_anew_is_the_same_index() -> None:
    (case, _) = adjoint_system(load("mlp")).cases["z"]
    line = next(line for line in case.lines if line.rule == "differentiate")
    found, (old,), (new,) = (
        case_keys(case),
        [i for i in case_keys(case) if i in _inner(line.source) and i not in _inner(line.target)],
        [i for i in case_keys(case) if i in _inner(line.target) and i not in _inner(line.source)],
    )
    assert old != new and found[old] == found[new]


def _inner(node: Any) -> set[Any]:
    from symbp.calculus.tree import bound, walk

    return {index for part in walk(node) for index in bound(part)}


def test_the_picture_and_the_formulas_light_up_together(opened: Any) -> None:
    page = opened(text("mlp").replace("</header>", f"{PICTURE}</header>"))
    page.locator('math [data-name="w"]').first.hover()
    lit = set(page.eval_on_selector_all("svg .lit", "all => all.map(e => e.id)"))
    drawn = page.locator("svg .lit").first.evaluate("e => getComputedStyle(e).filter")
    assert {"w", "wz", "graph-mlp-w"} <= lit and "graph-mlp-y" not in lit and "drop-shadow" in drawn
    page.locator("#w circle").hover(position={"x": 2, "y": 9})
    assert page.locator("math .lit").count() == page.locator('math [data-name="w"]').count()


def test_a_click_holds_and_escape_lets_go(opened: Any) -> None:
    page = opened(text("mlp"))
    page.locator('math [data-name="w"]').first.click()
    page.mouse.move(1, 1)
    assert keys(page) == {"w"}
    assert page.locator("[role=status]").inner_text() == f"𝑤: {marked(page, 'w')} places"
    page.keyboard.press("Escape")
    assert not keys(page) and page.locator("[role=status]").inner_text() == ""


def test_a_tap_lights_up(opened: Any) -> None:
    page = opened(text("mlp"), has_touch=True)
    page.locator('math [data-name="b"]').first.tap()
    assert keys(page) == {"b"}
    page.locator("h1").tap()
    assert not keys(page)


def test_keys_reach_every_sign(opened: Any) -> None:
    page = opened(text("mlp"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "lines model"
    reached = []
    for _ in range(40):
        page.keyboard.press("ArrowRight")
        reached.append(page.evaluate("document.querySelector('.here').dataset.name"))
        assert reached[-1] in keys(page)
    every = page.eval_on_selector_all(
        "ol.lines.model:first-of-type [data-name]", "all => all.map(e => e.dataset.name)"
    )
    assert reached[: len(every)] == every[: len(reached)]
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.querySelector('.here').closest('li').id") in ("eq-1", "eq-2")
    page.keyboard.press("Escape")
    assert not keys(page) and page.locator(".here").count() == 0


# ── for everyone ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("model", ["mlp", "transformer_block"])
def test_axe_finds_nothing(opened: Any, model: str, scheme: str) -> None:
    page = opened(text(model), color_scheme=scheme, reduced_motion="reduce")
    for fold in page.locator("summary").all():
        fold.click()
    page.locator("math [data-name]").first.click()
    assert axe(page) == []
    page.set_viewport_size({"width": 360, "height": 700})
    assert axe(page) == []


@pytest.mark.parametrize(("model", "name"), [("mlp", "delta"), ("residual", "h")])
def test_axe_finds_nothing_on_explanations(opened: Any, model: str, name: str) -> None:
    page = opened(symbp.load(model).explain(name).to_html())
    assert axe(page) == []
    page.set_viewport_size({"width": 360, "height": 700})
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def axe(page: Any) -> list[Any]:
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response
    assert len(found["passes"]) > 10
    return [(v["id"], [n["html"] for n in v["nodes"]]) for v in found["violations"]]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_lit_signs_can_be_read(opened: Any, scheme: str) -> None:
    page = opened(text("mlp"), color_scheme=scheme, reduced_motion="reduce")
    page.locator('.rhs [data-name="w"]').first.click()
    inks = page.eval_on_selector_all(
        "math .lit", "all => all.map(e => getComputedStyle(e)).map(s => [s.color, s.backgroundColor])"
    )
    assert all(contrast(ink, paper) >= 4.5 for ink, paper in inks), inks


def contrast(*colours: str) -> float:
    dark, bright = sorted(luminance(c) for c in colours)
    return (bright + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    parts = [int(n) / 255 for n in re.findall(r"\d+", colour)[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def test_a_superscript_stands_clear_of_the_arm_of_a_letter(opened: Any) -> None:
    page = opened(text("lstm"))
    rooms = page.eval_on_selector_all(
        "mspace.arm", "all => all.map(m => m.getBoundingClientRect().width).filter(w => w > 0)"
    )
    assert rooms and min(rooms) > 1.5


SCROLLING = """[...document.querySelectorAll('.symbp *')].filter(e => e.scrollWidth > e.clientWidth + 1
  && e.clientWidth && getComputedStyle(e).overflowX == 'auto').map(e => e.id || e.textContent.slice(0, 80))"""


def test_no_line_with_its_folds_open_is_wider_than_a_telephone(opened: Any) -> None:
    page = opened("<!DOCTYPE html><title>-</title>")
    page.set_viewport_size({"width": 360, "height": 700})
    for model in models.names():
        page.set_content(text(model))
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, model
        assert page.evaluate(SCROLLING) == [], model


MASKED = """
input x : N, E
input y : N, E
const g : N
param W : E, E
s[n,m] = sum(x[n,e]*W[e,f]*x[m,f], e, f)
r[n,m] = where(m <= n, s[n,m]*tanh(g[n])*exp(-g[m]^2) + g[n]*g[m], -1e9*s[n,m])
a[n,m] = softmax(r[n,m], m)
cost C = sum((sum(a[n,m]*x[m,e], m) - y[n,e])^2, n, e)/2
"""


def test_the_operator_before_wide_cases_stays_in_the_line_above_on_a_telephone(opened: Any) -> None:
    page = opened(documented(parse(MASKED, "masked"), (), "html"))
    page.set_viewport_size({"width": 360, "height": 700})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(SCROLLING) == []


SIAMESE = """
input u : D
input v : D
param W : H, D
param b : H
p[i] = tanh(sum(W[i,d]*u[d], d) + b[i])
q[i] = tanh(sum(W[i,d]*v[d], d) + b[i])
cost C = sum((p[i] - q[i])^2, i)/2
"""
GAIN = """
index t = 1..T
const y[t]
param a
param c
m[0] = 0
s[0] = 1
K[t] = c*s[t-1] + a
m[t] = a*m[t-1] + K[t]*(y[t] - a*m[t-1])
s[t] = (1 - c*K[t])*s[t-1]
cost L = sum((y[t] - m[t])^2*s[t], t)
"""
RUNS = """[...document.querySelectorAll('.rhs > * ~ .run')].map(run => {
  const parts = [...run.querySelectorAll('math')].map(m => m.getBoundingClientRect());
  const wide = parts.reduce((sum, r) => sum + r.width, 0);
  return [wide, Math.max(...parts.map(r => r.top)) < Math.min(...parts.map(r => r.bottom))]})"""


def test_a_term_that_fits_a_line_of_a_telephone_is_not_broken(opened: Any) -> None:
    """It stands on the next line, if it has no room on this one, and not its second half."""
    page = opened(documented(parse(GAIN, "gain"), (), "html"))
    page.set_viewport_size({"width": 360, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    short = [whole for wide, whole in page.evaluate(RUNS) if wide < 270]
    assert len(short) > 3 and all(short)
    assert page.evaluate(SCROLLING) == []


TERMS = """e => [...e.querySelectorAll('.term')].map(t =>
  [...t.querySelectorAll('math')].map(m => m.getBoundingClientRect()).map(r => [r.left, r.top]))"""


def test_a_line_ends_at_a_sign_outside_of_brackets(opened: Any) -> None:
    """All of a term stands on the next line, if it has no room on this one, and not its second half."""
    page = opened(documented(parse(SIAMESE, "siamese"), (), "html"))
    page.set_viewport_size({"width": 800, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    lines = [line.evaluate(TERMS) for line in page.locator(".rhs:has(.term)").all()]
    # some go on below, and none of their terms does so in itself
    assert any(terms[-1][0][1] > terms[0][0][1] + 20 for terms in lines)
    assert all(places == sorted(places) for terms in lines for places in terms)


def test_on_a_telephone_a_condition_stands_below_its_value(opened: Any) -> None:
    page = opened(documented(parse(CASES, "cases"), (), "html"))
    boxes = []
    for width in (1000, 360):
        page.set_viewport_size({"width": width, "height": 700})
        cells = page.locator(".cases.wide").first.locator("mtd")
        boxes.append([cells.nth(n).bounding_box() for n in (0, 1)])
    (value, said), (above, below) = boxes
    assert said["x"] > value["x"] + value["width"] / 2 and abs(said["y"] - value["y"]) < 9
    assert below["y"] >= above["y"] + above["height"] - 1 and below["width"] < 300


def test_every_sign_has_a_glyph_of_a_mathematical_font(opened: Any) -> None:
    """What the browser really draws with: a sign that the named font lacks comes from another one."""
    page = opened(text("mlp"))
    client = page.context.new_cdp_session(page)
    client.send("DOM.enable")
    client.send("CSS.enable")
    root = client.send("DOM.getDocument", {"depth": -1})["root"]["nodeId"]
    fonts: set[str] = set()
    query = {"nodeId": root, "selector": "math mi, math mo"}
    for node in client.send("DOM.querySelectorAll", query)["nodeIds"]:
        used = client.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
        fonts |= {f["familyName"] for f in used}
    assert fonts and all("Math" in name for name in fonts), fonts


MASKED = """
const A : N, N
const X : N, D
param W : F, D
param b : F
h[n,f] = sum(W[f,d]*X[n,d], d)
q[n] = sum(b[f]*h[n,f], f)
e[n,m] = q[n]*q[m]
w[n,m] = softmax(where(A[n,m] > 0, e[n,m], -1e9), m)
o[n,f] = tanh(sum(w[n,m]*h[m,f], m))
cost C = sum(o[n,f]^2, n, f)/2
"""


def test_a_sum_leaves_room_for_cases_on_a_telephone(opened: Any) -> None:
    page = opened(documented(parse(MASKED), ("e",), "html", "key"))
    page.set_viewport_size({"width": 360, "height": 700})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate(SCROLLING) == []
