"""The words of the service as data: alerts, incidents, causes, proposals, deliveries.

These are what the store keeps (as JSON), what the page and gRPC show, and what the sinks publish.
All times are seconds since the Unix epoch, UTC, unless a name says otherwise; probabilities and scores are in [0, 1].
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a group, as Alertmanager sent it."""

    fingerprint: str
    status: str  # "firing" | "resolved"
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: float
    ends_at: float | None = None  # None while firing
    generator_url: str = ""

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


class AlertGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One notification: webhook payload version 4, or the same by gRPC."""

    source: str  # the Alertmanager cluster, by credential or path; not the peer
    receiver: str
    group_key: str
    status: str  # "firing" | "resolved"
    alerts: tuple[Alert, ...]
    group_labels: dict[str, str] = {}
    common_labels: dict[str, str] = {}
    common_annotations: dict[str, str] = {}
    external_url: str = ""
    truncated_alerts: int = 0


class Severity(StrEnum):
    """Urgency; alert labels are mapped onto it by the configuration."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class IncidentStatus(StrEnum):
    OPEN = "open"
    RESOLVED = "resolved"


class AnalysisState(StrEnum):
    """Where the judgement of an incident stands."""

    PENDING = "pending"  # accepted, not judged yet
    DONE = "done"
    FAILED = "failed"  # the last attempt failed; it is tried again


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Evidence around the onset: one series, at most a few hundred points."""

    title: str
    unit: str
    times: tuple[float, ...]
    values: tuple[float | None, ...]
    baseline: float | None = None  # the usual level


FEEDBACK_SIGNAL = "feedback"
"""Name in findings of what people said of earlier incidents; the catalogue has none of that name."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One signal of one entity that deviates."""

    entity: str  # text form of brain_common.entity.Entity
    signal: str  # name in the signal catalogue
    score: float  # in [0, 1]; 1 = certainly not normal
    onset: float | None
    direction: str  # "up" | "down"
    sentence: str  # plain words: what deviates from what
    query: str = ""  # PromQL that shows the evidence
    link: str = ""  # what shows it: a URL built from configuration, or relative to the service's own address
    plot: Plot | None = None
    nats: float = 0.0  # the evidence itself, of which the score is made
    usual: float | None = None  # level of the baseline, in ``unit``
    extreme: float | None = None  # typical level while it deviates most, in ``unit``; single values may be beyond it
    unit: str = ""
    subject: str = ""  # what exactly was counted: a template, a reason; data from anybody, masked, one line
    until: float | None = None  # when it was over; None while it lasts, and when it cannot be told


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A fix somebody could apply; never applied by this service."""

    kind: str  # terraform | kubernetes | argocd | config
    title: str
    diff: str
    rationale: str
    risk: str  # low | medium | high, with a reason
    rollback: str
    validation: str = "not validated"


class ChangeKind(StrEnum):
    """What somebody may want to undo."""

    CONFIG = "config"
    ROLLOUT = "rollout"
    SYNC = "sync"  # of a repository, by a GitOps tool
    INFRASTRUCTURE = "infrastructure"


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to an entity; its texts are data: one line each, capped, not escaped."""

    at: float
    kind: ChangeKind
    seconds_before: float  # before the cause began; negative: after that, but before the finding that is quoted
    reason: str  # the event's word, one of a known set
    message: str
    actor: str  # empty where nobody is known


class Weighing(msgspec.Struct, frozen=True, kw_only=True):
    """One step on the way to a cause's weight."""

    what: str
    nats: float  # negative: took away
    how: str = (
        ""  # what the nats were made of, in plain words; empty: kept by a release that did not say, or nothing to say
    )


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What to look at next."""

    what: str  # one sentence
    command: str = ""  # a query or a command that only reads; empty where none can be given


class Cause(msgspec.Struct, frozen=True, kw_only=True):
    """A ranked candidate."""

    rank: int  # from 1
    entity: str
    fault_kind: str  # e.g. latency, errors, cpu, memory, disk, network, saturation, unavailable, unknown
    probability: float
    findings: tuple[Finding, ...] = ()  # for
    against: tuple[str, ...] = ()  # against, in plain words
    path: tuple[str, ...] = ()  # entities from the cause to the alerting entity
    explanation: str = ""
    changes: tuple[Change, ...] = ()  # to it, shortly before it began, the latest first
    proposals: tuple[Proposal, ...] = ()
    weight: float = 0.0  # evidence that it is the cause, in nats; 0: kept by a release that did not say
    weighed: tuple[Weighing, ...] = ()  # how the weight came about; they sum up to it
    temperature: float = 1.0  # what the weight is divided by before it becomes odds against "none of these"
    look: tuple[Look, ...] = ()  # what to look at next, the most telling first

    @property
    def began(self) -> float | None:
        """When the first of its findings did; None where none of them can tell."""
        return min((finding.onset for finding in self.findings if finding.onset is not None), default=None)

    @property
    def signals(self) -> frozenset[str]:
        """What was measured or counted of it."""
        return frozenset(finding.signal for finding in self.findings if finding.signal != FEEDBACK_SIGNAL)


class FeedbackKind(StrEnum):
    """What somebody who knows said about a cause."""

    CONFIRMED = "confirmed"  # this was it
    REJECTED = "rejected"  # this was not it


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What one caller said about one entity as the cause of one incident; can be taken back."""

    entity: str
    kind: FeedbackKind
    fault_kind: str = ""  # empty: not said
    fix: str = ""  # what mended it, in the caller's words
    actor: str  # name of the credential
    at: float


