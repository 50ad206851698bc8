"""``brain otel``: run the processor behind an OpenTelemetry Collector."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer


def otel(
    config: Annotated[Path, typer.Option(help="Configuration file (YAML).")],
    check_config: Annotated[
        bool, typer.Option("--check-config", help="Check the file, say what is wrong, and exit.")
    ] = False,
) -> None:
    """Run the processor: OTLP in, enriched OTLP out, and the service graph."""
    from brain_common.memory import use_few_arenas

    use_few_arenas(mmap_threshold=1 << 20)
    from brain_common.logs import configure_logging
    from brain_common.settings import absent_credentials, load_settings
    from brain_otel.config import OtelSettings
    from brain_otel.steps import configured_steps
    from brain_otel.wire.check import check_wire

    settings = load_settings(config, OtelSettings)
    list(configured_steps(settings))
    if check_config:
        check_wire(settings)
        for warning in absent_credentials(settings):
            typer.echo(warning, err=True)
        typer.echo(f"{config}: good")
        return
    configure_logging(settings.log_level)

    async def run() -> None:
        from brain_cli.rca import until_told
        from brain_otel.service import running

        async with running(settings) as started:
            told = asyncio.create_task(until_told())
            await asyncio.wait([told, started.failed], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if started.failed.done():
                started.failed.result()

    import uvloop

    uvloop.run(run())
