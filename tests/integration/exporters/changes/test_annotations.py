"""Deploy annotations, against a Grafana that checks each request against Grafana's own OpenAPI document."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.grafana import FakeGrafana
from tests.integration.exporters.changes.exporter import Client, iso, secret_file, started
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import body

pytestmark = pytest.mark.anyio

MADE = 'changes_annotations_total{result="%s"}'
WAITING = "changes_annotations_waiting"


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with FakeGrafana(token="glsa_x", dashboards=["shop"]) as fake:
        yield fake
    assert fake.violations == []


def own(grafana: FakeGrafana, folder: Path, **more: Any) -> dict[str, Any]:
    return {
        "grafana": {"url": grafana.url, "bearer": {"token": "glsa_x"}, **more},
        "github": {"secret_files": [secret_file(folder)]},
    }


async def deliver(client: Client, number: int, state: str = "success") -> None:
    data = samples.github_deployment(number, state, created_at=iso(10), updated_at=iso(10))
    data["deployment"]["created_at"] = iso(70)
    headers = samples.github_headers("deployment_status", body(data))
    assert (await client.post("/api/v1/changes/github", body(data), headers)).status_code == 200


async def test_a_deployment_is_shown_as_a_region(grafana: FakeGrafana, tmp_path: Path) -> None:
    async with started(tmp_path, **own(grafana, tmp_path, dashboard_uid="shop")) as client:
        await deliver(client, 1, "in_progress")
        await deliver(client, 1)
        await client.until(MADE % "created", 1)
        assert (await client.series())[WAITING] == 0
    [shown] = grafana.annotations.values()
    assert shown["dashboardUID"] == "shop"
    assert shown["timeEnd"] - shown["time"] == 60_000
    assert set(shown["tags"]) >= {"brain-change", "source=github", "kind=deployment", "service=checkout"}
    assert "shop/checkout: deployment of main to production" in shown["text"]


async def test_without_the_dashboard_it_is_shown_to_the_organisation(grafana: FakeGrafana, tmp_path: Path) -> None:
    async with started(tmp_path, **own(grafana, tmp_path, dashboard_uid="gone")) as client:
        await deliver(client, 1)
        await client.until(MADE % "created", 1)
    [shown] = grafana.annotations.values()
    assert shown["dashboardUID"] == ""


async def test_a_grafana_that_is_away_loses_none_over_a_restart(grafana: FakeGrafana, tmp_path: Path) -> None:
    grafana.fail(503)
    async with started(tmp_path, **own(grafana, tmp_path)) as client:
        for number in range(5):
            await deliver(client, number)
        await client.until("changes_grafana_up", 0)
        assert (await client.series())[WAITING] == 5
    grafana.heal()
    async with started(tmp_path, **own(grafana, tmp_path)) as client:
        await client.until(WAITING, 0)
        await client.until(MADE % "created", 5)
    assert len(grafana.annotations) == grafana.created == 5


async def test_a_lost_answer_makes_no_second_annotation(grafana: FakeGrafana, tmp_path: Path) -> None:
    grafana.lose_answer(method="POST", times=2)
    async with started(tmp_path, **own(grafana, tmp_path)) as client:
        for number in range(4):
            await deliver(client, number)
        await client.until(WAITING, 0)
    assert len(grafana.annotations) == grafana.created == 4


async def test_a_later_state_changes_the_annotation(grafana: FakeGrafana, tmp_path: Path) -> None:
    async with started(tmp_path, **own(grafana, tmp_path)) as client:
        await deliver(client, 1, "failure")
        await client.until(MADE % "created", 1)
        await deliver(client, 1, "success")
        await client.until(MADE % "updated", 1)
    [shown] = grafana.annotations.values()
    assert "deployment succeeded" in shown["text"]


async def test_what_grafana_will_never_take_is_dropped(grafana: FakeGrafana, tmp_path: Path) -> None:
    grafana.fail(400, method="POST", times=1, body={"message": "no"})
    async with started(tmp_path, **own(grafana, tmp_path)) as client:
        await deliver(client, 1)
        await client.until(MADE % "refused", 1)
        await deliver(client, 2)
        await client.until(MADE % "created", 1)
        assert (await client.series())[WAITING] == 0


async def test_a_wrong_token_keeps_them_waiting(grafana: FakeGrafana, tmp_path: Path) -> None:
    wrong = own(grafana, tmp_path)
    wrong["grafana"]["bearer"] = {"token": "glsa_y"}
    async with started(tmp_path, **wrong) as client:
        await deliver(client, 1)
        await client.until("changes_grafana_up", 0)
        await asyncio.sleep(0.2)
        assert (await client.series())[WAITING] == 1
