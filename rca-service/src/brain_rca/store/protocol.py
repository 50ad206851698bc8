"""What the service needs of its store; the only state it has.

Everything the service accepted or decided is here before anybody is told, so that a process may die at any
moment. Three queues live in it: notifications to judge (one worker per incident, by a lease), deliveries to sinks
(one worker per incident and sink, by a lease), and nothing else. A lease that runs out frees the work.

Implementations: ``sqlite.py`` (one process, WAL, fsynced) and ``postgres.py`` (any number of replicas,
``FOR UPDATE SKIP LOCKED``). ``tests/contract/store`` holds the suite that both must pass.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from brain_rca.model import AlertGroup, Analysis, Delivery, Feedback, Incident, Severity


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted group, with what the intake decided about its timing."""

    group: AlertGroup
    severity: Severity
    received_at: float
    due_at: float  # when the judgement may start: now for critical, else after the debounce


class Outcome(StrEnum):
    """What a notification did to the incidents."""

    OPENED = "opened"
    JOINED = "joined"  # changed an open incident
    DUPLICATE = "duplicate"  # said nothing new
    CLOSED = "closed"
    IGNORED = "ignored"  # resolved, or a late copy, of a group without open incident


class Acceptance(msgspec.Struct, frozen=True, kw_only=True):
    incident_id: str  # empty when IGNORED
    outcome: Outcome


class AnalysisClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to judge one incident until the lease ends."""

    incident: Incident
    token: str  # proves the lease; a stale one is refused


class DeliveryClaim(msgspec.Struct, frozen=True, kw_only=True):
    """The right to tell one sink about one incident until the lease ends."""

    incident: Incident
    sink: str
    delivery: Delivery
    first_attempt_at: float  # of this revision: the start of the deadline
    token: str


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the audit log, chained to the one before by ``digest`` (SHA-256, hex)."""

    writer: str
    sequence: int  # from 1, per writer, without gaps
    at: float
    actor: str
    action: str
    incident_id: str
    detail: dict[str, str]
    previous: str
    digest: str


class QueueDepths(msgspec.Struct, frozen=True, kw_only=True):
    analyses: int  # incidents whose judgement is due or running
    deliveries: Mapping[str, int]  # by sink: due or being retried
    open_incidents: int
    oldest_due_at: float | None  # of the analyses


class Experience(msgspec.Struct, frozen=True, kw_only=True):
    """How often something was said about an entity with one kind of fault, in how many outages."""

    entity: str
    fault_kind: str  # empty: not said
    confirmed: int
    rejected: int
    last_at: float


