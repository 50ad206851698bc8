"""An incident and a snapshot in, an ``Analysis`` out; pure but for the snapshot it is handed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec

from brain_engine.findings import Finding as EngineFinding
from brain_engine.judge import Judgement, RankedCause, judge
from brain_engine.judge import Suspect as EngineSuspect
from brain_engine.rank.prior import PriorOf, nothing_known
from brain_engine.rank.protocol import Ranker
from brain_engine.rank.protocol import Weighing as EngineWeighing
from brain_engine.series import Event
from brain_rca.analysis.changes import MAX_ACTOR, changes_before, one_line
from brain_rca.analysis.look import look_at
from brain_rca.analysis.showing import LinkOf, Showing, no_link
from brain_rca.analysis.snapshot import Snapshot
from brain_rca.analysis.weakness import misdated, short_baseline, told_last, weaknesses
from brain_rca.analysis.why import contrast, explanation, in_words, learnt, telling, without
from brain_rca.analysis.words import short, signal_name
from brain_rca.model import (
    Alert,
    Analysis,
    Cause,
    Change,
    Finding,
    Incident,
    Proposal,
    Suspect,
    TimelineEntry,
    Weighing,
)
from brain_rca.scope.clusters import elsewhere

Propose = Callable[[Cause], Sequence[Proposal]]
_SHOWN_MISSING = 20
_NAMELESS = "no label of the alerts names a service, workload, pod or node"
_EVENTS_SHOWN = 10  # the latest; an event storm must not push the onsets off the page
_ALERTS_SHOWN = 20  # the first
_TIMELINE_SHOWN = 40
_EVENT_REASON, _EVENT_MESSAGE = 60, 320  # characters
_PLOTTED_CAUSES = 5  # causes with plots; further ones are listed without
_DATING = 6  # findings about what alerts that date the trouble, as many as of a cause
_ENTITIES_KEPT = 2000  # names with an incident: as much as its plots at most


def analyse(
    incident: Incident,
    snapshot: Snapshot,
    alerting: tuple[str, ...],
    ranker: Ranker,
    propose: Propose,
    prior_of: PriorOf = nothing_known,
    link_of: LinkOf = no_link,
    cluster: str = "",
) -> Analysis:
    """Rank the causes of an incident. ``finished_at`` and ``seconds`` are left for the caller.

    ``cluster`` is the configured one, of which alerts and series are that name none.
    """
    judgement = judge(
        snapshot.evidence, snapshot.findings, snapshot.graph, alerting, ranker, prior_of, incident.opened_at
    )
    showing = Showing(incident.id, snapshot, link_of)
    causes = tuple(_cause(place, judgement, showing, alerting, propose) for place in range(len(judgement.causes)))
    return Analysis(
        finished_at=0.0,
        window_start=snapshot.window.start,
        window_end=snapshot.window.end,
        alerting=alerting,
        causes=causes,
        no_cause_reason=_reason(judgement, snapshot, alerting, cluster),
        none_probability=judgement.none_probability,
        suspects=tuple(_suspect(place, one, showing) for place, one in enumerate(judgement.suspects, start=1)),
        missing=_missing(
            (
                *(_unknown(snapshot, alerting, cluster) if causes else ()),
                *misdated(incident),
                *weaknesses(snapshot, alerting),
                *snapshot.evidence.missing,
            )
        ),
        timeline=_timeline(incident, causes, snapshot),
        trouble_began=_trouble_began(judgement, alerting),
        resolution=showing.resolution,
        entities=_entities(snapshot, alerting),
    )


def _reason(judgement: Judgement, snapshot: Snapshot, alerting: Sequence[str], cluster: str) -> str:
    if judgement.causes:
        return ""
    unusual = _unusual(judgement, snapshot)
    if not alerting:
        return f"{unusual}; {_NAMELESS}"
    unknown = [name for name in alerting if name not in snapshot.entities]
    none = len(unknown) == len(alerting)
    about = f"there is no evidence about {', '.join(short(name) for name in unknown[:3])}" if none else ""
    return "; ".join(filter(None, (unusual, about, elsewhere(alerting, snapshot.entities, cluster))))


def _unusual(judgement: Judgement, snapshot: Snapshot) -> str:
    """The reason of the engine, unless hardly anything tells what is usual: nothing deviates from that."""
    short_of = short_baseline(snapshot.evidence)
    if judgement.findings or not short_of:
        return judgement.reason
    return f"{short_of}, so that nothing tells what is usual and what is not"


def _unknown(snapshot: Snapshot, alerting: Sequence[str], cluster: str) -> tuple[str, ...]:
    """Which alerts are about something that no signal tells of; the reason for no cause says it by itself."""
    if not alerting:
        return (f"{_NAMELESS} (scope.labels maps others), so the causes are of whatever is in trouble anywhere",)
    unknown = [short(name) for name in alerting if name not in snapshot.entities]
    about = f"no evidence about {', '.join(unknown[:3])}, which alerts" if unknown else ""
    return tuple(filter(None, (elsewhere(alerting, snapshot.entities, cluster), about)))


def _missing(sentences: Sequence[str]) -> tuple[str, ...]:
    if len(sentences) <= _SHOWN_MISSING:
        return tuple(sentences)
    return (*sentences[:_SHOWN_MISSING], f"and {len(sentences) - _SHOWN_MISSING} more")


def _cause(place: int, judgement: Judgement, showing: Showing, alerting: tuple[str, ...], propose: Propose) -> Cause:
    ranked, snapshot, rank = judgement.causes[place], showing.snapshot, place + 1
    changes = _changes(ranked, showing)
    findings = tuple(
        showing.finding(found, f"evidence-{rank}-{number}", plotted=rank <= _PLOTTED_CAUSES)
        for number, found in enumerate(ranked.findings, start=1)
    )
    cause = Cause(
        rank=rank,
        entity=ranked.entity,
        fault_kind=ranked.fault_kind,
        probability=ranked.probability,
        findings=(*findings, *learnt(ranked)),
        against=tuple(in_words(text, snapshot.entities) for text in ranked.against),
        path=ranked.path,
        explanation=_explanation(place, judgement, showing, alerting, findings, changes),
        changes=changes,
        weight=ranked.weight,
        weighed=tuple(_step(one, snapshot.entities) for one in ranked.parts),
        temperature=ranked.temperature,
    )
    proposals = tuple(propose(cause)) if rank == 1 else ()
    return msgspec.structs.replace(cause, proposals=proposals, look=look_at(cause))


def _suspect(place: int, one: EngineSuspect, showing: Showing) -> Suspect:
    found = showing.finding(one.finding, f"suspect-{place}", plotted=True) if one.finding else None
    return Suspect(entity=one.entity, weight=one.weight, finding=found)


def _step(part: EngineWeighing, entities: Collection[str]) -> Weighing:
    return Weighing(what=in_words(part.what, entities), nats=part.nats, how=in_words(part.how, entities))


def _explanation(
    place: int,
    judgement: Judgement,
    showing: Showing,
    alerting: tuple[str, ...],
    findings: tuple[Finding, ...],
    changes: tuple[Change, ...],
) -> str:
    ranked, snapshot = judgement.causes[place], showing.snapshot
    quoted = findings[telling(ranked)] if findings else None
    said = (
        explanation(ranked, alerting, quoted, changes),
        contrast(place, judgement.causes, judgement.none_probability, snapshot.entities),
        without(snapshot.evidence.missing) if place == 0 else "",
    )
    return " ".join(text for text in said if text)


def _changes(ranked: RankedCause, showing: Showing) -> tuple[Change, ...]:
    """Before the finding that is quoted, as far as it can be dated; else before the first of its findings."""
    began = _began(ranked.findings)
    if began is None:
        return ()
    quoted = ranked.findings[telling(ranked)].onset
    onset = began if quoted is None else quoted
    events = showing.snapshot.evidence.events
    return changes_before(began, onset, showing.resolution, ranked.entity, ranked.path, events)


def _began(findings: Sequence[EngineFinding]) -> float | None:
    return min((found.onset for found in findings if found.onset is not None), default=None)


def _trouble_began(judgement: Judgement, alerting: Collection[str]) -> float | None:
    """When the first finding about what alerts did, of those that are shown of a cause: weaker ones date nothing."""
    listed = {cause.entity: cause.findings for cause in judgement.causes}
    shown = [found for name in alerting for found in listed.get(name) or _strongest(judgement, name)]
    return _began(shown)


def _strongest(judgement: Judgement, entity: str) -> tuple[EngineFinding, ...]:
    return tuple(found for found in judgement.findings if found.entity == entity)[:_DATING]


def _entities(snapshot: Snapshot, alerting: Collection[str]) -> tuple[str, ...]:
    """What the evidence knows; of more than are kept, what deviates or what alerts depends on comes first."""
    near = {finding.entity for finding in snapshot.findings}
    near |= {name for alarm in alerting for name in snapshot.graph.distances(alarm)}
    kept = sorted(snapshot.entities, key=lambda name: (name not in near, name))[:_ENTITIES_KEPT]
    return tuple(sorted(kept))


def _fires_since(alert: Alert, incident: Incident) -> float:
    """As it says, but for what cannot be."""
    return max(min(alert.starts_at, told_last(incident)), incident.opened_at)


def _timeline(incident: Incident, causes: Sequence[Cause], snapshot: Snapshot) -> tuple[TimelineEntry, ...]:
    """What happened to the leading causes, when they deviated, and the starts of the alerts, in order; at most 40."""
    entries = [entry for cause in causes[:3] for finding in cause.findings[:3] for entry in _course(cause, finding)]
    leading = {entity for cause in causes[:3] for entity in (cause.entity, *cause.path)}
    entries += [
        TimelineEntry(at=event.at, what=_happened(event))
        for event in snapshot.evidence.events
        if event.entity in leading and event.at >= snapshot.window.start
    ][-_EVENTS_SHOWN:]
    if incident.closed_at is not None:
        entries.append(TimelineEntry(at=incident.closed_at, what="the alert group was resolved"))
    room = min(_ALERTS_SHOWN, _TIMELINE_SHOWN - len(entries))  # many alerts make room for what is told once
    entries += [
        TimelineEntry(at=_fires_since(alert, incident), what=f"alert {alert.name or 'without a name'} began to fire")
        for alert in sorted(incident.alerts, key=lambda alert: alert.starts_at)[:room]
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.what)))


def _course(cause: Cause, finding: Finding) -> Iterator[TimelineEntry]:
    """When it left its usual level, and when it was back there."""
    if finding.onset is None:
        return
    yield TimelineEntry(at=finding.onset, what=f"{short(cause.entity)}: {finding.sentence}")
    if finding.until is not None:
        back = f"{short(cause.entity)}: {signal_name(finding.signal)} is back at its usual level"
        yield TimelineEntry(at=finding.until, what=back)


def _happened(event: Event) -> str:
    by = f" (by {one_line(event.actor, MAX_ACTOR)})" if event.actor else ""
    what = f"{one_line(event.reason, _EVENT_REASON)}: {one_line(event.message, _EVENT_MESSAGE)}"
    return f"{short(event.entity)}: {what}{by}"
