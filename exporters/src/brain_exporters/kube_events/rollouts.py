"""When each workload was last rolled out, and rows of changes as rollouts begin and end.

A revision's first sight is dated by its ReplicaSet or ControllerRevision; a rollback takes up an old one, so it is
dated by the round that saw it. Scaling is no rollout: it makes no revision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import pyarrow as pa

from brain_exporters.kube_events.kinds import Workload
from brain_exporters.kube_events.rows import moment
from brain_exporters.runtime.batch import Batch
from brain_lake.schemas import CHANGES

_NOTES: Final = "rollout/"
_DEPLOYMENT_REVISION: Final = "deployment.kubernetes.io/revision"
_DAEMON_REVISION: Final = "deprecated.daemonset.template.generation"
STARTED, SUCCEEDED, FAILED = "started", "succeeded", "failed"


@dataclass(frozen=True, slots=True)
class Seen:
    """A workload as a round found it; ``kind`` is that of Kubernetes."""

    kind: str
    object: Workload

    @property
    def key(self) -> tuple[str, str, str]:
        """Namespace, kind, name."""
        return self.object.metadata.namespace, self.kind, self.object.metadata.name

    @property
    def revision(self) -> str:
        """Of its pod template; empty while its controller has not looked at it."""
        annotations = self.object.metadata.annotations or {}
        if self.kind == "Deployment":
            return annotations.get(_DEPLOYMENT_REVISION, "")
        return annotations.get(_DAEMON_REVISION, "") if self.kind == "DaemonSet" else self.object.status.update_revision

    @property
    def result(self) -> str:
        """How far the rollout of this revision is."""
        status, spec = self.object.status, self.object.spec
        if any(c.type == "Progressing" and c.status == "False" for c in status.conditions):
            return FAILED
        if status.observed_generation < self.object.metadata.generation:
            return STARTED
        if self.kind == "DaemonSet":
            want, new, ready = status.desired_number_scheduled, status.updated_number_scheduled, status.number_available
        else:
            want = 1 if spec.replicas is None else spec.replicas
            new, ready = status.updated_replicas, status.available_replicas
            want = max(want, status.replicas) if self.kind == "Deployment" else want
        return SUCCEEDED if new >= want and ready >= want else STARTED


class _Note(msgspec.Struct, array_like=True):
    revision: str
    at: float
    result: str


class Rollouts:
    """Remembers the revision of each workload, across restarts.

    Args:
        cluster: First part of entities.
        notes: The ledger's, of a former life.
    """

    def __init__(self, cluster: str, notes: Mapping[str, bytes]) -> None:
        self._cluster = cluster
        decode = msgspec.msgpack.Decoder(_Note).decode
        self._notes = {key: decode(value) for key, value in notes.items() if key.startswith(_NOTES)}

    @staticmethod
    def prefix() -> str:
        """Of its notes."""
        return _NOTES

    def look(
        self, seen: Iterable[Seen], made: Mapping[str, float], now: float, batch: Batch
    ) -> dict[tuple[str, str, str], float]:
        """Take note of a round.

        Args:
            seen: All workloads.
            made: By uid of a workload, when its newest revision object was made.
            now: When the round began.
            batch: Takes notes and rows; the notes here are ahead of it until it is committed.

        Returns:
            When each was last rolled out, seconds since the epoch.
        """
        rows: list[dict[str, Any]] = []
        at: dict[tuple[str, str, str], float] = {}
        there = set()
        for each in seen:
            key = _NOTES + each.object.metadata.uid
            there.add(key)
            note = self._next(each, self._notes.get(key), made, now, rows)
            if note is not None:
                if note != self._notes.get(key):
                    self._notes[key] = note
                    batch.notes[key] = msgspec.msgpack.encode(note)
                at[each.key] = note.at
        for key in self._notes.keys() - there:
            del self._notes[key]
            batch.notes[key] = None
        if rows:
            batch.add_rows(CHANGES, pa.Table.from_pylist(rows, schema=CHANGES.columns))
        return at

    def _next(
        self, each: Seen, note: _Note | None, made: Mapping[str, float], now: float, rows: list[dict[str, Any]]
    ) -> _Note | None:
        revision, newest = each.revision, made.get(each.object.metadata.uid)
        if not revision:
            return note
        if note is None:  # no row: nobody knows whether this is news
            created = moment(each.object.metadata.creation_timestamp)
            return _Note(revision, newest or (created.timestamp() if created else now), each.result)
        if revision != note.revision:
            at = newest if newest is not None and newest > note.at else now
            rows.append(self._row(each, revision, at, at, STARTED))
            note = _Note(revision, at, STARTED)
        if note.result == STARTED and each.result != STARTED:
            rows.append(self._row(each, revision, now, note.at, each.result))
            note = _Note(revision, note.at, each.result)
        return note

    def _row(self, each: Seen, revision: str, at: float, began: float, result: str) -> dict[str, Any]:
        namespace, kind, name = each.key
        return {
            "timestamp": datetime.fromtimestamp(at, UTC),
            "cluster": self._cluster,
            "namespace": namespace,
            "kind": "workload",
            "name": name,
            "source": "kubernetes",
            "change_kind": "rollout",
            "result": result,
            "change_id": f"{each.object.metadata.uid}/{revision}",
            "title": f"{kind} {namespace}/{name}: rollout of revision {revision} {result}",
            "actor": _actor(each.object),
            "revision": revision,
            "started_at": datetime.fromtimestamp(began, UTC),
        }


def _actor(workload: Workload) -> str:
    """The client that last changed the spec, such as ``kubectl-set`` or ``helm``."""
    changes = [
        (each.time or "", each.manager)
        for each in workload.metadata.managed_fields
        if "f:template" in (each.fields_v1 or {}).get("f:spec", {})
    ]
    return max(changes, default=("", ""))[1]
