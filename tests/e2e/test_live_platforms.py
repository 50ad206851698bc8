"""Every platform live, all at the same time: simulator, real Prometheus, rule, real Alertmanager, service, score.

The faults are such as the product can read in metrics; what it makes of all others is the evaluation's business.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import pytest

from brain_lab.emit.alerts import HOLD
from tests.e2e.live_runs import Live, Receiver, live
from tests.e2e.service import analysed, service, until
from tests.servers.fixtures import AlertmanagerFactory
from tests.servers.provide import require

T = TypeVar("T")

RUNS = (
    ("finance", "crash-loop", 1, 58.5),
    ("healthcare", "latency-spike", 1, 58.5),
    ("automotive", "network-loss", 2, 58.5),
)
"""Platform, fault, seed, and the minute at which it breaks: before the past ends, at 60, so that the first answer, a
minute and a half later, knows enough."""

WATCHED = ("automotive", "network-loss", 2, 60.5)
"""It breaks when the rules have begun to watch: when they fire says whether the lab's account of alerts is right."""

PATIENCE = 240.0
"""Seconds from the start of the services: the fault begins within one minute, a rule holds for another."""

POLL_SECONDS = 1.0
SCRAPE = EVALUATION = 15.0


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command finds those that the tests use."""
    for name in ("prometheus", "promtool"):
        monkeypatch.setenv(f"BRAIN_{name.upper()}_BIN", str(require(name)))


@pytest.mark.timeout(420)
def test_every_platform_from_fault_to_cause(tmp_path: Path, alertmanager: AlertmanagerFactory) -> None:
    with ExitStack() as running:
        runs: list[Live] = []
        for what in RUNS:
            receiver = Receiver.anywhere()
            manager = alertmanager(config=receiver.alertmanager_config())
            runs.append(running.enter_context(live(tmp_path / what[0], *what, (manager.url, receiver.url))))
        watched = running.enter_context(live(tmp_path / "watched", *WATCHED))
        for run in runs:
            url = run.prometheus  # waits until everything else is there
            receiver = Receiver(int(run.webhook.rpartition(":")[2]))
            running.enter_context(service(receiver.service_config(run.folder.parent, run.cluster, url)))
        for run in runs:
            incident = until(f"the cause in {run.platform}", lambda run=run: judged(run), PATIENCE)  # type: ignore[misc]
            assert incident["analysis"]["missing"] == []
            assert run.firing().keys() <= run.expected().keys()
        until("an alert of the run that is watched", lambda: waited(watched.firing()), PATIENCE)
        assert_same_alerts(watched)
    for run in (*runs, watched):
        assert run.process.returncode == 0, (run.folder.parent / "errors").read_text()[-2000:]


def judged(run: Live) -> dict[str, Any] | None:
    """The incident, once the truth is among the first three causes."""
    incidents = waited(analysed(run.webhook))
    return next((one for one in incidents if (run.place(one) or 99) <= 3), None)


def waited(answer: T) -> T:
    """The answer a while later: nothing here goes faster if it is asked ten times a second."""
    time.sleep(POLL_SECONDS)
    return answer


def assert_same_alerts(run: Live) -> None:
    """What fires in Prometheus also fires by the lab's own account, at the same time.

    A rule sees samples that may be a scrape old, at its next evaluation.
    """
    mine = run.expected()
    theirs = {labels: since + HOLD for labels, since in run.firing().items()}
    assert theirs.keys() <= mine.keys()
    for labels, since in theirs.items():
        assert -EVALUATION <= since - mine[labels] <= SCRAPE + EVALUATION, sorted(labels)
