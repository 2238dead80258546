"""Steps of arrays that hold all steps: a view for each, made once with the workspace.

``h[t]`` makes a new view in each turn of a loop, which takes as long as adding short vectors; ``h_at[t]``
looks it up in the list ``h_at = [*h]``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

LOOP = re.compile(r"( *)for (\w+) in range\(")
READ = re.compile(r"\b(\w+)\[([\w +-]+)\]")


def with_views(
    lines: Sequence[str], blocks: Collection[str], unused: Callable[[str], str]
) -> tuple[list[str], dict[str, str]]:
    """The lines, and for each array whose steps loops read its name and that of the list of its views."""
    made: dict[str, str] = {}
    around: list[tuple[int, str]] = []
    out = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        around = [(depth, index) for depth, index in around if depth < indent]
        out.append(_line(line, {index for _, index in around}, blocks, made, unused))
        if loop := LOOP.match(line):
            around.append((len(loop[1]), loop[2]))
    return out, made


def _line(
    line: str, loops: set[str], blocks: Collection[str], made: dict[str, str], unused: Callable[[str], str]
) -> str:
    code, mark, comment = line.partition("  # ")
    target = re.match(r" *\w+\[[^\]]*\] \S?= ", code)
    kept = target.end() if target else 0  # what is assigned to is the array's step, not the list's

    def view(found: re.Match[str]) -> str:
        name, position = found[1], found[2]
        if found.start() < kept or name not in blocks or not loops & set(re.findall(r"\w+", position)):
            return found[0]
        if name not in made:
            made[name] = unused(f"{name}_at")
        return f"{made[name]}[{position}]"

    return READ.sub(view, code) + mark + comment if loops else line
