"""Rollouts and edits of configuration as Changes for the lake, each once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pyarrow as pa

from brain_common.entity import EntityKind
from brain_exporters.kube_events.states import Reading
from brain_exporters.runtime.batch import Batch
from brain_lake.schemas import CHANGES

NOTE: Final = "s/"
_NEWS_SECONDS: Final = 86400.0  # at first sight, what is older than a day is no news
_IGNORED: Final = frozenset({"kube-root-ca.crt", "istio-ca-root-cert", "openshift-service-ca.crt"})  # in each namespace
_notes: Final = msgspec.msgpack.Decoder(tuple[str, float])

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Found:
    """One change."""

    at: float
    namespace: str
    kind: EntityKind
    name: str
    change_kind: str
    change_id: str
    title: str
    actor: str
    revision: str


class ChangeBook:
    """Remembers, in the ledger's notes, what each workload and each configuration was when last read.

    Args:
        cluster: First part of entities.
        notes: Those under ``NOTE``, at start.
    """

    def __init__(self, cluster: str, notes: dict[str, bytes]) -> None:
        self._cluster = cluster
        self._known = {key: _notes.decode(value) for key, value in notes.items()}

    def take(self, reading: Reading, now: float, batch: Batch) -> dict[Key, float]:
        """Add what is new to ``batch``; when each workload was rolled out last."""
        found: list[Found] = []
        rollouts = {key: self._rollout(reading, key, now, batch, found) for key in reading.revisions}
        users = _users(reading)
        for key, (written, manager) in reading.configs.items():
            if key[2] not in _IGNORED:
                self._config(key, written, manager, users.get(key, []), now, batch, found)
        self._forget(reading, batch)
        if found:
            batch.add_rows(CHANGES, self._rows(found))
        return rollouts

    def _rollout(self, reading: Reading, key: Key, now: float, batch: Batch, found: list[Found]) -> float:
        revision, made = reading.revisions[key]
        note = f"{NOTE}w/{'/'.join(key)}"
        known = self._known.get(note)
        if known is not None and known[0] == revision:
            return known[1]
        # A rollback takes up an old replica set, made long before: then it was rolled out just now.
        at = made if known is None or made > known[1] else now
        self._note(note, (revision, at), batch)
        if known is not None or now - at < _NEWS_SECONDS:
            kind, namespace, name = key
            workload = reading.workloads[key]
            title = f"{kind} {name} rolled out revision {revision}"
            actor = workload.metadata.last_write()[1]
            change = ("rollout", f"{namespace}/{kind}/{name}/{revision}@{at:.0f}", title, actor, workload.images())
            found.append(Found(at, namespace, EntityKind.WORKLOAD, name, *change))
        return at

    def _config(
        self, key: Key, written: float, manager: str, users: Sequence[str], now: float, batch: Batch, found: list[Found]
    ) -> None:
        note = f"{NOTE}c/{'/'.join(key)}"
        known = self._known.get(note)
        if known is not None and known[1] >= written:
            return
        self._note(note, ("", written), batch)
        if known is None and now - written >= _NEWS_SECONDS:
            return
        kind, namespace, name = key
        title = f"{kind} {name} was {'written' if known is None else 'edited'}"
        for user in users or [""]:
            entity = (EntityKind.WORKLOAD, user) if user else (EntityKind.CLOUD_RESOURCE, f"{kind}/{name}")
            change = ("config", f"{namespace}/{kind}/{name}@{written:.0f}", title, manager, "")
            found.append(Found(written, namespace, *entity, *change))

    def _note(self, key: str, value: tuple[str, float], batch: Batch) -> None:
        self._known[key] = value
        batch.notes[key] = msgspec.msgpack.encode(value)

    def _forget(self, reading: Reading, batch: Batch) -> None:
        kept = {f"{NOTE}w/{'/'.join(key)}" for key in reading.workloads}
        kept |= {f"{NOTE}c/{'/'.join(key)}" for key in reading.configs}
        for key in [key for key in self._known if key not in kept]:
            del self._known[key]
            batch.notes[key] = None

    def _rows(self, found: Sequence[Found]) -> pa.Table:
        columns: dict[str, Sequence[Any]] = {
            "timestamp": [datetime.fromtimestamp(each.at, UTC) for each in found],
            "cluster": [self._cluster] * len(found),
            "namespace": [each.namespace for each in found],
            "kind": [each.kind.value for each in found],
            "name": [each.name for each in found],
            "source": ["kubernetes"] * len(found),
            "change_kind": [each.change_kind for each in found],
            "result": ["succeeded" if each.change_kind == "config" else "started" for each in found],
            "change_id": [each.change_id for each in found],
            "title": [each.title for each in found],
            "actor": [each.actor for each in found],
            "revision": [each.revision for each in found],
        }
        fields = [CHANGES.columns.field(name) for name in columns]
        return pa.table([pa.array(columns[f.name], f.type) for f in fields], names=list(columns))


def _users(reading: Reading) -> dict[Key, list[str]]:
    """Names of the workloads that read each configuration at their start."""
    users: dict[Key, list[str]] = {}
    for (_, namespace, name), workload in reading.workloads.items():
        for kind, config in set(workload.fixed_configs()):
            users.setdefault((kind, namespace, config), []).append(name)
    return users
