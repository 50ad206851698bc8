"""``brain otel``: one process where one is enough, else a parent with workers and a side process."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from brain_common.ending import until_told
from brain_otel.config import OtelSettings
from brain_otel.side.installed import check_lake

# Together below the half minute that Kubernetes gives a pod.
_WORKER_END: Final = 20.0  # seconds
_SIDE_END: Final = 9.0


def run(settings: OtelSettings) -> None:
    """Run the processor until SIGTERM or SIGINT.

    Raises:
        ConfigError: Something configured is wrong or cannot be had; it did not start.
        DiedError: A worker ended before it was ready.
    """
    check_lake(settings)
    if settings.workers == 1 and settings.lake is None:
        import uvloop

        from brain_otel.service import run_worker

        uvloop.run(run_worker(settings, lambda: None, until_told, None))
        return
    with tempfile.TemporaryDirectory(prefix="brain-otel-") as folder:
        asyncio.run(_supervise(settings, Path(folder)))


async def _supervise(settings: OtelSettings, folder: Path) -> None:
    from brain_otel.processes.supervisor import Program, supervise
    from brain_otel.processes.task import Task

    socket = folder / "side.sock" if settings.lake is not None else None
    tasks = [Task("worker", number, settings, socket) for number in range(settings.workers)]
    programs = [Program(task.name, task.packed(), True, _WORKER_END) for task in tasks]
    if socket is not None:
        side = Task("side", 0, settings, socket)
        programs.append(Program(side.name, side.packed(), False, _SIDE_END))
    await supervise(programs, until_told)
