"""An incident as the template needs it: sorted, capped, in words; no HTML here.

The caps keep a hostile or merely huge incident readable and the page below half a megabyte; everything is in
the JSON.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_engine.judge import NAMED_FROM
from brain_rca.began import MEANINGS, beginnings, known_to
from brain_rca.feedback.known import known_entities
from brain_rca.model import (
    Alert,
    Analysis,
    AnalysisState,
    Cause,
    Feedback,
    FeedbackKind,
    Finding,
    Incident,
    IncidentStatus,
    Look,
    Proposal,
    SharedCause,
    SimilarIncident,
    TimelineEntry,
)
from brain_rca.page.plot import Drawing, draw
from brain_rca.page.text import DiffLine, clip, diff_lines, web_address
from brain_rca.page.units import percent, plain_number, quantity

MAX_ALERTS = 200
MAX_LABELS = 4
MAX_LABEL = 40  # characters of a name or value; most pod names fit
MAX_CAUSES = 6
MAX_FINDINGS = 6
MAX_LOOKS = 4
MAX_PROPOSALS = 3
MAX_ROWS = 40  # of the timeline, the missing evidence, the arguments against
MAX_PATH = 12
MAX_FEEDBACK = 20
MAX_MEMBERS = 20
MAX_SUGGESTED = 500
MAX_SIMILAR = 5
MAX_NAME = 120
MAX_SUMMARY = 140
MAX_FULL = 240  # of an entity with all its parts
MAX_KIND = 48
MAX_TEXT = 480
MAX_EXPLANATION = 1000
MAX_QUERY = 2000  # of the catalogue, the longest has 1300
MAX_STEPS = 12  # of a weighing
MAX_DIFF_LINES = 200
MAX_DIFF_WIDTH = 200
_NAMED_ELSEWHERE = {"alertname", "severity"}
_LINKS = (("runbook_url", "runbook"), ("dashboard_url", "dashboard"))
_TONES = {"passed": "resolved", "failed": "critical"}
_FAULTS = {"cpu": "CPU", "unknown": "fault of unknown kind", "unavailable": "unavailable"}


@dataclass(frozen=True, slots=True)
class EntityView:
    """An entity by its name, and where that name holds."""

    name: str
    kind: str
    place: str  # "namespace · cluster", what is known of it
    full: str


@dataclass(frozen=True, slots=True)
class AlertView:
    alert: Alert
    name: str
    firing: bool
    labels: tuple[tuple[str, str], ...]
    more_labels: int
    summary: str
    links: tuple[tuple[str, str], ...]  # text and address


@dataclass(frozen=True, slots=True)
class FindingView:
    finding: Finding
    entity: EntityView | None  # None when it is that of whom it is listed for
    sentence: str
    query: str
    link: str
    drawing: Drawing | None
    anchor: str  # of its place on the page; its link names it
    levels: str  # "usually 20 ms, then typically 2.1 s", what is known of it
    nats: str  # empty where a release that did not say kept it


@dataclass(frozen=True, slots=True)
class WeighingView:
    """How a probability came about: the steps in nats, their sum, and the odds it became."""

    steps: tuple[tuple[str, str, str], ...]  # what, how it came about, nats
    more: str  # what steps that are not listed add up to; empty when there are none
    total: str
    temperature: str
    odds: str  # against "none of these"


@dataclass(frozen=True, slots=True)
class ProposalView:
    proposal: Proposal
    lines: tuple[DiffLine, ...]
    tone: str  # the colour of its validation: that of a severity, or "resolved"
    untried: bool


@dataclass(frozen=True, slots=True)
class CauseView:
    cause: Cause
    entity: EntityView
    fault: str
    probability: str
    bar: float  # percent of the bar's width
    explanation: str
    chain: tuple[EntityView, ...]
    findings: tuple[FindingView, ...]
    against: tuple[str, ...]
    proposals: tuple[ProposalView, ...]
    weighed: WeighingView | None  # None where a release that did not say kept it
    look: tuple[Look, ...]


@dataclass(frozen=True, slots=True)
class SuspectView:
    entity: EntityView
    nats: str  # of those that it takes to be named
    finding: FindingView | None  # None where it only alerts


@dataclass(frozen=True, slots=True)
class FeedbackView:
    feedback: Feedback
    confirmed: bool
    entity: EntityView
    fault: str
    fix: str


@dataclass(frozen=True, slots=True)
class ConfirmedView:
    """The cause that somebody confirmed; it need not be among those ranked."""

    entity: EntityView
    fault: str
    judged: CauseView | None  # None where it is not among the causes that are shown
    others: tuple[EntityView, ...]  # confirmed before it, the latest first


@dataclass(frozen=True, slots=True)
class MemberView:
    id: str
    title: str
    open: bool


@dataclass(frozen=True, slots=True)
class SharedView:
    entity: EntityView
    total: int
    members: tuple[MemberView, ...]
    more: int  # members that are not shown


@dataclass(frozen=True, slots=True)
class SimilarView:
    similar: SimilarIncident
    title: str
    entity: EntityView
    why: str
    fix: str


@dataclass(frozen=True, slots=True)
class IncidentView:
    incident: Incident
    title: str
    open: bool
    seconds: float  # from opening to closing, or to now
    refresh: int  # seconds until the page asks again; 0 = never
    firing: int
    alerts: tuple[AlertView, ...]
    more_alerts: int  # not shown, or never sent
    causes: tuple[CauseView, ...]
    suspects: tuple[SuspectView, ...]
    named_from: str  # nats
    none_bar: float
    none_probability: str
    timeline: tuple[TimelineEntry, ...]
    missing: tuple[str, ...]
    feedback: tuple[FeedbackView, ...]
    confirmed: ConfirmedView | None  # None: nobody confirmed a cause
    shared: SharedView | None
    similar: tuple[SimilarView, ...]
    beginnings: tuple[tuple[str, str, float], ...]  # name of a moment, what it means, and when it was
    known_to: str  # how well these are known; empty where nobody can tell


@dataclass(frozen=True, slots=True)
class Draft:
    """What the form for feedback holds; one that was refused is shown again with it."""

    entity: str = ""  # chosen; empty: "another one"
    other: str = ""  # written
    unseen: bool = False
    fault: str = ""
    fix: str = ""
    wrong: str = ""  # why it was refused


def draft_view(refused: Draft | None, causes: Sequence[CauseView]) -> Draft:
    """What stands in the form: at first the likeliest cause is chosen, later what was chosen and written before.

    Whoever wrote a name and left the first cause as it was did not choose it. What was chosen and is no longer among
    the causes, because they were judged anew meanwhile, is kept as written.
    """
    offered = [view.cause.entity for view in causes]
    if refused is None:
        return Draft(entity=offered[0] if offered else "")
    if refused.entity not in offered:
        return replace(refused, entity="", other=refused.other or refused.entity)
    if refused.other and refused.entity == offered[0]:
        return replace(refused, entity="")
    return refused


def incident_view(incident: Incident, now: float) -> IncidentView:
    """Prepare ``incident`` for the template; ``now`` in seconds since the epoch."""
    analysis = incident.analysis
    alerts = sorted(incident.alerts, key=lambda alert: (alert.status != "firing", alert.starts_at, alert.name))
    causes = _causes(analysis) if analysis else ()
    none = analysis.none_probability if analysis else 0.0
    return IncidentView(
        incident=incident,
        title=clip(incident.title, 240),
        open=incident.status is IncidentStatus.OPEN,
        seconds=max(0.0, (now if incident.closed_at is None else incident.closed_at) - incident.opened_at),
        refresh=refresh_seconds(incident),
        firing=sum(alert.status == "firing" for alert in alerts),
        alerts=tuple(_alert(alert, incident.group_labels) for alert in alerts[:MAX_ALERTS]),
        more_alerts=max(0, len(alerts) - MAX_ALERTS) + max(0, incident.truncated_alerts),
        causes=causes,
        suspects=_suspects(analysis) if analysis else (),
        named_from=plain_number(NAMED_FROM),
        none_bar=_bar(none),
        none_probability=percent(none),
        timeline=_timeline(incident),
        missing=_texts(analysis.missing) if analysis else (),
        feedback=tuple(_feedback(feedback) for feedback in incident.feedback[:MAX_FEEDBACK]),
        confirmed=_confirmed(incident, incident.confirmed, causes) if incident.confirmed else None,
        shared=_shared(incident.shared) if incident.shared else None,
        similar=tuple(_similar(one) for one in analysis.similar[:MAX_SIMILAR]) if analysis else (),
        beginnings=tuple((name, MEANINGS[name], at) for name, at in beginnings(incident)),
        known_to=known_to(incident),
    )


def suggested(incident: Incident, view: IncidentView) -> tuple[str, ...]:
    """Entities that the evidence knows, but for the causes that are offered; what is near the incident first."""
    analysis = incident.analysis
    if analysis is None:
        return ()
    near = (*(one.entity for one in analysis.suspects), *analysis.alerting)
    known = dict.fromkeys((*near, *sorted(known_entities(analysis))))
    offered = {one.cause.entity for one in view.causes}
    return tuple(one for one in known if one not in offered and len(one) <= MAX_FULL)[:MAX_SUGGESTED]


def _feedback(feedback: Feedback) -> FeedbackView:
    return FeedbackView(
        feedback=feedback,
        confirmed=feedback.kind is FeedbackKind.CONFIRMED,
        entity=entity_view(feedback.entity),
        fault=fault_words(feedback.fault_kind),
        fix=clip(feedback.fix, MAX_TEXT),
    )


def _confirmed(incident: Incident, said: Feedback, causes: Iterable[CauseView]) -> ConfirmedView:
    judged = next((view for view in causes if view.cause.entity == said.entity), None)
    latest = sorted(incident.feedback, key=lambda one: -one.at)
    others = [one.entity for one in latest if one.kind is FeedbackKind.CONFIRMED and one.entity != said.entity]
    return ConfirmedView(
        entity=entity_view(said.entity),
        fault=fault_words(said.fault_kind),
        judged=judged,
        others=tuple(entity_view(one) for one in others),
    )


def _shared(shared: SharedCause) -> SharedView:
    members = [MemberView(one.incident_id, clip(one.title, MAX_NAME), one.open) for one in shared.members[:MAX_MEMBERS]]
    return SharedView(entity_view(shared.entity), shared.total, tuple(members), shared.total - len(members))


def _similar(similar: SimilarIncident) -> SimilarView:
    return SimilarView(
        similar=similar,
        title=clip(similar.title, MAX_NAME),
        entity=entity_view(similar.entity),
        why=clip(similar.why, MAX_TEXT),
        fix=clip(similar.fix, MAX_TEXT),
    )


def refresh_seconds(incident: Incident) -> int:
    """Soon while an answer is awaited, calmly while the incident is open, never after it."""
    if incident.analysis_state is AnalysisState.PENDING:
        return 5
    return 60 if incident.status is IncidentStatus.OPEN else 0


def entity_view(text: str) -> EntityView:
    """The parts of an entity's text form; a text that is none stands for itself."""
    try:
        entity = Entity.parse(text)
    except InputError:
        return EntityView(clip(text, MAX_NAME), "", "", clip(text, MAX_FULL))
    place = " · ".join(clip(part, MAX_NAME) for part in (entity.namespace, entity.cluster) if part)
    return EntityView(clip(entity.name, MAX_NAME), entity.kind.value, place, clip(text, MAX_FULL))


