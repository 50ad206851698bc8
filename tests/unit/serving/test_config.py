"""Settings of listeners and callers: what could never work is refused at the start, and no secret is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_common.serving.config import CallerSettings, ListenSettings, TlsSettings
from brain_common.serving.tls import check_tls
from brain_common.settings import check_settings
from tests.fakes.authority import Authority

HASH = "$2b$12$abcdefghijklmnopqrstuuOTpPdqX9dfGkV4vKVZkXh1p8Lw7vP3a"
SECRET = "a-s3cret-for-tests"


@pytest.mark.parametrize(
    "caller",
    [
        {"bearer_token": SECRET},
        {"username": "anna", "password_bcrypt": HASH},
        {"username": "anna", "password_bcrypt": HASH.replace("$2b$", "$2y$")},
    ],
    ids=range(3),
)
def test_a_caller_shows_a_token_or_a_password(caller: dict[str, Any]) -> None:
    assert check_settings({"name": "main", **caller}, CallerSettings, "test").name == "main"


@pytest.mark.parametrize(
    ("caller", "problem"),
    [
        ({}, "either bearer_token, or username"),
        ({"username": "anna"}, "either bearer_token, or username"),
        ({"password_bcrypt": HASH}, "either bearer_token, or username"),
        ({"bearer_token": SECRET, "username": "anna"}, "either bearer_token, or username"),
        ({"bearer_token": SECRET, "username": "anna", "password_bcrypt": HASH}, "either bearer_token, or username"),
        ({"bearer_token": "s3cret"}, "bearer_token is shorter"),
        ({"bearer_token": ""}, "bearer_token is shorter"),
        ({"username": "anna", "password_bcrypt": SECRET}, "password_bcrypt is no bcrypt hash"),
        ({"username": "anna", "password_bcrypt": ""}, "password_bcrypt is no bcrypt hash"),
        ({"username": "anna", "password_bcrypt": HASH[:-1]}, "password_bcrypt is no bcrypt hash"),
        ({"username": "anna", "password_bcrypt": "$1$" + HASH[3:]}, "password_bcrypt is no bcrypt hash"),
        ({"bearer_token": SECRET, "name": "a b"}, "name: "),
        ({"bearer_token": SECRET, "name": "../x"}, "name: "),
        ({"bearer_token": SECRET, "name": "x" * 65}, "name: "),
        ({"bearer_token": SECRET, "name": ""}, "name: "),
        ({"token": SECRET}, "token: unknown key"),
    ],
    ids=range(16),
)
def test_another_caller_is_refused_without_its_secret(caller: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        check_settings({"name": "main", **caller}, CallerSettings, "test")
    assert "s3cret" not in str(caught.value)
    assert HASH[10:] not in str(caught.value)


def test_secrets_are_not_in_what_a_caller_looks_like() -> None:
    shown = repr([CallerSettings.model_validate({"name": "main", "bearer_token": SECRET})])
    shown += repr(CallerSettings.model_validate({"name": "main", "username": "anna", "password_bcrypt": HASH}))
    assert SECRET not in shown
    assert HASH not in shown


def test_a_listener_binds_to_loopback_unless_told_otherwise() -> None:
    assert ListenSettings(port=0).host == "127.0.0.1"


@pytest.mark.parametrize("port", [-1, 65536, "http"])
def test_a_port_is_a_port(port: Any) -> None:
    with pytest.raises(ConfigError, match="port"):
        check_settings({"port": port}, ListenSettings, "test")


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "authority")


def files(authority: Authority, **changes: Path) -> TlsSettings:
    certificate, key = authority.issue("server")
    return TlsSettings(**{"cert_file": certificate, "key_file": key, "client_ca_file": authority.file, **changes})


def test_files_that_belong_together_are_good(authority: Authority) -> None:
    assert check_tls(files(authority), "http.tls") is None


@pytest.mark.parametrize("field", ["cert_file", "key_file", "client_ca_file"])
@pytest.mark.parametrize(
    "content", [None, "", "garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_file_that_cannot_be_used_is_named(
    authority: Authority, tmp_path: Path, field: str, content: str | None
) -> None:
    bad = tmp_path / "bad.pem"
    if content is not None:
        bad.write_text(content)
    with pytest.raises(ConfigError, match=rf"^grpc\.tls.*{field}.*bad\.pem.* cannot be"):
        check_tls(files(authority, **{field: bad}), "grpc.tls")


def test_a_key_of_another_certificate_is_refused(authority: Authority) -> None:
    _, other = authority.issue("other")
    with pytest.raises(ConfigError, match=r"server\.crt with key_file .*other\.key"):
        check_tls(files(authority, key_file=other), "http.tls")


def test_a_key_with_a_password_is_refused_and_nobody_asked(authority: Authority, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    certificate, key = authority.issue("server")
    private = serialization.load_pem_private_key(key.read_bytes(), None)
    locked = tmp_path / "locked.key"
    locked.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"unknown"),
        )
    )
    with pytest.raises(ConfigError, match=r"locked\.key cannot be used"):
        check_tls(TlsSettings(cert_file=certificate, key_file=locked), "http.tls")
