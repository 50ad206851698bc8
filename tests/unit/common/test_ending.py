"""A command that runs until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from brain_common.ending import until_told

USUAL = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}


@pytest.fixture(params=USUAL, ids=lambda number: number.name)
def number(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal, handled as in a process that a person started: in the background of a shell, SIGINT is ignored."""
    before = signal.signal(request.param, USUAL[request.param])
    yield request.param
    signal.signal(request.param, before)


def test_either_signal_ends_it_and_leaves_the_process_alive(number: signal.Signals) -> None:
    async def told() -> bool:
        task = asyncio.create_task(until_told())
        await asyncio.sleep(0)
        assert not task.done()
        os.kill(os.getpid(), number)
        await asyncio.wait_for(task, 5)
        return True

    before = signal.getsignal(number)
    assert asyncio.run(told())
    assert signal.getsignal(number) == before
