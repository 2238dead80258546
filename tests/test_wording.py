"""The words of a derivation are true, and speak of what is on the page."""

from __future__ import annotations

import re

import pytest

from symbp import explaining, pipeline
from symbp.arrays.matrix_forms import simplify
from symbp.arrays.matrix_join import _inner_product
from symbp.arrays.matrix_nodes import Folded, Ones, Scalar
from symbp.calculus.affine import Affine, Size, affine, fresh
from symbp.calculus.expr import Integer


def words(text: str, *names: str, detail: str = "key", notation: str = "nielsen") -> str:
    """The document of a model in plain text, with single spaces."""
    model = pipeline.parse(text) if "\n" in text else pipeline.load(text)
    return " ".join(pipeline.documented(model, names, "text", detail=detail, notation=notation).split())


def explained(text: str, name: str, notation: str = "nielsen") -> str:
    """The page that explains an adjoint in plain text, with single spaces."""
    model = pipeline.parse(text) if "\n" in text else pipeline.load(text)
    page = explaining.explained(model, name)
    return " ".join(explaining.explanation_text(model, page, "text", notation).split())


# ── the chain rule ────────────────────────────────────────────────────────────────────────────────


def test_the_chain_rule_names_those_between_and_not_how_they_depend() -> None:
    """z^l reads a^{l-1}, not z^{l-1}: that an equation reads the element would be false."""
    assert "chain rule: zₖˡ⁻¹ acts on C only through the zⱼˡ =" in words("mlp", "z")


def test_one_element_between_has_no_article() -> None:
    text = """
        index t = 1..T
        param w
        param u : D
        h[0] = w
        h[t] = w*sin(h[t-1])
        s[i] = u[i]*h[T]
        cost C = sum(s[i]^2, i) + h[T]^3
    """
    shown = words(text, "h", "u")
    assert "acts on C only through hᵗ =" in shown
    assert "acts on C through the sᵢ, and directly" in shown
    assert "reads it" not in shown
    both = "param w : D\nh = sum(w[i]^2, i)\nz[j] = w[j]^3\ncost C = h^2 + sum(z[i]^2, i)\n"
    assert "acts on C only through h and the zⱼ =" in words(both, "w")


def test_every_variable_that_is_recognised_is_named() -> None:
    """Both the base case and the step lose their tanh on one line, which spoke of one of them."""
    text = """
        index t = 1..T
        param x : N
        param w : N
        input y[t] : N
        h[1,i] = tanh(w[i]*x[i])
        h[t,i] = tanh(w[i]*x[i] + h[t-1,i]) for t = 2..T
        cost E = sum((h[t,i]-y[t,i])^2, t, i)
    """
    assert "tanh(wᵢ xᵢ) is hᵢ¹ and tanh(wᵢ xᵢ + hᵢᵗ⁻¹) is hᵢᵗ" in words(text, "w")
    longer = text.replace("w[i]*x[i]", "sum(w[k]*x[k], k)*x[i]")
    assert "written with hᵢ¹ and hᵢᵗ" in words(longer, "w")


# ── the result alone ──────────────────────────────────────────────────────────────────────────────


def test_a_result_has_no_reason_that_speaks_of_hidden_lines() -> None:
    """Where no i is in sight, "only i = j survives" says nothing; what led to the result does."""
    shown = words("mlp", detail="result")
    assert "survive" not in shown and "does not depend on" not in shown
    assert "δₖˡ⁻¹ = (Σⱼ δⱼˡ wⱼₖˡ) σ′(zₖˡ⁻¹) chain rule: zₖˡ⁻¹ acts on C only through the zⱼˡ" in shown
    assert "δⱼᴸ = (aⱼᴸ − yⱼ) σ′(zⱼᴸ) the equation of C, differentiated" in shown
    assert "column times row: an outer product" in shown


