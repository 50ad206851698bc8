"""One leader among replicas, by a Lease of coordination.k8s.io, as client-go elects.

A Lease counts as abandoned when it has not changed for its duration by this replica's own clock: clocks of machines
are not compared. The leader writes into the Lease how far it has counted, for the one that takes over.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from brain_common.clients.kubernetes.client import Conflict, KubeApi, NotThere
from brain_common.clock import Clock
from brain_common.errors import TemporaryError
from brain_exporters.kube_events.config import LeaderSettings
from brain_exporters.kube_events.watch import Takeover

SOURCE: Final = "lease"
_POSITION: Final = "ai-devops-brain/position"
_POSITION_TIME: Final = "ai-devops-brain/position-time"


class Elector:
    """Called every few seconds; says whether this replica leads.

    Args:
        api: The API server.
        settings: Which Lease.
        identity: Of this replica.
        clock: For the times in the Lease.
        now: Monotonic seconds, for the durations.
    """

    def __init__(
        self,
        api: KubeApi,
        settings: LeaderSettings,
        identity: str,
        clock: Clock,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._settings = settings
        self._identity = identity
        self._clock = clock
        self._now = now
        self._collection = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._seen = ""
        self._seen_at = 0.0
        self._until = float("-inf")

    @property
    def leading(self) -> bool:
        """Whether this replica holds the Lease and has renewed it lately."""
        return self._now() < self._until

    def holds(self) -> bool:
        """The same, as a function."""
        return self.leading

    @property
    def retry_seconds(self) -> float:
        """Pause between two steps."""
        return self._settings.retry_seconds

    def step(self, position: str | None) -> Takeover | None:
        """Take the Lease, renew it, or see that another one has it; blocking.

        Args:
            position: resourceVersion up to which this replica has counted.

        Returns:
            What the last leader left, when this replica has become the leader now.

        Raises:
            BrainError: The API server does not answer or refuses.
        """
        began = self._now()
        try:
            lease = _decode(self._api.send("GET", f"{self._collection}/{self._settings.name}"))
        except NotThere:
            lease = self._new()
            self._write("POST", self._collection, lease, position, began)
            return None
        spec = lease.setdefault("spec", {})
        version = str(lease.get("metadata", {}).get("resourceVersion", ""))
        if version != self._seen:
            self._seen, self._seen_at = version, began
        holder = spec.get("holderIdentity") or ""
        duration = float(spec.get("leaseDurationSeconds") or self._settings.lease_seconds)
        if holder and holder != self._identity and began - self._seen_at < duration:
            self._until = float("-inf")
            return None
        left = None if self.leading else _left(lease)
        if holder != self._identity:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
            spec["acquireTime"] = self._time()
        kept = position if left is None else str(left.position)
        self._write("PUT", f"{self._collection}/{self._settings.name}", lease, kept, began)
        return left

    def release(self, position: str | None) -> None:
        """Let another one lead at once.

        Raises:
            BrainError: It will have to wait for the Lease to run out.
        """
        if not self.leading:
            return
        self._until = float("-inf")
        path = f"{self._collection}/{self._settings.name}"
        lease = _decode(self._api.send("GET", path))
        if lease.get("spec", {}).get("holderIdentity") == self._identity:
            self._mark(lease, position)
            lease["spec"]["holderIdentity"] = ""
            self._api.send("PUT", path, body=lease)

    def _write(self, method: str, path: str, lease: dict[str, Any], position: str | None, began: float) -> None:
        self._mark(lease, position)
        spec = lease["spec"]
        spec["holderIdentity"] = self._identity
        spec["leaseDurationSeconds"] = self._settings.lease_seconds
        spec["renewTime"] = self._time()
        try:
            written = _decode(self._api.send(method, path, body=lease))
        except Conflict:  # another replica was quicker: look again
            return
        self._seen, self._seen_at = str(written.get("metadata", {}).get("resourceVersion", "")), began
        self._until = began + self._settings.renew_seconds

    def _mark(self, lease: dict[str, Any], position: str | None) -> None:
        if position is None:
            return
        annotations = lease["metadata"].setdefault("annotations", {})
        if annotations.get(_POSITION) != position:
            annotations[_POSITION] = position
            annotations[_POSITION_TIME] = self._time()

    def _new(self) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._settings.name, "namespace": self._settings.namespace},
            "spec": {"acquireTime": self._time(), "leaseTransitions": 0},
        }

    def _time(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _decode(body: bytes) -> dict[str, Any]:
    try:
        lease = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise TemporaryError(f"lease: {error}") from error
    return lease


def _left(lease: dict[str, Any]) -> Takeover | None:
    annotations = lease.get("metadata", {}).get("annotations") or {}
    position, at = str(annotations.get(_POSITION, "")), str(annotations.get(_POSITION_TIME, ""))
    if not position.isdecimal():
        return None
    try:
        return Takeover(int(position), datetime.fromisoformat(at).timestamp())
    except ValueError:
        return None
