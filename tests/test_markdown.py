"""Markdown for its hosts: every formula is accepted, and equations have the numbers that we give them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from tools import needs
from wide import alignment

import symbp
from symbp import models
from symbp.derive.engine import adjoint_system
from symbp.emit.arrange import TAG, stacked, text_width
from symbp.emit.breaking import broken
from symbp.emit.document import document
from symbp.emit.layout import Fence, Product, Row, Sym, Terms, num, width
from symbp.emit.markdown import FLAVORS, emit
from symbp.emit.notation import NOTATIONS
from symbp.errors import RequestProblem
from symbp.pipeline import load, matrix_views

HERE = Path(__file__).parent
NAMES = tuple(f.name for f in FLAVORS)
FENCES = {
    "pandoc": (r"^\$\$\n(.*?)\n\$\$$", r"(?<!\$)\$([^$]+)\$(?!\$)"),
    "github": (r"^```math\n(.*?)\n```$", r"\$`([^`]+)`\$"),
    "myst": (r"^```\{math\}\n(?::label: \S+\n)?\n?(.*?)\n```$", r"(?<!\$)\$([^$]+)\$(?!\$)"),
    "quarto": (r"^\$\$\n(.*?)\n\$\$(?: \{#eq-\S+\})?$", r"(?<!\$)\$([^$]+)\$(?!\$)"),
}


@cache
def page(name: str, flavor: str, notation: str = "nielsen") -> str:
    system = adjoint_system(load(name))
    style = next(n for n in NOTATIONS if n.name == notation)
    views = matrix_views(system, system.order)
    return emit(document(system, system.order, notation=style, views=views), flavor=flavor)


def formulas(text: str, flavor: str) -> list[tuple[bool, str]]:
    """The formulas of a page as its host finds them: displayed ones, then those in lines."""
    display, inline = FENCES[flavor]
    shown = re.findall(display, text, re.DOTALL | re.MULTILINE)
    rest = re.sub(display, "", text, flags=re.DOTALL | re.MULTILINE)
    found = [(True, tex) for tex in shown] + [(False, tex) for tex in re.findall(inline, rest)]
    assert "\\begin" not in re.sub(inline, "", rest), "a formula that the host does not find"
    return found


def refused(given: list[tuple[bool, str]]) -> list[list[str]]:
    needs("node", "node:katex", "node:mathjax")
    command = ["node", str(HERE / "formulas.cjs")]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answer: list[list[str]] = json.loads(done.stdout)
    return answer


@pytest.mark.parametrize("notation", [n.name for n in NOTATIONS])
def test_katex_and_mathjax_accept_every_formula(notation: str) -> None:
    flavors = NAMES if notation == "nielsen" else ("github",)
    found = [f for name in models.names() for v in flavors for f in formulas(page(name, v, notation), v)]
    assert len(found) > 500
    assert refused(list(dict.fromkeys(found))) == []


def test_what_they_refuse_is_noticed() -> None:
    told = refused([(True, r"\begin{aligned} a &= \tag{1} b \end{aligned}"), (False, r"\undefined")])
    assert {kind for kind, *_ in told} == {"katex", "mathjax"} and len(told) >= 3


def test_github_gets_code_that_it_leaves_alone() -> None:
    text = page("softmax_regression", "github")
    assert "$$" not in text and r"\operatorname" not in text
    assert r"\mathop{\mathrm{softmax}}\nolimits" in text
    # GitHub takes a formula in a line for text behind a letter
    assert not re.search(r"[A-Za-z0-9]\$`", re.sub(r"`\$", "", text))


@pytest.mark.parametrize(("flavor", "mark"), [("myst", ":label: eq-mlp-5"), ("quarto", "$$ {#eq-mlp-5}")])
def test_a_host_that_counts_arrives_at_our_numbers(flavor: str, mark: str) -> None:
    text = page("mlp", flavor)
    assert mark in text and r"\tag" not in text
    labels = re.findall(r"eq-mlp-(\d+)", text)
    assert labels == [str(n + 1) for n in range(len(labels))] and len(labels) >= 8


@pytest.mark.parametrize(("flavor", "mark"), [("myst", "(eq-mlp-7)=\n"), ("quarto", "[]{#eq-mlp-7}\n")])
def test_a_host_that_would_count_wrongly_gets_the_number(flavor: str, mark: str) -> None:
    text = symbp.load("mlp").to_markdown("w", flavor=flavor)
    assert mark in text and r"\text{(7)}" in text and ":label:" not in text and "$$ {" not in text


@pytest.mark.parametrize(("flavor", "begin"), [("myst", ":label: eq-mlp-5\n\n"), ("quarto", "$$\n")])
def test_a_host_that_counts_has_the_result_in_a_formula_of_its_own(flavor: str, begin: str) -> None:
    """A host sets the number beside the middle of a formula, which is not its result."""
    text = page("mlp", flavor)
    result = text[: text.index("sum runs over the first index")].rindex(begin)
    block = text[result + len(begin) : text.index("\\end{aligned}", result)]
    assert block.startswith("\\begin{aligned}\n\\delta^{l-1} &= ") and block.count("= ") == 1
    assert r"\delta^{l-1}_k &= \frac" in text[:result] and "only } i = k" in text[:result]


def test_words_stand_in_one_text() -> None:
    assert not re.search(r"\\text\{[^{}]*\} ?\\text", page("mlp", "github") + page("lstm", "github"))


def test_a_formula_is_not_cut_to_make_room_for_a_reason() -> None:
    """∂/∂W(W x + R h) fits on a line, with its reason below."""
    rows = [r for r in page("lstm", "github").splitlines() if r.startswith("&= ") and "&&" in r]
    assert rows and all(r.split("&&")[0].count("(") == r.split("&&")[0].count(")") for r in rows)


def test_a_formula_breaks_before_a_bracket_rather_than_in_it() -> None:
    factor = Row((Sym("\\exp", "exp", "op"), Fence(Sym("x", "x" * 20))))
    one = Fence(Terms((("+", num(1)), ("-", factor))))
    product = Product((factor, one), ("thin",))
    assert broken(product, width(factor) + 8.0) == [r"\exp(x)", r"\cdot \bigl(1 - \exp(x)\bigr)"]


def test_what_goes_on_in_a_bracket_stands_in_further() -> None:
    term = Sym("x", "x" * 20)
    inner = Fence(Terms((("+", term), ("-", term))))
    whole = Terms((("+", Product((Sym("a", "a"), inner), ("thin",))), ("+", term)))
    assert broken(whole, width(term) + 6.0) == [r"a\,(x", r"\quad {}- x)", "{}+ x"]


def test_an_unknown_flavor_is_refused() -> None:
    with pytest.raises(RequestProblem, match="no flavor"):
        symbp.load("mlp").to_markdown(flavor="word")
    with pytest.raises(RequestProblem, match="no flavors"):
        symbp.pipeline.documented(load("mlp"), (), "text", flavor="myst")


@pytest.mark.parametrize("variables", [(), ("w",)], ids=["counted by Sphinx", "numbered by us"])
def test_sphinx_shows_our_numbers_and_finds_them(tmp_path: Path, variables: tuple[str, ...]) -> None:
    needs("sphinx", "myst_parser")
    (tmp_path / "conf.py").write_text(
        'extensions = ["myst_parser", "sphinx.ext.mathjax"]\nmyst_enable_extensions = ["dollarmath"]\n'
    )
    text = symbp.load("mlp").to_markdown(*variables, flavor="myst")
    told = "As {eq}`eq-mlp-7` says." if not variables else "As [(7)](#eq-mlp-7) says."
    (tmp_path / "index.md").write_text(f"{text}\n{told}\n", encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-W", "-E", "-q", "-b", "html", ".", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    link = re.search(r'As <a class="reference internal" href="#([^"]+)">(.*?)</a> says', html)
    assert link is not None and "(7)" in link[2], html[-3000:]
    target = html[html.index(f'id="{link[1]}"') :]
    assert re.search(r'eqno">\(7\)|\\text\{\(7\)\}', target[: target.index("</div>")])


# ── lines on a page of limited width ──────────────────────────────────────────────────────────────


def test_a_long_reason_leaves_its_row_to_the_formula() -> None:
    text = emit(alignment("ng"), flavor="github")
    rows = [row for row in text.splitlines() if "&" in row]
    assert len([row for row in rows if row.startswith(r"&\quad \text{chain rule")]) > 5
    # nothing is cut within the argument of exp, and no bracket ends on a row of its own
    exps = [re.findall(r"\\exp\(([^()]*(?:\)|$))", row) for row in rows]
    assert sum(map(len, exps)) > 30 and all(arg.endswith(")") for found in exps for arg in found)
    assert not [row for row in rows if re.fullmatch(r"&\\quad [-+{} \\a-z]*\)+ *(\\\\)?", row)]
    room = 48.0 - TAG
    for section in alignment("ng").sections:
        for part in section.parts:
            for row in stacked(part, 48.0):
                assert text_width(row.reason) <= (room if row.below else 0.5 * room), row.reason


@pytest.mark.parametrize("flavor", NAMES)
def test_the_number_stands_beside_the_result(flavor: str) -> None:
    numbered = re.findall(r"(?m)^(.*)\\text\{\((\d+)\)\}", emit(alignment("ng"), flavor=flavor))
    assert flavor in ("myst", "quarto") or len(numbered) == 15
    assert all("= " in row or row.startswith(r"&\quad {}") or r"\cdot" in row for row, _ in numbered)
    assert r"\tag" not in emit(alignment("ng"), flavor=flavor)



def test_brackets_between_big_and_bigg_are_known_to_an_old_pandoc() -> None:
    """Pandoc 2 has no MathML for \\Bigl: there the class of the bracket is said around \\Big."""
    model = load("mlp")
    system = adjoint_system(model)
    texts = {f.name: emit(document(system, ("z",)), flavor=f.name) for f in FLAVORS}
    assert r"\mathopen{\Big(}" in texts["pandoc"] and r"\mathclose{\Big)}" in texts["pandoc"]
    assert r"\Bigl" not in texts["pandoc"]
    assert all(r"\Bigl(" in text for name, text in texts.items() if name != "pandoc")


@pytest.mark.parametrize("flavor", ["github", "pandoc"])
def test_arg_max_is_written_with_what_the_host_knows(flavor: str) -> None:
    """GitHub has no \\operatorname, and pandoc 2 none with a space in it."""
    text = emit(document(adjoint_system(load("lenet")), ("u",), detail="all"), flavor=flavor)
    assert r"\mathop{\mathrm{arg\,max}}" in text and r"\operatorname*" not in text