def test_the_only_line_keeps_its_reason() -> None:
    text = "param w\nparam b\ncost C = w^2\n"
    assert "the cost does not depend on it" in words(text, "b", detail="result")


def test_no_terms_of_a_hidden_line_in_a_result() -> None:
    shown = words("crf", "alpha", detail="result")
    assert "the equation of C, differentiated" in shown and "the terms that contain" not in shown


def test_a_parameter_has_no_base_case() -> None:
    text = """
        index t = 0..T
        param w[t]
        h[0] = w[0]^2
        h[t] = sin(h[t-1])*w[t] + w[t-1] for t = 1..T
        cost C = h[T]^2
    """
    shown = words(text, "w")
    assert "The base case" not in shown and "For w⁰:" in shown and "For w^T:" in shown


# ── the smaller words ─────────────────────────────────────────────────────────────────────────────


def test_an_indicator_listed_twice_leaves_an_and() -> None:
    """Indices of two sums may have one letter: a, b and a is a and b, not a, b."""
    from symbp.emit.layout import Sym
    from symbp.emit.reasons import _once

    one, two, three = Sym("a", "a"), Sym("b", "b"), Sym("c", "c")
    both = ("only ", one, " and ", two, " survive")
    assert _once(["only ", one, ", ", two, " and ", one, " survive"]) == both
    assert _once(["only ", one, ", ", one, " and ", two, " survive"]) == both
    assert _once(["only ", one, " and ", one, " survive"]) == ("only ", one, " survives")
    kept = ["only ", one, ", ", two, " and ", three, " survive"]
    assert _once(kept) == tuple(kept)


def test_terms_are_spoken_of_only_where_there_are_others() -> None:
    text = "input c in 0..K-1\nparam s : K\nparam b\ncost C = logsumexp(s[k], k) - s[c]{}\n"
    assert "the equation of C =" in words(text.format(""), "s")
    assert "the equation of C, the terms that contain sₖ" in words(text.format(" + b^2"), "s")


def test_a_unit_vector_is_called_by_its_symbol() -> None:
    text = "input c in 0..K-1\nparam s : K\ncost C = logsumexp(s[k], k) - s[c]\n"
    assert "𝐞_c has a 1 in place c and 0 elsewhere" in words(text, "s")
    latex = pipeline.documented(pipeline.parse(text), ["s"], "latex")
    assert r"$\mathbf{e}_c$ has a 1 in place $c$ and 0 elsewhere" in latex.replace("\n", " ")


def test_each_is_said_of_many() -> None:
    text = """
        index t = 1..T
        param w[t]
        r[t] = w[t]^2
        cost C = r[T]^2 + sum(r[t], t)
    """
    shown = words(text, "r")
    assert "each r^T" not in shown and "each rˢ is its own variable" in shown


# ── letters ───────────────────────────────────────────────────────────────────────────────────────

POOL = """
    input x : M, H, W
    param f : O, M, P, Q
    param w : K, O
    z[o,i,j] = sum(f[o,m,p,q]*x[m,3*i+p,3*j+q], m, p, q)
    u[o] = max(z[o,i,j], i, j)
    s[k] = sum(w[k,o]*u[o], o)
    let delta = dC/dz
    cost C = sum(s[k]^2, k)
"""


def test_a_letter_keeps_its_meaning_where_an_index_is_renamed() -> None:
    """The channel is never called i, which is a row; a prime says that it is another channel."""
    shown = words(POOL, "f")
    assert "Σ_{o′,i,j} δ_{o′ij} ∂z_{o′ij}/∂f_{ompq}" in shown
    assert "Σ_{m′,p′,q′} f_{o′m′p′q′} x_{m′,3i+p′,3j+q′}" in shown
    assert "[i = j" not in shown


