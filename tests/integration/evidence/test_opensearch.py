"""The evidence of a real OpenSearch: its mappings, limits and errors, not those of a fake."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import httpx
import numpy as np
import pytest

from brain_common.clients.elasticsearch import ElasticsearchClient, Hit
from brain_common.entity import Entity, EntityKind
from brain_common.errors import PermanentError, TemporaryError
from brain_engine.logs.drain import DrainMiner
from brain_lab.servers.opensearch import OpenSearch
from brain_rca.evidence.elasticsearch import ElasticsearchEvidence, ElasticsearchSettings
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawCounts, RawEvidence
from tests.fakes.elasticsearch import FakeElasticsearch

pytestmark = pytest.mark.anyio
Document = dict[str, Any]
END = 1_700_003_600.0 // 15 * 15
WINDOW = Window(END - 3600, END - 1200, END, 15.0)
POD, OTHER_POD = "cart-6d5f8c7b9d-x2x9k", "front-6d5f8c7b9d-aaaaa"
CART = Entity("lab", "shop", EntityKind.SERVICE, "cart")
CART_POD = Entity("lab", "shop", EntityKind.POD, POD)
KEYWORD, NANOSECONDS = {"type": "keyword"}, {"type": "date_nanos"}


def iso(at: float, digits: str = "") -> str:
    """With milliseconds, and further digits."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%S}.{round(at * 1000) % 1000:03d}{digits}Z"


def fluent_bit(at: float, pod: str, level: str, text: str) -> Document:
    app = pod.split("-")[0]
    kubernetes = {"pod_name": pod, "namespace_name": "shop", "container_name": "main", "host": "node-1"}
    return {
        "@timestamp": iso(at),
        "log": text,
        "level": level,
        "stream": "stdout",
        "kubernetes": {**kubernetes, "labels": {"app": app}, "annotations": {"checksum/config": "1"}},
    }


def filebeat(at: float, pod: str, level: str, text: str) -> Document:
    kubernetes = {"pod": {"name": pod, "uid": "1"}, "namespace": "shop", "container": {"name": "main"}}
    return {
        "@timestamp": iso(at),
        "message": text,
        "log": {"level": level, "offset": 17, "file": {"path": "/var/log/containers/main.log"}},
        "kubernetes": {**kubernetes, "labels": {"app_kubernetes_io/name": pod.split("-")[0]}},
        "orchestrator": {"cluster": {"name": "lab"}},
    }


def resource(pod: str) -> Mapping[str, str]:
    names = {"k8s.pod.name": pod, "k8s.namespace.name": "shop", "k8s.cluster.name": "lab"}
    return {**names, "service.name": pod.split("-")[0]}


def collector_otel(at: float, pod: str, level: str, text: str) -> Document:
    """Of the Collector's exporter for Elasticsearch, as it does by default."""
    return {
        "@timestamp": f"{at * 1000:.6f}",
        "data_stream": {"type": "logs", "dataset": "generic.otel", "namespace": "default"},
        "resource": {"attributes": resource(pod)},
        "severity_text": level,
        "severity_number": {"info": 9, "error": 17}[level],
        "body": {"text": text},
    }


def collector_none(at: float, pod: str, level: str, text: str) -> Document:
    """Of the same in mode `none`."""
    of_resource = {f"Resource.{name}": value for name, value in resource(pod).items()}
    return {"@timestamp": iso(at, "000000"), **of_resource, "SeverityText": level, "Body": text}


def collector_ss4o(at: float, pod: str, level: str, text: str) -> Document:
    """Of the Collector's exporter for OpenSearch."""
    severity = {"text": level, "number": {"info": 9, "error": 17}[level]}
    return {"@timestamp": iso(at, "123456"), "resource": resource(pod), "severity": severity, "body": text}


Writer = Callable[[float, str, str, str], Document]
WRITERS: Sequence[Writer] = (fluent_bit, filebeat, collector_otel, collector_none, collector_ss4o)
OTEL_MAPPING = {"mappings": {"properties": {"@timestamp": {"type": "date_nanos", "format": "epoch_millis"}}}}


def ticks(count: int, every: float, writer: Writer = fluent_bit) -> list[Document]:
    """Lines of the pod from the start of the window on."""
    return [writer(WINDOW.baseline_start + 5 + every * number, POD, "info", "tick") for number in range(count)]


def mapping(**fields: Mapping[str, Any]) -> Document:
    return {"mappings": {"properties": fields}}


