"""In which order the adjoints of a recurrence can be evaluated, and how documents say it."""

from __future__ import annotations

import re

import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.derive.evaluation import sweeps

SWEEPS = {
    "mlp": [(("z",), (("l", True),))],
    "lstm": [(("h", "r", "c", "a", "p", "q"), (("t", True),))],
    "soft_dtw": [(("r",), (("i", True), ("j", True)))],
    "linear_regression": [],
    "conv2d": [],
}

FORWARDS = """
    index t = 1..T
    param w : D
    h[T,i] = w[i]
    h[t,i] = tanh(h[t+1,i])*w[i] for t = 1..T-1
    cost C = sum(h[1,i]^2, i)
"""

ACROSS = """
    index i = 1..M, j = 1..N
    param w
    r[1,j] = w
    r[i,N] = w*i for i = 2..M
    r[i,j] = sin(r[i-1,j])*w + r[i,j+1] for i = 2..M, j = 1..N-1
    cost C = r[M,1]^2
"""


@pytest.mark.parametrize("name", SWEEPS)
def test_the_sweeps_of_a_model(name: str) -> None:
    found = sweeps(adjoint_system(pipeline.load(name)))
    assert [(s.names, s.backwards) for s in found] == SWEEPS[name]


def test_what_runs_backwards_has_its_adjoint_forwards() -> None:
    (sweep,) = sweeps(adjoint_system(pipeline.parse(FORWARDS)))
    assert sweep.backwards == (("t", False),)


def test_every_sequence_has_its_own_direction() -> None:
    (sweep,) = sweeps(adjoint_system(pipeline.parse(ACROSS)))
    assert sweep.backwards == (("i", True), ("j", False))


@pytest.mark.parametrize("name", ["mlp", "lstm", "rnn", "gru", "crf", "neural_ode"])
def test_within_a_step_nothing_is_needed_before_it_is_there(name: str) -> None:
    """Each adjoint of a step reads, at the same step, only those that stand before it in the sentence."""
    from symbp.calculus.expr import Adjoint
    from symbp.calculus.tree import walk




    system = adjoint_system(pipeline.load(name))
    for sweep in sweeps(system):
        for place, own in enumerate(sweep.names):
            later = sweep.names[place:]
            for case in system.cases[own]:
                step = case.lhs.indices[0]
                reads = [n for n in walk(case.result) if isinstance(n, Adjoint) and n.name in later]
                assert all(n.indices[0] != step for n in reads), (own, case.number)


def test_the_sentence_stands_once_below_the_last_of_its_adjoints() -> None:
    text = pipeline.documented(pipeline.load("rnn"), format_="text")
    assert len(re.findall("Order of evaluation", text)) == 1
    assert "t = T, T − 1, …, 1, and at each step ∂C/∂hᵗ, then δᵗ." in " ".join(text.split())


def test_a_base_case_says_what_does_not_depend_on_it() -> None:
    text = pipeline.documented(pipeline.load("lstm"), format_="text")
    assert "on which no other c depends:" in text
    assert "on which no a, p, q or r depends:" in text


GRID = """
    index i = 0..M, j = 0..N
    param g
    r[i,0] = g*i
    r[0,j] = g*j for j = 1..N
    r[i,j] = sin(r[i-1,j-1]) + r[i-1,j]*g + r[i,j-1] for i = 1..M, j = 1..N
    cost C = r[M,N]
"""


def test_the_border_of_a_grid_has_its_range() -> None:
    """On the border the recurrence goes on along it, so it is no base case; the axis is not shifted."""
    text = pipeline.documented(pipeline.parse(GRID), ["r"], format_="text")
    assert len(re.findall(r"At the border r\S+ for i = [01], …, M − 1:", text)) == 2
    # r^{0,N} is no case of its own: its formula is that of the rest of the border
    assert len(re.findall("At the border", text)) == 5
    assert re.findall(r"The base case \S+ (.*)", text) == ["on which no other r depends:"]


def test_what_does_not_recur_has_no_base_case() -> None:
    assert "For wⱼₖ¹:" in pipeline.documented(pipeline.load("mlp_z"), ["w"], format_="text")
