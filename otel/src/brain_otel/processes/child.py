"""A process of the processor: ``python -m brain_otel.processes.child``, started by the parent and by nobody else."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable

import uvloop

from brain_common.ending import until_told
from brain_common.errors import ConfigError
from brain_common.logs import configure_logging
from brain_otel.processes.task import READY, WRONG, Report, Task, read_task, until_orphaned


def main() -> None:
    """Until told to end, or the parent dies."""
    task = read_task(sys.stdin.buffer)
    report = Report()
    configure_logging(task.settings.log_level, task.name)
    try:
        uvloop.run(_run(task, lambda: report.say(READY)))
    except ConfigError as error:
        report.say(f"{WRONG}{error}")
        sys.exit(1)
    # All is closed. A thread may still wait for a lake that is away, and Python would wait for it.
    sys.stderr.flush()
    os._exit(0)


async def _run(task: Task, ready: Callable[[], None]) -> None:
    if task.role == "worker":
        from brain_otel.service import run_worker

        return await run_worker(task.settings.of_worker(task.number), ready, _until_over, task.socket)
    from brain_otel.side.process import run_side

    assert task.socket is not None
    return await run_side(task.settings, task.socket, ready, _until_over)


async def _until_over() -> None:
    ends = [asyncio.create_task(until_told()), asyncio.create_task(until_orphaned())]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for end in ends:
        end.cancel()


if __name__ == "__main__":
    main()
