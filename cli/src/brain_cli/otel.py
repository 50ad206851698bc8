"""``brain otel``: run the processor behind an OpenTelemetry Collector."""

from __future__ import annotations

import os
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

    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # what it has to say, our own lines say
    use_few_arenas(mmap_threshold=1 << 20)
    from brain_cli.configured import configured
    from brain_common.logs import configure_logging
    from brain_otel.config import OtelSettings
    from brain_otel.processes.run import run

    def check(settings: OtelSettings) -> None:
        from brain_otel.service import check  # knows gRPC, which the parent of workers does without

        check(settings)

    settings = configured(config, OtelSettings, check, check_only=check_config)
    configure_logging(settings.log_level)
    run(settings)
