"""Range queries against anything that speaks Prometheus' HTTP API: Prometheus, Thanos, Mimir.

One answer is one matrix on the grid that was asked for. Answers are parsed without making an object per sample:
a few hundred series over a few hundred steps are read many times a minute.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from brain_common.clients.fetch import Fetcher, FetchSettings, plain_reason
from brain_common.clients.http import safe_text
from brain_common.errors import PermanentError, TemporaryError

_SPACES = bytes.maketrans(b'[]"', b"   ")
_NUMBERS = msgspec.json.Decoder(list[float])
_NOT_FINITE = ((b"NaN", b"9e307"), (b"+Inf", b"9e307"), (b"-Inf", b"9e307"))  # spellings that JSON has no number for
_ABSENT = 9e307  # nothing anybody measures is as large
_MOST_MATRIX = 4  # bytes in memory for each byte of an answer: series with hardly a sample would take thousands
_AT_ONCE = 1 << 17  # bytes of pairs that are read together: what they become fits into a processor's cache


class PrometheusSettings(FetchSettings):
    """A Prometheus-compatible server."""

    most_bytes: int = Field(64 << 20, ge=1024, description="Largest answer read, after decompression.")
    compress: bool = Field(
        False,
        description="Ask for compressed answers: a quarter of the bytes on the wire, for twice the CPU at both ends. "
        "For a server that is not in the same network.",
    )
    dedup: bool | None = Field(None, description="Thanos: merge replicas. Sent only when given.")
    partial_response: bool | None = Field(
        None, description="Thanos: answer although a store is away. Sent only when given."
    )


@dataclass(frozen=True, slots=True)
class Matrix:
    """The answer to a range query.

    Attributes:
        labels: N label sets.
        times: [T] seconds since the epoch.
        values: [N, T]; NaN where there is no sample.
        warnings: What the server said beside the data.
    """

    labels: list[dict[str, str]]
    times: NDArray[np.float64]
    values: NDArray[np.float64]
    warnings: tuple[str, ...] = ()


class _Series(msgspec.Struct):
    metric: dict[str, str]
    values: msgspec.Raw = msgspec.Raw(b"[]")  # native histograms have "histograms" instead


class _Data(msgspec.Struct):
    resultType: str  # noqa: N815 - Prometheus' name
    result: list[_Series]


class _Answer(msgspec.Struct):
    status: str
    data: _Data | None = None
    error: str = ""
    warnings: list[str] = []


_DECODER = msgspec.json.Decoder(_Answer)


class PrometheusClient:
    """Asks one server; bounded in time, bytes and concurrency."""

    def __init__(self, settings: PrometheusSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._fetch = Fetcher("Prometheus", settings, transport, reason=_reason, compress=settings.compress)

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix:
        """Evaluate ``query`` at ``start``, ``start + step``, … up to ``end`` (seconds).

        Raises:
            TemporaryError: No answer, or 5xx, within the deadline.
            PermanentError: The server refused the query, or the answer is too large or no matrix.
        """
        form = {"query": query, "start": f"{start:.3f}", "end": f"{end:.3f}", "step": f"{step:g}"}
        for name in ("dedup", "partial_response"):
            value = getattr(self._settings, name)
            if value is not None:
                form[name] = str(value).lower()
        form["timeout"] = f"{self._settings.timeout_seconds:g}s"
        body = await self._fetch.post_form("/api/v1/query_range", form)
        count = int(np.floor((end - start) / step + 1e-6)) + 1
        # Decoding a large answer takes milliseconds; the event loop has better things to do.
        return await asyncio.to_thread(self._decode, body, start, step, count)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()

    def _decode(self, body: bytes, start: float, step: float, count: int) -> Matrix:
        try:
            answer = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PermanentError(f"{self._fetch.name}: the answer is no Prometheus JSON: {error}") from error
        if answer.status != "success" or answer.data is None:
            raise TemporaryError(f"{self._fetch.name}: {safe_text(self._settings, answer.error) or 'no data'}")
        if answer.data.resultType != "matrix":
            raise PermanentError(f"{self._fetch.name}: expected a matrix, not a {answer.data.resultType[:20]}")
        if 8 * count * len(answer.data.result) > _MOST_MATRIX * self._settings.most_bytes:
            raise PermanentError(
                f"{self._fetch.name}: {len(answer.data.result)} series are more than most_bytes allows"
            )
        values = np.full((len(answer.data.result), count), np.nan)
        _fill(values, [bytes(series.values) for series in answer.data.result], start, step)
        return Matrix(
            labels=[series.metric for series in answer.data.result],
            times=np.asarray(start + step * np.arange(count), dtype=np.float64),
            values=values,
            warnings=tuple(safe_text(self._settings, text) for text in answer.warnings[:10]),
        )


def _reason(body: bytes) -> str:
    """Prometheus puts its reason into JSON; proxies in front of it do not."""
    try:
        return _DECODER.decode(body).error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return plain_reason(body)


def _fill(values: NDArray[np.float64], series: Sequence[bytes], start: float, step: float) -> None:
    """Put each series' ``[[time, "value"], …]`` into its row of the grid.

    Many series are read at once: the calls for a single one take longer than its numbers.
    """
    rows: list[int] = []
    size = 0
    for row, pairs in enumerate(series):
        rows.append(row)
        size += len(pairs)
        if size >= _AT_ONCE or row == len(series) - 1:
            _fill_rows(values, rows, [series[row] for row in rows], start, step)
            rows, size = [], 0


def _fill_rows(
    values: NDArray[np.float64], rows: Sequence[int], series: Sequence[bytes], start: float, step: float
) -> None:
    counts = [pairs.count(b'"') // 2 for pairs in series]
    numbers = _numbers(b",".join(pairs for pairs, count in zip(series, counts, strict=True) if count))
    if len(numbers) != 2 * sum(counts):
        raise PermanentError("Prometheus: a series of the answer is no list of pairs")
    flat = np.fromiter(numbers, np.float64, len(numbers))
    at, found = np.rint((flat[0::2] - start) / step), flat[1::2]
    row = np.repeat(np.asarray(rows), counts)
    known = (at >= 0) & (at < values.shape[1]) & (found < _ABSENT)
    values[row[known], at[known].astype(np.int64)] = found[known]


def _numbers(pairs: bytes) -> list[float]:
    """Times and values in turn.

    Without inner brackets and quotes, pairs are a flat list of numbers, which costs a fifth of reading them as pairs. A
    value that is no number (NaN, infinity) is as good as none.
    """
    text = pairs.translate(_SPACES)
    if b"N" in text or b"I" in text:
        for word, number in _NOT_FINITE:
            text = text.replace(word, number)
    try:
        return _NUMBERS.decode(b"[" + text + b"]")
    except msgspec.DecodeError as error:
        raise PermanentError(f"Prometheus: a series of the answer is no list of pairs: {error}") from error
