"""Values and gradients stay finite, and right, where the true ones are: inputs to ±1e4, float32 too."""

from __future__ import annotations

import numpy as np
import pytest

import symbp
from symbp import pipeline
from symbp.derive.engine import adjoint_system
from symbp.verify.report import verify

COSTS = {
    # the cost of u and v, its value and its two derivatives where u - v is large, or small
    "log(exp(u) + exp(v))": (max, lambda u, v: (u > v, v > u)),
    "log(exp(u) + exp(v) + exp((u + v)/2))": (max, lambda u, v: (u > v, v > u)),
    "logaddexp(u, v)": (max, lambda u, v: (u > v, v > u)),
    "pair(u, v)": (max, lambda u, v: (u > v, v > u)),
    "log(exp(u) + exp(v) + 1)": (
        lambda u, v: max(u, v, 0), lambda u, v: (u > max(v, 0), v > max(u, 0) or (v == 0 and u < 0))
    ),
    "log(2*exp(u) + exp(v)/3)": (
        lambda u, v: max(u + np.log(2), v - np.log(3)), lambda u, v: (u > v, v > u)
    ),
    "log(exp(u)*exp(-v) + exp(v - u))": (
        lambda u, v: abs(u - v), lambda u, v: (np.sign(u - v), np.sign(v - u))
    ),
    "log(cosh(u - v))": (
        lambda u, v: abs(u - v) - np.log(2), lambda u, v: (np.sign(u - v), np.sign(v - u))
    ),
    "exp(u)/(exp(u) + exp(v))": (lambda u, v: u > v, lambda u, v: (0, 0)),
    "exp(u)/(exp(u) + exp(v) + 1)": (lambda u, v: u > max(v, 0), lambda u, v: (0, 0)),
    "log(1 + exp(u - v))": (lambda u, v: max(u - v, 0), lambda u, v: (u > v, -1.0 * (u > v))),
    "-log(sigmoid(u - v))": (lambda u, v: max(v - u, 0), lambda u, v: (-1.0 * (v > u), v > u)),
    "1/(1 + exp(u - v))^2": (lambda u, v: u < v, lambda u, v: (0, 0)),
    "(1 + exp(v - u))^-1": (lambda u, v: u > v, lambda u, v: (0, 0)),
    "3*(1 + exp(v - u))^(-2)": (lambda u, v: 3 * (u > v), lambda u, v: (0, 0)),
    "-log(1 - sigmoid(u - v))": (lambda u, v: max(u - v, 0), lambda u, v: (u > v, -1.0 * (u > v))),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("u", "v"), [(1e4, -1e4), (-1e4, 1e4), (1e4, 9e3), (-1e4, -9e3), (5e2, 0.0)])
@pytest.mark.parametrize("cost", COSTS)
def test_a_logarithm_of_exponentials(cost: str, u: float, v: float, dtype: str) -> None:
    text = f"pair(a, b) = log(exp(a) + exp(b))\nparam u\nparam v\ncost C = {cost}\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    value, derivatives = COSTS[cost]
    with np.errstate(all="raise", under="ignore"):
        found, grads = module.value_and_grad(u=np.asarray(u, dtype), v=np.asarray(v, dtype))
    assert found == pytest.approx(float(value(u, v)), rel=1e-3, abs=1e-3)
    assert (grads.u, grads.v) == pytest.approx(tuple(map(float, derivatives(u, v))), abs=1e-6)
    assert grads.u.dtype == grads.v.dtype == dtype


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("f", [1e4, -1e4, 60.0, -60.0, 0.25])
@pytest.mark.parametrize("named", [True, False])
def test_the_probability_of_a_class_between_two_thresholds(named: bool, f: float, dtype: str) -> None:
    """Proportional odds: σ(1 − f) − σ(−1 − f), of which both are 0 or 1 in floats where f is large."""
    p = "sigmoid(b - f) - s(a - f)"
    text = "s(u) = 1/(1 + exp(-u))\nparam f\nparam a\nparam b\n"
    text += f"p = {p}\ncost C = -log(p)\n" if named else f"cost C = -log({p})\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    one = np.asarray(1, dtype)
    with np.errstate(all="raise", under="ignore"):
        found, grads = module.value_and_grad(f=np.asarray(f, dtype), a=-one, b=one)

    def softplus(u: float) -> float:
        return float(np.logaddexp(0, u))

    wanted = softplus(f - 1) + softplus(-1 - f) - np.log(1 - np.exp(-2))
    slope = 1/(1 + np.exp(min(1 - f, 700))) - 1/(1 + np.exp(min(1 + f, 700)))
    assert found == pytest.approx(wanted, rel=1e-5)
    assert (grads.f, grads.f.dtype) == (pytest.approx(slope, rel=1e-4), dtype)


