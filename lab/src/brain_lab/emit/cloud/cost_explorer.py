"""Cost Explorer's GetCostAndUsage, answered from cost rows as boto3 returns it.

https://docs.aws.amazon.com/aws-cost-management/latest/APIReference/API_GetCostAndUsage.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal

from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import encoded
from brain_lab.emit.records import NANOS, CostRow
from brain_lab.emit.stamps import second_text, when

Granularity = Literal["HOURLY", "DAILY", "MONTHLY"]
Group = tuple[Literal["DIMENSION", "TAG"], str]
"""Such as `("DIMENSION", "SERVICE")` or `("TAG", "team")`."""

_COSTS: Final = frozenset({"AmortizedCost", "BlendedCost", "NetAmortizedCost", "NetUnblendedCost", "UnblendedCost"})
_DIMENSIONS: Final[Mapping[str, Callable[[CostRow], str]]] = {
    "SERVICE": lambda row: row.service,
    "USAGE_TYPE": lambda row: row.usage_type,
    "LINKED_ACCOUNT": lambda row: row.account,
    "REGION": lambda row: row.region,
    "OPERATION": lambda row: row.operation or "NoOperation",
    "AZ": lambda row: row.zone or "NoAZ",
    "RECORD_TYPE": lambda row: "Usage",
}
DIMENSIONS: Final = frozenset(_DIMENSIONS)
MOST_GROUPS: Final = 2
"""Group-bys that Cost Explorer takes."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        start: Nanoseconds since the epoch; of a whole hour, day or month, UTC.
        end: Likewise; exclusive.
        granularity: Length of the periods.
        metrics: Such as `UnblendedCost` and `UsageQuantity`.
        group_by: At most two.
    """

    start: int
    end: int
    granularity: Granularity = "DAILY"
    metrics: tuple[str, ...] = ("UnblendedCost",)
    group_by: tuple[Group, ...] = ()


def answer(rows: Iterable[CostRow], question: Question, settled: int) -> Mapping[str, object]:
    """The answer to one question.

    Args:
        rows: All cost; what lies outside the question's time is left out.
        question: What is asked.
        settled: Nanoseconds since the epoch until which cost is final; later periods are `Estimated`.

    Raises:
        ValueError: Too many group-bys, or an unknown dimension or metric; AWS answers ValidationException.
    """
    _check(question)
    periods = _periods(question)
    cells: dict[int, dict[tuple[str, ...], list[CostRow]]] = {start: {} for start, _ in periods}
    for row in rows:
        start = _period_start(row.hour, question.granularity)
        if start in cells and question.start <= row.hour < question.end:
            cells[start].setdefault(_keys(row, question.group_by), []).append(row)
    results = [_result(period, cells[period[0]], question, settled) for period in periods]
    found: dict[str, object] = {"ResultsByTime": results, "DimensionValueAttributes": []}
    if question.group_by:
        found["GroupDefinitions"] = [{"Type": kind, "Key": name} for kind, name in question.group_by]
    found["ResponseMetadata"] = {
        "RequestId": uuid_of("ce", question),
        "HTTPStatusCode": 200,
        "HTTPHeaders": {"content-type": "application/x-amz-json-1.1"},
        "RetryAttempts": 0,
    }
    return found


def write_cost_explorer(
    rows: Sequence[CostRow], folder: Path, questions: Iterable[Question], settled: int
) -> list[Path]:
    """Write each answer to `cost-explorer/<granularity>-<group keys>.json`; returns the paths.

    Raises:
        ValueError: See `answer`.
    """
    paths = []
    for question in questions:
        groups = "-".join(name for _, name in question.group_by) or "total"
        safe = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in groups)
        path = folder / "cost-explorer" / f"{question.granularity.lower()}-{safe.lower()}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(encoded(answer(rows, question, settled)))
        paths.append(path)
    return paths


def amount(number: float) -> str:
    """A number as AWS writes amounts: at most ten decimals, and no exponent."""
    text = f"{number:.10f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text


def _check(question: Question) -> None:
    if len(question.group_by) > MOST_GROUPS:
        raise ValueError(f"{len(question.group_by)} group-bys: Cost Explorer takes at most {MOST_GROUPS}")
    for kind, name in question.group_by:
        if kind == "DIMENSION" and name not in _DIMENSIONS:
            raise ValueError(f"dimension {name!r} is none of {', '.join(sorted(_DIMENSIONS))}")
    for metric in question.metrics:
        if metric not in _COSTS and metric != "UsageQuantity":
            raise ValueError(f"metric {metric!r} is none of {', '.join(sorted(_COSTS))}, UsageQuantity")


def _result(
    period: tuple[int, int], groups: Mapping[tuple[str, ...], list[CostRow]], question: Question, settled: int
) -> Mapping[str, object]:
    start, end = period
    layout = "%Y-%m-%dT%H:%M:%SZ" if question.granularity == "HOURLY" else "%Y-%m-%d"
    made = [{"Keys": list(keys), "Metrics": _metrics(rows, question)} for keys, rows in sorted(groups.items())]
    total = {} if question.group_by else _metrics([row for rows in groups.values() for row in rows], question)
    return {
        "TimePeriod": {"Start": second_text(start // NANOS, layout), "End": second_text(end // NANOS, layout)},
        "Total": total,
        "Groups": made if question.group_by else [],
        "Estimated": end > settled,
    }


def _metrics(rows: Sequence[CostRow], question: Question) -> Mapping[str, Mapping[str, str]]:
    return {metric: _metric(rows, metric) for metric in question.metrics}


def _metric(rows: Sequence[CostRow], metric: str) -> Mapping[str, str]:
    if metric != "UsageQuantity":
        return {"Amount": amount(sum(row.cost for row in rows)), "Unit": "USD"}
    units = {row.unit for row in rows}
    return {
        "Amount": amount(sum(row.quantity for row in rows)),
        "Unit": units.pop() if len(units) == 1 else "N/A",
    }


def _keys(row: CostRow, group_by: Sequence[Group]) -> tuple[str, ...]:
    return tuple(
        f"{name}${row.tags.get(name, '')}" if kind == "TAG" else _DIMENSIONS[name](row) for kind, name in group_by
    )


def _periods(question: Question) -> list[tuple[int, int]]:
    periods, start = [], _period_start(question.start, question.granularity)
    while start < question.end:
        end = _next(start, question.granularity)
        periods.append((start, end))
        start = end
    return periods


def _period_start(nanos: int, granularity: Granularity) -> int:
    if granularity == "MONTHLY":
        return _nanos(when(nanos).replace(day=1, hour=0, minute=0, second=0, microsecond=0))
    length = (3600 if granularity == "HOURLY" else 86400) * NANOS
    return nanos // length * length


def _next(start: int, granularity: Granularity) -> int:
    if granularity == "MONTHLY":
        return _nanos((when(start) + timedelta(days=32)).replace(day=1))
    return start + (3600 if granularity == "HOURLY" else 86400) * NANOS


def _nanos(moment: datetime) -> int:
    return int(moment.timestamp()) * NANOS
