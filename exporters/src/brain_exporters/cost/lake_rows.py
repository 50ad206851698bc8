"""Charges as rows of the lake's table ``cost``; only what is new or has another amount."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Final

import pyarrow as pa
from msgspec.structs import replace

from brain_common.entity import EntityKind
from brain_common.spikes import DAY
from brain_exporters.cost.model import Charge
from brain_lake.schemas import COST

_MICRO: Final = 1_000_000
_SAME: Final = 1e-9  # in currency: sums of floats differ by as much from run to run


def changed(before: Iterable[Charge], now: Iterable[Charge]) -> list[Charge]:
    """Those whose amount is not the one that was written; one that is gone comes as zero."""
    old = {charge.key: charge for charge in before}
    new = {charge.key: charge for charge in now}
    found = [charge for key, charge in new.items() if key not in old or abs(old[key].amount - charge.amount) > _SAME]
    first = min((charge.day for charge in new.values()), default=0)
    gone = [charge for key, charge in old.items() if key not in new and charge.day >= first and new]
    return found + [replace(each, amount=0.0) for each in gone]


def rows(
    charges: Iterable[Charge], *, cluster: str, source: str, retrieved_at: float, entity_tag: str | None
) -> pa.Table:
    """Rows for the lake."""
    return pa.Table.from_pylist(
        [_row(charge, cluster, source, retrieved_at, entity_tag) for charge in charges], schema=COST.columns
    )


def _row(charge: Charge, cluster: str, source: str, retrieved_at: float, entity_tag: str | None) -> dict[str, object]:
    key, value = charge.tag
    named = bool(value) and key == entity_tag
    return {
        "timestamp": charge.day * _MICRO,
        "cluster": cluster,
        "namespace": "",
        "kind": str(EntityKind.SERVICE if named else EntityKind.CLOUD_RESOURCE),
        "name": value if named else charge.account_id,
        "period_end": (charge.day + DAY) * _MICRO,
        "retrieved_at": int(retrieved_at * _MICRO),
        "source": source,
        "account_id": charge.account_id,
        "region": charge.region,
        "service": charge.service,
        "usage_type": "",
        "cost_type": charge.cost_type,
        "amount": charge.amount,
        "currency": charge.currency,
        "tags": json.dumps({key: value}) if key else None,
    }
