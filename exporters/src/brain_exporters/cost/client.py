"""What is asked of AWS: amounts and forecasts of Cost Explorer, budgets, anomalies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from brain_exporters.cost.amounts import Amount, Key
from brain_exporters.runtime.aws import translated

_MOST_PAGES: Final = 50  # each costs money: more are a mistake


@dataclass(frozen=True, slots=True)
class Budget:
    """One budget, in its unit.

    Attributes:
        elapsed: How much of its period is over, 0 to 1.
        alerts: (kind, threshold in percent or amount, exceeded) of each notification.
    """

    account: str
    name: str
    unit: str
    limit: float
    actual: float
    forecast: float | None
    elapsed: float
    alerts: Sequence[tuple[str, str, bool]]


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One of AWS' own findings."""

    account: str
    service: str
    region: str
    impact: float


def amounts(
    client: Any,  # noqa: ANN401 - boto3 has no types
    spend: Callable[[], None],
    group: tuple[str, str],
    cost_types: Sequence[str],
    begin: date,
    end: date,
    hourly: bool = False,
) -> Iterator[Amount]:
    """Amounts by account and one thing more: Cost Explorer groups by two.

    Args:
        client: Of ``ce``.
        spend: Called before each request; may refuse.
        group: Kind and key of the second group: (DIMENSION, SERVICE), (DIMENSION, REGION), (TAG, <key>).
        cost_types: All come with one request.
        begin: First day.
        end: The day after the last.
        hourly: By the hour instead of by the day.

    Raises:
        TemporaryError: Throttled, away, or no request is left.
        PermanentError: Refused.
    """
    form = "%Y-%m-%dT%H:%M:%SZ" if hourly else "%Y-%m-%d"
    query: dict[str, Any] = {
        "TimePeriod": {"Start": f"{_moment(begin):{form}}", "End": f"{_moment(end):{form}}"},
        "Granularity": "HOURLY" if hourly else "DAILY",
        "Metrics": list(cost_types),
        "GroupBy": [{"Type": "DIMENSION", "Key": "LINKED_ACCOUNT"}, {"Type": group[0], "Key": group[1]}],
    }
    for page in _pages(client.get_cost_and_usage, "ce:GetCostAndUsage", query, spend):
        for period in page.get("ResultsByTime", ()):
            first, last = (_parse(period["TimePeriod"][name]) for name in ("Start", "End"))
            for found in period.get("Groups", ()):
                for cost_type, value in found["Metrics"].items():
                    key = _key(found["Keys"], group, cost_type, value["Unit"])
                    yield Amount(first, last, key, float(value["Amount"]))


