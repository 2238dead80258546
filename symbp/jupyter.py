"""A cell magic for Jupyter: ``%load_ext symbp``, then ``%%symbp`` above the text of a model.

    %%symbp delta --notation bishop
    index l = 1..L
    …

binds ``model`` and shows the derivations of the variables that are named, or of all.
"""

from __future__ import annotations

import shlex
from typing import Any

import click

from symbp.api import Derivations, parse
from symbp.errors import SymbpError
from symbp.terminal import say


def magic(shell: Any, line: str, cell: str) -> Derivations | None:
    """What the cell shows; None after an error, which is told as on the command line."""
    try:
        command = _OPTIONS.make_context("%%symbp", shlex.split(line), resilient_parsing=False)
        given = command.params
        model = parse(cell, given["name"], _pairs(given["bind"]))
        shell.user_ns[given["name"]] = model
        return model.derivations(*given["variables"], detail=given["detail"], notation=given["notation"])
    except SymbpError as problem:
        say(str(problem), err=True)
    except (click.ClickException, ValueError) as problem:
        told = problem.format_message() if isinstance(problem, click.ClickException) else str(problem)
        say(f"error: {told}\n  help: {_USAGE}", err=True)
    except click.exceptions.Exit:
        pass
    return None


def _pairs(bind: tuple[str, ...]) -> dict[str, str]:
    from symbp.cli import bindings

    return bindings(bind)


_USAGE = (
    "write %%symbp [VARIABLE]... [--detail result|key|all] [--notation NAME] "
    "[--bind NAME=DEFINITION] [--name NAME]"
)
_OPTIONS = click.Command(
    "%%symbp",
    params=[
        click.Argument(["variables"], nargs=-1, metavar="[VARIABLE]..."),
        click.Option(["--name"], default="model", help="The name to bind the model to."),
        click.Option(["--detail"], type=click.Choice(["result", "key", "all"]), default="key"),
        click.Option(["--notation"], default="nielsen"),
        click.Option(["--bind"], multiple=True, metavar="NAME=DEFINITION"),
    ],
)


def load(shell: Any) -> None:
    """Make the magic known to an IPython shell."""

    def symbp(line: str, cell: str) -> Derivations | None:
        return magic(shell, line, cell)

    shell.register_magic_function(symbp, "cell", "symbp")
