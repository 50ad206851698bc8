"""The exporter: each source in a task of its own; what was read last stays until the next good reading."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.clients.prometheus import PrometheusClient
from brain_common.entity import EntityKind
from brain_common.errors import BrainError, InputError, TemporaryError
from brain_exporters.cost import client as aws
from brain_exporters.cost import families, utilization
from brain_exporters.cost.amounts import Amount, Key, daily, last_complete_day
from brain_exporters.cost.config import (
    AnomalySettings,
    BudgetSettings,
    CostExplorerSettings,
    CostSettings,
    ExportSettings,
    UtilizationSettings,
)
from brain_exporters.cost.export import read as read_export
from brain_exporters.cost.requests import RequestBudget
from brain_exporters.runtime.aws import AwsClients, account_list, translated
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.blocking import in_thread
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import Context, ExporterKind
from brain_lake.schemas import COST

ROWS: Final = CounterSpec("cost_rows", "Amounts that were new or have changed.", ("source",))
DAMAGED: Final = CounterSpec("cost_damaged_files", "Files of an export that could not be read.", ())
_FIRST_PAUSE: Final = 5.0  # seconds until a failed source is asked again; doubled each time
_LONGEST_PAUSE: Final = 900.0
_NOTE: Final = "amounts"
_LARGEST_FILE: Final = 4 << 30  # bytes of an export's file that are fetched


class _Stored(msgspec.Struct, array_like=True):
    """An amount as the ledger remembers it."""

    begin: float
    end: float
    key: tuple[str, str, str, str, str, str]
    amount: float


class Cost:
    """Runs until it is cancelled.

    Args:
        settings: Of the exporter.
        context: Of the runtime.
    """

    def __init__(self, settings: CostSettings, context: Context) -> None:
        self._settings = settings
        self._context = context
        self._clients = AwsClients(settings.aws)
        explorer = settings.cost_explorer
        most = explorer.requests_per_day if explorer else CostExplorerSettings().requests_per_day
        self._requests = RequestBudget(most, context.ledger, context.clock)
        self._amounts = _remembered(context.ledger.notes(_NOTE).get(_NOTE))
        self._families: dict[str, Sequence[Metric]] = {}
        self._read_at: dict[str, float] = {}

    async def run(self) -> None:
        """Until cancelled."""
        s = self._settings
        async with asyncio.TaskGroup() as tasks:
            if s.cost_explorer is not None:
                tasks.create_task(self._again("cost_explorer", partial(self._explore, s.cost_explorer)))
            if s.export is not None:
                tasks.create_task(self._again("export", partial(self._import, s.export)))
            if s.budgets is not None:
                tasks.create_task(self._again("budgets", partial(self._read_budgets, s.budgets)))
            if s.anomalies is not None:
                tasks.create_task(self._again("anomalies", partial(self._read_anomalies, s.anomalies)))
            if s.utilization is not None:
                tasks.create_task(self._again("utilization", partial(self._read_usage, s.utilization)))

    def collect(self) -> Iterable[Metric]:
        """The last readings, and how old they are."""
        tags = self._tags()
        now = self._context.clock.now()
        day = last_complete_day(now, self._settings.spikes.delay_hours)
        if self._settings.cost_explorer or self._settings.export:
            yield from families.spent(daily(self._amounts.values()), day, tags, self._settings.spikes)
        for found in list(self._families.values()):
            yield from found
        age = GaugeMetricFamily("cost_data_age_seconds", "Since the source was read last.", labels=["source"])
        for source, at in self._read_at.items():
            age.add_metric([source], now - at)
        yield age
        yield GaugeMetricFamily(
            "cost_api_requests_left", "Paid requests that may still be made today.", value=self._requests.left
        )
        yield from self._clients.collect()

    def routes(self) -> Sequence[BaseRoute]:
        """None of its own."""
        return ()

    async def _again(self, source: str, work: Callable[[], Awaitable[float]]) -> None:
        """One reading after another; ``work`` says how many seconds to the next."""
        pause = _FIRST_PAUSE
        while True:
            try:
                wait = await work()
                self._read_at[source] = self._context.clock.now()
                self._context.health.ok(source)
                pause = _FIRST_PAUSE
                await asyncio.sleep(wait)
            except BrainError as error:
                self._context.health.failed(source, error)
                hint = error.retry_after if isinstance(error, TemporaryError) else None
                await asyncio.sleep(max(pause, hint or 0.0))
                pause = min(pause * 2, _LONGEST_PAUSE)

    async def _explore(self, settings: CostExplorerSettings) -> float:
        found, expected = await in_thread(self._explorer_round, settings)
        await self._take("cost-explorer", found, self._today() - timedelta(days=settings.days))
        self._families["forecast"] = [families.forecast(expected)]
        return settings.interval_hours * 3600

    def _explorer_round(
        self, settings: CostExplorerSettings
    ) -> tuple[list[Amount], dict[tuple[str, str], tuple[float, str]]]:
        today = self._today()
        begin, end = today - timedelta(days=settings.days), today + timedelta(days=1)
        found: list[Amount] = []
        expected: dict[tuple[str, str], tuple[float, str]] = {}
        groups = [("DIMENSION", "SERVICE"), ("DIMENSION", "REGION"), *(("TAG", tag) for tag in settings.tags)]
        for account in account_list(self._settings.aws):
            client = self._clients.client("ce", account)
            for group in groups:
                found += aws.amounts(client, self._requests.spend, group, settings.cost_types, begin, end)
            if settings.hourly:
                hours = (client, self._requests.spend, groups[0], settings.cost_types, today - timedelta(days=2), today)
                self._hourly(list(aws.amounts(*hours, hourly=True)))
            if settings.forecast:
                name = account.account_id if account else ""
                told = aws.forecast(client, self._requests.spend, settings.cost_types[0], today)
                if told is not None:
                    expected[name, settings.cost_types[0]] = told
        return found, expected

    def _hourly(self, found: Sequence[Amount]) -> None:
        """The newest hour that has come."""
        family = GaugeMetricFamily(
            "cost_hourly_amount",
            "Spent in the newest hour that is known.",
            labels=["account_id", "service", "cost_type", "currency"],
        )
        newest = max((each.begin for each in found), default=None)
        for each in found:
            if each.begin == newest:
                key = each.key
                family.add_metric([key.account, key.service, key.cost_type, key.currency], each.amount)
        self._families["hourly"] = [family]

    async def _import(self, settings: ExportSettings) -> float:
        begin = self._today() - timedelta(days=settings.days)
        await self._take("export", await in_thread(self._export_round, settings, begin), begin)
        return settings.interval_minutes * 60

    def _export_round(self, settings: ExportSettings, begin: date) -> list[Amount]:
        found: list[Amount] = []
        for file in _local(settings.path) if settings.path else self._fetched(settings, begin):
            try:
                found += read_export(file, settings.tags, begin)
            except InputError as error:
                batch = Batch()
                batch.count(DAMAGED.name, ())
                self._context.ledger.commit(batch)
                raise TemporaryError(f"export: {error}") from error
        return found

    def _fetched(self, settings: ExportSettings, begin: date) -> Iterator[Path]:
        """Files of a bucket, one after another into a folder that is gone afterwards."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self._clients.client("s3")
        try:
            pages = client.get_paginator("list_objects_v2").paginate(Bucket=settings.bucket, Prefix=settings.prefix)
            objects = [each for page in pages for each in page.get("Contents", ())]
            for each in objects:
                key = str(each["Key"])
                recent = each["LastModified"].date() >= begin
                if not (recent and key.endswith((".csv", ".csv.gz", ".parquet")) and each["Size"] <= _LARGEST_FILE):
                    continue
                with tempfile.TemporaryDirectory(prefix="brain-cost-") as folder:
                    file = Path(folder) / f"export{''.join(Path(key).suffixes[-2:])}"
                    client.download_file(settings.bucket, key, str(file))
                    yield file
        except (BotoCoreError, ClientError) as error:
            raise translated(error, f"s3:ListBucket, s3:GetObject s3://{settings.bucket}/{settings.prefix}") from error

    async def _read_budgets(self, settings: BudgetSettings) -> float:
        self._families["budgets"] = list(families.budgets(await in_thread(self._budget_round)))
        return settings.interval_minutes * 60

    def _budget_round(self) -> list[aws.Budget]:
        now = datetime.fromtimestamp(self._context.clock.now(), UTC)
        found = []
        for account in account_list(self._settings.aws):
            number = account.account_id if account else aws.own_account(self._clients.client("sts"))
            found += aws.budgets(self._clients.client("budgets", account), number, now)
        return found

    async def _read_anomalies(self, settings: AnomalySettings) -> float:
        begin = self._today() - timedelta(days=settings.days)
        found = await in_thread(self._anomaly_round, begin)
        self._families["anomalies"] = [families.anomalies(found)]
        return settings.interval_hours * 3600

    def _anomaly_round(self, begin: date) -> list[aws.Anomaly]:
        accounts = account_list(self._settings.aws)
        clients = (self._clients.client("ce", account) for account in accounts)
        return [each for client in clients for each in aws.anomalies(client, self._requests.spend, begin)]

    async def _read_usage(self, settings: UtilizationSettings) -> float:
        client = PrometheusClient(settings.prometheus)
        try:
            found = await utilization.read(client, settings, self._context.clock.now())
        finally:
            await client.aclose()
        self._families["utilization"] = list(families.usage(found, settings.currency))
        return settings.interval_seconds

    async def _take(self, source: str, found: Sequence[Amount], since: date) -> None:
        """Remember amounts, and write those into the lake that are new or have changed."""
        merged: dict[tuple[datetime, Key], Amount] = {}
        for each in found:
            place = (each.begin, each.key)
            known = merged.get(place)
            amount = each.amount + (known.amount if known else 0.0)
            merged[place] = Amount(each.begin, each.end, each.key, amount)
        changed = [each for place, each in merged.items() if _differs(self._amounts.get(place), each)]
        kept = {place: each for place, each in self._amounts.items() if place[0].date() >= since}
        amounts = {**kept, **merged}
        batch = Batch(notes={_NOTE: _encoded(amounts)})
        if changed:
            batch.count(ROWS.name, (source,), len(changed))
            batch.add_rows(COST, self._rows(source, changed))
        await self._context.ledger.commit_when_room(batch)
        self._amounts = amounts

    def _rows(self, source: str, changed: Sequence[Amount]) -> pa.Table:
        retrieved = datetime.fromtimestamp(self._context.clock.now(), UTC)
        entities = [self._entity(each.key) for each in changed]
        keys = [each.key for each in changed]
        columns: dict[str, Sequence[Any]] = {
            "timestamp": [each.begin for each in changed],
            "cluster": [self._settings.cluster] * len(changed),
            "namespace": [entity[0] for entity in entities],
            "kind": [entity[1] for entity in entities],
            "name": [entity[2] for entity in entities],
            "period_end": [each.end for each in changed],
            "retrieved_at": [retrieved] * len(changed),
            "source": [source] * len(changed),
            "account_id": [key.account for key in keys],
            "region": [key.region for key in keys],
            "service": [key.service for key in keys],
            "usage_type": [""] * len(changed),
            "cost_type": [key.cost_type for key in keys],
            "amount": [each.amount for each in changed],
            "currency": [key.currency for key in keys],
            "tags": [_tags_json(key.tag) for key in keys],
        }
        fields = [COST.columns.field(name) for name in columns]
        return pa.table([pa.array(columns[f.name], f.type) for f in fields], names=list(columns))

    def _entity(self, key: Key) -> tuple[str, str, str]:
        """Namespace, kind, name: by tag where the settings say whose it is, else the account."""
        named = self._settings.entities.get(key.tag)
        if named is not None:
            namespace, kind, name = named.split("/")
            return namespace, kind, name
        return "", EntityKind.CLOUD_RESOURCE.value, f"account/{key.account}"

    def _tags(self) -> Sequence[str]:
        for settings in (self._settings.cost_explorer, self._settings.export):
            if settings is not None:
                return settings.tags
        return ()

    def _today(self) -> date:
        return datetime.fromtimestamp(self._context.clock.now(), UTC).date()


