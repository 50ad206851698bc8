"""AWS as the cost exporter sees it: moto, and botocore's model for what moto lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from tests.fakes.aws_model import AwsModel, Handler, aws_model

NOW = datetime(2025, 3, 12, 12, tzinfo=UTC).timestamp()
DAY = "2025-03-10"  # the last complete one at NOW
_ACCOUNT = "123456789012"


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")


@pytest.fixture(scope="session")
def _moto() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto(_moto: str) -> str:
    """An empty AWS."""
    httpx.post(f"{_moto}/moto-api/reset", trust_env=False).raise_for_status()
    return _moto


@pytest.fixture
def boto(moto: str) -> Callable[[str], Any]:
    """A client of the test's own, past the model and its policy."""
    return lambda service: boto3.client(service, endpoint_url=moto, region_name="us-east-1")


@pytest.fixture
def aws(moto: str) -> Iterator[AwsModel]:
    """In front of moto."""
    handlers: dict[str, Handler] = {
        "ce.GetCostForecast": lambda _: {"Total": {"Amount": "321.5", "Unit": "USD"}},
        "ce.GetAnomalies": lambda _: {"Anomalies": [_anomaly("", 40.0), _anomaly("2025-03-02", 7.0)]},
    }
    with ExitStack() as running:
        yield running.enter_context(aws_model(handlers, upstream=moto))


def _anomaly(end: str, impact: float) -> dict[str, Any]:
    return {
        "AnomalyId": "a",
        "AnomalyStartDate": "2025-03-01",
        "RootCauses": [{"Service": "AmazonEC2", "Region": "us-east-1", "LinkedAccount": "111122223333"}],
        "AnomalyScore": {"MaxScore": 1, "CurrentScore": 1},
        "Impact": {"MaxImpact": impact, "TotalImpact": impact},
        "MonitorArn": "arn:aws:ce::1:anomalymonitor/a",
    } | ({"AnomalyEndDate": end} if end else {})


def costs(*amounts: tuple[str, str, float]) -> dict[str, Any]:
    """An answer of GetCostAndUsage by service and region: day, service, amount."""
    return {
        "ResultsByTime": [
            {
                "TimePeriod": {"Start": day, "End": day},
                "Total": {},
                "Groups": [
                    {
                        "Keys": [service, "us-east-1"],
                        "Metrics": {"UnblendedCost": {"Amount": str(amount), "Unit": "USD"}},
                    }
                ],
                "Estimated": False,
            }
            for day, service, amount in amounts
        ],
        "DimensionValueAttributes": [],
        "GroupDefinitions": [],
    }


def post_costs(moto: str, answer: dict[str, Any]) -> None:
    """What moto's GetCostAndUsage says next."""
    url = f"{moto}/moto-api/static/ce/cost-and-usage-results"
    httpx.post(url, json={"results": [answer]}, trust_env=False).raise_for_status()


def make_budget(boto: Callable[[str], Any]) -> None:
    """A monthly one."""
    boto("budgets").create_budget(
        AccountId=_ACCOUNT,
        Budget={
            "BudgetName": "team",
            "BudgetLimit": {"Amount": "100", "Unit": "USD"},
            "TimeUnit": "MONTHLY",
            "BudgetType": "COST",
        },
    )