MIXTURES = {
    "named": "g[k] = exp(-(y - m[k])^2/2)\ncost C = -log(sum(p[k]*g[k], k))\n",
    "a named sum of named ones": "g[k] = exp(-(y - m[k])^2/2)\nZ = sum(p[k]*g[k], k)\ncost C = -log(Z)\n",
    "divided by a scale": (
        "s[k] = exp(0*m[k])\ng[k] = exp(-(y - m[k])^2/(2*s[k]^2))/s[k]\ncost C = -log(sum(p[k]*g[k], k))\n"
    ),
    "written out": "cost C = -log(sum(p[k]*exp(-(y - m[k])^2/2), k))\n",
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("mixture", MIXTURES)
def test_the_density_of_a_mixture_far_away(mixture: str, dtype: str) -> None:
    """−log Σ p_k exp(−(y − m_k)²/2): responsibilities of 1/3 and 2/3 of densities that are 0 in floats."""
    text = f"input y\nparam a : K\nparam m : K\np[k] = softmax(a[k], k)\n{MIXTURES[mixture]}"
    report = pipeline.verified(pipeline.parse(text))
    assert report.ok, report
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    y, a, m = (np.asarray(v, dtype) for v in ([64.0], [0.0, np.log(2)], [0.0, 0.0]))
    with np.errstate(all="raise", under="ignore"):
        cost, grads = module.value_and_grad(y=y, a=a, m=m)
    assert cost == pytest.approx(2048, rel=1e-5)
    np.testing.assert_allclose(grads.m, [-64 / 3, -128 / 3], rtol=1e-3)
    np.testing.assert_allclose(grads.a, [0, 0], atol=1e-3)


@pytest.mark.parametrize("more", ["sum(g[k]^2, k)", "Z^3", "sum(g[k], k)^2 + sin(Z)", "sum(q[k]^2, k)"])
def test_what_a_logarithm_sees_through_may_be_read_elsewhere_too(more: str) -> None:
    """∂C/∂g has both parts, or g has no adjoint of its own."""
    text = "input y\nparam m : K\ng[k] = exp(-(y - m[k])^2/2)\nZ = sum(g[k], k)\n"
    text += "q[k] = g[k]/Z\n" if "q" in more else ""
    for wanted in ((), ("g",), ("Z",), ("g", "Z")):
        model = pipeline.parse(f"{text}cost C = {more} - log(Z)\n")
        system = adjoint_system(model, (*wanted, "m"))
        report = pipeline.verified(model) if not wanted else verify(model, system, pipeline.module_of(system))
        assert report.ok, report


def test_sums_and_means_of_exponentials() -> None:
    """A sum of exponentials and a number, and a mean whose weights are exponentials."""
    text = (
        "param a : K\nconst b : K\ncost C = log(sum(exp(a[k]), k) + 1) "
        "+ sum(exp(a[k])*b[k], k)/sum(exp(a[k]), k)\n"
    )
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    with np.errstate(all="raise", under="ignore"):
        cost, grads = module.value_and_grad(a=np.array([1e4, 1e4, 3.0]), b=np.array([1.0, 3.0, 5.0]))
    assert cost == pytest.approx(1e4 + np.log(2) + 2)
    assert grads.a == pytest.approx([0.5 - 0.5, 0.5 + 0.5, 0])


def test_the_logarithm_of_a_product_of_positive_numbers() -> None:
    module = pipeline.module_of(
        adjoint_system(pipeline.parse("param a : K\ncost C = log(prod(a[k]^2 + 1, k))\n"))
    )
    with np.errstate(all="raise"):
        cost, grads = module.value_and_grad(a=np.full(60, 1e4))
    assert cost == pytest.approx(60 * np.log(1e8 + 1))
    assert grads.a == pytest.approx(np.full(60, 2e4 / (1e8 + 1)))


@pytest.mark.parametrize(
    ("cost", "a", "value", "slope"),
    [
        # the complementary log-log link of McCullagh and Nelder, Generalized Linear Models (1989)
        ("log(1 - exp(-exp(a)))", -40.0, -40.0, 1.0),
        ("log(1 - exp(-a))", 1e-12, np.log(1e-12), 1e12),
        ("(exp(a) - 1)/a", 1e-12, 1.0, 0.5),
        ("-1 + exp(a)", 1e-20, 1e-20, 1.0),
        ("log(1 + a)", 1e-20, 1e-20, 1.0),
        ("log(1 - a)", 1e-20, -1e-20, -1.0),
        ("bend(a)", -1e-20, -1e-20, 1.0),
    ],
)
def test_small_numbers_keep_their_digits(cost: str, a: float, value: float, slope: float) -> None:
    text = f"bend(u) = where(u > 0, u, exp(u) - 1)\nparam a\ncost C = {cost}\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    found, grads = module.value_and_grad(a=a)
    again, other = module.value_and_grad(a=a, out=module.make_workspace(a=a))
    assert (found, module.value(a=a), again) == pytest.approx([value] * 3, rel=1e-11)
    assert (grads.a, other.a) == pytest.approx([slope] * 2, rel=1e-9)


def test_where_differentiation_subtracts_1_the_exponential_is_there_already() -> None:
    text = "param r\ncost C = exp(r) - r\n"
    assert "expm1" not in pipeline.module_text(adjoint_system(pipeline.parse(text)))


def test_a_product_that_may_be_negative_stays() -> None:
    """log(a·b) is finite where both are negative: log a + log b is not."""
    module = pipeline.module_of(
        adjoint_system(pipeline.parse("param a : K\ncost C = log(prod(a[k], k))\n"))
    )
    assert module.value(a=np.array([-2.0, -3.0])) == pytest.approx(np.log(6))


def test_equal_exponents_share_the_derivative() -> None:
    text = "param u\nparam v\ncost C = log(exp(u) + exp(v))\n"
    module = pipeline.module_of(adjoint_system(pipeline.parse(text)))
    _, grads = module.value_and_grad(u=np.float64(3.0), v=np.float64(3.0))
    assert grads.u == grads.v == 0.5


def test_a_border_far_away_is_no_path() -> None:
    """Soft-DTW against its recurrence in Python's floats, with a border of 1e9."""
    module = pipeline.module_of(adjoint_system(pipeline.load("soft_dtw")))
    x, y = np.random.default_rng(0).normal(size=(2, 5, 3))
    cost, _ = module.value_and_grad(x=x[None], y=list(y[:4]), gamma=0.5, R=1e9)
    table = np.full((6, 5), np.inf)
    table[0, 0] = 0
    for i in range(1, 6):
        for j in range(1, 5):
            near = np.array([table[i - 1, j - 1], table[i - 1, j], table[i, j - 1]])
            soft = near.min() - 0.5 * np.log(np.exp((near.min() - near) / 0.5).sum())
            table[i, j] = ((x[i - 1] - y[j - 1]) ** 2).sum() + soft
    assert cost == pytest.approx(table[5, 4], rel=1e-12)


# ── recurrences of logarithms of exponentials ─────────────────────────────────────────────────────

GRID = """
    index i = 0..M, j = 0..N
    param u[i]
    param v[j]
    param g
    r[i,0] = g*i
    r[0,j] = g*j for j = 1..N
    m[i,j] = u[i]*v[j] for i = 1..M, j = 1..N
    r[i,j] = {} for i = 1..M, j = 1..N
    let delta = dC/dr
    cost C = r[M,N]
"""
SPELT = {
    "-log(exp(-r[i-1,j-1] - m[i,j]) + exp(-r[i-1,j] - g) + exp(-r[i,j-1] - g))": "exp(r^{i+1,j+1} − r^{i,j}",
    "-logaddexp(logaddexp(-r[i-1,j-1] - m[i,j], -r[i-1,j] - g), -r[i,j-1] - g)": "exp(r^{i+1,j+1} − r^{i,j}",
    "m[i,j] - log(exp(-r[i-1,j-1]) + exp(m[i,j] - r[i-1,j] - g) + exp(m[i,j] - r[i,j-1] - g))": (
        "exp(r^{i+1,j+1} − r^{i,j} − m^{i+1,j+1})"
    ),
    "-2*log(exp(-r[i-1,j-1]/2 - m[i,j]/2) + exp(-(r[i-1,j] + g)/2) + exp(-(r[i,j-1] + g)/2))/2/1": "exp(",
}


def alignments(m: np.ndarray, g: float) -> list[tuple[float, list[tuple[int, int]], int]]:
    """The ways through the grid: what each costs, its diagonal steps, and how many others it has."""

    def ways(i: int, j: int) -> list[tuple[float, list[tuple[int, int]], int]]:
        if i == 0 or j == 0:
            return [(g * (i + j), [], i + j)]
        across = [(c + m[i, j], [*d, (i, j)], n) for c, d, n in ways(i - 1, j - 1)]
        return [*across, *((c + g, d, n + 1) for c, d, n in (*ways(i - 1, j), *ways(i, j - 1)))]

    return ways(m.shape[0] - 1, m.shape[1] - 1)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("rhs", list(SPELT)[:3])
def test_a_grid_of_soft_minima_is_the_mean_over_all_paths(rhs: str, scale: float, dtype: str) -> None:
    system = adjoint_system(pipeline.parse(GRID.format(rhs)))
    u, v, g = np.array([0.5, 0.7, -0.4, 1.1]), np.array([0.2, -0.9, 0.6, 1.3, -1.2]) * scale, 0.25 * scale
    with np.errstate(all="raise", under="ignore"):
        cost, grads = pipeline.module_of(system).value_and_grad(
            u=u.astype(dtype), v=v.astype(dtype), g=np.asarray(g, dtype)
        )
    paths = alignments(np.outer(u, v), g)
    costs = np.array([c for c, _, _ in paths])
    shares = np.exp(costs.min() - costs)
    assert cost == pytest.approx(costs.min() - np.log(shares.sum()), rel=1e-5)
    shares /= shares.sum()
    expected = np.zeros(4)
    for share, (_, steps, _) in zip(shares, paths, strict=True):
        for i, j in steps:
            expected[i] += share * v[j]
    close = 1e-3 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(np.ravel(grads.u), expected, rtol=close, atol=close * scale)
    assert grads.g == pytest.approx(sum(s * n for s, (_, _, n) in zip(shares, paths, strict=True)), rel=close)


@pytest.mark.parametrize("rhs", SPELT)
def test_such_a_logarithm_is_differentiated_as_a_whole(rhs: str) -> None:
    """exp(u − log Σ exp u), and the logarithm is what the equation makes of r: no nested logaddexp."""
    model = pipeline.parse(GRID.format(rhs))
    assert pipeline.verified(model).ok
    text = pipeline.documented(model, ["r"], "text", detail="all")
    assert SPELT[rhs] in text and "sigmoid" not in text
    assert ("logaddexp" in text) == ("logaddexp" in rhs)


CHAIN = """
    index t = 1..T, k = 0..K
    input x[t] : D
    param w[k] : D
    param e
    alpha[1,k] = -k
    p[t,k] = sum(w[k,d]*x[t,d], d)
    alpha[t,0] = alpha[t-1,0] + p[t,0] for t = 2..T
    alpha[t,1] = log(exp(alpha[t-1,1]) + exp(alpha[t-1,0] + e)) + p[t,1] for t = 2..T
    alpha[t,k] = logaddexp(alpha[t-1,k], logaddexp(alpha[t-1,k-1], alpha[t-1,k-2] - e)) + p[t,k]
        for t = 2..T, k = 2..K
    let delta = dC/dalpha
    cost C = -log(exp(alpha[T,K]) + exp(alpha[T,K-1]))
""".replace("\n        for", " for")


def test_other_terms_beside_the_logarithm_go_to_the_other_side() -> None:
    model = pipeline.parse(CHAIN)
    assert pipeline.verified(model).ok
    text = pipeline.documented(model, ["alpha"], "text")
    assert "δ^{t,k} exp(α^{t−1,k} + p^{t,k} − α^{t,k})" in text
    assert "exp(α^{t−1,k} + p^{t,k+2} − e − α^{t,k+2})" in text


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("at", [1e4, -1e4])
def test_a_chain_of_states_far_out(at: float, dtype: str) -> None:
    module = pipeline.module_of(adjoint_system(pipeline.parse(CHAIN)))
    x = np.random.default_rng(1).normal(size=(1, 5, 3)).astype(dtype)
    w = list(np.random.default_rng(2).normal(size=(4, 3)).astype(dtype) * np.asarray(at, dtype))
    with np.errstate(all="raise", under="ignore"):
        _, grads = module.value_and_grad(x=x, w=w, e=np.asarray(at / 7, dtype))
    assert all(np.isfinite(g).all() for g in grads.w)
    # one path is chosen: each step of time counts for one state
    total = sum(np.asarray(g, float) for g in grads.w)
    np.testing.assert_allclose(total, -x[0, 1:].sum(axis=0), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    "rhs", ["c*log(exp(a) + exp(b))", "tanh(log(exp(a) + exp(b)))", "log(exp(a) + exp(b))^2"]
)
def test_what_cannot_be_solved_for_the_logarithm_keeps_its_stable_form(rhs: str) -> None:
    model = pipeline.parse(f"param a\nparam b\nparam c\ny = {rhs}\ncost C = y^2\n")
    assert pipeline.verified(model).ok
    assert "sigmoid(a − b)" in pipeline.documented(model, ["a"], "text")


def test_a_factor_by_which_the_equation_divides_is_not_zero() -> None:
    model = pipeline.parse("param a\nparam b\nparam c\ny = a - c*log(exp(a/c) + exp(b/c))\ncost C = y^2\n")
    assert pipeline.verified(model).ok
    text = pipeline.documented(model, ["c"], "text")
    assert "exp((y + b − a)/c)" in text or "exp((b + y − a)/c)" in text


@pytest.mark.parametrize(
    "text",
    [
        "param x : N\nphi(u) = where(u > 0, u + 1, exp(u))\ncost C = sum(phi(x[i])^2, i)\n",
        "param x : N\ncost C = sum(where(x[i] > 0, sqrt(x[i]), 0), i)\n",
        "param x : N\nparam W : N, N\n"
        "cost C = sum(where(x[i] > 0, (sum(W[i,j]*x[j], j) - log(x[i]))^2, 0), i)\n",
    ],
)
@pytest.mark.filterwarnings("error")
def test_the_branch_that_is_not_taken_warns_of_nothing(text: str) -> None:
    """Also where a name was given to what both of two lines need, outside of the choice."""
    module = symbp.parse(text).compile()
    given = {"x": np.array([800.0, -800.0, 0.0, 2.0])}
    if "W" in text:
        given["W"] = np.eye(4)
    workspace = module.make_workspace(**given)
    for value, gradients in (module.value_and_grad(**given), module.value_and_grad(**given, out=workspace)):
        assert np.isfinite(value) and all(np.isfinite(g[[0, 3]]).all() for g in gradients)
    assert np.isfinite(module.value(**given))


COX = """\
const X : N, D
const t : N
const m : N
param beta : D
eta[i] = sum(X[i,d]*beta[d], d)
cost C = sum(m[i]*(log(sum(where(t[j] >= t[i], exp(eta[j]), 0), j)) - eta[i]), i)
"""


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exponentials_that_a_condition_chooses_do_not_overflow(dtype: str) -> None:
    """Cox regression (1972): the sum runs over those who are still at risk."""
    module = symbp.parse(COX).compile()
    chance = np.random.default_rng(0)
    X, t = chance.normal(size=(6, 3)), chance.permutation(6).astype(float)
    given = {"X": X.astype(dtype), "t": t.astype(dtype), "m": np.ones(6, dtype)}
    beta = np.array([9e3, -7e3, 2e3], dtype)
    eta = given["X"].astype(float) @ beta
    late = [[eta[j] for j in range(6) if t[j] >= t[i]] for i in range(6)]
    cost = sum(max(e) + np.log(np.exp(np.array(e) - max(e)).sum()) - eta[i] for i, e in enumerate(late))
    with np.errstate(all="raise", under="ignore"):
        value, (grad,) = module.value_and_grad(**given, beta=beta)
    assert value == pytest.approx(cost, rel=1e-5) and np.isfinite(grad).all() and grad.dtype == dtype


def test_choices_of_exponentials_are_right_at_ordinary_values() -> None:
    assert symbp.parse(COX).verify().ok
    two = "param w : N\nconst c : N\ncost C = log(exp(w[0]) + where(c[1] > 0, exp(w[1]), 0))\n"
    assert symbp.parse(two).verify().ok
    one = symbp.parse(two).compile()
    for chosen in (1.0, -1.0):
        value, (grad,) = one.value_and_grad(w=np.array([-1e4, -9e3]), c=np.array([0.0, chosen]))
        assert (value, *grad) == ((-9e3, 0.0, 1.0) if chosen > 0 else (-1e4, 1.0, 0.0))
    assert "what is left out is exp(−∞)" in str([s.reason for s in symbp.parse(COX).derive("eta").steps])


def test_the_names_of_constants_are_free() -> None:
    assert symbp.parse("param infinity : N\nparam pi\ncost C = pi*sum(infinity[i]^2, i)\n").verify().ok


HYPERBOLIC = {
    # the cost of u, its value and its derivative where u is large, of either sign
    "log(1 - tanh(u)^2)": (lambda u: 2 * (np.log(2) - abs(u)), lambda u: -2 * np.sign(u)),
    "log(1 - tanh(u)*tanh(u))": (lambda u: 2 * (np.log(2) - abs(u)), lambda u: -2 * np.sign(u)),
    "log(1 - a^2)": (lambda u: 2 * (np.log(2) - abs(u)), lambda u: -2 * np.sign(u)),
    "log(1 + tanh(u))": (lambda u: np.log(2) + min(2 * u, 0), lambda u: 2.0 * (u < 0)),
    "log(1 - tanh(u))": (lambda u: np.log(2) - max(2 * u, 0), lambda u: -2.0 * (u > 0)),
    "(exp(u) - exp(-u))/(exp(u) + exp(-u))": (np.sign, lambda u: 0),
    "1/cosh(u)": (lambda u: 0, lambda u: 0),
    "log(2*cosh(u))": (abs, np.sign),
    "log1p(exp(u))": (lambda u: max(u, 0), lambda u: u > 0),
    "log(exp(u)^2)": (lambda u: 2 * u, lambda u: 2),
    "log(sqrt(exp(u)))": (lambda u: u / 2, lambda u: 0.5),
    "log(exp(u)*sigmoid(u))": (lambda u: u + min(u, 0), lambda u: 1 + (u < 0)),
    "log((u^2 + 1)*exp(u))": (lambda u: np.log(u * u + 1) + u, lambda u: 1 + 2 * u / (u * u + 1)),
    "log(sigmoid(u)*(1 - sigmoid(u)))": (lambda u: -abs(u), lambda u: -np.sign(u)),
    "exp(u)/(1 + exp(u))^2": (lambda u: 0, lambda u: 0),
    "exp(u)^2/(1 + exp(u)^2)": (lambda u: u > 0, lambda u: 0),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("u", [1e4, -1e4, 40.0, -40.0])
@pytest.mark.parametrize("cost", HYPERBOLIC)
def test_hyperbolic_functions_products_and_powers_far_out(cost: str, u: float, dtype: str) -> None:
    module = symbp.parse(f"param u\na = tanh(u)\ncost C = {cost} + 0*a\n").compile()
    value, slope = HYPERBOLIC[cost]
    with np.errstate(all="raise", under="ignore"):
        found, (grad,) = module.value_and_grad(u=np.asarray(u, dtype))
    assert (found, grad) == pytest.approx((float(value(u)), float(slope(u))), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("cost", HYPERBOLIC)
def test_their_lines_and_gradients_hold_at_ordinary_values(cost: str) -> None:
    report = symbp.parse(f"param u\na = tanh(u)\ncost C = {cost} + a\n").verify()
    assert report.ok, str(report)


WEIGHTED = "param u : N\nparam m : N\ncost C = log(sum({}, i))\n"


@pytest.mark.parametrize(
    "term", ["m[i]*exp(u[i])", "exp(u[i])*(m[i]^2 + 1)", "m[i]^2*exp(u[i])", "m[i]*exp(-u[i])*exp(m[i])"]
)
def test_exponentials_with_factors(term: str) -> None:
    report = symbp.parse(WEIGHTED.format(term)).verify()
    assert report.ok, str(report)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("at", [1e4, -1e4])
@pytest.mark.parametrize("signs", [(1.0, 2.0, 3.0), (3.0, -1.0, 0.0)])
def test_factors_of_any_sign_far_out(signs: tuple[float, ...], at: float, dtype: str) -> None:
    module = symbp.parse(WEIGHTED.format("m[i]*exp(u[i])")).compile()
    m, e = np.array(signs), np.exp([0.5, 0.25, 0.0])
    with np.errstate(all="raise", under="ignore"):
        cost, grads = module.value_and_grad(m=m.astype(dtype), u=np.array([at + 0.5, at + 0.25, at], dtype))
    close = 2e-3 if dtype == "float32" else 1e-10
    assert cost == pytest.approx(at + np.log(m @ e), rel=close)
    np.testing.assert_allclose(grads.u, m * e / (m @ e), atol=close)
    np.testing.assert_allclose(grads.m, e / (m @ e), atol=close)


SHARES = """
    param z : N
    const P : N
    w[i] = {}
    q[i] = w[i]/sum(w[j], j)
    cost C = -sum(P[i]*log(q[i]), i){}
"""


@pytest.mark.parametrize("beside", ["", " + sum(w[i]^2, i)"])
@pytest.mark.parametrize("weight", [
    "sigmoid(z[i])", "exp(z[i]) + 1", "P[i]^2*exp(z[i])", "where(z[i] > 0, exp(z[i]), 0)", "1/(1 + z[i]^2)",
    "2/(exp(z[i]) + exp(-z[i]))", "exp(z[i])/(1 + z[i]^2)", "softplus(z[i])",
])  # fmt: skip
def test_logarithms_of_weights_that_are_made_shares(weight: str, beside: str) -> None:
    """Where the stable form sees through a weight above the line and not below it, so does its adjoint."""
    model = symbp.parse(SHARES.format(weight, beside))
    for name in ("z", "w", "q"):
        assert "Every line agrees" in model.derive(name).to_text()


def test_a_quotient_without_exponentials_is_none() -> None:
    """The weights of t-SNE: nothing in 1/(1 + s²) overflows."""
    model = symbp.parse("""
        param y : N, D
        const P : N, N
        w[i,j] = 1/(1 + sum((y[i,d] - y[j,d])^2, d))
        q[i,j] = w[i,j]/sum(w[k,l], k, l)
        cost C = -sum(P[i,j]*log(q[i,j]), i, j)
    """)
    text = model.derive("w").to_text()
    assert "∂C/∂q" in text and "exp" not in text
    assert "(∂C/∂wᵢⱼ)" in model.derive("y").to_text()
