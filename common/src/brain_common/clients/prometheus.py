"""Range queries against anything that speaks Prometheus' HTTP API: Prometheus, Thanos, Mimir.

One answer is one matrix on the grid that was asked for. Answers are parsed without making an object per sample:
a few hundred series over a few hundred steps are read many times a minute.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import msgspec
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError
from brain_common.retry import Retry, RetryPolicy

_ERROR_BODY = 4096  # bytes of an error answer that are read
_QUOTES = bytes.maketrans(b'[]"', b"   ")


class PrometheusSettings(HttpSettings):
    """A Prometheus-compatible server."""

    timeout_seconds: float = Field(10.0, gt=0, le=600, description="For one query, start to end.")
    deadline_seconds: float = Field(20.0, gt=0, le=600, description="For one query with its repetitions.")
    most_bytes: int = Field(64 << 20, ge=1024, description="Largest answer read, after decompression.")
    most_queries: int = Field(4, ge=1, le=64, description="Queries at the same time.")
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
        self._http = build_client(settings, transport, settings.most_queries)
        self._free = asyncio.Semaphore(settings.most_queries)
        self._retry = Retry(RetryPolicy(settings.deadline_seconds))
        self._name = f"Prometheus {settings.url}"

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
        body = await self._retry.run(self._name, lambda: self._ask(form))
        count = int(np.floor((end - start) / step + 1e-6)) + 1
        # Decoding a large answer takes milliseconds; the event loop has better things to do.
        return await asyncio.to_thread(self._decode, body, start, step, count)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(self, form: dict[str, str]) -> bytes:
        async with self._free:
            try:
                async with self._http.stream("POST", "/api/v1/query_range", data=form) as response:
                    if response.status_code != 200:
                        raise status_error(self._name, response, await self._error_text(response))
                    return await self._read(response)
            except httpx.TransportError as error:
                raise transport_error(self._name, self._settings, error) from error

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > self._settings.most_bytes:
                raise PermanentError(
                    f"{self._name}: the answer is larger than most_bytes ({self._settings.most_bytes})"
                )
        return bytes(body)

    async def _error_text(self, response: httpx.Response) -> str:
        """Prometheus puts its reason into JSON; proxies in front of it do not."""
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) >= _ERROR_BODY:
                break
        try:
            text = _DECODER.decode(bytes(body)).error
        except (msgspec.DecodeError, UnicodeDecodeError):
            text = bytes(body[:_ERROR_BODY]).decode(errors="replace")
        return safe_text(self._settings, text)

    def _decode(self, body: bytes, start: float, step: float, count: int) -> Matrix:
        try:
            answer = _DECODER.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PermanentError(f"{self._name}: the answer is no Prometheus JSON: {error}") from error
        if answer.status != "success" or answer.data is None:
            raise TemporaryError(f"{self._name}: {safe_text(self._settings, answer.error) or 'no data'}")
        if answer.data.resultType != "matrix":
            raise PermanentError(f"{self._name}: expected a matrix, not a {answer.data.resultType[:20]}")
        values = np.full((len(answer.data.result), count), np.nan)
        for row, series in enumerate(answer.data.result):
            _fill(values[row], bytes(series.values), start, step)
        return Matrix(
            labels=[series.metric for series in answer.data.result],
            times=np.asarray(start + step * np.arange(count), dtype=np.float64),
            values=values,
            warnings=tuple(safe_text(self._settings, text) for text in answer.warnings[:10]),
        )


def _fill(row: NDArray[np.float64], pairs: bytes, start: float, step: float) -> None:
    """Put ``[[time, "value"], …]`` onto the grid.

    Without brackets and quotes it is a flat list of numbers, which numpy reads at once ("NaN" and "+Inf" included).
    """
    text = pairs.translate(_QUOTES)
    if not text.strip():
        return
    flat = np.fromstring(text, dtype=np.float64, sep=",")
    times, values = flat[0::2], flat[1::2]
    if len(times) != len(values):
        raise PermanentError("Prometheus: a series of the answer is no list of pairs")
    at = np.rint((times - start) / step).astype(np.int64)
    inside = (at >= 0) & (at < len(row))
    row[at[inside]] = np.where(np.isfinite(values[inside]), values[inside], np.nan)
