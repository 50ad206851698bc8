"""The exporter run in the test's own process, on a free port."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from deltalake import DeltaTable

from brain_common.settings import check_settings
from brain_exporters.changes import KIND
from brain_exporters.changes.config import ChangesSettings
from brain_exporters.runtime.run import Running, running
from tests.unit.exporters.changes.samples import SECRET

SOON = 20.0  # seconds; far more than anything here takes on a busy machine


def secret_file(folder: Path) -> str:
    file = folder / "secret"
    file.write_text(SECRET)
    return str(file)


def everything(folder: Path) -> dict[str, Any]:
    """All sources on, with one secret."""
    source = {"secret_files": [secret_file(folder)]}
    names = ("argocd", "gitlab", "github", "terraform", "generic", "falco", "events")
    return {name: dict(source) for name in names}


def settings(folder: Path, **own: Any) -> ChangesSettings:
    data = {
        "cluster": "home",
        "state": str(folder / "state"),
        "lake": {"path": str(folder / "lake")},
        "http": {"port": 0},
        **(own or everything(folder)),
    }
    return check_settings(data, ChangesSettings, "test")


class Client:
    """Talks to the exporter."""

    def __init__(self, run: Running, http: httpx.AsyncClient) -> None:
        self.run = run
        self.http = http

    async def post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        return await self.http.post(self.run.url + path, content=body, headers=headers)

    async def series(self) -> dict[str, float]:
        text = (await self.http.get(f"{self.run.url}/metrics")).text
        return {
            name: float(value) for name, value in re.findall(r"^((?:brain|changes)_\S+?(?:\{.*\})?) (\S+)$", text, re.M)
        }

    async def until(self, series: str, value: float) -> None:
        await eventually(lambda: self.series(), lambda found: found.get(series) == value, series)


async def eventually(ask: Callable[[], Any], good: Callable[[Any], bool], what: str) -> Any:
    end = time.monotonic() + SOON
    while True:
        found = await ask()
        if good(found):
            return found
        assert time.monotonic() < end, f"{what}: {found}"
        await asyncio.sleep(0.05)


@asynccontextmanager
async def started(folder: Path, **own: Any) -> AsyncIterator[Client]:
    async with (
        running(KIND, settings(folder, **own)) as run,
        httpx.AsyncClient(trust_env=False, timeout=SOON) as http,
    ):
        yield Client(run, http)


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """All of a table of the lake; after the exporter has ended, it is complete."""
    path = folder / "lake" / table
    return DeltaTable(str(path)).to_pyarrow_table().to_pylist() if path.exists() else []


def iso(seconds_ago: float) -> str:
    return datetime.fromtimestamp(time.time() - seconds_ago, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