def settings_of(server: OpenSearch, index: str, **more: object) -> ElasticsearchSettings:
    return ElasticsearchSettings.model_validate({"url": server.url, "index": index, **more})


async def read(settings: ElasticsearchSettings, *entities: Entity) -> RawEvidence:
    async with aclosing(ElasticsearchEvidence(ElasticsearchClient(settings), settings, DrainMiner())) as source:
        return await source.read(WINDOW, Focus(frozenset(entities)))


async def search(server: OpenSearch, index: str, body: Mapping[str, Any]) -> list[Hit]:
    async with aclosing(ElasticsearchClient(settings_of(server, index))) as client:
        return await client.search(index, body)


def lines(found: RawEvidence) -> dict[str, float]:
    """How many lines there are of each template."""
    return {text: float(hits) for one in found.counts for text, hits in _totals(one)}


def _totals(counts: RawCounts) -> Iterator[tuple[str, float]]:
    return zip(counts.subjects, np.nansum(counts.hits, axis=1), strict=True)


@pytest.mark.parametrize("writer", WRITERS)
async def test_lines_of_the_focus_are_counted(opensearch: OpenSearch, index_prefix: str, writer: Writer) -> None:
    index = f"{index_prefix}logs"
    if writer is collector_otel:  # it brings its own mapping
        opensearch.create_index(index, OTEL_MAPPING)
    usual = [(WINDOW.baseline_start + 5 + 10 * number, f"order {number} accepted") for number in range(350)]
    opensearch.write(index, [writer(at, POD, "info", text) for at, text in usual])
    opensearch.write(index, [writer(END - 600, POD, "error", "card 17 refused")])
    opensearch.write(index, [writer(END - 600, OTHER_POD, "error", "somebody else's trouble")])

    found = await read(settings_of(opensearch, index), CART)

    assert found.missing == []
    errors, others = found.counts
    assert (errors.signal.name, others.signal.name) == ("log_errors", "log_templates")
    assert set(errors.entities) == set(others.entities) == {CART}
    assert lines(found) == {"card <*> refused": 1, "order <*> accepted": 350}


@pytest.mark.parametrize("name", ["body.structured", "Body"])
async def test_a_body_with_fields_of_its_own(opensearch: OpenSearch, index_prefix: str, name: str) -> None:
    document = collector_none(END - 600, POD, "error", "")
    del document["Body"]
    own = {f"{name}.message": "card 17 refused", f"{name}.amount": 12.5, f"{name}.request": {"id": "4711"}}
    opensearch.write(f"{index_prefix}logs", [document | own])
    found = await read(settings_of(opensearch, f"{index_prefix}*"), CART)
    assert (found.missing, lines(found)) == ([], {"card <*> refused": 1})


async def test_pods_are_told_apart(opensearch: OpenSearch, index_prefix: str) -> None:
    twin = POD.replace("x2x9k", "zzzzz")
    opensearch.write(f"{index_prefix}logs", [fluent_bit(END - 600, pod, "info", "hello") for pod in (POD, twin, twin)])
    for entity, count in ((CART_POD, 1), (CART, 3)):
        found = await read(settings_of(opensearch, f"{index_prefix}*"), entity)
        assert (found.missing, lines(found)) == ([], {"hello": count})


async def test_more_lines_than_are_taken(opensearch: OpenSearch, index_prefix: str) -> None:
    opensearch.write(f"{index_prefix}logs", ticks(6000, 0.3))
    found = await read(settings_of(opensearch, f"{index_prefix}*", most_lines=500), CART)
    assert any("more lines than are read at once" in sentence for sentence in found.missing)
    [counts] = found.counts
    assert np.nanmax(counts.hits) == pytest.approx(50, abs=2)
    assert np.isnan(counts.hits).any()


def elsewhere(document: Document) -> Document:
    return document | {"kubernetes": document["kubernetes"] | {"namespace_name": "staging"}}


async def test_another_namespace_takes_nobodys_place(opensearch: OpenSearch, index_prefix: str) -> None:
    flood = [elsewhere(one) for one in ticks(6000, 0.3)]
    opensearch.write(f"{index_prefix}logs", [*flood, *ticks(60, 60.0)])
    found = await read(settings_of(opensearch, f"{index_prefix}*", most_lines=500), CART)
    assert (found.missing, lines(found)) == ([], {"tick": 60})


