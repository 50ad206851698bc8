"""Region annotations in Grafana: from when the incident opened until now, or until it closed.

A sink (see ``sink``). There must be one annotation for an incident and dashboard whatever crashes, times out
or runs twice, though Grafana knows no idempotent creation: before any creation, and after any doubt, the
incident's annotations are looked up by tag; what is there is taken over, and what is there twice is deleted
but for the oldest.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from brain_common.clients.grafana import Annotation, GrafanaAnnotations, GrafanaRefusal
from brain_common.clock import Clock
from brain_common.errors import PermanentError
from brain_rca.model import Analysis, Delivery, Incident
from brain_rca.publish.annotation_text import annotation_html
from brain_rca.publish.dashboards import ORGANISATION, Target, targets
from brain_rca.publish.ledger import Entry, Ledger
from brain_rca.publish.subject import Subject, subject_of
from brain_rca.publish.summary import summarize

_LOG: Final = logging.getLogger(__name__)

NO_SUCH_DASHBOARD: Final = frozenset({400, 404, 422})
# To a service account, Grafana says 403 about an annotation that is gone: its permission cannot be resolved.
MAYBE_GONE: Final = frozenset({403, 404})
MAX_TAG: Final = 60  # characters; Grafana keeps 500 of all tags together, as JSON
_SEARCH_MARGIN: Final = 86400.0  # seconds around the incident: opened_at moves when an older alert joins, clocks differ
# A colon would make Grafana split the tag; <, > and & count six characters each in its JSON.
_NOT_IN_TAGS: Final = re.compile(r"[^\w./=-]+")


@dataclass(frozen=True, slots=True)
class _Content:
    """What every annotation of the incident says."""

    begin: float
    end: float
    tags: tuple[str, ...]
    text: str


class GrafanaSink:
    """Publishes to one Grafana.

    Args:
        annotations: The client; closed with the sink.
        external_url: Where people reach this service.
        clock: What "now" is.
        refresh_seconds: How often the region of an open incident grows.
        min_interval_seconds: The least time between two changes of one annotation.
    """

    name = "grafana"

    def __init__(
        self,
        annotations: GrafanaAnnotations,
        external_url: str,
        clock: Clock,
        *,
        refresh_seconds: float | None = 60.0,
        min_interval_seconds: float = 60.0,
    ) -> None:
        self._annotations = annotations
        self._external_url = external_url
        self._clock = clock
        self.refresh_seconds = refresh_seconds
        self.min_interval_seconds = min_interval_seconds

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        """See ``sink.Sink.publish``; returns the text form of a ``ledger.Ledger``."""
        if incident.analysis is None:
            return delivery.external_id
        content = self._content(incident, incident.analysis)
        ledger = Ledger.parse(delivery.external_id)
        wanted = targets(incident)
        doubtful = delivery.attempts > 0 or ledger.unsure or incident.closed_at is not None
        if doubtful or any(target.uid not in ledger.entries for target in wanted):
            found = await self._find(incident)
            _take_over(ledger, wanted, found)
            await self._remove_doubles(ledger, found)
        written: set[int] = set()
        for target in wanted:
            await self._write(incident, ledger, target, content, written)
        if delivery.attempts > 0:
            ledger.doubt()
        return ledger.text()

    async def aclose(self) -> None:
        await self._annotations.aclose()

    def _content(self, incident: Incident, analysis: Analysis) -> _Content:
        return _Content(
            begin=incident.opened_at,
            end=self._clock.now() if incident.closed_at is None else incident.closed_at,
            tags=_tags(incident, subject_of(incident)),
            text=annotation_html(summarize(incident, analysis, self._external_url)),
        )

    async def _find(self, incident: Incident) -> list[Annotation]:
        begin = min(incident.opened_at, incident.received_at) - _SEARCH_MARGIN
        return await self._annotations.find(_identity(incident), begin, self._clock.now() + _SEARCH_MARGIN)

    async def _write(
        self, incident: Incident, ledger: Ledger, target: Target, content: _Content, written: set[int]
    ) -> None:
        entry = ledger.entries.get(target.uid)
        if entry is not None and (entry.withdrawn or entry.id in written):
            return
        if entry is None:
            entry = await self._create(ledger, target, content)
        elif not await self._update(incident, entry, content):
            entry = await self._create_again(ledger, target, entry, content)
        ledger.entries[target.uid] = entry
        written.add(entry.id)

    async def _update(self, incident: Incident, entry: Entry, content: _Content) -> bool:
        """False when it is gone."""
        try:
            await self._annotations.update(
                entry.id, begin=content.begin, end=content.end, tags=content.tags, text=content.text
            )
        except GrafanaRefusal as error:
            if error.status not in MAYBE_GONE:
                raise
            if any(annotation.id == entry.id for annotation in await self._find(incident)):
                raise
            return False
        return True

    async def _create_again(self, ledger: Ledger, target: Target, gone: Entry, content: _Content) -> Entry:
        """Once: who deletes it a second time does not want to see it."""
        if gone.created_again:
            return Entry(id=0)
        ledger.entries = {uid: entry for uid, entry in ledger.entries.items() if entry.id != gone.id}
        return replace(await self._create(ledger, target, content), created_again=True)

    async def _create(self, ledger: Ledger, target: Target, content: _Content) -> Entry:
        if not target.uid:
            return Entry(await self._post(ORGANISATION, content))
        try:
            return Entry(await self._post(target, content))
        except GrafanaRefusal as error:
            if error.status not in NO_SUCH_DASHBOARD:
                raise
            _LOG.info("dashboard %s: %s; annotating the organisation instead", target.uid, error)
        present = ledger.organisation
        if present is not None:
            return replace(present, in_organisation=True)
        return Entry(await self._post(ORGANISATION, content), in_organisation=True)

    async def _post(self, target: Target, content: _Content) -> int:
        return await self._annotations.create(
            dashboard_uid=target.uid,
            panel_id=target.panel_id,
            begin=content.begin,
            end=content.end,
            tags=content.tags,
            text=content.text,
        )

    async def _remove_doubles(self, ledger: Ledger, found: Sequence[Annotation]) -> None:
        """Of those at the same place as one of ours; what may not be deleted is only a blemish."""
        ours = {entry.id for entry in ledger.entries.values()}
        places = {annotation.dashboard_uid for annotation in found if annotation.id in ours}
        for annotation in found:
            if annotation.id not in ours and annotation.dashboard_uid in places:
                try:
                    await self._annotations.delete(annotation.id)
                except PermanentError as error:
                    _LOG.warning("annotation %d is a double but stays: %s", annotation.id, error)
        ledger.settle()


def _take_over(ledger: Ledger, wanted: Sequence[Target], found: Sequence[Annotation]) -> None:
    """Enter what exists for targets that have no entry: on the dashboard itself, else in the organisation."""
    by_place: dict[str, int] = {}
    for annotation in found:
        by_place.setdefault(annotation.dashboard_uid, annotation.id)
    for target in wanted:
        if target.uid in ledger.entries:
            continue
        if target.uid in by_place:
            ledger.entries[target.uid] = Entry(by_place[target.uid])
        elif "" in by_place:
            ledger.entries[target.uid] = Entry(by_place[""], in_organisation=True)


def _identity(incident: Incident) -> tuple[str, str]:
    return ("brain", f"incident={incident.id}")


def _tags(incident: Incident, subject: Subject) -> tuple[str, ...]:
    tags = [*_identity(incident), f"group={incident.group_hash}", f"severity={incident.severity.value}"]
    if subject.service:
        tags.append(f"service={subject.service}")
    return tuple(_NOT_IN_TAGS.sub("_", tag)[:MAX_TAG] for tag in tags)
