"""The exporter in the test's own process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import httpx
from prometheus_client.parser import text_string_to_metric_families

from brain_common.settings import check_settings
from brain_exporters.cost.config import CostSettings

P = ParamSpec("P")
_SOON = 20.0  # seconds; far more than anything here takes on a busy machine


def in_loop(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """A test that runs in an event loop of its own."""

    @wraps(test)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        asyncio.run(test(*args, **kwargs))

    return run


def settings(folder: Path, **own: Any) -> CostSettings:
    """With a state file below ``folder``."""
    return check_settings({"state": str(folder / "state"), "http": {"port": 0}, **own}, CostSettings, "test")


async def scraped(url: str, until: Callable[[dict[Any, float]], bool]) -> dict[Any, float]:
    """Samples by name and label values (in the order of the labels' names), once they are as expected."""
    ends = time.monotonic() + _SOON
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            text = (await client.get(f"{url}/metrics")).text
            samples = {
                (sample.name, *sample.labels.values()): sample.value
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            if until(samples):
                return samples
            assert time.monotonic() < ends, text
            await asyncio.sleep(0.05)
