"""Incidents of the real service's gRPC API, on resources: with TLS and a token, and while it is away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from brain_common.clock import ManualClock
from brain_common.errors import ConfigError, PermanentError, TemporaryError
from brain_common.serving.config import CallerSettings, TlsSettings
from brain_common.settings import check_settings
from brain_otel.enrich.incidents import Incidents, IncidentSettings
from brain_otel.enrich.kind import Context
from tests.contract.grpc.conftest import Api, group, serving_api
from tests.fakes.authority import Authority
from tests.integration.otel.enrich.running import heard, working
from tests.unit.otel.enrich.samples import T0, added, context

pytestmark = pytest.mark.anyio

NAMED = {"service.name": "a", "k8s.namespace.name": "n", "k8s.cluster.name": "c"}  # what its judgements name


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with serving_api(tmp_path) as one:
        yield one


def step(given: Context, port: int, scheme: str = "http", **settings: Any) -> Incidents:
    own = {"endpoint": f"{scheme}://127.0.0.1:{port}", "refresh_seconds": 0.05, **settings}
    return Incidents(check_settings(own, IncidentSettings, "test"), given)


async def asked_again(given: Context, clock: ManualClock) -> None:
    """Wait for an answer to a question that is not asked yet."""
    clock.advance(1)
    await heard(given, "last_success_timestamp_seconds", clock.now())
    clock.advance(1)
    await heard(given, "last_success_timestamp_seconds", clock.now())


async def test_a_resource_carries_its_incident_until_it_closes(api: Api) -> None:
    clock = ManualClock(T0)
    given = context(clock=clock)
    one = step(given, api.port)
    async with working(given):
        await asked_again(given, clock)
        assert added(one, NAMED) == {}
        incident = await api.analysed(group())
        await asked_again(given, clock)
        assert added(one, NAMED) == {
            "brain.incident.id": incident.id,
            "brain.anomaly.state": "cause",
            "brain.anomaly.score": 0.9,
            "brain.incident.cause_probability": 0.8,
        }
        assert added(one, {**NAMED, "service.name": "b"}) == {}
        await api.stub.Analyze(group(status="resolved"))
        await asked_again(given, clock)
        assert added(one, NAMED) == {}


async def test_all_pages_are_read(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("brain_common.clients.rca._PAGE", 2)
    given = context()
    one = step(given, api.port)
    ids = {(await api.analysed(group(f"k{n}"))).id for n in range(5)}
    assert {incident.id for incident in await one._client.incidents(1000, only_open=True)} == ids


async def test_pages_that_are_too_large_are_asked_for_smaller(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    large = {f"k{n}": (await api.analysed(group(f"k{n}", *(f"s{m}" for m in range(100))))).ByteSize() for n in range(3)}
    monkeypatch.setattr("brain_common.clients.rca._LARGEST_MESSAGE", max(large.values()) + 200)
    one = step(context(), api.port)
    assert len(await one._client.incidents(1000, only_open=True)) == 3


async def test_what_was_known_holds_for_a_while_when_the_service_goes(tmp_path: Path) -> None:
    clock = ManualClock(T0)
    given = context(clock=clock)
    async with serving_api(tmp_path) as api:
        one = step(given, api.port, stale_seconds=60)
        await api.analysed(group())
        async with working(given):
            await asked_again(given, clock)
            assert added(one, NAMED)
    async with working(given):
        await heard(given, "failures_total", 1.0)
        clock.advance(50)
        assert added(one, NAMED)
        clock.advance(20)
        assert added(one, NAMED) == {}


async def test_with_mtls_and_a_token_that_is_replaced(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    certificate, key = authority.issue("server")
    tls = TlsSettings(cert_file=certificate, key_file=key, client_ca_file=authority.file)
    own = authority.issue("client")
    caller = CallerSettings(name="otel", bearer_token=SecretStr("the-right-token"))
    mine = tmp_path / "mine"
    mine.write_text("a-wrong-token\n")
    shown = {"ca_file": str(authority.file), "cert_file": str(own[0]), "key_file": str(own[1])}
    async with serving_api(tmp_path, [caller], tls) as api:
        one = step(context(), api.port, "https", tls=shown, token_file=str(mine))
        with pytest.raises(PermanentError, match="UNAUTHENTICATED") as caught:
            await one._client.incidents(1000, only_open=True)
        assert "a-wrong-token" not in str(caught.value)
        mine.write_text("the-right-token\n")
        assert await one._client.incidents(1000, only_open=True) == []
        bare = step(context(), api.port, "https", tls={"ca_file": str(authority.file)}, token_file=str(mine))
        with pytest.raises(TemporaryError, match="UNAVAILABLE"):
            await bare._client.incidents(1000, only_open=True)


@pytest.mark.parametrize("content", ["", "two\nlines", "für", "\x00"])
async def test_what_is_no_token_is_not_sent_and_not_shown(tmp_path: Path, content: str) -> None:
    file = tmp_path / "token"
    file.write_text(content)
    with pytest.raises(ConfigError, match="holds no bearer token") as caught:
        await step(context(), 1, token_file=str(file))._client.incidents(1000, only_open=True)
    assert not content or content not in str(caught.value)


async def test_a_token_may_be_mounted_later(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="token: cannot be read"):
        await step(context(), 1, token_file=str(tmp_path / "token"))._client.incidents(1000, only_open=True)
