"""What holds for every source of traces: a real Jaeger, the lake, and Tempo's API, about the same shop."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest

from brain_common.clients.jaeger import JaegerClient, JaegerSettings
from brain_common.clients.tempo import TempoClient, TempoSettings
from brain_common.entity import Entity, EntityKind
from brain_common.errors import TemporaryError
from brain_engine.flow.tables import SpanKind, Spans
from brain_engine.series import EdgeKind, Evidence
from brain_lab.servers.jaeger import Jaeger
from brain_lake.location import LakeLocation
from brain_lake.schemas import SPANS
from brain_lake.writer import LakeWriter
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.protocol import Focus, Gathered, PartSource, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.jaeger import JaegerEvidence
from brain_rca.evidence.traces.lake import LakeTraces
from brain_rca.evidence.traces.otlp import spans_of
from brain_rca.evidence.traces.tempo import TempoEvidence
from brain_rca.scope.identity import Identity
from tests.contract.evidence.traces_world import PER_STRETCH, SLOW, Json, traces, window_ending
from tests.fakes.tempo import FakeTempo

pytestmark = pytest.mark.anyio

FRONT, CART = (Entity("lab", "shop", EntityKind.SERVICE, name) for name in ("front", "cart"))
LEDGER = Entity("lab", "", EntityKind.DATABASE, "ledger")
SourceOf = Callable[[int], PartSource]


@pytest.fixture
def window() -> Window:
    return window_ending(float(int(time.time()) - 60))


@pytest.fixture(params=["jaeger", "lake", "tempo"])
async def source_of(request: pytest.FixtureRequest, window: Window, tmp_path: Path) -> AsyncIterator[SourceOf]:
    """Makes sources over the shop's traces that read about as many traces as given."""
    made: list[PartSource] = []
    shop = traces(window)
    if request.param == "jaeger":
        server: Jaeger = request.getfixturevalue("jaeger")
        await _send(server, list(shop.values()))

    def make(most: int) -> PartSource:
        if request.param == "jaeger":
            client = JaegerClient(JaegerSettings.model_validate({"url": server.url}))
            source: PartSource = JaegerEvidence(client, "lab", most, 30.0)
        elif request.param == "lake":
            source = LakeTraces(LakeLocation.local(tmp_path), 30.0)
        else:
            source = TempoEvidence(_tempo(FakeTempo(shop)), "lab", most, 30.0)
        made.append(source)
        return source

    if request.param == "lake":
        _into_lake(tmp_path, shop)
    yield make
    for source in made:
        await source.aclose()


async def _send(server: Jaeger, payloads: list[Json]) -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        for payload in payloads:
            answer = await http.post(f"{server.otlp_url}/v1/traces", json=payload)
            assert answer.status_code == 200, answer.text


def _tempo(fake: FakeTempo, **settings: Any) -> TempoClient:
    given = {"url": "http://tempo:3200", "deadline_seconds": 0.2, **settings}
    return TempoClient(TempoSettings.model_validate(given), httpx.MockTransport(fake))


def _into_lake(folder: Path, shop: dict[str, Json]) -> None:
    rows = [
        {
            "timestamp": datetime.fromtimestamp(row.start, UTC),
            "cluster": row.entity.cluster,
            "namespace": row.entity.namespace,
            "kind": row.entity.kind.value,
            "name": row.entity.name,
            "trace_id": row.trace,
            "span_id": row.span,
            "parent_span_id": row.parent or None,
            "span_name": row.operation,
            "span_kind": row.kind.name.lower(),
            "duration_seconds": row.end - row.start,
            "status": "error" if row.error else "unset",
            "status_message": None,
            "kept_for": "sample",
            "attributes": json.dumps({"db.system.name": "postgresql", "db.namespace": "ledger"}) if row.peer else None,
        }
        for name, trace in shop.items()
        for row in spans_of(json.dumps(trace).encode(), name, "lab").rows
    ]
    LakeWriter(LakeLocation.local(folder)).append(SPANS, pa.Table.from_pylist(rows, schema=SPANS.columns))


