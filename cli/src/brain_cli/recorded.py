"""The product as a judge of recorded cases: its own evidence, analysis and words over a stand-in for Prometheus.

Only here do the lab, which has the cases, and the service, which judges them, meet in one process. Everything but the
answers of the server is what ``brain rca analyze`` runs; a test holds the two against each other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from brain_cli.ablation import SIGNALS, Without, ideas_of, ranker_without
from brain_cli.recorded_flow import RecordedFlow
from brain_common.clock import ManualClock
from brain_common.entity import Entity
from brain_common.settings import check_settings
from brain_engine.plugins import load_miner
from brain_engine.series import Evidence
from brain_lab.bench.rca import Answer, Question
from brain_lab.replay.answers import ReplayedPrometheus
from brain_lab.replay.flow import flow_of
from brain_rca.config import RcaSettings
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import EvidenceSource, Gathered, Window
from brain_rca.model import Incident
from brain_rca.one_shot import judge_group

TOLD_LOOKBACK_SECONDS: Final = 300.0
"""How far before a told onset it is looked for: people and clocks tell it minutes late."""

SCRAPE_SECONDS: Final = 15.0
"""The product's default; who scrapes less often has to say so, and so does this judge."""

MINER: Final = "drain"
"""The product's default miner of log templates."""


class _Gathered:
    """Implements ``EvidenceSource``: what another one gathered is kept, so that several judges pay for it once."""

    def __init__(self, source: EvidenceSource) -> None:
        self._source = source
        self._known: dict[Window, Gathered] = {}

    async def gather(self, window: Window) -> Gathered:
        """See ``EvidenceSource``."""
        if window not in self._known:
            self._known[window] = await self._source.gather(window)
        return self._known[window]

    async def detail(self, window: Window, gathered: Gathered, entities: frozenset[str]) -> Evidence:
        """See ``EvidenceSource``; not kept, as it depends on what was gathered."""
        return await self._source.detail(window, gathered, entities)

    async def aclose(self) -> None:
        """Close the other one."""
        await self._source.aclose()


class RecordedEvidence:
    """The product's evidence about recorded cases; that of the last question is kept for further judges of it."""

    def __init__(self) -> None:
        self._catalogue = load_catalogue()
        self._last: tuple[Question, EvidenceSource] | None = None

    def about(self, question: Question, settings: RcaSettings) -> EvidenceSource:
        """All of it."""
        if self._last is None or self._last[0] is not question:
            self._last = (question, _Gathered(self._source(question, settings)))
        return self._last[1]

    def _source(self, question: Question, settings: RcaSettings) -> EvidenceSource:
        server = ReplayedPrometheus(question.timeline)
        evidence = PrometheusEvidence(server, self._catalogue, settings.cluster, settings.evidence.deadline_seconds)
        flow = flow_of(question.timeline)
        closely = [RecordedFlow(flow, load_miner(MINER))] if flow is not None else []
        source = Gatherer([evidence], closely, settings.scope.aliases)
        return WithPast(source, source)


class ProductJudge:
    """Implements ``brain_lab.bench.rca.Judge``.

    Args:
        ranker: Entry point of the ranker.
        ablated: What is taken away, a signal or an idea of the ranker; empty for nothing.
        recorded: Where the evidence comes from; shared by judges that are asked the same.

    Raises:
        InputError: There is nothing of that name to take away.
    """

    def __init__(self, ranker: str, ablated: str = "", recorded: RecordedEvidence | None = None) -> None:
        self._ranker = ranker
        self._signal = ablated if ablated in SIGNALS else ""
        self._judging = ranker_without(ranker, ablated) if ablated and not self._signal else None
        self._recorded = recorded or RecordedEvidence()

    def __call__(self, question: Question) -> Answer:
        """Judge one group.

        Raises:
            ConfigError: There is no such ranker.
        """
        incident = asyncio.run(self.incident(question))
        assert incident.analysis is not None
        causes, suspects = incident.analysis.causes, incident.analysis.suspects
        return Answer(
            tuple(Entity.parse(one.entity).name for one in causes or suspects),
            incident.analysis.seconds,
            (*(cause.probability for cause in causes), *(suspect.weight for suspect in suspects)),
            named=bool(causes),
        )

    async def incident(self, question: Question) -> Incident:
        """The whole answer."""
        scrape = max(question.timeline.scrape_seconds, SCRAPE_SECONDS)
        lookback = TOLD_LOOKBACK_SECONDS if question.told else None
        settings = check_settings(settings_for(scrape, self._ranker, lookback), RcaSettings, "bench", environ={})
        body = json.dumps(question.payload).encode()
        whole = self._recorded.about(question, settings)
        shown = Without(whole, self._signal) if self._signal else whole
        return await judge_group(body, settings, shown, ManualClock(question.now), self._judging)


def ablations(ranker: str) -> Mapping[str, ProductJudge]:
    """Judges without one signal or idea each, by what they lack; first, as the empty name, one that lacks nothing.

    Raises:
        ConfigError: There is no such ranker.
    """
    recorded = RecordedEvidence()
    return {name: ProductJudge(ranker, name, recorded) for name in ("", *SIGNALS, *ideas_of(ranker))}


def settings_for(scrape_seconds: float, ranker: str, lookback_seconds: float | None = None) -> Mapping[str, Any]:
    """A configuration whose store and server are not used."""
    window = {"scrape_interval_seconds": scrape_seconds}
    if lookback_seconds is not None:
        window["lookback_seconds"] = lookback_seconds
    return {
        "store": {"sqlite": "unused"},
        "evidence": {"prometheus": {"url": "http://localhost:9090"}},
        "analysis": {"ranker": ranker, "window": window},
    }
