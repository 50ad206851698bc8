"""The product as a judge of simulated scenarios: a real Prometheus and a lake with all that the platform showed.

Here the lab, which plays a scenario, and the service, which judges it, meet. The service gets the notification that an
Alertmanager would post, the metrics of a real Prometheus, and a lake as exporters and processor write it; the truth
goes into the result and nowhere else.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from brain_cli.ablation import SIGNALS, Without, ranker_without
from brain_cli.told_lake import write_told
from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_engine.rank.protocol import Ranker
from brain_lab.emit import alerts, metrics
from brain_lab.emit.metrics import SCRAPE_SECONDS
from brain_lab.evaluate.run_result import Judgement, RunResult, RunTruth, SaidCause
from brain_lab.replay.blocks import write_blocks
from brain_lab.replay.webhook import Firing
from brain_lab.scenario import Scenario
from brain_lab.scenario.play import begins, play
from brain_lab.servers.prometheus import Prometheus
from brain_lab.simulate import Recording
from brain_lab.simulate.recording import Truth
from brain_rca.config import RcaSettings
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.protocol import EvidenceSource
from brain_rca.model import Incident
from brain_rca.one_shot import judge_group

FIRST_AFTER: Final = 15.0
"""Seconds from the first alert to the first judgement: Alertmanager's `group_wait` and the service's debounce."""

AGAIN_AFTER: Final = (120.0, 420.0)
"""Seconds from the first alert to the further ones, as an incident that stays open is judged anew."""

BASELINE_SECONDS: Final = 1800.0
"""Of the service's configuration: an hour would have to be simulated for every scenario."""

FALSE_ALARM_BEFORE_END: Final = 300.0
"""Seconds before the end at which the false alarm of a quiet run begins."""

# A scrape marks series that are gone as ended. Blocks cannot hold such marks, so samples are too old soon instead.
_FLAGS: Final = ("--storage.tsdb.retention.time=100y", f"--query.lookback-delta={2 * SCRAPE_SECONDS:.0f}s")
_IN_LAKE: Final = frozenset({"events", "changes", "aws_calls", "logs"})
_NOT_READ: Final = frozenset({"cost"})
_WORD: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")


@dataclass(frozen=True, slots=True)
class SimulatedJudge:
    """Plays a scenario and asks the product; travels to other processes.

    Attributes:
        ranker: Entry point of the ranker.
        ablated: What is taken away, a signal or an idea of the ranker; empty for nothing.
    """

    ranker: str = "explain-away"
    ablated: str = ""

    def __call__(self, scenario: Scenario) -> RunResult:
        """The result of one scenario.

        Raises:
            ConfigError: There is no such platform, fault, target or ranker.
            ServerMissing: Prometheus or promtool is not on this machine.
            TemporaryError: Prometheus did not answer.
        """
        recording = play(scenario)
        told = list(notifications(recording, begins(scenario), scenario.seed))
        judgements = self._judged(recording, told) if told else ()
        return RunResult(
            platform=scenario.platform,
            fault=scenario.fault or None,
            seed=scenario.seed,
            truths=_truths(scenario, recording.truth),
            alert_at=told[0].since if told else None,
            judgements=judgements,
            unreadable=unreadable_because(recording.truth),
        )

    def _judged(self, recording: Recording, told: Sequence[Told]) -> tuple[Judgement, ...]:
        with TemporaryDirectory(prefix="brain-lab-") as name:
            folder, lake = Path(name) / "prometheus", Path(name) / "lake"
            _write(recording, folder / "tsdb")
            write_told(recording, lake)
            with Prometheus(data_dir=folder, flags=_FLAGS) as server:
                return asyncio.run(self._ask(server.url, lake, recording, told))

    async def _ask(self, url: str, lake: Path, recording: Recording, told: Sequence[Told]) -> tuple[Judgement, ...]:
        settings = check_settings(
            {
                "cluster": recording.platform.cluster,
                "store": {"sqlite": "unused"},
                "evidence": {"prometheus": {"url": url}, "lake": {"path": str(lake)}},
                "analysis": {"ranker": self.ranker, "window": {"baseline_seconds": BASELINE_SECONDS}},
            },
            RcaSettings,
            "lab",
            environ={},
        )
        source = build_evidence(settings.evidence, settings.cluster, settings.scope.aliases)
        shown = Without(source, self.ablated) if self.ablated in SIGNALS else source
        judging = ranker_without(self.ranker, self.ablated) if self.ablated and shown is source else None
        try:
            return tuple([await _judgement(one, settings, shown, judging) for one in told])
        finally:
            await source.aclose()