async def test_a_namespace_that_is_not_told_may_be_the_right_one(opensearch: OpenSearch, index_prefix: str) -> None:
    said = ticks(60, 60.0)
    for one in said:
        del one["kubernetes"]["namespace_name"]
    opensearch.write(f"{index_prefix}logs", said)
    found = await read(settings_of(opensearch, f"{index_prefix}*"), CART)
    assert (found.missing, lines(found)) == ([], {"tick": 60})


async def test_others_lines_make_no_flood_of_the_few_that_are_looked_for(
    opensearch: OpenSearch, index_prefix: str
) -> None:
    """Where nothing parts them in a search, the time up to which both were read still is known."""
    steady = [fluent_bit(WINDOW.baseline_start + 5 + 5 * number, POD, "info", "tick") for number in range(720)]
    flood = [elsewhere(fluent_bit(END - 1800 + 0.02 * number, POD, "info", "x")) for number in range(6000)]
    opensearch.write(f"{index_prefix}logs", [*steady, *flood])
    node = Entity("lab", "", EntityKind.SERVICE, "of-no-namespace")
    found = await read(settings_of(opensearch, f"{index_prefix}*", most_lines=700), CART, node)
    [counts] = found.counts
    assert np.nanmax(counts.hits) == pytest.approx(3, abs=1)  # in a step of 15 seconds


async def test_odd_names_and_texts(opensearch: OpenSearch, index_prefix: str) -> None:
    names = ['odd.(na|me)+"\\', "ünïcode*?", "x" * 250, "<b>&amp;</b>", "{}", "null"]
    texts = ["\x00\x1b[31mred", "\ud800 half of a pair", "é" * 40_000, "", "\u202e\u2028", '{"message": ' + "[" * 3000]
    opensearch.write(
        f"{index_prefix}logs",
        [{"@timestamp": iso(END - 600), "service": {"name": name}, "message": f"this is {name}"} for name in names]
        + [fluent_bit(END - 600 + number, POD, "error", text) for number, text in enumerate(texts)],
    )
    strange = [Entity("", "", EntityKind.SERVICE, name) for name in names]
    found = await read(settings_of(opensearch, f"{index_prefix}*"), CART, *strange)
    assert found.missing == []
    seen = {entity for one in found.counts for entity in one.entities}
    assert seen == {CART, *strange}
    for one in found.counts:
        assert all(len(subject) <= 300 for subject in one.subjects)


async def test_times_of_all_kinds_are_in_one_order(opensearch: OpenSearch, index_prefix: str) -> None:
    """Milliseconds as numbers, and text with nanoseconds that is mapped to milliseconds or to nanoseconds."""
    opensearch.create_index(f"{index_prefix}nanoseconds", mapping(**{"@timestamp": NANOSECONDS}))
    said = [fluent_bit(WINDOW.baseline_start + 10 + number, POD, "info", "tick") for number in range(300)]
    for number, one in enumerate(said):
        at = WINDOW.baseline_start + 10 + number
        one["@timestamp"] = iso(at, "123456") if number % 3 else round(at * 1000)
    for first, kind in enumerate(("numbers", "text", "nanoseconds")):
        opensearch.write(f"{index_prefix}{kind}", said[first::3])
    every = await read(settings_of(opensearch, f"{index_prefix}*"), CART)
    assert (every.missing, lines(every)) == ([], {"tick": 300})
    some = await read(settings_of(opensearch, f"{index_prefix}*", most_lines=150), CART)
    [counts] = some.counts
    np.testing.assert_array_equal(counts.hits[0, :10], [5, *[15] * 9])


async def test_indices_of_all_kinds_at_once(opensearch: OpenSearch, index_prefix: str) -> None:
    keywords = mapping(kubernetes={"properties": {"pod_name": KEYWORD}})
    opensearch.create_index(f"{index_prefix}keyword", keywords)
    opensearch.create_index(f"{index_prefix}empty")
    opensearch.write(f"{index_prefix}timeless", [{"log": "when was it?", "kubernetes": {"pod_name": POD}}])
    app = {"kubernetes": {"io/name": "cart"}}  # of the label app.kubernetes.io/name, an object where others have a text
    clash = fluent_bit(END - 600, POD, "info", "met inside object") | {
        "kubernetes": {"pod_name": "x", "labels": {"app": app}}
    }
    opensearch.write(f"{index_prefix}object", [clash])
    for kind, text in (("text", "found in text"), ("keyword", "searched through keyword"), ("closed", "not at all")):
        opensearch.write(f"{index_prefix}{kind}", [fluent_bit(END - 600, POD, "info", text)])
    opensearch.ask("POST", f"/{index_prefix}closed/_close")

    names = f"{index_prefix}*,{index_prefix}closed,{index_prefix}tomorrow,nowhere-*"
    found = await read(settings_of(opensearch, names), CART)

    assert found.missing == []
    assert lines(found) == {"found in text": 1, "searched through keyword": 1, "met inside object": 1}


