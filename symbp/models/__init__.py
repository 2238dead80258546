"""The models that come with symbp, one ``.symbp`` file each: a new file is found by itself."""

from __future__ import annotations

import re
from pathlib import Path

from symbp.errors import RequestProblem

_FOLDER = Path(__file__).parent
_TITLE = re.compile(r'^\s*title\s*"([^"\n]*)"', re.MULTILINE)


def names() -> tuple[str, ...]:
    """The names of the models, in alphabetical order."""
    return tuple(sorted(file.stem for file in _FOLDER.glob("*.symbp")))


def path(name: str) -> Path:
    """The file of a model.

    Raises:
        RequestProblem: if no model with this name comes with symbp.
    """
    if name not in names():
        raise RequestProblem(
            f"no model named '{name}' comes with symbp", hint=f"there are {', '.join(names())}"
        )
    return _FOLDER / f"{name}.symbp"


def title(name: str) -> str:
    """The text of a model's title line, "" if it has none.  The model is not read otherwise.

    Raises:
        RequestProblem: if no model with this name comes with symbp.
    """
    found = _TITLE.search(path(name).read_text(encoding="utf-8"))
    return found.group(1) if found else ""
