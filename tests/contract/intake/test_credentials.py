"""Nobody unknown gets in, whatever is tried, and nothing that was tried or is right gets into a log."""

from __future__ import annotations

import base64
import logging

import pytest

from brain_common.serving.config import CallerSettings
from tests.contract.intake.conftest import PATH, Listening, listening
from tests.fakes.credentials import PASSWORD, TOKEN, basic, callers
from tests.fakes.raw_client import RawAnswer, post, raw_client
from tests.unit.intake.payloads import body

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
async def guarded_by_both() -> Listening:
    known = [CallerSettings.model_validate(each) for each in callers()]
    async with listening(callers=known) as one:
        yield one


@pytest.fixture
def guarded(guarded_by_both: Listening) -> Listening:
    guarded_by_both.reset()
    return guarded_by_both


async def ask(webhook: Listening, *authorization: bytes, path: str = PATH) -> RawAnswer:
    """Post with these headers, byte by byte as they are."""
    head, _, rest = post(path, body()).partition(b"\r\n")
    headers = b"".join(b"\r\nAuthorization: " + value for value in authorization)
    async with raw_client(webhook.port) as client:
        await client.send(head + headers + b"\r\n" + rest)
        return await client.answer()


@pytest.mark.parametrize(
    ("header", "source"),
    [
        (f"Bearer {TOKEN}", "by-token"),
        (f"bearer {TOKEN}", "by-token"),
        (basic("anna", PASSWORD), "by-password"),
    ],
)
async def test_who_is_known_gets_in(guarded: Listening, header: str, source: str) -> None:
    assert (await ask(guarded, header.encode())).status == 200
    assert [kept.group.source for kept in guarded.store.durable] == [source]


BAD = {
    "none": [],
    "empty": [b""],
    "whitespace": [b" \t "],
    "scheme alone": [b"Bearer"],
    "scheme and space": [b"Bearer  "],
    "no scheme": [TOKEN.encode()],
    "another scheme": [b"Token " + TOKEN.encode()],
    "digest": [b'Digest username="anna", response="' + TOKEN.encode() + b'"'],
    "wrong token": [b"Bearer s3cret-other-token"],
    "wrong case": [b"Bearer " + TOKEN.upper().encode()],
    "prefix": [b"Bearer " + TOKEN[:-1].encode()],
    "suffix": [b"Bearer " + TOKEN.encode() + b"x"],
    "quoted": [b'Bearer "' + TOKEN.encode() + b'"'],
    "tab": [b"Bearer\t" + TOKEN.encode()],
    "latin 1": [b"Bearer s3cret-t\xf6ken"],
    "utf 8": ["Bearer s3cret-töken".encode()],
    "huge": [b"Bearer " + TOKEN.encode() * 1000],
    "twice": [b"Bearer " + TOKEN.encode()] * 2,
    "right then wrong": [b"Bearer " + TOKEN.encode(), b"Bearer x"],
    "wrong then right": [b"Bearer x", b"Bearer " + TOKEN.encode()],
    "right and empty": [b"Bearer " + TOKEN.encode(), b""],
    "joined": [b"Bearer x, Bearer " + TOKEN.encode()],
    "password as token": [b"Bearer " + PASSWORD.encode()],
    "token as password": [basic("anna", TOKEN).encode()],
    "wrong password": [basic("anna", "s3cret-other").encode()],
    "wrong case of password": [basic("anna", PASSWORD.upper()).encode()],
    "no password": [basic("anna", "").encode()],
    "no user": [basic("", PASSWORD).encode()],
    "another user": [basic("bert", PASSWORD).encode()],
    "another case of user": [basic("Anna", PASSWORD).encode()],
    "the caller's name as user": [basic("by-password", PASSWORD).encode()],
    "long password": [basic("anna", PASSWORD * 100).encode()],
    "NUL in password": [basic("anna", PASSWORD + "\x00").encode()],
    "no base64": [b"Basic anna:" + PASSWORD.encode()],
    "no ASCII": [b"Basic \xe4\xf6\xfc\xdf"],
    "no UTF-8": [b"Basic /////w=="],
    "no colon": [b"Basic YW5uYQ=="],
}


@pytest.mark.parametrize("authorization", BAD.values(), ids=BAD)
async def test_who_is_unknown_does_not_get_in_and_leaves_no_secret(
    guarded: Listening, authorization: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answer = await ask(guarded, *authorization)
    assert (answer.status, answer.json) == (401, {"error": "unknown caller"})
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert guarded.store.entered == []
    shown = caplog.text + repr(answer)
    assert "s3cret" not in shown.lower()
    assert base64.b64encode(b"anna:s3cret").decode()[:12] not in shown


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"Authorization : Bearer " + TOKEN.encode(), 400),
        (b"Authorization: Bearer " + TOKEN.encode() + b"\x00", 400),
        (b"Authorization: Bearer\r\n " + TOKEN.encode(), 400),
        (b"X-Authorization: Bearer " + TOKEN.encode(), 401),
        (b"Proxy-Authorization: Bearer " + TOKEN.encode(), 401),
        (b"Cookie: authorization=Bearer " + TOKEN.encode(), 401),
    ],
    ids=range(6),
)
async def test_another_way_to_write_a_header_does_not_get_in(guarded: Listening, head: bytes, status: int) -> None:
    start, _, rest = post(PATH, body()).partition(b"\r\n")
    async with raw_client(guarded.port) as client:
        await client.send(start + b"\r\n" + head + b"\r\n" + rest)
        assert (await client.answer()).status == status
    assert guarded.store.entered == []


async def test_naming_a_source_does_not_get_in(guarded: Listening) -> None:
    for source in ("by-token", "by-password", "anonymous"):
        assert (await ask(guarded, b"Bearer wrong", path=f"{PATH}/{source}")).status == 401
    assert guarded.store.entered == []


async def test_a_token_in_the_address_does_not_get_in(guarded: Listening) -> None:
    for path in (f"{PATH}?token={TOKEN}", f"{PATH}?access_token={TOKEN}", f"{PATH}/{TOKEN}"):
        assert (await ask(guarded, path=path)).status == 401


async def test_an_unknown_caller_is_not_told_what_is_wrong_with_its_payload(guarded: Listening) -> None:
    for content in (b"", b"{", b"x" * (9 << 20)):
        assert (await guarded.post(content)).status_code == 401


async def test_a_connection_that_was_refused_may_try_again(guarded: Listening) -> None:
    async with raw_client(guarded.port) as client:
        await client.send(post(PATH, body(), Authorization="Bearer wrong"))
        assert (await client.answer()).status == 401
        await client.send(post(PATH, body(), Authorization=f"Bearer {TOKEN}"))
        assert (await client.answer()).status == 200


async def test_metrics_and_health_ask_nobody(guarded: Listening) -> None:
    assert (await guarded.client.get("/metrics")).status_code == 200
    assert (await guarded.client.get("/-/healthy")).text == "healthy\n"


async def test_unknown_callers_are_counted_and_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    callers = [CallerSettings.model_validate({"name": "by-token", "bearer_token": TOKEN})]
    async with listening(callers=callers) as webhook:
        for _ in range(3):
            assert (await ask(webhook, b"Bearer wrong-secret")).status == 401
        assert webhook.counted("unauthorized") == 3
    assert caplog.text.count("missing or unknown credentials") == 1
    assert "wrong-secret" not in caplog.text
