"""How much a past incident looks like this one, and why, in words; pure.

The score is a sum of fixed parts, not a measure learnt from data: 0.4 for the same cause (0.2 for one of its kind), 0.2
for the same fault, and 0.4 times the share of signals that both causes have in common (Jaccard index).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from brain_common.entity import Entity
from brain_common.errors import InputError
from brain_rca.model import Cause, Incident, SimilarIncident
from brain_rca.store.protocol import PastIncident

MOST = 5
LEAST_SCORE = 0.4
"""What shares only the kind of cause and the fault is half of all incidents; below this nothing is worth a look."""

_SAME_ENTITY, _SAME_KIND, _SAME_FAULT, _SIGNALS = 0.4, 0.2, 0.2, 0.4


def most_similar(cause: Cause, past: Sequence[PastIncident]) -> tuple[SimilarIncident, ...]:
    """The ``MOST`` that are most alike, the newer of two that are equally so."""
    scored = [_compared(cause, one) for one in past]
    worth = [one for one in scored if one.score >= LEAST_SCORE]
    return tuple(sorted(worth, key=lambda one: (-one.score, -one.opened_at, one.incident_id))[:MOST])


def as_said_now(incident: Incident, known: Mapping[str, PastIncident]) -> Incident:
    """Its similar incidents compared anew, by what is known now of them: what people say, and that they ended.

    Left out are those that are not alike any more, are gone, or turned out to have one cause with it.
    """
    analysis = incident.analysis
    if analysis is None or not analysis.causes or not analysis.similar:
        return incident
    now = [past for one in analysis.similar if (past := known.get(one.incident_id))]
    apart = [past for past in now if not past.cause_id or past.cause_id != incident.cause_id]
    similar = most_similar(analysis.causes[0], apart)
    return msgspec.structs.replace(incident, analysis=msgspec.structs.replace(analysis, similar=similar))


def _compared(cause: Cause, past: PastIncident) -> SimilarIncident:
    place, place_words = _place(cause.entity, past.entity)
    fault = _SAME_FAULT if past.fault_kind == cause.fault_kind else 0.0
    fault_words = f"{'the same' if fault else 'another'} fault ({past.fault_kind})"
    common, either = cause.signals & set(past.signals), cause.signals | set(past.signals)
    overlap = len(common) / len(either) if either else 0.0
    return SimilarIncident(
        incident_id=past.incident_id,
        title=past.title,
        entity=past.entity,
        fault_kind=past.fault_kind,
        opened_at=past.opened_at,
        lasted=None if past.closed_at is None else max(past.closed_at - past.opened_at, 0.0),
        score=round(place + fault + _SIGNALS * overlap, 3),
        why=f"{place_words}, {fault_words}, {len(common)} of {len(either)} signals in common",
        confirmed=past.confirmed,
        fix=past.fix,
    )


def _place(entity: str, past: str) -> tuple[float, str]:
    if entity == past:
        return _SAME_ENTITY, "the same cause"
    if _kind(entity) == _kind(past) != "":
        return _SAME_KIND, f"another {_kind(past)}"
    return 0.0, "a cause of another kind"


def _kind(entity: str) -> str:
    try:
        return Entity.parse(entity).kind.value
    except InputError:
        return ""
