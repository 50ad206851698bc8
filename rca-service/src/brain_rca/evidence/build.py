"""The configured source of evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from brain_common.clients.prometheus import PrometheusClient
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import EvidenceSource, PartSource


def build_evidence(settings: EvidenceSettings, cluster: str, aliases: Mapping[str, str]) -> EvidenceSource:
    """All sources that the settings name.

    Raises:
        ConfigError: A catalogue or TLS file is wrong.
    """
    catalogue = load_catalogue(settings.catalogues)
    first: list[PartSource] = []
    if settings.prometheus is not None:
        client = PrometheusClient(settings.prometheus)
        first.append(PrometheusEvidence(client, catalogue, cluster, settings.deadline_seconds))
    if settings.lake is not None:
        from brain_lake.location import LakeLocation
        from brain_rca.evidence.lake import LakeEvidence

        alone = settings.prometheus is None
        location = LakeLocation.of(settings.lake)
        first.append(LakeEvidence(location, catalogue, settings.deadline_seconds, has_signals=alone))
    return WithPast(Gatherer(first, (), aliases), Gatherer(first[:1], (), aliases))


def build_queries(settings: EvidenceSettings) -> Callable[[str], str]:
    """From a signal's name to the PromQL that shows it; nothing to show for the lake."""
    if settings.prometheus is None:
        return lambda _: ""
    queries = {
        name: " ".join(rule.query.replace("$window", "2m").split())
        for name, rule in load_catalogue(settings.catalogues).signals.items()
    }
    return lambda name: queries.get(name, "")
