"""Each source in a task of its own: what it said last is kept, on disk too, until it says something newer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from starlette.routing import BaseRoute

from brain_common.clients.prometheus import PrometheusClient
from brain_common.errors import BrainError, PermanentError
from brain_common.spikes import last_complete
from brain_exporters.cost import families
from brain_exporters.cost.allowance import Allowance
from brain_exporters.cost.client import Budgets, CostExplorer
from brain_exporters.cost.config import CostSettings, FilesSettings, WorkloadSettings
from brain_exporters.cost.files import Bucket, Files, Folder, Store
from brain_exporters.cost.lake_rows import changed, rows
from brain_exporters.cost.model import Charge, Snapshot, decode, encode
from brain_exporters.cost.workloads import Shares, shares, utilization
from brain_exporters.runtime.aws import ApiRequests, AwsAccount, open_accounts
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.exporter import Context
from brain_lake.schemas import COST

_NOTE: Final = "snapshot:"
_RETRY_SECONDS: Final = 300.0  # after a failure, or the refresh where that is shorter
_PAID_RETRY_SECONDS: Final = 3_600.0  # a failure that lasts would use up the day's paid requests otherwise


@dataclass(frozen=True, slots=True)
class Source:
    """How one source is asked: blocking, with what it said last."""

    name: str
    refresh_seconds: float
    retry_seconds: float
    fetch: Callable[[float, Snapshot | None], Snapshot]
    paid: bool = False  # each question costs money


class CostExporter:
    """The exporter."""

    def __init__(
        self,
        settings: CostSettings,
        context: Context,
        sources: Sequence[Source],
        allowance: Allowance | None,
        requests: ApiRequests,
    ) -> None:
        self._settings = settings
        self._context = context
        self._sources = sources
        self._allowance = allowance
        self._requests = requests
        self._snapshots: dict[str, Snapshot] = {}
        self._shares: Shares | None = None
        self._judged: tuple[object, list[Metric]] | None = None
        for key, note in context.ledger.notes(_NOTE).items():
            name, snapshot = key.removeprefix(_NOTE), decode(note)
            if snapshot is not None and name in {source.name for source in sources}:
                self._snapshots[name] = snapshot

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            for source in self._sources:
                group.create_task(self._follow(source))
            if self._settings.workloads is not None:
                group.create_task(self._follow_workloads(self._settings.workloads))

    async def _follow(self, source: Source) -> None:
        """Where asking costs money, what was retrieved before a restart counts until it is due."""
        known = self._snapshots.get(source.name)
        if source.paid and known is not None and self._age(known) < source.refresh_seconds:
            self._context.health.ok(source.name)
            await asyncio.sleep(source.refresh_seconds - self._age(known))
        while True:
            pause = await self._refresh(source)
            await asyncio.sleep(pause)

    async def _refresh(self, source: Source) -> float:
        """One refresh; returns how many seconds to wait for the next."""
        before = self._snapshots.get(source.name)
        try:
            found = await asyncio.to_thread(_fetch, source, self._context.clock.now(), before)
            await self._keep(source.name, before, found)
        except BrainError as error:
            self._context.health.failed(source.name, error)
            return min(source.refresh_seconds, source.retry_seconds)
        self._context.health.ok(source.name)
        return source.refresh_seconds

    async def _keep(self, name: str, before: Snapshot | None, found: Snapshot) -> None:
        batch = Batch(notes={_NOTE + name: encode(found)})
        news = changed(before.charges if before else (), found.charges)
        table = rows(
            news,
            cluster=self._settings.cluster,
            source=self._lake_source(name),
            retrieved_at=found.retrieved_at,
            entity_tag=self._settings.entity_tag,
        )
        batch.add_rows(COST, table)
        await self._context.ledger.commit_when_room(batch)
        self._snapshots = {**self._snapshots, name: found}  # a scrape may be reading the other one

    def _lake_source(self, name: str) -> str:
        if name == "files" and self._settings.files is not None:
            return self._settings.files.format
        return name.partition(":")[0]

    async def _follow_workloads(self, settings: WorkloadSettings) -> None:
        client = PrometheusClient(settings.prometheus)
        try:
            while True:
                try:
                    found = await utilization(client, settings, self._context.clock.now())
                    prices = self._snapshots["files"].nodes if "files" in self._snapshots else {}
                    self._shares = shares(found, settings, prices)
                    self._context.health.ok("workloads")
                except BrainError as error:
                    self._context.health.failed("workloads", error)
                except KeyError as error:
                    text = f"workloads: a series has no label {error}; are these kube-state-metrics' and cAdvisor's?"
                    self._context.health.failed("workloads", PermanentError(text))
                await asyncio.sleep(settings.refresh_seconds)
        finally:
            await client.aclose()

    def collect(self) -> Iterable[Metric]:
        """From memory."""
        now, top = self._context.clock.now(), self._settings.top
        yield from self._charges(now)
        snapshots = list(self._snapshots.values())
        if self._settings.cost_explorer is not None and self._settings.cost_explorer.hourly:
            yield from families.hours([each for one in snapshots for each in one.hours], top)
        if self._settings.cost_explorer is not None:
            yield from families.forecasts([each for one in snapshots for each in one.forecasts])
            yield from families.anomalies([each for one in snapshots for each in one.anomalies], top)
        if self._settings.budgets is not None:
            yield from families.budgets([each for one in snapshots for each in one.budgets], now, top)
        if self._shares is not None and self._settings.workloads is not None:
            yield from families.workloads(self._shares, self._settings.workloads.currency, top)
        yield from families.ages(self._snapshots, now)
        if self._allowance is not None:
            yield GaugeMetricFamily(
                "cost_api_requests_budget_remaining",
                "Paid requests that may still be made this UTC day.",
                value=self._allowance.remaining(),
            )
        yield from self._requests.collect()

    def _charges(self, now: float) -> Iterator[Metric]:
        """Judged once for each answer and day: a scrape should not do it again."""
        day = last_complete(now, self._settings.delay_hours)
        stamp = (day, tuple((name, each.retrieved_at) for name, each in self._snapshots.items()))
        if self._judged is None or self._judged[0] != stamp:
            self._judged = (stamp, list(families.charges(list(self._all_charges()), day, self._settings.top)))
        yield from self._judged[1]

    def _all_charges(self) -> Iterator[Charge]:
        for each in self._snapshots.values():
            yield from each.charges

    def _age(self, snapshot: Snapshot) -> float:
        return max(0.0, self._context.clock.now() - snapshot.retrieved_at)

    def routes(self) -> Sequence[BaseRoute]:
        """None of its own."""
        return ()


def build(settings: CostSettings, context: Context) -> CostExporter:
    """All parts; asks nothing."""
    requests = ApiRequests()
    accounts = open_accounts(settings.aws, requests)
    asked = settings.cost_explorer
    allowance = Allowance(context.ledger, context.clock, asked.requests_per_day) if asked else None
    sources = list(_aws_sources(settings, accounts, allowance))
    if settings.files is not None:
        files = Files(_store(settings.files, accounts[0]), settings.files, settings.history_days)
        sources.append(Source("files", settings.files.refresh_seconds, _RETRY_SECONDS, files.fetch))
    return CostExporter(settings, context, sources, allowance, requests)


def _aws_sources(
    settings: CostSettings, accounts: Sequence[AwsAccount], allowance: Allowance | None
) -> Iterator[Source]:
    for account in accounts:
        if settings.cost_explorer is not None and allowance is not None:
            explorer = CostExplorer(account, settings.cost_explorer, allowance, settings.history_days)
            pause = settings.cost_explorer.refresh_seconds
            yield Source(f"cost-explorer:{account.name}", pause, _PAID_RETRY_SECONDS, _new(explorer.fetch), paid=True)
        if settings.budgets is not None:
            budgets = Budgets(account)
            yield Source(
                f"budgets:{account.name}", settings.budgets.refresh_seconds, _RETRY_SECONDS, _new(budgets.fetch)
            )


def _new(fetch: Callable[[float], Snapshot]) -> Callable[[float, Snapshot | None], Snapshot]:
    """For a source that is always read whole."""
    return lambda now, _: fetch(now)


def _store(settings: FilesSettings, account: AwsAccount) -> Store:
    if settings.folder is not None:
        return Folder(settings.folder)
    return Bucket(account, settings.bucket or "", settings.prefix)


def _fetch(source: Source, now: float, before: Snapshot | None) -> Snapshot:
    """An answer that is not as AWS documents it, or a failing disk, is the source's failure, not the process's."""
    try:
        return source.fetch(now, before)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise PermanentError(
            f"{source.name}: an answer that cannot be read: {type(error).__name__}: {error}"
        ) from error
    except OSError as error:
        raise PermanentError(f"{source.name}: {error}") from error
