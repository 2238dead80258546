"""Drawings as SVG: text in Unicode letters, no script, no fonts to load, light and dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape as escaped

from symbp.emit.environment import environment
from symbp.emit.layout import Box
from symbp.emit.pictures.drawing import Arrow, Drawing, Label, Node, Point, corners, line, tip
from symbp.emit.pictures.glyphs import runs

EM = 16
"""Pixels to the em."""
BASELINE = 0.3
"""How far the middle of a label lies above its baseline."""


def svg(drawing: Drawing, styled: bool = True) -> str:
    """The drawing as an ``svg`` element.

    Args:
        drawing: what to draw.
        styled: with its style sheet; a page that has it already leaves it out.
    """
    return (
        environment()
        .get_template("pictures/drawing.svg.j2")
        .render(
            id=identifier(drawing.id),
            title=text(drawing.title),
            alt=text(drawing.alt),
            styled=styled,
            width=number(drawing.size[0]),
            height=number(drawing.size[1]),
            arrows=[_arrow(a) for a in drawing.arrows],
            nodes=[_node(n) for n in drawing.nodes],
            labels=[_label(n) for n in drawing.labels],
        )
    ).rstrip("\n")


def identifier(value: str) -> str:
    """An id that is a name in XML."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda m: f".{ord(m[0]):x}", value)


def text(value: str) -> str:
    """A user's text, in which nothing is markup; what XML cannot hold becomes a replacement sign."""
    return escaped(re.sub(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", value))


def number(value: float) -> str:
    """Pixels to a hundredth, without zeros at the end."""
    return (
        f"{value * EM:.2f}".rstrip("0").rstrip(".").replace("-0", "0")
        if abs(value) < 1e-4
        else (f"{value * EM:.2f}".rstrip("0").rstrip("."))
    )


def _points(points: tuple[Point, ...]) -> str:
    return " ".join(f"{number(x)},{number(y)}" for x, y in points)


def _head(item: Node | Arrow | Label, kind: str, name: str) -> str:
    return f'<g id="{identifier(item.id)}" class="{kind} {item.role}" data-name="{text(name)}">'


def _node(node: Node) -> str:
    label = _formula(node.label, node.at) if node.label is not None else ""
    return f"{_head(node, 'node', node.name)}{''.join(_shape(node))}{label}</g>"


def _shape(node: Node) -> Iterator[str]:
    (x, y), (w, h) = node.at, node.size
    match node.shape:
        case "box" | "hexagon":
            yield f'<polygon points="{_points(corners(node))}"/>'
        case "circle":
            yield _ellipse(node.at, w / 2, h / 2)
        case "double":
            yield _ellipse(node.at, w / 2, h / 2)
            yield _ellipse(node.at, w / 2 - 0.2, h / 2 - 0.2)
        case "dots":
            for k in (-1, 0, 1):
                yield f'<circle class="dot" cx="{number(x)}" cy="{number(y + 0.4 * k)}" r="{number(0.08)}"/>'
        case _:
            raise TypeError(f"there is no shape {node.shape}")


def _ellipse(at: Point, rx: float, ry: float) -> str:
    return f'<ellipse cx="{number(at[0])}" cy="{number(at[1])}" rx="{number(rx)}" ry="{number(ry)}"/>'


def _arrow(arrow: Arrow) -> str:
    start = f"M{_points((arrow.start,))}"
    rest = "".join(("C" if len(s) == 3 else "L") + _points(s) for s in line(arrow))
    point = f'<polygon points="{_points(tip(arrow))}"/>' if arrow.tip else ""
    return f'{_head(arrow, "arrow", f"{arrow.source} {arrow.target}")}<path d="{start}{rest}"/>{point}</g>'


def _label(label: Label) -> str:
    return f"{_head(label, 'label', label.name)}{_formula(label.box, label.at, label.anchor)}</g>"


def _formula(box: Box, at: Point, anchor: str = "middle") -> str:
    """A text element; its pieces move up and down by dy, which every browser knows."""
    height, left, out = 0.0, 0.0, []
    for run in runs(box):
        if not run.text:
            left = run.back
            continue
        move, rise = -run.back - left, run.rise - height
        height, left = run.rise, 0.0
        how = f' dx="{number(move)}"' if move else ""
        how += f' dy="{number(-rise)}"' if rise else ""
        how += f' font-size="{number(run.size)}"' if run.size != 1 else ""
        out.append(f"<tspan{how}>{text(run.text)}</tspan>" if how else text(run.text))
    place = f'x="{number(at[0])}" y="{number(at[1] + BASELINE)}"'
    middle = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f"<text {place}{middle}>{''.join(out)}</text>"
