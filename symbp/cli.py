"""The command line: files, messages and exit status.  Everything heavy is imported inside the commands.

Exit status: 0 done; 1 the input is wrong or a check failed; 2 usage.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from symbp.errors import SymbpError
from symbp.terminal import columns, progress, say
from symbp.version import VERSION

if TYPE_CHECKING:
    from symbp.verify.report import Report

FORMATS = ("latex", "beamer", "markdown", "html", "notebook", "text")
EXPLAINED = ("text", "markdown", "html", "latex")
FLAVORS = ("github", "myst", "quarto", "pandoc")
DETAILS = ("result", "key", "all")
SHOWN = ("text", "svg", "tikz")
TARGETS = ("numpy", "numba", "latex", "beamer", "markdown", "html", "notebook")
NAMED = ("nielsen", "goodfellow", "ng", "bishop", "rows")

Command = Callable[..., Any]


@contextmanager
def _told() -> Iterator[None]:
    """What symbp refuses is one message on stderr and exit status 1; never a traceback."""
    try:
        yield
    except SymbpError as problem:
        say(str(problem), err=True)
        sys.exit(1)
    except RecursionError:
        say("error: an expression of the model is nested too deeply\n"
            "  help: give its parts names of their own, on lines of their own", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # the reader of a pipe has seen enough
        sys.stderr.close()
        sys.exit(1)
    except OSError as problem:
        say(f"error: cannot write the output: {problem.strerror or problem}", err=True)
        sys.exit(1)
    except (click.ClickException, click.exceptions.Exit, click.Abort):
        raise
    except Exception as problem:
        if os.environ.get("SYMBP_DEBUG"):
            raise
        say(
            f"error: symbp itself failed: {type(problem).__name__}: {problem}\n"
            "  help: this is a defect of symbp; please report it with the model, "
            "and with what SYMBP_DEBUG=1 shows",
            err=True,
        )
        sys.exit(1)


def _bind_option(command: Command) -> Command:
    return click.option(
        "--bind", "bind", multiple=True, metavar="NAME=DEFINITION",
        help="Define an abstract function: sigma=tanh, or 'sigma(u)=u/(1 + abs(u))'.",
    )(command)


def _notation(context: click.Context, option: click.Parameter, value: str) -> str:
    if value in NAMED or value.endswith(".toml"):
        return value
    raise click.BadParameter(f"{value!r} is not one of {', '.join(NAMED)}, and not a .toml file")


def _targets(context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    named = tuple(dict.fromkeys(name for value in values for name in value.split(",")))
    for name in named:
        if name not in TARGETS:
            raise click.BadParameter(f"{name!r} is not one of {', '.join(TARGETS)}")
    return named


def bindings(bind: tuple[str, ...]) -> dict[str, str]:
    pairs = {}
    for text in bind:
        left, sign, right = text.partition("=")
        if not sign or not left.strip() or not right.strip():
            hint = "write --bind sigma=tanh or --bind 'sigma(u)=u/(1 + abs(u))'"
            raise click.UsageError(f"--bind {text}: {hint}")
        pairs[left.strip()] = right.strip()
    return pairs


def _write(text: str, output: Path | None) -> None:
    if output is None:
        click.echo(text, nl=not text.endswith("\n"))
        return
    from symbp.files import write_whole

    write_whole(output, text if text.endswith("\n") else text + "\n")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="symbp")
def main() -> None:
    """Derive the gradients of a model line by line, and generate notes and code from them.

    MODEL is a .symbp file, or the name of a model that comes with symbp (symbp models).
    """


@main.command()
@click.argument("model")
@click.argument("variables", nargs=-1, metavar="[VARIABLE]...")
@click.option("--format", "format_", type=click.Choice(FORMATS), default=None,
              help="latex (default), beamer, markdown, html, notebook or text.")
@click.option("--flavor", type=click.Choice(FLAVORS), default=None,
              help="What the Markdown is for: github (default), myst, quarto or pandoc.")
@click.option("--detail", type=click.Choice(DETAILS), default="key", show_default=True,
              help="How many lines: the results, the key lines, or every line.")
@click.option("--notation", default="nielsen", show_default=True, callback=_notation,
              metavar="NAME|FILE.toml", help=f"{', '.join(NAMED)}, or your own in a TOML file.")
@click.option("--standalone/--fragment", default=None,
              help="A whole document, or a part to include: latex is a part by itself, beamer whole.")
@click.option("--pictures/--no-pictures", default=None,
              help="With pictures: html and whole documents have them unless told otherwise.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
@_bind_option
def derive(
    model: str, variables: tuple[str, ...], format_: str | None, flavor: str | None, detail: str,
    notation: str, standalone: bool | None, pictures: bool | None, output: Path | None, bind: tuple[str, ...],
) -> None:  # fmt: skip
    """Write the derivation of VARIABLES, with a reason for every line.

    A variable is named by its own name or by that of its adjoint.  Without any: every named adjoint
    and every parameter.
    """
    with _told():
        from symbp import pipeline

        built = pipeline.load(model, bindings(bind))
        chosen = format_ or _format_of(output)
        flavor = "github" if chosen == "markdown" and flavor is None else flavor
        text = pipeline.documented(
            built, variables, chosen, detail, notation, standalone, pictures, flavor,
            columns() if output is None else None,
        )
        _write(text, output)


def _format_of(output: Path | None, default: str = "latex") -> str:
    """The format that the name of the output file asks for."""
    from symbp.emit import EMITTERS

    name = output.name if output else ""
    fitting = [e for e in EMITTERS if name.endswith(e.suffix)]
    return max(fitting, key=lambda e: len(e.suffix)).name if fitting else default


@main.command()
@click.argument("model")
@click.argument("variable")
@click.option("--format", "format_", type=click.Choice(EXPLAINED), default=None,
              help="text (default), markdown, html or latex.")
@click.option("--notation", default="nielsen", show_default=True, callback=_notation,
              metavar="NAME|FILE.toml", help=f"{', '.join(NAMED)}, or your own in a TOML file.")
@click.option("--standalone", is_flag=True, help="A whole document instead of a fragment to include.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
@_bind_option
def explain(
    model: str, variable: str, format_: str | None, notation: str, standalone: bool,
    output: Path | None, bind: tuple[str, ...],
) -> None:  # fmt: skip
    """Explain the adjoint of VARIABLE with small numbers.

    What it means, along which paths it comes, and why its formula has a transpose, a Hadamard product
    or a sum, where it has one.  Every equality of numbers is checked.
    """
    with _told():
        from symbp import explaining, pipeline

        built = pipeline.load(model, bindings(bind))
        page = explaining.explained(built, variable, pipeline.notation_of(notation).vectors)
        format_ = format_ or _format_of(output, "latex" if standalone else "text")
        _write(explaining.explanation_text(built, page, format_, notation, standalone), output)


@main.command()
@click.argument("models", nargs=-1, metavar="MODEL...")
@click.option("-o", "--output", type=click.Path(path_type=Path, file_okay=False),
              help="The directory to write to; without it a single model goes to stdout.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 with a diff if a file is stale.")
@click.option("--force", is_flag=True, help="Overwrite files that were edited by hand.")
@click.option("--target", "targets", multiple=True, callback=_targets, metavar="NAME[,NAME]...",
              help=f"{', '.join(TARGETS)}; numpy unless told otherwise.")
@click.option("--wrt", multiple=True, help="A gradient with respect to an input too.")
@_bind_option
def generate(
    models: tuple[str, ...], output: Path | None, check: bool, force: bool,
    targets: tuple[str, ...], wrt: tuple[str, ...], bind: tuple[str, ...],
) -> None:  # fmt: skip
    """Generate NumPy modules, and documents, for MODELs.

    With --check and no MODEL: every generated file of the directory (default: generated) is made again
    and compared.
    """
    with _told():
        from symbp import generating

        given = bindings(bind)
        if check:
            stale = generating.check(
                models, output or Path("generated"), targets, wrt, given, progress
            )
            click.echo(stale, nl=False)
            sys.exit(1 if stale else 0)
        if not models:
            raise click.UsageError("name at least one MODEL")
        if output is None and len(models) * max(1, len(targets)) > 1:
            raise click.UsageError("several files need a directory: -o DIR")
        generating.generate(models, output, targets or ("numpy",), wrt, given, force, click.echo, progress)


@main.command()
@click.argument("models", nargs=-1, required=True, metavar="MODEL...")
@_bind_option
def verify(models: tuple[str, ...], bind: tuple[str, ...]) -> None:
    """Check every derivation line and the generated code of MODELs numerically."""
    with _told():
        from symbp import pipeline

        reports: list[Report] = []
        try:
            for name in progress(models):
                reports.append(pipeline.verified(pipeline.load(name, bindings(bind))))  # noqa: PERF401
        finally:
            # behind the bar, and also where a later model is wrong
            for report in reports:
                say(str(report))
        sys.exit(0 if all(r.ok for r in reports) else 1)


@main.command()
@click.argument("model")
@click.argument("variable", required=False)
@click.option("--format", "format_", type=click.Choice(SHOWN), default=None,
              help="text (default), or a picture: svg or tikz.")
@click.option("--notation", default="nielsen", callback=_notation, metavar="NAME|FILE.toml",
              help="That of a picture; see symbp derive.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file instead of stdout.")
@_bind_option
def show(
    model: str, variable: str | None, format_: str | None, notation: str, output: Path | None,
    bind: tuple[str, ...],
) -> None:  # fmt: skip
    """Show the equations of MODEL, its shapes and ranges, and the order of evaluation.

    As a picture: its dependency graph, or with VARIABLE the layer through which errors come back to it.
    """
    with _told():
        from symbp import pipeline

        chosen = format_ or {".svg": "svg", ".tex": "tikz"}.get(output.suffix if output else "", "text")
        if variable is not None and chosen == "text":
            raise click.UsageError("a VARIABLE is shown as a picture: --format svg or tikz")
        built = pipeline.load(model, bindings(bind))
        if chosen == "text":
            _write(pipeline.shown(built), output)
        else:
            _write(pipeline.drawn(built, (variable,) if variable else (), chosen, notation), output)


@main.command()
def models() -> None:
    """List the models that come with symbp."""
    with _told():
        from symbp import models as library

        width = max(map(len, library.names()))
        for name in library.names():
            click.echo(f"{name.ljust(width)}  {library.title(name)}".rstrip())

