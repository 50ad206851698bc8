"""The plug point for places that are told about incidents.

Implementations: ``grafana``, ``alertmanager`` and ``webhook``. ``worker.DeliveryWorker`` is the only caller;
it brings the lease, the retries and the clock of refreshes, so that a sink is one idempotent request and its
answer.
"""

from __future__ import annotations

from typing import Protocol

from brain_common.errors import TemporaryError
from brain_rca.model import Delivery, Incident


class Unfinished(TemporaryError):  # noqa: N818 - what it is, not what went wrong
    """Told in part, or perhaps: try again as what was told already.

    Args:
        message: What came back.
        external_id: Kept as ``delivery.external_id`` for the next attempt.
        retry_after: Seconds the other side asked to wait, if it did.
    """

    def __init__(self, message: str, external_id: str, retry_after: float | None = None) -> None:
        super().__init__(message, retry_after)
        self.external_id = external_id


class Sink(Protocol):
    """Tells one place about incidents.

    Attributes:
        name: Unique among the configured sinks; the store's and the metrics' key, e.g. ``webhook:chat``.
        refresh_seconds: How often an open incident is told again although nothing changed; None = never.
        min_interval_seconds: The least time between two publications of a changed, open incident; the first
            one and the one that closes it never wait.
    """

    @property
    def name(self) -> str: ...

    @property
    def refresh_seconds(self) -> float | None: ...

    @property
    def min_interval_seconds(self) -> float: ...

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        """Bring the place up to date with the incident, whatever it was told before.

        Idempotent: after a crash or a lost answer the same call is made again, with the ``delivery`` of
            before.

        Returns:
            What identifies the incident at the other side; given back as ``delivery.external_id`` next time.

        Raises:
            TemporaryError: It may go well later; ``Unfinished`` if the next attempt must know of this one.
            PermanentError: It will not, until somebody changes something.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections; the sink is not used afterwards."""
        ...
