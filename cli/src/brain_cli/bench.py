"""``brain bench``: figures of the product, each by a command that anybody can repeat."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Measure the product."""
