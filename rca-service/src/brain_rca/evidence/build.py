"""The configured source of evidence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeVar

from brain_common.clients.elasticsearch import ElasticsearchClient
from brain_common.clients.fetch import FetchSettings
from brain_common.clients.jaeger import JaegerClient
from brain_common.clients.loki import LokiClient
from brain_common.clients.prometheus import PrometheusClient
from brain_common.clients.tempo import TempoClient
from brain_common.errors import ConfigError
from brain_engine.logs.templates import TemplateMiner
from brain_engine.plugins import UnknownPluginError, load_miner
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.evidence.declared import load_declared
from brain_rca.evidence.elasticsearch import ElasticsearchEvidence
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.loki import LokiEvidence
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import EvidenceSource, PartSource
from brain_rca.evidence.traces.jaeger import JaegerEvidence
from brain_rca.evidence.traces.tempo import TempoEvidence

_QUESTION_SHARE: Final = 0.4  # of a source's time: the reason why the first questions failed comes before it is over
S = TypeVar("S", bound=FetchSettings)


def build_evidence(settings: EvidenceSettings, cluster: str, aliases: Mapping[str, str]) -> EvidenceSource:
    """All sources that the settings name.

    Raises:
        ConfigError: A catalogue, a file of edges or a TLS file is wrong.
    """
    catalogue = load_catalogue(settings.catalogues)
    first: list[PartSource] = []
    if settings.prometheus is not None:
        client = PrometheusClient(_bounded(settings.prometheus, settings.deadline_seconds))
        first.append(PrometheusEvidence(client, catalogue, cluster, settings.deadline_seconds))
    if settings.lake is not None:
        from brain_lake.location import LakeLocation
        from brain_rca.evidence.lake import LakeEvidence

        alone = settings.prometheus is None
        location = LakeLocation.of(settings.lake)
        first.append(LakeEvidence(location, catalogue, settings.deadline_seconds, has_signals=alone))
    declared = load_declared(settings.declared_edges)
    then = [*_traces(settings, cluster), *_log_sources(settings)]
    return WithPast(Gatherer(first, then, aliases, declared), Gatherer(first[:1], (), aliases))


def _traces(settings: EvidenceSettings, cluster: str) -> list[PartSource]:
    """Where traces are read; of several places, the first that has any in the window counts."""
    found: list[PartSource] = []
    most, seconds = settings.most_traces, settings.deadline_seconds
    if settings.tempo is not None:
        found.append(TempoEvidence(TempoClient(_bounded(settings.tempo, seconds)), cluster, most, seconds))
    if settings.jaeger is not None:
        found.append(JaegerEvidence(JaegerClient(_bounded(settings.jaeger, seconds)), cluster, most, seconds))
    if settings.lake is not None:
        from brain_lake.location import LakeLocation
        from brain_rca.evidence.traces.lake import LakeTraces

        found.append(LakeTraces(LakeLocation.of(settings.lake), seconds))
    return found


def _log_sources(settings: EvidenceSettings) -> list[PartSource]:
    """Where log lines are read; of two that have lines, the first is believed."""
    miner = _miner(settings.miner)
    found: list[PartSource] = []
    if settings.loki is not None:
        loki = LokiClient(_bounded(settings.loki, settings.loki.source_seconds))
        found.append(LokiEvidence(loki, settings.loki, miner))
    if settings.elasticsearch is not None:
        client = ElasticsearchClient(_bounded(settings.elasticsearch, settings.elasticsearch.source_seconds))
        found.append(ElasticsearchEvidence(client, settings.elasticsearch, miner))
    if settings.lake is not None:
        from brain_lake.location import LakeLocation
        from brain_rca.evidence.lake_logs import LakeLogs

        found.append(LakeLogs(LakeLocation.of(settings.lake), settings.deadline_seconds, miner))
    return found


def _bounded(settings: S, seconds: float) -> S:
    """Settings of a client with which no question is repeated for most of the time that its source has."""
    return settings.model_copy(update={"deadline_seconds": min(settings.deadline_seconds, seconds * _QUESTION_SHARE)})


def _miner(name: str) -> TemplateMiner:
    try:
        return load_miner(name)
    except UnknownPluginError as error:
        raise ConfigError(f"evidence.miner: {error}") from error
