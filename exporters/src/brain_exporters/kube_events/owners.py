"""Which workload a pod belongs to, kept by watching names and owners only."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from brain_common.errors import TemporaryError
from brain_exporters.kube_events.client import KubeClient
from brain_exporters.kube_events.watch import Delta, follow

_DELETED_KEPT: Final = 20_000  # owners of deleted pods that are remembered: their last events come after them


class _Owner(msgspec.Struct, frozen=True):
    kind: str = ""
    name: str = ""
    controller: bool = False


class _Metadata(msgspec.Struct, frozen=True):
    name: str = ""
    namespace: str = ""
    created: datetime | None = msgspec.field(default=None, name="creationTimestamp")
    owners: list[_Owner] = msgspec.field(default_factory=list, name="ownerReferences")


class _Object(msgspec.Struct, frozen=True):
    metadata: _Metadata


_decoder = msgspec.json.Decoder(_Object)


class Owners:
    """Owners of pods, replica sets and jobs, by (kind, namespace, name)."""

    def __init__(self) -> None:
        self._owner: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._created: dict[tuple[str, str, str], float] = {}
        self._deleted: OrderedDict[tuple[str, str, str], tuple[str, str]] = OrderedDict()

    def top(self, kind: str, namespace: str, name: str) -> tuple[str, str]:
        """Kind and name of the outermost owner; the object itself where none is known."""
        for _ in range(4):  # pod, replica set or job, deployment or cron job; and one to spare
            key = (kind, namespace, name)
            found = self._owner.get(key) or self._deleted.get(key)
            if found is None:
                break
            kind, name = found
        return kind, name

    def adopt(self, kind: str, owned: Mapping[tuple[str, str], tuple[str, str]]) -> None:
        """Set the owners of all objects of a kind that has none by itself: (namespace, name) to (kind, name)."""
        self._forget(kind, set())
        self._owner.update({(kind, *key): owner for key, owner in owned.items()})

    def oldest_pods(self) -> dict[tuple[str, str, str], float]:
        """When the oldest pod of each workload was made, seconds since the epoch, by (kind, namespace, name)."""
        oldest: dict[tuple[str, str, str], float] = {}
        for (kind, namespace, name), created in self._created.items():
            top, owner = self.top(kind, namespace, name)
            key = (top, namespace, owner)
            oldest[key] = min(created, oldest.get(key, created))
        return oldest

    async def keep(self, client: KubeClient, path: str, kind: str, answered: Callable[[], None]) -> None:
        """Follow one collection; returns only by an error. ``answered`` is called with each answer.

        Raises:
            BrainError: The API server refuses or is away; call again, all is listed anew.
        """
        fresh: set[tuple[str, str, str]] = set()
        async for delta in follow(client, path, None, metadata_only=True):
            answered()
            fresh |= self._take(delta, kind)
            if delta.listed:
                self._forget(kind, fresh)
                fresh = set()

    def _take(self, delta: Delta, kind: str) -> set[tuple[str, str, str]]:
        keys = set()
        for raw in delta.changed:
            key, owner, created = _read(raw, kind)
            if owner is not None:
                self._owner[key] = owner
                keys.add(key)
                if kind == "Pod" and created is not None:
                    self._created[key] = created.timestamp()
        for raw in delta.deleted:
            self._delete(_read(raw, kind)[0])
        return keys

    def _forget(self, kind: str, fresh: set[tuple[str, str, str]]) -> None:
        """After a list: what is not on it was deleted while nobody watched."""
        for key in [key for key in self._owner if key[0] == kind and key not in fresh]:
            self._delete(key)

    def _delete(self, key: tuple[str, str, str]) -> None:
        owner = self._owner.pop(key, None)
        self._created.pop(key, None)
        if owner is not None:
            self._deleted[key] = owner
            if len(self._deleted) > _DELETED_KEPT:
                self._deleted.popitem(last=False)


def _read(raw: msgspec.Raw, kind: str) -> tuple[tuple[str, str, str], tuple[str, str] | None, datetime | None]:
    """Its key, its owner, and when it was made."""
    try:
        metadata = _decoder.decode(raw).metadata
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TemporaryError(f"API server: an object of kind {kind} is not what Kubernetes says: {error}") from error
    owner = next((o for o in metadata.owners if o.controller), None)
    key = (kind, metadata.namespace, metadata.name)
    return key, (owner.kind, owner.name) if owner else None, metadata.created
