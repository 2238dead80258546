"""Taking the derivatives: ∂ becomes indicators and derivatives of functions.

Rules as :mod:`symbp.derive.rules` describes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from symbp.calculus.construct import flatten
from symbp.calculus.differentiate import differentiate, same_element
from symbp.calculus.expr import ZERO, Call, Expr, Indicator, Neg, Partial, Reduce, Ref
from symbp.calculus.tidy import collect, leaves, symbols, tidy
from symbp.calculus.tree import canonical, free_indices, refresh, refs, replace_nodes, rewrite, walk
from symbp.derive.chain import equation_of, explicit, whole_logarithms
from symbp.derive.core import Reason
from symbp.derive.identify import equals_builtin
from symbp.derive.logarithms import Whole
from symbp.derive.scalar import call_rule
from symbp.derive.scene import Outcome, Scene, listed


def derivatives(node: Expr, scene: Scene) -> Outcome | None:
    """Every ∂ is taken.  Terminates: none is left."""
    other: list[Ref] = []
    logarithms = whole_logarithms(scene)
    taken: dict[Expr, Whole] = {}

    def whole(call: Call) -> tuple[tuple[Expr, Expr], ...]:
        found = logarithms.get(canonical(call))
        if found is None:
            return ()
        taken[found.value] = found
        return found.parts(rounded=scene.total)

    def known(n: Expr) -> Expr | None:
        found = logarithms.get(canonical(n)) if logarithms and isinstance(n, Call) else None
        return refresh(found.value) if found is not None else None

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Partial):
            return None
        other.extend(r for r in refs_of(n.body, n.wrt.name) if r != n.wrt and _by_index(r, n.wrt))
        new = differentiate(n.body, n.wrt, call_rule, lambda r: _formal(r, n.wrt, scene), whole)
        return _undo(replace_nodes(new, known), scene)

    new = _plain(flatten(replace_nodes(node, change)))
    if new == node:
        return None
    why: Reason = ("differentiate",)
    if other and any(isinstance(n, Indicator) for n in walk(new)):
        why = ("differentiate; each ", other[0], " is its own variable")
    return new, (*why, *_logarithms(tuple(taken.values())), *_facts(node, scene))


def _plain(node: Expr) -> Expr:
    """With signs and numbers in their places at once, where nothing else is to be done."""
    short = tidy(node)
    done = not any(isinstance(n, Indicator) for n in walk(node)) and symbols(short) == symbols(node)
    return short if done else node


def _logarithms(taken: tuple[Whole, ...]) -> Reason:
    """What the derivative of a logarithm of summed exponentials is, and what that logarithm is called."""
    if not taken:
        return ()
    u, v = Ref("u"), Ref("v")
    log = Call("log", (Call("exp", (u,)) + Call("exp", (v,)),))
    if taken[0].node.function != "log":
        log = Call(taken[0].node.function, (u, v))
    are = ", and that logarithm is " if len(taken) == 1 else ", and those logarithms are "
    values = listed(w.value for w in taken)
    rule: Reason = ("; the derivative of ", log, " with respect to ", u, " is ", Call("exp", (u - log,)))
    return (*rule, are, *values)


FACTS = ("tanh", "sigmoid", "softplus", "tan", "atan", "erf")
"""Functions whose derivative a reader may want to be reminded of."""


def _facts(node: Expr, scene: Scene) -> Reason:
    """The derivatives of functions that were written out: tanh′ = 1 − tanh²."""
    moving = scene.through | {scene.element.name}
    bodies = [n.body for n in walk(node) if isinstance(n, Partial)]
    inner = [n for body in bodies for n in walk(body) if any(r.name in moving for r in refs(n))]
    u, facts = Ref("u"), list[Reason]()
    for name in dict.fromkeys(n.function for n in inner if isinstance(n, Call)):
        if name in FACTS and name not in scene.model.functions:
            facts.append(("; ", Call(name, (u,), (1,)), " = ", call_rule(Call(name, (u,)), 0)))
    if any(isinstance(n, Reduce) and n.op == "logsumexp" for n in inner):
        facts.append(("; the derivative of a logarithm of summed exponentials is a softmax",))
    return tuple(p for fact in facts[:2] for p in fact)


def _formal(ref: Ref, wrt: Ref, scene: Scene) -> Expr | None:
    """∂a_i/∂z_j for a variable seen through that stands in a cost; 0 if it cannot depend on z_j."""
    if ref.name not in scene.through or ref.name == wrt.name:
        return None
    body = explicit(ref, scene)
    if body is None or differentiate(body, wrt, call_rule) == ZERO:
        return ZERO
    return Partial(ref, wrt)


def seen_through(node: Expr, scene: Scene) -> Outcome | None:
    """∂a_i/∂z_j by the equation of a_i.  Terminates: none is left."""
    found: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Partial) or not isinstance(n.body, Ref):
            return None
        body = explicit(n.body, scene)
        if body is None:
            return None
        found.append(n.body)
        return differentiate(body, n.wrt, call_rule)

    new = flatten(replace_nodes(node, change))
    return (new, (equation_of(found), *listed(found), ", differentiated")) if found else None


def refs_of(node: Expr, name: str) -> Iterator[Ref]:
    """The elements of one array in an expression."""
    return (n for n in walk(node) if isinstance(n, Ref) and n.name == name)


def _by_index(ref: Ref, wrt: Ref) -> bool:
    """Whether an element is one of many that may be the other, named by an index and not by a label."""
    if same_element(ref.indices, wrt.indices) == ZERO:
        return False
    own = set(free_indices(ref)) - set(free_indices(wrt))
    return bool(own) and not any(isinstance(a, Ref) for p in ref.indices for a in p.atoms())


def _undo(node: Expr, scene: Scene) -> Expr:
    """A built-in sigmoid that came out of a stable form is the author's own σ again."""
    own = {equals_builtin(f): f.name for f in scene.model.functions.values() if f.body is not None} \
        if any(isinstance(n, Call) and n.function == "sigmoid" for n in walk(node)) else {}

    def change(n: Expr) -> Expr | None:
        if isinstance(n, Call) and n.function in own and not n.orders:
            return Call(own[n.function], n.args)
        return None

    return rewrite(node, change) if own else node


def _cancels(before: Expr, after: Expr) -> bool:
    """Whether the other form makes terms cancel; else it would only lose digits where σ(u) is near 1."""
    return leaves(collect(tidy(after))) < leaves(tidy(before))


def reflect(node: Expr, scene: Scene) -> Outcome | None:
    """σ(−u) = 1 − σ(u) where the model has σ(u) elsewhere.  Terminates: removes a minus sign."""
    found: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if not (isinstance(n, Call) and len(n.args) == 1 and isinstance(n.args[0], Neg)):
            return None
        if scene.context.named(n, "sigmoid") is None:
            return None
        found.append(Call(n.function, (n.args[0].arg,)))
        return 1 - found[-1]

    new = rewrite(node, change)
    if not found or not _cancels(node, new):
        return None
    assert isinstance(found[0], Call)
    flipped = Call(found[0].function, (Neg(found[0].args[0]),))
    return new, (flipped, " is ", 1 - found[0])
