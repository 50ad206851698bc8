"""What a resource's workload costs an hour, as the cost exporter has it in Prometheus."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pydantic import Field

from brain_common.clients.prometheus import Matrix, PrometheusClient, PrometheusSettings
from brain_common.entity import Entity, EntityKind
from brain_common.settings import Settings
from brain_otel.batch import Group
from brain_otel.enrich.index import EntityIndex
from brain_otel.enrich.kind import Context, EnricherKind
from brain_otel.enrich.upstream import Upstream

NAME: Final = "cost"
_SERIES: Final = "cost_workload_amount_per_hour"
_CURRENCY: Final = re.compile(r"[A-Z]{3}")  # ISO 4217; it becomes a part of an attribute's name


class CostSettings(Settings):
    """Cost an hour of a resource's workload, from Prometheus."""

    prometheus: PrometheusSettings = Field(description="The server that scrapes `brain exporter cost`.")
    selector: str = Field(
        default="",
        max_length=1000,
        pattern=r"^[^{}]*$",
        description='Label matchers of the series, such as `cluster="eu-1"`.',
    )
    refresh_seconds: float = Field(default=300.0, gt=0, le=86400, description="From one answer to the next question.")
    stale_seconds: float = Field(
        default=3600.0, gt=0, le=7 * 86400, description="How long the last answer holds while Prometheus is away."
    )
    most_workloads: int = Field(default=5000, ge=1, le=50_000, description="The dearest are kept; some 500 bytes each.")


@dataclass(frozen=True, slots=True)
class Price:
    """What a workload costs.

    Attributes:
        attribute: Under which it is told.
        amount: In its currency, an hour.
    """

    attribute: str
    amount: float


class Cost:
    """Sets ``brain.cost.usd_per_hour``, or the like in another currency.

    Raises:
        ConfigError: A TLS file of Prometheus cannot be read or does not fit.
    """

    def __init__(self, settings: CostSettings, context: Context) -> None:
        self._cluster = context.cluster
        self._clock = context.clock
        self._client = PrometheusClient(settings.prometheus)
        self._prices: Upstream[EntityIndex[Price]] = Upstream(NAME, context, settings.stale_seconds, EntityIndex())
        self._query = _query(settings)
        self._refresh_seconds = settings.refresh_seconds
        context.background.append((NAME, self._keep_asking))

    def enrich(self, group: Group) -> None:
        """Set it on the resource, unless it has one."""
        prices = self._prices.known
        if prices and (found := prices.of(group, self._cluster)):
            nearest = found[-1]  # names come from the service down to the pod
            group.resource.setdefault(nearest.attribute, nearest.amount)

    async def _keep_asking(self) -> None:
        try:
            await self._prices.keep_asking(self._ask, self._refresh_seconds)
        finally:
            await self._client.aclose()

    async def _ask(self) -> EntityIndex[Price]:
        now = self._clock.now()
        return EntityIndex(prices(await self._client.query_range(self._query, now, now, 15.0), self._cluster))


def _query(settings: CostSettings) -> str:
    """Replicas of the exporter say the same, so the largest counts rather than the sum."""
    by = "cluster, namespace, kind, name, currency"
    return f"topk({settings.most_workloads}, max by ({by}) ({_SERIES}{{{settings.selector}}}))"


def prices(answer: Matrix, cluster: str) -> Iterator[tuple[Entity, Price]]:
    """By workload; those that the exporter has summed up as ``other`` are nobody's.

    Args:
        answer: One sample each, of labels cluster, namespace, kind, name and currency.
        cluster: Of series that name none.
    """
    for labels, values in zip(answer.labels, answer.values, strict=True):
        amount, currency = float(values[0]), labels.get("currency", "")
        if amount == amount and _CURRENCY.fullmatch(currency) and labels.get("kind", "other") != "other":
            place = labels.get("cluster") or cluster
            entity = Entity(place, labels.get("namespace", ""), EntityKind.WORKLOAD, labels.get("name", ""))
            yield entity, Price(f"brain.cost.{currency.lower()}_per_hour", amount)


KIND: Final = EnricherKind(name=NAME, settings=CostSettings, build=Cost, resource_only=True)
