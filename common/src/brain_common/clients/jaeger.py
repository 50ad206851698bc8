"""Traces of Jaeger, by the HTTP API that its own page uses, in Jaeger 1 and 2.

https://www.jaegertracing.io/docs/latest/apis/ - one question is about one service, times are microseconds. The newer
``/api/v3`` cannot be asked for failed spans over HTTP, which is why the older one is used.
"""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any, TypeVar

import httpx
import msgspec

from brain_common.clients.fetch import Fetcher, FetchSettings
from brain_common.clients.lenient_json import decoded
from brain_common.errors import PermanentError

T = TypeVar("T")
_Start = Annotated[int, msgspec.Meta(ge=0, le=10**18)]
_Length = Annotated[int, msgspec.Meta(ge=0, le=10**13)]  # four months: nothing that is traced takes longer


class JaegerSettings(FetchSettings):
    """A Jaeger query service."""


class JaegerReference(msgspec.Struct):
    """What a span comes from."""

    refType: str = ""  # noqa: N815 - Jaeger's name
    spanID: str = ""  # noqa: N815 - Jaeger's name


class JaegerTag(msgspec.Struct):
    """A property of a span or a process; of any type, as clients of all times have written them."""

    key: str = ""
    value: Any = None


class JaegerSpan(msgspec.Struct):
    """A span; times in microseconds."""

    spanID: str = ""  # noqa: N815 - Jaeger's name
    operationName: str = ""  # noqa: N815 - Jaeger's name
    references: list[JaegerReference] | None = None
    startTime: _Start = 0  # noqa: N815 - Jaeger's name
    duration: _Length = 0
    tags: list[JaegerTag] | None = None
    processID: str = ""  # noqa: N815 - Jaeger's name


class JaegerProcess(msgspec.Struct):
    """Who did it."""

    serviceName: str = ""  # noqa: N815 - Jaeger's name
    tags: list[JaegerTag] | None = None


class JaegerTrace(msgspec.Struct):
    """A trace with its spans, and how many more it has that cannot be read."""

    traceID: str  # noqa: N815 - Jaeger's name
    spans: list[JaegerSpan] = []
    processes: dict[str, JaegerProcess] = {}
    damaged: int = 0


class _Trace(msgspec.Struct):
    """Spans are read one by one, so that a damaged one costs no other."""

    traceID: str = ""  # noqa: N815 - Jaeger's name
    spans: list[msgspec.Raw] | None = None
    processes: dict[str, msgspec.Raw] | None = None


class _Traces(msgspec.Struct):
    data: list[_Trace] | None = None


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
        return await asyncio.to_thread(self._read, body, limit)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._fetch.aclose()

    def _read(self, body: bytes, limit: int) -> list[JaegerTrace]:
        answer = decoded(body, _Traces, self._fetch.name, "holds no traces of Jaeger")
        return [self._trace(one) for one in (answer.data or [])[:limit]]

    def _trace(self, one: _Trace) -> JaegerTrace:
        spans = [self._part(span, JaegerSpan) for span in one.spans or ()]
        processes = {key: self._part(process, JaegerProcess) for key, process in (one.processes or {}).items()}
        return JaegerTrace(
            one.traceID,
            [span for span in spans if span is not None],
            {key: process for key, process in processes.items() if process is not None},
            damaged=spans.count(None),
        )

    def _part(self, raw: msgspec.Raw, kind: type[T]) -> T | None:
        try:
            return decoded(bytes(raw), kind, self._fetch.name)
        except PermanentError:
            return None
