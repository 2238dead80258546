"""Lists that are one variable: which roll, which must not, and that the gradients stay right."""

from __future__ import annotations

import re

import pytest

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.verify.report import verify

HEAD = "index t = 1..T\ninput x : n\nparam w[t] : n\n"
COST = "cost C = sum(h[T,i], i)"


def body(text: str) -> str:
    """The body of value_and_grad."""
    module = pipeline.module_text(adjoint_system(pipeline.parse(text)))
    return module.split("\ndef value_and_grad", 1)[1].split("\ndef ", 1)[0]


def listed(text: str, name: str) -> bool:
    """Whether the generated function keeps a list of that name."""
    written = body(text)
    computed = re.search(rf"^ *{name}(\[.*\])? \+?= ", written, re.MULTILINE)
    assert computed, f"{name} is not computed by\n{written}"
    return f"{name}[" in written


def agrees(text: str) -> None:
    """The module agrees with the oracle, which keeps every value."""
    model = pipeline.parse(text)
    system = adjoint_system(model)
    report = verify(model, system, pipeline.module_of(system), precise=False)
    assert report.ok, str(report)


ROLLS = {
    "an adjoint, where another member is never written": (
        "h[0,i] = x[i]\nh[t,i] = tanh(w[t,i]*h[t-1,i])\n",
        "dh",
    ),
    "a value that the adjoint does not need": (
        "h[0,i] = x[i]\nz[t,i] = tanh(w[t,i])*h[t-1,i]\nh[t,i] = z[t,i] + tanh(z[t,i])\n",
        "dz",
    ),
    "two that hang together": (
        "h[0,i] = x[i]\ng[0,i] = x[i]^2\nh[t,i] = w[t,i]*g[t-1,i]\ng[t,i] = tanh(h[t,i])\n",
        "dh",
    ),
}

STAYS = {
    "h[t] is needed backwards": ("h[0,i] = x[i]\nh[t,i] = tanh(w[t,i]*h[t-1,i])\n", "h"),
    "two members are read": (
        "h[-1,i] = x[i]\nh[0,i] = 2*x[i]\nh[t,i] = sin(w[t,i]*h[t-1,i]) + h[t-2,i]\n",
        "dh",
    ),
    "a member far back is read where sequences are long": (
        "h[0,i] = x[i]\nh[t,i] = sin(w[t,i]*h[t-1,i]) for t = 1..6\n"
        "h[t,i] = sin(w[t,i]*h[t-1,i]) + h[t-6,i] for t = 7..T\n",
        "dh",
    ),
}


@pytest.mark.parametrize("equations, name", ROLLS.values(), ids=ROLLS)
def test_a_list_of_which_one_member_is_read_is_a_variable(equations: str, name: str) -> None:
    assert not listed(HEAD + equations + COST, name)
    agrees(HEAD + equations + COST)


@pytest.mark.parametrize("equations, name", STAYS.values(), ids=STAYS)
def test_a_list_of_which_more_is_read_stays(equations: str, name: str) -> None:
    assert listed(HEAD + equations + COST, name)
    agrees(HEAD + equations + COST)
