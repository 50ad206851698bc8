"""What the judgement knows of a resource: the open incident it belongs to, and its part in it.

Nothing is concluded here: what the RCA service has not judged yet, or does not say, is not said either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from pydantic import Field

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.clients.rca import RcaClient
from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_otel.batch import Group
from brain_otel.enrich.index import EntityIndex
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.enrich.rca_server import RcaServerSettings
from brain_otel.enrich.upstream import Upstream

NAME: Final = "incidents"
_MOST_INCIDENTS: Final = 1000  # the newest; the service itself judges no faster
_MOST_ENTITIES: Final = 20_000  # of all incidents: some 10 MB


class IncidentSettings(RcaServerSettings):
    """Anomaly state and open incident of a resource, from the RCA service."""

    refresh_seconds: float = Field(default=15.0, gt=0, le=3600, description="From one answer to the next question.")
    stale_seconds: float = Field(
        default=120.0, gt=0, le=86400, description="How long the last answer holds while the service is away."
    )
    min_probability: float = Field(
        default=0.1, ge=0, le=1, description="A cause that is less likely than this is passed over."
    )


@dataclass(frozen=True, slots=True)
class Part:
    """What part an entity has in an incident.

    Attributes:
        opened_at: Of the incident, in seconds since the epoch.
        incident: Its id.
        state: ``cause`` when the judgement lists it as one, else ``alerting``.
        probability: That it is the cause; None for what only alerts.
        score: How unusual its most unusual signal is, in [0, 1]; None where no finding is about it.
    """

    opened_at: float
    incident: str
    state: Literal["alerting", "cause"]
    probability: float | None = None
    score: float | None = None


class Incidents:
    """Sets ``brain.incident.*`` and ``brain.anomaly.*``; of several open incidents those of the newest."""

    def __init__(self, settings: IncidentSettings, context: Context) -> None:
        self._cluster = context.cluster
        self._least = settings.min_probability
        self._client = RcaClient(settings.server())
        self._parts: Upstream[EntityIndex[Part]] = Upstream(NAME, context, settings.stale_seconds, EntityIndex())
        context.background.append((NAME, lambda: self._parts.keep_asking(self._ask, settings.refresh_seconds)))

    def enrich(self, group: Group) -> None:
        """Set them on the resource, unless it has an incident already."""
        parts, resource = self._parts.known, group.resource
        if not parts or not (found := parts.of(group, self._cluster)) or "brain.incident.id" in resource:
            return
        part = max(found, key=lambda part: (part.opened_at, part.incident, part.state))
        resource.set("brain.incident.id", part.incident)
        resource.setdefault("brain.anomaly.state", part.state)
        if part.score is not None:
            resource.setdefault("brain.anomaly.score", part.score)
        if part.probability is not None:
            resource.setdefault("brain.incident.cause_probability", part.probability)

    async def _ask(self) -> EntityIndex[Part]:
        return EntityIndex(parts_of(await self._client.incidents(_MOST_INCIDENTS, only_open=True), self._least))


def parts_of(incidents: Iterable[pb.Incident], least: float) -> Iterator[tuple[Entity, Part]]:
    """Each entity with its part in an incident; that in the newest comes last.

    Args:
        incidents: As the service says them.
        least: Probability from which on a cause is one.
    """
    taken = 0
    newest_first = sorted(incidents, key=lambda one: (one.opened_at.ToNanoseconds(), one.id), reverse=True)
    found: list[tuple[Entity, Part]] = []
    for incident in newest_first:
        own = _parts(incident, least)
        taken += len(own)
        if taken > _MOST_ENTITIES:
            break
        found += own.items()
    return reversed(found)


def _parts(incident: pb.Incident, least: float) -> dict[Entity, Part]:
    analysis = incident.analysis
    alerting = Part(incident.opened_at.ToNanoseconds() / 1e9, incident.id, "alerting")
    parts = {entity: alerting for entity in map(_entity, analysis.alerting) if entity}
    for cause in analysis.causes:
        entity = _entity(cause.entity)
        if entity and cause.probability >= least:
            parts[entity] = replace(alerting, state="cause", probability=cause.probability)
    for entity, score in _scores(analysis).items():
        if entity in parts:
            parts[entity] = replace(parts[entity], score=score)
    return parts


def _scores(analysis: pb.Analysis) -> dict[Entity, float]:
    """The highest score of each entity, of the findings that are told."""
    scores: dict[Entity, float] = {}
    for cause in analysis.causes:
        for finding in cause.findings:
            if entity := _entity(finding.entity):
                scores[entity] = max(finding.score, scores.get(entity, 0.0))
    return scores


def _entity(text: str) -> Entity | None:
    """None for a kind that a newer service may know."""
    try:
        return Entity.parse(text)
    except InputError:
        return None


KIND: Final = EnricherKind(name=NAME, settings=IncidentSettings, build=Incidents, resource_only=True)
