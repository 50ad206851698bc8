"""Log lines from Loki's HTTP API: https://grafana.com/docs/loki/latest/reference/loki-http-api/"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.lenient_json import decoded
from brain_common.errors import PermanentError


@dataclass(frozen=True, slots=True)
class LokiLine:
    """One line, with the labels of its stream and its structured metadata; ``at`` in seconds since the epoch."""

    at: float
    labels: dict[str, str]
    text: str


class _Stream(msgspec.Struct):
    stream: dict[str, str] = {}
    values: list[list[str]] = []


class _Data(msgspec.Struct):
    resultType: str = ""  # noqa: N815 - Loki's name
    result: list[_Stream] = []


class _Answer(msgspec.Struct):
    data: _Data = msgspec.field(default_factory=_Data)


class _Series(msgspec.Struct):
    data: list[dict[str, str]] = []


class LokiClient:
    """Asks one Loki."""

    def __init__(self, settings: FetchSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._fetch = Fetcher("Loki", settings, transport)

    async def series(self, selectors: Sequence[str], start: float, end: float) -> list[dict[str, str]]:
        """The label sets of all streams that one of ``selectors`` matches in a time (seconds since the epoch).

        Raises:
            TemporaryError: No answer, or 5xx, within the deadline.
            PermanentError: Loki refused, or the answer is too large or no label sets.
        """
        whole = {"start": _nanoseconds(start), "end": _nanoseconds(end), "match[]": list(selectors)}
        body = await self._fetch.post_form("/loki/api/v1/series", whole)
        return (await asyncio.to_thread(decoded, body, _Series, self._fetch.name)).data

    async def lines(self, query: str, start: float, end: float, limit: int) -> list[LokiLine]:
        """The earliest ``limit`` lines of ``[start, end)``, oldest first.

        Raises:
            TemporaryError: As ``series``.
            PermanentError: As ``series``.
        """
        whole = {"query": query, "start": _nanoseconds(start), "end": _nanoseconds(end)}
        body = await self._fetch.post_form(
            "/loki/api/v1/query_range", {**whole, "limit": str(limit), "direction": "forward"}
        )
        return await asyncio.to_thread(self._lines, body)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()

    def _lines(self, body: bytes) -> list[LokiLine]:
        data = decoded(body, _Answer, self._fetch.name).data
        if data.resultType != "streams":
            raise PermanentError(f"{self._fetch.name}: expected streams, not {data.resultType[:20]!r}")
        try:
            found = [LokiLine(int(at) / 1e9, one.stream, text) for one in data.result for at, text in one.values]
        except ValueError as error:
            raise PermanentError(f"{self._fetch.name}: a line is no pair of a time and a text") from error
        return sorted(found, key=lambda line: (line.at, line.text))


def _nanoseconds(at: float) -> str:
    return str(round(at * 1e6) * 1000)
