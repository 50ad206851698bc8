"""Where feedback comes in, over gRPC as from the page: one set of checks, one entry in the audit log.

The caller has been identified before: who is not known by name has no say. The store comes first, the audit log second,
as for judgements: a crash in between leaves feedback without an entry, never an entry without feedback. Whoever was not
answered says it again, which changes nothing and makes the entry.
"""

from __future__ import annotations

from typing import Final

from brain_common.clock import Clock
from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_common.logs import mask
from brain_rca.audit import AuditLog
from brain_rca.feedback.fault_kinds import checked_fault_kind
from brain_rca.feedback.known import known_entities, near
from brain_rca.model import Feedback, FeedbackKind, Incident
from brain_rca.store.protocol import Store
from brain_rca.text import clean
from brain_rca.wake import Wake

MAX_ENTITY: Final = 512  # characters; names in Kubernetes have 253
MAX_FIX: Final = 500  # characters: a sentence or two
_NOT_KNOWN: Final = "has no evidence of anything of that name"
_ACTIONS: Final = {FeedbackKind.CONFIRMED: "cause confirmed", FeedbackKind.REJECTED: "cause rejected"}


class NoSuchIncidentError(InputError):
    """There is no incident of that id, or no longer."""


class NoSuchFeedbackError(InputError):
    """Nothing was said about that entity, so that there is nothing to take back."""


class UnknownEntityError(InputError):
    """Nothing in the evidence of the incident is called so; ``problem`` names what may have been meant."""

    def __init__(self, problem: str) -> None:
        super().__init__(f"{problem}; if it is right nevertheless, say that it is unseen (command line: --unseen)")
        self.problem = problem


class FeedbackDesk:
    """Takes feedback of identified callers."""

    def __init__(self, store: Store, audit: AuditLog, clock: Clock, wake: Wake) -> None:
        self._store = store
        self._audit = audit
        self._clock = clock
        self._wake = wake

    async def say(
        self,
        incident_id: str,
        kind: FeedbackKind,
        entity: str,
        actor: str,
        fault_kind: str = "",
        fix: str = "",
        *,
        unseen: bool = False,
    ) -> Incident:
        """Keep what ``actor`` says about ``entity``; returns the incident with it.

        Args:
            incident_id: Which incident.
            kind: Whether the entity was its cause.
            entity: ``cluster/namespace/kind/name``; need not be in the ranking, but known to the evidence.
            actor: Name of the credential.
            fault_kind: What broke in it; empty takes that of the ranking, if the entity is there.
            fix: What mended it, in a sentence; secrets in it are masked.
            unseen: The entity is right although the evidence does not know it.

        Raises:
            NoSuchIncidentError: There is none of that id.
            UnknownEntityError: The evidence does not know the entity, and nobody said that it is unseen.
            InputError: The entity, fault kind or fix is malformed, the kind misspelt, or there is too much feedback.
            TemporaryError: The store is away.
        """
        incident = await self._incident(incident_id)
        named = _entity(entity) if unseen else _known(incident, entity)
        feedback = Feedback(
            entity=named,
            kind=kind,
            fault_kind=_fault_kind(incident, fault_kind) or _ranked_fault(incident, named),
            fix=_fix(fix),
            actor=actor,
            at=self._clock.now(),
        )
        if not await self._store.give_feedback(incident_id, feedback):
            raise NoSuchIncidentError(f"no incident {incident_id}")
        await self._note(incident_id, _ACTIONS[kind], feedback)
        return await self._incident(incident_id)

    async def withdraw(self, incident_id: str, entity: str, actor: str) -> Incident:
        """Take back whatever was said about ``entity``, by whomever; returns the incident without it.

        Raises:
            NoSuchIncidentError: There is no incident of that id.
            NoSuchFeedbackError: Nothing was said about the entity.
            InputError: The entity is malformed.
            TemporaryError: The store is away.
        """
        await self._incident(incident_id)
        taken = await self._store.withdraw_feedback(incident_id, _entity(entity), self._clock.now())
        if taken is None:
            raise NoSuchFeedbackError(f"incident {incident_id} has no feedback about {entity}")
        detail = {"entity": taken.entity, "was": taken.kind.value, "said_by": taken.actor}
        await self._told(incident_id, "feedback withdrawn", detail, actor)
        return await self._incident(incident_id)

    async def _incident(self, incident_id: str) -> Incident:
        incident = await self._store.get(incident_id)
        if incident is None:
            raise NoSuchIncidentError(f"no incident {incident_id}")
        return incident

    async def _note(self, incident_id: str, action: str, feedback: Feedback) -> None:
        detail = {"entity": feedback.entity, "fault_kind": feedback.fault_kind, "fix": feedback.fix}
        await self._told(incident_id, action, detail, feedback.actor)

    async def _told(self, incident_id: str, action: str, detail: dict[str, str], actor: str) -> None:
        await self._audit.record(action, incident_id, detail, actor)
        await self._wake.analysed()


def _known(incident: Incident, text: str) -> str:
    """In the one form it is compared in, if there is such a thing; else the error says what may have been meant."""
    known = known_entities(incident.analysis)
    try:
        entity = _entity(text)
    except InputError as error:
        meant = _meant(text, known)
        raise InputError(f"{error}{meant}") from error
    if entity not in known:
        judged = "is not judged yet, so that nothing is known of it" if incident.analysis is None else _NOT_KNOWN
        raise UnknownEntityError(f"entity {entity!r}: this incident {judged}{_meant(entity, known)}")
    return entity


def _meant(text: str, known: frozenset[str]) -> str:
    found = near(text, known)
    return f" (did you mean {' or '.join(found)}?)" if found else ""


def _entity(text: str) -> str:
    """In the one form it is compared in."""
    if len(text) > MAX_ENTITY or text != clean(text):
        raise InputError(f"entity: at most {MAX_ENTITY} characters, none of them a control or invisible character")
    entity = Entity.parse(text)
    if not entity.name:
        raise InputError(f"entity {text!r}: has no name")
    return str(entity)


def _fault_kind(incident: Incident, text: str) -> str:
    return checked_fault_kind(
        text, {cause.fault_kind for cause in incident.analysis.causes} if incident.analysis else ()
    )


def _fix(text: str) -> str:
    if len(text) > MAX_FIX:
        raise InputError(f"fix: at most {MAX_FIX} characters")
    return mask(clean(" ".join(text.split())))


def _ranked_fault(incident: Incident, entity: str) -> str:
    causes = incident.analysis.causes if incident.analysis else ()
    return next((cause.fault_kind for cause in causes if cause.entity == entity), "")
