"""The product as a judge of recorded cases: its own evidence, analysis and words over a stand-in for Prometheus.

Only here do the lab, which has the cases, and the service, which judges them, meet in one process. Everything but the
answers of the server is what ``brain rca analyze`` runs; a test holds the two against each other.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from brain_common.clock import ManualClock
from brain_common.entity import Entity
from brain_common.settings import check_settings
from brain_lab.bench.rca import Answer, Question
from brain_lab.replay.answers import ReplayedPrometheus
from brain_rca.config import RcaSettings
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.model import Incident
from brain_rca.one_shot import judge_group

SCRAPE_SECONDS: Final = 15.0
"""The product's default; who scrapes less often has to say so, and so does this judge."""


class ProductJudge:
    """Implements ``brain_lab.bench.rca.Judge``.

    Args:
        ranker: Entry point of the ranker.
    """

    def __init__(self, ranker: str) -> None:
        self._ranker = ranker
        self._catalogue = load_catalogue()

    def __call__(self, question: Question) -> Answer:
        """Judge one group.

        Raises:
            ConfigError: There is no such ranker.
        """
        incident = asyncio.run(self.incident(question))
        assert incident.analysis is not None
        causes = incident.analysis.causes
        return Answer(tuple(Entity.parse(cause.entity).name for cause in causes), incident.analysis.seconds)

    async def incident(self, question: Question) -> Incident:
        """The whole answer."""
        scrape = max(question.timeline.scrape_seconds, SCRAPE_SECONDS)
        settings = check_settings(settings_for(scrape, self._ranker), RcaSettings, "bench", environ={})
        server = ReplayedPrometheus(question.timeline)
        evidence = PrometheusEvidence(server, self._catalogue, settings.cluster, settings.evidence.deadline_seconds)
        body = json.dumps(question.payload).encode()
        source = Gatherer([evidence], (), settings.scope.aliases)
        return await judge_group(body, settings, WithPast(source, source), ManualClock(question.now))


def settings_for(scrape_seconds: float, ranker: str) -> Mapping[str, Any]:
    """A configuration whose store and server are not used."""
    return {
        "store": {"sqlite": "unused"},
        "evidence": {"prometheus": {"url": "http://localhost:9090"}},
        "analysis": {"ranker": ranker, "window": {"scrape_interval_seconds": scrape_seconds}},
    }
