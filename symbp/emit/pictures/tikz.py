"""Drawings as TikZ, without any of its libraries."""

from __future__ import annotations

from collections.abc import Iterator

from symbp.emit.environment import environment
from symbp.emit.layout import Box
from symbp.emit.pictures.drawing import INNER, Arrow, Drawing, Node, Point, corners, line, tip
from symbp.emit.tex import tex

BASELINE = 0.25
"""How far the middle of a label lies above its baseline, in em of Computer Modern."""


def tikz(drawing: Drawing, standalone: bool = False) -> str:
    """The drawing as a ``tikzpicture``, or as an article that compiles by itself."""
    return (
        environment()
        .get_template("pictures/drawing.tex.j2")
        .render(
            standalone=standalone,
            width=number(drawing.size[0]),
            height=number(drawing.size[1]),
            arrows=[row for a in drawing.arrows for row in _arrow(a)],
            nodes=[row for n in drawing.nodes for row in _node(n)],
            labels=[_formula(n.box, n.at, n.anchor, n.role) for n in drawing.labels],
        )
        .rstrip("\n")
    )


def number(value: float) -> str:
    """An em to a thousandth."""
    shown = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if shown == "-0" else shown


def _at(point: Point) -> str:
    return f"({number(point[0])},{number(point[1])})"


def _node(node: Node) -> Iterator[str]:
    style = f"symbp {node.role}"
    (x, y), (w, h) = node.at, node.size
    match node.shape:
        case "box" | "hexagon":
            yield rf"\filldraw[{style} node] {' -- '.join(map(_at, corners(node)))} -- cycle;"
        case "circle" | "double":
            for inside in (0.0, INNER)[: 2 if node.shape == "double" else 1]:
                radii = f"{number(w / 2 - inside)} and {number(h / 2 - inside)}"
                yield rf"\filldraw[{style} node] {_at(node.at)} ellipse ({radii});"
        case "dots":
            for k in (-1, 0, 1):
                yield rf"\fill {_at((x, y + 0.4 * k))} circle (0.08);"
        case _:
            raise TypeError(f"there is no shape {node.shape}")
    if node.label is not None:
        yield _formula(node.label, node.at, role="plain" if node.role == "muted" else node.role)


def _arrow(arrow: Arrow) -> Iterator[str]:
    way = _at(arrow.start)
    for segment in line(arrow):
        if len(segment) == 3:
            way += f" .. controls {_at(segment[0])} and {_at(segment[1])} .. {_at(segment[2])}"
        else:
            way += f" -- {_at(segment[0])}"
    yield rf"\draw[symbp {arrow.role} line] {way};"
    if arrow.tip:
        yield rf"\fill[symbp {arrow.role}] {' -- '.join(map(_at, tip(arrow)))} -- cycle;"


def _formula(box: Box, at: Point, anchor: str = "middle", role: str = "plain") -> str:
    place = {"start": "base west", "end": "base east"}.get(anchor, "base")
    where = _at((at[0], at[1] + BASELINE))
    return rf"\node[symbp label, symbp {role}, anchor={place}] at {where} {{${tex(box, False).strip()}$}};"
