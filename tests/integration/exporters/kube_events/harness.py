"""Runs the exporter in this process, on an event loop of its own, and reads what it shows."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from deltalake import DeltaTable
from prometheus_client.parser import text_string_to_metric_families

from brain_common.settings import check_settings
from brain_exporters.kube_events import KIND
from brain_exporters.runtime.run import Running, running


class Exporter:
    """One that runs."""

    def __init__(self, started: Running) -> None:
        self.started = started

    def values(self, name: str, /, **labels: str) -> list[float]:
        """Values of the samples with these labels."""
        return [value for found, value in self.samples(name) if labels.items() <= found.items()]

    def samples(self, name: str) -> list[tuple[dict[str, str], float]]:
        """All samples of a name."""
        text = httpx.get(f"{self.started.url}/metrics", trust_env=False).text
        return [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        ]

    def total(self, **labels: str) -> float:
        """Sum of the events with these labels."""
        return sum(self.values("kube_events_total", **labels))

    def up(self) -> bool:
        """Whether all sources answer."""
        return self.values("kube_events_up") == [1.0]


@contextmanager
def exporting(folder: Path, api: dict[str, Any], **settings: Any) -> Iterator[Exporter]:
    """The exporter, while the block runs."""
    data = {"http": {"port": 0}, "state": str(folder / "state"), "client": api, **settings}
    loop = asyncio.new_event_loop()
    begun, done = threading.Event(), asyncio.Event()
    found: list[Running] = []

    async def live() -> None:
        try:
            async with running(KIND, check_settings(data, KIND.settings, "test")) as started:
                found.append(started)
                begun.set()
                await done.wait()
        finally:
            begun.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(live()))
    thread.start()
    begun.wait(30)
    try:
        yield Exporter(found[0])
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


def eventually(look: Callable[[], Any], timeout: float = 40, what: str = "it") -> Any:
    """Wait for something that another process brings about."""
    deadline = time.monotonic() + timeout
    while not (found := look()):
        assert time.monotonic() < deadline, f"{what} did not come about in time"
        time.sleep(0.2)
    return found


def lake_rows(lake: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table."""
    if not (lake / table).exists():
        return []
    rows: list[dict[str, Any]] = DeltaTable(str(lake / table)).to_pyarrow_table().to_pylist()
    return rows
