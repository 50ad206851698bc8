"""Every source with a server, as it is configured: why the server says nothing is told, and in time."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Mapping
from contextlib import aclosing
from http import HTTPStatus
from typing import Any

import pytest

from brain_common.entity import Entity, EntityKind
from brain_common.errors import BrainError
from brain_common.settings import check_settings
from brain_rca.evidence.assemble import assemble
from brain_rca.evidence.build import build_evidence
from brain_rca.evidence.config import EvidenceSettings
from brain_rca.evidence.protocol import Gathered, Window
from brain_rca.evidence.raw import RawEvidence
from brain_rca.scope.identity import Identity
from tests.integration.evidence.loopback import listening, plain

pytestmark = pytest.mark.anyio

WINDOW = Window(1_700_000_100.0, 1_700_002_500.0, 1_700_003_700.0, 15.0)
# More services than are asked about at once: what all of them wait for would add up.
FOCUS = frozenset(Entity("lab", "shop", EntityKind.SERVICE, f"cart{number}") for number in range(60))
# For a source; two fifths of it for a question, a tenth of that to reach the server. Far more than a busy machine needs
# for the question itself, so that to wait for an answer is told from not to.
SECONDS = 30.0
SOON = 10.0
HEALING = 4.0  # for a source, where it is waited for
NAMES = {
    "prometheus": "Prometheus",
    "loki": "Loki",
    "elasticsearch": "Elasticsearch",
    "tempo": "Tempo",
    "jaeger": "Jaeger",
}
of_any = pytest.mark.parametrize("source", NAMES)
S3 = {"bucket": "signals", "access_key_id": "a", "secret_access_key": "b", "retry_seconds": 1}


def settings(source: str, url: str, seconds: float = SECONDS) -> EvidenceSettings:
    given: dict[str, Any] = {"deadline_seconds": seconds, source: {"url": url}}
    if source in ("loki", "elasticsearch"):
        given[source]["source_seconds"] = seconds
    if source == "lake":
        given["lake"] = {"s3": S3 | {"endpoint_url": url}}
    return check_settings({"lake": {"path": "nowhere"}} | given, EvidenceSettings, "evidence")


async def asked(given: EvidenceSettings) -> tuple[str, float]:
    """All that is missing, and after how many seconds that is known."""
    identity = Identity(FOCUS)
    nothing = Gathered(assemble(WINDOW, RawEvidence(), identity), identity)
    began = time.monotonic()
    async with aclosing(build_evidence(given, "lab", {})) as source:
        try:
            missing = list((await source.gather(WINDOW)).evidence.missing)
        except BrainError as error:
            missing = [str(error)]
        missing += (await source.detail(WINDOW, nothing, frozenset(map(str, FOCUS)))).missing
    return "\n".join(missing), time.monotonic() - began


@pytest.fixture
def closed() -> str:
    """Where nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{one.getsockname()[1]}"


@of_any
async def test_a_server_that_refuses_is_said_to_soon(source: str, closed: str) -> None:
    said, seconds = await asked(settings(source, closed))
    assert f"{NAMES[source]} {closed} cannot be reached: Connection refused" in said
    assert f"{source}: {NAMES[source]}" not in said  # the name twice
    assert "no answer within" not in said
    assert seconds < SOON


@of_any
async def test_a_name_that_nobody_knows_is_said_to_be_that(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    said, seconds = await asked(settings(source, "http://nobody.test:80"))
    assert f"{NAMES[source]} http://nobody.test:80 cannot be reached: Name or service not known" in said
    assert seconds < SOON


@of_any
@pytest.mark.parametrize(("status", "words"), [(401, b"who are you"), (403, b"not you"), (404, b"no such page")])
async def test_a_status_is_told_soon(source: str, status: int, words: bytes) -> None:
    async with listening(lambda *_: plain(words, status)) as server:
        said, seconds = await asked(settings(source, server.url))
    path = (
        "/[^ ]+" if status == HTTPStatus.NOT_FOUND else ""
    )  # of which a server that is not the one meant knows nothing
    told = rf"{re.escape(f'{NAMES[source]} {server.url}')}{path} answered {status}: {words.decode()}"
    assert re.search(told, said), said
    assert seconds < SOON


@of_any
async def test_a_status_that_may_heal_is_told_in_the_end(source: str) -> None:
    async with listening(lambda *_: plain(b"still starting", 503)) as server:
        said, seconds = await asked(settings(source, server.url, HEALING))
    assert f"{NAMES[source]} {server.url} answered 503: still starting" in said
    assert seconds < SECONDS


async def test_a_bucket_whose_server_refuses_is_said_to(closed: str) -> None:
    said, _ = await asked(settings("lake", closed))
    assert "Connection refused" in said


def test_these_are_all_the_sources_with_a_server() -> None:
    with_url: Mapping[str, Any] = EvidenceSettings.model_json_schema()["$defs"]
    named = {name.removesuffix("Settings") for name, one in with_url.items() if "url" in one.get("properties", {})}
    assert named == set(NAMES.values())
