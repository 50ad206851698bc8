"""The exporter: who leads, and what runs while this replica does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.clients.kubernetes.client import KubeApi
from brain_common.errors import BrainError
from brain_exporters.kube_events import certificates, lease, objects, watch
from brain_exporters.kube_events.certificates import Certificates
from brain_exporters.kube_events.config import KubeEventsSettings
from brain_exporters.kube_events.entities import Owners
from brain_exporters.kube_events.lease import Elector
from brain_exporters.kube_events.objects import Objects
from brain_exporters.kube_events.watch import EventWatch, Takeover
from brain_exporters.runtime.exporter import Context
from brain_lake.config import LakeSettings
from brain_lake.location import LakeLocation

_log = logging.getLogger(__name__)
_TICK: Final = 1.0  # seconds between two looks whether something lies around uncommitted
_LAKE_WINDOW: Final = 7200.0  # seconds: twice as long as the API server keeps an event by default
_STOPPING: Final = 10.0  # seconds for the reading thread to notice


def sources(settings: KubeEventsSettings) -> Sequence[str]:
    """What the settings ask for."""
    asked = {
        watch.SOURCE: True,
        objects.SOURCE: settings.objects is not None,
        certificates.SOURCE: settings.certificates is not None,
        lease.SOURCE: settings.leader_election is not None,
    }
    return [name for name, wanted in asked.items() if wanted]


def build(settings: KubeEventsSettings, context: Context) -> KubeEvents:
    """Make one; asks no server."""
    return KubeEvents(settings, context)


class KubeEvents:
    """Runs the watch and the rounds, while this replica leads."""

    def __init__(self, settings: KubeEventsSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._api = KubeApi(settings.client)
        self._owners = Owners()
        secrets = KubeApi(settings.certificates.client) if settings.certificates else None
        self._objects = (
            Objects(
                self._api,
                secrets,
                settings.cluster,
                context.ledger,
                self._owners,
                context.clock,
                settings.max_series,
            )
            if settings.objects
            else None
        )
        self._certificates = (
            Certificates(secrets, settings.certificates, settings.max_series)
            if settings.certificates and secrets
            else None
        )
        election = settings.leader_election
        self._elector = (
            Elector(self._api, election, election.identity or socket.gethostname(), context.clock) if election else None
        )
        self._watch: EventWatch | None = None

    async def run(self) -> None:
        """Until cancelled."""
        if self._elector is None:
            async with self._term(None) as reading:
                await reading
        else:
            await self._elect(self._elector)

    def collect(self) -> Iterable[Metric]:
        """Families besides the counters."""
        yield GaugeMetricFamily(
            "kube_events_leader", "1 while this replica watches, 0 while another one does.", float(bool(self._watch))
        )
        live = self._watch.live if self._watch else 0
        yield GaugeMetricFamily("kube_events_tracked", "Event objects whose count is remembered.", float(live))
        for part in (self._objects, self._certificates):
            if part is not None:
                yield from part.collect()

    def routes(self) -> Sequence[BaseRoute]:
        """None."""
        return ()

    async def _elect(self, elector: Elector) -> None:
        """Lead whenever the Lease is held."""
        pause = elector.retry_seconds
        async with contextlib.AsyncExitStack() as leaving:
            leaving.push_async_callback(self._release, elector)
            while True:
                takeover = await self._look(elector)
                if not elector.leading:
                    self._idle()
                    await asyncio.sleep(pause)
                    continue
                async with self._term(await self._completed(takeover)) as reading:
                    while elector.leading and not reading.done():
                        await asyncio.wait([reading], timeout=pause)
                        await self._look(elector)
                if reading.done() and not reading.cancelled():
                    reading.result()

    async def _look(self, elector: Elector) -> Takeover | None:
        position = self._watch.committed if self._watch else None
        try:
            takeover = await asyncio.to_thread(elector.step, position)
        except BrainError as error:
            self._context.health.failed(lease.SOURCE, error)
            return None
        self._context.health.ok(lease.SOURCE)
        return takeover

    async def _completed(self, takeover: Takeover | None) -> Takeover | None:
        """With what the lake knows; None where this replica itself was the last to count."""
        own = self._context.ledger.position(watch.SOURCE)
        if takeover is None or (own is not None and own.isdecimal() and int(own) >= takeover.position):
            return None
        _log.info("takes over from resourceVersion %d", takeover.position)
        totals = await asyncio.to_thread(self._totals, self._settings.lake) if self._settings.lake else {}
        return Takeover(takeover.position, takeover.at, totals)

    def _totals(self, lake: LakeSettings) -> dict[str, int]:
        from brain_lake.reader import LakeReader  # DuckDB takes 20 MiB, and a takeover is rare

        now = self._context.clock.now()
        try:
            return LakeReader(LakeLocation.of(lake)).event_totals(now - _LAKE_WINDOW, now + _LAKE_WINDOW)
        except BrainError as error:
            _log.warning("takes over by the Lease alone: %s", error)
            return {}

    def _idle(self) -> None:
        """What a replica is that waits: well, and with nothing to show."""
        for name in sources(self._settings):
            if name != lease.SOURCE:
                self._context.health.ok(name)
        for part in (self._objects, self._certificates):
            if part is not None:
                part.forget()

    async def _release(self, elector: Elector) -> None:
        with contextlib.suppress(BrainError):  # then it runs out
            await asyncio.to_thread(elector.release, self._context.ledger.position(watch.SOURCE))

    @contextlib.asynccontextmanager
    async def _term(self, takeover: Takeover | None) -> AsyncIterator[asyncio.Task[None]]:
        """What runs while this replica leads; the task that is yielded reads events and ends when it may not go on."""
        may_commit = (lambda: True) if self._elector is None else self._elector.holds
        arguments = (self._api, self._settings, self._context, self._owners, takeover, may_commit)
        reader = self._watch = await asyncio.to_thread(EventWatch, *arguments)
        reading = asyncio.create_task(asyncio.to_thread(reader.run), name="events")
        others = [asyncio.create_task(self._ticking(reader))]
        if self._objects is not None and self._settings.objects is not None:
            every = self._settings.objects.interval_seconds
            others.append(asyncio.create_task(self._repeating(objects.SOURCE, self._objects.round, every)))
        if self._certificates is not None and self._settings.certificates is not None:
            every = self._settings.certificates.interval_seconds
            others.append(asyncio.create_task(self._repeating(certificates.SOURCE, self._certificates.look, every)))
        try:
            yield reading
        finally:
            self._watch = None
            for task in others:
                task.cancel()
            await asyncio.to_thread(reader.stop)
            await asyncio.gather(*others, return_exceptions=True)
            await asyncio.wait([reading], timeout=_STOPPING)
            with contextlib.suppress(BrainError):  # then it comes again at the next start
                await asyncio.to_thread(reader.tick)

    async def _ticking(self, reader: EventWatch) -> None:
        while True:
            await asyncio.sleep(_TICK)
            with contextlib.suppress(BrainError):  # told by the reader, which waits for room
                await asyncio.to_thread(reader.tick)

    async def _repeating(self, source: str, look: Callable[[], None], seconds: float) -> None:
        """Look again and again; a failure is told and changes nothing."""
        while True:
            try:
                await asyncio.to_thread(look)
                self._context.health.ok(source)
            except BrainError as error:
                self._context.health.failed(source, error)
            await asyncio.sleep(seconds)
