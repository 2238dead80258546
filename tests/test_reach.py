"""Sizes that are too small for what a model reads: asked at the door, and avoided where sizes are drawn."""

from __future__ import annotations

import numpy as np
import pytest

import symbp
from symbp import models
from symbp.model.reach import reaches

WINDOW = """
const x : H
param f : P
z[i] = sum(f[p]*x[i+p], p)
cost C = sum(z[j]^2, j=0..3)
"""
FIXED = """
param f : P
cost C = f[20]^2
"""
OTHER = """
param f : P
param g : Q
cost C = sum(f[j]^2*g[j], j=0..Q-1)
"""
LABEL = """
const y in 0..K-1
param b : K
param a : D
cost C = a[y]*sum(b[k], k)
"""
GUARDED = """
const x : H
param b : H
cost C = sum(where(i >= 2, x[i-2], 0)*b[i], i)
"""


def test_a_slice_that_is_too_short_is_refused() -> None:
    module = symbp.parse(WINDOW).compile()
    assert module.value(x=np.arange(6.0), f=np.ones(2)) == 84.0
    with pytest.raises(ValueError, match=r"z: .* from position 0 to 3; with these sizes it has 0 to 2"):
        module.value(x=np.arange(4.0), f=np.ones(2))


def test_one_size_has_to_reach_another() -> None:
    module = symbp.parse(OTHER).compile()
    assert module.value(f=np.ones(3), g=np.ones(2)) == 2.0
    with pytest.raises(ValueError, match="f: it is read from position 0 to 2"):
        module.value(f=np.ones(2), g=np.ones(3))


def test_a_label_counts_as_all_that_it_may_be() -> None:
    module = symbp.parse(LABEL).compile()
    assert module.value(y=1, b=np.ones(2), a=np.ones(3)) == 2.0
    with pytest.raises(ValueError, match="a: it is read from position 0 to 2"):
        module.value(y=0, b=np.ones(3), a=np.ones(2))


@pytest.mark.parametrize("text", [WINDOW, FIXED, OTHER, LABEL])
def test_sizes_are_drawn_that_reach_far_enough(text: str) -> None:
    assert symbp.parse(text).verify().ok


def test_what_a_condition_may_keep_inside_is_left_to_it() -> None:
    assert reaches(symbp.parse(GUARDED).core) == ()


@pytest.mark.parametrize("name", models.names())
def test_the_shapes_of_shipped_models_say_that_they_reach(name: str) -> None:
    assert reaches(symbp.load(name).core) == ()


def test_a_condition_may_multiply_an_index() -> None:
    text = "const x : H\nparam f : P\nz[i] = sum(where(i-2*p >= 0, f[p]*x[i-2*p], 0), p) for i = 0..H-1\n"
    model = symbp.parse(text + "cost C = sum(z[i]^2, i)\n")
    assert model.compile().value(x=np.arange(1.0, 4.0), f=np.ones(3)) == 1 + 4 + 16
