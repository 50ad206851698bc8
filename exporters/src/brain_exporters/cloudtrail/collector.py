"""The exporter: each configured source in a task of its own, all into one tally."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.errors import BrainError, TemporaryError
from brain_exporters.cloudtrail.client import File, Queue, Storage, log_events, lookup_page
from brain_exporters.cloudtrail.config import (
    BucketSettings,
    CloudTrailSettings,
    DigestSettings,
    LogGroupSettings,
    LookupSettings,
    QueueSettings,
)
from brain_exporters.cloudtrail.digests import VERIFIED, Verifier
from brain_exporters.cloudtrail.reader import FILES, NOTE, FileReader
from brain_exporters.cloudtrail.rules import load_rules
from brain_exporters.cloudtrail.seen import NOTE as SEEN_NOTE
from brain_exporters.cloudtrail.seen import Seen
from brain_exporters.cloudtrail.tally import CHANGES_TOTAL, DUPLICATES, EVENTS, MALFORMED, SUSPICIOUS, Tally
from brain_exporters.runtime.aws import AwsClients
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.blocking import in_thread
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context, ExporterKind

MESSAGES: Final = CounterSpec("cloudtrail_queue_messages", "Messages of the queue by what became of them.", ("result",))
_FIRST_PAUSE: Final = 1.0  # seconds until a failed source is asked again; doubled each time
_LONGEST_PAUSE: Final = 60.0
_WAIT_SECONDS: Final = 10  # how long SQS holds an empty answer back: fewer requests, and an end in time
_LOOKUP_PAUSE: Final = 0.5  # seconds between two requests: LookupEvents allows two a second and region
_LATE_SECONDS: Final = 900.0  # a record may come this much later than its time; what was taken before is recognised
_ASIDE_BYTES: Final = 16 << 20  # of records that are none, kept beside the state file


class CloudTrail:
    """Runs until it is cancelled.

    Args:
        settings: Of the exporter.
        context: Of the runtime.

    Raises:
        ConfigError: The rules are wrong.
    """

    def __init__(self, settings: CloudTrailSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._clients = AwsClients(settings.aws)
        ledger = context.ledger
        aside = Aside(settings.state.with_name(f"{settings.state.name}.aside"))
        seen = Seen(ledger.notes(SEEN_NOTE), settings.dedupe_hours)
        self._tally = Tally(settings.cluster, load_rules(settings.rules), seen, settings.keep_records, aside.keep)
        self._reader: FileReader | None = None
        self._guard = threading.Lock()
        self._delay = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        s = self._settings
        async with asyncio.TaskGroup() as tasks:
            if s.queue is not None:
                tasks.create_task(self._again("queue", partial(self._read_queue, s.queue)))
            if s.bucket is not None:
                tasks.create_task(self._again("bucket", partial(self._read_bucket, s.bucket)))
            if s.log_group is not None:
                tasks.create_task(self._again("log_group", partial(self._read_log_group, s.log_group)))
            if s.lookup is not None:
                for region in s.lookup.regions or (s.aws.region,):
                    work = partial(self._read_history, s.lookup, region)
                    tasks.create_task(self._again(f"lookup/{region}", work))
            if s.digests is not None:
                tasks.create_task(self._again("digests", partial(self._verify, s.digests)))

    def collect(self) -> Iterable[Metric]:
        """What is not counted by the ledger."""
        yield GaugeMetricFamily(
            "cloudtrail_delivery_delay_seconds",
            "Age of the newest record of the file or page that was read last, when it was read.",
            value=self._delay,
        )
        yield from self._clients.collect()

    def routes(self) -> Sequence[BaseRoute]:
        """None of its own."""
        return ()

    async def _again(self, source: str, work: Callable[[], Awaitable[None]]) -> None:
        """One round of work after another; a failure is told, and the pause after it grows while it goes on."""
        pause = _FIRST_PAUSE
        while True:
            try:
                await work()
                self._context.health.ok(source)
                pause = _FIRST_PAUSE
            except BrainError as error:
                self._context.health.failed(source, error)
                hint = error.retry_after if isinstance(error, TemporaryError) else None
                await asyncio.sleep(max(pause, hint or 0.0))
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _read_queue(self, settings: QueueSettings) -> None:
        await in_thread(self._queue_round, settings)

    def _queue_round(self, settings: QueueSettings) -> None:
        queue = Queue(self._clients.client("sqs"), settings.queue_url)
        storage, reader = self._storage()
        messages = queue.receive(_WAIT_SECONDS)
        batch = Batch()
        for message in messages:
            batch.count(MESSAGES.name, ("ok" if message.readable else "malformed",))
            for bucket, key in message.files:
                if bucket == settings.bucket and key.startswith(settings.prefix) and _is_log(key):
                    file = storage.head(bucket, key)
                    reader.missing() if file is None else reader.take(file)
        if messages:
            self._context.ledger.commit(batch)
            queue.delete(messages)

    async def _read_bucket(self, settings: BucketSettings) -> None:
        await in_thread(self._bucket_round, settings)
        self._context.health.ok("bucket")
        await asyncio.sleep(settings.interval_seconds)

    def _bucket_round(self, settings: BucketSettings) -> None:
        storage, reader = self._storage()
        for file in listed(storage, settings.bucket, settings.prefix, "CloudTrail", settings.days, self._now()):
            reader.take(file)

    async def _read_log_group(self, settings: LogGroupSettings) -> None:
        await in_thread(self._log_round, settings)
        self._context.health.ok("log_group")
        await asyncio.sleep(settings.interval_seconds)

    def _log_round(self, settings: LogGroupSettings) -> None:
        source = f"log_group/{settings.log_group}"
        newest = begin = self._begin(source, settings.hours)
        for page in log_events(self._clients.client("logs"), settings.log_group, begin):
            newest = max([newest, *(at for at, _ in page)])
            self._take([raw for _, raw in page])
        self._move(source, newest)

    async def _read_history(self, settings: LookupSettings, region: str) -> None:
        await in_thread(self._history_round, settings, region)
        self._context.health.ok(f"lookup/{region}")
        await asyncio.sleep(settings.interval_seconds)

    def _history_round(self, settings: LookupSettings, region: str) -> None:
        source = f"lookup/{region}"
        begin, end, token = self._begin(source, settings.hours), self._now(), None
        client = self._clients.client("cloudtrail", region=region)
        while True:
            found, token = lookup_page(
                client, datetime.fromtimestamp(begin, UTC), datetime.fromtimestamp(end, UTC), token
            )
            self._take([raw for _, raw in found])
            if not token:
                break
            time.sleep(_LOOKUP_PAUSE)
        self._move(source, end)

    async def _verify(self, settings: DigestSettings) -> None:
        verifier = Verifier(self._clients, self._context.ledger)
        await in_thread(verifier.round, settings, self._now())
        self._context.health.ok("digests")
        await asyncio.sleep(settings.interval_seconds)

    def _take(self, raws: Sequence[bytes]) -> None:
        if raws:
            self._storage()[1].commit(raws)

    def _begin(self, source: str, hours: float) -> float:
        position = self._context.ledger.position(source)
        return float(position) - _LATE_SECONDS if position else self._now() - hours * 3600

    def _move(self, source: str, position: float) -> None:
        self._context.ledger.commit(Batch(positions={source: f"{position:.3f}"}))

    def _storage(self) -> tuple[Storage, FileReader]:
        """Of this round; there is one reader for all sources, since it remembers the files."""
        storage = Storage(self._clients.client("s3"))
        with self._guard:
            if self._reader is None:
                notes = self._context.ledger.notes(NOTE)
                self._reader = FileReader(storage, self._context.ledger, self._tally, self._now, notes)
            return storage, self._reader

    def _now(self) -> float:
        return self._context.clock.now()


class Aside:
    """A file of what is no record, for somebody to look at; bounded.

    Args:
        path: Appended to.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, raw: bytes) -> None:
        """One line; beyond the bound, and on a full disk, nothing: it is counted anyhow."""
        line = raw.replace(b"\n", b" ")[: 64 * 1024] + b"\n"
        try:
            with self._path.open("ab") as file:
                if file.tell() + len(line) <= _ASIDE_BYTES:
                    file.write(line)
        except OSError:
            return


