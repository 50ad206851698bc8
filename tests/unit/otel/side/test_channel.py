"""The way between worker and side process: nothing waited for, everything counted."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from brain_otel.side import channel
from brain_otel.side.channel import Channel
from brain_otel.side.frames import Fate, Hello, LakeState, Message, Rows, Snapshot, frame, receive
from brain_otel.side.reads import CHANGES, ChangeRow
from brain_otel.side.snapshots import Snapshots, encode

pytestmark = pytest.mark.anyio

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ROW = (1, "c1", "x" * 100)
CHANGE = ChangeRow("c1", "shop", "workload", "cart", 1.0, "argocd:1", "sync", "")


class World:
    """A channel with its metrics and snapshots."""

    def __init__(self, path: Path, buffer_bytes: int = 1 << 20) -> None:
        self.registry = CollectorRegistry()
        self.snapshots = Snapshots()
        self.delivered: asyncio.Queue[list[ChangeRow]] = asyncio.Queue()
        self.snapshots.subscribe(CHANGES, ChangeRow, 60.0, self.delivered.put_nowait)
        self.channel = Channel(path, self.snapshots, buffer_bytes, self.registry, sleep=self._sleep)

    async def _sleep(self, _: float) -> None:
        await asyncio.sleep(0.01)

    def value(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, labels) or 0.0

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not true():  # noqa: ASYNC110 - metrics tell nobody that they change
                await asyncio.sleep(0.005)


@asynccontextmanager
async def side(path: Path, serve: Serve) -> AsyncIterator[None]:
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        server.close()
        path.unlink()


async def read_all(reader: asyncio.StreamReader) -> list[Message]:
    found = []
    while (message := await receive(reader)) is not None:
        found.append(message)
    return found


async def test_rows_go_out_and_their_fate_comes_back(tmp_path: Path) -> None:
    world, path = World(tmp_path / "s"), tmp_path / "s"
    heard: list[Message] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(frame(LakeState(True)) + frame(Snapshot(CHANGES, encode([CHANGE]))))
        while (message := await receive(reader)) is not None:
            heard.append(message)
            if isinstance(message, Rows):
                writer.write(frame(Fate(message.table, 1)) + frame(Fate(message.table, 1, "time")))
        writer.close()

    async with side(path, serve), world.channel.connected():
        assert await asyncio.wait_for(world.delivered.get(), 10) == [CHANGE]
        assert world.value("brain_otel_side_up") == world.value("brain_otel_lake_up") == 1
        world.channel.put("logs", [ROW, ROW])
    assert heard[0] == Hello({CHANGES: 60.0})
    assert isinstance(heard[1], Rows)
    assert heard[1].count == 2
    assert world.value("brain_otel_lake_rows_total", table="logs") == 1
    assert world.value("brain_otel_lake_dropped_total", table="logs", reason="time") == 1
    assert world.value("brain_otel_side_up") == 0


async def test_without_a_side_process_rows_are_dropped_and_counted(tmp_path: Path) -> None:
    world = World(tmp_path / "nobody")
    async with world.channel.connected():
        world.channel.put("logs", [ROW] * 3)
    assert world.value("brain_otel_lake_dropped_total", table="logs", reason="side_away") == 3


async def test_one_that_does_not_read_costs_a_bounded_buffer(tmp_path: Path) -> None:
    world, path = World(tmp_path / "s", buffer_bytes=100_000), tmp_path / "s"
    over = asyncio.Event()

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    async with side(path, serve), world.channel.connected():
        await world.until(lambda: world.value("brain_otel_side_up") == 1)
        for _ in range(20_000):
            world.channel.put("logs", [ROW])
        assert 0 < world.value("brain_otel_lake_queue_bytes") <= 100_000
        full = world.value("brain_otel_lake_dropped_total", table="logs", reason="buffer_full")
        assert full > 0
        over.set()  # it is connected anew soon, so that being away may be too short to be seen; what was lost stays
        await world.until(lambda: world.value("brain_otel_lake_dropped_total", table="logs", reason="side_lost") > 0)
    lost = world.value("brain_otel_lake_dropped_total", table="logs", reason="side_lost")
    assert full + lost == 20_000


async def test_frames_in_pieces_are_put_together(tmp_path: Path) -> None:
    world, path = World(tmp_path / "s"), tmp_path / "s"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for byte in frame(Snapshot(CHANGES, encode([CHANGE]))):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0)
        await read_all(reader)
        writer.close()

    async with side(path, serve), world.channel.connected():
        assert await asyncio.wait_for(world.delivered.get(), 10) == [CHANGE]


@pytest.mark.parametrize(
    "bad",
    [b"\xff\xff\xff\xff", b"\x00\x00\x00\x01\xc1", frame(LakeState(True))[:-1], frame(Snapshot(CHANGES, b"\xc1"))],
)
async def test_a_peer_that_speaks_nonsense_or_dies_is_tried_again(tmp_path: Path, bad: bytes) -> None:
    world, path = World(tmp_path / "s"), tmp_path / "s"
    tries = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.write(bad if tries == 1 else frame(Snapshot(CHANGES, encode([CHANGE]))))
        await writer.drain()
        if tries == 1:
            writer.close()
            return
        await read_all(reader)
        writer.close()

    async with side(path, serve), world.channel.connected():
        assert await asyncio.wait_for(world.delivered.get(), 10) == [CHANGE]


async def test_what_was_handed_over_last_gets_there(tmp_path: Path) -> None:
    world, path = World(tmp_path / "s", buffer_bytes=64 << 20), tmp_path / "s"
    heard: list[Message] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.05)  # slower than the sender
        heard.extend(await read_all(reader))
        writer.close()

    async with side(path, serve), world.channel.connected():
        await world.until(lambda: world.value("brain_otel_side_up") == 1)
        for _ in range(5_000):
            world.channel.put("logs", [ROW] * 10)
    assert sum(message.count for message in heard if isinstance(message, Rows)) == 50_000


class Impatient(World):
    """Counts how long it would wait, and does not."""

    def __init__(self, path: Path, most: int) -> None:
        self.waits: list[float] = []
        self.enough = asyncio.Event()
        self._most = most
        super().__init__(path)

    async def _sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) >= self._most:
            self.enough.set()
            await asyncio.Event().wait()


async def test_a_peer_that_accepts_and_aborts_is_tried_ever_more_slowly_and_not_logged_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world, path = Impatient(tmp_path / "s", 12), tmp_path / "s"
    tries = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        writer.transport.abort()

    with caplog.at_level(logging.INFO, logger="brain_otel.side.channel"):
        async with side(path, serve), world.channel.connected():
            await asyncio.wait_for(world.enough.wait(), 10)
    assert tries == 12
    for wait, bound in zip(world.waits, (0.4, 0.8, 1.6, 3.2, *[5.0] * 8), strict=True):
        assert bound / 2 <= wait <= bound
    assert len(set(world.waits)) == 12  # drawn, so that workers do not come back together
    said = [record.getMessage() for record in caplog.records]
    assert said  # the words of the system differ by what was under way
    assert all(one != other for one, other in itertools.pairwise(said))


async def test_one_that_is_not_there_is_tried_ever_more_slowly_and_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    world = Impatient(tmp_path / "nobody", 8)
    with caplog.at_level(logging.INFO, logger="brain_otel.side.channel"):
        async with world.channel.connected():
            await asyncio.wait_for(world.enough.wait(), 10)
    assert sum(world.waits) > 10
    [record] = caplog.records
    assert "the side process is not there" in record.getMessage()


async def test_a_good_connection_ends_the_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel, "_LASTING", 0.05)
    world, path = Impatient(tmp_path / "s", 5), tmp_path / "s"
    tries = 0

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        if tries == 4:
            await asyncio.sleep(0.06)
        writer.transport.abort()

    async with side(path, serve), world.channel.connected():
        await asyncio.wait_for(world.enough.wait(), 10)
    assert world.waits[2] > 0.8
    assert world.waits[3] <= 0.4
    assert 0.4 <= world.waits[4] <= 0.8


async def test_coming_back_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    world, path = World(tmp_path / "s"), tmp_path / "s"
    tries = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal tries
        tries += 1
        if tries > 1:
            writer.write(frame(LakeState(True)) * 3)
            await read_all(reader)
        writer.close()

    with caplog.at_level(logging.INFO, logger="brain_otel.side.channel"):
        async with side(path, serve), world.channel.connected():
            await world.until(lambda: world.value("brain_otel_lake_up") == 1)
    lost, again = [record.getMessage() for record in caplog.records]
    assert lost.startswith("the side process: ")
    assert again == "the side process is there again"
