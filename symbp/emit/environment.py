"""Where templates are found, and how they are filled: strictly, and with nothing decided in them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import jinja2

from symbp.errors import SymbpError


def folder() -> Path:
    """The templates: beside the modules in a wheel, at the top of a checkout.

    Raises:
        SymbpError: if there are none: the installation is not whole.
    """
    package = Path(__file__).parents[1]
    for candidate in (package / "templates", package.parent / "templates"):
        if candidate.is_dir():
            return candidate
    raise SymbpError("the templates are missing", hint="install symbp again")


@cache
def environment() -> jinja2.Environment:
    """An undefined name in a template is an error; every template ends with one newline."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder(), encoding="utf-8"),
        undefined=jinja2.StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        newline_sequence="\n",
    )


def render(template: str, **values: object) -> str:
    """One template filled in."""
    return environment().get_template(template).render(**values)
