"""Products in an order in which less is multiplied: what lines or turns have in common comes first.

``dh*mask*x`` and ``dh*mask`` share two factors; in ``for p: for q: dx[p, q] += dy*mask*w[p]*v[p, q]`` the
first two factors are the same in every turn, and the first three in those of the inner loop.  A common
part becomes a product of its own inside the larger one; whoever writes the lines gives it a name.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from functools import lru_cache, partial

from symbp.arrays.nodes import (
    Assign,
    At,
    Contract,
    Elementwise,
    Fold,
    Guard,
    IndexValue,
    Instruction,
    Load,
    Loop,
    Node,
    Span,
    Window,
    below,
    elementwise,
    map_below,
)
from symbp.calculus.affine import Affine, Index

Block = tuple[Instruction, ...]
Factors = tuple[Node, ...]

ROUNDS = 12
"""How many common parts are looked for in a block; each makes the products shorter."""


def grouped(block: Block) -> Block:
    """The instructions with common factors of products taken together."""
    inner = tuple(
        replace(i, body=grouped(i.body)) if isinstance(i, Loop | Guard) else i for i in block
    )
    return _shared(tuple(_by_turns(i, ()) if isinstance(i, Loop) else i for i in inner))


# ── what several lines have in common ─────────────────────────────────────────────────────────────


def _shared(block: Block) -> Block:
    for _ in range(ROUNDS):
        values = [i.value for i in block if isinstance(i, Assign)]
        key = _most_common(itertools.chain.from_iterable(map(_products, values)))
        if key is None:
            return block
        change = partial(_together, key=key)
        block = tuple(
            replace(i, value=_change(i.value, change)) if isinstance(i, Assign) else i for i in block
        )
    return block


Key = tuple[object, ...]
"""Two factors, but for what their axes are called: each line has indices of its own."""


def _most_common(products: Iterable[Factors]) -> Key | None:
    """The two factors that most products have both; of equals the larger array, then the first."""
    counts: dict[Key, int] = {}
    sizes: dict[Key, int] = {}
    for factors in products:
        for key, pair in _pairs(factors).items():
            counts[key] = counts.get(key, 0) + 1
            sizes[key] = max(len(n.labels) for n in pair)
    often = [key for key, n in counts.items() if n > 1]
    return max(often, key=lambda k: (counts[k], sizes[k]), default=None)


@lru_cache(maxsize=4096)
def _pairs(factors: Factors) -> Mapping[Key, tuple[Node, Node]]:
    """Every two factors whose product is as large as the larger one, the simpler one first.

    Kept, because every round looks at all products of a block, of which few have changed.
    """
    pairs = (p for p in itertools.combinations(dict.fromkeys(factors), 2) if _nested(*p))
    ordered = (sorted(p, key=lambda n: (len(text := str(_key((n,)))), text)) for p in pairs)
    return {_key((a, b)): (a, b) for a, b in ordered}


def _key(nodes: Factors) -> Key:
    own = {i for n in nodes for i in _labels(n)}
    numbers: dict[Index, int] = {}
    return tuple(_part(n, own, numbers) for n in nodes)


def _labels(node: Node) -> Iterator[Index]:
    """Every index that is an axis somewhere in a value."""
    yield from node.labels
    for n in below(node):
        yield from _labels(n)


def _part(part: object, own: set[Index], numbers: dict[Index, int]) -> object:
    """Anything in a node, with its axes numbered in the order in which they occur."""
    match part:
        case Index() if part in own:
            known = part in numbers
            number = numbers.setdefault(part, len(numbers))
            return number if known else (number, _part(part.lo, own, numbers), _part(part.hi, own, numbers))
        case Index():
            return part.uid
        case tuple():
            return tuple(_part(p, own, numbers) for p in part)
        case _ if is_dataclass(part):
            values = (_part(getattr(part, f.name), own, numbers) for f in fields(part))
            return (type(part).__name__, *values)
        case _:
            return part


def _nested(one: Node, other: Node) -> bool:
    """Whether the product of two arrays is as large as the larger one."""
    a, b = {*one.labels}, {*other.labels}
    return bool(a) and bool(b) and (a <= b or b <= a)


def _together(factors: Factors, key: Key) -> Factors:
    pair = _pairs(factors).get(key)
    if pair is None:
        return factors
    rest = list(factors)
    for node in pair:
        rest.remove(node)
    return (elementwise("*", *pair), *rest)


# ── what the turns of a loop have in common ───────────────────────────────────────────────────────


def _by_turns(loop: Loop, around: tuple[Loop, ...]) -> Loop:
    """The products in loops over a kernel, with the factors of the outer loops first."""
    nest = (*around, loop)
    if any(n.index.sequence for n in nest):
        return loop
    body: list[Instruction] = []
    for i in loop.body:
        match i:
            case Assign():
                value = _change(i.value, lambda f: _outer_first(f, nest))
                body.append(replace(i, value=_divided_outside(value, nest)))
            case Loop():
                body.append(_by_turns(i, nest))
            case _:
                body.append(i)
    return replace(loop, body=tuple(body))


def _outer_first(factors: Factors, nest: Sequence[Loop]) -> Factors:
    arrays = [n for n in factors if n.labels]
    if any(not _nested(a, b) for a, b in itertools.pairwise(arrays)):
        return factors
    depths = {n: _depth(n, nest) for n in arrays}
    group: list[Node] = []
    for depth in range(len(nest)):
        group += [n for n in arrays if depths[n] == depth]
        if 1 < len(group) < len(arrays):
            group = [elementwise("*", *group)]
    deepest = [n for n in arrays if depths[n] == len(nest)]
    return (*group, *deepest, *(n for n in factors if not n.labels))


def _divided_outside(node: Node, nest: Sequence[Loop]) -> Node:
    """``dm*mask/4`` as ``(dm/4)*mask`` where no turn changes dm: it is divided once, before the loops."""
    match node:
        case Elementwise("+", args):
            return replace(node, args=tuple(_divided_outside(a, nest) for a in args))
        case Elementwise("/", (Elementwise("*", args), number)) if not number.labels:
            fixed = [n for n in args if not _depth(n, nest)]
            moving = [n for n in args if n not in fixed]
            if _depth(number, nest) or not any(n.labels for n in fixed) or not any(n.labels for n in moving):
                return node
            whole = elementwise("*", *fixed) if len(fixed) > 1 else fixed[0]
            return replace(node, op="*", args=(elementwise("/", whole, number), *moving))
        case _:
            return node


def _depth(node: Node, nest: Sequence[Loop]) -> int:
    """How many of the loops change a value: 0 if none does, else the place of the innermost that does."""
    return max((k for k, loop in enumerate(nest, 1) if _changes(node, loop)), default=0)


def _changes(node: Node, loop: Loop) -> bool:
    if isinstance(node, Load) and node.key in {a.target.key for a in _assigned(loop.body)}:
        return True
    return any(loop.index in p.indices() for p in _positions(node)) or any(
        _changes(n, loop) for n in below(node)
    )


def _assigned(block: Iterable[Instruction]) -> Iterator[Assign]:
    for i in block:
        if isinstance(i, Assign):
            yield i
        elif isinstance(i, Loop | Guard):
            yield from _assigned(i.body)


def _positions(node: Node) -> Iterator[Affine]:
    for label in node.labels:
        yield from (e for e in (label.lo, label.hi) if e is not None)
    if isinstance(node, IndexValue):
        yield node.value
    for s in node.subscripts if isinstance(node, Load) else ():
        match s:
            case At(position):
                yield position
            case Span(_, start) | Window(_, start):
                yield start
            case _:
                continue


# ── products ──────────────────────────────────────────────────────────────────────────────────────


def _products(node: Node) -> Iterator[Factors]:
    """The factors of every product in a value; sums over rows of products are products too."""
    factors = _factors(node)
    if factors:
        yield factors
    for n in factors or below(node):
        yield from _products(n)


def _factors(node: Node) -> Factors:
    match node:
        case Elementwise("*", args):
            return args
        case Contract(left, right, _, labels) if {*labels} <= {*left.labels} & {*right.labels}:
            return (*(_factors_of(left)), *_factors_of(right))
        case _:
            return ()


def _factors_of(operand: Node) -> Factors:
    return operand.args if isinstance(operand, Elementwise) and operand.op == "*" else (operand,)


def _change(node: Node, change: Callable[[Factors], Factors]) -> Node:
    """The value with every product rearranged."""
    node = map_below(node, lambda n: _change(n, change))
    old = _factors(node)
    new = change(old)
    if new == old:
        return node
    match node:
        case Contract(_, _, over, labels):
            first, *rest = new
            if not rest:
                return Fold("sum", first, over, labels)
            return replace(node, left=first, right=elementwise("*", *rest) if len(rest) > 1 else rest[0])
        case Elementwise() if len(new) > 1:
            return replace(node, args=new)
        case _:
            return new[0]