def forecast(client: Any, spend: Callable[[], None], cost_type: str, today: date) -> tuple[float, str] | None:  # noqa: ANN401
    """What the rest of the month is expected to cost, and the currency; None on its last day.

    Raises:
        TemporaryError: Throttled, away, or no request is left.
        PermanentError: Refused.
    """
    end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    if (end - today).days < 1:
        return None
    from botocore.exceptions import BotoCoreError, ClientError

    metric = "".join(f"_{c}" if c.isupper() else c for c in cost_type).upper().removeprefix("_")
    spend()
    try:
        found = client.get_cost_forecast(
            TimePeriod={"Start": today.isoformat(), "End": end.isoformat()}, Metric=metric, Granularity="MONTHLY"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "DataUnavailableException":  # an account too young for one
            return None
        raise translated(error, "ce:GetCostForecast") from error
    except BotoCoreError as error:
        raise translated(error, "ce:GetCostForecast") from error
    return float(found["Total"]["Amount"]), str(found["Total"]["Unit"])


def anomalies(client: Any, spend: Callable[[], None], begin: date) -> list[Anomaly]:  # noqa: ANN401
    """Anomalies of the last days.

    Raises:
        TemporaryError: Throttled, away, or no request is left.
        PermanentError: Refused.
    """
    query = {"DateInterval": {"StartDate": begin.isoformat()}, "MaxResults": 100}
    found = []
    for page in _pages(client.get_anomalies, "ce:GetAnomalies", query, spend):
        for each in page.get("Anomalies", ()):
            cause = (each.get("RootCauses") or [{}])[0]
            account, service, region = (str(cause.get(name, "")) for name in ("LinkedAccount", "Service", "Region"))
            impact = each["Impact"]
            found.append(Anomaly(account, service, region, float(impact.get("TotalImpact", impact["MaxImpact"]))))
    return found


def budgets(client: Any, account: str, now: datetime) -> list[Budget]:  # noqa: ANN401
    """All budgets of an account.

    Raises:
        TemporaryError: Throttled or away.
        PermanentError: Refused.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    found = []
    try:
        for page in client.get_paginator("describe_budgets").paginate(AccountId=account):
            for each in page.get("Budgets", ()):
                alerts = client.describe_notifications_for_budget(AccountId=account, BudgetName=each["BudgetName"])
                found.append(_budget(account, each, alerts.get("Notifications", ()), now))
    except (BotoCoreError, ClientError) as error:
        raise translated(error, "budgets:ViewBudget") from error
    return found


def own_account(client: Any) -> str:  # noqa: ANN401
    """The number of the account whose credentials these are; everybody may ask.

    Raises:
        TemporaryError: STS is away, or there are no credentials.
        PermanentError: Refused.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return str(client.get_caller_identity()["Account"])
    except (BotoCoreError, ClientError) as error:
        raise translated(error, "sts:GetCallerIdentity") from error


def _pages(
    call: Callable[..., dict[str, Any]], action: str, query: dict[str, Any], spend: Callable[[], None]
) -> Iterator[dict[str, Any]]:
    from botocore.exceptions import BotoCoreError, ClientError

    token: str | None = None
    for _ in range(_MOST_PAGES):
        spend()
        try:
            page = call(**query, **({"NextPageToken": token} if token else {}))
        except (BotoCoreError, ClientError) as error:
            raise translated(error, action) from error
        yield page
        token = page.get("NextPageToken")
        if not token:
            return


def _key(keys: Sequence[str], group: tuple[str, str], cost_type: str, currency: str) -> Key:
    account, value = keys[0], keys[1]
    if group[0] == "TAG":
        return Key(account, cost_type, currency, tag=f"{group[1]}={value.partition('$')[2]}")
    if group[1] == "REGION":
        return Key(account, cost_type, currency, region=value)
    return Key(account, cost_type, currency, service=value)


def _budget(account: str, found: dict[str, Any], alerts: Sequence[dict[str, Any]], now: datetime) -> Budget:
    spent = found.get("CalculatedSpend", {})
    limit = found.get("BudgetLimit") or _planned(found.get("PlannedBudgetLimits", {}), now)
    expected = spent.get("ForecastedSpend", {}).get("Amount")
    return Budget(
        account=account,
        name=found["BudgetName"],
        unit=limit.get("Unit", "USD"),
        limit=float(limit.get("Amount", 0.0)),
        actual=float(spent.get("ActualSpend", {}).get("Amount", 0.0)),
        forecast=None if expected is None else float(expected),
        elapsed=_elapsed(found.get("TimeUnit", "MONTHLY"), now),
        alerts=[
            (str(a["NotificationType"]), f"{float(a['Threshold']):g}", a.get("NotificationState") == "ALARM")
            for a in alerts
        ],
    )


def _planned(limits: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Of a budget that is planned by months: the newest that has begun."""
    begun = [begin for begin in limits if begin.isdecimal() and int(begin) <= now.timestamp()]
    found: dict[str, Any] = limits[max(begun, key=int)] if begun else {}
    return found


def _elapsed(unit: str, now: datetime) -> float:
    """Part of the period that is over; never 0, it is divided by."""
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if unit == "DAILY":
        begin, end = day, day + timedelta(days=1)
    elif unit == "QUARTERLY":
        begin = day.replace(month=(now.month - 1) // 3 * 3 + 1, day=1)
        end = (begin + timedelta(days=95)).replace(day=1)
    elif unit == "ANNUALLY":
        begin, end = day.replace(month=1, day=1), day.replace(year=now.year + 1, month=1, day=1)
    else:
        begin = day.replace(day=1)
        end = (begin + timedelta(days=32)).replace(day=1)
    return max((now - begin) / (end - begin), 0.01)


def _moment(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).replace(tzinfo=UTC)
