"""Cost Explorer, Budgets and S3, against moto and botocore's model."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_common.spikes import DAY as DAY_SECONDS
from brain_exporters.cost import KIND
from brain_exporters.cost.allowance import Allowance
from brain_exporters.cost.client import Budgets, CostExplorer
from brain_exporters.cost.config import CostExplorerSettings, FilesSettings
from brain_exporters.cost.files import Bucket, Files
from brain_exporters.runtime.aws import ApiRequests, AwsAccount, AwsAccountSettings, AwsSettings
from brain_exporters.runtime.ledger import Ledger
from brain_exporters.runtime.run import running
from brain_exporters.runtime.state import State
from tests.fakes.aws_model import AwsModel, AwsRefusal
from tests.integration.exporters.cost.conftest import DAY, NOW, costs, make_budget, post_costs
from tests.integration.exporters.cost.exporter import in_loop, scraped, settings

_PERMISSIONS = Path(__file__).parents[4] / "exporters" / "permissions"
_UP = ("cost_up",)


@in_loop
async def test_everything_aws_says_is_scraped(
    tmp_path: Path, moto: str, aws: AwsModel, boto: Callable[[str], Any]
) -> None:
    post_costs(moto, costs(("2025-03-09", "AmazonEC2", 2), (DAY, "AmazonEC2", 3), ("2025-03-11", "AmazonEC2", 1)))
    make_budget(boto)
    asked = settings(
        tmp_path,
        aws={"endpoint_url": aws.url},
        cost_explorer={"anomalies": True, "requests_per_day": 10},
        budgets={},
    )
    async with running(KIND, asked, ManualClock(NOW)) as exporter:
        found = await scraped(exporter.url, lambda samples: samples[_UP] == 1)
    ec2 = ("123456789012", "unblended", "USD", "us-east-1", "AmazonEC2")
    assert found["cost_amount", *ec2] == 3
    assert found["cost_month_to_date_amount", *ec2] == 5
    assert found["cost_forecast_amount", "123456789012", "unblended", "USD"] == 321.5
    assert found["cost_anomaly_impact_amount", "111122223333", "USD", "us-east-1", "AmazonEC2"] == 40
    budget = ("123456789012", "team", "USD", "MONTHLY")
    assert found["cost_budget_limit_amount", *budget] == 100
    assert found["cost_budget_burn_rate", *budget] == 0
    assert found["cost_budget_alert_state", *budget] == 0
    assert found["cost_data_age_seconds", "cost-explorer:own"] == 0
    assert found["cost_api_requests_budget_remaining",] == 7
    assert found["aws_api_requests_total", "123456789012", "GetCostAndUsage", "success", "ce"] == 1


@in_loop
async def test_the_newest_hour_is_shown_where_hours_are_opted_into(tmp_path: Path, moto: str, aws: AwsModel) -> None:
    post_costs(moto, costs((DAY, "AmazonEC2", 3)))
    post_costs(moto, costs(("2025-03-12T08:00:00Z", "AmazonEC2", 1), ("2025-03-12T09:00:00Z", "AmazonEC2", 0.25)))
    asked = settings(tmp_path, aws={"endpoint_url": aws.url}, cost_explorer={"forecast": False, "hourly": True})
    async with running(KIND, asked, ManualClock(NOW)) as exporter:
        found = await scraped(exporter.url, lambda samples: samples[_UP] == 1)
    ec2 = ("123456789012", "unblended", "USD", "us-east-1", "AmazonEC2")
    assert found["cost_amount", *ec2] == 3
    assert found["cost_hourly_amount", *ec2] == 0.25
    assert found["cost_hour_timestamp_seconds",] == 1741770000


@in_loop
async def test_a_restart_asks_nothing_that_was_paid_for_and_ages_it(tmp_path: Path, moto: str, aws: AwsModel) -> None:
    post_costs(moto, costs((DAY, "AmazonEC2", 3)))
    asked = settings(tmp_path, aws={"endpoint_url": aws.url}, cost_explorer={"forecast": False})
    clock = ManualClock(NOW)
    async with running(KIND, asked, clock) as exporter:
        await scraped(exporter.url, lambda samples: samples[_UP] == 1)
    made = len(aws.calls)
    clock.advance(600)
    async with running(KIND, asked, clock) as exporter:
        found = await scraped(exporter.url, lambda samples: samples[_UP] == 1)
    assert len(aws.calls) == made
    assert found["cost_data_age_seconds", "cost-explorer:own"] == 600
    assert found["cost_amount", "123456789012", "unblended", "USD", "us-east-1", "AmazonEC2"] == 3


@in_loop
async def test_a_refused_refresh_keeps_the_last_values(tmp_path: Path, moto: str, aws: AwsModel) -> None:
    post_costs(moto, costs((DAY, "AmazonEC2", 3)))
    asked = settings(tmp_path, aws={"endpoint_url": aws.url}, cost_explorer={"forecast": False})
    clock = ManualClock(NOW)
    async with running(KIND, asked, clock) as exporter:
        await scraped(exporter.url, lambda samples: samples[_UP] == 1)
    clock.advance(30_000)
    aws.policy = {"Statement": []}
    async with running(KIND, asked, clock) as exporter:
        failed = ("cost_source_failures_total", "cost-explorer:own")
        found = await scraped(exporter.url, lambda samples: samples[failed] == 1)
    assert found[_UP] == 0
    assert found["cost_data_age_seconds", "cost-explorer:own"] == 30_000
    assert found["cost_amount", "123456789012", "unblended", "USD", "us-east-1", "AmazonEC2"] == 3


@contextmanager
def _ledger(folder: Path) -> Iterator[Ledger]:
    ledger = Ledger(State(folder / "state"), KIND.counters, None, max_series=100, backlog_bytes=1 << 20)
    try:
        yield ledger
    finally:
        ledger.close()


def test_the_days_requests_are_counted_across_restarts_and_then_refused(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    for _ in range(2):
        with _ledger(tmp_path) as ledger:
            Allowance(ledger, clock, 2).take()
    with _ledger(tmp_path) as ledger:
        allowance = Allowance(ledger, clock, 2)
        with pytest.raises(TemporaryError, match="the 2 paid requests of 2025-03-12 are used up"):
            allowance.take()
        assert allowance.remaining() == 0
        clock.advance(DAY_SECONDS)
        assert allowance.remaining() == 2
        allowance.take()


def test_a_throttled_request_is_paid_once_and_not_tried_again(tmp_path: Path, aws: AwsModel) -> None:
    def throttled(_: object) -> dict[str, Any]:
        raise AwsRefusal("LimitExceededException")

    aws.handlers["ce.GetCostAndUsage"] = throttled
    with _ledger(tmp_path) as ledger:
        allowance = Allowance(ledger, ManualClock(NOW), 10)
        with pytest.raises(TemporaryError, match="throttled"):
            CostExplorer(_account(aws), CostExplorerSettings(), allowance, 42).fetch(NOW)
        assert allowance.remaining() == 9
    assert [call.operation for call in aws.calls if call.service == "ce"] == ["GetCostAndUsage"]


def test_costs_by_tag_are_asked_page_by_page(tmp_path: Path, aws: AwsModel) -> None:
    def answer(request: dict[str, Any]) -> dict[str, Any]:
        if request["GroupBy"][0]["Type"] != "TAG":
            return {"ResultsByTime": []}
        page = costs((DAY, "team$shop", 1)) if "NextPageToken" in request else costs((DAY, "team$", 2))
        page.pop("DimensionValueAttributes")
        return page | ({} if "NextPageToken" in request else {"NextPageToken": "more"})

    aws.handlers["ce.GetCostAndUsage"] = answer
    with _ledger(tmp_path) as ledger:
        allowance = Allowance(ledger, ManualClock(NOW), 10)
        asked = CostExplorerSettings(tags=("team",), forecast=False)
        found = CostExplorer(_account(aws), asked, allowance, 42).fetch(NOW)
    assert [(each.tag, each.amount) for each in found.charges] == [(("team", ""), 2.0), (("team", "shop"), 1.0)]


def test_a_young_account_has_costs_though_no_forecast(tmp_path: Path, aws: AwsModel) -> None:
    def too_young(_: object) -> dict[str, Any]:
        raise AwsRefusal("DataUnavailableException")

    aws.handlers |= {"ce.GetCostForecast": too_young, "ce.GetCostAndUsage": lambda _: {"ResultsByTime": []}}
    with _ledger(tmp_path) as ledger:
        allowance = Allowance(ledger, ManualClock(NOW), 10)
        assert CostExplorer(_account(aws), CostExplorerSettings(), allowance, 42).fetch(NOW).forecasts == []


def _account(aws: AwsModel, role: str = "") -> AwsAccount:
    account = AwsAccountSettings(role_arn=role) if role else None
    return AwsAccount(AwsSettings(endpoint_url=aws.url), account, ApiRequests())


def _ask(name: str, folder: Path, aws: AwsModel) -> None:
    """Everything that the source of a policy file does."""
    if name == "cost-explorer":
        with _ledger(folder) as ledger:
            allowance = Allowance(ledger, ManualClock(NOW), 10)
            CostExplorer(_account(aws), CostExplorerSettings(anomalies=True), allowance, 42).fetch(NOW)
    elif name == "cost-budgets":
        Budgets(_account(aws)).fetch(NOW)
    elif name == "cost-files":
        asked = FilesSettings(bucket="reports-bucket")
        Files(Bucket(_account(aws), "reports-bucket", ""), asked, 42).fetch(NOW, None)
    else:
        aws.policy["Statement"].append({"Effect": "Allow", "Action": "budgets:ViewBudget", "Resource": "*"})  # type: ignore[index]
        Budgets(_account(aws, "arn:aws:iam::222233334444:role/COST-ROLE")).fetch(NOW)


def _policy(name: str, without: str = "") -> dict[str, Any]:
    text = (_PERMISSIONS / f"{name}.json").read_text().replace("REPORTS-BUCKET", "reports-bucket")
    policy: dict[str, Any] = json.loads(text)
    for statement in policy["Statement"]:
        statement["Action"] = [action for action in statement["Action"] if action != without]
    return policy


_ACTIONS = [
    (file.stem, action)
    for file in sorted(_PERMISSIONS.glob("cost-*.json"))
    for statement in json.loads(file.read_text())["Statement"]
    for action in statement["Action"]
]


@pytest.mark.parametrize(("name", "action"), _ACTIONS)
def test_each_action_of_a_policy_is_needed_and_no_other(
    name: str, action: str, tmp_path: Path, aws: AwsModel, boto: Callable[[str], Any]
) -> None:
    make_budget(boto)
    aws.handlers["ce.GetCostAndUsage"] = lambda _: {"ResultsByTime": []}
    boto("s3").create_bucket(Bucket="reports-bucket")
    body = b"ChargePeriodStart,BilledCost\n2025-03-10,1.5"
    boto("s3").put_object(Bucket="reports-bucket", Key="a/focus.csv", Body=body)
    aws.policy = _policy(name)
    _ask(name, tmp_path, aws)
    aws.policy = _policy(name, without=action)
    with pytest.raises(PermanentError, match=f"allow the action {action}"):
        _ask(name, tmp_path, aws)
