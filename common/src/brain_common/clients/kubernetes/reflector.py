"""Keeps a picture of one kind of objects up to date: lists them in pages, then watches, and lists anew after a 410.

Blocking, for a thread of its own: decoding thousands of lines a second is no work for an event loop. It holds no
object itself, only the line that is being read; what is kept, and how much, is the mirror's decision. While the API
server is away the mirror stays as it is. https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

import msgspec

from brain_common.clients.kubernetes.client import JSON, Gone, KubeApi, ListMeta, Stream
from brain_common.clients.kubernetes.lines import Lines
from brain_common.errors import BrainError, TemporaryError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0  # seconds between tries, doubling
_GRACE: Final = 30.0  # seconds that a watch may be silent beyond its end; bookmarks come about every minute
_SHORTEST: Final = 1.0  # seconds between two watches: a server that ends each at once is not to be run over


class Mirror(Protocol):
    """What objects are told to, in the thread of the reflector."""

    def begin(self) -> None:
        """A list begins: what is not put until ``end`` is there no more."""
        ...

    def put(self, item: msgspec.Raw) -> None:
        """There is an object, or it has changed. Raises ``msgspec.MsgspecError``: it is malformed."""
        ...

    def remove(self, item: msgspec.Raw) -> None:
        """It was deleted. Raises ``msgspec.MsgspecError``: it is malformed."""
        ...

    def end(self) -> None:
        """The list is complete."""
        ...


class Report(Protocol):
    """What is told of how it goes."""

    def heard(self) -> None:
        """The API server was heard of: the picture is as of now."""
        ...

    def failed(self, error: BrainError) -> None:
        """It did not answer, or refused; it is tried again."""
        ...

    def listed(self) -> None:
        """All objects were listed."""
        ...

    def watching(self, is_open: bool) -> None:
        """A watch was opened, or has ended."""
        ...

    def malformed(self) -> None:
        """An object could not be read, and was passed over."""
        ...


@dataclass(frozen=True, slots=True)
class Collection:
    """What is followed.

    Attributes:
        path: Of the collection.
        query: Selectors.
        list_accept: Form of lists.
        watch_accept: Form of the objects of a watch.
        watch_seconds: After so long the API server ends a watch, and it is begun again.
    """

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    list_accept: str = JSON
    watch_accept: str = JSON
    watch_seconds: int = 300


class _Page(msgspec.Struct):
    metadata: ListMeta
    items: list[msgspec.Raw] | None  # null where there are none, in lists of metadata


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


class _Version(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    resource_version: str = ""


_NO_VERSION: Final = _Version()


class _Head(msgspec.Struct, gc=False):
    """Of an object its version; of the Status that a watch sends as its last words, why."""

    metadata: _Version = _NO_VERSION
    code: int = 0
    message: str = ""


_PAGE: Final = msgspec.json.Decoder(_Page)
_LINE: Final = msgspec.json.Decoder(_Line)
_HEAD: Final = msgspec.json.Decoder(_Head)
_MALFORMED: Final = (msgspec.MsgspecError, UnicodeDecodeError)


class Reflector:
    """Follows one collection until it is stopped."""

    def __init__(self, api: KubeApi, collection: Collection, mirror: Mirror, report: Report) -> None:
        self._api = api
        self._collection = collection
        self._mirror = mirror
        self._report = report
        self._stopped = threading.Event()
        self._stream: Stream | None = None
        self._position = ""

    def run(self) -> None:
        """Follow until ``stop``; blocking. What goes wrong is reported and tried again."""
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                if not self._position:
                    self._list()
                self._follow()
                pause = _FIRST_PAUSE
            except Gone:
                self._position = ""
            except BrainError as error:
                if self._stopped.is_set():
                    return
                self._report.failed(error)
                self._stopped.wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def stop(self) -> None:
        """End ``run`` soon."""
        self._stopped.set()
        stream = self._stream
        if stream is not None:
            stream.shutdown()

    def _list(self) -> None:
        asked = self._collection
        self._mirror.begin()
        version = ""
        for page in self._api.pages(asked.path, _PAGE, asked.query, asked.list_accept):
            version = page.metadata.resourceVersion
            for item in page.items:
                self._put(item)
            if self._stopped.is_set():
                return
        self._mirror.end()
        self._position = version
        self._report.listed()
        self._report.heard()

    def _follow(self) -> None:
        """One watch, from the position to its end."""
        asked = self._collection
        query = {
            **asked.query,
            "resourceVersion": self._position,
            "allowWatchBookmarks": "true",
            "timeoutSeconds": str(asked.watch_seconds),
        }
        with self._api.watch(asked.path, query, asked.watch_seconds + _GRACE, asked.watch_accept) as stream:
            self._stream = stream
            self._report.watching(True)
            lines = Lines()
            try:
                for chunk in () if self._stopped.is_set() else stream.chunks():
                    for line in lines.feed(chunk):
                        self._line(line)
                    self._report.heard()
                    if self._stopped.is_set():
                        return
            finally:
                self._stream = None
                self._report.watching(False)
        self._stopped.wait(_SHORTEST)

    def _line(self, line: bytes) -> None:
        try:
            read = _LINE.decode(line)
            head = _HEAD.decode(read.object)
        except _MALFORMED:
            self._report.malformed()
            return
        if read.type == "ERROR":
            kind = Gone if head.code == 410 else TemporaryError
            raise kind(f"watch {self._collection.path}: {head.code} {head.message[:300]}")
        if read.type in ("ADDED", "MODIFIED"):
            self._put(read.object)
        elif read.type == "DELETED":
            self._remove(read.object)
        if head.metadata.resource_version:
            self._position = head.metadata.resource_version

    def _put(self, item: msgspec.Raw) -> None:
        try:
            self._mirror.put(item)
        except _MALFORMED:
            self._report.malformed()

    def _remove(self, item: msgspec.Raw) -> None:
        try:
            self._mirror.remove(item)
        except _MALFORMED:
            self._report.malformed()