def fault_words(kind: str) -> str:
    """A fault kind in a sentence."""
    return _FAULTS.get(kind, clip(kind.replace("-", " ").replace("_", " "), MAX_KIND))


def _alert(alert: Alert, group_labels: dict[str, str]) -> AlertView:
    own = [
        (clip(key, MAX_LABEL), clip(value, MAX_LABEL))
        for key, value in sorted(alert.labels.items())
        if key not in _NAMED_ELSEWHERE and group_labels.get(key) != value
    ]
    notes = alert.annotations
    addresses = [("source", alert.generator_url), *((text, notes.get(key, "")) for key, text in _LINKS)]
    return AlertView(
        alert=alert,
        name=clip(alert.name, MAX_NAME) or "alert without a name",
        firing=alert.status == "firing",
        labels=tuple(own[:MAX_LABELS]),
        more_labels=max(0, len(own) - MAX_LABELS),
        summary=clip(notes.get("summary") or notes.get("description", ""), MAX_SUMMARY),
        links=tuple((text, address) for text, url in addresses if (address := web_address(url))),
    )


def _causes(analysis: Analysis) -> tuple[CauseView, ...]:
    shown = enumerate(analysis.causes[:MAX_CAUSES], start=1)
    return tuple(_cause(cause, place, analysis) for place, cause in shown)


