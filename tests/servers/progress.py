"""Says how a build is getting on: a line that rewrites itself on a terminal, now and then one elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, Protocol, TextIO

SECONDS_BETWEEN_LINES: Final = 30.0
CLEAR_LINE: Final = "\r\x1b[K"


class Progress(Protocol):
    """Where the builder tells what it does."""

    def __call__(self, step: str) -> None:
        """Something went on."""


def silent(step: str) -> None:
    """For callers that nobody watches."""


class ConsoleProgress:
    """Shows one task of several, with the time it has taken.

    Args:
        title: The task.
        done: Tasks finished before this one.
        total: Tasks in all.
        stream: The terminal or log to write to.
    """

    def __init__(self, title: str, done: int, total: int, stream: TextIO | None = None) -> None:
        self._label = f"[{done + 1}/{total}] {title}"
        self._stream = stream or sys.stderr
        self._started = self._shown = time.monotonic()

    def __call__(self, step: str) -> None:
        """Show the step, on a log only if the last line is long ago."""
        now = time.monotonic()
        if self._stream.isatty():
            self._write(f"{CLEAR_LINE}{self._line(step)}")
        elif now - self._shown >= SECONDS_BETWEEN_LINES:
            self._shown = now
            self._write(f"{self._line(step)}\n")

    def finish(self, outcome: str) -> None:
        """Close the task with a line of its own."""
        start = CLEAR_LINE if self._stream.isatty() else ""
        self._write(f"{start}{self._line(outcome)}\n")

    def _line(self, step: str) -> str:
        return f"{self._label}: {step}, {time.monotonic() - self._started:.0f} s"

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()
