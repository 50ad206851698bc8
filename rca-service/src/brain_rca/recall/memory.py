"""Asks the store what earlier incidents teach; called by the analysis worker, before and after each judgement.

Bounded: one question before and at most one after, for a few hundred small rows each, whatever the store holds.
"""

from __future__ import annotations

from typing import Final

from brain_engine.rank.prior import PriorOf
from brain_rca.model import Analysis, Incident, SimilarIncident
from brain_rca.recall.priors import priors
from brain_rca.recall.similar import most_similar
from brain_rca.store.protocol import Store

_MOST_EXPERIENCE: Final = 500  # pairs of entity and fault, the latest: people say something a few times a day
_MOST_PAST: Final = 50  # of each sort, the newest
_YEARS_BACK: Final = 400 * 86400.0  # seconds: as long as incidents are kept by default


class Memory:
    """Of all replicas, since it is the store's."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def priors(self, incident: Incident) -> PriorOf:
        """What is known beforehand of causes, from other incidents.

        Raises:
            TemporaryError: The store is away.
        """
        return priors(await self._store.experience(incident.id, incident.opened_at, _MOST_EXPERIENCE))

    async def similar(self, incident: Incident, analysis: Analysis) -> tuple[SimilarIncident, ...]:
        """Past incidents that look like this one, as judged; none where no cause was found.

        Raises:
            TemporaryError: The store is away.
        """
        if not analysis.causes:
            return ()
        cause = analysis.causes[0]
        past = await self._store.past_with_cause(
            cause.entity,
            cause.fault_kind,
            except_for=incident.id,
            onset=incident.onset_of(cause),
            after=incident.received_at - _YEARS_BACK,
            before=incident.received_at,
            limit=_MOST_PAST,
        )
        return most_similar(cause, past)
