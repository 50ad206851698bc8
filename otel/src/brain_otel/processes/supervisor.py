"""The parent: starts the processes, starts those again that died, and passes on that it is time to end.

It does nothing else, so that it outlives what they do: no gRPC, no protobuf, no lake.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final

from brain_common.errors import BrainError, ConfigError
from brain_otel.processes.task import READY, WRONG

_log = logging.getLogger(__name__)
_FIRST_PAUSE: Final = 1.0  # seconds before a process that died is started again; doubled each time
_LONGEST_PAUSE: Final = 30.0
_STEADY: Final = 60.0  # seconds after which a death is the first again
# An arena for each thread would double what a process holds; Arrow's own allocator keeps what it had.
_ENVIRONMENT: Final = {"MALLOC_ARENA_MAX": "2", "ARROW_DEFAULT_MEMORY_POOL": "system"}
CHILD: Final = (sys.executable, "-m", "brain_otel.processes.child")


@dataclass(frozen=True, slots=True)
class Program:
    """A process to keep.

    Attributes:
        name: For the log.
        task: For its standard input, which stays open afterwards.
        needed: At the start nothing goes on without it, and it is ended first: the others serve it.
        end_seconds: What it gets to end by itself.
        command: What is run.
    """

    name: str
    task: bytes
    needed: bool
    end_seconds: float
    command: Sequence[str] = CHILD


class DiedError(BrainError):
    """A process ended before it was ready."""


class Kept:
    """One program that is started again whenever it dies.

    Args:
        program: Which.
        sleep: Waits before the next start; an argument so that tests need no time.
    """

    def __init__(self, program: Program, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self.program = program
        self._sleep = sleep
        self._process: Process | None = None
        self._ending = False

    async def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            ConfigError: It says that the configuration is wrong.
            DiedError: It ended.
        """
        process = await asyncio.create_subprocess_exec(
            *self.program.command,
            stdin=PIPE,
            stdout=PIPE,
            env=_ENVIRONMENT | os.environ,
            start_new_session=True,  # a Ctrl-C is passed on by us, in our order
        )
        self._process = process
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(OSError):  # it died: its status says how
            process.stdin.write(self.program.task)
            await process.stdin.drain()
        line = (await process.stdout.readline()).decode().rstrip("\n")
        if line == READY:
            return
        status = await process.wait()
        if line.startswith(WRONG):
            raise ConfigError(line.removeprefix(WRONG))
        raise DiedError(f"{self.program.name}: {_how(status)} before it was ready")

    async def keep(self) -> None:
        """Wait for its end and start it again, until ``end`` is called."""
        pause = _FIRST_PAUSE
        while not self._ending:
            began = time.monotonic()
            why = await self._until_dead()
            if self._ending:
                return
            if time.monotonic() - began > _STEADY:
                pause = _FIRST_PAUSE
            _log.error("%s; starting it again in %.0f s", why, pause)
            await self._sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _until_dead(self) -> str:
        """Start it where it does not run, wait for its end, and say why it came."""
        try:
            if self._process is None or self._process.returncode is not None:
                await self.start()
        except BrainError as error:
            return str(error)
        assert self._process is not None
        return f"{self.program.name}: {_how(await self._process.wait())}"

    async def end(self) -> None:
        """Ask it to end, and end it when it does not."""
        self._ending = True
        if self._process is None or self._process.returncode is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(self.program.end_seconds):
                await self._process.wait()
        except TimeoutError:
            _log.error("%s: does not end within %.0f s; killed", self.program.name, self.program.end_seconds)
            self._process.kill()
            await self._process.wait()


async def supervise(
    programs: Sequence[Program],
    told: Callable[[], Coroutine[Any, Any, None]],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Keep programs until told to end.

    The first that is needed is started alone: what is wrong is then said once. The others follow together.

    Args:
        programs: What to keep.
        told: Makes what ends when it is time to end.
        sleep: Waits before a start after a death.

    Raises:
        ConfigError: A needed program says at its first start that the configuration is wrong.
        DiedError: A needed program ended before it was ready for the first time.
    """
    kept = [Kept(program, sleep) for program in programs]
    ending = asyncio.create_task(told())
    running = asyncio.create_task(_run(kept))
    try:
        await asyncio.wait([ending, running], return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        ending.cancel()
        await _end(kept)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def _run(kept: Sequence[Kept]) -> None:
    needed = [each for each in kept if each.program.needed]
    helpers = [each for each in kept if not each.program.needed]
    tasks = [asyncio.create_task(each.keep()) for each in helpers]
    try:
        await _started(needed)
        tasks += [asyncio.create_task(each.keep()) for each in needed]
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


async def _started(needed: Sequence[Kept]) -> None:
    await needed[0].start()
    results = await asyncio.gather(*(each.start() for each in needed[1:]), return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    _log.info("%s ready", ", ".join(each.program.name for each in needed))


async def _end(kept: Sequence[Kept]) -> None:
    """Those that are needed first: what they still say has to be heard."""
    for needed in (True, False):
        await asyncio.gather(*(each.end() for each in kept if each.program.needed is needed))


def _how(status: int) -> str:
    return f"killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
