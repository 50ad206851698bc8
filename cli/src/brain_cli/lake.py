"""``brain lake``: keep the lake quick and small by hand, or from a CronJob."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from brain_lake.config import UpkeepSettings
    from brain_lake.location import LakeLocation
    from brain_lake.maintenance import Maintenance
    from brain_lake.schemas import TableSchema

app = typer.Typer(no_args_is_help=True)

Lake = Annotated[Path | None, typer.Option(help="Folder of the lake; this or --config.")]
Config = Annotated[
    Path | None, typer.Option(help="Configuration file that names a lake (sections lake and lake_upkeep).")
]
Tables = Annotated[list[str] | None, typer.Option("--table", help="Only this table; may be given again.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]


@app.callback()
def _group() -> None:
    """Keep the lake quick and small."""


@app.command()
def status(lake: Lake = None, config: Config = None, table: Tables = None, as_json: AsJson = False) -> None:
    """Rows, files and bytes of each table, and how many hours of clusters could be compacted."""
    maintenance = _maintenance(lake, config)
    _each("reading", table, maintenance.status, as_json=as_json)


@app.command()
def compact(lake: Lake = None, config: Config = None, table: Tables = None, as_json: AsJson = False) -> None:
    """Join the small files of every hour that is over; may run while the lake is written and read."""
    maintenance = _maintenance(lake, config)
    _each("compacting", table, lambda schema: maintenance.compact(schema, every=True), as_json=as_json)


@app.command()
def retain(
    lake: Lake = None,
    config: Config = None,
    table: Tables = None,
    days: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days to keep, for all tables; as configured when left out.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Delete dates that are older than their table is kept; a vacuum removes the files."""
    changed = {} if days is None else {"retention_days": days, "retention_days_of": {}}
    maintenance = _maintenance(lake, config, changed)
    _each("deleting", table, lambda schema: maintenance.retain(schema, dry_run=dry_run), as_json=as_json)


@app.command()
def vacuum(
    lake: Lake = None,
    config: Config = None,
    table: Tables = None,
    hours: Annotated[
        float | None,
        typer.Option(min=1, max=8760, help="How long files stay that are no longer of the table (24)."),
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Sum up the log, and remove files that the table has not had for a day."""
    maintenance = _maintenance(lake, config, {} if hours is None else {"keep_files_hours": hours})

    def work(schema: TableSchema) -> object:
        if not dry_run:
            maintenance.checkpoint(schema)
        return maintenance.vacuum(schema, dry_run=dry_run)

    _each("vacuuming", table, work, as_json=as_json)


def _maintenance(lake: Path | None, config: Path | None, changed: Mapping[str, object] = {}) -> Maintenance:
    from brain_lake.maintenance import Maintenance

    location, settings = _opened(lake, config)
    return Maintenance(location, settings.model_copy(update=dict(changed)))


def _opened(lake: Path | None, config: Path | None) -> tuple[LakeLocation, UpkeepSettings]:
    from brain_common.errors import ConfigError
    from brain_lake.config import UpkeepSettings, load_lake_file
    from brain_lake.location import LakeLocation

    if (lake is None) == (config is None):
        raise ConfigError("give either --lake (a folder) or --config (a file that names a lake)")
    if config is not None:
        file = load_lake_file(config)
        return LakeLocation.of(file.lake), file.lake_upkeep
    assert lake is not None
    if not lake.is_dir():  # a mistyped path is no empty lake
        raise ConfigError(f"--lake {lake}: no such folder")
    return LakeLocation.local(lake), UpkeepSettings()


def _each(doing: str, names: Sequence[str] | None, work: Callable[[TableSchema], Any], *, as_json: bool) -> None:
    """Do it with every table, showing how far it is, and print what came of it."""
    from rich.console import Console
    from rich.progress import Progress

    schemas = _chosen(names or ())
    results = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=len(schemas))
        for schema in schemas:
            progress.update(task, description=f"{doing} {schema.name}")
            result = work(schema)
            progress.advance(task)
            if result is not None:
                results.append(asdict(result))
    if as_json:
        import json

        typer.echo(json.dumps(results, indent=1))
    else:
        _print(results)


def _chosen(names: Sequence[str]) -> Sequence[TableSchema]:
    from brain_common.errors import ConfigError
    from brain_lake.schemas import TABLES

    known = [table.name for table in TABLES]
    if unknown := sorted(set(names) - set(known)):
        raise ConfigError(f"--table {unknown[0]}: no such table; there are {', '.join(known)}")
    return [table for table in TABLES if not names or table.name in names]


def _print(results: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    if not results:
        typer.echo("the lake has no tables yet")
        return
    shown = Table(box=None, pad_edge=False, header_style="bold")
    for name, value in results[0].items():
        shown.add_column(_TITLES.get(name, name), justify="left" if isinstance(value, str) else "right")
    for result in results:
        shown.add_row(*(_text(value) for value in result.values()))
    console = Console(highlight=False)
    console.width = max(console.width, 100)  # a figure that is cut off is none
    console.print(shown)


_TITLES = {
    "size": "bytes",
    "open_partitions": "to compact",
    "files_before": "files before",
    "files_after": "files after",
    "before": "dates before",
}


def _text(value: object) -> str:
    if value is None:
        return "?"
    return f"{value:,}" if isinstance(value, int) else f"{value}"
