"""Who of several replicas counts: the holder of a Lease of coordination.k8s.io, as controllers elect theirs.

A holder that has not renewed for the length of the lease has lost it; time is measured by whoever watches, so that
clocks need not agree (client-go's leader election does the same).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from brain_common.errors import BrainError
from brain_exporters.kube_events.client import KubeClient, RefusedError, decode
from brain_exporters.kube_events.config import LeaderSettings


class _Spec(msgspec.Struct):
    holder: str | None = msgspec.field(default=None, name="holderIdentity")
    renewed: str | None = msgspec.field(default=None, name="renewTime")
    transitions: int | None = msgspec.field(default=None, name="leaseTransitions")


class _Lease(msgspec.Struct):
    metadata: dict[str, Any]
    spec: _Spec


class Election:
    """Takes part in an election for ever.

    Args:
        client: With the right to get, create and update the Lease.
        settings: Which Lease, and who this is.
        monotonic: Seconds that never go back.
    """

    def __init__(
        self, client: KubeClient, settings: LeaderSettings, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._settings = settings
        self._monotonic = monotonic
        self._path = f"/apis/coordination.k8s.io/v1/namespaces/{settings.namespace}/leases"
        self._seen: tuple[str | None, str | None] = (None, None)
        self._seen_at = monotonic()
        self._held_until = 0.0
        self.leading = asyncio.Event()
        self.following = asyncio.Event()
        self.following.set()

    async def run(self, told: Callable[[BrainError | None], None]) -> None:
        """Endless; ``leading`` is set while this replica holds the Lease, ``following`` while not."""
        pause = self._settings.lease_seconds / 5
        while True:
            began = self._monotonic()
            try:
                async with asyncio.timeout(pause * 2):
                    mine = await self._try()
                told(None)
                if mine:
                    self._held_until = began + self._settings.lease_seconds * 2 / 3
            except TimeoutError:
                told(BrainError("lease: the API server does not answer"))
            except BrainError as error:
                told(error)
            self._is(self._monotonic() < self._held_until)
            await asyncio.sleep(pause)

    async def release(self) -> None:
        """Let another replica have it at once; best effort."""
        if not self.leading.is_set():
            return
        self._is(False)
        lease = await self._get()
        if lease is not None and lease.spec.holder == self._settings.identity:
            await self._put(lease, holder="")

    def _is(self, leader: bool) -> None:
        now, other = (self.leading, self.following) if leader else (self.following, self.leading)
        other.clear()
        now.set()

    async def _try(self) -> bool:
        """Renew or take it; whether this replica has it now."""
        lease = await self._get()
        if lease is None:
            return await self._create()
        state = (lease.spec.holder, lease.spec.renewed)
        if state != self._seen:
            self._seen, self._seen_at = state, self._monotonic()
        mine = lease.spec.holder == self._settings.identity
        expired = self._monotonic() - self._seen_at > self._settings.lease_seconds
        if not (mine or expired or not lease.spec.holder):
            self._held_until = 0.0
            return False
        return await self._put(lease, holder=self._settings.identity)

    async def _get(self) -> _Lease | None:
        try:
            found: _Lease = decode(await self._client.get(f"{self._path}/{self._settings.name}"), _Lease)
        except RefusedError as error:
            if error.status == 404:
                return None
            raise
        return found

    async def _create(self) -> bool:
        body = {"metadata": {"name": self._settings.name}, "spec": self._spec(self._settings.identity, 0)}
        return await self._accepted("POST", self._path, body)

    async def _put(self, lease: _Lease, holder: str) -> bool:
        changed = holder != lease.spec.holder
        spec = self._spec(holder, (lease.spec.transitions or 0) + int(changed))
        body = {"metadata": lease.metadata, "spec": spec}  # with its resourceVersion: another's write comes first
        return await self._accepted("PUT", f"{self._path}/{self._settings.name}", body)

    async def _accepted(self, method: str, path: str, body: dict[str, Any]) -> bool:
        try:
            await self._client.send(method, path, body=body)
        except RefusedError as error:
            if error.status == 409:  # another replica was quicker
                return False
            raise
        return True

    def _spec(self, holder: str, transitions: int) -> dict[str, Any]:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        return {
            "holderIdentity": holder,
            "leaseDurationSeconds": round(self._settings.lease_seconds),
            "renewTime": now,
            "acquireTime": now,
            "leaseTransitions": transitions,
        }
