"""The Prometheus client over real connections that are refused, kept, lost, delayed or never answered."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import aclosing
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import numpy as np
import pytest

from brain_common.clients.prometheus import Matrix, PrometheusClient, PrometheusSettings
from brain_common.errors import BrainError, PermanentError, TemporaryError
from tests.fakes.http_server import Answer, FakeServer

pytestmark = pytest.mark.anyio

START, STEP = 1_700_000_000.0, 15.0
GOOD = {
    "status": "success",
    "data": {"resultType": "matrix", "result": [{"metric": {"service": "cart"}, "values": [[START, "1"]]}]},
}


class Prometheus(FakeServer):
    """Answers every query alike."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.body: Any = GOOD

    def _answer(self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes) -> Answer:
        return Answer(200, self.body)


@pytest.fixture
def server() -> Iterator[Prometheus]:
    with Prometheus() as running:
        yield running


async def ask(url: str, times: int = 1, **given: Any) -> Matrix:
    settings = PrometheusSettings.model_validate({"url": url, "deadline_seconds": 10.0, **given})
    async with aclosing(PrometheusClient(settings)) as client:
        for _ in range(times):
            found = await client.query_range("sum(up)", START, START + STEP, STEP)
    return found


async def refused(url: str, kind: type[BrainError], **given: Any) -> str:
    with pytest.raises(kind) as caught:
        await ask(url, **given)
    return str(caught.value)


# What is sent


async def test_a_query_is_posted_as_a_form_so_that_its_length_does_not_matter(server: Prometheus) -> None:
    await ask(f"{server.url}/prometheus", headers={"X-Scope-OrgID": "a|b", "X-Extra": "1"}, dedup=True)
    [request] = server.requests
    assert (request.method, request.path, request.query) == ("POST", "/prometheus/api/v1/query_range", "")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (request.headers["x-scope-orgid"], request.headers["x-extra"]) == ("a|b", "1")
    assert request.headers["accept-encoding"] == "identity"
    form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    assert form == {
        "query": "sum(up)",
        "start": "1700000000.000",
        "end": "1700000015.000",
        "step": "15",
        "timeout": "10s",
        "dedup": "true",
    }


async def test_queries_after_each_other_share_a_connection(server: Prometheus) -> None:
    opened: list[object] = []
    note: Callable[[Any], None] = server.opened
    server.opened = lambda connection: (opened.append(connection), note(connection))[1]  # type: ignore[method-assign]
    await ask(server.url, times=5)
    assert (len(server.requests), len(opened)) == (5, 1)


# What comes back


async def test_a_warning_comes_beside_the_data(server: Prometheus) -> None:
    server.body = {**GOOD, "warnings": ["PromQL info: metric might not be a counter"], "infos": ["x"]}
    found = await ask(server.url)
    assert found.warnings == ("PromQL info: metric might not be a counter",)
    np.testing.assert_array_equal(found.values, [[1.0, np.nan]])


@pytest.mark.parametrize("most_bytes", [1024, 100_000])
async def test_an_answer_is_read_up_to_its_limit(server: Prometheus, most_bytes: int) -> None:
    padding = most_bytes - len(json.dumps({**GOOD, "padding": ""}))
    server.body = {**GOOD, "padding": "x" * padding}
    assert len((await ask(server.url, most_bytes=most_bytes)).labels) == 1
    server.body = {**GOOD, "padding": "x" * (padding + 1)}
    text = await refused(server.url, PermanentError, most_bytes=most_bytes)
    assert f"larger than most_bytes ({most_bytes})" in text


async def test_an_error_that_is_nested_beyond_reason_is_told() -> None:
    nested = httpx.MockTransport(lambda _: httpx.Response(422, content=b'{"status": "error", "x": ' + b"[" * 9000))
    settings = PrometheusSettings.model_validate({"url": "http://prometheus"})
    async with aclosing(PrometheusClient(settings, nested)) as client:
        with pytest.raises(PermanentError, match=r"answered 422: \{\"status\": \"error\""):
            await client.query_range("up", START, START, STEP)


