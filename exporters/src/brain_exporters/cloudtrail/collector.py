"""Runs the configured sources side by side, and what is scraped besides the counters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

import pyarrow as pa
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.errors import BrainError, InputError, PermanentError, TemporaryError
from brain_exporters.cloudtrail.client import Client, Message
from brain_exporters.cloudtrail.config import CloudTrailSettings, ListingSettings, SqsSettings
from brain_exporters.cloudtrail.files import Files
from brain_exporters.cloudtrail.intake import Intake
from brain_exporters.cloudtrail.integrity import Integrity
from brain_exporters.cloudtrail.notification import keys_of
from brain_exporters.cloudtrail.polling import Records, look_up, read_log_group
from brain_exporters.cloudtrail.quarantine import Quarantine
from brain_exporters.cloudtrail.rules import load_rules
from brain_exporters.cloudtrail.seen import Seen
from brain_exporters.cloudtrail.tabulate import Tabulator
from brain_exporters.runtime.aws import ApiRequests, open_accounts
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context, ExporterKind

_log = logging.getLogger(__name__)
_PAUSE: Final = 5.0  # seconds after a failure
_COUNTERS: Final = (
    CounterSpec(
        "cloudtrail_events",
        "Calls, each eventID once.",
        ("account_id", "region", "service", "operation", "error_code", "read_only"),
    ),
    CounterSpec(
        "cloudtrail_changes",
        "Calls that may have changed something and went well.",
        ("account_id", "region", "service", "operation"),
    ),
    CounterSpec("cloudtrail_suspicious", "Matches of rules.", ("rule", "severity", "account_id")),
    CounterSpec("cloudtrail_malformed_records", "Records that are none; they are kept aside.", ()),
    CounterSpec("cloudtrail_duplicates", "Records whose eventID was counted before.", ()),
    CounterSpec(
        "cloudtrail_files",
        "Files by how they ended: complete, truncated, malformed, absent, duplicate; no_notification: no file.",
        ("source", "result"),
    ),
    CounterSpec(
        "cloudtrail_digest_verified",
        "Digest files: valid, signature_invalid, key_unknown, chain_broken, digest_missing, moved, malformed.",
        ("result",),
    ),
    CounterSpec("cloudtrail_digest_log_files", "Log files that digests name: valid, modified, missing.", ("result",)),
)
_DIGEST_RESULTS: Final = (
    "valid", "signature_invalid", "key_unknown", "chain_broken", "digest_missing", "moved", "malformed"
)  # fmt: skip


class CloudTrailExporter:
    """All sources of one configuration.

    Raises:
        ConfigError: The file of rules is wrong.
    """

    def __init__(self, settings: CloudTrailSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        ledger = context.ledger
        # Arrow's own allocators keep more of what was freed than malloc does.
        pa.set_memory_pool(pa.system_memory_pool())
        self._requests = ApiRequests()
        self._client = Client(open_accounts(settings.aws, self._requests)[0], settings.bucket)
        self._ids = Seen("ids/", ledger.notes("ids/"), settings.remember)
        rules = load_rules(settings.rules_file)
        quarantine = Quarantine(settings.quarantine or settings.state.parent / "quarantine", settings.quarantine_bytes)
        intake = Intake(self._ids, Tabulator(settings.cluster, rules), quarantine)
        turn = asyncio.Lock()
        done = Seen("files/", ledger.notes("files/"), settings.remember)
        self._files = Files(self._client, intake, done, ledger, turn, settings.most_inflated_bytes)
        self._records = Records(intake, ledger, turn)
        self._delay: float | None = None
        self._integrity = (
            Integrity(
                self._client, settings.bucket, settings.digest.prefix, ledger, settings.most_inflated_bytes,
                context.clock.now,
            )
            if settings.digest
            else None
        )  # fmt: skip
        ledger.start_at_zero("cloudtrail_malformed_records", [()])
        ledger.start_at_zero("cloudtrail_duplicates", [()])
        if settings.digest:
            ledger.start_at_zero("cloudtrail_digest_verified", [(each,) for each in _DIGEST_RESULTS])
            ledger.start_at_zero("cloudtrail_digest_log_files", [(each,) for each in ("valid", "modified", "missing")])

    async def run(self) -> None:
        """All sources, until cancelled."""
        settings, clock = self._settings, self._context.clock
        async with asyncio.TaskGroup() as group:
            if sqs := settings.sqs:
                group.create_task(self._repeat("sqs", 0.0, lambda: self._poll(sqs)))
            if listing := settings.listing:
                group.create_task(self._repeat("listing", listing.interval_seconds, lambda: self._list(listing)))
            if logs := settings.logs:
                look = lambda: read_log_group(self._records, self._client, logs, clock)  # noqa: E731
                group.create_task(self._repeat("logs", logs.interval_seconds, look))
            if lookup := settings.lookup:
                ask = lambda: look_up(self._records, self._client, lookup, clock)  # noqa: E731
                group.create_task(self._repeat("lookup", lookup.interval_seconds, ask))
            if settings.digest and (integrity := self._integrity):
                group.create_task(self._repeat("digest", settings.digest.interval_seconds, integrity.look))

    async def _repeat(self, source: str, pause: float, look: Callable[[], Awaitable[None]]) -> None:
        """Look again and again; a failure is told and tried again."""
        while True:
            try:
                await look()
                self._context.health.ok(source)
                await asyncio.sleep(pause)
            except BrainError as error:
                self._context.health.failed(source, error)
                hint = error.retry_after if isinstance(error, TemporaryError) else None
                await asyncio.sleep(max(hint or 0.0, min(_PAUSE, pause or _PAUSE)))

    async def _poll(self, sqs: SqsSettings) -> None:
        """One receive from the queue; a message is deleted when its files are durable."""
        messages = await asyncio.to_thread(
            self._client.messages, sqs.queue_url, sqs.wait_seconds, sqs.visibility_seconds
        )
        failure: BrainError | None = None
        for message in messages:
            try:
                await self._message(sqs, message)
            except (TemporaryError, PermanentError) as error:  # the message comes again; the others are not held up
                failure = error
        if failure is not None:
            raise failure

    async def _message(self, sqs: SqsSettings, message: Message) -> None:
        try:
            keys = keys_of(message.body, self._settings.bucket, self._settings.prefix)
        except InputError as error:
            _log.warning("sqs: %s", error)
            keys = []
            await self._files.reject("sqs", message.name)
        for key in filter(_is_log, keys):
            await self._files.take("sqs", await asyncio.to_thread(self._client.version, key))
        if message.sent:
            self._delay = max(0.0, self._context.clock.now() - message.sent)
        await asyncio.to_thread(self._client.delete, sqs.queue_url, message.receipt)

    async def _list(self, listing: ListingSettings) -> None:
        for prefix in listing.prefixes:
            await self._list_one(prefix, listing.overlap)

    async def _list_one(self, prefix: str, overlap: int) -> None:
        """Files behind the position; the position stays ``overlap`` files behind the newest."""
        source = f"listing {prefix}"
        found = self._client.listed(prefix, self._context.ledger.position(source) or "")
        recent: list[str] = []
        while (one := await asyncio.to_thread(next, found, None)) is not None:
            if not _is_log(one.key) or not one.key.startswith(self._settings.prefix):
                continue
            recent.append(one.key)
            batch = Batch()
            if len(recent) > overlap:
                batch.positions[source] = recent.pop(0)
            if not self._files.known(one):
                await self._files.take("listing", one, batch)
            elif batch.positions:
                await self._context.ledger.commit_when_room(batch)

    def collect(self) -> Iterable[Metric]:
        """Gauges."""
        yield GaugeMetricFamily(
            "cloudtrail_remembered_event_ids", "eventIDs remembered to find repetitions.", value=len(self._ids)
        )
        if self._delay is not None:
            yield GaugeMetricFamily(
                "cloudtrail_delivery_delay_seconds",
                "From the notification of the newest file to its records being counted.",
                value=self._delay,
            )
        if self._integrity is not None:
            yield GaugeMetricFamily(
                "cloudtrail_digest_last_verified_timestamp_seconds",
                "When a digest file was last found right, seconds since the epoch; 0 before.",
                value=self._integrity.last_verified,
            )
        yield from self._requests.collect()

    def routes(self) -> Sequence[BaseRoute]:
        """None."""
        return ()


def _is_log(key: str) -> bool:
    """Whether a file holds records: digests lie beside them."""
    return not key.endswith("/") and "/CloudTrail-Digest/" not in key


def _sources(settings: CloudTrailSettings) -> list[str]:
    return [name for name in ("sqs", "listing", "logs", "lookup", "digest") if getattr(settings, name) is not None]


KIND = ExporterKind(
    name="cloudtrail",
    prefix="cloudtrail",
    title="CloudTrail exporter",
    settings=CloudTrailSettings,
    counters=_COUNTERS,
    sources=_sources,
    build=CloudTrailExporter,
)
