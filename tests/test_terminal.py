"""What a terminal shows: colours and progress, there only; lines that fit on it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from symbp import pipeline
from symbp.emit.layout import Fence, Product, Row, Sym, Terms
from symbp.emit.plain_lines import broken
from symbp.emit.plain_prose import wrapped
from symbp.emit.text import columns
from symbp.terminal import painted

SMALL = "param w : K\ncost C = sum(w[k]^2, k)\n"
WRONG = "param w : K\ncost C = sum(w[k]^2, j)\n"


def on_terminal(*args: str, cwd: Path, **environment: str) -> tuple[str, str, int]:
    """What a terminal gets on stderr, what a pipe gets on stdout, and the exit status."""
    ours, theirs = pty.openpty()
    env = {k: v for k, v in os.environ.items() if k != "NO_COLOR"} | {"TERM": "xterm"} | environment
    command = [sys.executable, "-m", "symbp", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, cwd=cwd, env=env) as process:
        os.close(theirs)
        err = b""
        while chunk := _read(ours):
            err += chunk
        out, _ = process.communicate()
    os.close(ours)
    return err.decode(), out.decode(), process.returncode


def _read(end: int) -> bytes:
    try:
        return os.read(end, 4096)
    except OSError:
        # how Linux tells that the other end is closed
        return b""


@pytest.fixture
def course(tmp_path: Path) -> Path:
    for name in ("one", "two"):
        (tmp_path / f"{name}.symbp").write_text(SMALL)
    (tmp_path / "wrong.symbp").write_text(WRONG)
    return tmp_path


@pytest.mark.parametrize(
    "command", [("verify",), ("generate", "-o", "out"), ("generate", "--check", "-o", "out")]
)
def test_work_on_several_models_shows_a_bar_on_a_terminal(course: Path, command: tuple[str, ...]) -> None:
    err, out, _ = on_terminal(*command, "one.symbp", "two.symbp", cwd=course)
    assert "100%" in err and "100%" not in out
    err, _, _ = on_terminal(*command, "one.symbp", cwd=course)
    assert "%" not in err


def test_a_folder_that_is_checked_shows_a_bar(course: Path) -> None:
    on_terminal("generate", "one.symbp", "two.symbp", "-o", "generated", cwd=course)
    for name in ("one", "two"):
        written = course / "generated" / f"{name}.py"
        assert written.exists()
    err, _, _ = on_terminal("generate", "--check", cwd=course)
    assert "%" in err


def test_a_pipe_gets_neither_bar_nor_colours(course: Path) -> None:
    command = [sys.executable, "-m", "symbp", "verify", "one.symbp", "two.symbp", "wrong.symbp"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=course)
    assert done.returncode == 1 and "\x1b" not in done.stdout + done.stderr
    assert done.stdout.count("all hold") == 2 and "%" not in done.stderr
    assert done.stderr.startswith("wrong.symbp:2:")


def test_errors_are_coloured_on_a_terminal_unless_no_color_is_set(course: Path) -> None:
    err, _, status = on_terminal("verify", "wrong.symbp", cwd=course)
    assert status == 1 and "\x1b[31m\x1b[1merror:\x1b[0m" in err
    err, _, status = on_terminal("verify", "wrong.symbp", cwd=course, NO_COLOR="1")
    assert status == 1 and "error:" in err and "\x1b" not in err


def test_only_marks_are_coloured() -> None:
    assert painted("ok    line 1  ok") == "\x1b[32m\x1b[1mok\x1b[0m    line 1  ok"
    assert painted("FAIL  x") == "\x1b[31m\x1b[1mFAIL\x1b[0m  x"
    assert painted("m.symbp:1:2: error: no\n  help: do").count("\x1b[0m") == 2
    assert painted("the error: it is small") == "the error: it is small"


@pytest.mark.parametrize("page", [60, 80, 100])
@pytest.mark.parametrize("name", ["lstm", "soft_dtw", "transformer_block"])
def test_text_stays_within_its_columns_and_says_the_same(name: str, page: int) -> None:
    wide = pipeline.documented(pipeline.load(name), (), "text", columns=10_000)
    text = pipeline.documented(pipeline.load(name), (), "text", columns=page)
    # what has no place to break, such as a quotient, may be wider
    over = [line for line in text.splitlines() if columns(line) > page and " " in line.strip()]
    assert len(over) <= (4 if page < 100 else 0), over
    assert sorted("".join(text.split())) == sorted("".join(wide.split()))


def test_formulas_break_at_the_signs_of_a_sum_first() -> None:
    line = "Σₖ (a + b) cₖ + ∂/∂x (d + e) + log Σᵢ fᵢ"
    assert broken(line, 40, len) == [line]
    assert broken(line, 30, len) == ["Σₖ (a + b) cₖ + ∂/∂x (d + e)", "  + log Σᵢ fᵢ"]
    assert broken(line, 20, len) == ["Σₖ (a + b) cₖ", "  + ∂/∂x (d + e)", "  + log Σᵢ fᵢ"]
    assert broken("AAAA (bbbb + cccc)", 9, len) == ["AAAA", "  (bbbb", "   + cccc)"]
    assert broken("Σₖ aaaaaaaa", 5, len) == ["Σₖ aaaaaaaa"]


def test_a_formula_breaks_between_factors_before_it_breaks_in_a_bracket() -> None:
    line = "Σₘ aₘ sigmoid(Σᵢ wᵢ xᵢ + bₘ) (1 − sigmoid(Σᵢ wᵢ xᵢ + bₘ)) pₘ"
    first, second = "Σₘ aₘ sigmoid(Σᵢ wᵢ xᵢ + bₘ)", "  (1 − sigmoid(Σᵢ wᵢ xᵢ + bₘ)) pₘ"
    assert broken(line, 34, len) == [first, second]
    assert broken(line, 33, len) == [first, second.removesuffix(" pₘ"), "  pₘ"]


def test_no_line_ends_behind_the_first_word_of_a_bracket() -> None:
    line = "Σᵢ (∂C/∂qᵢ) ([i = k]/√(Σⱼ vⱼ²) − (vᵢ · (1/(2√(Σⱼ vⱼ²))) Σⱼ 2vⱼ [j = k])/(√(Σⱼ vⱼ²))²)"
    for room in range(50, 80):
        assert not [part for part in broken(line, room, len) if part.endswith("(vᵢ")], room


@pytest.mark.parametrize("room", range(40, 110))
def test_a_line_that_begins_within_a_term_has_nothing_of_the_next_one(room: int) -> None:
    """Neither of a term of the formula nor of one in a bracket: (a b⏎ c − d⏎ e) hides where terms begin."""
    f, g = "sigmoid(Σₖ Wᵢₖ xₖ + pᵢ cᵢ + bᵢ)", "tanh(Σₖ Vᵢₖ xₖ)"
    line = f"Σᵢ δᵢ ({f} (1 − {f}) [i = j] cᵢ cᵢ − {f} (1 − {f}) [i = j] cᵢ {g}) + Σᵢ εᵢ {g} (1 − {g}) cᵢ"
    lines = broken(line, room, columns)
    assert " ".join(part.strip() for part in lines) == line
    for part in map(str.strip, lines[1:]):
        depth = 0
        for n, sign in enumerate(part):
            depth += (sign in "([") - (sign in ")]")
            assert n == 0 or depth > 0 or sign not in "+−" or part[0] in "+−", lines


def test_words_end_a_line_before_a_formula_does() -> None:
    u = Sym("u", "u")
    sigmoid = Row((Sym("", "s"), Fence(u)))
    formula = Product((sigmoid, Fence(Terms((("+", Sym("1", "1")), ("-", sigmoid))))), ("thin",))
    for room in range(22, 60):
        lines = wrapped(("differentiate; the derivative is ", formula, "."), room, columns)
        assert any("s(u) (1 − s(u))." in line for line in lines), lines
        assert "\N{NO-BREAK SPACE}" not in "".join(lines)
    # one that is longer than most of a line ends before a sign, outside of brackets if that will do
    long = Terms(tuple(("+", formula) for _ in range(4)))
    for room in range(24, 60):
        lines = wrapped(("it is ", long, "."), room, columns)
        assert all(columns(line) <= room for line in lines)
        assert all(line.startswith("+ s(u)") for line in lines[1:]), lines