@pytest.mark.parametrize("error", [ConnectionResetError("reset"), ssl.SSLError("alert unknown ca")])
async def test_what_the_connection_itself_says_is_temporary(error: OSError) -> None:
    def broken(_: httpx.Request) -> httpx.Response:
        raise error

    settings = PrometheusSettings.model_validate({"url": "http://prometheus", "deadline_seconds": 0.1})
    async with aclosing(PrometheusClient(settings, httpx.MockTransport(broken))) as client:
        with pytest.raises(TemporaryError, match=r"^Prometheus http://prometheus: .*(reset|unknown ca)"):
            await client.query_range("up", START, START, STEP)


@pytest.mark.parametrize("error", ["", None])
async def test_an_error_without_words_is_told_by_its_status(server: Prometheus, error: str | None) -> None:
    server.fail(404, body={"status": "error", "error": error} if error is not None else {"status": "error"})
    assert "/api/v1/query_range answered 404: Not Found" in await refused(server.url, PermanentError)


# Trouble


@pytest.mark.parametrize("trouble", ["fail", "lose_answer", "hang"])
async def test_trouble_that_passes_is_not_noticed(server: Prometheus, trouble: str) -> None:
    if trouble == "fail":
        server.fail(503, times=2)
    elif trouble == "lose_answer":
        server.lose_answer(times=2)
    else:
        server.hang(times=1)
    found = await ask(server.url, timeout_seconds=0.2)
    assert found.labels == [{"service": "cart"}]


async def test_a_server_that_never_answers_is_given_up_at_the_deadline(server: Prometheus) -> None:
    server.hang()
    text = await refused(server.url, TemporaryError, timeout_seconds=0.1, deadline_seconds=0.3)
    assert text == f"Prometheus {server.url}: no answer within 0.1 s"
    server.heal()


async def test_a_deadline_shorter_than_a_request_counts(server: Prometheus) -> None:
    server.hang()
    text = await refused(server.url, TemporaryError, timeout_seconds=30, deadline_seconds=0.1)
    assert text == f"Prometheus {server.url}: no answer within 0.1 s"
    server.heal()


async def test_a_server_that_asks_for_a_longer_pause_than_there_is_time_is_not_asked_again(server: Prometheus) -> None:
    server.fail(429, headers={"Retry-After": "3600"})
    assert "answered 429" in await refused(server.url, TemporaryError)
    assert len(server.requests) == 1


async def test_a_server_that_comes_back_is_found_again(server: Prometheus) -> None:
    settings = PrometheusSettings.model_validate({"url": server.url, "deadline_seconds": 0.1})
    async with aclosing(PrometheusClient(settings)) as client:
        await client.query_range("up", START, START, STEP)
        server.stop()
        with pytest.raises(TemporaryError):
            await client.query_range("up", START, START, STEP)
        server.start()
        assert (await client.query_range("up", START, START, STEP)).labels == [{"service": "cart"}]


async def test_the_same_trouble_is_logged_once(server: Prometheus, caplog: pytest.LogCaptureFixture) -> None:
    server.fail(503, times=3, body={"status": "error", "error": "starting"})
    with caplog.at_level(logging.WARNING):
        await ask(server.url)
    [record] = [record for record in caplog.records if record.name == "brain_common.retry"]
    assert record.getMessage().endswith(f"Prometheus {server.url} answered 503: starting")


# Secrets

CREDENTIALS: list[dict[str, Any]] = [
    {"headers": {"Authorization": "Bearer s3cret"}},
    {"headers": {"X-Api-Key": "s3cret"}},
    {"bearer": {"token": "s3cret"}},
    {"basic_auth": {"username": "brain", "password": "s3cret"}},
]


@pytest.mark.parametrize("status", [401, 503])
@pytest.mark.parametrize("given", CREDENTIALS)
async def test_no_error_and_no_log_repeats_a_credential(
    server: Prometheus, caplog: pytest.LogCaptureFixture, given: dict[str, Any], status: int
) -> None:
    server.fail(status, body={"status": "error", "error": "you sent s3cret in YnJhaW46czNjcmV0"})
    text = await refused(server.url, BrainError, deadline_seconds=0.3, **given)
    assert f"answered {status}: you sent *** in " in text
    assert "s3cret" not in text + caplog.text
    assert "YnJhaW46czNjcmV0" not in text or "basic_auth" not in given


async def test_a_token_file_that_is_gone_is_named_and_not_retried(server: Prometheus, tmp_path: Path) -> None:
    path = tmp_path / "token"
    assert f"bearer.token_file {path}: " in await refused(server.url, PermanentError, bearer={"token_file": str(path)})
    assert server.requests == []