def test_a_time_beside_a_hidden_unit_called_m() -> None:
    text = """
        index t = 1..T
        param A : M, M
        input x[t] : M
        h[0,m] = 0
        h[t,m] = sum(A[m,k]*h[t-1,k], k) + x[t,m]
        cost C = sum(h[t,m]^2, t, m)
    """
    shown = words(text, "h")
    assert "Σₛ₌₁" in shown and "Σₘ₌₁" not in shown
    assert "Σ_{t′=1}" in words(text.replace("x[t", "s[t"), "h")


def test_letters_beside_it_where_they_mean_nothing_else() -> None:
    shown = words("mlp", "w")
    assert "Σₘ wᵢₘˡ aₘˡ⁻¹" in shown and "′ˡ" not in shown


def test_primes_in_every_format() -> None:
    latex, html = (pipeline.documented(pipeline.parse(POOL), ["f"], f) for f in ("latex", "html"))
    assert r"\sum_{o',i,j} \delta_{o'ij}" in latex
    assert "′" in html and "o&#x27;" not in html


def result_reason(name: str, variable: str) -> str:
    return words(name, variable, detail="result")


def test_a_vector_of_ones_repeats_or_adds_up() -> None:
    """𝟏 αᵀ has αᵀ in every row; γᵀ 𝟏 adds up."""
    assert "a vector of ones repeats what it meets" in result_reason("crf", "alpha")
    assert "a vector of ones adds up what it meets" in result_reason("softmax_regression", "b")
    assert "repeat what they meet, or add it up" in result_reason("transformer_block", "nu")
    assert "a vector of ones adds up what it meets" in result_reason("batch_norm", "v")
    assert "an outer product" not in result_reason("crf", "alpha")


def test_the_transpose_of_what_has_no_name_is_explained() -> None:
    told = "the sum runs over a first index: a product with the transpose"
    assert told in result_reason("crf", "alpha")
    # times a diagonal matrix there is no sum
    assert told not in result_reason("crf", "A")


def test_a_formula_that_comes_out_again_is_not_derived_again() -> None:
    _, again = words("crf", "u").split("For uₖ¹ the same formula comes out:")
    assert "(8) ∂C/∂u¹ = β¹ − 𝐞_{y¹}" in again and "chain rule" not in again
    assert words("crf", "u", detail="all").count("chain rule") == 2
    assert "same formula" not in words("mlp", "delta")


RELU = "input x : n\nparam W : m, n\nz[i] = sum(W[i,j]*x[j], j)\na[i] = relu(z[i])\ncost C = sum(a[i]^2, i)\n"


def test_the_derivative_of_a_function_without_a_formula_in_the_text_is_stated() -> None:
    """relu′ stands in the lines; what it is, at 0 too, stands on the page."""
    for text in (words(RELU, "z"), words(RELU), explained(RELU, "z")):
        assert "relu(u) = {u if u > 0; 0 otherwise} relu′(u) = {1 if u > 0; 0 otherwise}" in text
        assert "The derivative of relu is taken to be 0 at 0." in text
    assert "sigmoid(u) = 1/(1 + exp(−u))" in words("lstm", "c")
    assert "σ′(u) = σ(u) (1 − σ(u))" in explained("mlp", "delta")
    # not asked, and not in a formula
    assert "relu" not in explained(RELU, "a")


GATED = """
index l = 1..L
input x : D
param W[l] : D, D
param U[l] : D, D
h[0,i] = x[i]
z[l,i] = tanh(sum(W[l,i,j]*h[l-1,j], j))
g[l,i] = sigmoid(sum(U[l,i,j]*h[l-1,j], j))
h[l,i] = g[l,i]*z[l,i] + (1 - g[l,i])*h[l-1,i]
cost C = sum(h[L,i]^2, i)
"""


def test_a_jacobian_is_one_diagonal_matrix_and_not_the_sum_of_two() -> None:
    assert "∂hˡ/∂gˡ = diag(zˡ − hˡ⁻¹)" in words(GATED, "g")


def test_of_diagonal_jacobians_one_is_told_of() -> None:
    assert words("lstm", "q", "p", "a").count("In terms of the Jacobian") == 1
    assert words("lstm", "p").count("In terms of the Jacobian") == 1


