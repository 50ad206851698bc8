"""``brain rca``: the service, and one analysis without it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)
YEAR_3000 = 32503680000.0  # seconds since the epoch; who gives more has given milliseconds


@app.command()
def serve(
    config: Annotated[Path, typer.Option(help="Configuration file (YAML).")],
    check_config: Annotated[
        bool, typer.Option("--check-config", help="Check the file, say what is wrong, and exit.")
    ] = False,
) -> None:
    """Run the RCA service: webhook, gRPC, incident pages, metrics."""
    from brain_cli.configured import configured
    from brain_common.logs import configure_logging
    from brain_rca.config import RcaSettings
    from brain_rca.service import check

    settings = configured(config, RcaSettings, check, check_only=check_config)
    configure_logging(settings.log_level)

    async def run() -> None:
        from brain_common.ending import until_told
        from brain_rca.service import running

        async with running(settings):
            await until_told()

    _loop_runner(run())


@app.command()
def analyze(
    alerts: Annotated[Path, typer.Option(help="Alertmanager webhook payload (JSON); - reads standard input.")],
    prometheus: Annotated[str, typer.Option(help="URL of Prometheus, Thanos or Mimir.")],
    config: Annotated[
        Path | None, typer.Option(help="Configuration file, for windows, aliases and catalogues.")
    ] = None,
    at: Annotated[
        float | None,
        typer.Option(min=0, max=YEAR_3000, help="Judge as of this time, seconds since the epoch; now when left out."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the incident as JSON.")] = False,
) -> None:
    """Rank the causes of one alert group, print them, and exit. Nothing is stored or published."""
    from brain_rca.one_shot import analyze_once

    body = sys.stdin.buffer.read() if str(alerts) == "-" else _read(alerts)
    incident = asyncio.run(analyze_once(body, prometheus, config, at))
    if as_json:
        import msgspec

        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(incident), indent=1) + b"\n")
        return
    from brain_cli.show import print_incident

    print_incident(incident)


def _read(path: Path) -> bytes:
    from brain_common.errors import ConfigError

    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error


def _loop_runner(main: object) -> None:
    import uvloop

    uvloop.run(main)  # type: ignore[arg-type]
