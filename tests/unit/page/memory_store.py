"""The three reading methods of a store, over a list."""

from __future__ import annotations

from collections.abc import Sequence

from brain_common.errors import TemporaryError
from brain_rca.model import Incident, IncidentStatus


class MemoryStore:
    """What the page reads; ``away`` makes every call fail as an unreachable database does."""

    def __init__(self, incidents: Sequence[Incident]) -> None:
        self.incidents = sorted(incidents, key=_order, reverse=True)
        self.away = False
        self.calls: list[str] = []

    async def get(self, incident_id: str) -> Incident | None:
        self._note("get")
        return next((each for each in self.incidents if each.id == incident_id), None)

    async def by_fingerprint(self, fingerprint: str) -> Incident | None:
        self._note("by_fingerprint")
        members = (each for each in self.incidents if fingerprint in {alert.fingerprint for alert in each.alerts})
        return next(members, None)

    async def list(
        self, *, limit: int, before: tuple[float, str] | None = None, only_open: bool = False
    ) -> Sequence[Incident]:
        self._note("list")
        fitting = [
            each
            for each in self.incidents
            if (before is None or _order(each) < before) and (each.status is IncidentStatus.OPEN or not only_open)
        ]
        return fitting[:limit]

    def _note(self, name: str) -> None:
        self.calls.append(name)
        if self.away:
            raise TemporaryError("database away")


def _order(incident: Incident) -> tuple[float, str]:
    return incident.received_at, incident.id
