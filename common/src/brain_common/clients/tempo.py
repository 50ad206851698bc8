"""Searching and fetching traces of Grafana Tempo.

https://grafana.com/docs/tempo/latest/api_docs/ - the search answers with names of traces, each of which is then fetched
as OTLP in JSON. Which spans are worth asking for is not decided here.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.lenient_json import decoded


class TempoSettings(FetchSettings):
    """A Tempo, or what speaks its API."""


@dataclass(frozen=True, slots=True)
class FoundTrace:
    """A trace that a search found: its id in hexadecimal digits, and its length in seconds."""

    trace_id: str
    seconds: float


class _Found(msgspec.Struct):
    traceID: str  # noqa: N815 - Tempo's name
    durationMs: float = 0.0  # noqa: N815 - Tempo's name; left out where it is less than one


class _Answer(msgspec.Struct):
    traces: list[_Found] | None = None


_LONGEST = 1e7  # seconds, four months: nothing that is traced takes longer
_HEXADECIMAL = frozenset("0123456789abcdefABCDEF")


class TempoClient:
    """Asks one server; both calls raise ``TemporaryError`` and ``PermanentError`` as ``Fetcher`` does."""

    def __init__(self, settings: TempoSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._fetch = Fetcher("Tempo", settings, transport)

    async def search(self, query: str, start: float, end: float, limit: int) -> list[FoundTrace]:
        """Up to ``limit`` traces that match a TraceQL query between two times in seconds, in no order."""
        whole: dict[str, str | int] = {"q": query, "start": int(start), "end": int(end), "limit": limit, "spss": 1}
        body = await self._fetch.get("/api/search", whole)
        answer = await asyncio.to_thread(decoded, body, _Answer, self._fetch.name, "is no search of Tempo")
        # The id becomes part of a path.
        proper = [
            one for one in answer.traces or [] if 0 < len(one.traceID) <= 32 and _HEXADECIMAL.issuperset(one.traceID)
        ]
        return [FoundTrace(one.traceID, min(max(one.durationMs / 1000.0, 0.0), _LONGEST)) for one in proper[:limit]]

    async def trace(self, trace_id: str, start: float, end: float) -> bytes:
        """A trace as OTLP in JSON; looked for in what was written between two times in seconds."""
        return await self._fetch.get(f"/api/traces/{trace_id}", {"start": int(start), "end": int(end)})

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()
