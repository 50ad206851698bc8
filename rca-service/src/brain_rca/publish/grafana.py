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
from brain_rca.publish.dashboards import MAX_DASHBOARDS, ORGANISATION, Target, targets
from brain_rca.publish.ledger import Entry, Ledger
from brain_rca.publish.subject import Subject, subject_of
from brain_rca.publish.summary import summarize

_LOG: Final = logging.getLogger(__name__)

# 403: it may exist, but not for us. An alert names it, so it must not keep the incident out of the organisation.
NOT_ON_DASHBOARD: Final = frozenset({400, 403, 404, 422})
# To a service account, Grafana says 403 about an annotation that is gone: its permission cannot be resolved.
MAYBE_GONE: Final = frozenset({403, 404})
MIN_INTERVAL: Final = 60.0  # seconds between two changes of one open annotation
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
    """

    name = "grafana"
    min_interval_seconds = MIN_INTERVAL

    def __init__(
        self,
        annotations: GrafanaAnnotations,
        external_url: str,
        clock: Clock,
        *,
        refresh_seconds: float | None = MIN_INTERVAL,
    ) -> None:
        self._annotations = annotations
        self._external_url = external_url
        self._clock = clock
        self.refresh_seconds = refresh_seconds

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        """See ``sink.Sink.publish``; returns the text form of a ``ledger.Ledger``."""
        if incident.analysis is None:
            return delivery.external_id
        content = self._content(incident, incident.analysis)
        ledger = Ledger.parse(delivery.external_id)
        wanted = targets(incident)
        doubtful = delivery.attempts > 0 or ledger.unsure or incident.closed_at is not None
        if doubtful or any(target.uid not in ledger.entries for target in _places(ledger, wanted)):
            found = await self._find(incident)
            _take_over(ledger, wanted, found)
            await self._remove_doubles(ledger, found)
        written: set[int] = set()
        for target in _places(ledger, wanted):
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
        begin = min(incident.opened_at, incident.received_at)
        end = max(incident.opened_at, self._clock.now())
        return await self._annotations.find(_identity(incident), begin - _SEARCH_MARGIN, end + _SEARCH_MARGIN)

    async def _write(
        self, incident: Incident, ledger: Ledger, target: Target, content: _Content, written: set[int]
    ) -> None:
        entry = ledger.entries.get(target.uid)
        if entry is not None and (entry.withdrawn or entry.id in written):
            return
        if entry is None:
            entry = await self._create(ledger, target, content)
        elif (found := await self._change(incident, entry, content)) is not None:
            entry = await self._replace(ledger, target, entry, content, found)
        ledger.entries[target.uid] = entry
        written.add(entry.id)

    async def _change(self, incident: Incident, entry: Entry, content: _Content) -> list[Annotation] | None:
        """None when it is done; what there is of the incident when the annotation is gone."""
        try:
            await self._update(entry.id, content)
        except GrafanaRefusal as error:
            if error.status not in MAYBE_GONE:
                raise
            found = await self._find(incident)
            if any(annotation.id == entry.id for annotation in found):
                raise
            return found
        return None

    async def _replace(
        self, ledger: Ledger, target: Target, gone: Entry, content: _Content, found: Sequence[Annotation]
    ) -> Entry:
        """By one that turned up at its place; else anew, once: who deletes it twice does not want to see it."""
        place = "" if gone.in_organisation else target.uid
        heir = next((annotation.id for annotation in found if annotation.dashboard_uid == place), None)
        if heir is not None:
            await self._update(heir, content)
            return replace(gone, id=heir)
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
            if error.status not in NOT_ON_DASHBOARD:
                raise
            _LOG.warning("dashboard %s: %s; annotating the organisation instead", target.uid, error)
        present = ledger.organisation
        if present is not None:
            return replace(present, in_organisation=True)
        return Entry(await self._post(ORGANISATION, content), in_organisation=True)

    async def _update(self, annotation_id: int, content: _Content) -> None:
        await self._annotations.update(
            annotation_id, begin=content.begin, end=content.end, tags=content.tags, text=content.text
        )

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


def _places(ledger: Ledger, wanted: Sequence[Target]) -> list[Target]:
    """Where the incident is shown already, whatever its alerts name by now, and new dashboards while there is room.

    Who stands in the organisation for want of any dashboard stays there, and there only.
    """
    panels = {target.uid: target for target in wanted}
    known = [panels.get(uid, Target(uid)) for uid in ledger.entries]
    if not known:
        return list(wanted)
    room = 0 if ORGANISATION.uid in ledger.entries else max(0, MAX_DASHBOARDS - len(known))
    new = [target for target in wanted if target.uid and target.uid not in ledger.entries]
    return [*known, *new[:room]]


def _take_over(ledger: Ledger, wanted: Sequence[Target], found: Sequence[Annotation]) -> None:
    """Enter what exists and has no entry: for the dashboard it stands on, else for one that had to do without."""
    by_place: dict[str, int] = {}
    for annotation in found:
        by_place.setdefault(annotation.dashboard_uid, annotation.id)
    for uid, annotation_id in by_place.items():
        if uid not in ledger.entries and all(annotation_id != entry.id for entry in ledger.entries.values()):
            homeless = next((t.uid for t in wanted if not uid and t.uid not in {*by_place, *ledger.entries}), uid)
            ledger.entries[homeless] = Entry(annotation_id, in_organisation=homeless != uid)


def _identity(incident: Incident) -> tuple[str, str]:
    return ("brain", f"incident={incident.id}")


def _tags(incident: Incident, subject: Subject) -> tuple[str, ...]:
    tags = [*_identity(incident), f"group={incident.group_hash}", f"severity={incident.severity.value}"]
    if subject.service:
        tags.append(f"service={subject.service}")
    return tuple(_NOT_IN_TAGS.sub("_", tag)[:MAX_TAG] for tag in tags)