async def test_data_streams(opensearch: OpenSearch, index_prefix: str) -> None:
    name = f"{index_prefix}stream"
    template = {"index_patterns": [f"{name}*"], "data_stream": {}, "priority": 500}
    opensearch.ask("PUT", f"/_index_template/{name}", json.dumps(template))
    opensearch.write(name, [fluent_bit(END - 600, POD, "info", "one")])
    opensearch.ask("POST", f"/{name}/_rollover")
    opensearch.write(name, [fluent_bit(END - 500, POD, "info", "one")])
    found = await read(settings_of(opensearch, f"{index_prefix}*"), CART)
    opensearch.ask("DELETE", f"/_data_stream/{name}")
    opensearch.ask("DELETE", f"/_index_template/{name}")
    assert (found.missing, lines(found)) == ([], {"one": 2})


async def test_without_any_index_it_says_so(opensearch: OpenSearch, index_prefix: str) -> None:
    opensearch.create_index(f"{index_prefix}closed")
    opensearch.ask("POST", f"/{index_prefix}closed/_close")
    for name in (f"{index_prefix}*", f"{index_prefix}closed", f"{index_prefix}nowhere"):
        with pytest.raises(TemporaryError, match="no open index is called"):
            await read(settings_of(opensearch, name), CART)


async def test_an_index_that_cannot_be_searched_is_named_and_can_be_left_out(
    opensearch: OpenSearch, index_prefix: str
) -> None:
    opensearch.create_index(f"{index_prefix}odd", mapping(**{"@timestamp": KEYWORD}))
    opensearch.write(f"{index_prefix}good", ticks(10, 1.0))
    with pytest.raises(TemporaryError) as refused:
        await read(settings_of(opensearch, f"{index_prefix}*"), CART)
    assert f"1 of 2 shards did not answer: index {index_prefix}odd: " in str(refused.value)
    assert "got keyword" in str(refused.value)
    without = await read(settings_of(opensearch, f"{index_prefix}*,-{index_prefix}odd"), CART)
    assert (without.missing, lines(without)) == ([], {"tick": 10})


async def test_a_shard_that_no_node_holds_is_no_silence(opensearch: OpenSearch, index_prefix: str) -> None:
    lost = {"settings": {"index.routing.allocation.require._name": "nowhere"}}
    opensearch.ask("PUT", f"/{index_prefix}lost?wait_for_active_shards=0", json.dumps(lost))
    opensearch.write(f"{index_prefix}good", ticks(10, 1.0))
    with pytest.raises(TemporaryError, match="1 of 2 shards did not answer: no node holds them"):
        await read(settings_of(opensearch, f"{index_prefix}*"), CART)


@pytest.mark.parametrize(
    ("index", "body", "said"),
    [
        ("_bad", {}, r"answered 400: Invalid index name \[_bad\], must not start with '_'\.$"),
        ("a,,b", {}, r"/a,,b/_search answered 404: no such index \[\]$"),
        ("logs", {"size": 20_000}, r"answered 400: Result window is too large, from \+ size must be"),
        ("logs", {"query": {"no": {"such": "query"}}}, r"answered 400: unknown query \[no\]( did you mean .*)?$"),
        ("logs", {"sort": [{"log": "asc"}]}, r"answered 400: Text fields are not optimised"),
    ],
)
async def test_what_is_refused_is_said_in_its_words(
    opensearch: OpenSearch, index_prefix: str, index: str, body: Document, said: str
) -> None:
    opensearch.write(f"{index_prefix}logs", ticks(1, 1.0))
    with pytest.raises(PermanentError, match=said):
        await search(opensearch, f"{index_prefix}logs" if index == "logs" else index, body)


