"""Who may send: nobody near a right credential, over neither transport, and its data is not even read."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import httpx
import pytest

from brain_otel.signals import WIRES, Signal
from tests.contract.otel.conftest import Processor, processor, request
from tests.fakes.credentials import BAD, PASSWORD, TOKEN, basic, callers

pytestmark = pytest.mark.anyio


@pytest.fixture
async def guarded() -> AsyncIterator[Processor]:
    async with processor(callers=callers()) as one:
        yield one


async def test_who_is_unknown_sends_nothing_and_leaves_no_secret(
    guarded: Processor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "brain_otel")
    body = request(Signal.LOGS).SerializeToString()
    for name, headers in BAD.items():
        said = await guarded.grpc(Signal.LOGS, body, metadata=headers)
        assert (said.code, said.retry_seconds) == ("UNAUTHENTICATED", None), name
        answer = await guarded.http.post(
            "/v1/logs", content=body, headers=httpx.Headers([("content-type", "application/x-protobuf"), *headers])
        )
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="otlp"'), name
        assert "s3cret" not in said.message + answer.text + caplog.text
    assert guarded.next_hop.got == []
    assert f'outcome="unauthenticated",signal="logs",transport="grpc"}} {len(BAD)}' in await guarded.metrics()


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer {TOKEN}", basic("anna", PASSWORD)])
async def test_who_is_known_may_send_anything(guarded: Processor, header: str) -> None:
    for signal in Signal:
        body = request(signal).SerializeToString()
        assert (await guarded.grpc(signal, body, metadata=(("authorization", header),))).code == "OK"
        assert (await guarded.post(signal, body, headers={"authorization": header})).code == "OK"
    assert len(guarded.next_hop.got) == 6


async def test_who_is_unknown_is_told_so_before_its_message_is_there(guarded: Processor) -> None:
    call = guarded.channel.stream_unary(WIRES[Signal.LOGS].method)()  # and sends nothing
    assert (await call.code()).name == "UNAUTHENTICATED"
