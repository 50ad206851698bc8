"""The exporter: watches events, reads states, and does neither while another replica leads."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.errors import BrainError, TemporaryError
from brain_exporters.kube_events import certificates
from brain_exporters.kube_events.changes import NOTE as STATES_NOTE
from brain_exporters.kube_events.changes import ChangeBook
from brain_exporters.kube_events.client import KubeClient
from brain_exporters.kube_events.config import CertificateSettings, KubeEventsSettings
from brain_exporters.kube_events.leader import Election
from brain_exporters.kube_events.owners import Owners
from brain_exporters.kube_events.rules import Rules
from brain_exporters.kube_events.states import Reading, families, read, staleness
from brain_exporters.kube_events.tally import DROPPED, EVENTS_TOTAL, MALFORMED, NOTE, Tally, counted_before
from brain_exporters.kube_events.watch import Delta, follow
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.exporter import Context, ExporterKind

FLUSH_SECONDS: Final = 0.5  # events wait this long at most for company: one flush to disk for all
_HELD: Final = 64  # deltas on their way from the watch to the ledger: of a list half a MiB each
_FIRST_PAUSE: Final = 1.0  # seconds until a failed source is asked again; doubled each time
_LONGEST_PAUSE: Final = 30.0
_PRUNE_SECONDS: Final = 600.0
_KEPT_TTLS: Final = 4  # notes of events outlive their event-ttl this many times, in case it was raised
_OWNED: Final = (
    ("/api/v1", "pods", "Pod"),
    ("/apis/apps/v1", "replicasets", "ReplicaSet"),
    ("/apis/batch/v1", "jobs", "Job"),
)


class KubeEvents:
    """Runs until it is cancelled.

    Args:
        settings: Of the exporter.
        context: Of the runtime.

    Raises:
        ConfigError: The API server's address or credentials cannot be had.
    """

    def __init__(self, settings: KubeEventsSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._client = KubeClient(settings.api)
        self._owners = Owners()
        rules = Rules(settings.include, settings.exclude)
        self._tally = Tally(settings.cluster, rules, self._owners, settings.involved_object_name)
        self._election = Election(self._client, settings.leader_election) if settings.leader_election else None
        self._states: list[Metric] = []
        self._certificates: Metric | None = None

    async def run(self) -> None:
        """Until cancelled."""
        try:
            async with asyncio.TaskGroup() as tasks:
                if self._election is not None:
                    tasks.create_task(self._election.run(self._context.health.telling("lease")))
                tasks.create_task(self._while_leading(self._lead))
                if self._settings.certificates is not None:
                    tasks.create_task(self._watch_certificates(self._settings.certificates))
        finally:
            if self._election is not None:
                with suppress(BrainError, asyncio.CancelledError):
                    await self._election.release()
            await self._client.aclose()

    def collect(self) -> Iterable[Metric]:
        """States as last read."""
        leads = self._election is None or self._election.leading.is_set()
        yield GaugeMetricFamily("kube_events_leader", "1 when this replica counts, else 0.", value=float(leads))
        yield from self._states if leads else ()
        if self._certificates is not None:
            yield self._certificates

    def routes(self) -> Sequence[BaseRoute]:
        """None of its own."""
        return ()

    async def _while_leading(self, work: Callable[[], Awaitable[None]]) -> None:
        """Work whenever this replica leads, and only then."""
        if self._election is None:
            return await work()
        while True:
            for source in leading_sources(self._settings):
                self._context.health.ok(source)  # the leader asks them
            await self._election.leading.wait()
            working = asyncio.ensure_future(work())
            lost = asyncio.create_task(self._election.following.wait())
            try:
                await asyncio.wait([working, lost], return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (working, lost):
                    task.cancel()
                await asyncio.gather(working, lost, return_exceptions=True)
            if not working.cancelled():
                working.result()

    async def _lead(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for namespace in self._settings.namespaces or ("",):
                source = _source("events", namespace)
                tasks.create_task(self._again(source, partial(self._watch_events, namespace, source)))
                for base, plural, kind in _OWNED:
                    path, source = _path(base, plural, namespace), _source(plural, namespace)
                    tasks.create_task(self._again(source, partial(self._watch_owners, path, kind, source)))
            if self._settings.states.enabled:
                tasks.create_task(self._again("states", self._read_states))
            tasks.create_task(self._again("notes", self._prune))

    async def _again(self, source: str, work: Callable[[], Awaitable[None]]) -> None:
        """Work that ends by an error only: told, and begun anew after a pause that grows while it goes on failing."""
        pause, loop = _FIRST_PAUSE, asyncio.get_running_loop()
        while True:
            began = loop.time()
            try:
                await work()
            except BrainError as error:
                self._context.health.failed(source, error)
                hint = error.retry_after if isinstance(error, TemporaryError) else None
                pause = _FIRST_PAUSE if loop.time() - began > _LONGEST_PAUSE else pause
                await asyncio.sleep(max(pause, hint or 0.0))
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _watch_events(self, namespace: str, source: str) -> None:
        """From the ledger's position on."""
        queue: asyncio.Queue[Delta] = asyncio.Queue(_HELD)
        position = await asyncio.to_thread(self._context.ledger.position, source)
        path = _path("/api/v1", "events", namespace)
        await _both(self._put_events(queue, path, position, source), self._take_events(queue, source))

    async def _put_events(self, queue: asyncio.Queue[Delta], path: str, position: str | None, source: str) -> None:
        async for delta in follow(self._client, path, position):
            self._context.health.ok(source)
            await queue.put(delta)

    async def _take_events(self, queue: asyncio.Queue[Delta], source: str) -> None:
        loop = asyncio.get_running_loop()
        while True:
            deltas = [await queue.get()]
            until = loop.time() + FLUSH_SECONDS
            while loop.time() < until and not queue.full():  # noqa: ASYNC110 - a pause, not a wait
                await asyncio.sleep(FLUSH_SECONDS / 10)
            while not queue.empty():
                deltas.append(queue.get_nowait())
            await self._context.ledger.commit_when_room(await asyncio.to_thread(self._batch, deltas, source))

    def _batch(self, deltas: Sequence[Delta], source: str) -> Batch:
        batch = Batch()
        events = [event for delta in deltas for event in self._tally.decode(delta.changed, batch)]
        notes = self._context.ledger.notes_of([NOTE + event.metadata.uid for event in events])
        self._tally.count(events, notes, self._context.clock.now(), batch)
        for delta in deltas:
            self._tally.forget(delta.deleted, batch)
            if delta.version:
                batch.positions[source] = delta.version
            if delta.malformed:
                batch.count(MALFORMED.name, (), delta.malformed)
        return batch

    async def _watch_owners(self, path: str, kind: str, source: str) -> None:
        await self._owners.keep(self._client, path, kind, lambda: self._context.health.ok(source))

    async def _read_states(self) -> None:
        notes = await asyncio.to_thread(self._context.ledger.notes, STATES_NOTE)
        book = ChangeBook(self._settings.cluster, notes)
        while True:
            reading = await read(self._client, self._settings.namespaces)
            await self._take_states(book, reading)
            self._context.health.ok("states")
            await asyncio.sleep(self._settings.states.interval_seconds)

    async def _take_states(self, book: ChangeBook, reading: Reading) -> None:
        hpas = {(hpa.metadata.namespace, hpa.metadata.name): hpa.spec.target for hpa in reading.autoscalers}
        targets = {key: (target.kind, target.name) for key, target in hpas.items()}
        self._owners.adopt("HorizontalPodAutoscaler", targets)  # an event about it is about what it scales
        batch = Batch()
        rollouts = book.take(reading, self._context.clock.now(), batch)
        await self._context.ledger.commit_when_room(batch)
        self._states = families(reading, rollouts, staleness(reading, self._owners.oldest_pods()))

    async def _watch_certificates(self, settings: CertificateSettings) -> None:
        client = KubeClient(settings.api)

        async def reading() -> None:
            while True:
                self._certificates = await certificates.read(client, settings.namespaces)
                self._context.health.ok("certificates")
                await asyncio.sleep(settings.interval_seconds)

        try:
            await self._again("certificates", reading)
        finally:
            await client.aclose()

    async def _prune(self) -> None:
        while True:
            before = self._context.clock.now() - _KEPT_TTLS * self._settings.event_ttl_seconds
            await asyncio.to_thread(self._context.ledger.prune, NOTE, counted_before(before))
            await asyncio.sleep(_PRUNE_SECONDS)


async def _both(*work: Coroutine[None, None, None]) -> None:
    """Until one of them fails: its error, after the others have ended."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def leading_sources(settings: KubeEventsSettings) -> list[str]:
    """Those that only the leader asks."""
    plurals = ["events", *(plural for _, plural, _ in _OWNED)]
    watched = [_source(plural, namespace) for namespace in settings.namespaces or ("",) for plural in plurals]
    return [*watched, *(["states"] if settings.states.enabled else [])]


def _sources(settings: KubeEventsSettings) -> list[str]:
    lease = ["lease"] if settings.leader_election is not None else []
    secrets = ["certificates"] if settings.certificates is not None else []
    return [*leading_sources(settings), *lease, *secrets]


def _source(plural: str, namespace: str) -> str:
    """Name of a watch among the sources."""
    return f"{plural}/{namespace}" if namespace else plural


def _path(base: str, plural: str, namespace: str) -> str:
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


KIND: Final = ExporterKind(
    name="kube-events",
    prefix="kube_events",
    title="Kubernetes events exporter",
    settings=KubeEventsSettings,
    counters=(EVENTS_TOTAL, DROPPED, MALFORMED),
    sources=_sources,
    build=KubeEvents,
)
