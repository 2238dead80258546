"""generate: every target is written, stamped, checked, and never written over somebody's edits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from symbp.cli import FLAVORS, FORMATS, NAMED, TARGETS, main
from symbp.emit import EMITTERS
from symbp.emit.markdown import FLAVORS as OF_MARKDOWN
from symbp.emit.notation import NOTATIONS
from symbp.files import generated
from symbp.generating import TARGETS as KNOWN
from symbp.generating import target_of

pytestmark = pytest.mark.needs("nbformat")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    run("generate", "linear_regression", "-o", folder, "--target", ",".join(TARGETS))
    return folder


def run(*arguments: object, status: int = 0) -> str:
    done = CliRunner().invoke(main, list(map(str, arguments)))
    assert done.exit_code == status, done.output
    return done.output


def test_the_command_line_names_what_there_is() -> None:
    """It has the names of its own, so that --help need not import anything."""
    assert set(FORMATS) == {e.name for e in EMITTERS}
    assert set(FLAVORS) == {f.name for f in OF_MARKDOWN}
    assert tuple(t.name for t in KNOWN) == TARGETS
    assert tuple(n.name for n in NOTATIONS) == NAMED


def test_every_target_has_its_file_and_its_stamp(made: Path) -> None:
    files = sorted(made.iterdir())
    assert {target_of(f.name) for f in files} == set(KNOWN) and len(files) == len(KNOWN)
    for file in files:
        about = generated(file.read_text(encoding="utf-8"))
        assert about is not None and about.model == "linear_regression" and not about.edited, file
    assert run("generate", "--check", "-o", made) == ""


@pytest.mark.parametrize("suffix", [t.suffix for t in KNOWN])
def test_an_edited_file_is_told_and_kept(made: Path, suffix: str, tmp_path: Path) -> None:
    target = next(t for t in KNOWN if t.suffix == suffix)
    file = tmp_path / f"linear_regression{suffix}"
    text = (made / file.name).read_text(encoding="utf-8")
    if suffix == ".ipynb":
        book = json.loads(text)
        book["cells"][0]["source"] = "# Mine"
        text = json.dumps(book)
    file.write_text(text + "\n", encoding="utf-8")
    assert f"+++ {file} (generated)" in run("generate", "--check", "-o", tmp_path, status=1)
    told = run("generate", "linear_regression", "-o", tmp_path, "--target", target.name, status=1)
    assert "was edited" in told
    run("generate", "linear_regression", "-o", tmp_path, "--target", target.name, "--force")
    assert run("generate", "--check", "-o", tmp_path) == ""


def test_a_directory_may_have_files_of_others(made: Path, tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("# Mine\n")
    (tmp_path / "page.html").write_bytes(b"\xff\xfe not UTF-8")
    (tmp_path / "large.ipynb").write_text("{" + " " * 5_000_000 + "}")
    (tmp_path / "figures.md").mkdir()
    (tmp_path / "linear_regression.md").write_bytes((made / "linear_regression.md").read_bytes())
    assert run("generate", "--check", "-o", tmp_path) == ""


def test_an_unknown_target_is_wrong_usage() -> None:
    assert "'word' is not one of numpy" in run("generate", "mlp", "--target", "numpy,word", status=2)


def test_the_name_of_the_output_says_the_format(tmp_path: Path) -> None:
    for name, mark in (
        ("a.beamer.tex", r"\begin{frame}"), ("a.tex", r"\begin{align}"), ("a.ipynb", '"nbformat"'),
        ("a.md", "```math"), ("a.txt", "===="), ("a.html", "<!DOCTYPE"), ("a", r"\begin{align}"),
    ):  # fmt: skip
        run("derive", "linear_regression", "w", "-o", tmp_path / name)
        assert mark in (tmp_path / name).read_text(encoding="utf-8")


def test_forms_that_a_format_does_not_have_are_refused() -> None:
    assert "no standalone form" in run("derive", "mlp", "--format", "text", "--standalone", status=1)
    assert "no flavors" in run("derive", "mlp", "--format", "html", "--flavor", "myst", status=1)
    assert r"\documentclass" not in run("derive", "mlp", "w", "--format", "beamer", "--fragment")