LOGCOSH = """
const X : N, D
param w : D
e[n] = sum(X[n,d]*w[d], d)
cost C = sum(log(cosh(e[n])), n)
"""


@pytest.mark.parametrize("cost", ["log(cosh(e[n]))", "log(exp(e[n]) + exp(-e[n]))", "3*log(cosh(e[n]))"])
def test_the_derivative_of_log_cosh_is_tanh(cost: str) -> None:
    told = words(LOGCOSH.replace("log(cosh(e[n]))", cost), "e")
    front = "3 " if cost.startswith("3") else ""
    assert f"∂C/∂e = {front}tanh(e)" in told and "sigmoid(2e) − 1" not in told


def test_twice_a_sigmoid_less_one_is_tanh_and_other_differences_of_sigmoids_are_not() -> None:
    def told(cost: str) -> str:
        return words(f"param u : N\nparam v : N\ncost C = sum({cost}, n)", "u")

    assert "∂C/∂u = tanh(u/2)" in told("2*softplus(u[n]) - u[n]")
    assert "tanh" not in told("softplus(u[n]) + softplus(-2*u[n])")
    assert "tanh" not in told("2*softplus(u[n]) + u[n]") and "tanh" not in told("softplus(u[n]) - u[n]")


def test_the_sum_of_a_vector_of_ones_is_its_length() -> None:
    n = fresh("n", Affine(0), affine(Size("N")) - 1)
    assert _inner_product([Ones(n), Ones(n)], n) == Scalar(Integer(affine(Size("N"))))
    assert simplify(Folded("sum", Ones(n), n)) == Scalar(Integer(affine(Size("N"))))


# ── stable forms ──────────────────────────────────────────────────────────────────────────────────

SCORES = """
param w : K
const x : K
const y in 0..K-1
p[k] = exp(w[k]*x[k])/sum(exp(w[i]*x[i]), i)
cost C = COST
"""


def test_a_quotient_of_exponentials_is_spoken_of_where_there_is_one() -> None:
    assert "the logarithm of a quotient of exponentials" in words(SCORES.replace("COST", "-log(p[y])"), "w")
    for cost in ("2*log(1 + sum(exp(w[k]*x[k]), k))", "log(sum(exp(w[k]*x[k]), k))"):
        assert "quotient" not in words(SCORES.replace("COST", cost), "w")


def test_a_stable_form_that_is_printed_the_same_is_no_line() -> None:
    told = words(SCORES.replace("COST", "log(sum(exp(w[k]*x[k]), k))"), "w", detail="all")
    assert "∂/∂wₖ log(Σᵢ exp(wᵢ xᵢ)) the equation of C = Σᵢ softmax" in told


def test_terms_that_are_left_out_are_no_stable_form() -> None:
    told = words("gaussian_mixture", "q")
    assert "γ_{n′i} ∂/∂qₙₖ (−q_{n′i}) the other terms do not contain qₙₖ" in told and "overflow" not in told


def test_what_the_softmax_of_a_matrix_is_has_to_be_said() -> None:
    said = "The softmax of a matrix is taken row by row."
    assert said in words("gaussian_mixture") and said not in words("softmax_regression", "b")
    assert said not in words("softmax_classifier")


def test_how_much_was_compared_is_said_in_words() -> None:
    told = str(pipeline.verified(pipeline.load("linear_regression")))
    assert "each line is compared at up to 24 elements of its adjoint in float64, and at up to 3" in told


# ── what is given ─────────────────────────────────────────────────────────────────────────────────

SHAPES = """
index t = 1..T
input x[t] : D
input y : T in 0..K-1
input c in 1..K
const tau
param W : K, D-1
param V : K, D-1
param b : K
z[t,k] = tau*sum(W[k,d]*x[t,d] + V[k,d]*x[t,d+1], d=0..D-2) + b[k]
cost C = sum(z[t,y[t-1]]^2, t) + b[c-1]
"""


