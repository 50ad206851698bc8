"""Who is calling: the right credential and nothing near it."""

from __future__ import annotations

import base64

import bcrypt
import pytest

from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings

TOKEN = "a-token-for-tests"
PASSWORD = "pass:word"


def hashed(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()


def by_token(name: str, token: str) -> CallerSettings:
    return CallerSettings.model_validate({"name": name, "bearer_token": token})


def by_password(name: str, username: str, password: str) -> CallerSettings:
    return CallerSettings.model_validate({"name": name, "username": username, "password_bcrypt": hashed(password)})


def basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


@pytest.fixture
def authenticator() -> Authenticator:
    return Authenticator(
        [
            by_token("one", TOKEN),
            by_token("two", "another-token-for-tests"),
            by_password("three", "anna", PASSWORD),
            by_password("four", "bert", PASSWORD),
        ]
    )


@pytest.mark.parametrize("headers", [[], ["Bearer x"], ["nonsense"], ["Bearer x", "Bearer y"]])
def test_without_callers_everybody_is_anonymous(headers: list[str]) -> None:
    authenticator = Authenticator([])
    assert not authenticator.required
    assert authenticator.identify(headers) == "anonymous"


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (f"Bearer {TOKEN}", "one"),
        (f"bearer {TOKEN}", "one"),
        (f"BEARER  {TOKEN}", "one"),
        ("Bearer another-token-for-tests", "two"),
        (basic("anna", PASSWORD), "three"),
        (basic("bert", PASSWORD), "four"),
        (basic("anna", PASSWORD).replace("Basic", "bAsIc"), "three"),
    ],
)
def test_the_right_credential_names_its_caller(authenticator: Authenticator, header: str, name: str) -> None:
    assert authenticator.required
    assert [authenticator.identify([header]) for _ in range(3)] == [name] * 3


@pytest.mark.parametrize(
    "header",
    [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer  ",
        TOKEN,
        f"Token {TOKEN}",
        f"Digest {TOKEN}",
        f"Bearer: {TOKEN}",
        f"Bearer\t{TOKEN}",
        f" Bearer {TOKEN}",
        f"Bearer {TOKEN.upper()}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN}\x00",
        f"Bearer {TOKEN},Bearer {TOKEN}",
        f"Bearer {TOKEN} {TOKEN}",
        'Bearer "' + TOKEN + '"',
        f"Bearer {base64.b64encode(TOKEN.encode()).decode()}",
        "Bearer t\u00f6ken",
        "Bearer \ud800",
        "Bearer None",
        "Bearer " + "x" * 1_000_000,
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic \u00e4\u00f6\u00fc\u00df",
        "Basic YW5uYQ",  # wrong padding
        "Basic YW5uYQ==",  # no colon
        "Basic /////w==",  # no UTF-8
        basic("anna", ""),
        basic("", PASSWORD),
        basic("", ""),
        basic("anna", "pass"),
        basic("anna", PASSWORD.upper()),
        basic("anna", PASSWORD + "\x00"),
        basic("anna", PASSWORD + " "),
        basic("Anna", PASSWORD),
        basic("three", PASSWORD),
        basic("bert", "another"),
        basic("anna", "p" * 72),
        basic("anna", "p" * 73),
        basic("anna", "p" * 1_000_000),
        basic("anna", TOKEN),
        f"Basic {TOKEN}",
        f"Bearer {PASSWORD}",
    ],
    ids=lambda header: repr(header)[:40],
)
def test_a_wrong_credential_is_nobody_also_when_repeated(authenticator: Authenticator, header: str) -> None:
    assert [authenticator.identify([header]) for _ in range(2)] == [None, None]


@pytest.mark.parametrize(
    "headers", [[], [f"Bearer {TOKEN}"] * 2, [f"Bearer {TOKEN}", ""], ["x", basic("anna", PASSWORD)]]
)
def test_no_header_and_more_than_one_are_nobody(authenticator: Authenticator, headers: list[str]) -> None:
    assert authenticator.identify(headers) is None


def test_a_user_name_may_have_two_passwords_while_one_replaces_the_other() -> None:
    authenticator = Authenticator([by_password("old", "anna", "before"), by_password("new", "anna", "after")])
    assert authenticator.identify([basic("anna", "before")]) == "old"
    assert authenticator.identify([basic("anna", "after")]) == "new"
    assert authenticator.identify([basic("anna", "never")]) is None


def test_a_password_is_hashed_once_and_a_wrong_one_is_never_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    authenticator = Authenticator([by_password("three", "anna", PASSWORD)])
    checked: list[bytes] = []
    check = bcrypt.checkpw
    monkeypatch.setattr(bcrypt, "checkpw", lambda password, known: checked.append(password) or check(password, known))
    for password in (PASSWORD, PASSWORD, "wrong", "wrong", PASSWORD):
        authenticator.identify([basic("anna", password)])
    assert checked == [PASSWORD.encode(), b"wrong", b"wrong"]


@pytest.mark.parametrize("username", ["anna", "nobody"])
def test_an_unknown_user_name_costs_as_much_as_a_wrong_password(
    monkeypatch: pytest.MonkeyPatch, authenticator: Authenticator, username: str
) -> None:
    hashes: list[bytes] = []
    monkeypatch.setattr(bcrypt, "checkpw", lambda _, known: bool(hashes.append(known)))
    assert authenticator.identify([basic(username, "wrong")]) is None
    assert len(hashes) == 1


def test_an_unknown_user_name_with_the_first_ones_password_is_nobody(authenticator: Authenticator) -> None:
    assert authenticator.identify([basic("nobody", PASSWORD)]) is None
