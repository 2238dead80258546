"""From the definition of an adjoint to derivatives of right sides, by the chain rule.

Rules as :mod:`symbp.derive.rules` describes them.
"""

from __future__ import annotations

from functools import reduce

from symbp.calculus.construct import add, mul, reduce_sum
from symbp.calculus.expr import Add, Adjoint, Call, Expr, Partial, Ref
from symbp.calculus.tidy import positive, tidy
from symbp.calculus.tree import canonical, refresh, refs, replace_nodes
from symbp.derive import stable_reason
from symbp.derive.context import DEEP, instance
from symbp.derive.core import Reason
from symbp.derive.logarithms import Whole, wholes
from symbp.derive.scene import Outcome, Scene, joined, listed
from symbp.derive.uses import Use
from symbp.model.core import Equation

TERMS = ", the terms that contain "


def define(node: Expr, scene: Scene) -> Outcome | None:
    """δ_k = ∂C/∂z_k.  Once: no adjoint of this element is left."""
    if not isinstance(node, Adjoint):
        return None
    return _partial_cost(scene, scene.element), ("definition of ", node)


def chain(node: Expr, scene: Scene) -> Outcome | None:
    """∂C/∂z_k = Σ_j ∂C/∂y_j · ∂y_j/∂z_k over the y_j that read z_k.  Once per case: the terms name y."""
    if scene.local or not isinstance(node, (Adjoint, Partial)) or not scene.uses:
        return None
    if all(u.consumer == scene.model.cost for u in scene.uses):
        return None
    terms = [_chain_term(u, scene) for u in scene.uses]
    on = [u for u in scene.uses if u.consumer != scene.model.cost]
    direct = len(on) < len(scene.uses)
    tail: Reason = (", and directly",) if direct else ()
    why: Reason = (
        "chain rule: ", scene.element, " acts on ", Ref(scene.model.cost),
        " through " if direct else " only through ", *_consumers(on), *tail,
    )  # fmt: skip
    return add(terms), why


def _consumers(uses: list[Use]) -> Reason:
    """What stands between the element and the cost: r^{t+1}, or the z_j^{t+1}, one for each j.

    Nothing is said of how they depend on it: z^l reads a^{l-1} where a = σ(z) is seen through.
    """
    if all(u.indices for u in uses):
        return ("the ", *listed(u.lhs for u in uses))
    return joined(list(dict.fromkeys(("the ", u.lhs) if u.indices else (u.lhs,) for u in uses)))


def _chain_term(use: Use, scene: Scene) -> Expr:
    if use.consumer == scene.model.cost:
        # written ∂C/∂z, the direct part would look like the whole
        return Partial(refresh(_relevant(_shown(use, scene), scene)), scene.element)
    upstream: Expr = Adjoint(use.lhs.name, use.lhs.indices)
    if scene.named(use.consumer):
        upstream = _partial_cost(scene, use.lhs)
    return reduce_sum(use.indices, mul((upstream, Partial(use.lhs, scene.element))))


def _partial_cost(scene: Scene, wrt: Ref) -> Partial:
    return Partial(Ref(scene.model.cost), wrt)


def names(node: Expr, scene: Scene) -> Outcome | None:
    """∂C/∂y_j is δ_j.  Terminates: each use removes a derivative of the cost."""
    found: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if isinstance(n, Partial) and n.body == Ref(scene.model.cost) and n.wrt != scene.element:
            found.append(Adjoint(n.wrt.name, n.wrt.indices))
            return found[-1]
        return None

    new = replace_nodes(node, change)
    return (new, ("definition of ", *listed(found))) if found else None


def equations(node: Expr, scene: Scene) -> Outcome | None:
    """∂y_j/∂z_k with the right side of y_j in it.  Terminates: no equation's name is left inside a ∂."""
    by_lhs = {(u.consumer, u.lhs.indices): u for u in scene.uses}
    found: list[Expr] = []
    cut: list[Expr] = []

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Partial) or not isinstance(n.body, Ref):
            return None
        if n.body.name == scene.model.cost:
            use = next(u for u in scene.uses if u.consumer == scene.model.cost)
        elif (n.body.name, n.body.indices) in by_lhs:
            use = by_lhs[(n.body.name, n.body.indices)]
        else:  # a cost that is one element, directly
            return None
        body = _shown(use, scene)
        if use.consumer == scene.model.cost:
            kept = _relevant(body, scene)
            cut.extend([body] if kept is not body else [])
            body = kept
        names_ = {r.name for r in refs(body)}
        found.append(n.body)
        found.extend(r for r in (*use.seen, *_written_out(use, scene)) if r.name not in names_)
        return Partial(refresh(body), n.wrt)

    new = replace_nodes(node, change)
    if not found:
        return None
    why: Reason = (equation_of(found), *listed(found))
    return new, (*why, TERMS, scene.element) if cut else why


def equation_of(found: list[Expr]) -> str:
    """The words before the variables whose equations are put in."""
    return "the equations of " if len(set(found)) > 1 else "the equation of "


