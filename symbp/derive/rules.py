"""The rules of a derivation, in the order in which a blackboard uses them.

A rule takes the expression of the line above and says what stands on the next line, and why; or None
if there is nothing for it to do.  Its docstring says why it terminates.  Rules do not know models:
they see expressions and a :class:`Scene`, what the case at hand is about.
"""

from __future__ import annotations

from symbp.derive import chain, hyperbolic, local, reduce
from symbp.derive.exponents import exponents
from symbp.derive.recognise import recognise
from symbp.derive.scene import Rule

RULES: tuple[Rule, ...] = (
    Rule("definition", chain.define),
    Rule("chain rule", chain.chain),
    Rule("name", chain.names),
    Rule("equation", chain.equations),
    Rule("stable form", chain.stable_form),
    Rule("differentiate", local.derivatives),
    Rule("see through", local.seen_through),
    Rule("collapse", reduce.survivors),
    Rule("exponents", exponents),
    Rule("hyperbolic", hyperbolic.hyperbolic),
    Rule("reflect", local.reflect),
    Rule("recognise", recognise),
    Rule("one sum", reduce.one_sum),
    Rule("gather", reduce.simplify),
    Rule("take out", reduce.take_out),
    Rule("centred", reduce.centred),
    Rule("whole weights", reduce.whole_weights),
    Rule("recognise sums", recognise),
    Rule("common factor", reduce.shared_factor),
    Rule("inner product", reduce.inner_product, key=False),
)

DISPLAY_ONLY = frozenset({"inner product"})
"""Rules that show the result in another way; the result itself is the line before."""
