"""What happens where a function has no derivative: said in document and docstring, done by the code."""

from __future__ import annotations

import numpy as np
import pytest

import symbp
from symbp import pipeline

TIES = [
    ("cost C = max(x[i], i)", [2.0, 5.0, 5.0], [0, 0.5, 0.5], "max shares its derivative equally"),
    ("cost C = min(x[i], i)", [2.0, 2.0, 2.0], [1 / 3] * 3, "min shares its derivative equally"),
    ("cost C = sum(maximum(x[i], 1), i)", [1.0, 2.0, 0.0], [0, 1, 0], "two arguments of max are equal"),
    ("cost C = sum(minimum(x[i], 1), i)", [1.0, 2.0, 0.0], [0, 0, 1], "two arguments of min are equal"),
    ("cost C = sum(relu(x[i]), i)", [0.0, 2.0, -1.0], [0, 1, 0], "relu is taken to be 0 at 0"),
    ("cost C = sum(abs(x[i]), i)", [0.0, 2.0, -1.0], [0, 1, -1], "absolute value is taken to be 0 at 0"),
    ("cost C = sum(where(x[i] > 0, 2*x[i], x[i]), i)", [0.0, 1.0, -1.0], [1, 2, 1], "the branch chosen"),
    ("f(u) = where(u >= 0, 3*u, u)\ncost C = sum(f(x[i]), i)", [0.0, 1.0, -1.0], [3, 3, 1], "the branch"),
    ("cost C = prod(x[i], i)", [0.0, 2.0, 3.0], [6, 0, 0], ""),
    ("cost C = prod(x[i], i)", [0.0, 0.0, 3.0], [0, 0, 0], ""),
]


@pytest.mark.parametrize(("cost", "at", "gradient", "said"), TIES, ids=[t[0][-28:] for t in TIES])
def test_at_a_kink(cost: str, at: list[float], gradient: list[float], said: str) -> None:
    model = symbp.parse(f"param x : N\n{cost}\n")
    module = model.compile()
    _, grads = module.value_and_grad(x=np.array(at))
    np.testing.assert_allclose(grads.x, gradient)
    assert said in (module.__doc__ or "")
    for format_ in ("text", "latex", "markdown", "html"):
        assert said in " ".join(pipeline.documented(model.core, (), format_).split())


def test_over_several_indices_the_derivative_is_shared_at_each() -> None:
    """The largest of a row share what the rows that have it share: not a third each."""
    model = symbp.parse("param x : M, N\ncost C = max(x[i,j], i, j)\n")
    module = model.compile()
    _, grads = module.value_and_grad(x=np.array([[1.0, 1.0], [1.0, 0.0]]))
    np.testing.assert_allclose(grads.x, [[0.25, 0.25], [0.5, 0.0]])
    said = "over several indices it is taken index by index, one after the other, and shares equally at each"
    assert said in " ".join((module.__doc__ or "").split())
    assert said in " ".join(pipeline.documented(model.core, (), "text").split())
    assert "index by index" not in pipeline.documented(pipeline.parse("param x : N\ncost C = max(x[i], i)\n"))


def test_nothing_is_said_of_smooth_models() -> None:
    from symbp.derive.conventions import conventions

    assert conventions(pipeline.load("mlp")) == ()


def test_nothing_is_said_of_what_never_changes() -> None:
    """√D of a size has no derivative to be infinite, and positions have no border."""
    from symbp.derive.conventions import conventions

    text = "const a : D\nparam x : D\ncost C = sum(where(i <= j, x[i]*a[j], 0), i, j)*sqrt(D)*max(a[k], k)"
    assert conventions(pipeline.parse(text)) == ()
    assert len(conventions(pipeline.parse(text.replace("sqrt(D)", "sqrt(sum(x[k]^2, k))")))) == 1


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("sum(x[k]^2, k)", 1),
        ("sum(x[k]^2, k) + e", 0),
        ("s", 0),
        ("sum((x[k] - a[k])^2, k)/D + e", 0),
        ("sum(x[k]*x[k], k) + 1e-5", 0),
        ("1 + sum(abs(x[k]), k)", 0),
        ("exp(x[0])*(1 + x[1]^2)", 0),
        ("mean(x[k]^2, k) - e", 1),
        ("sum(x[k]*a[k], k) + e", 1),
        ("sum(x[k]*x[k]*a[k], k) + 1", 1),
        ("sum(x[k]^2, k) + a[0]", 1),
        ("abs(x[0])", 1),
    ],
)
def test_a_root_of_what_is_kept_from_0_has_no_kink(argument: str, told: int) -> None:
    """An epsilon is added for that: sqrt(v + e) is smooth unless somebody chooses e = 0."""
    from symbp.derive.conventions import conventions

    text = f"const a : D\nconst e\nparam x : D\ns = sum(x[k]^2, k) + e\ncost C = sqrt({argument}) + 0*s\n"
    found = [s for s in conventions(pipeline.parse(text)) if "square root" in s or "a norm" in s]
    assert len(found) == told, found


def test_a_note_has_no_letters_that_a_model_may_have() -> None:
    """A model with a variable u would take "at u = 0" for a statement about its own."""
    from symbp.functions import ELEMENTWISE

    for function in ELEMENTWISE:
        assert not any(len(word) == 1 and word.isalpha() for word in function.kinks.split() if word != "a")
        assert "maximum" not in function.kinks and "minimum" not in function.kinks
