"""The Prometheus client against servers that behave, and against all others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain_common.clients.prometheus import Matrix, PrometheusClient, PrometheusSettings
from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import Window
from tests.integration.evidence.loopback import (
    COUNT,
    START,
    STEP,
    Answer,
    Loopback,
    Request,
    endless,
    listening,
    matrix,
    packed,
    plain,
    refusal,
    trickling,
)

pytestmark = pytest.mark.anyio

GOOD = matrix(({"service": "a"}, ["1", "2.5", "NaN", "4e-3"]))


def client(url: str, **more: Any) -> PrometheusClient:
    return PrometheusClient(PrometheusSettings.model_validate({"url": url, "deadline_seconds": 5.0, **more}))


async def ask(answer: Callable[[Request, int], Answer], **more: Any) -> tuple[Matrix, Loopback]:
    async with listening(answer) as server, aclosing(client(server.url, **more)) as one:
        return await one.query_range("up", START, START + STEP * (COUNT - 1), STEP), server


async def refused(answer: Callable[[Request, int], Answer], kind: type[BrainError], **more: Any) -> str:
    with pytest.raises(kind) as caught:
        await ask(answer, **more)
    return str(caught.value)


async def test_one_series() -> None:
    found, server = await ask(lambda *_: plain(GOOD))
    assert found.labels == [{"service": "a"}]
    np.testing.assert_array_equal(found.values, [[1.0, 2.5, np.nan, 0.004]])
    np.testing.assert_array_equal(found.times, START + STEP * np.arange(COUNT))
    [request] = server.requests
    assert request.path == "/api/v1/query_range"
    assert request.form == {
        "query": "up",
        "start": f"{START:.3f}",
        "end": f"{START + STEP * 3:.3f}",
        "step": "15",
        "timeout": "10s",
    }


async def test_a_path_prefix_is_kept() -> None:
    async with (
        listening(lambda *_: plain(GOOD)) as server,
        aclosing(client(f"{server.url}/tenant/prometheus/")) as one,
    ):
        await one.query_range("up", START, START, STEP)
    assert server.requests[0].path == "/tenant/prometheus/api/v1/query_range"


@pytest.mark.parametrize(
    ("settings_", "form"),
    [
        ({}, {}),
        ({"dedup": True, "partial_response": False}, {"dedup": "true", "partial_response": "false"}),
        ({"dedup": False, "partial_response": True}, {"dedup": "false", "partial_response": "true"}),
    ],
)
async def test_thanos_parameters_are_sent_only_when_given(settings_: dict[str, Any], form: dict[str, str]) -> None:
    _, server = await ask(lambda *_: plain(GOOD), **settings_)
    sent = server.requests[0].form
    assert {name: sent[name] for name in ("dedup", "partial_response") if name in sent} == form


async def test_mimir_tenant_and_credentials_are_sent(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    _, server = await ask(
        lambda *_: plain(GOOD),
        headers={"X-Scope-OrgID": "team-a|team-b"},
        bearer={"token_file": str(tmp_path / "token")},
    )
    assert server.requests[0].headers["x-scope-orgid"] == "team-a|team-b"
    assert server.requests[0].headers["authorization"] == "Bearer from-a-file"


async def test_a_rotated_token_is_read_anew(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first")
    async with (
        listening(lambda *_: plain(GOOD)) as server,
        aclosing(client(server.url, bearer={"token_file": str(token)})) as one,
    ):
        await one.query_range("up", START, START, STEP)
        token.write_text("second")
        await one.query_range("up", START, START, STEP)
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]


async def test_basic_auth_is_sent() -> None:
    _, server = await ask(lambda *_: plain(GOOD), basic_auth={"username": "brain", "password": "pässword"})
    assert server.requests[0].headers["authorization"] == "Basic YnJhaW46cMOkc3N3b3Jk"


async def test_500_then_ok() -> None:
    found, server = await ask(lambda _, n: plain(b"oops", 500) if n == 0 else plain(GOOD))
    assert len(found.labels) == 1
    assert len(server.requests) == 2


async def test_429_says_when_and_is_tried_again() -> None:
    _, server = await ask(lambda _, n: plain(b"", 429, {"Retry-After": "0"}) if n < 2 else plain(GOOD))
    assert len(server.requests) == 3


async def test_a_connection_that_breaks_is_tried_again() -> None:
    async def slam(writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    found, server = await ask(lambda _, n: slam if n == 0 else plain(GOOD))
    assert len(found.labels) == 1
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 302])
async def test_what_no_repetition_mends_is_not_repeated(status: int) -> None:
    asked = []

    def answer(request: Request, n: int) -> Answer:
        asked.append(n)
        return plain(refusal("many-to-many matching not allowed"), status, {"Location": "http://127.0.0.1:1/"})

    text = await refused(answer, PermanentError)
    assert f"answered {status}" in text
    assert "many-to-many matching not allowed" in text
    assert asked == [0]


async def test_an_html_error_of_a_proxy_is_told() -> None:
    assert "Bad <b>Gateway" in await refused(
        lambda *_: plain(b"<html>Bad\n <b>Gateway", 502), TemporaryError, deadline_seconds=0.3
    )


async def test_nobody_listens() -> None:
    async with listening(lambda *_: plain(b"")) as server:
        pass
    async with aclosing(client(server.url, deadline_seconds=0.3)) as one:
        with pytest.raises(TemporaryError, match="127"):
            await one.query_range("up", START, START, STEP)


async def test_an_endless_answer_is_cut_off() -> None:
    assert "larger than most_bytes (100000)" in await refused(lambda *_: endless(), PermanentError, most_bytes=100_000)


async def test_a_small_answer_that_unpacks_into_a_large_one_is_cut_off() -> None:
    bomb = b" " * 30_000_000 + GOOD
    assert "larger than most_bytes" in await refused(lambda *_: packed(bomb), PermanentError, most_bytes=1_000_000)


async def test_compressed_answers_are_read() -> None:
    found, server = await ask(lambda *_: packed(GOOD), compress=True)
    assert found.labels == [{"service": "a"}]
    assert "gzip" in server.requests[0].headers["accept-encoding"]


async def test_a_body_that_is_not_what_its_encoding_says() -> None:
    text = await refused(lambda *_: plain(b"not gzip at all", 200, {"Content-Encoding": "gzip"}), PermanentError)
    assert "127.0.0.1" in text


async def test_many_series_without_samples_take_no_memory() -> None:
    many, steps = matrix(*(({"n": str(n)}, []) for n in range(3000))), 1000
    async with listening(lambda *_: plain(many)) as server, aclosing(client(server.url, most_bytes=len(many))) as one:
        with pytest.raises(PermanentError, match="3000 series"):
            await one.query_range("up", START, START + STEP * steps, STEP)


async def test_a_server_that_trickles_is_given_up_after_the_time_of_a_request() -> None:
    async def pause() -> None:
        await asyncio.sleep(0.02)

    text = await refused(
        lambda *_: trickling(GOOD * 100, pause), TemporaryError, timeout_seconds=0.2, deadline_seconds=0.3
    )
    assert "no answer within 0.2 s" in text


async def test_a_slow_server_within_the_deadline_is_waited_for() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.3)
        await plain(GOOD)(writer)

    found, server = await ask(lambda *_: slow, timeout_seconds=3.0)
    assert len(found.labels) == len(server.requests) == 1


async def test_waiting_for_a_turn_is_not_counted_against_the_deadline() -> None:
    async def slow(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.1)
        await plain(GOOD)(writer)

    async with (
        listening(lambda *_: slow) as server,
        aclosing(client(server.url, most_queries=1, deadline_seconds=0.4)) as one,
    ):
        found = await asyncio.gather(*(one.query_range("up", START, START, STEP) for _ in range(8)))
    assert len(found) == 8


async def test_no_more_queries_at_once_than_allowed() -> None:
    running, most = 0, 0

    async def slow(writer: asyncio.StreamWriter) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.02)
        running -= 1
        await plain(GOOD)(writer)

    async with listening(lambda *_: slow) as server, aclosing(client(server.url, most_queries=3)) as one:
        await asyncio.gather(*(one.query_range("up", START, START, STEP) for _ in range(12)))
    assert most == 3


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"null",
        b"[]",
        b"{}",
        b'{"status": "success"}',
        b'{"status": "error", "error": "timed out"}',
        b'{"status": "success", "data": {"resultType": "vector", "result": []}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": {}}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "abc"]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "2", 3]]}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": {"a": "b"}}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {"a": 1}, "values": []}]}}',
        b'{"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": [["x", "y"]]}]}}',
        b'{"status": "\xff"}',
        b'{"x": ' + b"[" * 100_000,
        GOOD[:-10],
    ],
)
async def test_garbage_is_told_and_nothing_worse(body: bytes) -> None:
    assert "Prometheus" in await refused(lambda *_: plain(body), BrainError)


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([], [np.nan] * 4),
        ([[START, "+Inf"], [START + STEP, "-Inf"], [START + 2 * STEP, "1e300"]], [np.nan, np.nan, 1e300, np.nan]),
        ([[START - STEP, "9"], [START + 99 * STEP, "9"], [START, "-0.5"]], [-0.5, np.nan, np.nan, np.nan]),
        ([[START + 0.001, "1"], [START + STEP - 0.001, "2"]], [1, 2, np.nan, np.nan]),
        ([[-1e300, "1"], [1e300, "2"]], [np.nan] * 4),
    ],
)
async def test_odd_samples(pairs: list[Any], expected: list[float]) -> None:
    result = [{"metric": {}, "values": pairs}, {"metric": {"native": "histogram"}, "histograms": [[1, {}]]}]
    body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
    found, _ = await ask(lambda *_: plain(body))
    np.testing.assert_array_equal(found.values, [expected, [np.nan] * 4])


async def test_warnings_are_handed_on_and_bounded() -> None:
    found, _ = await ask(lambda *_: plain(matrix(warnings=["store sidecar-1 is\naway " + "x" * 500] * 50)))
    assert len(found.warnings) == 10
    assert found.warnings[0].startswith("store sidecar-1 is away")
    assert len(found.warnings[0]) <= 300


async def test_no_secret_in_any_message(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2-hunter2")
    more: dict[str, Any] = {
        "headers": {"X-Api-Key": "key-of-the-tenant"},
        "basic_auth": {"username": "brain", "password_file": str(tmp_path / "password")},
    }
    said = "no: hunter2-hunter2, key-of-the-tenant, YnJhaW46aHVudGVyMi1odW50ZXIy"
    for status in (401, 500):
        text = await refused(
            lambda *_, status=status: plain(refusal(said), status), BrainError, deadline_seconds=0.3, **more
        )
        assert "no: ***, ***, ***" in text
    found, _ = await ask(lambda *_: plain(matrix(warnings=[said])), **more)
    assert found.warnings == ("no: ***, ***, ***",)


BODIES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    ).map(
        lambda value: json.dumps(
            {"status": "success", "data": {"resultType": "matrix", "result": [{"metric": {}, "values": value}]}}
        ).encode()
    ),
)


@given(body=BODIES)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_answer_gives_numbers_or_a_brain_error(body: bytes) -> None:
    async def run() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
        configured = PrometheusSettings.model_validate({"url": "http://prometheus", "deadline_seconds": 1})
        async with aclosing(PrometheusClient(configured, transport)) as one:
            try:
                found = await one.query_range("up", START, START + STEP * 3, STEP)
            except BrainError:
                return
            assert found.values.shape == (len(found.labels), 4)
            assert not np.isinf(found.values).any()

    asyncio.run(run())


def one_signal_fails(request: Request, n: int) -> Answer:
    query = request.form["query"]
    if "container_sockets" in query:
        return plain(refusal("parse error: here\nis the text"), 422)
    if "node_load5" in query:
        return plain(matrix(warnings=["store-1 is away"]))
    if "service:requests:rate" in query:
        return plain(matrix(({"service": "cart", "namespace": "shop"}, ["1"] * 4), ({"nameless": "x"}, ["2"] * 4)))
    return plain(matrix())


async def test_what_could_not_be_fetched_is_named_and_the_rest_is_there() -> None:
    async with listening(one_signal_fails) as server:
        source = PrometheusEvidence(client(server.url), load_catalogue(), "lab", 30.0)
        async with aclosing(source):
            evidence = await source.read(Window(START, START + 2 * STEP, START + 3 * STEP, STEP))
    # Each rule is asked once, whatever the number of entities; before, which metrics there are, in vain.
    catalogue = load_catalogue()
    rules = sum(len(part) for part in (catalogue.signals, catalogue.calls, catalogue.edges, catalogue.owners))
    assert len(server.requests) == 1 + rules
    assert all("$window" not in request.form["query"] for request in server.requests)
    assert [[*map(str, panel.entities)] for panel in evidence.panels] == [["lab/shop/service/cart"]]
    sockets, load = evidence.missing
    assert sockets.startswith("container_sockets: Prometheus http://127.0.0.1:")
    assert "answered 422: parse error: here is the text" in sockets
    assert load == "node_load_per_core: store-1 is away"


@pytest.mark.parametrize(
    ("step", "scrape", "rate"), [(15.0, 15.0, "[60s]"), (60.0, 60.0, "[240s]"), (60.0, 15.0, "[120s]")]
)
async def test_a_rate_spans_four_scrapes_and_two_steps(step: float, scrape: float, rate: str) -> None:
    metric = "container_cpu_usage_seconds_total"

    def answer(request: Request, n: int) -> Answer:
        there = [({"__name__": metric}, ["1"] * 4)] if "__name__" in request.form["query"] else []
        return plain(matrix(*there))

    async with listening(answer) as server:
        source = PrometheusEvidence(client(server.url), load_catalogue(), "lab", 30.0)
        async with aclosing(source):
            await source.read(Window(START, START + 2 * step, START + 3 * step, step, scrape))
    (cpu,) = (one.form["query"] for one in server.requests if one.form["query"].startswith("sum"))
    assert metric in cpu
    assert rate in cpu


async def test_what_is_late_is_named() -> None:
    async def never(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    def answer(request: Request, n: int) -> Answer:
        if "__name__" in request.form["query"]:
            names = ("node_load5", "service:requests:rate")
            return plain(matrix(*(({"__name__": name}, ["1"] * 4) for name in names)))
        return never if "node_load5" in request.form["query"] else one_signal_fails(request, n)

    async with listening(answer) as server:
        source = PrometheusEvidence(client(server.url), load_catalogue(), "lab", 1.0)
        async with aclosing(source):
            evidence = await source.read(Window(START, START + 2 * STEP, START + 3 * STEP, STEP))
    assert "node_load_per_core: no answer within 1 s" in evidence.missing
    assert [[*map(str, panel.entities)] for panel in evidence.panels] == [["lab/shop/service/cart"]]


async def test_nothing_reachable_is_temporary() -> None:
    async with listening(lambda *_: plain(b"starting up", 503)) as server:
        source = PrometheusEvidence(client(server.url, deadline_seconds=0.2), load_catalogue(), "lab", 0.5)
        async with aclosing(source):
            with pytest.raises(TemporaryError, match="answered 503: starting up"):
                await source.read(Window(START, START + 2 * STEP, START + 3 * STEP, STEP))
