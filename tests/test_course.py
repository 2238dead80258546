"""A small course that includes what symbp makes: an article, a site, a notebook, a commit hook."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tools import needs

import symbp
from symbp.errors import SymbpError

HERE = Path(__file__).parent


@pytest.fixture
def course(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HERE / "course", tmp_path / "course"))


def ran(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command, in which ``symbp`` is that of these sources."""
    tools = cwd / ".tools"
    tools.mkdir(exist_ok=True)
    wrapper = tools / "symbp"
    wrapper.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m symbp "$@"\n')
    wrapper.chmod(0o755)
    env = os.environ | {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(HERE.parent)}
    given = list(map(str, command))
    return subprocess.run(given, cwd=cwd, env=env, capture_output=True, text=True, timeout=240)


# ── LaTeX ─────────────────────────────────────────────────────────────────────────────────────────


def test_make_derives_what_the_article_includes(course: Path) -> None:
    needs("make", "latexmk", "pdflatex")
    made = ran("make", cwd=course)
    assert made.returncode == 0, made.stdout + made.stderr
    log = (course / "notes.log").read_text(encoding="utf-8", errors="replace")
    assert not re.search(r"undefined|multiply defined|Overfull", log)
    assert (course / "notes.pdf").stat().st_size > 10_000
    deck = (course / "slides.log").read_text(encoding="utf-8", errors="replace")
    assert not re.search(r"undefined|Overfull", deck)
    assert (course / "slides.pdf").stat().st_size > 10_000
    assert (course / "generated" / "regression.py").exists()
    assert ran("make", "check", cwd=course).returncode == 0
    model = course / "regression.symbp"
    model.write_text(model.read_text().replace("/2\n", "/3\n"))
    stale = ran("make", "check", cwd=course)
    assert stale.returncode != 0 and "+++ generated/regression.py (generated)" in stale.stdout
    before = (course / "fragments" / "regression.tex").read_text()
    assert ran("make", cwd=course).returncode == 0
    assert (course / "fragments" / "regression.tex").read_text() != before


def test_latexmk_alone_derives_too(course: Path) -> None:
    needs("latexmk", "pdflatex")
    made = ran("latexmk", "-r", "latexmkrc", "-interaction=nonstopmode", "notes.tex", cwd=course)
    assert made.returncode == 0, made.stdout + made.stderr
    assert (course / "fragments" / "regression.tex").exists() and (course / "notes.pdf").exists()


def test_make_stops_where_a_model_is_wrong(course: Path) -> None:
    needs("make")
    (course / "regression.symbp").write_text("param w : K\ncost C = sum(w[k]^2, j)\n")
    made = ran("make", cwd=course)
    assert made.returncode != 0 and "regression.symbp:2:" in made.stderr
    assert not (course / "fragments" / "regression.tex").exists()


# ── Sphinx ────────────────────────────────────────────────────────────────────────────────────────


def site(course: Path, builder: str) -> subprocess.CompletedProcess[str]:
    needs("sphinx", "myst_parser")
    return ran(sys.executable, "-m", "sphinx", "-W", "-E", "-b", builder, "sphinx", "out", cwd=course)


def test_sphinx_builds_a_site(course: Path) -> None:
    made = site(course, "html")
    assert made.returncode == 0, made.stderr
    page = (course / "out" / "index.html").read_text(encoding="utf-8")
    assert re.search(r'<p class="rubric">The adjoint <span class="math[^>]*>\\\(.*delta', page)
    numbers = re.findall(r"\\tag\{(\d+)\}", page)
    assert len(numbers) >= 4
    # the number of a result stands once, beside it: no equation of the models is called 5 or 6
    assert {"5", "6"} <= set(numbers) and r"\text{(5)}" not in page and r"\text{(6)}" not in page
    assert r"\mathrm{T}" in page and "problematic" not in page
    assert "How does a small change of" in page
    other = (course / "out" / "structured.html").read_text(encoding="utf-8")
    assert r"\begin{aligned}" in other and other.count("&amp;=") < page.count("&amp;=")


def test_sphinx_builds_a_book(course: Path) -> None:
    made = site(course, "latex")
    assert made.returncode == 0, made.stderr
    (book,) = (p.read_text(encoding="utf-8") for p in (course / "out").glob("*.tex"))
    formulas = [m[0] for m in re.finditer(r"(?s)\\begin\{(align|equation\*)\}.*?\\end\{\1\}", book)]
    assert len(formulas) >= 8
    needs("pdflatex")
    head = "\\documentclass{report}\n\\usepackage[letterpaper,margin=1in]{geometry}\\usepackage{amsmath}\n"
    body = "\n\n".join(formulas)
    (course / "book.tex").write_text(f"{head}\\begin{{document}}\n{body}\n\\end{{document}}\n", "utf-8")
    assert ran("pdflatex", "-interaction=nonstopmode", "book.tex", cwd=course).returncode == 0
    assert "Overfull" not in (course / "book.log").read_text(encoding="utf-8", errors="replace")