def _cause(cause: Cause, place: int, analysis: Analysis) -> CauseView:
    best = sorted(enumerate(cause.findings, start=1), key=lambda placed: -placed[1].score)
    return CauseView(
        cause=cause,
        entity=entity_view(cause.entity),
        fault=fault_words(cause.fault_kind),
        probability=percent(cause.probability),
        bar=_bar(cause.probability),
        explanation=clip(cause.explanation, MAX_EXPLANATION),
        chain=_chain(cause),
        findings=tuple(
            _finding(finding, f"evidence-{place}-{number}", cause.entity, analysis)
            for number, finding in best[:MAX_FINDINGS]
        ),
        against=_texts(cause.against),
        proposals=tuple(_proposal(proposal) for proposal in cause.proposals[:MAX_PROPOSALS]),
        weighed=_weighed(cause, analysis.none_probability) if cause.weight else None,
        look=tuple(
            Look(what=clip(look.what, MAX_TEXT), command=clip(look.command, MAX_QUERY))
            for look in cause.look[:MAX_LOOKS]
        ),
    )


def _suspects(analysis: Analysis) -> tuple[SuspectView, ...]:
    return tuple(
        SuspectView(
            entity=entity_view(one.entity),
            nats=plain_number(one.weight),
            finding=_finding(one.finding, f"suspect-{place}", one.entity, analysis) if one.finding else None,
        )
        for place, one in enumerate(analysis.suspects[:MAX_CAUSES], start=1)
    )


