"""Traces of Jaeger, whose API answers about one service at a time, with whole traces."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Protocol

from brain_common.clients.jaeger import JaegerTrace
from brain_rca.evidence.in_time import late_of
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.asking import Asking, services_of
from brain_rca.evidence.traces.jaeger_spans import longest, rows_of
from brain_rca.evidence.traces.rows import SpanRow
from brain_rca.evidence.traces.sample import Question, Stratum, drawn

_MOST_SERVICES = 20  # each is 18 questions
_AT_ONCE = 2  # services; the questions about one are asked at the same time
_GRACE_SECONDS = 5.0  # to put together what came in time


class Traces(Protocol):
    """What is needed of a server; see ``brain_common.clients.jaeger.JaegerClient``."""

    async def traces(
        self, service: str, start: float, end: float, limit: int, *, failed: bool = False, at_least: float = 0.0
    ) -> list[JaegerTrace]: ...

    async def aclose(self) -> None: ...


class JaegerEvidence:
    """Implements ``PartSource``; asked about what deviates.

    Args:
        client: The server.
        cluster: Where processes do not name their own.
        most_traces: Read for one judgement, about.
        deadline_seconds: For all of it; services that are late are left out.
    """

    name = "jaeger"

    def __init__(self, client: Traces, cluster: str, most_traces: int, deadline_seconds: float) -> None:
        self._client = client
        self._cluster = cluster
        self._most = most_traces
        self._seconds = deadline_seconds
        self.deadline_seconds = deadline_seconds + _GRACE_SECONDS

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``."""
        if focus is None or not focus.entities:
            return RawEvidence()
        services, left_out = services_of(focus, _MOST_SERVICES, self.name)
        asking = Asking(self.name)
        each = self._most // max(len(services), 1)
        turn = asyncio.Semaphore(_AT_ONCE)
        tasks = [asyncio.create_task(self._of(one, window, each, asking, turn)) for one in services]
        late = await late_of(tasks, self._seconds)
        if late:
            asking.fail(f"no answer within {self._seconds:g} s about {len(late)} of {len(tasks)} services")
        found = {name: trace for task in tasks if task not in late for name, trace in task.result().items()}
        return await asyncio.to_thread(self._evidence, window, found, asking, left_out)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _of(
        self, service: str, window: Window, most: int, asking: Asking, turn: asyncio.Semaphore
    ) -> dict[str, JaegerTrace]:
        """One after another, so that what is late costs some services all, and not all services some."""
        async with turn:
            return await drawn(
                asking.of(partial(self._search, service)), window, most, partial(longest, service=service)
            )

    def _evidence(
        self, window: Window, found: Mapping[str, JaegerTrace], asking: Asking, left_out: list[str]
    ) -> RawEvidence:
        rows: list[SpanRow] = []
        for trace in found.values():
            parsed = rows_of(trace, self._cluster)
            rows += parsed.rows
            asking.damaged(parsed.damaged)
        return asking.evidence(window, rows, len(found), left_out)

    async def _search(self, service: str, question: Question) -> Mapping[str, JaegerTrace]:
        found = await self._client.traces(
            service,
            question.start,
            question.end,
            question.limit,
            failed=question.stratum is Stratum.FAILED,
            at_least=question.at_least if question.stratum is Stratum.SLOW else 0.0,
        )
        return {trace.traceID: trace for trace in found}
