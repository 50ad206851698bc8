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

from brain_common.clients.http import HttpSettings, build_client, safe_text, status_error, transport_error
from brain_common.errors import PermanentError, TemporaryError
from brain_common.retry import Retry, RetryPolicy

_ERROR_BODY = 4096  # bytes of an error answer that are read
_SPACES = bytes.maketrans(b'[]"', b"   ")
_NUMBERS = msgspec.json.Decoder(list[float])
_NOT_FINITE = ((b"NaN", b"9e307"), (b"+Inf", b"9e307"), (b"-Inf", b"9e307"))  # spellings that JSON has no number for
_ABSENT = 9e307  # nothing anybody measures is as large
_MOST_MATRIX = 4  # bytes in memory for each byte of an answer: series with hardly a sample would take thousands
_AT_ONCE = 1 << 17  # bytes of pairs that are read together: what they become fits into a processor's cache


class PrometheusSettings(HttpSettings):
    """A Prometheus-compatible server."""

    timeout_seconds: float = Field(10.0, gt=0, le=600, description="For one query, start to end.")
    deadline_seconds: float = Field(20.0, gt=0, le=600, description="For one query with its repetitions.")
    most_bytes: int = Field(64 << 20, ge=1024, description="Largest answer read, after decompression.")
    most_queries: int = Field(4, ge=1, le=64, description="Queries at the same time.")
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
        self._http = build_client(settings, transport, settings.most_queries)
        if not settings.compress:
            self._http.headers["Accept-Encoding"] = "identity"
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
        async with self._free:  # before the clock of the deadline starts: waiting for a turn is not the server's fault
            body = await self._retry.run(self._name, lambda: self._ask(form))
        count = int(np.floor((end - start) / step + 1e-6)) + 1
        # Decoding a large answer takes milliseconds; the event loop has better things to do.
        return await asyncio.to_thread(self._decode, body, start, step, count)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def _ask(self, form: dict[str, str]) -> bytes:
        seconds = self._settings.timeout_seconds
        try:
            async with asyncio.timeout(seconds):  # httpx limits each read, not their sum
                return await self._answer(form)
        except TimeoutError as error:
            raise TemporaryError(f"{self._name}: no answer within {seconds:g} s") from error
        except httpx.TransportError as error:
            raise transport_error(self._name, self._settings, error) from error
        except httpx.RequestError as error:  # the body is not what its Content-Encoding says
            raise PermanentError(f"{self._name}: {safe_text(self._settings, str(error))}") from error
        except OSError as error:  # httpx lets a TLS alert during the answer pass as it is
            raise TemporaryError(f"{self._name}: {safe_text(self._settings, str(error))}") from error

    async def _answer(self, form: dict[str, str]) -> bytes:
        async with self._http.stream("POST", "/api/v1/query_range", data=form) as response:
            if response.status_code != 200:
                raise status_error(self._name, response, await self._error_text(response))
            return await self._read(response)

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
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
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
        if 8 * count * len(answer.data.result) > _MOST_MATRIX * self._settings.most_bytes:
            raise PermanentError(f"{self._name}: {len(answer.data.result)} series are more than most_bytes allows")
        values = np.full((len(answer.data.result), count), np.nan)
        _fill(values, [bytes(series.values) for series in answer.data.result], start, step)
        return Matrix(
            labels=[series.metric for series in answer.data.result],
            times=np.asarray(start + step * np.arange(count), dtype=np.float64),
            values=values,
            warnings=tuple(safe_text(self._settings, text) for text in answer.warnings[:10]),
        )


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