def test_every_letter_that_is_given_has_its_shape() -> None:
    told = words(SHAPES)
    assert "Given: xᵗ (D), y ∈ {0, …, K − 1}^T, c ∈ {1, …, K}, τ." in told
    assert "Parameters: W and V (K × (D − 1)), b (K)." in told


@pytest.mark.parametrize("form", ["latex", "beamer", "markdown", "html", "notebook", "text"])
def test_every_format_says_what_is_given(form: str) -> None:
    told = pipeline.documented(pipeline.load("mlp"), ("z",), form)
    assert told.count("Given: ") == told.count("Parameters: ") == 1


def test_a_family_is_named_with_its_index_and_the_letters_are_those_of_the_notation() -> None:
    assert "Parameters: wˡ (nₗ × nₗ₋₁), bˡ (nₗ)." in words("mlp", "z")
    assert "𝐖⁽ˡ⁾" in words("mlp", "z", notation="bishop").partition("Parameters: ")[2][:20]


def test_no_line_ends_between_a_name_and_its_shape() -> None:
    """They are one formula, and a group in it: TeX and KaTeX would end a line behind a ×."""
    model = pipeline.load("mlp")
    assert "${w^l\\ (n_l \\times n_{l-1})}$," in pipeline.documented(model, ("z",), "latex")
    assert "${b^l\\ (n_l)}$." in pipeline.documented(model, ("z",), "markdown")
    page = pipeline.documented(model, ("z",), "html")
    assert re.search(r"<mtext>\u00a0</mtext>(?:(?!</math>).)*</math>,</span>", page)


def test_a_factor_leaves_a_sum_because_of_all_of_its_indices() -> None:
    told = words("graph_convolution", "u", detail="all")
    assert re.search(r"does not depend on \w or \w", told)


# ── what cancels, what is shared, what is left out ────────────────────────────────────────────────

FOCAL = """
    input x : D
    input c in 0..K-1
    const gamma
    param W : K, D
    z[k] = sum(W[k,d]*x[d], d)
    p[k] = softmax(z[k], k)
    let delta = dC/dz
    cost C = -(1 - p[c])^gamma*log(p[c])
"""


def test_the_entry_at_a_label_has_its_name() -> None:
    """The range of the label says that p_c is an entry of p: softmax(z)_c stood there to the end."""
    shown = words(FOCAL, "z")
    assert "softmax(z)_c is p_c" in shown
    assert "δ = (γ p_c (1 − p_c)^{γ−1} (logsumexp(z) − z_c) + (1 − p_c)^γ) (p − 𝐞_c)" in shown


def test_a_label_of_another_range_names_nothing() -> None:
    """Of a p_k that is there for k < K − 1 alone, the entry at c = K − 1 is none."""
    text = """
        input c in 0..K-1
        param z : K
        p[0] = 0
        p[k] = tanh(z[k]) for k = 1..K-1
        cost C = tanh(z[c])^2 + sum(p[k]^3, k)
    """
    assert "is p_c" not in words(text, "z")


def test_exponentials_with_factors_are_spoken_of_where_there_are_some() -> None:
    assert "exponentials with factors" not in words(FOCAL, "z")
    weighted = "param z : K\nconst m : K\ncost C = log(sum(m[k]*exp(z[k]), k))\n"
    assert "exponentials with factors" in words(weighted, "z")


def test_what_cancels_is_said_to_cancel() -> None:
    cancelled = "param z\ncost C = (z - 1)^2/2\n"
    assert "2(z − 1)/2 differentiate (2) = z − 1 equal factors cancel" in words(cancelled, "z", detail="all")


