"""A real process under hostile load: it stays below its limit, and serves the next good request."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import grpc
import grpc.aio
import httpx
import pytest

from brain_otel.signals import WIRES, Signal
from tests.fakes.otlp_next_hop import otlp_next_hop

pytestmark = pytest.mark.anyio

MIB = 1 << 20
LARGEST = 24 * MIB  # bytes of a request
LIMIT = 256 * MIB
PATIENCE = 60.0
OUTCOMES = {"OK", "UNAVAILABLE", "RESOURCE_EXHAUSTED"}


@dataclass
class Process:
    """``brain otel``, and how to reach it."""

    pid: int
    grpc_port: int
    http_port: int
    errors: list[str]

    @property
    def peak(self) -> int:
        """Bytes of resident memory that it ever had."""
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{self.pid}/status").read_text())
        assert found
        return int(found[1]) * 1024


@contextlib.asynccontextmanager
async def brain_otel(folder: Path) -> AsyncIterator[Process]:
    async with otlp_next_hop() as hop:
        config = folder / "otel.yaml"
        config.write_text(
            f"otlp: {{grpc: {{port: 0}}, http: {{port: 0}}, max_request_bytes: {LARGEST}}}\n"
            f"next_hop: {{endpoint: 'http://127.0.0.1:{hop.grpc_port}'}}\n"
            f"metrics: {{port: 0}}\nmemory_limit_bytes: {LIMIT}\n"
        )
        process = await asyncio.create_subprocess_exec(
            str(Path(sys.executable).parent / "brain"), "otel", "--config", str(config), stderr=asyncio.subprocess.PIPE
        )
        errors: list[str] = []
        try:
            ports = await said(process, errors)
            reading = asyncio.create_task(rest(process, errors))
            yield Process(process.pid, ports["gRPC"], ports["HTTP"], errors)
        finally:
            process.terminate()
            await process.wait()
        await reading


async def said(process: asyncio.subprocess.Process, lines: list[str]) -> dict[str, int]:
    """The ports, as the log has them."""
    ports: dict[str, int] = {}
    assert process.stderr
    async with asyncio.timeout(PATIENCE):
        while len(ports) < 2:
            lines.append((await process.stderr.readline()).decode())
            assert lines[-1], lines
            if found := re.search(r"OTLP/(\w+) on [^;]*:(\d+)", lines[-1]):
                ports[found[1]] = int(found[2])
    return ports


async def rest(process: asyncio.subprocess.Process, lines: list[str]) -> None:
    assert process.stderr
    async for line in process.stderr:
        lines.append(line.decode())


@pytest.fixture
async def process(tmp_path: Path) -> AsyncIterator[Process]:
    async with brain_otel(tmp_path) as one:
        yield one
    assert not [line for line in one.errors if "ERROR" in line or "Traceback" in line]


def nested(content: bytes, *tags: int) -> bytes:
    for tag in reversed(tags):
        size, length = len(content), b""
        while size > 127:
            length += bytes([size & 127 | 128])
            size >>= 7
        content = bytes([tag]) + length + bytes([size]) + content
    return content


def log_of(size: int) -> bytes:
    return nested(b"x" * size, 0x0A, 0x12, 0x12, 0x2A, 0x0A)


N = LARGEST // 2 - 100
SMALL = 120_000  # an eighth of a MiB of two bytes each: below the length that is decoded in pieces
BOMBS = {
    "long lines": (log_of(LARGEST - 100), 12),
    "empty groups": (b"\x0a\x00" * N, 6),
    "empty records": (nested(b"\x12\x00" * N, 0x0A, 0x12), 6),
    "empty attributes": (nested(b"\x32\x00" * N, 0x0A, 0x12, 0x12), 6),
    "empty values": (nested(b"\x0a\x00" * N, 0x0A, 0x12, 0x12, 0x2A, 0x2A), 6),
    "small ones of empty groups": (b"\x0a\x00" * SMALL, 100),
    "small ones of empty records": (nested(b"\x12\x00" * SMALL, 0x0A, 0x12), 100),
    "records of eight bytes": (nested(b"\x12\x06\x2a\x04\x0a\x02ab" * (N // 4), 0x0A, 0x12), 4),
}


async def test_the_limit_holds_over_grpc(process: Process) -> None:
    options = [("grpc.max_send_message_length", -1)]
    async with grpc.aio.insecure_channel(f"127.0.0.1:{process.grpc_port}", options=options) as channel:
        export = channel.unary_unary(WIRES[Signal.LOGS].method)

        async def outcome(body: bytes, compression: grpc.Compression) -> str:
            try:
                await export(body, timeout=PATIENCE, compression=compression)
            except grpc.aio.AioRpcError as error:
                return str(error.code().name)
            return "OK"

        for name, (body, times) in BOMBS.items():
            for compression in (grpc.Compression.NoCompression, grpc.Compression.Gzip):
                if compression is grpc.Compression.Gzip and times > 6:
                    continue
                found = await asyncio.gather(*(outcome(body, compression) for _ in range(times)))
                assert set(found) <= OUTCOMES, name
                assert process.peak < LIMIT, name
                await eventually_good(lambda: outcome(log_of(100), grpc.Compression.NoCompression))


async def test_the_limit_holds_over_http(process: Process) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{process.http_port}", timeout=PATIENCE) as client:

        async def outcome(body: bytes, kind: str = "x-protobuf", coding: str = "identity") -> str:
            headers = {"content-type": f"application/{kind}", "content-encoding": coding}
            answer = await client.post("/v1/logs", content=body, headers=headers)
            return {200: "OK", 503: "UNAVAILABLE", 413: "RESOURCE_EXHAUSTED"}.get(answer.status_code, answer.text)

        bomb = gzip.compress(bytes(20 * LARGEST), 9)
        json = b'{"resourceLogs":[' + b",".join([b"{}"] * MIB) + b"]}"
        for name, kind, coding, body, times in (
            *((name, "x-protobuf", "identity", body, times) for name, (body, times) in BOMBS.items()),
            ("gzip", "x-protobuf", "gzip", bomb, 20),
            ("JSON", "json", "identity", json, 10),
            ("JSON of lists", "json", "identity", b"[" * MIB, 10),
        ):
            found = await asyncio.gather(*(outcome(body, kind, coding) for _ in range(times)))
            assert set(found) <= OUTCOMES or name == "JSON of lists", (name, found)
            assert process.peak < LIMIT, name
            await eventually_good(lambda: outcome(log_of(100)))


async def eventually_good(attempt: Callable[[], Awaitable[str]]) -> None:
    """Memory is given back within the time that a sender waits between two attempts."""
    async with asyncio.timeout(PATIENCE):
        while await attempt() != "OK":  # noqa: ASYNC110 - a process of its own
            await asyncio.sleep(0.05)
