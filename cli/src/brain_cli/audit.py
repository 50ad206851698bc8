"""``brain audit``: is the log of decisions intact?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from brain_rca.audit import AuditReport

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The log of decisions."""


@app.command()
def verify(
    config: Annotated[Path, typer.Option(help="Configuration file of the service; names the store and the anchors.")],
) -> None:
    """Check every chain of digests, and its end against the anchor file. Exit code 1 if anything was changed."""
    report = asyncio.run(_check(config))
    for problem in report.problems:
        typer.echo(f"{problem.writer} entry {problem.sequence}: {problem.what}", err=True)
    if report.problems:
        raise typer.Exit(1)
    anchored = f"{report.anchors} anchors" if report.anchors else "no anchor file: a cut-off end would not show"
    typer.echo(f"intact: {report.entries} entries of {report.writers} writers, {anchored}")


async def _check(config: Path) -> AuditReport:
    from brain_common.clock import SystemClock
    from brain_common.errors import ConfigError
    from brain_common.settings import load_settings
    from brain_rca.audit import check_audit
    from brain_rca.config import RcaSettings
    from brain_rca.service import build_store

    settings = load_settings(config, RcaSettings)
    database = settings.store.sqlite
    if database is not None and not database.exists():  # opening would make it, and an empty log is intact
        raise ConfigError(f"store.sqlite {database}: no such file")
    store = build_store(settings.store, settings.intake.cooldown_seconds, SystemClock())
    await store.open()
    try:
        return await check_audit(store, settings.audit.anchor_file)
    finally:
        await store.close()
