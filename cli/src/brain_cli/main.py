"""``brain``: the one command. Subcommands import their part only when called, so that starting stays quick."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Final

import typer

from brain_cli import audit, bench, demo, exporter, incident, lab, lake, mcp, otel, rca
from brain_common.errors import BrainError
from brain_common.logs import mask

_EXTRAS: Final = {
    "rca": "rca",
    "audit": "rca",
    "incident": "rca",
    "demo": "rca",
    "lab": "lab",
    "exporter": "exporters",
    "lake": "lake",
    "mcp": "mcp",
    "otel": "otel",
}
"""By command, the extra of the distribution that holds what it needs; ``all`` for the others."""

app = typer.Typer(
    name="brain",
    help="Root causes for Alertmanager groups, where on-call engineers already look.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(rca.app, name="rca", help="The RCA service, and one-shot analysis.")
app.add_typer(incident.app, name="incident", help="Incidents of a running service, and feedback about their causes.")
app.add_typer(lab.app, name="lab", help="Recorded and simulated incidents.")
app.add_typer(lake.app, name="lake", help="Keep the lake quick and small.")
app.add_typer(bench.app, name="bench", help="Measure the product; figures are in docs/benchmarks.md.")
app.add_typer(audit.app, name="audit", help="The log of decisions.")
app.command("demo")(demo.demo)
app.command("exporter")(exporter.exporter)
app.command("mcp")(mcp.mcp)
app.command("otel")(otel.otel)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"brain {version('ai-devops-brain')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Common options."""


def main() -> None:
    """Entry point: what went wrong is one line on standard error and exit code 1, never a traceback."""
    try:
        app()
    except BrainError as error:
        sys.stderr.write(f"brain: {' '.join(mask(str(error)).split())}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0].startswith("brain_"):
            raise
        sys.stderr.write(
            f"brain: this command needs the package {error.name}, which is not installed; "
            f"install the part you use: {_parts(sys.argv[1:])}\n"
        )
        sys.exit(1)


def _parts(arguments: Sequence[str]) -> str:
    command = next((argument for argument in arguments if not argument.startswith("-")), "")
    extras = dict.fromkeys((_EXTRAS.get(command, "all"), "all"))
    return ", or ".join(f"ai-devops-brain[{extra}]" for extra in extras)