def test_signs_and_numbers_take_no_line_of_their_own() -> None:
    text = "param a\ninput x : N\nz[n] = x[n]*(3 - a)\ncost C = sum(z[n]^3, n)\n"
    shown = words(text, "a", detail="all")
    assert "= −Σₙ (∂C/∂zₙ) xₙ differentiate" in shown and "gathered" not in shown


def test_a_shared_factor_leaves_what_is_added_first() -> None:
    text = """
        param a
        param h
        const s
        p = a - s*h/2
        q = a + s*h/2
        cost C = p^3*q^5
    """
    assert "= (∂C/∂q − ∂C/∂p) s/2" in words(text, "h")
    recurrence = """
        index t = 1..T
        param a
        m[0] = 1
        v[t] = 2 - a*m[t-1]
        m[t] = a*m[t-1] + 3*v[t]
        cost C = sum(v[t]^2, t)
    """
    assert "(∂C/∂mᵗ − ∂C/∂vᵗ) a" in words(recurrence, "m")


def test_a_condition_may_be_the_shared_factor() -> None:
    text = """
        input u in 0..N-1
        const l
        param P : N, D
        cost C = sum(P[u,d]^3, d) + l*sum(P[u,d]^2, d)
    """
    assert "(3P_{ud}² + 2l P_{ud}) [u = i] [u = i] is a factor" in words(text, "P", detail="all")


def test_the_order_of_evaluation_ends_where_the_adjoints_do() -> None:
    """Nothing that a parameter acts on stands behind x⁰: λ⁰ is not derived, and not to be evaluated."""
    text = """
        index t = 0..T
        input x0
        param k
        x[0] = x0
        u[t] = -k*x[t] for t = 0..T-1
        x[t] = x[t-1]/2 + u[t-1] for t = 1..T
        let lambda_ = dJ/dx
        cost J = sum(x[t]^2 + u[t]^2, t=0..T-1) + x[T]^2
    """
    assert "t = T − 1, T − 2, …, 0, and at each step ∂J/∂uᵗ, then λᵗ (down to t = 1)." in words(text)
    assert "down to" not in words("mlp")


def test_the_normaliser_of_the_weights_is_no_part_of_a_mixture() -> None:
    """softmax(log softmax(a) + v) is softmax(a + v): log Σ exp(a) does not depend on the entry."""
    text = """
        param a : K
        param v : K
        p[k] = softmax(a[k], k)
        cost C = -log(sum(p[k]*exp(v[k]), k))
    """
    assert "∂C/∂a = p − softmax(a + v)" in words(text, "a")
    assert "∂C/∂v = −softmax(a + v)" in words(text, "v")


def test_the_identity_behind_a_stable_form_is_the_one_that_was_used() -> None:
    softplus = words("param u : N\ncost C = sum(log(1 + exp(u[i])), i)\n", "u")
    assert "log(1 + exp(u)) is softplus(u), written so" in softplus and "sigmoid(u)) is" not in softplus
    sigmoid = words("param u : N\ncost C = sum(log(sigmoid(u[i])), i)\n", "u")
    assert "log(sigmoid(u)) is −softplus(−u)" in sigmoid
    rate = "param u : N\nconst y : N\nm[i] = exp(u[i])\ncost C = sum(y[i]/m[i] + log(m[i]), i)\n"
    assert "log(exp(u)) is u" in words(rate, "u")
    shares = "param u : N\nconst q : N\np[i] = exp(u[i])/sum(exp(u[j]), j)\ncost C = sum(q[i]*p[i], i)\n"
    assert "divided by the sum of all is a softmax" in words(shares, "u")


def test_the_element_that_is_its_own_variable_is_the_one_that_is_asked_for() -> None:
    """At the border l = L the layer below stood in the reason: each h^{L−1} is its own variable."""
    text = """
        index l = 1..L, t = 1..T
        input x[t] : N
        param U[l] : N, N
        h[0,t,i] = x[t,i]
        h[l,0,i] = 0
        h[l,t,i] = tanh(h[l-1,t,i] + sum(U[l,i,j]*h[l,t-1,j], j))
        cost C = sum(h[L,T,i]^2, i)
    """
    shown = words(text, "h", detail="all")
    assert "each hₖ^{L,t} is its own variable" in shown and "each hₖ^{L−1" not in shown