def _weighed(cause: Cause, none: float) -> WeighingView:
    """The steps add up to the weight; what is left out of the table is one line, so that they still do."""
    shown, rest = cause.weighed[:MAX_STEPS], cause.weighed[MAX_STEPS:]
    return WeighingView(
        steps=tuple((clip(step.what, MAX_TEXT), clip(step.how, MAX_TEXT), _signed(step.nats)) for step in shown),
        more=_signed(sum(step.nats for step in rest)) if rest else "",
        total=plain_number(cause.weight),
        temperature=plain_number(cause.temperature),
        odds=plain_number(cause.probability / none) if none > 0 else "",
    )


def _signed(nats: float) -> str:
    return plain_number(nats) if nats < 0 else f"+{plain_number(nats)}"


def _levels(finding: Finding) -> str:
    parts = (("usually", finding.usual), ("then typically", finding.extreme))
    return ", ".join(f"{name} {quantity(value, finding.unit)}" for name, value in parts if value is not None)


def _chain(cause: Cause) -> tuple[EntityView, ...]:
    """Cause first, alerting entity last; the middle of an endless path is left out."""
    path = cause.path
    if len(path) > MAX_PATH:
        path = (*path[: MAX_PATH - 2], f"… {len(path) - MAX_PATH + 1} more", path[-1])
    return tuple(entity_view(text) for text in path)


def _finding(finding: Finding, anchor: str, about: str, analysis: Analysis) -> FindingView:
    window = (analysis.window_start, analysis.window_end)
    return FindingView(
        finding=finding,
        entity=None if finding.entity == about else entity_view(finding.entity),
        sentence=clip(finding.sentence, MAX_TEXT),
        query=clip(finding.query, MAX_QUERY),
        link=web_address(finding.link),
        drawing=draw(finding.plot, finding.onset, window, finding.direction, finding.until) if finding.plot else None,
        anchor=anchor,
        levels=_levels(finding),
        nats=plain_number(finding.nats) if finding.nats else "",
    )


def _proposal(proposal: Proposal) -> ProposalView:
    return ProposalView(
        proposal=proposal,
        lines=diff_lines(proposal.diff, MAX_DIFF_LINES, MAX_DIFF_WIDTH) if proposal.diff else (),
        tone=_TONES.get(proposal.validation, "warning"),
        untried=proposal.validation not in _TONES,
    )


def _closing(incident: Incident) -> str:
    if incident.closed_for_silence:
        return "Closed for silence: notifications ceased, and none said that the alerts were resolved."
    return "The alerts were resolved."


def _timeline(incident: Incident) -> tuple[TimelineEntry, ...]:
    """What the analysis told, or what is known without one; the closing comes after any analysis."""
    if incident.analysis and incident.analysis.timeline:
        entries = list(incident.analysis.timeline)
    else:
        entries = [
            TimelineEntry(at=incident.opened_at, what="The first alert of the group started firing."),
            TimelineEntry(at=incident.received_at, what="The notification was accepted."),
        ]
    if incident.closed_at is not None:
        entries.append(TimelineEntry(at=incident.closed_at, what=_closing(incident)))
    return tuple(sorted(entries, key=lambda entry: entry.at)[-MAX_ROWS:])


def _texts(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(clip(text, MAX_TEXT) for text in tuple(texts)[:MAX_ROWS])


def _bar(probability: float) -> float:
    return round(100 * min(max(probability, 0.0), 1.0), 1) if probability == probability else 0.0
