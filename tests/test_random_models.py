"""Models drawn over the whole language: every line, what code is made of, and the module, three opinions.

``SYMBP_EXAMPLES`` is the number of models (60 where it is not set).  Draws are the same in every run unless
``SYMBP_SEED`` is set: a number, or "random" for other models each time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import loops
import outside
import pytest
import strategies
from hypothesis import HealthCheck, Phase, given, seed, settings
from random_failures import FOUND

from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.verify.report import verify

EXAMPLES = int(os.environ.get("SYMBP_EXAMPLES", "60"))
SEED = os.environ.get("SYMBP_SEED", "")


def check(text: str) -> None:
    """Every opinion about a model agrees with every other.

    Raises:
        AssertionError: with the model and what disagrees.
    """
    model = pipeline.parse(text)
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    report = verify(model, system, module, precise=False)
    assert report.ok, f"{text}\n{report}"
    found = outside.disagreement(model, module, 1)
    assert not found, f"{text}\nautograd says otherwise: {found}\n{pipeline.module_text(system)}"
    other = loops.differences(model, module, loops.interpreted(system))
    assert not other, f"{text}\nthe loops say otherwise: {other}\n{pipeline.module_text(system, 'numba')}"


def drawn(test: Callable[[str], Any]) -> Callable[[], Any]:
    """A test of models drawn at random."""
    chosen = settings(
        max_examples=EXAMPLES, deadline=None, derandomize=not SEED, print_blob=True, database=None,
        # cutting a failure down runs hundreds of models more: only for who looks for failures
        phases=[Phase.generate, Phase.shrink] if SEED else [Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    wrapped = chosen(given(strategies.models())(test))
    return seed(int(SEED))(wrapped) if SEED.isdigit() else wrapped


@drawn
def test_drawn_models_agree_with_every_opinion(text: str) -> None:
    check(text)


@pytest.mark.parametrize("name", FOUND)
def test_a_model_that_once_failed(name: str) -> None:
    check(FOUND[name])