@dataclass(frozen=True, slots=True)
class Told:
    """A notification.

    Attributes:
        at: When it is judged, seconds since the epoch.
        since: When its incident's first alert began to fire.
        payload: Of the webhook.
    """

    at: float
    since: float
    payload: dict[str, Any]


def notifications(recording: Recording, start: float, seed: int) -> Iterator[Told]:
    """What the product is told of the run, and when; nothing where a fault raises no alert.

    In a run without a fault in which no alert fires, one is made up, about a service that was promised something.
    """
    end = float(recording.times[-1])
    onset = min((truth.onset for truth in recording.truth), default=start)
    since = next((one.firing.since for one in alerts.episodes(recording) if one.firing.since >= onset), None)
    if since is None:
        if not recording.truth:
            false = _false_alarm(recording, seed, end - FALSE_ALARM_BEFORE_END)
            yield Told(end, false.since, alerts.payload(recording.platform, [false]))
        return
    for at in sorted({min(since + after, end) for after in (FIRST_AFTER, *AGAIN_AFTER)}):
        if firing := alerts.firing(recording, at):
            yield Told(at, since, alerts.payload(recording.platform, firing))


def _false_alarm(recording: Recording, seed: int, since: float) -> Firing:
    rules = alerts.rules(recording.platform)
    rule = rules[int(np.random.default_rng([seed, 0xFA15E]).integers(len(rules)))]
    return Firing({**rule.labels, "alertname": rule.alert}, {"summary": rule.summary}, since)


def _write(recording: Recording, tsdb: Path) -> None:
    """What the product could ask for, as blocks; everything else would only cost time."""
    tsdb.mkdir(parents=True)
    read = _metrics_read()
    series = sorted((one for one in metrics.series(recording) if one.metric in read), key=lambda one: one.metric)
    write_blocks(series, metrics.scrape_times(recording), tsdb, lambda _done, _all: None)


@lru_cache(maxsize=1)
def _metrics_read() -> frozenset[str]:
    """Every name in the queries of the product's catalogue."""
    catalogue = load_catalogue()
    queries = [rule.query for rule in catalogue.signals.values()]
    queries += [rule.query for rule in catalogue.edges.values()]
    queries += [rule.query for rule in catalogue.calls.values()]
    queries += [rule.query for rule in catalogue.owners.values()]
    return frozenset(word for query in queries for word in _WORD.findall(query))


async def _judgement(told: Told, settings: RcaSettings, source: EvidenceSource, ranker: Ranker | None) -> Judgement:
    incident = await judge_group(json.dumps(told.payload).encode(), settings, source, ManualClock(told.at), ranker)
    return _said(incident, told.at)


def _said(incident: Incident, at: float) -> Judgement:
    analysis = incident.analysis
    assert analysis is not None
    causes = tuple(
        SaidCause(
            cause.entity,
            cause.fault_kind,
            cause.probability,
            tuple(proposal.kind for proposal in cause.proposals),
            min((finding.onset for finding in cause.findings if finding.onset is not None), default=None),
        )
        for cause in analysis.causes
    )
    return Judgement(at + analysis.seconds, causes, analysis.none_probability, analysis.seconds)


def _truths(scenario: Scenario, known: Sequence[Truth]) -> tuple[RunTruth, ...]:
    """What the simulator says was broken; what the scenario says itself wins."""
    found = []
    for part, truth in zip(scenario.faults, known, strict=True):
        stated, fix = part.truth, part.fix
        found.append(
            RunTruth(
                entity=stated.entity if stated else str(truth.entity),
                kinds=stated.kinds if stated else truth.kinds,
                onset=truth.onset,
                proposal=fix.proposal if fix else truth.proposal,
                accepted=stated.accepted if stated else tuple(str(entity) for entity in truth.accepted),
            )
        )
    return tuple(found)


def unreadable_because(truths: Sequence[Truth]) -> str:
    """Why nothing of what is broken can be read by the product; empty where any of it can."""
    readable = _metrics_read() | _IN_LAKE
    if not truths or any(not truth.evidence or set(truth.evidence) & readable for truth in truths):
        return ""
    shown = [where for truth in truths for where in truth.evidence]
    others = [name for name in shown if name not in _NOT_READ]
    where = [name for name in shown if name in _NOT_READ]
    if others:
        where.append(f"metrics that no signal of the catalogue reads, such as {others[0]}")
    return f"it shows in {', '.join(dict.fromkeys(where))}"
