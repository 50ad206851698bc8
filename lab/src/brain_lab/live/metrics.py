"""Sends each scrape of a run to Prometheus when its time has come."""

from __future__ import annotations

from brain_common.retry import Retry, RetryPolicy
from brain_lab.live.remote_write import Encoder, RemoteWrite
from brain_lab.run.samples import Samples

_PATIENCE = RetryPolicy(deadline_seconds=60.0)
"""For one request; a Prometheus that is away longer than that has been ended."""


class MetricsFeed:
    """Knows which scrapes have been sent.

    Args:
        samples: Of the whole run.
        since: Seconds since the epoch; what was scraped until then is there already.
        target: Where to.
    """

    def __init__(self, samples: Samples, since: float, target: RemoteWrite) -> None:
        self._encoder = Encoder(samples.series)
        self._times = samples.times.tolist()
        self._next = int((samples.times <= since).sum())
        self._target, self._retry = target, Retry(_PATIENCE)

    @property
    def due(self) -> float | None:
        """When the next scrape is; None after the last one."""
        return self._times[self._next] if self._next < len(self._times) else None

    async def send(self, now: float) -> int:
        """Send the scrapes that are due, oldest first; returns how many scrapes.

        Raises:
            TemporaryError: Prometheus was away for too long.
            PermanentError: It refuses, for instance because it was not started to receive remote write.
        """
        sent = 0
        while self.due is not None and self.due <= now:
            for request in self._encoder.requests(self._next, self.due):
                await self._send(request)
            self._next += 1
            sent += 1
        return sent

    async def _send(self, request: bytes) -> None:
        await self._retry.run("remote write", lambda: self._target.send(request))
