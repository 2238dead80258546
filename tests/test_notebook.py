"""Notebooks: they run anywhere, what they compute is right, and they are the same on every run."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from tools import needs

import symbp
from symbp import models
from symbp.errors import SymbpError

SMALL = """\
title "Names that stand in the way"
input c in 0..K-1
param rng : K
param value : K
size given
leaves(u) = log(1 + exp(u))
z[k] = leaves(rng[k]) + value[k]*given
cost C = logsumexp(z[k], k) - z[c]
"""


def book(text: str) -> dict[str, Any]:
    needs("nbformat")
    made: dict[str, Any] = json.loads(text)
    return made


def cells(text: str, kind: str) -> list[str]:
    return ["".join(c["source"]) for c in book(text)["cells"] if c["cell_type"] == kind]


def printed(text: str) -> str:
    """What the cells print when they run one after the other in a Python without symbp."""
    names: dict[str, Any] = {"__name__": "__main__"}
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        for source in cells(text, "code"):
            assert "symbp" not in source
            exec(source, names)
    return out.getvalue()


@pytest.mark.needs("nbformat")
@pytest.mark.parametrize("name", models.names())
def test_every_notebook_runs_and_its_gradients_agree(name: str) -> None:
    model = symbp.load(name)
    text = model.to_notebook()
    found = printed(text)
    params = [a.name for a in model.core.of_kind("param")]
    if any(f.body is None for f in model.core.functions.values()):
        assert found == "" and "--bind" in cells(text, "markdown")[-1]
        return
    assert [line.split(":")[0] for line in found.splitlines()] == ["cost", *params]


@pytest.mark.needs("nbformat")
def test_a_wrong_gradient_stops_the_notebook() -> None:
    text = symbp.load("linear_regression").to_notebook()
    source = next(s for s in cells(text, "code") if "def value_and_grad" in s)
    wrong = source.replace("return float(C), Gradients(", "return float(C), Gradients(2*", 1)
    assert wrong != source
    with pytest.raises(AssertionError):
        printed(_with(text, source, wrong))


def _with(text: str, old: str, new: str) -> str:
    made = book(text)
    for cell in made["cells"]:
        if "".join(cell["source"]) == old:
            cell["source"] = new
    return json.dumps(made)


@pytest.mark.needs("nbformat")
def test_names_of_the_model_do_not_stand_in_the_way() -> None:
    found = printed(symbp.parse(SMALL).to_notebook())
    assert [line.split(":")[0] for line in found.splitlines()] == ["cost", "rng", "value"]


@pytest.mark.needs("nbformat", "nbclient", "ipykernel")
def test_jupyter_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import nbclient
    import nbformat

    monkeypatch.chdir(tmp_path)
    done = nbformat.reads(symbp.load("mlp").to_notebook(), 4)
    nbformat.validate(done)
    nbclient.NotebookClient(done, timeout=120).execute()
    shown = [o for c in done.cells if c.cell_type == "code" for o in c.outputs]
    assert any("differs by at most" in o.get("text", "") for o in shown)
    assert any("Gradients(" in o.get("data", {}).get("text/plain", "") for o in shown)
    assert not list(tmp_path.iterdir())


@pytest.mark.needs("nbformat")
def test_a_notebook_is_the_same_on_every_run() -> None:
    text = symbp.load("lstm").to_notebook("h")
    assert text == symbp.load("lstm").to_notebook("h")
    ids = [c["id"] for c in book(text)["cells"]]
    assert len(set(ids)) == len(ids) and all(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", i) for i in ids)


def test_without_nbformat_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nbformat", None)
    with pytest.raises(SymbpError, match=r"symbp\[notebook\]"):
        symbp.load("mlp").to_notebook("delta")
