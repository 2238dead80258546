"""Elementwise functions and softmax: a diagonal Jacobian, written ⊙ without its zeros, and a full one."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.arrays.matrix_nodes import Diag, Hadamard, Matrix, shape
from symbp.arrays.matrix_rows import transposed
from symbp.calculus.construct import mul
from symbp.calculus.expr import Weights
from symbp.explain.axes import axes_of
from symbp.explain.core import (
    Block,
    Form,
    Line,
    Lines,
    Local,
    Math,
    Paragraph,
    Section,
    Whole,
    Words,
    say,
    side,
)
from symbp.explain.meaning import agrees
from symbp.explain.numerals import entrywise, product, shaped, turned
from symbp.explain.products import offset, same_grid
from symbp.explain.reading import FEW, held, listed, ref, refs, whole
from symbp.explain.spot import LARGEST, Grid, Spot, mentions_adjoint
from symbp.verify.evaluate import Key, OutsideRange
from symbp.verify.places import points


def hadamards(spot: Spot, node: Matrix) -> Iterator[tuple[Spot, Hadamard]]:
    """The entrywise products of arrays below a node, over axes of the variable."""
    for place, inner in spot.inside(node):
        if not isinstance(inner, Hadamard) or not (shape(inner)[0] or (spot.rows and any(shape(inner)))):
            continue
        if all(i in spot.at for i in axes_of(inner) if i is not None):
            yield place, inner


def split(node: Hadamard) -> tuple[Matrix, Matrix]:
    """What comes back from the cost, and the slopes by which it is multiplied."""
    back = [a for a in node.args if mentions_adjoint(a)]
    slopes = [a for a in node.args if not mentions_adjoint(a)]
    if not back or not slopes:
        back, slopes = list(node.args[:-1]), [node.args[-1]]
    return _one(back), _one(slopes)


def _one(factors: list[Matrix]) -> Matrix:
    return factors[0] if len(factors) == 1 else Hadamard(tuple(factors))


def hadamard_section(spot: Spot, form: Matrix) -> Section | None:
    """Why entry by entry: the Jacobian of an elementwise function is diagonal."""
    spot, node = next(hadamards(spot, form), (spot, None))
    if node is None:
        return None
    laid = spot.laid(node)
    # a column that is turned to be a factor of a product: where vectors are rows it is the row that is meant
    node = laid if isinstance(laid, Hadamard) else node
    back, slopes = split(node)
    carried, slope, total = spot.grid(back), spot.grid(slopes), spot.grid(node)
    same_grid(spot, entrywise(carried, slope), total)
    if len(total) < 2 and not (spot.rows and len(total[0]) > 1):
        return None
    if _image(spot, slope) is None and len(spot.own) == 1:
        other = _through_image(spot)
        if other is not None:
            return Section("hadamard", ("Why the Hadamard product?",), other)
    vector = len(total[0]) == 1 or len(total) == 1
    said = _vector(spot, back, slopes) if vector else _matrix(spot, back, slopes)
    return Section("hadamard", ("Why the Hadamard product?",), said)


def _vector(spot: Spot, back: Matrix, slopes: Matrix) -> tuple[Block, ...]:
    carried, slope = spot.grid(back), spot.grid(slopes)
    up, across = axes_of(slopes)
    row = offset(spot, up if up is not None else across) or 0
    intro, name = _whose(spot, slopes, slope)
    return _diagonal(spot, (intro, name, Form(spot.form(Hadamard((back, slopes))))), (carried, slope), row)


def _through_image(spot: Spot) -> tuple[Block, ...] | None:
    """The same from what is measured, where the result is written in another way: 1 − h² multiplied out."""
    sources = _elements(spot)
    own = [spot.adjoint(s) for s in sources]
    for name in _steps(spot):
        moved = [[(k, v) for k, v in _moves(spot, name, s) if v] for s in sources]
        if any(len(m) != 1 for m in moved) or len({m[0][0] for m in moved}) < len(sources):
            continue
        images = [m[0][0] for m in moved]
        slope, carried = [m[0][1] for m in moved], [spot.adjoint(k) for k in images]
        place = sources.index(spot.key)
        if all(agrees(a * b, c) for a, b, c in zip(slope, carried, own, strict=True)):
            name_ = Local(whole(spot, images[place]), spot.array)
            words = (_alone(spot, images[place]), name_, Whole(spot.whole))
            return _diagonal(spot, words, (spot.vector(carried), spot.vector(slope)), place)
    return None


def _diagonal(
    spot: Spot, words: tuple[Block, Math, Math], grids: tuple[Grid, Grid], row: int
) -> tuple[Block, ...]:
    """The diagonal matrix and the product entry by entry; number ``row`` of the vector stands out."""
    (intro, name, result), (carried, slope) = words, grids
    flat = [s for line in slope for s in line]
    diagonal = tuple(tuple(s if r == c else 0.0 for c in range(len(flat))) for r, s in enumerate(flat))
    lies = spot.rows
    total, strong = entrywise(carried, slope), {(0, row) if lies else (row, 0)}
    same_grid(spot, product(carried, diagonal) if lies else product(diagonal, carried), total)
    factors = [shaped(diagonal, {(row, row)}), shaped(carried, strong)]
    how = "is to multiply by this matrix, which is its own transpose. Each of its rows"
    if lies:
        how = "is to multiply the row that comes back by this matrix. Each of its columns"
    return (
        intro,
        Lines((Line(name, "=", shaped(diagonal)),)),
        say(f"To go back through it {how} has one number, so of the sum in a matrix product one term is "
            "left: entry times entry. The Hadamard product says so without writing the zeros:"),
        Lines((
            Line(None, "", side(*(factors[::-1] if lies else factors), "=",
                                shaped(total, strong)), ("with the matrix",)),
            Line(result, "=",
                 side(shaped(carried, strong), "⊙", shaped(slope, strong), "=", shaped(total, strong)),
                 ("entry by entry: the same numbers",)),
        )),
    )  # fmt: skip


def _whose(spot: Spot, slopes: Matrix, slope: Grid) -> tuple[Block, Math]:
    """The variable of which this is the Jacobian, if there is one; else the slopes as a matrix."""
    found = _image(spot, slope)
    if found is None:
        words = say("A product entry by entry by a vector is a product with the matrix that has this vector "
                    "on its diagonal:")  # fmt: skip
        return words, Form(spot.form(Diag(transposed(slopes) if shape(slopes) == (False, True) else slopes)))
    return _alone(spot, found), Local(whole(spot, found), spot.array)


def _alone(spot: Spot, image: Key) -> Paragraph:
    """a₁ is computed from z₁ alone, or reads it alone while all other paths are held fixed."""
    words, jacobian = _reads_alone(spot, image)
    return say(
        *words, f": moving one element of the one array moves one of the other. So the {jacobian}, with a "
        "row for each element of ", Whole(whole(spot, image)), " and a column for each of ",
        Whole(spot.array), ", has zeros outside of its diagonal:",
    )  # fmt: skip


def _reads_alone(spot: Spot, image: Key) -> tuple[Words, str]:
    """What is true of the image and the element, and which Jacobian is diagonal therefore."""
    others = dict.fromkeys(whole(spot, k) for k in held(spot, _elements(spot), image))
    if not others:
        words: Words = (ref(image), " is computed from ", spot.element, " and from no other element of ",
                        Whole(spot.array))  # fmt: skip
        return words, "Jacobian"
    named = listed([Whole(o) for o in others]) if len(others) <= FEW else ("all else",)
    return (
        "Directly – with ", *named, " held fixed – ", ref(image), " reads only ", spot.element, " and no "
        "other element of ", Whole(spot.array), " (what is held fixed lies on other paths, which have terms "
        "of their own)",
    ), "direct Jacobian"  # fmt: skip


def _image(spot: Spot, slope: Grid) -> Key | None:
    """The element that is an elementwise function of this one, with these slopes; measured for all."""
    sources = _elements(spot)
    flat = [v for row in slope for v in row]
    for name in _steps(spot):
        images: list[Key] = []
        for source, wanted in zip(sources, flat, strict=False):
            moved = [(k, v) for k, v in _moves(spot, name, source) if v]
            if len(moved) == 1 and agrees(moved[0][1], wanted):
                images.append(moved[0][0])
        if len(flat) == len(sources) == len(images) == len(set(images)):
            return images[sources.index(spot.key)]
    return None


def _elements(spot: Spot) -> list[Key]:
    """All elements of the variable beside this one, row by row."""
    places: list[Spot] = [spot]
    for index in spot.own:
        places = [p.moved({index: v}) for p in places for v in spot.range(index)]
    return [p.key for p in places]


def _moves(spot: Spot, name: str, source: Key) -> Iterator[tuple[Key, float]]:
    """The derivatives of the elements of a variable by one element, by their own equations."""
    for at in points(spot.system.model.arrays[name].axes, spot.oracle):
        try:
            yield (name, at), float(spot.oracle.partial_of(name, at, source))
        except OutsideRange:
            # no equation defines this element, and nothing reads it
            continue


def _steps(spot: Spot) -> list[str]:
    """The variables that may be one elementwise step away."""
    cost = spot.system.model.cost
    names = (*sorted(spot.system.through), *spot.case.consumers)
    return [n for n in dict.fromkeys(names) if n != cost]


def _matrix(spot: Spot, back: Matrix, slopes: Matrix) -> tuple[Block, ...]:
    carried, slope = spot.grid(back), spot.grid(slopes)
    total = entrywise(carried, slope)
    up, across = axes_of(Hadamard((back, slopes)))
    strong = {(offset(spot, up) or 0, offset(spot, across) or 0)}
    count = len(total) * len(total[0])
    found = _image(spot, slope)
    if found is None:
        intro = say("Each entry has a factor of its own. For all entries below each other that is a "
                    f"{count}×{count} matrix with these factors on its diagonal and zeros elsewhere; "
                    "multiplying by it is multiplying entry by entry:")  # fmt: skip
    else:
        words, jacobian = _reads_alone(spot, found)
        intro = say(
            *words, f". The {jacobian}, with a row and a column for each of the {count} elements, has zeros "
            "outside of its diagonal, and multiplying by it is multiplying entry by entry:",
        )  # fmt: skip
    return (
        intro,
        Lines((
            Line(Form(spot.form(Hadamard((back, slopes)))), "=",
                 side(shaped(carried, strong), "⊙", shaped(slope, strong if len(slope) > 1 else ()))),
            Line(None, "=", shaped(total, strong)),
        )),
    )  # fmt: skip


# ── softmax ───────────────────────────────────────────────────────────────────────────────────────


def softmax_section(spot: Spot) -> Section | None:
    """The Jacobian of softmax is full: every output reads every input, through the common sum."""
    for name in _steps(spot):
        equations = spot.system.model.equations_of(name)
        if not any(isinstance(e.rhs, Weights) and e.rhs.op == "softmax" for e in equations):
            continue
        ends = [k for k, v in _moves(spot, name, spot.key) if v]
        sources = [s for s in _elements(spot) if ends and spot.oracle.partial_of(*ends[0], s)]
        if 1 < len(ends) == len(sources) <= LARGEST and len(equations) == 1:
            return _softmax(spot, ends, sources)
    return None


def _softmax(spot: Spot, ends: list[Key], sources: list[Key]) -> Section:
    grid = tuple(tuple(float(spot.oracle.partial_of(*e, s)) for s in sources) for e in ends)
    values = [float(spot.oracle.element(*k)) for k in ends]
    formula = tuple(
        tuple(p * (r == c) - p * q for c, q in enumerate(values)) for r, p in enumerate(values)
    )
    same_grid(spot, formula, grid)
    for column in turned(grid):
        spot.same(1 + sum(column), 1, "the sum of a column of the Jacobian of softmax")
    blocks: list[Block] = [
        say(ref(ends[0]), " reads ", *listed(refs(sources)), ", because softmax divides by the sum over all "
            "of them; so do the others. The Jacobian is full, and no Hadamard product alone can stand for "
            "it. ", *_softmax_entries(ends)),
        Lines((
            Line(None, "", shaped(spot.vector(values)), ("the outputs ", *listed(refs(ends)))),
            Line(None, "", shaped(grid), ("a row for each output, a column for each input",)),
        )),
        say("Every column adds up to 0, since the outputs always add up to 1."),
        *_softmax_back(spot, ends, sources, grid),
    ]  # fmt: skip
    return Section("softmax", ("Why does softmax not give a Hadamard product?",), tuple(blocks))


def _softmax_entries(ends: list[Key]) -> Words:
    """What stands on the diagonal and beside it, in the outputs."""
    p, q = ref(ends[0]), ref(ends[1])
    return (
        "The first number on its diagonal is ", mul((p, 1 - p)), ", the one beside it ", -mul((p, q)),
        ", and all others are made of their outputs in the same way:",
    )  # fmt: skip


def _softmax_back(spot: Spot, ends: list[Key], sources: list[Key], grid: Grid) -> list[Block]:
    """The transpose of the Jacobian times what comes back, where that is all that comes back."""
    back = tuple(spot.adjoint(k) for k in ends)
    total = [v for v, in product(turned(grid), tuple((b,) for b in back))]
    if not all(agrees(a, spot.adjoint(s)) for a, s in zip(total, sources, strict=True)):
        return []
    place, ways = sources.index(spot.key), range(len(ends))
    if spot.rows:
        return [
            say("Going back, the row of the adjoints of the outputs is multiplied by the whole matrix, which "
                "gives the row of those of the inputs:"),
            Lines((
                Line(None, "", side(shaped((back,), {(0, c) for c in ways}),
                                    shaped(grid, {(c, place) for c in ways}), "=",
                                    shaped((tuple(total),), {(0, place)}))),
            )),
        ]  # fmt: skip
    return [
        say("Going back is multiplying by its transpose, the whole matrix, here from the adjoints of the "
            "outputs to those of the inputs:"),
        Lines((
            Line(None, "", side(shaped(turned(grid), {(place, c) for c in ways}),
                                shaped(spot.vector(back), {(c, 0) for c in ways}),
                                "=", shaped(spot.vector(total), {(place, 0)}))),
        )),
    ]  # fmt: skip
