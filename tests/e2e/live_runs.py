"""`brain lab run --live` as a process of its own, and the service that answers for its platform."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import httpx

from brain_lab.emit import alerts
from brain_lab.evaluate.run_result import RunTruth
from brain_lab.run.request import Request, played
from brain_lab.servers.server import free_port

TOKEN = "a-token-for-tests"
PAST = 60.0
"""Minutes that are there when Prometheus starts."""

MINUTES = 6.0


@dataclass(frozen=True)
class Live:
    """A running simulation.

    Attributes:
        platform: Its name.
        fault: What breaks.
        seed: Of the run.
        onset: Minute of the run at which it breaks.
        folder: Where its files are.
        webhook: URL of the service that will answer.
        process: The command.
        words: First lines of its standard output.
    """

    platform: str
    fault: str
    seed: int
    onset: float
    folder: Path
    webhook: str
    process: subprocess.Popen[str]
    words: list[str] = field(default_factory=list)

    @property
    def prometheus(self) -> str:
        """Its URL; blocks until the command has said it."""
        while not self.words or not self.words[-1].startswith("prometheus: "):
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            assert line, f"{self.platform}: it ended: {(self.folder.parent / 'errors').read_text()[-2000:]}"
            self.words.append(line.strip())
        return self.words[-1].removeprefix("prometheus: ")

    @property
    def cluster(self) -> str:
        """Of the platform, as its alerts are labelled."""
        return str(json.loads((self.folder / "truth.json").read_text())["cluster"])

    def truths(self) -> list[RunTruth]:
        """What was broken, as the evaluation scores it."""
        document = json.loads((self.folder / "truth.json").read_text())
        return [
            RunTruth(one["entity"], tuple(one["kinds"]), one["onset_seconds"], one["proposal"], tuple(one["accepted"]))
            for one in document["truth"]
        ]

    def place(self, incident: dict[str, Any]) -> int | None:
        """Where the truth stands among the causes, from 1."""
        causes = [cause["entity"] for cause in incident["analysis"]["causes"]]
        truths = self.truths()
        return next((n for n, name in enumerate(causes, 1) if any(truth.names(name) for truth in truths)), None)

    def expected(self) -> dict[frozenset[tuple[str, str]], float]:
        """When the alerts of the very same run last began to fire, as the lab computes it without a Prometheus."""
        seconds, begins = (PAST + MINUTES) * 60.0, self.onset * 60.0
        start = self.truths()[0].onset - begins
        recording = played(Request(self.platform, self.fault, self.seed, start, seconds, begins))
        return {frozenset(one.firing.labels.items()): one.firing.since for one in alerts.episodes(recording)}

    def firing(self) -> dict[frozenset[tuple[str, str]], float]:
        """What fires in Prometheus: its labels, and since when the condition holds."""
        found = httpx.get(f"{self.prometheus}/api/v1/alerts", timeout=30).json()["data"]["alerts"]
        return {
            frozenset(alert["labels"].items()): datetime.fromisoformat(alert["activeAt"]).timestamp()
            for alert in found
            if alert["state"] == "firing"
        }


@contextmanager
def live(
    folder: Path, platform: str, fault: str, seed: int, onset: float, alertmanager: Sequence[str] = ("", "")
) -> Iterator[Live]:
    """Run it while the block does; ended as by Ctrl-C.

    Args:
        folder: For everything.
        platform: Its name.
        fault: What breaks.
        seed: Of the run.
        onset: Minute of the run at which it breaks; 60 is when the past ends.
        alertmanager: Its URL, and that of the webhook that it tells; none is told when left out.
    """
    url, webhook = alertmanager
    folder.mkdir()
    brain = str(Path(sys.executable).with_name("brain"))
    options = ["--live", "--port", "0", "--out", str(folder / "out"), "--alertmanager", url]
    times = ["--length", f"{PAST}", "--onset", f"{onset}", "--minutes", f"{MINUTES}"]
    command = [brain, "lab", "run", platform, "--fault", fault, "--seed", f"{seed}", *options, *times]
    with (folder / "errors").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        try:
            yield Live(platform, fault, seed, onset, folder / "out", webhook, process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            finally:
                process.kill()
            assert process.stdout is not None
            process.stdout.close()


@dataclass(frozen=True)
class Receiver:
    """Where an Alertmanager posts to, known before anybody listens there."""

    port: int

    @classmethod
    def anywhere(cls) -> Self:
        """On a free port."""
        return cls(free_port())

    @property
    def url(self) -> str:
        """Of the service."""
        return f"http://127.0.0.1:{self.port}"

    def alertmanager_config(self) -> dict[str, Any]:
        """One receiver: the service."""
        hook = {
            "url": f"{self.url}/api/v1/alertmanager",
            "send_resolved": True,
            "http_config": {"authorization": {"credentials": TOKEN}},
        }
        return {
            "route": {"receiver": "brain", "group_by": ["cluster"], "group_wait": "1s", "group_interval": "15s"},
            "receivers": [{"name": "brain", "webhook_configs": [hook]}],
        }

    def service_config(self, folder: Path, cluster: str, prometheus: str) -> dict[str, Any]:
        """Of a service with one Prometheus, which judges again soon."""
        return {
            "cluster": cluster,
            "analysis": {"refresh_seconds": 30},
            "http": {"port": self.port},
            "grpc": {"port": 0},
            "callers": [{"name": "alertmanager", "bearer_token": TOKEN}],
            "store": {"sqlite": str(folder / "incidents.sqlite")},
            "audit": {"anchor_file": str(folder / "anchors")},
            "evidence": {"prometheus": {"url": prometheus}},
        }
