"""``brain otel``: run the processor behind an OpenTelemetry Collector."""

from __future__ import annotations

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
    from brain_otel.processes.run import run

    settings = load_settings(config, OtelSettings)
    if check_config:
        from brain_otel.service import check

        check(settings)
        for warning in absent_credentials(settings):
            typer.echo(warning, err=True)
        typer.echo(f"{config}: good")
        return
    configure_logging(settings.log_level)
    run(settings)