def _differs(known: Amount | None, found: Amount) -> bool:
    """More than rounding."""
    return known is None or abs(known.amount - found.amount) > 1e-9


def _tags_json(tag: str) -> str | None:
    name, _, value = tag.partition("=")
    return msgspec.json.encode({name: value}).decode() if name else None


def _encoded(amounts: dict[tuple[datetime, Key], Amount]) -> bytes:
    stored = [
        _Stored(
            each.begin.timestamp(),
            each.end.timestamp(),
            (key.account, key.cost_type, key.currency, key.service, key.region, key.tag),
            each.amount,
        )
        for (_, key), each in amounts.items()
    ]
    return msgspec.msgpack.encode(stored)


def _remembered(data: bytes | None) -> dict[tuple[datetime, Key], Amount]:
    found = msgspec.msgpack.decode(data, type=list[_Stored]) if data else []
    amounts = [
        Amount(datetime.fromtimestamp(s.begin, UTC), datetime.fromtimestamp(s.end, UTC), Key(*s.key), s.amount)
        for s in found
    ]
    return {(each.begin, each.key): each for each in amounts}


def _local(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise TemporaryError(f"export: {folder} is no folder")
    yield from (file for file in sorted(folder.rglob("*")) if file.name.endswith((".csv", ".csv.gz", ".parquet")))


def _sources(settings: CostSettings) -> list[str]:
    named = ("cost_explorer", "export", "budgets", "anomalies", "utilization")
    return [name for name in named if getattr(settings, name) is not None]


KIND: Final = ExporterKind(
    name="cost",
    prefix="cost",
    title="Cost exporter",
    settings=CostSettings,
    counters=(ROWS, DAMAGED),
    sources=_sources,
    build=Cost,
)
