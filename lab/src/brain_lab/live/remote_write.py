"""How the metrics of a live run reach Prometheus: remote write 1.0 (https://prometheus.io/docs/specs/remote_write_spec).

Three ways were weighed. Being *scraped* is what exporters do, but one target cannot stand for hundreds: Prometheus
adds its own `job` and `instance` to every series, so that each would begin anew where the past, which is in blocks,
ends; and samples get the time of the scrape. *OTLP* is translated on its way in: types and units become suffixes unless
`translation_strategy` says otherwise, and histograms have to be put together so that Prometheus can take them apart.
*Remote write* takes names, labels, values and times as they are, which is how agents and the Collector deliver what
they have scraped elsewhere. A run that went in live is therefore sample by sample the run that `--out` writes.

What Prometheus sends when a series is gone, a stale marker, is sent here, too. The messages are so few and small that
they are written by hand: no library, and the labels of a series are encoded once.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from typing import Final

import httpx

from brain_common.errors import PermanentError, TemporaryError
from brain_lab.live.snappy import block, varint
from brain_lab.replay.series import PromSeries

PATH: Final = "/api/v1/write"
BATCH: Final = 2000
"""Samples of one request: `max_samples_per_send` of a Prometheus that sends."""

TIMEOUT: Final = 30.0
_HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "brain-lab",
}
_STALE: Final = struct.pack("<Q", 0x7FF0000000000002)
"""The one NaN that says: this series has ended (model/value in Prometheus)."""

_BYTES: Final = 2  # wire type
_DOUBLE: Final = 1
_VARINT: Final = 0


class Encoder:
    """Requests with the samples of one moment.

    Args:
        series: All there are; their order is kept.
    """

    def __init__(self, series: Sequence[PromSeries]) -> None:
        self._series = series
        self._labels = [_labels(one) for one in series]

    def requests(self, row: int, moment: float) -> Iterator[bytes]:
        """Write requests, not yet compressed, of all that is scraped then.

        Args:
            row: Of the scrape.
            moment: Its time, seconds since the epoch.
        """
        when = _field(2, _VARINT) + varint(round(moment * 1000.0))
        batch: list[bytes] = []
        for labels, one in zip(self._labels, self._series, strict=True):
            value = _value(one, row)
            if value is not None:
                sample = _field(1, _DOUBLE) + value + when
                batch.append(_message(1, labels + _message(2, sample)))
            if len(batch) == BATCH:
                yield b"".join(batch)
                batch = []
        if batch:
            yield b"".join(batch)


class RemoteWrite:
    """The other side of the line.

    Args:
        url: Of Prometheus, which must run with `--web.enable-remote-write-receiver`.
    """

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False, headers=_HEADERS)

    async def send(self, request: bytes) -> None:
        """Send one write request.

        Raises:
            TemporaryError: It may take it later.
            PermanentError: It never will.
        """
        where = f"{self._client.base_url}{PATH.removeprefix('/')}"
        try:
            answer = await self._client.post(PATH, content=block(request))
        except httpx.TransportError as error:
            raise TemporaryError(f"{where}: {error or type(error).__name__}") from error
        if answer.is_success:
            return
        message = f"{where}: status {answer.status_code}: {answer.text.strip()[:300]}"
        if answer.status_code >= 500 or answer.status_code == 429:
            raise TemporaryError(message)
        raise PermanentError(message)

    async def close(self) -> None:
        """Give up the connection."""
        await self._client.aclose()


def _value(series: PromSeries, row: int) -> bytes | None:
    """Eight bytes; a stale marker where a series has just ended; None where there is nothing to say."""
    value = float(series.values[row])
    if not math.isnan(value):
        return struct.pack("<d", value)
    return _STALE if row and not math.isnan(float(series.values[row - 1])) else None


def _labels(series: PromSeries) -> bytes:
    """The labels of a time series, in order of their names, as the specification demands."""
    named = sorted({"__name__": series.metric, **series.labels}.items())
    pairs = (_message(1, name.encode()) + _message(2, value.encode()) for name, value in named if value)
    return b"".join(_message(1, pair) for pair in pairs)


def _message(number: int, content: bytes) -> bytes:
    return _field(number, _BYTES) + varint(len(content)) + content


def _field(number: int, kind: int) -> bytes:
    return varint(number << 3 | kind)
