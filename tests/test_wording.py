"""The words of a derivation are true, and speak of what is on the page."""

from __future__ import annotations

from symbp import pipeline


def words(text: str, *names: str, detail: str = "key", notation: str = "nielsen") -> str:
    """The document of a model in plain text, with single spaces."""
    model = pipeline.parse(text) if "\n" in text else pipeline.load(text)
    return " ".join(pipeline.documented(model, names, "text", detail=detail, notation=notation).split())


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
