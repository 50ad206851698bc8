"""Annotations that Grafana has to be told: in the state file until it has them, a bounded number.

One entry a change: a later state of the same change takes the place of an earlier one that still waits.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from html import escape
from typing import Final

import msgspec

from brain_exporters.changes.config import AnnotationSettings
from brain_exporters.changes.entities import EntityMap
from brain_exporters.changes.model import Change, Result, change_tag
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

ANNOTATIONS_COUNTER: Final = "changes_annotations"
TAG: Final = "brain-change"
_NOTE: Final = "annotation/"
_MAX_TAG: Final = 100  # characters; Grafana takes 500 bytes of tags in all
_MAX_TEXT: Final = 300  # characters of a title in an annotation


class Planned(msgspec.Struct, frozen=True):
    """An annotation; times are seconds since the epoch."""

    change: str  # tag that names the change
    begin: float
    end: float
    tags: list[str]
    text: str  # HTML


class Outbox:
    """Args:
    ledger: Where it is kept.
    settings: None: no annotations are wanted.
    """

    def __init__(self, ledger: Ledger, settings: AnnotationSettings | None) -> None:
        self._settings = settings
        self._waiting = ledger.notes(_NOTE) if settings else {}
        self.guard = threading.Lock()  # held over each commit that touches a note of this box

    def __len__(self) -> int:
        return len(self._waiting)

    def first(self) -> tuple[str, bytes] | None:
        """The one that waits longest, by its key."""
        return next(iter(self._waiting.copy().items()), None)  # without the guard: it is held while a disk flushes

    def put(self, batch: Batch, change: Change, entities: EntityMap, also: Mapping[str, bytes]) -> dict[str, bytes]:
        """Note in ``batch`` what is to be shown of a change; ``also`` are those of this batch so far."""
        settings = self._settings
        if settings is None or change.result is Result.STARTED or change.kind not in settings.kinds:
            return {}
        key = _NOTE + change_tag(change)
        if key not in self._waiting and key not in also and len(self._waiting) + len(also) >= settings.most_waiting:
            batch.count(ANNOTATIONS_COUNTER, ("dropped",))
            return {}
        blob = msgspec.msgpack.encode(planned(change, entities.entity(change.source, change.subject).name))
        batch.notes[key] = blob
        return {key: blob}

    def added(self, notes: Mapping[str, bytes]) -> None:
        """They are committed; ``guard`` is held."""
        self._waiting.update(notes)

    def finish(self, ledger: Ledger, key: str, blob: bytes, result: str) -> None:
        """Count what became of one and forget it, unless a later state has taken its place; blocking.

        Raises:
            TemporaryError: The disk fails; it is tried again, and found in Grafana by its tag.
        """
        batch = Batch()
        batch.count(ANNOTATIONS_COUNTER, (result,))
        with self.guard:
            is_same = self._waiting.get(key) == blob
            if is_same:
                batch.notes[key] = None
            ledger.commit(batch)
            if is_same:
                del self._waiting[key]


def planned(change: Change, service: str) -> Planned:
    """What Grafana shows of a change: a region where it is known when it began, else a point."""
    tag = f"change={change_tag(change)}"
    tags = [TAG, f"source={change.source}", f"kind={change.kind.value}", f"service={service[:_MAX_TAG]}", tag]
    begin = change.timestamp if change.started_at is None else min(change.started_at, change.timestamp)
    return Planned(tag, begin, change.timestamp, tags, _html(change))


def _html(change: Change) -> str:
    """Everything in it came from outside."""
    title = escape(change.title[:_MAX_TEXT])
    lines = [f'<a href="{escape(change.url)}">{title}</a>' if change.url else title]
    lines.append(escape(f"{change.kind.value} {change.result.value}" + (f" by {change.actor}" if change.actor else "")))
    if change.revision:
        lines.append(f"revision {escape(change.revision)}")
    return "<br>".join(lines)
