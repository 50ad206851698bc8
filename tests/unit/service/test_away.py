"""A server that is away when the service starts is told by its key and address; one that answers anything is not."""

from __future__ import annotations

import asyncio
import logging
import socket

import pytest

from brain_common.settings import check_settings
from brain_rca.away import servers_of, warn_of_absent
from brain_rca.config import RcaSettings


def closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def settings(prometheus: str, loki: str) -> RcaSettings:
    return check_settings(
        {
            "store": {"sqlite": "unused"},
            "evidence": {"prometheus": {"url": prometheus}, "loki": {"url": loki}},
            "publish": {
                "grafana": {"http": {"url": prometheus, "bearer": {"token": "s3cret"}}},
                "alertmanager": {"peers": [{"url": loki}]},
                "webhooks": [{"name": "chat", "url": "http://localhost:1/s3cret"}],
            },
        },
        RcaSettings,
        "test",
        environ={},
    )


def test_every_server_is_found_by_its_key() -> None:
    found = {key: server.url for key, server in servers_of(settings("http://one", "http://two").evidence)}
    assert found == {
        "evidence.prometheus": "http://one",
        "evidence.loki": "http://two",
    }


async def _refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    await writer.drain()
    writer.close()


@pytest.mark.anyio
async def test_who_gives_no_answer_is_told_and_who_refuses_is_not(caplog: pytest.LogCaptureFixture) -> None:
    away = closed_port()
    server = await asyncio.start_server(_refuse, "127.0.0.1", 0)
    async with server:
        there = server.sockets[0].getsockname()[1]
        with caplog.at_level(logging.WARNING):
            await warn_of_absent(settings(f"http://127.0.0.1:{there}", f"http://127.0.0.1:{away}/loki").evidence)
    told = sorted(record.getMessage() for record in caplog.records)
    assert [message.partition(" cannot be reached: ")[0] for message in told] == [
        f"evidence.loki (http://127.0.0.1:{away})",
    ]
    assert all("Connection refused" in message for message in told)
    assert told[0].endswith("the service runs, and goes on without it until it answers")


@pytest.mark.anyio
async def test_without_the_metrics_nothing_can_be_judged_and_that_is_told(caplog: pytest.LogCaptureFixture) -> None:
    away = f"http://127.0.0.1:{closed_port()}"
    with caplog.at_level(logging.WARNING):
        await warn_of_absent(settings(away, away).evidence)
    ends = {record.getMessage().partition(" ")[0]: record.getMessage().rpartition("; ")[2] for record in caplog.records}
    assert ends == {
        "evidence.prometheus": "the service runs, but nothing can be judged until it answers",
        "evidence.loki": "the service runs, and goes on without it until it answers",
    }