def test_what_survives_is_named_by_the_letters_of_the_line_above() -> None:
    """The second sum ran over m there: that it is called j below left m = i out."""
    text = "const L : N, N\nparam x : N, K\ncost f = sum(L[i,j]*x[i,k]*x[j,k], i, j, k)/2\n"
    assert "only j = i, k′ = k and m = i survive" in words(text, "x", detail="all")


def test_the_index_that_is_gone_is_the_one_that_survives() -> None:
    text = """
        param k : 2*N-1
        const x : N
        z[i] = sum(k[i-j+N-1]*x[j], j) for i = 0..N-1
        cost C = sum(z[i]^2, i)
    """
    assert "only m = j + N − i − 1 survives" in words(text, "k", detail="all")


def test_a_sum_stays_in_one_piece_where_no_index_goes() -> None:
    text = "input a in 0..N-1\ninput b in 0..N-1\nparam w : N\ncost C = (w[a] - w[b])^2 + sum(w[i]^3, i)\n"
    assert "signs and numbers gathered" not in words(text, "w", detail="all")
    pairs = """
        const a : M in 0..N-1
        const b : M in 0..N-1
        param w : N
        d[m] = w[a[m]] - w[b[m]]
        cost C = sum(d[m]^3, m)
    """
    assert "Σₘ (∂C/∂dₘ) ([aₘ = i] − [bₘ = i])" in words(pairs, "w", detail="all")


def test_a_choice_of_one_by_a_label_is_an_indicator_that_a_sum_uses_up() -> None:
    """A tournament: the points go from b to a.  0 ≤ a < N is declared, and not a condition."""
    text = """
        input a in 0..N-1
        input b in 0..N-1
        param r : N
        param K
        q[i] = r[i]^2
        s[i] = q[i] + K*sigmoid(q[a] - q[b])*(where(i == a, 1, 0) - where(i == b, 1, 0))
        cost C = sum(s[i]^3, i)
    """
    shown = words(text, "q", "K")
    assert "only j = i, j = a and j = b survive" in shown and "[0 ≤" not in shown
    assert "(∂C/∂sₐ − ∂C/∂s_b) (𝐞ₐ − 𝐞_b)" in shown, "what is no index of the sum is not multiplied out"


def test_a_choice_of_zero_and_one_is_its_condition_in_brackets() -> None:
    text = "param z : N\nconst k in 0..N-1\nw[i] = where(i == k, 0, 1)*z[i]\ncost C = sum(w[i]^2, i)\n"
    assert "wᵢ = [i ≠ k] zᵢ" in words(text)


# ── conditions ────────────────────────────────────────────────────────────────────────────────────


def test_a_condition_on_one_index_has_it_alone() -> None:
    text = """
        param z : T
        const lam
        cost C = lam*sum((z[t] - 2*z[t-1] + z[t-2])^2, t=2..T-1)
    """
    shown = words(text, "z", detail="all")
    assert "[t ≥ 2]" in shown and "[1 ≤ t ≤ T − 2]" in shown and "[t ≤ T − 3]" in shown
    assert "[0 ≤" not in shown


def test_a_condition_on_the_index_of_a_sum_is_its_range() -> None:
    """Σ_m [l < m] over m = 1..L is the sum from l + 1."""
    text = """
        index l = 1..L
        input x : D
        param w[l] : D
        a[0,k] = x[k]
        z[l,k] = sum(a[m,k], m=0..l-1)
        a[l,k] = tanh(w[l,k]*z[l,k])
        cost C = sum(a[L,k]^2, k)
    """
    shown = words(text, "a", detail="all")
    assert "Σₘ₌ₗ₊₁ᴸ ∂C/∂zₖᵐ" in shown and "[l < m]" not in shown
    assert "The base case aₖᴸ, on which no z depends:" in shown and " 0 +" not in shown


