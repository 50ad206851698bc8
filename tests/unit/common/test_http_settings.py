"""Settings of a client: what would fail at the first request is refused at the start, and no secret is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from brain_common.clients.http import HttpSettings, build_client, safe_text, secrets_of, status_error
from brain_common.errors import ConfigError, PermanentError, TemporaryError

pytestmark = pytest.mark.anyio
URL = "http://server:9090"


def settings(**given: Any) -> HttpSettings:
    return HttpSettings.model_validate({"url": URL, **given})


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("http://server:9090", "http://server:9090"),
        ("http://server:9090/", "http://server:9090"),
        ("https://server/tenant/prometheus/", "https://server/tenant/prometheus"),
        ("http://[::1]:9090", "http://[::1]:9090"),
    ],
)
async def test_an_address_is_kept_without_its_last_slash(url: str, kept: str) -> None:
    assert settings(url=url).url == kept


@pytest.mark.parametrize(
    "url",
    [
        "",
        "server:9090",
        "ftp://server",
        "http://",
        "http://user:s3cret@server",
        "http://@server",
        "http://server?token=s3cret",
        "http://server#s3cret",
        "http://server:port",
        "http://server:99999",
        "http://ser ver",
        "http://server\n",
        "http://[::1",
    ],
)
async def test_an_address_that_cannot_be_asked_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(url=url)
    assert "s3cret" not in "; ".join(error["msg"] for error in caught.value.errors())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"headers": {"X Y": "a"}}, "'X Y' is no name of a header"),
        ({"headers": {"": "a"}}, "'' is no name of a header"),
        ({"headers": {"X-Key": "s3cret\r\nX: y"}}, "the value of X-Key is not printable ASCII"),
        ({"headers": {"X-Key": "s3cretä"}}, "the value of X-Key is not printable ASCII"),
        ({"headers": {"X-Key": " s3cret"}}, "without blanks around it"),
        ({"headers": {"X-Key": "s3cret "}}, "without blanks around it"),
        ({"bearer": {"token": "s3cret\n"}}, "token is empty, or not printable ASCII without blanks around it"),
        ({"bearer": {"token": " s3cret"}}, "without blanks around it"),
        ({"bearer": {"token": ""}}, "token is empty"),
        ({"bearer": {}}, "give token or token_file, one of them"),
        ({"bearer": {"token": "s3cret", "token_file": "x"}}, "give token or token_file, one of them"),
        ({"basic_auth": {"username": "u"}}, "give password or password_file, one of them"),
        (
            {"basic_auth": {"username": "u", "password": "s3cret"}, "bearer": {"token": "s3cret"}},
            "give basic_auth or bearer, not both",
        ),
        ({"tls": {"cert_file": "x"}}, "cert_file and key_file are given together or not at all"),
        ({"timeout_seconds": 0}, "greater than 0"),
        ({"timeout": 1}, "Extra inputs are not permitted"),
    ],
)
async def test_what_would_fail_at_the_first_request_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    told = "; ".join(error["msg"] for error in caught.value.errors(include_input=False))
    assert message in told
    assert "s3cret" not in told


@pytest.mark.parametrize("value", ["", "a", "a b\tc", "~!@#$%^&*()"])
async def test_a_header_that_can_be_sent_is_taken(value: str) -> None:
    assert settings(headers={"X-Key": value}).headers == {"X-Key": value}


async def test_secrets_are_not_in_the_text_of_the_settings() -> None:
    for given in ({"bearer": {"token": "s3cret"}}, {"basic_auth": {"username": "u", "password": "s3cret"}}):
        assert "s3cret" not in repr(settings(**given))


# Credentials


def sent(given: dict[str, Any]) -> httpx.Request:
    """The request as it would go out."""
    seen: list[httpx.Request] = []
    client = build_client(
        settings(**given), httpx.MockTransport(lambda request: seen.append(request) or httpx.Response(200))
    )
    request = client.build_request("GET", "/x")
    next(client.auth.sync_auth_flow(request)) if client.auth else None
    return request


async def test_the_clients_base_and_headers_are_those_of_the_settings() -> None:
    request = sent({"url": f"{URL}/base", "headers": {"X-Scope-OrgID": "team"}})
    assert str(request.url) == f"{URL}/base/x"
    assert request.headers["X-Scope-OrgID"] == "team"
    assert "Authorization" not in request.headers


async def test_a_redirect_and_the_shells_proxies_are_not_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    transport = httpx.MockTransport(lambda _: httpx.Response(302, headers={"Location": "http://elsewhere/"}))
    async with build_client(settings(bearer={"token": "s3cret"}), transport) as client:
        answer = await client.get("/x")
    assert (answer.status_code, str(answer.url)) == (302, f"{URL}/x")
    assert not client.trust_env


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file"), ("", "not one line"), ("two\nlines", "not one line"), ("s3cretä", "not one line")],
)
async def test_a_token_file_that_holds_no_token_is_named_and_not_shown(
    tmp_path: Path, content: str | None, message: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with build_client(settings(bearer={"token_file": str(path)}), transport) as client:
        with pytest.raises(PermanentError) as caught:
            await client.get("/x")
    assert f"bearer.token_file {path}: " in str(caught.value)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("key", ["ca_file", "cert_file"])
async def test_a_tls_file_that_is_not_there_stops_the_start(tmp_path: Path, key: str) -> None:
    tls = {key: str(tmp_path / "gone.pem")} | ({"key_file": "gone"} if key == "cert_file" else {})
    with pytest.raises(ConfigError, match=r"tls of https://server: .*check ca_file, cert_file and key_file"):
        build_client(settings(url="https://server", tls=tls))


# Messages

SECRETS: list[tuple[dict[str, Any], str]] = [
    ({"headers": {"X-Api-Key": "s3cret"}}, "no: s3cret"),
    ({"headers": {"Authorization": "Bearer s3cret"}}, "invalid token s3cret"),
    ({"headers": {"Cookie": "session=s3cret"}}, "cookie session=s3cret"),
    ({"bearer": {"token": "s3cret"}}, "invalid token s3cret"),
    ({"bearer": {"token": "s3cret"}}, "header Authorization: Bearer s3cret"),
    ({"basic_auth": {"username": "u", "password": "s3cret"}}, "password s3cret of u"),
    ({"basic_auth": {"username": "u", "password": "s3cret"}}, "header Basic dTpzM2NyZXQ="),
    ({"basic_auth": {"username": "u", "password": "s3cret s3cret"}}, "password s3cret\n s3cret"),
]


@pytest.mark.parametrize(("given", "words"), SECRETS)
async def test_a_servers_words_do_not_repeat_our_credentials(given: dict[str, Any], words: str) -> None:
    shown = safe_text(settings(**given), words)
    assert "***" in shown
    assert "s3cret" not in shown
    assert "dTpzM2NyZXQ" not in shown


async def test_a_servers_words_are_one_short_line() -> None:
    shown = safe_text(settings(), "<html>\n\n <b>Bad</b>\t" + "x" * 1000)
    assert shown.startswith("<html> <b>Bad</b> xxx")
    assert len(shown) == 300
    assert shown.endswith("…")


async def test_a_secret_is_not_cut_in_half_by_the_limit() -> None:
    given = settings(bearer={"token": "s3cret" * 10})
    assert "s3cret" not in safe_text(given, "x" * 290 + " " + "s3cret" * 10)


async def test_ordinary_headers_are_no_secrets() -> None:
    assert secrets_of(settings(headers={"X-Scope-OrgID": "team", "X-Token": "s3cret"})) == ("s3cret",)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (500, TemporaryError),
        (503, TemporaryError),
        (408, TemporaryError),
        (425, TemporaryError),
        (429, TemporaryError),
        (400, PermanentError),
        (401, PermanentError),
        (404, PermanentError),
        (302, PermanentError),
        (204, PermanentError),
    ],
)
async def test_a_status_says_whether_it_may_heal(status: int, kind: type[Exception]) -> None:
    error = status_error("Server", httpx.Response(status), "")
    assert type(error) is kind
    assert str(error).startswith(f"Server answered {status}: ")


@pytest.mark.parametrize(
    ("header", "hint"),
    [("30", 30.0), ("0", 0.0), ("", None), ("soon", None), ("-1", None), ("1.5", None), ("²", None)],
)
async def test_only_a_number_of_seconds_is_a_hint(header: str, hint: float | None) -> None:
    answer = httpx.Response(503, headers={"Retry-After": header.encode()})
    error = status_error("Server", answer, "x")
    assert isinstance(error, TemporaryError)
    assert error.retry_after == hint