class PastIncident(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier incident by its cause: the confirmed one, else the first of its ranking that nobody rejected."""

    incident_id: str
    title: str
    entity: str
    fault_kind: str
    opened_at: float
    closed_at: float | None
    signals: tuple[str, ...]
    confirmed: bool
    fix: str
    cause_id: str = ""  # the same for all incidents that have one cause; empty: not sure of it


class Store(Protocol):
    """Raises ``brain_common.errors.TemporaryError`` when the database cannot be reached; then nothing was changed
    or, after a lost commit answer, repeating the call is harmless."""

    async def open(self) -> None:
        """Connect and bring the schema up to date."""
        ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raise unless the store answers."""
        ...

    async def accept(self, notification: Notification) -> Acceptance:
        """Take in one notification durably; on return it survives kill -9 and power loss.

        Identity is (source, receiver, group_key, episode). A firing group without open incident opens the next
        episode, unless every firing alert (fingerprint, starts_at) was already a member of an episode closed less than
        five minutes before: that is a late copy from an HA peer (IGNORED). A resolved group closes the open incident
        and makes an analysis-free publication of the closing due at once for every sink that has a delivery. A firing
        group merges its alerts into the open incident; when that changes anything (new alert, alert resolved or
        fired anew, severity raised), the judgement becomes due at ``max(due_at, last analysis + cooldown)``, or at
        ``due_at`` if the severity rose to critical; a pending due time is never moved later. Concurrent calls may be
        committed together.
        """
        ...

    async def claim_analysis(self, now: float, lease_seconds: float) -> AnalysisClaim | None:
        """The incident longest due, leased to the caller; None when none is due."""
        ...

    async def finish_analysis(
        self,
        claim: AnalysisClaim,
        analysis: Analysis,
        now: float,
        sinks: Sequence[str],
        next_due_at: float | None,
    ) -> bool:
        """Keep the result, make a delivery due for each of ``sinks`` and, in the same transaction, end the claim.

        ``next_due_at`` plans the next judgement of a still open incident, if nothing made it due earlier meanwhile.
        Returns False, and keeps nothing, when the lease was lost. Incidents at the same time whose first cause is the
        same entity, more likely than not and with onsets near each other, have one ``SharedCause`` from then on,
        whichever replica judged them; one whose cause changes leaves it.
        """
        ...

    async def fail_analysis(self, claim: AnalysisClaim, error: str, retry_at: float) -> None:
        """Give the work back, to be tried again at ``retry_at``."""
        ...

    async def claim_delivery(self, sink: str, now: float, lease_seconds: float) -> DeliveryClaim | None:
        """The due delivery of ``sink`` that waits longest."""
        ...

    async def finish_delivery(self, claim: DeliveryClaim, delivery: Delivery, next_due_at: float | None) -> bool:
        """Record the attempt. ``next_due_at`` is the retry or the refresh; None ends it until the incident changes.

        If the incident changed while the delivery was under way, it stays due regardless (at ``next_due_at`` if the
        attempt failed, at once or at ``next_due_at`` if that is earlier, when it
        succeeded). False when the lease was lost.
        """
        ...

    async def get(self, incident_id: str) -> Incident | None: ...

    async def by_fingerprint(self, fingerprint: str) -> Incident | None:
        """The newest incident that the alert is or was a member of."""
        ...

    async def list(
        self, *, limit: int, before: tuple[float, str] | None = None, only_open: bool = False
    ) -> Sequence[Incident]:
        """Newest first by (received_at, id); ``before`` is the last item of the page before."""
        ...

    async def changed_since(self, cursor: int, limit: int) -> tuple[Sequence[Incident], int]:
        """Incidents changed after ``cursor`` (0: all), oldest change first, and the cursor to go on from.

        A change that commits late is never skipped.
        """
        ...

    async def give_feedback(self, incident_id: str, said: Feedback) -> bool:
        """Keep what somebody said about one entity, in place of what was said of it before; False: no such incident.

        The incident has a new revision and is kept under the confirmed cause, if there is one; sinks that were told of
        an open incident are told again.

        Raises:
            InputError: Something was said about too many entities of this incident.
        """
        ...

    async def withdraw_feedback(self, incident_id: str, entity: str, at: float) -> Feedback | None:
        """Take it back, as if it had never been said; returns it, None when there was none."""
        ...

    async def experience(self, except_for: str, opened_at: float, limit: int) -> Sequence[Experience]:
        """What was said about causes of other incidents, latest first; incidents that share a cause count once.

        Args:
            except_for: Left out together with those that share its cause: what is said of an incident must not speak
                for itself.
            opened_at: Of ``except_for``. While it has no cause, all that may turn out to share it are left out.
            limit: Pairs of entity and fault kind at most.
        """
        ...

    async def past_with_cause(
        self, entity: str, fault_kind: str, *, except_for: str, onset: float, after: float, before: float, limit: int
    ) -> Sequence[PastIncident]:
        """Incidents received within [after, before) whose cause was the entity, or one of its kind with the same fault.

        The newest ``limit`` of both sorts; neither ``except_for`` nor those that share its cause, or will as soon as it
        is kept under ``entity`` since ``onset``.
        """
        ...

    async def depths(self, now: float) -> QueueDepths: ...

    async def append_audit(
        self, writer: str, at: float, actor: str, action: str, incident_id: str, detail: Mapping[str, str]
    ) -> AuditEntry:
        """Add the next entry of ``writer``'s chain (see ``brain_rca.store.audit.digest``)."""
        ...

    async def read_audit(self, writer: str | None = None) -> Sequence[AuditEntry]:
        """All entries, by writer and sequence."""
        ...

    async def close_silent(self, heard_before: float, now: float) -> int:
        """Close, as a resolved group does, open incidents about which no notification came since; returns how many.

        Any notification about an incident counts, duplicates too. An incident kept by a release that did not note them
        counts as heard of now. Firing alerts that come back afterwards open the next episode. Safe to call on all
        replicas at once.
        """
        ...

    async def prune(self, closed_before: float) -> int:
        """Delete incidents closed before; returns how many. The audit log stays."""
        ...
