"""Answers to Terraform's run tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.fakes.http_server import Answer, FakeServer
from tests.integration.exporters.changes.exporter import secret_file, started
from tests.unit.exporters.changes import samples
from tests.unit.exporters.changes.samples import body

pytestmark = pytest.mark.anyio

PATH = "/api/v1/changes/terraform"
ANSWERS = 'changes_run_tasks_total{result="%s"}'


def terraform(method: str, path: str, query: str, headers: Mapping[str, str], data: bytes) -> Answer:
    """Takes the answer to a run task as its API documents it."""
    good = (
        method == "PATCH"
        and path == "/api/v2/task-results/5ea8d46c-2ceb-42cd-83f2-82e54697bddd/callback"
        and headers["content-type"] == "application/vnd.api+json"
        and headers["authorization"] == "Bearer one-time-token"
    )
    return Answer(200 if good else 404)


async def test_a_run_task_is_answered(tmp_path: Path) -> None:
    with FakeServer(terraform) as server:
        server.fail(502, times=1)
        own = {"terraform": {"secret_files": [secret_file(tmp_path)], "servers": [{"url": server.url}]}}
        async with started(tmp_path, **own) as client:
            data = body(samples.run_task(url=server.url))
            assert (await client.post(PATH, data, samples.task_headers(data))).status_code == 200
            await client.until(ANSWERS % "answered", 1)
    request = server.requests[-1]
    assert request.status == 200
    assert request.json["data"]["type"] == "task-results"
    assert request.json["data"]["attributes"]["status"] == "passed"


async def test_an_answer_that_is_refused_is_not_tried_again(tmp_path: Path) -> None:
    with FakeServer(terraform) as server:
        server.fail(401, body={"errors": ["one-time-token is no token"]})
        own = {"terraform": {"secret_files": [secret_file(tmp_path)], "servers": [{"url": server.url}]}}
        async with started(tmp_path, **own) as client:
            data = body(samples.run_task(url=server.url))
            await client.post(PATH, data, samples.task_headers(data))
            await client.until(ANSWERS % "failed", 1)
    assert len(server.requests) == 1


async def test_nobody_else_is_called(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with FakeServer(terraform) as server, FakeServer(terraform) as other:
        own = {"terraform": {"secret_files": [secret_file(tmp_path)], "servers": [{"url": server.url}]}}
        wrong = [
            other.url,
            server.url.replace("127.0.0.1", "localhost"),
            server.url + "@" + other.url.removeprefix("http://"),
            server.url + "/prefix",
            server.url.replace("http:", "https:"),
            server.url + ".example.com",
            "file:///etc/passwd#",
        ]
        async with started(tmp_path, **own) as client:
            for url in wrong:
                data = body(samples.run_task(url=url))
                assert (await client.post(PATH, data, samples.task_headers(data))).status_code == 200
            await client.until(ANSWERS % "refused", len(wrong))
            unsigned = body(samples.run_task(url=server.url))
            assert (await client.post(PATH, unsigned, samples.task_headers(b"x"))).status_code == 401
        assert server.requests == other.requests == []
    assert "one-time-token" not in caplog.text
