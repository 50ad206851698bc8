"""``brain otel`` as processes of its own, in front of a next hop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import yaml

from brain_otel.config import PORT_STEP
from brain_otel.signals import WIRES, Signal

PATIENCE = 60.0  # seconds that a process may take to start on a busy machine
NOW = re.compile(r"^(brain_otel_\w+)(?:\{(.*)\})? (\S+)$", re.M)


def ports(workers: int, listeners: int) -> list[int]:
    """First ports of listeners whose workers find theirs free, too."""
    found: list[int] = []
    while len(found) < listeners:
        with contextlib.ExitStack() as stack:
            first = stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1]
            wanted = {first + PORT_STEP * number for number in range(workers)}
            taken = {port + PORT_STEP * number for port in found for number in range(workers)}
            with contextlib.suppress(OSError, OverflowError):
                for port in wanted - {first}:
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
                if not wanted & taken:
                    found.append(first)
    return found


class Processor:
    """It, while it runs."""

    def __init__(self, process: Process, first: list[int]) -> None:
        self.process = process
        self._grpc, self._metrics = first
        self.lines: list[str] = []
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.lines.append(line.decode().rstrip("\n"))

    async def said(self, text: str) -> None:
        """Wait for a line of its log."""
        await until(lambda: any(text in line for line in self.lines) or self.process.returncode is not None)
        assert any(text in line for line in self.lines), self.lines

    async def ended(self) -> int:
        """Its exit status."""
        status = await asyncio.wait_for(self.process.wait(), PATIENCE)
        await self._reading
        return status

    def target(self, worker: int) -> str:
        return f"127.0.0.1:{self._grpc + PORT_STEP * worker}"

    async def send(self, worker: int, kind: Signal, message: Any) -> None:
        """As a sender does: again, while it is told to."""
        async with grpc.aio.insecure_channel(self.target(worker)) as channel:
            call = channel.unary_unary(WIRES[kind].method)
            await call(message.SerializeToString(), timeout=PATIENCE, wait_for_ready=True)

    async def metric(self, worker: int, name: str, labels: str = "") -> float | None:
        """A sample; None where there is none, or nobody answers."""
        try:
            async with httpx.AsyncClient(trust_env=False) as client:
                text = (await client.get(f"http://127.0.0.1:{self._metrics + PORT_STEP * worker}/metrics")).text
        except httpx.HTTPError:
            return None
        found = {(name, labels or ""): float(value) for name, labels, value in NOW.findall(text)}
        return found.get((name, labels))

    async def shows(self, worker: int, name: str, value: float, labels: str = "") -> None:
        """Wait for a metric to have a value."""
        async with asyncio.timeout(PATIENCE):
            while await self.metric(worker, name, labels) != value:  # noqa: ASYNC110 - as a scraper does
                await asyncio.sleep(0.05)

    def children(self) -> dict[str, int]:
        """Process ids: the side process is the one that has Arrow."""
        found = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        roles: dict[str, int] = {}
        for pid in sorted(map(int, found)):
            roles["side" if "arrow" in maps(pid) else f"worker {len(roles.keys() - {'side'})}"] = pid
        return roles


def maps(pid: int) -> str:
    """What a process has loaded."""
    try:
        return Path(f"/proc/{pid}/maps").read_text()
    except OSError:
        return ""


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not true():  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def processor(folder: Path, next_hop: int, *, workers: int = 2, **more: Any) -> AsyncIterator[Processor]:
    """One that has been started; it is ended by SIGTERM, unless it ended before."""
    first = ports(workers, 2)
    settings = {
        "cluster": "c1",
        "workers": workers,
        "otlp": {"grpc": {"port": first[0]}, "http": None},
        "metrics": {"port": first[1]},
        "next_hop": {"endpoint": f"http://127.0.0.1:{next_hop}"},
        **more,
    }
    config = folder / "otel.yaml"
    config.write_text(yaml.safe_dump(settings))
    process = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("brain")), "otel", "--config", str(config), stderr=PIPE
    )
    made = Processor(process, first)
    try:
        yield made
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await made.ended()
