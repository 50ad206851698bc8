"""A network that misbehaves between the exporter and AWS."""

from __future__ import annotations

from pathlib import Path

from deltalake import DeltaTable

from brain_common.clock import ManualClock
from brain_common.spikes import DAY as DAY_SECONDS
from brain_exporters.cost import KIND
from brain_exporters.runtime.run import running
from brain_lake.schemas import COST
from tests.fakes.aws_model import AwsModel
from tests.integration.exporters.cost.conftest import DAY, NOW, costs, post_costs
from tests.integration.exporters.cost.exporter import in_loop, scraped, settings
from tests.servers.fixtures import ToxiproxyFactory


@in_loop
async def test_a_connection_that_is_cut_costs_one_request_and_no_value(
    tmp_path: Path, moto: str, aws: AwsModel, toxiproxy: ToxiproxyFactory
) -> None:
    post_costs(moto, costs((DAY, "AmazonEC2", 3)))
    proxy = toxiproxy().create("aws", aws.url.removeprefix("http://"))
    asked = settings(tmp_path, aws={"endpoint_url": f"http://{proxy.address}"}, cost_explorer={"forecast": False})
    clock = ManualClock(NOW)
    async with running(KIND, asked, clock) as exporter:
        await scraped(exporter.url, lambda samples: samples["cost_up",] == 1)
    clock.advance(DAY_SECONDS / 4)
    with proxy.add_toxic("reset_peer", timeout=0):
        async with running(KIND, asked, clock) as exporter:
            failed = ("cost_source_failures_total", "cost-explorer:own")
            found = await scraped(exporter.url, lambda samples: samples[failed] == 1)
    assert found["cost_data_age_seconds", "cost-explorer:own"] == DAY_SECONDS / 4
    assert found["cost_amount", "123456789012", "unblended", "USD", "us-east-1", "AmazonEC2"] == 3


@in_loop
async def test_the_lake_gets_each_amount_once_and_again_when_it_changes(tmp_path: Path, aws: AwsModel) -> None:
    lake = tmp_path / "lake"
    asked = settings(
        tmp_path, aws={"endpoint_url": aws.url}, cost_explorer={"forecast": False}, lake={"path": str(lake)}
    )
    clock = ManualClock(NOW)
    for amounts in ((2, 3), (2, 3), (2, 4)):
        days = zip(("2025-03-09", DAY), amounts, strict=True)
        answer = costs(*[(day, "AmazonEC2", amount) for day, amount in days])
        answer.pop("DimensionValueAttributes")
        aws.handlers["ce.GetCostAndUsage"] = lambda _, answer=answer: answer  # type: ignore[misc]
        async with running(KIND, asked, clock) as exporter:
            await scraped(exporter.url, lambda samples: samples["cost_up",] == 1)
            exporter.context.ledger.flush()
        clock.advance(DAY_SECONDS / 4)
    rows = DeltaTable(str(lake / COST.name)).to_pyarrow_table().to_pylist()
    assert sorted(row["amount"] for row in rows) == [2, 3, 4]
    assert {(row["kind"], row["name"], row["source"]) for row in rows} == {
        ("cloud-resource", "123456789012", "cost-explorer")
    }