def _rows(spans: Spans, window: Window, *, of: str) -> Any:
    mine = np.array([name.endswith(f"/{of}") for name in spans.entities])
    return mine[spans.entity] & (spans.start >= window.start)


async def test_spans_of_the_shop_and_who_calls_whom(source_of: SourceOf, window: Window) -> None:
    found = await source_of(2000).read(window, Focus(frozenset({CART})))

    spans = found.spans
    assert spans is not None
    assert set(spans.entities) == {str(FRONT), str(CART)}  # and nothing of elsewhere
    assert len(set(spans.trace.tolist())) == 2 * PER_STRETCH
    assert len(spans.start) == 4 * 2 * PER_STRETCH  # each once, although several questions found it
    assert set(spans.kind.tolist()) == {SpanKind.SERVER, SpanKind.CLIENT}
    roots = spans.parent < 0
    assert roots.sum() == 2 * PER_STRETCH
    under = spans.parent[~roots]
    np.testing.assert_array_equal(spans.trace[under], spans.trace[~roots])
    assert np.all(spans.start[under] <= spans.start[~roots])
    failed = _rows(spans, window, of="cart") & spans.error
    assert failed.sum() == spans.error.sum() == PER_STRETCH / 3
    np.testing.assert_allclose((spans.end - spans.start)[failed], SLOW - 0.01, atol=1e-5)
    assert {(edge.dependent, edge.dependency, edge.kind) for edge in found.edges} == {
        (FRONT, CART, EdgeKind.CALLS),
        (CART, LEDGER, EdgeKind.CALLS),
    }
    assert {edge.source for edge in found.edges} == {source_of(24).name}
    assert found.missing == []


async def test_the_same_question_gets_the_same_answer(source_of: SourceOf, window: Window) -> None:
    one, other = [await source_of(2000).read(window, Focus(frozenset({CART, FRONT}))) for _ in range(2)]
    assert one.spans is not None
    assert other.spans is not None
    np.testing.assert_array_equal(one.spans.start, other.spans.start)
    np.testing.assert_array_equal(one.spans.parent, other.spans.parent)
    assert one.edges == other.edges


async def test_who_writes_no_spans_is_no_error(source_of: SourceOf, window: Window) -> None:
    odd = Entity("lab", "shop", EntityKind.SERVICE, 'nobody"} || { true')
    found = await source_of(240).read(window, Focus(frozenset({odd})))
    assert (found.spans, list(found.edges), list(found.missing)) == (None, [], [])


async def test_without_anything_to_look_at_nothing_is_asked(source_of: SourceOf, window: Window) -> None:
    found = await source_of(240).read(window, Focus(frozenset()))
    assert found == await source_of(240).read(window, None) == RawEvidence()


@pytest.mark.parametrize("source_of", ["jaeger", "tempo"], indirect=True)
async def test_a_sample_is_fair_and_says_that_it_is_one(source_of: SourceOf, window: Window) -> None:
    found = await source_of(48).read(window, Focus(frozenset({CART})))
    assert found.spans is not None
    roots = found.spans.parent < 0
    before = roots & (found.spans.start < window.start)
    assert before.sum() == 12  # four of any kind from each third; none failed, and none is slower than the others
    bad = _rows(found.spans, window, of="cart") & found.spans.error
    assert bad.sum() >= 6  # two failed ones of each third of the window
    (sentence,) = found.missing
    assert "a sample" in sentence


async def test_tempo_of_which_a_part_is_gone_is_heard_for_the_rest(window: Window) -> None:
    shop = traces(window)
    fake = FakeTempo(shop)
    fake.gone = set(list(shop)[:5])
    found = await TempoEvidence(_tempo(fake), "lab", 2000, 30.0).read(window, Focus(frozenset({CART})))
    assert found.spans is not None
    assert len(set(found.spans.trace.tolist())) == 2 * PER_STRETCH - 5
    assert "404" in " ".join(found.missing)


