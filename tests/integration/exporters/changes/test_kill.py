"""The process killed while deliveries come: what it acknowledged is counted and in the lake, once."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import socket
import sys
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
import yaml

from tests.integration.exporters.changes.exporter import rows
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import body

pytestmark = pytest.mark.anyio

KILLS = 20
SENDERS = 8
SOON = 30.0  # seconds that a start may take on a busy machine


def configuration(folder: Path) -> tuple[Path, str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "secret").write_text(samples.SECRET)
    data = {
        "state": str(folder / "state"),
        "lake": {"path": str(folder / "lake")},
        "http": {"port": port},
        "github": {"secret_files": [str(folder / "secret")]},
        "falco": {"secret_files": [str(folder / "secret")]},
    }
    file = folder / "changes.yaml"
    file.write_text(yaml.safe_dump(data))
    return file, f"http://127.0.0.1:{port}"


async def start(config: Path, url: str, http: httpx.AsyncClient) -> asyncio.subprocess.Process:
    command = ("-c", "from brain_cli.entry import main; main()", "exporter", "changes", "--config", str(config))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stderr=asyncio.subprocess.DEVNULL)
    end = time.monotonic() + SOON
    while time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            if (await http.get(f"{url}/-/healthy")).status_code == 200:
                return process
        await asyncio.sleep(0.05)
    raise AssertionError("it does not start")


class Sender:
    """Sends numbered deliveries, each until it is acknowledged."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url = url
        self._http = http
        self._next = 0
        self.again: list[int] = []
        self.acknowledged: Counter[str] = Counter()
        self.numbers: set[int] = set()

    async def run(self) -> None:
        """Until the server goes away."""
        while True:
            number = self.again.pop() if self.again else self._new()
            try:
                outcome = await self.send(number)
            except httpx.TransportError:
                self.again.append(number)
                return
            self.acknowledged[outcome] += 1
            self.numbers.add(number)

    async def send(self, number: int) -> str:
        if number % 5 == 0:
            data = body(samples.falco_alert(uuid=f"alert-{number}"))
            path, headers = "/api/v1/security/falco", samples.bearer()
        else:
            data = body(samples.github_deployment(number))
            path, headers = "/api/v1/changes/github", samples.github_headers("deployment_status", data)
        answer = await self._http.post(self._url + path, content=data, headers=headers)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["status"])

    def _new(self) -> int:
        self._next += 1
        return self._next


async def test_killed_at_twenty_moments_it_loses_and_repeats_nothing(tmp_path: Path) -> None:
    config, url = configuration(tmp_path)
    moments = random.Random(7)
    async with httpx.AsyncClient(trust_env=False, timeout=10) as http:
        sender = Sender(url, http)
        for _ in range(KILLS):
            process = await start(config, url, http)
            sending = asyncio.gather(*(sender.run() for _ in range(SENDERS)))
            await asyncio.sleep(moments.uniform(0.02, 0.5))
            process.send_signal(signal.SIGKILL)
            await process.wait()
            await sending
        process = await start(config, url, http)
        while sender.again:
            number = sender.again.pop()
            sender.acknowledged[await sender.send(number)] += 1
            sender.numbers.add(number)
        text = (await http.get(f"{url}/metrics")).text
        process.terminate()
        assert await process.wait() == 0
    alerts = {f"alert-{number}" for number in sender.numbers if number % 5 == 0}
    deployments = {f"deployment/1296269/{number}" for number in sender.numbers if number % 5}
    assert len(deployments) > KILLS * SENDERS
    assert Counter(row["change_id"] for row in rows(tmp_path, "changes")) == Counter(deployments)
    assert Counter(row["event_id"] for row in rows(tmp_path, "security")) == Counter(alerts)
    counted = dict(re.findall(r"^(brain_\w+)_total\{.*(?:succeeded|medium).*\} (\S+)$", text, re.M))
    assert float(counted["brain_security_events"]) == len(alerts)
    assert f'brain_changes_total{{kind="deployment",result="succeeded",source="github"}} {len(deployments)}.0' in text
    print(f"{len(sender.numbers)} deliveries, {sender.acknowledged}")