class SimilarIncident(msgspec.Struct, frozen=True, kw_only=True):
    """A past incident that looked alike when the judgement was made, as it compares at the time of reading."""

    incident_id: str
    title: str
    entity: str  # its cause
    fault_kind: str
    opened_at: float
    lasted: float | None  # seconds; None: still open
    score: float  # in [0, 1]; 1 = the same cause, the same fault, the same signals
    why: str  # the score in words
    confirmed: bool  # somebody confirmed that cause
    fix: str = ""  # what mended it then, as far as anybody said


class SharedMember(msgspec.Struct, frozen=True, kw_only=True):
    """One of the incidents that have one cause."""

    incident_id: str
    title: str
    received_at: float
    open: bool


class SharedCause(msgspec.Struct, frozen=True, kw_only=True):
    """Incidents at the same time whose cause is one and the same; each of them keeps its identity."""

    id: str  # 16 hex digits; stays while members come and go
    entity: str
    total: int  # members, more than one
    members: tuple[SharedMember, ...]  # the leading one first, then open before closed, older before newer; not all

    @property
    def lead(self) -> SharedMember:
        """The oldest that is still open, else the oldest."""
        return self.members[0]


class Suspect(msgspec.Struct, frozen=True, kw_only=True):
    """What comes near where no cause is found: where to look next, no claim."""

    entity: str
    weight: float  # evidence that it is the cause, in nats; too little to be named
    finding: Finding | None = None  # its strongest; None: it only alerts


class TimelineEntry(msgspec.Struct, frozen=True, kw_only=True):
    at: float
    what: str  # one plain sentence


class Analysis(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of the judgement said."""

    finished_at: float
    window_start: float
    window_end: float
    alerting: tuple[str, ...]  # entities
    causes: tuple[Cause, ...]  # best first; empty = no cause found
    no_cause_reason: str = ""  # why there is none, when there is none
    none_probability: float = 0.0  # that none of the listed is the cause
    suspects: tuple[Suspect, ...] = ()  # what comes nearest, when there is no cause; best first
    missing: tuple[str, ...] = ()  # evidence that could not be fetched, one sentence each
    timeline: tuple[TimelineEntry, ...] = ()
    seconds: float = 0.0  # of wall-clock time
    similar: tuple[SimilarIncident, ...] = ()  # most alike first
    trouble_began: float | None = None  # when what alerts left its usual level; None: it cannot be told
    resolution: float = 0.0  # seconds within which two moments are not told apart; 0: not known
    entities: tuple[str, ...] = ()  # what the evidence knows, sorted; a large system's not all


class DeliveryState(StrEnum):
    PENDING = "pending"  # still to be done, or being retried
    DONE = "done"
    FAILED = "failed"  # the deadline passed; a newer revision of the incident is tried anew


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """How far one sink has been told about one incident."""

    sink: str  # e.g. "grafana", "alertmanager", "webhook:<name>"
    state: DeliveryState
    external_id: str = ""  # e.g. the annotation's id
    attempts: int = 0  # since the last success
    error: str = ""  # the last one, masked
    updated_at: float = 0.0


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """An episode of an alert group, from first firing to resolved."""

    id: str  # 16 hex digits
    source: str
    receiver: str
    group_key: str
    group_hash: str  # 12 hex digits of source, receiver and group key: same for every episode
    episode: int  # from 1
    status: IncidentStatus
    severity: Severity
    opened_at: float  # earliest startsAt of its alerts that can be, see ``dating``
    received_at: float  # when its first notification was accepted
    last_heard_at: float = 0.0  # when the latest notification about it came; 0: kept by a release that did not say
    closed_at: float | None = None
    closed_for_silence: bool = False  # nobody said that it was resolved; notifications ceased
    alerts: tuple[Alert, ...] = ()  # the latest state of every alert that was ever a member
    group_labels: dict[str, str] = {}
    truncated_alerts: int = 0
    notifications: int = 0  # accepted so far, duplicates included
    revision: int = 0  # grows with every change of this incident
    analysis_state: AnalysisState = AnalysisState.PENDING
    analysis_error: str = ""
    analysis: Analysis | None = None
    deliveries: tuple[Delivery, ...] = ()
    feedback: tuple[Feedback, ...] = ()  # by entity
    cause_id: str = ""  # 16 hex digits, the same for all incidents that have one cause; empty: not sure of it
    shared: SharedCause | None = None  # None: no other incident has its cause

    @property
    def confirmed(self) -> Feedback | None:
        """The cause that somebody confirmed; the latest where there are several."""
        said = [one for one in self.feedback if one.kind is FeedbackKind.CONFIRMED]
        return max(said, key=lambda one: (one.at, one.entity), default=None)

    @property
    def rejected(self) -> frozenset[str]:
        """Entities of which somebody said that they are not the cause."""
        return frozenset(one.entity for one in self.feedback if one.kind is FeedbackKind.REJECTED)

    @property
    def told(self) -> Cause | None:
        """The cause that is spoken of first: the confirmed one as it was judged, else the likeliest."""
        causes = self.analysis.causes if self.analysis else ()
        if self.confirmed is not None:
            return next((cause for cause in causes if cause.entity == self.confirmed.entity), None)
        return causes[0] if causes else None

    def onset_of(self, cause: Cause) -> float:
        """Since when ``cause`` counts as there, seconds since the epoch: with the first alert where nothing tells."""
        return self.opened_at if cause.began is None else cause.began

    @property
    def is_led(self) -> bool:
        """Whether another incident with the same cause is the one to look at."""
        return self.shared is not None and self.shared.lead.incident_id != self.id

    @property
    def title(self) -> str:
        """Short name for people: the alert names and what they are about."""
        names = sorted({alert.name for alert in self.alerts if alert.name})
        labels = ", ".join(f"{k}={v}" for k, v in sorted(self.group_labels.items()) if k != "alertname")
        return (", ".join(names[:3]) or "Alert group") + (f" ({labels})" if labels else "")
