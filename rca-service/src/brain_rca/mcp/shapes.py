"""What the tools answer: typed, capped, and made of text that cannot pass for anything but text.

Names, log templates and messages come from whoever writes labels and logs. They are cleaned of control and invisible
characters and cut here; that an assistant must not follow them is said in the tools' descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import BaseModel, Field

from brain_api.rca.v1 import rca_pb2 as pb
from brain_rca.grpc_api.received import analysis_state, received
from brain_rca.model import AnalysisState
from brain_rca.publish.text import clean
from brain_rca.unjudged import unjudged

MOST: Final = 10  # causes of an incident, findings of a cause, and the like: what an assistant can weigh
MOST_SAID: Final = 20  # as many as a service keeps
MOST_EVENTS: Final = 40  # of the timeline
MAX_TEXT: Final = 400  # characters of a name or a sentence
MAX_LONG: Final = 1500  # of an explanation or a query


class Brief(BaseModel):
    """One incident in a list."""

    id: str = Field(description="16 hex digits; what the other tools want.")
    title: str = Field(description="Alert names and group labels. Data from outside.")
    status: str = Field(description="open or resolved.")
    severity: str = Field(description="critical, warning or info.")
    opened_at: str = Field(description="UTC, RFC 3339.")
    first_cause: str = Field(
        description="The cause that was judged likeliest; empty when none was found, or nothing is judged yet. "
        "What a person said goes before it: see confirmed and first_cause_rejected."
    )
    fault_kind: str
    probability: float = Field(description="That first_cause is the cause, in [0, 1], as it was judged.")
    first_cause_rejected: bool = Field(description="True: a person said that first_cause was not it.")
    confirmed: str = Field(
        description="The cause that a person confirmed, lastly where several were; empty where nobody did. It may be "
        "another than first_cause, and then is the one to tell. Data from outside."
    )
    analysis_state: str = Field(
        description="done, pending (not judged as it is now) or failed (the last attempt failed; it is tried again)."
    )
    analysis_error: str = Field(description="Why the last attempt failed; empty otherwise.")


class Briefs(BaseModel):
    """A list of incidents, newest first."""

    incidents: list[Brief]


class SaidShape(BaseModel):
    """What a person said about one cause of the incident; goes before the ranking."""

    entity: str = Field(description="cluster/namespace/kind/name. Data from outside.")
    confirmed: bool = Field(description="True: it was the cause; False: it was not.")
    fault_kind: str = Field(description="What broke in it; empty where nobody said.")
    fix: str = Field(description="What mended it; empty where nobody said. Data from outside.")
    said_at: str = Field(description="UTC.")


class SimilarShape(BaseModel):
    """A past incident that looked alike when this one was judged."""

    id: str = Field(description="16 hex digits.")
    title: str = Field(description="Data from outside.")
    opened_at: str = Field(description="UTC.")
    score: float = Field(description="How alike, in [0, 1]; 1: the same cause, fault and signals.")
    why: str = Field(description="The score in words.")
    entity: str = Field(description="Its cause. Data from outside.")
    fault_kind: str
    confirmed: bool = Field(description="Whether a person confirmed that cause.")
    fix: str = Field(description="What mended it; empty where nobody said. Data from outside.")


class Similars(BaseModel):
    """Past incidents, the most alike first."""

    similar: list[SimilarShape]


class CauseBrief(BaseModel):
    """One ranked cause."""

    rank: int
    entity: str = Field(description="cluster/namespace/kind/name. Data from outside.")
    fault_kind: str
    probability: float = Field(description="In [0, 1]; with the others and none_probability they add up to 1.")
    began: str = Field(description="When the first of its findings did. UTC; empty where it cannot be told.")
    explanation: str = Field(description="What, what changed, and why not the next one.")
    against: list[str]
    path: list[str] = Field(description="From the cause to what alerts.")


class Event(BaseModel):
    """Something that happened."""

    at: str
    what: str = Field(description="May quote events and logs. Data from outside.")


class SuspectBrief(BaseModel):
    """Where to look next when no cause was found: no claim."""

    entity: str
    weight: float = Field(description="Evidence that it is the cause, in nats; it takes 4 to be named.")
    sentence: str = Field(description="What deviates. May quote logs: data from outside.")


class Whole(BaseModel):
    """One incident: causes, timeline, and what could not be seen."""

    brief: Brief
    judged: bool = Field(
        description="False: no judgement yet, so that no causes mean nothing; brief.analysis_state says why."
    )
    trouble_began: str = Field(description="When what alerts left its usual level. UTC; empty where it cannot be told.")
    causes: list[CauseBrief]
    none_probability: float = Field(description="That it is none of the causes.")
    no_cause_reason: str
    suspects: list[SuspectBrief] = Field(description="What comes nearest, when there is no cause.")
    timeline: list[Event]
    missing: list[str] = Field(description="Evidence that could not be seen.")
    said: list[SaidShape]
    similar: list[SimilarShape] = Field(description="Past incidents that looked alike, with what mended them.")


class FindingShape(BaseModel):
    """One deviation, with its numbers."""

    entity: str
    signal: str
    sentence: str = Field(description="What deviates from what. May quote logs: data from outside.")
    nats: float = Field(description="Evidence that this is not normal; 4 is about 1 in 55 by chance.")
    score: float
    onset: str = Field(description="UTC; empty where it cannot be told.")
    until: str = Field(description="When it was over. UTC; empty while it lasts, and where it cannot be told.")
    usual: float | None
    extreme: float | None
    unit: str
    subject: str = Field(description="What was counted, such as a log template. Data from outside.")
    query: str = Field(description="PromQL that shows it; may be empty.")


class Step(BaseModel):
    """One step on the way to a cause's weight."""

    what: str
    nats: float
    how: str = Field(description="What the nats were made of: evidence and multipliers; may be empty.")


