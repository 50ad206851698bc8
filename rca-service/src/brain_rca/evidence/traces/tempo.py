"""Traces of Tempo: searched for by TraceQL, many services in one query, then fetched one by one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Protocol

from brain_common.clients.tempo import FoundTrace
from brain_common.errors import BrainError
from brain_rca.evidence.in_time import late_of
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.asking import Asking, services_of
from brain_rca.evidence.traces.otlp import spans_of
from brain_rca.evidence.traces.rows import SpanRow
from brain_rca.evidence.traces.sample import Question, Stratum, drawn

_BATCH = 40  # services in one query: some 2,000 characters of a URL
_MOST_SERVICES = 3 * _BATCH
_GRACE_SECONDS = 5.0  # to put together what came in time
_SEARCH_SHARE = 0.6  # of the time for all of it; what was found by then is fetched


class Traces(Protocol):
    """What is needed of a server; see ``brain_common.clients.tempo.TempoClient``."""

    async def search(self, query: str, start: float, end: float, limit: int) -> list[FoundTrace]: ...

    async def trace(self, trace_id: str, start: float, end: float) -> bytes: ...

    async def aclose(self) -> None: ...


class TempoEvidence:
    """Implements ``PartSource``; asked about what deviates.

    Args:
        client: The server.
        cluster: Where resources do not name their own.
        most_traces: Read for one judgement.
        deadline_seconds: For all of it; traces that are late are left out.
    """

    name = "tempo"

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
        until = asyncio.get_running_loop().time() + self._seconds
        found: dict[str, FoundTrace] = {}
        searches = asyncio.create_task(self._searches(services, window, asking, found))
        if await late_of([searches], self._seconds * _SEARCH_SHARE):
            asking.fail(f"no answer within {self._seconds * _SEARCH_SHARE:g} s to some of the searches")
        rows = await self._fetched(list(found), window, asking, until)
        return await asyncio.to_thread(asking.evidence, window, rows, len(found), left_out)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _searches(
        self, services: Sequence[str], window: Window, asking: Asking, found: dict[str, FoundTrace]
    ) -> None:
        """One batch of services after another; ``found`` has those of the batches that are done."""
        batches = [services[at : at + _BATCH] for at in range(0, len(services), _BATCH)]
        for batch in batches:
            ask = asking.of(partial(self._search, batch))
            found |= await drawn(ask, window, self._most // len(batches), lambda one: one.seconds)

    async def _search(self, services: Sequence[str], question: Question) -> Mapping[str, FoundTrace]:
        query = traceql(services, question)
        found = await self._client.search(query, question.start, question.end, question.limit)
        return {one.trace_id: one for one in found}

    async def _fetched(self, ids: Sequence[str], window: Window, asking: Asking, until: float) -> list[SpanRow]:
        tasks = [asyncio.create_task(self._trace(one, window, asking)) for one in ids]
        late = await late_of(tasks, max(until - asyncio.get_running_loop().time(), 0.0))
        if late:
            asking.fail(f"{len(late)} of {len(ids)} traces did not come within {self._seconds:g} s")
        return [row for task in tasks if task not in late for row in task.result()]

    async def _trace(self, trace_id: str, window: Window, asking: Asking) -> list[SpanRow]:
        try:
            body = await self._client.trace(trace_id, window.baseline_start, window.end)
            parsed = await asyncio.to_thread(spans_of, body, trace_id, self._cluster)
        except BrainError as error:
            asking.fail(str(error))
            return []
        asking.damaged(parsed.damaged)
        return parsed.rows


def traceql(services: Sequence[str], question: Question) -> str:
    """The traces with a span of these services that the question is about.

    https://grafana.com/docs/tempo/latest/traceql/construct-traceql-queries/ - names are compared, not matched: they
    come from labels, and a pattern could be made to fit everything. Strings are written as in Go, and so as in JSON.
    """
    named = " || ".join(f"resource.service.name = {json.dumps(name)}" for name in services)
    conditions = [f"({named})"]
    if question.stratum is Stratum.FAILED:
        conditions.append("status = error")
    if question.stratum is Stratum.SLOW:
        conditions.append(f"traceDuration > {max(int(question.at_least * 1000), 1)}ms")
    return "{ " + " && ".join(conditions) + " }"