def listed(storage: Storage, bucket: str, prefix: str, kind: str, days: int, now: float) -> Iterable[File]:
    """Files of the last days, of all accounts and regions."""
    today = datetime.fromtimestamp(now, UTC)
    for region in storage.regions(bucket, prefix, kind):
        for back in reversed(range(days)):
            day = today - timedelta(days=back)
            yield from storage.files(bucket, f"{region}{day:%Y/%m/%d}/")


def _is_log(key: str) -> bool:
    """A file of records: a bucket's notifications also tell of digests and of files that others put there."""
    return "/CloudTrail-Digest/" not in key and key.endswith((".json.gz", ".json", ".gz"))


def _sources(settings: CloudTrailSettings) -> list[str]:
    named = ("queue", "bucket", "log_group", "digests")
    found = [name for name in named if getattr(settings, name) is not None]
    if settings.lookup is not None:
        found += [f"lookup/{region}" for region in settings.lookup.regions or (settings.aws.region,)]
    return found


KIND: Final = ExporterKind(
    name="cloudtrail",
    prefix="cloudtrail",
    title="CloudTrail exporter",
    settings=CloudTrailSettings,
    counters=(EVENTS, CHANGES_TOTAL, SUSPICIOUS, DUPLICATES, MALFORMED, FILES, MESSAGES, VERIFIED),
    sources=_sources,
    build=CloudTrail,
)
