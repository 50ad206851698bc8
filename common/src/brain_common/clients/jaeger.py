"""Traces of Jaeger, by the HTTP API that its own page uses, in Jaeger 1 and 2.

https://www.jaegertracing.io/docs/latest/apis/ - one question is about one service, times are microseconds. The newer
``/api/v3`` cannot be asked for failed spans over HTTP, which is why the older one is used.
"""

from __future__ import annotations

import asyncio
import json

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.lenient_json import decoded


class JaegerSettings(FetchSettings):
    """A Jaeger query service."""


class JaegerReference(msgspec.Struct):
    """What a span comes from."""

    refType: str = ""  # noqa: N815 - Jaeger's name
    spanID: str = ""  # noqa: N815 - Jaeger's name


class JaegerTag(msgspec.Struct):
    """A property of a span or a process."""

    key: str
    value: bool | int | float | str | None = None


class JaegerSpan(msgspec.Struct):
    """A span; times in microseconds."""

    spanID: str  # noqa: N815 - Jaeger's name
    operationName: str = ""  # noqa: N815 - Jaeger's name
    references: list[JaegerReference] = []
    startTime: int = 0  # noqa: N815 - Jaeger's name
    duration: int = 0
    tags: list[JaegerTag] = []
    processID: str = ""  # noqa: N815 - Jaeger's name


class JaegerProcess(msgspec.Struct):
    """Who did it."""

    serviceName: str = ""  # noqa: N815 - Jaeger's name
    tags: list[JaegerTag] = []


class JaegerTrace(msgspec.Struct):
    """A trace with all its spans."""

    traceID: str  # noqa: N815 - Jaeger's name
    spans: list[JaegerSpan] = []
    processes: dict[str, JaegerProcess] = {}


class _Traces(msgspec.Struct):
    data: list[JaegerTrace] | None = None


class JaegerClient:
    """Asks one server; raises ``TemporaryError`` and ``PermanentError`` as ``Fetcher`` does."""

    def __init__(self, settings: JaegerSettings, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._fetch = Fetcher("Jaeger", settings, transport)

    async def traces(
        self,
        service: str,
        start: float,
        end: float,
        limit: int,
        *,
        failed: bool = False,
        at_least: float = 0.0,
    ) -> list[JaegerTrace]:
        """Up to ``limit`` traces in which a span of ``service`` began between two times in seconds.

        Args:
            service: Its ``service.name``.
            start: From when.
            end: Until when.
            limit: How many at most.
            failed: Only where a span of the service says that it failed.
            at_least: Only where a span of the service took as many seconds.
        """
        asked: dict[str, str | int] = {"service": service, "start": int(start * 1e6), "end": int(end * 1e6)}
        asked["limit"] = limit
        if failed:
            asked["tags"] = json.dumps({"error": "true"})
        if at_least:
            asked["minDuration"] = f"{int(at_least * 1e6)}us"
        body = await self._fetch.get("/api/traces", asked)
        answer = await asyncio.to_thread(decoded, body, _Traces, self._fetch.name, "holds no traces of Jaeger")
        return (answer.data or [])[:limit]

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()