async def test_the_reason_is_found_in_an_error_that_is_long(opensearch: OpenSearch, index_prefix: str) -> None:
    for number in range(8):  # each has a paragraph of its own in the error
        opensearch.write(f"{index_prefix}{number}-{'x' * 150}", ticks(1, 1.0))
    with pytest.raises(PermanentError, match="answered 400: Text fields are not optimised for operations"):
        await search(opensearch, f"{index_prefix}*", {"sort": [{"log": "asc"}]})


class Recorded(httpx.AsyncHTTPTransport):
    """Keeps how answers were encoded."""

    def __init__(self) -> None:
        super().__init__()
        self.encodings: list[str | None] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.encodings.append(response.headers.get("Content-Encoding"))
        return response


async def test_answers_are_compressed(opensearch: OpenSearch, index_prefix: str) -> None:
    opensearch.write(f"{index_prefix}logs", ticks(2000, 1.0))
    transport, settings = Recorded(), settings_of(opensearch, f"{index_prefix}*")
    async with aclosing(ElasticsearchClient(settings, transport)) as client:
        hits = await client.search(settings.index, {"size": 2000})
    assert len(hits) == 2000
    assert transport.encodings == ["gzip"]


async def test_an_answer_that_is_too_large_after_decompression(opensearch: OpenSearch, index_prefix: str) -> None:
    opensearch.write(f"{index_prefix}logs", ticks(2000, 1.0))
    found = await read(settings_of(opensearch, f"{index_prefix}*", most_bytes=10_000), CART)
    assert any("larger than most_bytes" in sentence for sentence in found.missing)


async def test_hundreds_of_names_in_an_index_that_knows_all_fields(opensearch: OpenSearch, index_prefix: str) -> None:
    pods = [f"svc{number}-6d5f8c7b9d-x2x9k" for number in range(200)]
    said = [writer(END - 600, pod, "error", "down") for pod in pods for writer in WRITERS[2:4]]
    for document in said:
        document["@timestamp"] = iso(END - 600)
    every = ticks(1, 1.0, filebeat)[0] | {"resource": {"k8s": {"pod": {"name": POD}}}, "k8s": {"pod": {"name": POD}}}
    every["kubernetes"]["pod_name"] = POD
    opensearch.write(f"{index_prefix}logs", [every, *said])
    focus = [Entity("lab", "shop", EntityKind.SERVICE, f"svc{number}") for number in range(200)]
    found = await read(settings_of(opensearch, f"{index_prefix}*"), *focus)
    assert found.missing == []
    [counts] = found.counts
    assert set(counts.entities) == set(focus)
    assert np.nansum(counts.hits) == 400


async def test_the_fake_answers_alike(opensearch: OpenSearch, index_prefix: str) -> None:
    """Tests that need no server rely on it."""
    opensearch.create_index(f"{index_prefix}logs", mapping(**{"@timestamp": {"type": "date"}}))
    said = [*ticks(150, 1.0), *ticks(150, 1.0, collector_none), fluent_bit(0.0, OTHER_POD, "error", "not asked for")]
    for number, one in enumerate(said):
        one["@timestamp"] = round(WINDOW.baseline_start * 1000) + 2_500 * number
    opensearch.write(f"{index_prefix}logs", said)
    settings = settings_of(opensearch, f"{index_prefix}logs", most_lines=100)
    real = await spans(settings, httpx.AsyncHTTPTransport())
    fake = await spans(settings, httpx.MockTransport(FakeElasticsearch(said)))
    assert real == fake
    assert sorted(map(len, real))[-4:] == [0, 60, 100, 100]  # of 120 in a span, as many as are taken


async def spans(settings: ElasticsearchSettings, transport: httpx.AsyncBaseTransport) -> list[list[Hit]]:
    """All that is found by the questions of a reading."""
    kept = Kept(ElasticsearchClient(settings, transport))
    async with aclosing(ElasticsearchEvidence(kept, settings, DrainMiner())) as source:
        await source.read(WINDOW, Focus(frozenset({CART, CART_POD})))
    return kept.found


class Kept:
    """Keeps what is found, in the order of the questions."""

    def __init__(self, client: ElasticsearchClient) -> None:
        self._client = client
        self._found: dict[str, list[Hit]] = {}

    async def search(self, index: str, body: Mapping[str, Any]) -> list[Hit]:
        hits = self._found[json.dumps(body)] = await self._client.search(index, body)
        return hits

    async def aclose(self) -> None:
        await self._client.aclose()

    @property
    def found(self) -> list[list[Hit]]:
        return [self._found[question] for question in sorted(self._found)]
