"""The commands as a user meets them: output, messages, exit status, files."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from symbp import models
from symbp.cli import main
from symbp.files import generated

GOOD = """\
index l = 1..L
input x    : n[0]
param w[l] : n[l], n[l-1]
a[0,k] = x[k]
a[l,j] = tanh(sum(w[l,j,k]*a[l-1,k], k))
cost C = sum(a[L,j]^2, j)
"""


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(main, [str(a) for a in args], catch_exceptions=False)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.symbp"
    path.write_text(GOOD, encoding="utf-8")
    return path


# ── what works ────────────────────────────────────────────────────────────────────────────────────


def test_models_lists_every_model_with_its_title() -> None:
    result = run("models")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines] == list(models.names())
    assert "quadratic cost" in result.stdout


@pytest.mark.parametrize("format_", ["latex", "markdown", "text"])
@pytest.mark.parametrize("detail", ["result", "key", "all"])
def test_derive_in_every_format_and_detail(format_: str, detail: str) -> None:
    result = run("derive", "mlp", "delta", "--format", format_, "--detail", detail)
    assert result.exit_code == 0 and result.stderr == ""
    assert ("∂C/∂" in result.stdout or r"\partial C" in result.stdout) == (detail != "result")


def test_more_detail_has_more_lines() -> None:
    sizes = [len(run("derive", "mlp", "delta", "--format", "text", "--detail", d).stdout.splitlines())
             for d in ("result", "key", "all")]
    assert sizes[0] < sizes[1] < sizes[2]


def test_the_column_view_is_among_all_lines() -> None:
    assert "•" in run("derive", "mlp", "delta", "--format", "text", "--detail", "all").stdout


def test_a_variable_is_named_by_itself_or_by_its_adjoint() -> None:
    assert run("derive", "mlp", "z").stdout == run("derive", "mlp", "delta").stdout


def test_a_variable_without_an_adjoint_of_its_own_can_be_asked_for() -> None:
    result = run("derive", "mlp", "a", "--format", "text")
    assert result.exit_code == 0 and "∂C/∂aₖ" in result.stdout


def test_output_goes_to_a_file_whose_name_says_the_format(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "notes.md"
    result = run("derive", "mlp", "-o", target)
    assert result.exit_code == 0 and result.stdout == ""
    assert target.read_text(encoding="utf-8").startswith("# ")
    assert [p.name for p in target.parent.iterdir()] == ["notes.md"]


def test_show(good: Path) -> None:
    result = run("show", good)
    assert result.exit_code == 0
    for piece in ("n[l], n[l-1]", "l = 1..L", "l = 0..L", "Order of evaluation"):
        assert piece in result.stdout


def test_verify_prints_a_table(good: Path) -> None:
    result = run("verify", good)
    assert result.exit_code == 0
    assert "worst relative error" in result.stdout and "all hold" in result.stdout


def test_generate_and_check(good: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("generate", good, "-o", out, "--target", "numpy", "--target", "latex").exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == ["good.py", "good.tex"]
    assert run("generate", good, "-o", out, "--check").exit_code == 0
    about = generated((out / "good.py").read_text(encoding="utf-8"))
    assert about is not None and about.model == "good" and not about.edited


def test_generate_is_the_same_bytes_again(good: Path) -> None:
    assert run("generate", good).stdout == run("generate", good).stdout != ""


def test_a_stale_file_is_a_diff_and_exit_1(good: Path, tmp_path: Path) -> None:
    run("generate", good, "-o", tmp_path)
    good.write_text(GOOD.replace("tanh", "sigmoid"), encoding="utf-8")
    result = run("generate", good, "-o", tmp_path, "--check")
    assert result.exit_code == 1
    assert "-" in result.stdout and "+" in result.stdout and "sigmoid" in result.stdout


def test_an_edited_file_is_never_overwritten_without_force(good: Path, tmp_path: Path) -> None:
    run("generate", good, "-o", tmp_path)
    target = tmp_path / "good.py"
    mine = target.read_text(encoding="utf-8") + "# mine\n"
    target.write_text(mine, encoding="utf-8")
    result = run("generate", good, "-o", tmp_path)
    assert result.exit_code == 1 and "--force" in result.stderr
    assert target.read_text(encoding="utf-8") == mine
    assert run("generate", good, "-o", tmp_path, "--force").exit_code == 0
    assert target.read_text(encoding="utf-8") != mine


def test_a_file_of_somebody_else_is_not_overwritten(good: Path, tmp_path: Path) -> None:
    (tmp_path / "good.py").write_text("print(1)\n", encoding="utf-8")
    result = run("generate", good, "-o", tmp_path)
    assert result.exit_code == 1 and "was not generated" in result.stderr


def test_binding_an_abstract_function() -> None:
    result = run("generate", "mlp_abstract", "--bind", "sigma=tanh", "--bind", "C(v[j])=sum(v[j]^2, j)/2")
    assert result.exit_code == 0 and "np.tanh" in result.stdout
    unbound = run("generate", "mlp_abstract")
    assert unbound.exit_code == 1 and "--bind sigma=tanh" in unbound.stderr


# ── what is refused ───────────────────────────────────────────────────────────────────────────────

WRONG = [
    ("unknown character", GOOD.replace("tanh", "ta$nh"), "5:12"),
    ("missing bracket", GOOD.replace("k))", "k)"), "5:14"),
    ("undefined symbol", GOOD.replace("x[k]", "q[k]"), "4:10"),
    ("undefined index", GOOD.replace("w[l,j,k]*", "w[l,j,m]*"), "5:25"),
    ("declared twice", GOOD.replace("param", "input x : K\nparam"), "3:7"),
    ("defined twice", GOOD.replace("cost", "a[0,k] = 2*x[k]\ncost"), "6:1"),
    ("number of indices", GOOD.replace("a[l-1,k], k", "a[l-1], k"), "5:28"),
    ("contradicting ranges", GOOD.replace("a[l-1,k], k", "a[l-1,j], k"), "5:"),
    ("cost not scalar", GOOD.replace("sum(a[L,j]^2, j)", "a[L,j]^2"), "6:14"),
    ("no cost", GOOD.replace("cost C = sum(a[L,j]^2, j)\n", ""), ""),
    ("two costs", GOOD + "cost D = sum(x[k], k)\n", "7:"),
    ("cycle", GOOD.replace("a[l-1,k], k", "a[l,k], k").replace("n[l-1]", "n[l]"), "5:"),
    ("unknown function", GOOD.replace("tanh", "tahn"), "5:10"),
    ("reserved name", GOOD.replace("input x    :", "input for :"), "2:7"),
    ("nested 10,000 deep", GOOD.replace("x[k]", "(" * 10000 + "x[k]" + ")" * 10000), "4:"),
    ("left index nowhere on the right", GOOD.replace("cost", "b[q] = 1\ncost"), "6:"),
    ("read but never defined", GOOD.replace("a[0,k] = x[k]\n", ""), "4:"),
]


@pytest.mark.parametrize(("what", "text", "place"), WRONG, ids=[w[0] for w in WRONG])
def test_a_wrong_model_is_one_message_with_its_place(
    what: str, text: str, place: str, tmp_path: Path
) -> None:
    path, out = tmp_path / "wrong.symbp", tmp_path / "out.tex"
    path.write_text(text, encoding="utf-8")
    result = run("derive", path, "-o", out)
    assert result.exit_code == 1 and result.stdout == ""
    assert "Traceback" not in result.stderr and result.stderr.count("error:") == 1
    assert not out.exists()
    if place:
        assert f"wrong.symbp:{place}" in result.stderr.splitlines()[0]
        assert "^" in result.stderr and "help:" in result.stderr


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    assert "there is no file" in run("derive", tmp_path / "none.symbp").stderr
    assert "is a directory" in run("derive", tmp_path).stderr
    latin = tmp_path / "latin.symbp"
    latin.write_bytes("title \"é\"\n".encode("latin-1"))
    result = run("derive", latin)
    assert result.exit_code == 1 and "not UTF-8" in result.stderr


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")
def test_unreadable_and_unwritable(good: Path, tmp_path: Path) -> None:
    good.chmod(0)
    assert "cannot read" in run("derive", good).stderr
    good.chmod(stat.S_IRUSR)
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert "cannot write" in run("derive", good, "-o", tmp_path / "x.tex").stderr
    tmp_path.chmod(stat.S_IRWXU)


def test_an_unwritable_output_leaves_nothing(good: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = run("derive", good, "-o", tmp_path / "file" / "x.tex")
    assert result.exit_code == 1 and "cannot write" in result.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "good.symbp"]


def test_unknown_names_are_answered_with_the_nearest() -> None:
    assert "did you mean delta?" in run("derive", "mlp", "detla").stderr
    assert "did you mean mlp?" in run("derive", "mpl").stderr


def test_wrong_usage_is_exit_2() -> None:
    assert run("derive").exit_code == 2
    assert run("derive", "mlp", "--format", "word").exit_code == 2
    assert run("generate").exit_code == 2
    assert run("nothing").exit_code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["models"], ["derive", "--help"], ["--version"]])
def test_light_commands_load_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\n"
        "from symbp.cli import main\n"
        f"sys.argv = ['symbp', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "loaded = {'sympy', 'numpy', 'lark', 'jinja2', 'scipy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_deriving_does_not_wait_for_sympy_or_numpy() -> None:
    code = (
        "import sys\n"
        "from symbp import pipeline\n"
        "pipeline.documented(pipeline.load('mlp'))\n"
        "sys.exit(f'loaded' if {'sympy', 'numpy'} & set(sys.modules) else 0)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
