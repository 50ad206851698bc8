"""``brain exporter <name>``: run one exporter."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer


def exporter(
    name: Annotated[str, typer.Argument(help="kube-events, cloudtrail, cost or changes.")],
    config: Annotated[Path, typer.Option(help="Configuration file (YAML).")],
    check_config: Annotated[
        bool, typer.Option("--check-config", help="Check the file, say what is wrong, and exit.")
    ] = False,
) -> None:
    """Run an exporter: metrics of a signal that Prometheus lacks, and its events into the lake."""
    _hold_little_memory()
    from brain_cli.configured import configured
    from brain_common.logs import configure_logging
    from brain_exporters.runtime.exporter import load_kind
    from brain_exporters.runtime.run import check

    kind = load_kind(name)
    settings = configured(config, kind.settings, check, check_only=check_config)
    configure_logging(settings.log_level)

    async def run() -> None:
        from brain_common.ending import until_told
        from brain_exporters.runtime.run import running

        async with running(kind, settings) as started:
            told = asyncio.create_task(until_told())
            await asyncio.wait([told, started.failed], return_when=asyncio.FIRST_COMPLETED)
            told.cancel()
            if started.failed.done():
                started.failed.result()
        # All is closed and durable. A thread may still wait for a silent server, and Python would wait for it.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)

    import uvloop

    uvloop.run(run())


def _hold_little_memory() -> None:
    """Let allocators give memory back: Arrow's keeps what it had. Has to come before the first import of pyarrow."""
    from brain_common.memory import use_few_arenas

    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    use_few_arenas()
