"""The README does what it says: its commands run, its Python runs, its derivation is the one printed."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbp import models, pipeline
from symbp.cli import main
from symbp.verify.arithmetic import DIGITS, digits

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def commands() -> list[str]:
    lines = [line for language, text in BLOCKS if not language for line in text.splitlines()]
    return [n for n in lines if n.startswith("symbp ") and not re.search(r"\b(MODEL|\.\.\.|…)", n)]


def test_there_are_commands() -> None:
    assert len(commands()) >= 6


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_readme_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, shlex.split(line)[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.stderr


def test_the_set_up_is_two_lines() -> None:
    assert "pip install -e . && symbp derive mlp\n" in README
    assert "pip install -e '.[test]' && python -m pytest\n" in README


def test_the_derivation_shown_first_is_the_one_that_is_printed() -> None:
    shown = next(text for language, text in BLOCKS if not language)
    printed = pipeline.documented(pipeline.load("mlp"), ["delta"], "text")
    squeezed = re.sub(r"\s+", " ", printed)
    for line in shown.splitlines():
        if line.strip():
            formula = re.split(r"\s{3,}", line.strip())[0].removeprefix("= ")
            assert re.sub(r"\s+", " ", formula) in squeezed, formula


def test_the_code_shown_is_the_one_that_is_generated() -> None:
    from symbp.derive.engine import adjoint_system

    shown = next(text for language, text in BLOCKS if language == "python")
    module = pipeline.module_text(adjoint_system(pipeline.load("mlp")))
    for line in shown.splitlines():
        assert re.sub(r"\s+", " ", line.strip()) in re.sub(r"\s+", " ", module), line


def test_the_model_shown_is_the_one_that_comes_with_symbp() -> None:
    shown = next(text for language, text in BLOCKS if not language and text.startswith("# Nielsen"))
    assert shown == models.path("mlp").read_text(encoding="utf-8")


def test_the_python_runs(capsys: pytest.CaptureFixture[str]) -> None:
    code = [text for language, text in BLOCKS if language == "python"][1]
    exec(compile(code, "README.md", "exec"), {})
    assert "chain rule" in capsys.readouterr().out


@pytest.mark.parametrize("link", re.findall(r"\]\((?!http)([^)]+)\)", README))
def test_a_link_leads_somewhere(link: str) -> None:
    assert os.path.exists(Path(__file__).parents[1] / link)


def test_the_digits_of_the_oracle_are_those_it_names() -> None:
    assert f"{DIGITS} digits" in README and digits().label == f"{DIGITS} digits, differences"
