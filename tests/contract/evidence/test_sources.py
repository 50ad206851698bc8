"""What holds for every source of evidence: the real Prometheus and the lake, about the same system."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brain_common.clients.prometheus import PrometheusClient, PrometheusSettings
from brain_common.errors import TemporaryError
from brain_engine.series import Array, EdgeKind, Evidence, Panel
from brain_lake.location import LakeLocation
from brain_lake.schemas import EDGES, METRICS
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.lake import LakeEvidence
from brain_rca.evidence.past import WithPast
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import EvidenceSource, Window
from tests.contract.evidence.world import (
    CLUSTER,
    COUNT,
    NODE,
    POD_A,
    POD_B,
    STEP,
    World,
    into_lake,
    into_prometheus,
    make_world,
    service,
)
from tests.servers.fixtures import PrometheusFactory
from tests.servers.provide import require

pytestmark = pytest.mark.anyio

SourceFactory = Callable[[Mapping[str, str]], EvidenceSource]
FRONT, CART = str(service("front")), str(service("cart"))
NODE_NAME = f"{CLUSTER}//node/{NODE}"


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture(params=["prometheus", "lake"])
def source_of(
    request: pytest.FixtureRequest, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> SourceFactory:
    """Makes sources over the world, with the given aliases."""
    if request.param == "lake":
        into_lake(world, tmp_path / "lake")
        return lambda aliases: Gatherer(
            [LakeEvidence(LakeLocation.local(tmp_path / "lake"), load_catalogue(), 30.0)], (), aliases
        )
    start: PrometheusFactory = request.getfixturevalue("prometheus")
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(require("promtool")))
    into_prometheus(world, tmp_path / "tsdb")
    # A gauge is seen for one step only, so that where there is no sample there is none in the answer either.
    server = start(data_dir=tmp_path, flags=["--query.lookback-delta=15s"])
    settings = PrometheusSettings.model_validate({"url": server.url})
    return lambda aliases: Gatherer(
        [PrometheusEvidence(PrometheusClient(settings), load_catalogue(), "", 30.0)], (), aliases
    )


async def gather(source: EvidenceSource, window: Window) -> Evidence:
    async with aclosing(source):
        return (await source.gather(window)).evidence


def panel_of(evidence: Evidence, signal: str) -> Panel:
    [found] = [panel for panel in evidence.panels if panel.signal.name == signal]
    return found


def row_of(evidence: Evidence, signal: str, entity: str) -> Array:
    panel = panel_of(evidence, signal)
    return np.asarray(panel.values[panel.entities.index(entity)], dtype=np.float64)


async def test_the_whole_window(source_of: SourceFactory, world: World) -> None:
    evidence = await gather(source_of({}), world.window)

    np.testing.assert_array_equal(evidence.times, world.times)
    assert evidence.window_start == world.window.start
    assert evidence.missing == ()
    assert [panel.signal.name for panel in evidence.panels] == sorted({one.signal for one in world.samples})
    for panel in evidence.panels:
        assert panel.signal == load_catalogue().signals[panel.signal.name].signal(panel.signal.name)
        assert panel.values.shape == (len(panel.entities), COUNT)
        assert list(panel.entities) == sorted(set(panel.entities))

    for signal in ("service_request_rate", "service_latency_p99"):
        for name in ("front", "cart"):
            np.testing.assert_array_equal(
                row_of(evidence, signal, str(service(name))), world.sample(signal, name).values
            )
    # No sample is NaN, not zero and not the last one.
    np.testing.assert_array_equal(
        row_of(evidence, "service_error_ratio", CART), world.sample("service_error_ratio", "cart").values
    )
    # The pods of a workload are the service of its name; bytes add up, over those that are there.
    one, other = (world.sample("container_memory_working_set", name).values for name in (POD_A, POD_B))
    np.testing.assert_allclose(
        row_of(evidence, "container_memory_working_set", CART), one + np.nan_to_num(other), rtol=1e-12
    )
    assert panel_of(evidence, "container_memory_working_set").entities == (CART,)

    edges = {(edge.dependent, edge.dependency, edge.kind) for edge in evidence.edges}
    assert edges == {(FRONT, CART, EdgeKind.CALLS), (CART, NODE_NAME, EdgeKind.RUNS_ON)}


async def test_aliases_win(source_of: SourceFactory, world: World) -> None:
    other = f"{CLUSTER}/shop/workload/basket"
    evidence = await gather(source_of({CART: other}), world.window)
    assert panel_of(evidence, "container_memory_working_set").entities == (other,)
    assert set(panel_of(evidence, "service_request_rate").entities) == {FRONT, other}
    assert {(edge.dependent, edge.dependency) for edge in evidence.edges} == {(FRONT, other), (other, NODE_NAME)}


async def test_the_same_question_gets_the_same_answer(source_of: SourceFactory, world: World) -> None:
    source = source_of({})
    async with aclosing(source):
        first, second = [(await source.gather(world.window)).evidence for _ in range(2)]
    assert [panel.signal for panel in first.panels] == [panel.signal for panel in second.panels]
    assert first.edges == second.edges
    for one, other in zip(first.panels, second.panels, strict=True):
        assert one.entities == other.entities
        np.testing.assert_array_equal(one.values, other.values)


async def test_a_window_without_samples_says_so(source_of: SourceFactory, world: World) -> None:
    month = 30 * 86400.0
    window = Window(world.window.baseline_start - month, world.window.start - month, world.window.end - month, STEP)
    evidence = await gather(source_of({}), window)
    assert evidence.panels == ()
    assert evidence.edges == ()
    assert len(evidence.times) == COUNT
    assert any("signal of the catalogue" in sentence for sentence in evidence.missing)


async def test_a_window_that_is_no_multiple_of_the_step(source_of: SourceFactory, world: World) -> None:
    evidence = await gather(source_of({}), replace(world.window, end=world.window.end - 7.0))
    assert len(evidence.times) == COUNT - 1
    assert panel_of(evidence, "service_request_rate").values.shape == (2, COUNT - 1)


async def test_a_coarser_step(source_of: SourceFactory, world: World) -> None:
    evidence = await gather(source_of({}), replace(world.window, step=60.0))
    np.testing.assert_allclose(np.diff(evidence.times), 60.0)
    found = row_of(evidence, "service_latency_p99", CART)
    assert found.mean() == pytest.approx(world.sample("service_latency_p99", "cart").values.mean(), rel=0.05)


async def test_without_older_samples_the_past_adds_nothing(source_of: SourceFactory, world: World) -> None:
    evidence = await gather(WithPast(source_of({}), source_of({})), world.window)
    np.testing.assert_array_equal(evidence.times, world.times)
    assert evidence.missing == ()


async def test_what_cannot_be_reached_is_temporary(world: World, tmp_path: Path) -> None:
    settings = PrometheusSettings.model_validate({"url": "http://127.0.0.1:9", "deadline_seconds": 0.3})
    away = Gatherer([PrometheusEvidence(PrometheusClient(settings), load_catalogue(), "", 0.6)])
    with pytest.raises(TemporaryError, match=r"127\.0\.0\.1:9"):
        await gather(away, world.window)
    into_lake(world, tmp_path)
    for table in (METRICS, EDGES):
        (tmp_path / table.name / "_delta_log" / "00000000000000000000.json").write_text("garbage")
    with pytest.raises(TemporaryError, match="lake table metrics"):
        await gather(Gatherer([LakeEvidence(LakeLocation.local(tmp_path), load_catalogue(), 30.0)]), world.window)
