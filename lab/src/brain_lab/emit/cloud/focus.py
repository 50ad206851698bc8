"""Cost rows as FOCUS 1.0, CSV and Parquet, with the columns and spellings of AWS' data exports.

https://focus.finops.org/focus-specification/v1-0/: all 43 columns, null where there is no value (an empty field in
CSV), times in ISO 8601 with `Z`, tags as a JSON object in CSV and a map in Parquet.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from brain_lab.emit.cloud.cost_explorer import amount
from brain_lab.emit.ids import letters_of
from brain_lab.emit.json_files import encoded
from brain_lab.emit.records import NANOS, CostRow
from brain_lab.emit.stamps import when
from brain_lab.emit.text import clean

Cell = str | float | datetime | Mapping[str, str] | None

_AWS: Final = "Amazon Web Services, Inc."
_REGIONS: Final = {
    "eu-central-1": "Europe (Frankfurt)",
    "eu-west-1": "Europe (Ireland)",
    "us-east-1": "US East (N. Virginia)",
    "us-west-2": "US West (Oregon)",
}
_CATEGORIES: Final = (
    ("Compute Cloud", "Compute"),
    ("Kubernetes", "Compute"),
    ("Lambda", "Compute"),
    ("Relational Database", "Databases"),
    ("ElastiCache", "Databases"),
    ("DynamoDB", "Databases"),
    ("Simple Storage", "Storage"),
    ("EC2 - Other", "Networking"),
    ("Load Balancing", "Networking"),
    ("Virtual Private Cloud", "Networking"),
    ("CloudWatch", "Management and Governance"),
    ("CloudTrail", "Management and Governance"),
    ("Streaming", "Analytics"),
    ("SageMaker", "AI and Machine Learning"),
    ("Simple Queue", "Integration"),
)
"""Part of Cost Explorer's service name → FOCUS' service category."""


def write_focus_csv(rows: Iterable[CostRow], folder: Path) -> Path:
    """Write `focus.csv`; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "focus.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([_csv_cell(make(row)) for make in COLUMNS.values()] for row in rows)
    return path


def write_focus_parquet(rows: Sequence[CostRow], folder: Path) -> Path:
    """Write `focus.parquet` (zstd); returns its path."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "focus.parquet"
    fields = [pa.field(name, _arrow_type(name)) for name in COLUMNS]
    arrays = [pa.array([_arrow_cell(make(row)) for row in rows], _arrow_type(name)) for name, make in COLUMNS.items()]
    pq.write_table(pa.table(arrays, schema=pa.schema(fields)), path, compression="zstd")
    return path


def _month(row: CostRow) -> datetime:
    return _month_start(row.hour // NANOS // 3600)


@lru_cache(1024)
def _month_start(hour: int) -> datetime:
    return when(hour * 3600 * NANOS).replace(day=1, hour=0)


def _month_end(row: CostRow) -> datetime:
    return (_month(row) + timedelta(days=32)).replace(day=1)


def _service(row: CostRow) -> str:
    """FOCUS has the name of the product; Cost Explorer splits EC2 in two."""
    if row.service.startswith(("Amazon Elastic Compute Cloud", "EC2 - Other")):
        return "Amazon Elastic Compute Cloud"
    return row.service


def _category(row: CostRow) -> str:
    return next((category for part, category in _CATEGORIES if part in row.service), "Other")


def _resource_type(row: CostRow) -> str | None:
    """The second part of an ARN's resource, such as `instance`; AWS leaves it out for what has no ARN."""
    parts = row.resource.split(":", 5)
    return parts[5].replace(":", "/").split("/")[0] if len(parts) == 6 else None


def _sku(row: CostRow) -> str:
    return letters_of("sku", row.service, row.usage_type)


def _paid_price(row: CostRow) -> float:
    return row.unit_price * (1.0 - row.discount)


def _nothing(row: CostRow) -> None:
    return None


COLUMNS: Final[Mapping[str, Callable[[CostRow], Cell]]] = {
    "AvailabilityZone": lambda row: row.zone or None,
    "BilledCost": lambda row: row.cost,
    "BillingAccountId": lambda row: row.account,
    "BillingAccountName": lambda row: f"account-{row.account}",
    "BillingCurrency": lambda row: "USD",
    "BillingPeriodEnd": _month_end,
    "BillingPeriodStart": _month,
    "ChargeCategory": lambda row: "Usage",
    "ChargeClass": _nothing,
    "ChargeDescription": lambda row: f"${amount(row.unit_price)} per {row.unit} for {row.usage_type}",
    "ChargeFrequency": lambda row: "Usage-Based",
    "ChargePeriodEnd": lambda row: when(row.hour) + timedelta(hours=1),
    "ChargePeriodStart": lambda row: when(row.hour),
    "CommitmentDiscountCategory": _nothing,
    "CommitmentDiscountId": _nothing,
    "CommitmentDiscountName": _nothing,
    "CommitmentDiscountStatus": _nothing,
    "CommitmentDiscountType": _nothing,
    "ConsumedQuantity": lambda row: row.quantity,
    "ConsumedUnit": lambda row: row.unit,
    "ContractedCost": lambda row: row.quantity * _paid_price(row),
    "ContractedUnitPrice": _paid_price,
    "EffectiveCost": lambda row: row.cost,
    "InvoiceIssuerName": lambda row: _AWS,
    "ListCost": lambda row: row.quantity * row.unit_price,
    "ListUnitPrice": lambda row: row.unit_price,
    "PricingCategory": lambda row: "Dynamic" if "SpotUsage" in row.usage_type else "Standard",
    "PricingQuantity": lambda row: row.quantity,
    "PricingUnit": lambda row: row.unit,
    "ProviderName": lambda row: "AWS",
    "PublisherName": lambda row: _AWS,
    "RegionId": lambda row: row.region or None,
    "RegionName": lambda row: _REGIONS.get(row.region, row.region) or None,
    "ResourceId": lambda row: row.resource or None,
    "ResourceName": lambda row: row.tags.get("Name"),
    "ResourceType": _resource_type,
    "ServiceCategory": _category,
    "ServiceName": _service,
    "SkuId": _sku,
    "SkuPriceId": lambda row: f"{_sku(row)}.JRTCKXETXF.6YS6EN2CT7",
    "SubAccountId": lambda row: row.account,
    "SubAccountName": lambda row: f"account-{row.account}",
    "Tags": lambda row: row.tags,
}
"""Column → how it is made, in FOCUS' order."""

_TIMES: Final = frozenset({"BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart"})


def _csv_cell(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return clean(cell)
    if isinstance(cell, datetime):
        return cell.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(cell, Mapping):
        return encoded(cell).decode()
    return amount(cell)


def _arrow_cell(cell: Cell) -> object:
    if isinstance(cell, str):
        return clean(cell)
    if isinstance(cell, Mapping):
        return [(clean(key), clean(value)) for key, value in cell.items()]
    return cell


def _arrow_type(name: str) -> Any:  # noqa: ANN401 - pyarrow has no types
    import pyarrow as pa

    if name in _TIMES:
        return pa.timestamp("ms", tz="UTC")
    if name == "Tags":
        return pa.map_(pa.string(), pa.string())
    return pa.float64() if name.endswith(("Cost", "Quantity", "UnitPrice")) else pa.string()