def _relevant(body: Expr, scene: Scene) -> Expr:
    """The terms of a sum that can change with the element; the others have the derivative 0."""
    if not isinstance(body, Add):
        return body
    moving = scene.through | {scene.element.name}
    kept = [t for t in body.terms if any(r.name in moving for r in refs(t))]
    # a lone element would read as the variable of that name, seen through its equation
    lone = len(kept) == 1 and isinstance(kept[0], Ref)
    return body if lone or len(kept) in (0, len(body.terms)) else add(kept)


def _author(use: Use, scene: Scene) -> Equation | None:
    """The author's equation, where the stable form says the same in another way."""
    own = scene.model.equations[use.equation.number - 1]
    return None if own.rhs == scene.steady[use.equation.number] else own


def _written_out(use: Use, scene: Scene) -> tuple[Ref, ...]:
    """Variables that the stable form no longer reads, as the author's equation has them."""
    return _put_in(use, scene)[1]


def _put_in(use: Use, scene: Scene) -> tuple[Expr | None, tuple[Ref, ...]]:
    """The author's right side with the variables put in that the stable form does without, and these."""
    own = _author(use, scene)
    body = None if own is None else instance(own, use.lhs)
    if own is None or body is None:
        return None, ()
    kept = {r.name for r in refs(scene.steady[own.number])}
    gone: dict[Ref, None] = {}

    def opened(node: Expr, depth: int) -> Expr:
        def change(n: Expr) -> Expr | None:
            if not isinstance(n, Ref) or n.name in kept or depth == DEEP:
                return None
            inner = scene.context.equations(n)
            if inner is None:
                return None
            gone[n] = None
            return opened(inner, depth + 1)

        return replace_nodes(node, change)

    return opened(body, 0), tuple(gone)


def _stays(use: Use, scene: Scene) -> bool:
    """Whether the author's equation stands as it is, variables seen through and all.

    In a cost, ∂a_i/∂z_j is taken on a line of its own; in a recurrence a = σ(z) is put in at once.
    """
    return (
        use.consumer == scene.model.cost
        and bool(use.seen)
        and _author(use, scene) is None
        and all(explicit(r, scene) is not None for r in use.seen)
    )


def explicit(ref: Ref, scene: Scene) -> Expr | None:
    """The definition of a variable seen through, in terms of variables that are not."""
    body = scene.context.equations(ref)
    if body is None:
        return None
    deeper = [r for r in refs(body) if r.name in scene.through]
    inner = {r: explicit(r, scene) for r in deeper}
    if any(b is None for b in inner.values()):
        return None
    return replace_nodes(body, lambda n: inner.get(n) if isinstance(n, Ref) else None)


def _shown(use: Use, scene: Scene) -> Expr:
    """The right side as the author wrote it, with the variables put in that only the stable form drops."""
    if _stays(use, scene):
        return use.equation.rhs if use.plain is None else use.plain
    return _put_in(use, scene)[0] or use.body


def stable_form(node: Expr, scene: Scene) -> Outcome | None:
    """log σ(u) = −softplus(−u) under a ∂.  Terminates: see :func:`symbp.derive.stable.stable`."""
    restated = [u for u in scene.uses if _author(u, scene) is not None and not _only_whole(u, scene)]
    other: list[Use] = []

    def change(n: Expr) -> Expr | None:
        if not isinstance(n, Partial):
            return None
        for use in restated:
            shown = _shown(use, scene)
            kept, stable_ = _relevant(shown, scene), _relevant(use.body, scene)
            if canonical(n.body) in (canonical(shown), canonical(kept)):
                other.extend([use] if canonical(stable_) != canonical(kept) else [])
                return Partial(refresh(stable_), n.wrt)
        return None

    new = replace_nodes(node, change)
    if new == node:
        return None
    # what the stable form says in another way may be in terms that are left out
    left_out: Reason = ("the other terms do not contain ", scene.element)
    return new, stable_reason.reason(node, new) if other else left_out


def whole_logarithms(scene: Scene) -> dict[Expr, Whole]:
    """The logarithms that are differentiated as a whole, in the author's form and in the stable one.

    Code reads an element in place of its logarithm only where that loses no digit.
    """
    found = (w for u in scene.uses for w in _whole(u, scene))
    return {canonical(w.node): w for w in found}


def _whole(use: Use, scene: Scene) -> tuple[Whole, ...]:
    if use.consumer == scene.model.cost:
        return ()
    bodies = dict.fromkeys((_shown(use, scene), use.body))
    found = (w for body in bodies for w in wholes(use.lhs, body, scene.context))
    return tuple(w for w in found if w.exact or not scene.total)


def _only_whole(use: Use, scene: Scene) -> bool:
    """Whether the stable form is the author's but for logarithms that are differentiated as a whole."""
    kept = {w.node: reduce(_pair, w.exponents) for w in _whole(use, scene)}
    shown = replace_nodes(_shown(use, scene), lambda n: kept.get(n) if isinstance(n, Call) else None)
    return bool(kept) and canonical(positive(tidy(shown))) == canonical(use.body)


def _pair(left: Expr, right: Expr) -> Expr:
    return Call("logaddexp", (left, right))
