"""The bar that a long evaluation draws on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Advance = Callable[[str], None]
"""Called when a run is done, with what it was."""


@contextmanager
def progress_bar(total: int, *, visible: bool) -> Iterator[Advance]:
    """A bar of ``total`` runs with the time that is left; nothing at all where it is not to be seen."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
    )
    with Progress(*columns, console=Console(stderr=True), disable=not visible) as progress:
        task = progress.add_task("", total=total)
        yield lambda what: progress.update(task, advance=1, description=escape(what))
