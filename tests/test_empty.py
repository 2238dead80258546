"""Sums that have no term at some places, and elements that nothing defines at others."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import loops
import numpy as np
import outside
import pytest

from symbp import pipeline
from symbp.arrays.masks import may_be_empty
from symbp.arrays.nodes import Assign, Fold, Node, Normalised, below
from symbp.arrays.program import programs
from symbp.derive.engine import adjoint_system
from symbp.errors import ModelProblem
from symbp.verify.report import verify

MODELS: Mapping[str, str] = {
    # Hawkes, Spectra of some self-exciting and mutually exciting point processes (1971):
    # before the first event there is none
    "events_before": """
        const t : N
        param mu
        param alpha
        param beta
        lam[i] = exp(mu) + sum(where(j < i, exp(alpha)*exp(-exp(beta)*(t[i] - t[j])), 0), j)
        cost C = -sum(log(lam[i]), i)
    """,
    "values_say_which": """
        const m : I, J
        param s : I, J
        param b
        cost C = sum(log(exp(b) + sum(where(m[i,j] > 1/2, exp(s[i,j]), 0), j)), i)
    """,
    "weights_over_the_past_alone": """
        index t = 0..T-1
        param h : D, D
        input x[t] : D
        c[t,i] = sum(softmax(sum(x[t,k]*h[k,j]*x[s,j], k, j), s=0..t-1)*x[s,i], s=0..t-1)
        cost C = sum((c[t,i] - x[t,i])^2, t, i)
    """,
    "weights_over_what_was_computed": """
        index t = 0..T-1
        param h : D, D
        input x[t] : D
        a[t,s] = softmax(sum(x[t,k]*h[k,j]*c[s,j], k, j), s=0..t-1)
        c[t,i] = tanh(sum(a[t,s]*c[s,i], s=0..t-1) + x[t,i])
        cost C = sum((c[t,i] - x[t,i])^2, t, i)
    """,
    "log_of_the_past": """
        param h : N, N
        cost C = sum(log(1 + exp(logsumexp(h[i,j], j=0..i-1))), i)
    """,
    "weights_have_a_name": """
        index t = 0..T-1
        param h : D, D
        input x[t] : D
        e[t,s] = sum(x[t,i]*h[i,j]*x[s,j], i, j)
        a[t,s] = softmax(e[t,s], s=0..t)
        c[t,i] = sum(a[t,s]*x[s,i], s=0..t)
        cost C = sum((c[t,i] - x[t,i])^2, t, i)
    """,
    "part_of_a_square_is_read": """
        index t = 0..T-1
        param x[t] : D
        e[t,s] = sum(x[t,i]*x[s,i]/7, i)
        c[t,i] = sum(e[t,s]*x[s,i], s=0..t)
        cost C = sum((c[t,i] - x[t,i])^2, t, i)
    """,
    "spans_within_a_condition": """
        index n = 0..T-1
        param w : T
        b[0,i] = w[i]
        b[n,i] = sum(where(i + n <= T-1, tanh(b[k,i] + b[n-1-k,i+k+1]), 0), k=0..n-1) for n = 1..T-1
        cost C = b[T-1,0]
    """,
}


@pytest.mark.parametrize("name", MODELS)
def test_every_opinion_agrees(name: str) -> None:
    model = pipeline.parse(MODELS[name])
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = verify(model, system, module, precise=False)
    assert report.ok, str(report)
    assert not outside.disagreement(model, module, 1)
    assert not loops.differences(model, module, loops.interpreted(system))


def test_only_what_may_have_no_term_is_guarded() -> None:
    """Causal weights always have one, s = t; those over the past alone have none at t = 0."""
    for cond, empty in (("s <= t", False), ("s >= t", False), ("s < t", True), ("s == t", False)):
        model = "param e : T, T\ncost C = sum(log(sum(where(" + cond + ", exp(e[t,s]), 0), s) + 1), t)"
        gradient, _ = programs(adjoint_system(pipeline.parse(model)), ("e",))
        found = [_is_empty(n) for a in gradient.forward if isinstance(a, Assign) for n in _nodes(a.value)]
        assert any(found) == empty, cond


def _nodes(node: Node) -> list[Node]:
    return [node, *(n for b in below(node) for n in _nodes(b))]


def _is_empty(node: Node) -> bool:
    match node:
        case Fold("logsumexp", arg, over):
            return may_be_empty(arg, over)
        case Normalised("softmax", arg, over):
            return may_be_empty(arg, (over,))
        case _:
            return False


@pytest.mark.parametrize(
    ("text", "point", "wanted"),
    [
        ("param c : P\nparam g\ncost C = sum(c[p]*g^p, p)^2", {"c": [1.0, 2.0, 3.0], "g": 0.0}, 4.0),
        (
            "input x : T\nparam g\no[t] = sum(where(s <= t, relu(g)^(t - s)*x[s], 0), s) for t = 0..T-1\n"
            "cost C = sum(o[t]^2, t)",
            {"x": np.ones((2, 4)), "g": -0.5}, 0.0,
        ),
        (
            "input x : T\nparam g\no[t] = sum(g^(t - s)*x[s], s=0..t) for t = 0..T-1\n"
            "cost C = sum(o[t]^2, t)",
            {"x": np.ones((2, 4)), "g": 0.0}, 6.0,
        ),
        ("const n : K in 0..3\nparam g\ncost C = sum(g^n[k], k)", {"n": np.array([0, 1, 2]), "g": 0.0}, 1.0),
        (
            "param c : P\nparam g\ncost C = sum(c[p]*(1 + 2*g)^(2*p), p)",
            {"c": [1.0, 2.0, 3.0], "g": -0.5}, 0.0,
        ),
    ],
)  # fmt: skip
def test_the_derivative_of_a_power_at_0(text: str, point: Mapping[str, object], wanted: float) -> None:
    """p g^(p-1) is 0 at p = 0 and g = 0, and not 0 times infinity."""
    model = pipeline.parse(text)
    system = adjoint_system(model)
    module = pipeline.module_of(system)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert module.value_and_grad(**point)[1].g == wanted
        assert module.value_and_grad(**point, out=module.make_workspace(**point))[1].g == wanted
    with np.errstate(all="ignore"):  # the loops are not compiled here, and Python's numbers warn
        assert loops.interpreted(system).value_and_grad(**point)[1].g == wanted
    assert pipeline.verified(model).ok


def test_an_element_that_the_range_found_leaves_out_is_missed() -> None:
    text = """
        index n = 0..T-1
        param x : M
        b[0,i] = x[i]
        b[n,i] = b[n-1,i] + b[n-1,i+n] for n = 1..T-1
        cost C = b[T-1,0]
    """
    with pytest.raises(ModelProblem, match=r"the element b\[1, \d+\] is read, as b\[n-1, i\+n\], but no"):
        pipeline.parse(text)
    pipeline.parse(text.replace("b[n-1,i+n]", "b[n-1,i+1]").replace("n = 1..T-1", "n = 1..T-1, i = 0..M-1-n"))


@pytest.mark.parametrize("range_", ["", ", i = 0..M-2"])
def test_a_table_that_gets_shorter_has_no_corner(range_: str) -> None:
    """Of b[n,i] with i = 0..M-2 for n > 0 nothing is said at i = M-1."""
    text = f"""
        index n = 0..T-1
        param x : M
        b[0,i] = x[i]
        b[n,i] = b[n-1,i] + b[0,i+1] for n = 1..T-1{range_}
        cost C = sum(b[T-1,i]^2, i=0..M-2)
    """
    model = pipeline.parse(text)
    assert pipeline.verified(model).ok
    assert "defect" not in pipeline.documented(model, ("b",), "text")


@pytest.mark.parametrize("end", ["c", "c-1", "d[k]"])
def test_a_range_does_not_end_at_one_of_many_values(end: str) -> None:
    text = "input c in 0..N-1\nconst d : K in 0..N-1\nparam w : N\ncost C = sum(w[j]^2 + d[k], k, j=0..{})"
    with pytest.raises(ModelProblem, match="a range ends at a size or an index") as caught:
        pipeline.parse(text.format(end))
    assert "where(j <= …, …, 0)" in (caught.value.hint or "")
    plain = text.replace("w[j]^2 + d[k]", "where(j <= d[k] - c, w[j]^2, 0)").replace("j=0..{}", "j")
    assert pipeline.verified(pipeline.parse(plain)).ok
    pipeline.parse("const c in 0..N-1\nparam w : N\ncost C = sum(w[j]^2, j=0..c)")


@pytest.mark.parametrize("read", ["T", "t"])
def test_a_triangle_may_be_read_at_its_last_step_alone(read: str) -> None:
    over = ", t" if read == "t" else ""
    text = (
        "index t = 0..T\nparam x[t]\nb[t,j] = x[j]*x[t] for j = 0..t\n"
        f"cost C = sum(b[{read},j]^2{over}, j=0..{read})"
    )
    assert pipeline.verified(pipeline.parse(text)).ok