def test_a_range_that_could_begin_two_behind_its_end_stays_a_condition() -> None:
    """From i + 2 to N − 1 there is no sum at i = N − 1: [j ≥ i + 2] stands beside its terms."""
    text = "param w : N\nq[j] = sum(w[i], i=0..j-2) for j = 0..N-1\ncost C = sum(q[j]^2, j)\n"
    shown = words(text, "w", detail="all")
    assert "[i ≤ j − 2]" in shown and "ᵢ₊₂ᴺ" not in shown


def test_a_choice_by_an_affine_index_is_an_indicator_and_the_identity_is_not() -> None:
    text = """
        param f : P
        const x : M
        r[t] = sum(where(t == 2*m + p, 1, 0)*x[m]*f[p], m, p) for t = 0..2*M+P-3
        cost C = sum(r[t]^2, t)
    """
    assert "Σₘ (∂C/∂r₂ₘ₊ₚ) xₘ" in words(text, "f")
    gram = "param X : N, K\ncost C = sum((sum(X[n,i]*X[n,j], n) - where(i == j, 1, 0))^2, i, j)\n"
    assert "4X (Xᵀ X − I)" in words(gram, "X")


def test_one_size_is_no_sizes() -> None:
    text = "param w : N\ncost C = sum(w[i]^2, i)\n"
    assert ", size 2)." in pipeline.documented(pipeline.parse(text), (), "text")
    assert ", sizes 3, 2)." in pipeline.documented(
        pipeline.parse(text.replace("N", "N, M").replace("w[i]", "w[i,j]").replace(", i)", ", i, j)")),
        (),
        "text",
    )


def test_an_indicator_without_the_summed_index_leaves_the_sum() -> None:
    text = """
        input c in 0..K-1
        param s : K
        m[k] = s[k]^2 - s[c] + where(k == c, 0, 1)
        cost C = sum(relu(m[k]), k)
    """
    assert "(Σᵢ ∂C/∂mᵢ) [c = k]" in words(text, "s")


def test_a_number_of_values_that_no_array_says_is_said() -> None:
    cost = "cost C = sum(logsumexp(z[g,o], o), g)"
    text = words(f"param s : G\nz[g,o] = where(o == 0, s[g], 0) for o = 0..2\n{cost}")
    assert "0 otherwise} for o = 0, 1, 2 (2)" in text
    assert "for o" not in words(f"param s : G, 3\nz[g,o] = s[g,o]^2\n{cost}")


def test_a_quotient_of_arrays_stands_in_brackets_behind_a_matrix() -> None:
    """G (x ⊙ y/z) is not G (x ⊙ y)/z."""
    text = "const G : N, M\nconst b : M\nparam u : N\nv[j] = b[j]/sum(G[i,j]*u[i], i)\n"
    text += "cost C = sum(v[j]^2, j)"
    assert "−G ((∂C/∂v) ⊙ v/(Gᵀ u))" in words(text, "u")


def test_what_leaves_a_sum_cancels_at_once() -> None:
    text = "param g : N\nconst s\ncost C = s*sum(exp((g[i] + g[j])/s), i, j)"
    assert "s · (1/s)" not in words(text)
    text = "param f : N\nparam g : M\nconst s\ncost C = -s*sum(exp((f[i] + g[j])/s), i, j)"
    assert "leaves the sum, and cancels" in words(text, "g")


def test_a_logarithm_of_three_exponentials_is_taken_two_at_a_time() -> None:
    text = "param u\nparam v\nparam w\ncost C = log(exp(u) + exp(v) + exp(w))"
    assert "written so that nothing overflows; of more terms two at a time" in words(text, "u")
    assert "of more terms" not in words(text.replace(" + exp(w)", ""), "u")
