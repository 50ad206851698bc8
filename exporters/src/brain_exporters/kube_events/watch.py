"""Follows the events of a cluster and counts how much each has grown.

What is known of an event is its total so far, by uid, in the notes of the ledger: growth is counted against it, in the
same commit as the counters, the rows and the resourceVersion from where the watch goes on. After a 410 everything is
listed anew and held against what is known, so nothing is lost or counted twice. Events that the API server deletes
(after an hour, by default) are forgotten.

One thread reads, decodes and commits: handing 5,000 lines a second from thread to thread would cost more than reading
them. ``tick`` commits what lies around when nothing comes; it is called from elsewhere, hence the lock.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from brain_common.clients.kubernetes.client import Gone, KubeApi, Stream
from brain_common.clients.kubernetes.lines import Lines
from brain_common.errors import BrainError, TemporaryError
from brain_exporters.kube_events.config import KubeEventsSettings
from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.rows import EventRows, moment
from brain_exporters.kube_events.rules import Rules
from brain_exporters.kube_events.wire import EVENT, LINE, PAGE, Event
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context
from brain_lake.schemas import EVENTS

SOURCE: Final = "events"
"""Among the sources, and the name of the position."""

_LABELS: Final = ("type", "reason", "involved_object_kind", "involved_object_namespace")
_HELP: Final = "Happenings that Kubernetes events tell of, repeats included."
DROPPED: Final = CounterSpec("kube_events_dropped", "Happenings that a rule keeps out.", ("rule",))
MALFORMED: Final = CounterSpec("kube_events_malformed", "Events that could not be read; the last few are kept.", ())
RELISTS: Final = CounterSpec("kube_events_relists", "Times that all events were listed, the first start included.", ())

_KNOWN: Final = "event/"  # keys of notes: then the uid; the value is the total in decimal
_ASIDE: Final = "malformed/"
_KEPT_ASIDE: Final = 20  # malformed records, as notes in the state file
_ASIDE_BYTES: Final = 4096
_PERIOD: Final = 1.0  # seconds between two commits while events come slowly
_LONGEST_LABEL: Final = 253  # characters, as names of Kubernetes objects
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries, doubling
_GRACE: Final = 30.0  # seconds that a watch may be silent beyond its end; bookmarks come about every minute


def counters(settings: KubeEventsSettings) -> tuple[CounterSpec, ...]:
    """The counters, as the settings ask for labels."""
    labels = (*_LABELS, "involved_object_name") if settings.object_name else _LABELS
    return CounterSpec("kube_events", _HELP, labels), DROPPED, MALFORMED, RELISTS


@dataclass(frozen=True, slots=True)
class Takeover:
    """What another replica left behind.

    Attributes:
        position: resourceVersion up to which it has counted.
        at: When it said so, seconds since the epoch.
        totals: By uid of an event, how much of it the lake has.
    """

    position: int
    at: float
    totals: Mapping[str, int] = field(default_factory=dict)


class EventWatch:
    """Reads until it is stopped; made anew for each term as a leader.

    Args:
        api: The API server.
        settings: Which events, and how many at once.
        context: Of the runtime.
        owners: Of pods, for the entities of rows.
        takeover: What another replica has left, when it was the last to lead.
        may_commit: Asked before each commit; False: another replica may have taken over, so nothing is taken.
    """

    def __init__(
        self,
        api: KubeApi,
        settings: KubeEventsSettings,
        context: Context,
        owners: Owners,
        takeover: Takeover | None = None,
        may_commit: Callable[[], bool] = lambda: True,
    ) -> None:
        self._api = api
        self._settings = settings
        self._context = context
        self._owners = owners
        self._takeover = takeover
        self._may_commit = may_commit
        self._rules = Rules(settings.include, settings.exclude)
        self._path = "/apis/events.k8s.io/v1" + (f"/namespaces/{settings.namespace}" if settings.namespace else "")
        self._path += "/events"
        self._lock = threading.RLock()
        self._stopped = threading.Event()
        self._stream: Stream | None = None
        notes = context.ledger.notes(_KNOWN)
        self._known = {key[len(_KNOWN) :]: int(value) for key, value in notes.items()}
        self._position = context.ledger.position(SOURCE)
        self._committed = self._position
        self._aside = len(context.ledger.notes(_ASIDE))
        self._begin()

    @property
    def committed(self) -> str | None:
        """resourceVersion up to which everything is counted for good; None before all is listed."""
        return None if self._takeover else self._committed

    @property
    def live(self) -> int:
        """Events that the API server keeps now."""
        return len(self._known)

    def run(self) -> None:
        """Follow until ``stop``; blocking. What goes wrong is told to ``Health`` and tried again."""
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                if self._takeover is not None or self._position is None:
                    self._list()
                self._follow()
                pause = _FIRST_PAUSE
            except Gone:
                self._position = None
            except BrainError as error:
                if self._stopped.is_set():
                    return
                self._context.health.failed(SOURCE, error)
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def stop(self) -> None:
        """End ``run`` soon; what is not committed comes again at the next start."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.shutdown()

    def tick(self) -> None:
        """Commit what waits for more; blocking.

        Raises:
            TemporaryError: It was not taken; it is tried again with the next.
        """
        with self._lock:
            if self._dirty:
                self._commit()

    def _begin(self) -> None:
        """An empty batch."""
        self._batch = Batch()
        self._rows = EventRows(self._settings.cluster, self._owners)
        self._taken = 0
        self._dirty = False
        self._began = time.monotonic()

    def _list(self) -> None:
        """Everything there is, held against what is known."""
        first = self._committed is None and self._takeover is None
        there: set[str] = set()
        version = ""
        for page in self._api.pages(self._path, PAGE):
            version = page.metadata.resourceVersion
            with self._lock:
                for raw in page.items:
                    event = self._read(raw)
                    if event is not None:
                        there.add(event.metadata.uid)
                        self._listed(event, first)
                self._full()
        with self._lock:
            for uid in self._known.keys() - there:
                self._forget(uid)
            self._batch.count(RELISTS.name, ())
            self._position, self._dirty = version, True
            self._commit_or_wait()
            self._takeover = None

    def _listed(self, event: Event, first: bool) -> None:
        uid = event.metadata.uid
        if first and self._settings.initial == "skip":
            self._know(uid, event.total)
        elif self._takeover is not None:
            self._know(uid, max(self._known.get(uid, 0), _counted_before(event, self._takeover)))
        self._grown(event)

    def _follow(self) -> None:
        """One watch, from the position to its end."""
        seconds = self._settings.watch_seconds
        query = {
            "resourceVersion": self._position or "",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(seconds),
        }
        began = time.monotonic()
        with self._api.watch(self._path, query, seconds + _GRACE) as stream:
            self._stream = stream
            self._context.health.ok(SOURCE)
            lines = Lines()
            try:
                for chunk in () if self._stopped.is_set() else stream.chunks():  # stopped while it was being opened
                    with self._lock:
                        for line in lines.feed(chunk):
                            self._line(line)
                        self._full()
                    if self._stopped.is_set():
                        return
            finally:
                self._stream = None
        if time.monotonic() - began < _PERIOD:  # a server that ends each watch at once is not to be run over
            self._stopped.wait(_PERIOD)

    def _line(self, line: bytes) -> None:
        try:
            read = LINE.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._malformed(line)
            return
        event = read.object
        if read.type == "ERROR":
            kind = Gone if event.code == 410 else TemporaryError
            raise kind(f"watch: {event.code} {event.message[:300]}")
        if read.type != "BOOKMARK" and not event.metadata.uid:
            self._malformed(line)
        elif read.type == "DELETED":
            self._forget(event.metadata.uid)
        elif read.type in ("ADDED", "MODIFIED"):
            self._grown(event)
        if event.metadata.resource_version:
            self._position, self._dirty = event.metadata.resource_version, True

    def _read(self, raw: msgspec.Raw) -> Event | None:
        try:
            event = EVENT.decode(raw)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._malformed(bytes(raw))
            return None
        if not event.metadata.uid:
            self._malformed(bytes(raw))
            return None
        return event

    def _grown(self, event: Event) -> None:
        """Count what is more than was known."""
        uid, total = event.metadata.uid, event.total
        growth = total - self._known.get(uid, 0)
        if growth <= 0:
            return
        self._know(uid, total)
        self._taken += 1
        rule = self._rules.drops(event)
        if rule is not None:
            self._batch.count(DROPPED.name, (rule,), growth)
            return
        about = event.regarding
        labels: tuple[str, ...] = (event.type or "", event.reason or "", about.kind, about.namespace)
        if self._settings.object_name:
            labels = (*labels, about.name)
        self._batch.count("kube_events", tuple(sys.intern(label[:_LONGEST_LABEL]) for label in labels), growth)
        if self._settings.lake is not None:
            self._rows.add(event, growth, total, self._context.clock.now())

    def _know(self, uid: str, total: int) -> None:
        self._known[uid] = total
        self._batch.notes[_KNOWN + uid] = b"%d" % total
        self._dirty = True

    def _forget(self, uid: str) -> None:
        if self._known.pop(uid, None) is not None:
            self._batch.notes[_KNOWN + uid] = None
            self._dirty = True

    def _malformed(self, record: bytes) -> None:
        self._batch.count(MALFORMED.name, ())
        self._batch.notes[f"{_ASIDE}{self._aside % _KEPT_ASIDE:02}"] = record[:_ASIDE_BYTES]
        self._aside += 1
        self._dirty = True

    def _full(self) -> None:
        """Commit when it is time to."""
        late = self._dirty and time.monotonic() - self._began >= _PERIOD
        if late or self._taken >= self._settings.batch_events:
            self._commit_or_wait()

    def _commit_or_wait(self) -> None:
        """Commit, as soon as there is room; nothing is read meanwhile."""
        failed = False
        while not self._stopped.is_set():
            try:
                self._commit()
            except TemporaryError as error:
                failed = True
                self._context.health.failed(SOURCE, error)
                self._stopped.wait(_PERIOD)
            else:
                if failed:
                    self._context.health.ok(SOURCE)
                return
        raise TemporaryError("stopped before a commit")

    def _commit(self) -> None:
        if not self._may_commit():
            self._stopped.set()
            raise TemporaryError("no longer the leader; nothing was taken")
        if self._position is not None:
            self._batch.positions[SOURCE] = self._position
        self._batch.rows.clear()
        self._batch.add_rows(EVENTS, self._rows.table())
        self._context.ledger.commit(self._batch)
        if self._position is not None:
            self._committed = self._position  # not so while a list is under way: it has no version yet
        self._begin()


def _counted_before(event: Event, takeover: Takeover) -> int:
    """How much of an event the replica before has counted.

    The lake knows it where there is one. Else the position does for all that has not changed since; of what has, at
    least one happening is new, and all of what came to be since.
    """
    if event.metadata.uid in takeover.totals:
        return takeover.totals[event.metadata.uid]
    version = event.metadata.resource_version
    if version.isdecimal() and int(version) <= takeover.position:
        return event.total
    made = moment(event.metadata.creation_timestamp)
    return 0 if made is None or made.timestamp() >= int(takeover.at) else event.total - 1