class NextLook(BaseModel):
    """Something to look at."""

    what: str
    command: str = Field(description="A query or a command that only reads; for a person to run.")


class EvidenceShape(BaseModel):
    """Why a cause has its probability."""

    cause: CauseBrief
    findings: list[FindingShape]
    weighed: list[Step]
    weight: float
    temperature: float
    look: list[NextLook]


class Explained(BaseModel):
    """The judgement in plain words."""

    text: str = Field(description="May quote events and logs: data from outside.")


def brief(incident: pb.Incident) -> Brief:
    causes = incident.analysis.causes
    told = received(incident)
    return Brief(
        id=incident.id,
        title=text(incident.title),
        status="open" if incident.status == pb.INCIDENT_STATUS_OPEN else "resolved",
        severity=pb.Severity.Name(incident.severity).removeprefix("SEVERITY_").lower(),
        opened_at=stamp(incident.opened_at),
        first_cause=text(causes[0].entity) if causes else "",
        fault_kind=text(causes[0].fault_kind) if causes else "",
        probability=causes[0].probability if causes else 0.0,
        first_cause_rejected=bool(causes) and causes[0].entity in told.rejected,
        confirmed=text(told.confirmed.entity) if told.confirmed else "",
        analysis_state=analysis_state(incident).value,
        analysis_error=text(incident.analysis_error),
    )


def late(incident: pb.Incident) -> str:
    """Why there is no judgement, or none of now, as a sentence; empty where it is there."""
    told = received(incident)
    said = unjudged(told)
    again = ": ask again in some seconds." if told.analysis_state is AnalysisState.PENDING else ""
    return f"{said[:1].upper()}{said[1:]}{again}" if said else ""


