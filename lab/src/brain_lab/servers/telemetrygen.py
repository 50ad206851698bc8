"""A load of spans, log records or metrics by telemetrygen, the generator of the OpenTelemetry project.

It gives a bounded load and ends. Without a rate it drops most of what it makes before it sends, so a rate must be
given; and it ends in peace even if nobody took its load, so who needs to know counts what arrives.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from brain_lab.servers.binaries import find
from brain_lab.servers.errors import ServerFailed

TelemetryKind = Literal["traces", "logs", "metrics"]

PROGRAM: Final = "telemetrygen"
GRACE: Final = 60.0  # seconds beyond the load's own length


@dataclass(frozen=True, kw_only=True)
class Telemetrygen:
    """Sends loads; each `send` returns when its load has been sent.

    Attributes:
        binary: The program; found by its name otherwise.
    """

    binary: Path | None = None

    def send(
        self,
        kind: TelemetryKind,
        to: str,
        *,
        rate: float,
        count: int | None = None,
        seconds: float | None = None,
        attributes: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
    ) -> None:
        """Send a load over OTLP/gRPC without TLS.

        Args:
            kind: What to send.
            to: The receiver, `host:port`.
            rate: Traces, log records or metrics a second; a trace has two spans.
            count: How many of them.
            seconds: For how long, where no count is given.
            attributes: Of the resource.
            flags: Further arguments, such as `--otlp-http`.

        Raises:
            ValueError: Neither count nor seconds are given, or both.
            ServerMissing: The program is not on this machine.
            ServerFailed: It refused to begin, or took a minute longer than it should.
        """
        if (count is None) == (seconds is None):
            raise ValueError("give a count or seconds")
        bound = [f"--{kind}={count}"] if count is not None else [f"--duration={seconds}s"]
        length = seconds if count is None else count / rate
        resource = [f'--otlp-attributes={key}="{value}"' for key, value in (attributes or {}).items()]
        command = [str(self.binary or find(PROGRAM)), kind, f"--otlp-endpoint={to}", "--otlp-insecure"]
        _run([*command, f"--rate={rate}", *bound, *resource, *flags], (length or 0) + GRACE)


def _run(command: list[str], timeout: float) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise ServerFailed(f"{PROGRAM} did not end within {timeout:g} s") from error
    if done.returncode != 0:
        said, _, _ = (done.stdout + done.stderr).partition("\nUsage:")
        last = "\n".join(said.splitlines()[-15:])
        raise ServerFailed(f"{PROGRAM} ended with status {done.returncode}:\n{last}")
