"""Events of events.k8s.io/v1 as they come over the wire.

That view of an event has all that core/v1 has (``deprecatedCount`` is its ``count``), and ``series`` besides.
"""

from __future__ import annotations

from typing import Final

import msgspec

from brain_common.clients.kubernetes.client import ListMeta


class Meta(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The part of an event's metadata that is used."""

    uid: str = ""
    resource_version: str = ""
    creation_timestamp: str | None = None


class Series(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """Repeats, as clients of events.k8s.io tell them."""

    count: int = 0
    last_observed_time: str | None = None


class Source(msgspec.Struct, frozen=True, gc=False):
    """Who reported it, as clients of core/v1 tell it."""

    component: str = ""
    host: str = ""


class Regarding(msgspec.Struct, frozen=True, gc=False):
    """What it is about."""

    kind: str = ""
    namespace: str = ""
    name: str = ""
    uid: str = ""


_NO_META: Final = Meta()
_NO_SOURCE: Final = Source()
_NOTHING: Final = Regarding()


class Event(msgspec.Struct, gc=False, rename="camel"):
    """An event; also the Status that a watch sends as its last words, which has ``code`` and ``message``."""

    metadata: Meta = _NO_META
    type: str | None = ""
    reason: str | None = ""
    note: str = ""
    action: str = ""
    event_time: str | None = None
    series: Series | None = None
    regarding: Regarding = _NOTHING
    reporting_controller: str = ""
    reporting_instance: str = ""
    deprecated_source: Source = _NO_SOURCE
    deprecated_first_timestamp: str | None = None
    deprecated_last_timestamp: str | None = None
    deprecated_count: int = 0
    code: int = 0
    message: str = ""

    @property
    def total(self) -> int:
        """How often it has happened so far, at least once."""
        return max(self.deprecated_count, self.series.count if self.series else 0, 1)

    @property
    def component(self) -> str:
        """Who reported it."""
        return self.reporting_controller or self.deprecated_source.component


class Line(msgspec.Struct, gc=False):
    """One line of a watch."""

    type: str
    object: Event


class EventPage(msgspec.Struct):
    """One page of a list; items stay bytes, so that one that is malformed does not spoil the others."""

    metadata: ListMeta
    items: list[msgspec.Raw] | None  # null where there are none, in lists of metadata


LINE: Final = msgspec.json.Decoder(Line)
EVENT: Final = msgspec.json.Decoder(Event)
PAGE: Final = msgspec.json.Decoder(EventPage)