async def test_services_are_asked_for_together(window: Window) -> None:
    fake = FakeTempo(traces(window))
    many = frozenset(Entity("lab", "shop", EntityKind.SERVICE, f"s{number:03}") for number in range(130))
    found = await TempoEvidence(_tempo(fake), "lab", 240, 30.0).read(window, Focus(many))
    assert len(fake.searches) == 3 * 12  # batches; of any kind and failed, each in two stretches of three slices
    assert found.missing == ["tempo: traces of 10 of 130 services were not looked at"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(503, text="ingesters are away"), "503: ingesters are away"),
        (httpx.Response(200, text="<html>"), "no search of Tempo"),
        (httpx.Response(200, json={"traces": [{"traceID": "x" * 5000}]}), ""),
        (httpx.Response(200, content=b" " * 5000), "larger than most_bytes"),
    ],
    ids=["away", "no JSON", "an id that is none", "too large"],
)
async def test_tempo_that_is_unwell(window: Window, answer: httpx.Response, said: str) -> None:
    def unwell(request: httpx.Request) -> httpx.Response:
        return httpx.Response(answer.status_code, content=answer.content)

    settings = {"url": "http://tempo:3200", "deadline_seconds": 0.2, "most_bytes": 4096 if "larger" in said else 16384}
    client = TempoClient(TempoSettings.model_validate(settings), httpx.MockTransport(unwell))
    source = TempoEvidence(client, "lab", 24, 5.0)
    if said:
        with pytest.raises(TemporaryError, match=said):
            await source.read(window, Focus(frozenset({CART})))
    else:
        assert (await source.read(window, Focus(frozenset({CART})))).spans is None
    await source.aclose()


async def test_jaeger_that_is_away(window: Window) -> None:
    settings = JaegerSettings.model_validate({"url": "http://127.0.0.1:9", "deadline_seconds": 0.2})
    source = JaegerEvidence(JaegerClient(settings), "lab", 24, 5.0)
    with pytest.raises(TemporaryError, match=r"Jaeger http://127\.0\.0\.1:9"):
        await source.read(window, Focus(frozenset({CART})))
    await source.aclose()


class Hanging(httpx.AsyncBaseTransport):
    """Takes the question and says nothing, unless it is about ``answered``."""

    def __init__(self, answered: str = "") -> None:
        self._answered = answered

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.params.get("service") != self._answered:
            await asyncio.Event().wait()
        return httpx.Response(200, json={"data": [_jaegers_trace(request.url.params["start"])]})


def _jaegers_trace(start: str) -> Json:
    span = {"spanID": "1", "operationName": "op", "startTime": int(start), "duration": 5, "processID": "p1"}
    return {"traceID": start, "spans": [span], "processes": {"p1": {"serviceName": "cart"}}}


async def test_a_store_that_hangs_is_a_sentence(window: Window) -> None:
    tempo = TempoClient(TempoSettings.model_validate({"url": "http://t", "deadline_seconds": 0.3}), Hanging("?"))
    jaeger = JaegerClient(JaegerSettings.model_validate({"url": "http://j", "deadline_seconds": 0.3}), Hanging("?"))
    sources = [TempoEvidence(tempo, "lab", 24, 0.2), JaegerEvidence(jaeger, "lab", 24, 0.2)]
    identity = Identity([CART])
    nothing = Gathered(Evidence(np.empty(0), 0.0, ()), identity)
    async with aclosing(Gatherer([], sources)) as gatherer:
        found = await gatherer.detail(window, nothing, frozenset({str(CART)}))
    assert found.spans is None
    assert sorted(sentence.split(":")[0] for sentence in found.missing) == ["jaeger", "tempo"]


async def test_a_jaeger_that_is_slow_is_heard_about_the_services_it_has_answered(window: Window) -> None:
    client = JaegerClient(JaegerSettings.model_validate({"url": "http://j", "most_queries": 64}), Hanging("cart"))
    source = JaegerEvidence(client, "lab", 24, 0.5)
    async with aclosing(source):
        found = await source.read(window, Focus(frozenset({CART, FRONT})))
    assert found.spans is not None
    assert found.spans.entities == ("lab//service/cart",)
    assert "jaeger: no answer within 0.5 s about 1 of 2 services" in found.missing
