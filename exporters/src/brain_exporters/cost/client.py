"""Cost Explorer and Budgets of one account; blocking, each call in the words of the model."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from brain_common.errors import PermanentError
from brain_exporters.cost.allowance import Allowance
from brain_exporters.cost.config import CostExplorerSettings
from brain_exporters.cost.model import Anomaly, Budget, Charge, Forecast, Hour, Snapshot
from brain_exporters.runtime.aws import AwsAccount, translated

_METRICS: Final = {
    "unblended": "UnblendedCost",
    "amortized": "AmortizedCost",
    "net_unblended": "NetUnblendedCost",
    "net_amortized": "NetAmortizedCost",
    "blended": "BlendedCost",
}
_MOST_PAGES: Final = 50  # of one query: bounds what a wrong answer can cost
_ANOMALY_DAYS: Final = 30
_HOURS: Final = timedelta(hours=48)  # AWS keeps hours for fourteen days; costs come within one
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


class CostExplorer:
    """Each page is a paid request: taken from the allowance before it is sent, and tried once."""

    def __init__(self, account: AwsAccount, settings: CostExplorerSettings, allowance: Allowance, days: int) -> None:
        self._account = account
        self._settings = settings
        self._allowance = allowance
        self._days = days

    def fetch(self, now: float) -> Snapshot:
        """All that is asked for.

        Raises:
            TemporaryError: No answer, throttled, or the day's requests are used up.
            PermanentError: Denied or refused.
        """
        today = datetime.fromtimestamp(now, UTC).date()
        account_id = self._account.account_id()
        found = Snapshot(retrieved_at=now)
        if self._settings.usage:
            found.charges = list(self._charges(today, account_id))
        if self._settings.hourly:
            found.hours = self._newest_hour(now, account_id)
        if self._settings.forecast:
            found.forecasts = self._forecasts(today, account_id)
        if self._settings.anomalies:
            found.anomalies = list(self._anomalies(today, account_id))
        return found

    def _charges(self, today: date, account_id: str) -> Iterator[Charge]:
        days = {
            "TimePeriod": {"Start": (today - timedelta(days=self._days)).isoformat(), "End": today.isoformat()},
            "Granularity": "DAILY",
        }
        dimensions = self._dimensions()
        for day, keys, metrics in self._grouped(days, dimensions):
            owner, region = self._place(keys[1], account_id)
            yield from _amounts(day, owner, region, keys[0], ("", ""), metrics)
        for tag in self._settings.tags:
            for day, keys, metrics in self._grouped(days, [{"Type": "TAG", "Key": tag}, dimensions[0]]):
                # AWS writes "key$value"; the value is empty for what has no such tag.
                value = keys[0].partition("$")[2]
                yield from _amounts(day, account_id, "", keys[1], (tag, value), metrics)

    def _newest_hour(self, now: float, account_id: str) -> list[Hour]:
        """AWS' hours lag by some; the newest that has costs is shown."""
        this = datetime.fromtimestamp(now, UTC).replace(minute=0, second=0)
        hours = {
            "TimePeriod": {"Start": f"{this - _HOURS:{_MOMENT}}", "End": f"{this:{_MOMENT}}"},
            "Granularity": "HOURLY",
        }
        found: list[Hour] = []
        for begin, keys, metrics in self._grouped(hours, self._dimensions()):
            owner, region = self._place(keys[1], account_id)
            amounts = _amounts(begin, owner, region, keys[0], ("", ""), metrics)
            found += [Hour(begin, owner, region, keys[0], a.cost_type, a.currency, a.amount) for a in amounts]
        newest = max((each.begin for each in found), default=0)
        return [each for each in found if each.begin == newest]

    def _dimensions(self) -> list[dict[str, str]]:
        return [{"Type": "DIMENSION", "Key": key} for key in self._settings.group_by]

    def _place(self, value: str, account_id: str) -> tuple[str, str]:
        """Account and region of a group, whichever the second dimension is."""
        return (account_id, value) if self._settings.group_by[1] == "REGION" else (value, "")

    def _grouped(
        self, period: dict[str, Any], group_by: list[dict[str, str]]
    ) -> Iterator[tuple[int, list[str], dict[str, Any]]]:
        """Begin of each day or hour, keys of each group, and its amounts."""
        request = {
            **period,
            "Metrics": [_METRICS[each] for each in self._settings.cost_types],
            "GroupBy": group_by,
        }
        for page in self._pages("GetCostAndUsage", "get_cost_and_usage", request):
            for result in page["ResultsByTime"]:
                start = datetime.fromisoformat(result["TimePeriod"]["Start"]).replace(tzinfo=UTC)
                for group in result.get("Groups", []):
                    yield int(start.timestamp()), [*group["Keys"], ""], group["Metrics"]

    def _forecasts(self, today: date, account_id: str) -> list[Forecast]:
        end = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
        found = []
        for cost_type in self._settings.cost_types:
            request = {
                "TimePeriod": {"Start": today.isoformat(), "End": end.isoformat()},
                "Metric": f"{cost_type.upper()}_COST",
                "Granularity": "MONTHLY",
            }
            try:
                answer = self._paid("GetCostForecast", "get_cost_forecast", request)
            except PermanentError as error:
                if "DataUnavailableException" in str(error):  # a young account: AWS has too little to go by
                    continue
                raise
            total = answer["Total"]
            found.append(Forecast(account_id, cost_type, total["Unit"], float(total["Amount"])))
        return found

    def _anomalies(self, today: date, account_id: str) -> Iterator[Anomaly]:
        request = {"DateInterval": {"StartDate": (today - timedelta(days=_ANOMALY_DAYS)).isoformat()}}
        for page in self._pages("GetAnomalies", "get_anomalies", request):
            for each in page["Anomalies"]:
                if each.get("AnomalyEndDate"):  # over
                    continue
                cause = (each.get("RootCauses") or [{}])[0]
                owner, service = cause.get("LinkedAccount") or account_id, cause.get("Service", "")
                yield Anomaly(owner, service, cause.get("Region", ""), float(each["Impact"].get("TotalImpact", 0)))

    def _pages(self, operation: str, method: str, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
        token = None
        for _ in range(_MOST_PAGES):
            page = self._paid(operation, method, request | ({"NextPageToken": token} if token else {}))
            yield page
            token = page.get("NextPageToken")
            if not token:
                return
        raise PermanentError(f"ce {operation}: more than {_MOST_PAGES} pages; each costs, so no more are asked for")

    def _paid(self, operation: str, method: str, request: dict[str, Any]) -> dict[str, Any]:
        client = self._account.client("ce", max_attempts=1)
        self._allowance.take()
        with translated("ce", operation, self._account.name):
            answer: dict[str, Any] = getattr(client, method)(**request)
        return answer


def _amounts(
    day: int, account_id: str, region: str, service: str, tag: tuple[str, str], metrics: dict[str, Any]
) -> Iterator[Charge]:
    for cost_type, name in _METRICS.items():
        if name in metrics and (amount := float(metrics[name]["Amount"])):
            yield Charge(day, account_id, region, service, cost_type, metrics[name]["Unit"], tag, amount)


class Budgets:
    """Budgets of one account; asking is free."""

    def __init__(self, account: AwsAccount) -> None:
        self._account = account

    def fetch(self, now: float) -> Snapshot:
        """All cost budgets.

        Raises:
            TemporaryError: No answer, or throttled.
            PermanentError: Denied or refused.
        """
        account_id = self._account.account_id()
        client = self._account.client("budgets")
        with translated("budgets", "DescribeBudgets", self._account.name):
            pages = client.get_paginator("describe_budgets").paginate(AccountId=account_id)
            budgets = [each for page in pages for each in page.get("Budgets") or [] if each["BudgetType"] == "COST"]
        return Snapshot(retrieved_at=now, budgets=[self._budget(client, account_id, each) for each in budgets])

    def _budget(self, client: Any, account_id: str, budget: dict[str, Any]) -> Budget:  # noqa: ANN401 - boto's class
        spend, limit = budget.get("CalculatedSpend", {}), budget.get("BudgetLimit", {})
        forecast = spend.get("ForecastedSpend")
        return Budget(
            account_id,
            budget["BudgetName"],
            budget["TimeUnit"],
            limit.get("Unit", "USD"),
            float(limit.get("Amount", 0)),
            float(spend.get("ActualSpend", {}).get("Amount", 0)),
            float(forecast["Amount"]) if forecast else None,
            self._alarm(client, account_id, budget["BudgetName"]),
        )

    def _alarm(self, client: Any, account_id: str, name: str) -> bool:  # noqa: ANN401 - boto's class
        with translated("budgets", "DescribeNotificationsForBudget", self._account.name):
            pages = client.get_paginator("describe_notifications_for_budget").paginate(
                AccountId=account_id, BudgetName=name
            )
            return any(
                each.get("NotificationState") == "ALARM" for page in pages for each in page.get("Notifications") or []
            )
