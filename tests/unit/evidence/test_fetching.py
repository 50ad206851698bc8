"""What is asked of a server: nothing that it has not, once for all, and large answers in two steps."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field

import numpy as np
import pytest

from brain_common.clients.prometheus import Matrix
from brain_common.errors import TemporaryError
from brain_engine.anomaly.robust_shift import RobustShift
from brain_engine.series import Array
from brain_rca.analysis.snapshot import Snapshots
from brain_rca.evidence import rough
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import Window

pytestmark = pytest.mark.anyio

STEP = 15.0
WINDOW = Window(0.0, 3600.0, 5400.0, STEP)
LATENCY = "service:request_duration_seconds:mean"
ONSET = 4500.0
_NAMES = re.compile(r'service=~?"([^"]*)"')


@dataclass
class Server:
    """Has some services with one metric; the first of them becomes slow.

    Attributes:
        services: How many.
        names: Of the metrics that it says it has.
        broken: It does not say which metrics it has.
        asked: Queries, each with its step.
    """

    services: int
    names: list[str] = field(default_factory=lambda: [LATENCY])
    broken: bool = False
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix:
        self.asked.append((query, step))
        times = start + step * np.arange(int((end - start) / step + 1e-6) + 1)
        if "__name__" in query:
            if self.broken:
                raise TemporaryError("no answer")
            wanted = re.findall(r"[\w:]+", query.partition("=~")[2])
            names = [name for name in self.names if name in wanted]
            return Matrix(
                [{"__name__": name} for name in names], times, np.full((len(names), len(times)), self.services)
            )
        if LATENCY not in query:
            return Matrix([], times, np.empty((0, len(times))))
        chosen = self._chosen(query)
        values = np.stack([self._latency(number, times) for number in chosen])
        return Matrix([{"service": f"s{number}"} for number in chosen], times, values)

    async def aclose(self) -> None: ...

    def _chosen(self, query: str) -> list[int]:
        found = _NAMES.search(query)
        return [int(name[1:]) for name in found[1].split("|")] if found else list(range(self.services))

    def _latency(self, number: int, times: Array) -> Array:
        quiet = 0.1 + 0.001 * np.sin(times * (number + 1))
        return np.where((times >= ONSET) & (number == 0), 2.0, quiet)

    def of_signal(self) -> list[tuple[str, float]]:
        return [(query, step) for query, step in self.asked if LATENCY in query and "__name__" not in query]


def source(server: Server) -> PrometheusEvidence:
    return PrometheusEvidence(server, load_catalogue(), "lab", 30.0)


async def test_only_what_the_server_has_is_asked() -> None:
    server = Server(3)
    evidence = await source(server).read(WINDOW)
    assert [panel.signal.name for panel in evidence.panels] == ["service_latency_mean"]
    assert len(server.asked) == 2
    assert evidence.missing == []


async def test_a_metric_that_appears_is_asked_at_the_next_look() -> None:
    server = Server(3)
    evidence = source(server)
    await evidence.read(WINDOW)
    server.names.append("kafka_consumergroup_lag")
    await evidence.read(WINDOW)
    assert any("kafka_consumergroup_lag" in query for query, _ in server.asked[3:])
    # What is known to be there is not looked for again.
    survey = server.asked[2][0]
    assert "__name__" in survey
    assert LATENCY not in survey


async def test_a_metric_that_was_there_an_hour_ago_is_looked_for_again() -> None:
    server = Server(3)
    evidence = source(server)
    await evidence.read(WINDOW)
    server.names.clear()
    server.asked.clear()
    later = Window(4000.0, 7600.0, 9400.0, STEP)
    await evidence.read(later)
    assert [LATENCY in query for query, _ in server.asked] == [True]


async def test_a_server_that_does_not_say_what_it_has_is_asked_everything() -> None:
    server = Server(3, broken=True)
    catalogue = load_catalogue()
    evidence = await source(server).read(WINDOW)
    assert len(server.asked) == 1 + len((*catalogue.signals, *catalogue.calls, *catalogue.edges, *catalogue.owners))
    assert [panel.signal.name for panel in evidence.panels] == ["service_latency_mean"]


@pytest.mark.parametrize("raw_samples", [10_000_000, 1000], ids=["whole", "in two steps"])
@pytest.mark.parametrize("names", [[LATENCY], []], ids=["what it has is known", "nobody knows what it has"])
async def test_what_deviates_has_the_query_that_shows_it_alone(
    monkeypatch: pytest.MonkeyPatch, raw_samples: int, names: list[str]
) -> None:
    monkeypatch.setattr("brain_rca.evidence.prometheus.RAW_SAMPLES", raw_samples)
    server = Server(200, names or [LATENCY], broken=not names)
    snapshot = await Snapshots(Gatherer([source(server)]), RobustShift()).take(WINDOW)
    assert {(finding.signal.name, finding.entity) for finding in snapshot.findings} == set(snapshot.queries)
    query = snapshot.queries["service_latency_mean", "lab//service/s0"]
    assert query.startswith(f'{LATENCY}{{service="s0"}}')
    assert (query == f'{LATENCY}{{service="s0"}}') == bool(names)  # of the union only what can answer


async def test_a_small_answer_is_fetched_whole_at_once() -> None:
    server = Server(100)
    await source(server).read(WINDOW)
    assert [step for _, step in server.of_signal()] == [STEP]


async def test_of_a_large_answer_only_what_deviates_is_fetched_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(200)
    whole = await source(server).read(WINDOW)
    monkeypatch.setattr("brain_rca.evidence.prometheus.RAW_SAMPLES", 1000)
    server = Server(200)
    evidence = await source(server).read(WINDOW)
    (first, coarse), (closer, fine) = server.of_signal()
    assert coarse == rough.rough_step(WINDOW) > 10 * STEP
    assert fine == STEP
    assert 'service="s0"' in closer
    assert "service=" not in first
    (panel,) = evidence.panels
    assert panel.values.shape == whole.panels[0].values.shape
    np.testing.assert_array_equal(panel.values[0], whole.panels[0].values[0])
    np.testing.assert_allclose(panel.values, whole.panels[0].values, atol=0.003)
    np.testing.assert_array_equal(panel.values[:, -1], whole.panels[0].values[:, -1])


async def test_many_series_of_which_a_signal_makes_few_are_fetched_whole_from_then_on() -> None:
    class Summed(Server):
        def _chosen(self, query: str) -> list[int]:
            return list(range(10))

    server = Summed(5000)
    evidence = source(server)
    await evidence.read(WINDOW)
    assert [step for _, step in server.of_signal()] == [rough.rough_step(WINDOW), STEP]
    server.asked.clear()
    await evidence.read(WINDOW)
    assert [step for _, step in server.of_signal()] == [STEP]


async def test_more_samples_than_there_is_room_for_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain_rca.evidence.prometheus._MOST_SAMPLES", 1000)
    evidence = await source(Server(100)).read(WINDOW)
    assert evidence.panels == []
    assert "service_latency_mean: more than 1000 samples of all signals together" in evidence.missing


async def test_groups_that_fire_together_cost_one_fetch() -> None:
    server = Server(5)
    snapshots = Snapshots(Gatherer([source(server)]), RobustShift())
    taken = await asyncio.gather(*(snapshots.take(WINDOW) for _ in range(500)))
    assert len({id(one) for one in taken}) == 1
    assert len(server.asked) == 2


async def test_clusters_of_one_server_are_kept_apart() -> None:
    class Two(Server):
        async def query_range(self, query: str, start: float, end: float, step: float) -> Matrix:
            answer = await super().query_range(query, start, end, step)
            if answer.labels and "service" in answer.labels[0]:
                answer.labels[0].update(service="cart", cluster="east")
                answer.labels[1].update(service="cart")
            return answer

    evidence = await source(Two(2)).read(WINDOW)
    assert [str(entity) for entity in evidence.panels[0].entities] == ["east//service/cart", "lab//service/cart"]