WRONG = """# Wrong

```{symbp-derive} w
:detail: key

param w : K
cost C = sum(w[k]^2, j)
```
"""


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (WRONG, r"index\.md:7:"),
        ("# Wrong\n\n```{symbp-derive} mlq\n```\n", "did you mean mlp"),
        ("# Wrong\n\n```{symbp-derive} mlp\n:detail: some\n```\n", "detail"),
        ("# Wrong\n\n```{symbp-derive} mlp\n:notation: bishup\n```\n", "there is no notation"),
        ("# Wrong\n\n```{symbp-derive}\n```\n", "needs a model"),
    ],
)
def test_sphinx_tells_what_is_wrong_and_where(course: Path, page: str, told: str) -> None:
    (course / "sphinx" / "structured.rst").unlink()
    (course / "sphinx" / "index.md").write_text(page, encoding="utf-8")
    made = site(course, "html")
    assert made.returncode != 0 and "Traceback" not in made.stderr
    assert re.search(told, made.stderr), made.stderr
    assert "index.md:" in made.stderr


# ── Jupyter ───────────────────────────────────────────────────────────────────────────────────────


def test_the_notebook_runs(course: Path) -> None:
    needs("nbclient", "nbformat", "ipykernel")
    program = (
        "import nbformat, nbclient, sys\n"
        "book = nbformat.read('layer.ipynb', 4)\n"
        "nbclient.NotebookClient(book, timeout=120).execute()\n"
        "nbformat.write(book, 'done.ipynb')\n"
    )
    done = ran(sys.executable, "-c", program, cwd=course)
    assert done.returncode == 0, done.stderr
    import json

    cells = json.loads((course / "done.ipynb").read_text(encoding="utf-8"))["cells"]
    by_text = {"".join(c["source"]): c.get("outputs", []) for c in cells}
    magic = next(o for t, o in by_text.items() if t.startswith("%%symbp delta"))
    page = "".join(magic[0]["data"]["text/html"])
    assert "<math" in page and 'data-name="adjoint-z"' in page and "<html" not in page
    assert "".join(by_text["model"][0]["data"]["text/latex"]).startswith("$$")
    assert by_text["module = model.compile()\nmodel.verify().ok"][0]["data"]["text/plain"] == ["True"]
    assert "<math" in "".join(by_text['model.derive("delta")'][0]["data"]["text/html"])
    (wrong,) = next(o for t, o in by_text.items() if t.startswith("%%symbp --name wrong"))
    assert wrong["name"] == "stderr" and "<wrong>:2:" in "".join(wrong["text"])


class Shell:
    """As much of IPython as the magic needs."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[str, Any] = {}

    def register_magic_function(self, function: Any, kind: str, name: str) -> None:
        self.magics[kind, name] = function


CELL = "param w : K\nconst x : K\nf(u) = u^2\ncost C = f(sum(w[k]*x[k], k))\n"


def test_the_magic_binds_the_model() -> None:
    shell = Shell()
    symbp.load_ipython_extension(shell)
    magic = shell.magics["cell", "symbp"]
    shown = magic("w --detail result --notation ng", CELL)
    assert shell.user_ns["model"].name == "model" and repr(shown) == "<derivations of model: w>"
    assert "<details>" not in shown._repr_html_()
    assert magic("--name other", CELL) is not None and shell.user_ns["other"].name == "other"


@pytest.mark.parametrize(
    ("line", "cell", "told"),
    [
        ("v", CELL, "no variable 'v'"),
        ("--detail some", CELL, "%%symbp [VARIABLE]"),
        ("--notation some", CELL, "there is no notation"),
        ("'w", CELL, "error: No closing quotation"),
        ("--bind g", CELL, "--bind sigma=tanh"),
        ("", "param w : K\ncost C = w[\n", "<model>:2:"),
    ],
)
def test_the_magic_tells_what_is_wrong(capsys: Any, line: str, cell: str, told: str) -> None:
    shell = Shell()
    symbp.load_ipython_extension(shell)
    assert shell.magics["cell", "symbp"](line, cell) is None
    told_here = capsys.readouterr().err
    assert told in told_here and told_here.startswith(("error:", "<model>")) and "Traceback" not in told_here


def test_a_model_shows_itself() -> None:
    model = symbp.parse(CELL)
    page = model._repr_html_()
    assert page.startswith("<style>") and "<html" not in page and page.count("<li") == 2
    assert model._repr_latex_().count("&=") == 1
    assert model._repr_markdown_().count("$$") == 4


def test_derivations_show_the_same_lines_in_every_format() -> None:
    shown = symbp.load("mlp").derivations("delta")
    assert "<details>" in shown._repr_html_()
    assert shown._repr_markdown_() == symbp.load("mlp").derive("delta").to_markdown()
    assert str(shown) == symbp.load("mlp").derive("delta").to_text()
    with pytest.raises(SymbpError, match="no variable"):
        symbp.load("mlp").derivations("nothing")


# ── the commit hook ───────────────────────────────────────────────────────────────────────────────


def test_the_commit_hook_runs_the_check(course: Path) -> None:
    """Its entry, as pre-commit would start it, with the arguments of a project."""
    text = (HERE.parent / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    entry = re.search(r"entry: (.*)", text)
    assert entry is not None and "pass_filenames: false" in text
    command = (*entry[1].split(), "regression.symbp", "-o", "generated")
    assert ran("symbp", "generate", "regression.symbp", "-o", "generated", cwd=course).returncode == 0
    assert ran(*command, cwd=course).returncode == 0
    with (course / "generated" / "regression.py").open("a") as module:
        module.write("# mine\n")
    assert ran(*command, cwd=course).returncode == 1
