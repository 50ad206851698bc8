"""The parent, with programs that do what they are told to."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from brain_common.errors import ConfigError
from brain_otel.processes.supervisor import DiedError, Program, supervise

pytestmark = pytest.mark.anyio

FAKE = Path(__file__).with_name("programs.py")


class World:
    """Programs that write to one file, and a parent for them."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "notes"
        self.over = asyncio.Event()
        self.pauses: list[float] = []
        self.programs: list[Program] = []

    def program(self, name: str, how: str = "", *, needed: bool = True, end_seconds: float = 20.0) -> None:
        command = (sys.executable, str(FAKE), str(self.file), name, how)
        self.programs.append(Program(name, b"task", needed, end_seconds, command))

    async def _told(self) -> None:
        await self.over.wait()

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def run(self) -> None:
        await supervise(self.programs, self._told, self._sleep)

    def notes(self, name: str = "") -> list[str]:
        lines = self.file.read_text().splitlines() if self.file.exists() else []
        return [line for line in lines if line.startswith(name)]

    def pid(self, name: str) -> int:
        return int(self.notes(f"{name} start")[-1].split()[-1])

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not true():  # noqa: ASYNC110 - a file tells nobody that it changes
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[None]]:
        task = asyncio.create_task(self.run())
        try:
            yield task
        finally:
            self.over.set()
            await task


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_all_start_and_those_that_are_needed_end_first(world: World) -> None:
    for name in ("worker 0", "worker 1"):
        world.program(name)
    world.program("side", needed=False)
    async with world.running():
        await world.until(lambda: len(world.notes()) == 3)
        await world.until(lambda: bool(world.notes("side start")))
        await asyncio.sleep(0.3)
    told = [line for line in world.notes() if line.endswith("told")]
    assert sorted(told[:2]) == ["worker 0 told", "worker 1 told"]


@pytest.mark.parametrize("name", ["worker 0", "side"])
async def test_one_that_dies_is_started_again_and_the_others_live_on(
    world: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    world.program("worker 0")
    world.program("side", needed=False)
    async with world.running():
        await world.until(lambda: len(world.notes()) == 2)
        other = {"worker 0": "side", "side": "worker 0"}[name]
        before = world.pid(other)
        for count in (2, 3):
            os.kill(world.pid(name), signal.SIGKILL)
            await world.until(lambda count=count: len(world.notes(f"{name} start")) == count)
        assert world.pid(other) == before
    assert world.pauses == [1.0, 2.0]
    assert f"{name}: killed by SIGKILL; starting it again in 1 s" in caplog.text


async def test_a_wrong_configuration_ends_all_and_is_said_once(world: World) -> None:
    world.program("worker 0", "wrong")
    world.program("worker 1", "wrong")
    world.program("side", needed=False)
    with pytest.raises(ConfigError, match=r"^otlp\.grpc\.port: taken$"):
        await world.run()
    assert world.notes("worker 1") == []
    assert world.pauses == []


async def test_the_second_worker_may_be_the_one_that_is_wrong(world: World) -> None:
    world.program("worker 0")
    world.program("worker 1", "wrong")
    with pytest.raises(ConfigError, match="taken"):
        await world.run()
    assert world.notes("worker 0")[-1] == "worker 0 told"


async def test_a_worker_that_dies_before_it_is_ready_ends_all(world: World) -> None:
    world.program("worker 0", "dies")
    with pytest.raises(DiedError, match=r"^worker 0: ended with status 3 before it was ready$"):
        await world.run()


async def test_a_helper_that_never_gets_ready_is_tried_again_ever_more_slowly(world: World) -> None:
    world.program("worker 0")
    world.program("side", "dies", needed=False)
    async with world.running():
        await world.until(lambda: len(world.pauses) >= 7)
    assert world.pauses[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0]


async def test_one_that_does_not_end_is_killed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.program("worker 0", "deaf", end_seconds=0.2)
    async with world.running():
        await world.until(lambda: bool(world.notes()))
        await asyncio.sleep(0.3)
    assert "worker 0: does not end within 0 s; killed" in caplog.text
