"""A command that runs until it is told to end."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from brain_common.ending import until_told


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
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
