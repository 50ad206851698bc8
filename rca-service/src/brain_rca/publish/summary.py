"""What is said about an incident wherever there is room for a few lines only.

Called by every sink, so that the annotation, the notification and the chat message say the same. The incident
page shows everything instead. All text is plain, cleaned and capped, never escaped: that is up to the sink's
format.
"""

from __future__ import annotations

from typing import Final

import msgspec

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_rca.began import began_line
from brain_rca.model import Analysis, Cause, Incident, IncidentStatus, Proposal
from brain_rca.page import units
from brain_rca.publish.text import clean

MAX_CAUSES: Final = 5  # ranks after the fifth are for the page
MAX_NAME: Final = 160  # characters; Kubernetes names have 63 or 253
MAX_SENTENCE: Final = 300  # characters: about three lines of a tooltip


class CauseLine(msgspec.Struct, frozen=True, kw_only=True):
    """One ranked cause in words."""

    rank: int
    entity: str  # e.g. "checkout (workload in shop)"
    fault_kind: str
    probability: str  # e.g. "82 %"
    evidence: str  # the sentence of its strongest finding, or its explanation; may be empty

    @property
    def text(self) -> str:
        """E.g. ``1. checkout (workload in shop): latency, 82 %``."""
        return f"{self.rank}. {self.entity}: {self.fault_kind}, {self.probability}"


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """An analysed incident in a few lines."""

    title: str
    headline: str  # the one sentence, if there is room for one
    status: str  # "open" | "resolved"
    severity: str
    causes: tuple[CauseLine, ...]  # best first; empty = none found
    none_probability: str  # that none of the causes is it, e.g. "12 %"; empty when there are none
    began: (
        str  # when cause and trouble began, e.g. "Cause began 2026-03-01 04:33:30 UTC, …"; empty where nobody can tell
    )
    fix: str  # title of the first proposal and how far it was tried; empty when there is none
    shared: str  # that other incidents have the same cause, and which one to look at; empty when none has
    missing: int  # how many kinds of evidence could not be fetched
    link: str  # of the incident page


def summarize(incident: Incident, analysis: Analysis, external_url: str) -> Summary:
    """Put ``analysis``, which is the incident's, into words."""
    causes = tuple(_cause_line(cause) for cause in analysis.causes[:MAX_CAUSES])
    return Summary(
        title=clean(incident.title, MAX_NAME),
        headline=_headline(incident, analysis, causes),
        status="open" if incident.status is IncidentStatus.OPEN else "resolved",
        severity=incident.severity.value,
        causes=causes,
        none_probability=percent(analysis.none_probability) if causes else "",
        began=began_line(incident),
        fix=_fix(analysis),
        shared=_shared(incident, external_url),
        missing=len(analysis.missing),
        link=incident_link(external_url, incident.id),
    )


def incident_link(external_url: str, incident_id: str) -> str:
    """The page of an incident; ``external_url`` comes from the configuration."""
    return f"{external_url.rstrip('/')}/incidents/{incident_id}"


def entity_name(text: str) -> str:
    """An entity's text form for people; what is none is shown as it is."""
    try:
        entity = Entity.parse(text)
    except InputError:
        return clean(text, MAX_NAME)
    place = entity.namespace or entity.cluster
    kind = f"{entity.kind.value} in {clean(place, MAX_NAME)}" if place else entity.kind.value
    return f"{clean(entity.name, MAX_NAME)} ({kind})"


def percent(probability: float) -> str:
    """As on the page, with plain spaces: what shows notifications may know no others."""
    return units.percent(probability).replace("\N{NO-BREAK SPACE}", " ")


def _cause_line(cause: Cause) -> CauseLine:
    evidence = cause.findings[0].sentence if cause.findings else cause.explanation
    return CauseLine(
        rank=cause.rank,
        entity=entity_name(cause.entity),
        fault_kind=clean(cause.fault_kind, MAX_NAME),
        probability=percent(cause.probability),
        evidence=clean(evidence, MAX_SENTENCE),
    )


def _headline(incident: Incident, analysis: Analysis, causes: tuple[CauseLine, ...]) -> str:
    if incident.confirmed is not None:
        fault = clean(incident.confirmed.fault_kind, MAX_NAME)
        name = entity_name(incident.confirmed.entity)
        return f"Confirmed root cause: {name}" + (f": {fault}" if fault else "")
    if causes:
        rejected = ", rejected by a person" if analysis.causes[0].entity in incident.rejected else ""
        return f"Likely root cause: {causes[0].entity}: {causes[0].fault_kind}, {causes[0].probability}{rejected}"
    reason = clean(analysis.no_cause_reason, MAX_SENTENCE) or "nothing deviates enough"
    return f"No root cause found: {reason}"


def _shared(incident: Incident, external_url: str) -> str:
    """E.g. ``One cause, 3 groups; the first is HighLatency (service=a): https://…``."""
    if incident.shared is None:
        return ""
    text = f"One cause, {incident.shared.total} groups"
    if not incident.is_led:
        return f"{text}; this is the first"
    lead = incident.shared.lead
    return f"{text}; the first is {clean(lead.title, MAX_NAME)}: {incident_link(external_url, lead.incident_id)}"


def _fix(analysis: Analysis) -> str:
    proposal = _first_proposal(analysis)
    if proposal is None:
        return ""
    return f"{clean(proposal.title, MAX_NAME)} ({clean(proposal.validation, MAX_NAME)})"


def _first_proposal(analysis: Analysis) -> Proposal | None:
    """Of the best cause only: a fix for an unlikely cause would be read as a fix for the likely one."""
    if not analysis.causes or not analysis.causes[0].proposals:
        return None
    return analysis.causes[0].proposals[0]
