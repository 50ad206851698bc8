"""Damaged answers of Tempo and Jaeger: spans are left out, or the source says so; nothing absurd is handed on."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_common.clients.jaeger import JaegerClient, JaegerSettings
from brain_common.clients.tempo import TempoClient, TempoSettings
from brain_common.entity import Entity, EntityKind
from brain_common.errors import BrainError
from brain_rca.evidence.protocol import Focus, PartSource, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.evidence.traces.jaeger import JaegerEvidence
from brain_rca.evidence.traces.otlp import spans_of
from brain_rca.evidence.traces.tempo import TempoEvidence

Json = Any
Path = tuple[str | int, ...]
WINDOW = Window(1_700_000_000.0, 1_700_002_400.0, 1_700_003_600.0, 15.0)
FOCUS = Focus(frozenset({Entity("lab", "", EntityKind.SERVICE, "cart")}))
AT = 1_700_003_000
DAY = 86400.0
of_both = pytest.mark.parametrize("kind", ["tempo", "jaeger"])


def otlp() -> Json:
    attributes = [
        {"key": "service.name", "value": {"stringValue": "cart"}},
        {"key": "k8s.cluster.name", "value": {"stringValue": "lab"}},
    ]
    spans = [
        {
            "traceId": "AAAAAAAAAAAAAAAAAAAAAQ==",
            "spanId": f"{number:016x}",
            "parentSpanId": f"{number - 1:016x}",
            "name": "GET /cart",
            "kind": "SPAN_KIND_SERVER",
            "startTimeUnixNano": f"{AT}000000000",
            "endTimeUnixNano": (AT + 1) * 10**9,
            "attributes": [{"key": "db.system", "value": {"stringValue": "redis"}}],
            "status": {"code": "STATUS_CODE_ERROR"},
        }
        for number in (1, 2, 3)
    ]
    return {"batches": [{"resource": {"attributes": attributes}, "scopeSpans": [{"scope": {}, "spans": spans}]}]}


def jaeger() -> Json:
    spans = [
        {
            "traceID": "1",
            "spanID": f"{number:x}",
            "operationName": "GET /cart",
            "references": [{"refType": "CHILD_OF", "traceID": "1", "spanID": f"{number - 1:x}"}],
            "startTime": AT * 10**6,
            "duration": 10**6,
            "tags": [{"key": "error", "type": "bool", "value": True}, {"key": "db.system", "value": "redis"}],
            "processID": "p1",
        }
        for number in (1, 2, 3)
    ]
    tags = [{"key": "k8s.cluster.name", "value": "lab"}]
    return {
        "data": [{"traceID": "1", "spans": spans, "processes": {"p1": {"serviceName": "cart", "tags": tags}}}],
        "errors": None,
    }


WHOLE = {"tempo": otlp, "jaeger": jaeger}
SPANS: dict[str, Path] = {"tempo": ("batches", 0, "scopeSpans", 0, "spans"), "jaeger": ("data", 0, "spans")}
ID = {"tempo": "spanId", "jaeger": "spanID"}
START = {"tempo": "startTimeUnixNano", "jaeger": "startTime"}


def source(kind: str, body: bytes, found: bytes = b'{"traces": [{"traceID": "1", "durationMs": 9}]}') -> PartSource:
    """One whose server answers every question with ``body``; the search of Tempo with ``found``."""
    given = {"url": "http://server", "deadline_seconds": 0.1}

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=found if request.url.path == "/api/search" else body)

    transport = httpx.MockTransport(answer)
    if kind == "tempo":
        return TempoEvidence(TempoClient(TempoSettings.model_validate(given), transport), "lab", 240, 30.0)
    return JaegerEvidence(JaegerClient(JaegerSettings.model_validate(given), transport), "lab", 240, 30.0)


def read(one: PartSource) -> RawEvidence | str:
    """What it hands over, held to what the engine relies on; words where it says that it cannot."""

    async def run() -> RawEvidence:
        try:
            return await one.read(WINDOW, FOCUS)
        finally:
            await one.aclose()

    try:
        evidence = asyncio.run(run())
    except BrainError as error:
        return str(error)
    assert all(len(sentence) < 1000 for sentence in evidence.missing)
    if evidence.spans is not None:
        _check(evidence)
    return evidence


def _check(evidence: RawEvidence) -> None:
    spans = evidence.spans
    assert spans is not None
    count = len(spans.start)
    assert np.isfinite(spans.start).all()
    assert np.isfinite(spans.end).all()
    assert (spans.start >= WINDOW.baseline_start - DAY).all()
    assert (spans.end <= WINDOW.end + DAY).all()
    assert (spans.end >= spans.start).all()
    assert ((spans.parent >= -1) & (spans.parent < count)).all()
    assert (spans.parent != np.arange(count)).all()
    assert all(len(Entity.parse(name).name) <= 200 for name in spans.entities)
    assert all(len(name) <= 1000 for name in (*spans.entities, *spans.operations))


ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 1 << 63, 1 << 64, 10**400, -(10**19), 1e308, -1.5, 1.7e18, "", "0" * 16, "x" * 5000])
    | st.floats()
    | st.text(max_size=20)
    | st.integers().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def paths(value: Json, path: Path = ()) -> Iterator[Path]:
    yield path
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from paths(inner, (*path, key))


def changed(whole: Json, path: Path, value: Json) -> Json:
    """A copy with another value at a place."""
    if not path:
        return value
    made = copy.deepcopy(whole)
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return made


@st.composite
def wrong(draw: st.DrawFn, kind: str) -> Json:
    """A good answer in which one to three places hold something else."""
    made = WHOLE[kind]()
    for _ in range(draw(st.integers(1, 3))):
        made = changed(made, draw(st.sampled_from(list(paths(made)))), draw(ODD))
    return made


@of_both
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_stands_at_any_place_is_left_out_or_said(kind: str, data: st.DataObject) -> None:
    read(source(kind, json.dumps(data.draw(wrong(kind))).encode()))


@of_both
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_answers_that_are_cut_or_hold_odd_bytes(kind: str, data: st.DataObject) -> None:
    body = json.dumps(WHOLE[kind]()).encode()
    at = data.draw(st.integers(0, len(body)))
    odd = data.draw(st.binary(max_size=8))
    keep = data.draw(st.booleans())
    read(source(kind, body[:at] + odd + (body[at:] if keep else b"")))


@of_both
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_damaged_span_costs_no_other(kind: str, data: st.DataObject) -> None:
    """Whatever stands in its place, or in one of its fields."""
    whole = WHOLE[kind]()
    span = (*SPANS[kind], 1)
    inside = [path for path in paths(whole) if path[: len(span)] == span]
    found = read(source(kind, json.dumps(changed(whole, data.draw(st.sampled_from(inside)), data.draw(ODD))).encode()))
    if isinstance(found, str) or found.spans is None:  # NaN and infinity are no JSON: the whole answer is none
        assert "no OTLP" in str(found) or "holds no traces" in str(found)
        return
    assert len(found.spans.start) in (2, 3)
    assert len(found.spans.start) == 3 or any("damaged" in sentence for sentence in found.missing)


@of_both
@pytest.mark.parametrize("name", ["", "0" * 16, "x" * 65, None, 7, ["1"], {}])
def test_a_span_without_a_proper_id_is_left_out_and_counted(kind: str, name: Json) -> None:
    found = read(source(kind, json.dumps(changed(WHOLE[kind](), (*SPANS[kind], 1, ID[kind]), name)).encode()))
    assert not isinstance(found, str)
    assert found.spans is not None
    assert len(found.spans.start) == 2
    assert found.missing == [f"{kind}: 1 spans are damaged or have impossible times and were left out"]


@of_both
@pytest.mark.parametrize(
    "at", [0, -1, 1, 10**15 * 9, 10**400, "", "soon", "-5", "９", None, 1.5, (AT + 3 * 86400) * 10**6]
)
def test_a_span_of_an_impossible_time_is_left_out_and_counted(kind: str, at: Json) -> None:
    found = read(source(kind, json.dumps(changed(WHOLE[kind](), (*SPANS[kind], 1, START[kind]), at)).encode()))
    assert not isinstance(found, str)
    assert found.spans is not None
    assert len(found.spans.start) == 2
    assert found.missing == [f"{kind}: 1 spans are damaged or have impossible times and were left out"]


@of_both
def test_ids_of_another_length_still_join_a_trace(kind: str) -> None:
    whole = changed(WHOLE[kind](), (*SPANS[kind], 0, ID[kind]), "abc")
    parent = "parentSpanId" if kind == "tempo" else "references"
    named = "abc" if kind == "tempo" else [{"refType": "CHILD_OF", "spanID": "abc"}]
    found = read(source(kind, json.dumps(changed(whole, (*SPANS[kind], 1, parent), named)).encode()))
    assert not isinstance(found, str)
    assert found.spans is not None
    assert sorted(found.spans.parent.tolist()).count(-1) == 1


@of_both
@pytest.mark.parametrize(
    "body", [b"", b"[" * 200_000, b"{" * 200_000, b'{"data":' * 50_000, b"\xff\xfe", b"NaN", b"null"]
)
def test_what_is_no_answer_at_all_is_said(kind: str, body: bytes) -> None:
    assert isinstance(read(source(kind, body)), str) or kind == "tempo"


@of_both
def test_nesting_within_a_span_costs_this_span_only(kind: str) -> None:
    deep = json.dumps(changed(WHOLE[kind](), (*SPANS[kind], 1, "tags" if kind == "jaeger" else "attributes"), "DEEP"))
    found = read(source(kind, deep.replace('"DEEP"', "[" * 900 + "]" * 900).encode()))
    assert not isinstance(found, str)
    assert found.spans is not None
    assert len(found.spans.start) == 2


@of_both
def test_names_that_are_no_utf_8_are_read_with_what_can_be_read(kind: str) -> None:
    body = json.dumps(WHOLE[kind]()).encode().replace(b"GET /cart", b"GET /\xff\xed\xa0\x80", 1)
    found = read(source(kind, body))
    assert not isinstance(found, str)
    assert found.spans is not None
    assert len(found.spans.start) == 3
    assert any(name.startswith("GET /\ufffd") for name in found.spans.operations)


@settings(max_examples=100, deadline=None)
@given(length=ODD, name=ODD)
def test_a_search_of_tempo_with_odd_lengths_and_names(length: Json, name: Json) -> None:
    found = json.dumps({"traces": [{"traceID": "1", "durationMs": length}, {"traceID": name}]}).encode()
    read(source("tempo", json.dumps(otlp()).encode(), found))


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200) | st.text().map(str.encode))
def test_any_bytes_are_spans_or_a_brain_error(body: bytes) -> None:
    with contextlib.suppress(BrainError):
        assert spans_of(body, "t", "lab").rows == []