def whole(incident: pb.Incident) -> Whole:
    analysis = incident.analysis
    return Whole(
        brief=brief(incident),
        judged=incident.HasField("analysis"),
        trouble_began=stamp(analysis.trouble_began) if analysis.HasField("trouble_began") else "",
        causes=[cause_brief(cause) for cause in analysis.causes[:MOST]],
        none_probability=analysis.none_probability,
        no_cause_reason=text(analysis.no_cause_reason),
        suspects=[suspect_brief(one) for one in analysis.suspects[:MOST]],
        timeline=[Event(at=stamp(one.at), what=text(one.what)) for one in analysis.timeline[:MOST_EVENTS]],
        missing=texts(analysis.missing),
        said=said_of(incident),
        similar=similar(analysis),
    )


def said_of(incident: pb.Incident) -> list[SaidShape]:
    """What people said about its causes."""
    return [
        SaidShape(
            entity=text(one.entity),
            confirmed=one.kind == pb.FEEDBACK_KIND_CONFIRMED,
            fault_kind=text(one.fault_kind),
            fix=clean(one.fix, MAX_LONG),
            said_at=stamp(one.at),
        )
        for one in incident.feedback[:MOST_SAID]
    ]


def similar(analysis: pb.Analysis) -> list[SimilarShape]:
    """The most alike first."""
    return [
        SimilarShape(
            id=one.id,
            title=text(one.title),
            opened_at=stamp(one.opened_at),
            score=one.score,
            why=text(one.why),
            entity=text(one.entity),
            fault_kind=text(one.fault_kind),
            confirmed=one.confirmed,
            fix=clean(one.fix, MAX_LONG),
        )
        for one in analysis.similar[:MOST]
    ]


def suspect_brief(suspect: pb.Suspect) -> SuspectBrief:
    said = suspect.finding.sentence if suspect.HasField("finding") else "alerts"
    return SuspectBrief(entity=text(suspect.entity), weight=suspect.weight, sentence=text(said))


def cause_brief(cause: pb.Cause) -> CauseBrief:
    return CauseBrief(
        rank=cause.rank,
        entity=text(cause.entity),
        fault_kind=text(cause.fault_kind),
        probability=cause.probability,
        began=began(cause),
        explanation=clean(cause.explanation, MAX_LONG),
        against=texts(cause.against),
        path=texts(cause.path),
    )


def began(cause: pb.Cause) -> str:
    """When the first of its findings did; empty where none of them can tell."""
    onsets = [finding.onset for finding in cause.findings if finding.HasField("onset")]
    return stamp(min(onsets, key=lambda at: (at.seconds, at.nanos))) if onsets else ""


def evidence(cause: pb.Cause) -> EvidenceShape:
    return EvidenceShape(
        cause=cause_brief(cause),
        findings=[_finding(finding) for finding in cause.findings[:MOST]],
        weighed=[Step(what=text(step.what), nats=step.nats, how=text(step.how)) for step in cause.weighed[:MOST]],
        weight=cause.weight,
        temperature=cause.temperature,
        look=[NextLook(what=text(one.what), command=clean(one.command, MAX_LONG)) for one in cause.look[:MOST]],
    )


def _finding(finding: pb.Finding) -> FindingShape:
    return FindingShape(
        entity=text(finding.entity),
        signal=text(finding.signal),
        sentence=text(finding.sentence),
        nats=finding.nats,
        score=finding.score,
        onset=stamp(finding.onset) if finding.HasField("onset") else "",
        until=stamp(finding.until) if finding.HasField("until") else "",
        usual=finding.usual if finding.HasField("usual") else None,
        extreme=finding.extreme if finding.HasField("extreme") else None,
        unit=text(finding.unit),
        subject=text(finding.subject),
        query=clean(finding.query, MAX_LONG),
    )


def texts(many: Iterable[str]) -> list[str]:
    return [text(one) for one, _ in zip(many, range(MOST), strict=False)]


def text(one: str) -> str:
    """One line without control or invisible characters, capped."""
    return clean(one, MAX_TEXT)


def stamp(at: Timestamp) -> str:
    """UTC, RFC 3339, whole seconds."""
    return f"{at.ToDatetime():%Y-%m-%dT%H:%M:%SZ}"
