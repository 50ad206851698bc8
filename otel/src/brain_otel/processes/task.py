"""What the parent tells a process that it starts, and what that says back.

The settings travel, not the file's name: a process that is started again after a week has the configuration that was
checked, whatever the file says by now.
"""

from __future__ import annotations

import asyncio
import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Literal

from brain_otel.config import OtelSettings

_LENGTH: Final = 8  # bytes
READY: Final = "ready"
WRONG: Final = "wrong "
"""First word of a line about a wrong configuration; the rest is the message."""


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to be.

    Attributes:
        role: Which program.
        number: Of the worker, from 0; no other has one.
        settings: Of all.
        socket: Where the side process listens; None: there is none.
    """

    role: Literal["worker", "side"]
    number: int
    settings: OtelSettings
    socket: Path | None

    @property
    def name(self) -> str:
        """For the log."""
        return f"worker {self.number}" if self.role == "worker" else "side process"

    def packed(self) -> bytes:
        """As it goes to the standard input of the process."""
        data = pickle.dumps(self)
        return len(data).to_bytes(_LENGTH, "big") + data


def read_task(source: BinaryIO) -> Task:
    """What this process is to be. What follows on standard input is its end: the parent has died."""
    length = int.from_bytes(source.read(_LENGTH), "big")
    task = pickle.loads(source.read(length))  # noqa: S301 - the parent's own
    assert isinstance(task, Task)
    return task


class Report:
    """The way back: standard output, of which nothing else gets a hold."""

    def __init__(self) -> None:
        self._file = os.dup(sys.stdout.fileno())
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is for the log

    def say(self, line: str) -> None:
        """One line."""
        os.write(self._file, f"{' '.join(line.split())}\n".encode())


async def until_orphaned() -> None:
    """Return when the parent has died: workers without one would hold its ports against the next."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), ended.set)  # nothing is sent: readable means closed
    await ended.wait()
    loop.remove_reader(sys.stdin.fileno())
