"""What may be written about the next hop and the memory, and what is said about the rest."""

from __future__ import annotations

from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.config import OtelSettings


def settings(**values: Any) -> OtelSettings:
    return check_settings(values, OtelSettings, "otel.yaml")


@pytest.mark.parametrize(
    ("endpoint", "protocol", "address", "encrypted"),
    [
        ("http://collector", "grpc", "collector:4317", False),
        ("https://collector", "grpc", "collector:4317", True),
        ("http://collector", "http", "collector:4318", False),
        ("https://collector:443", "grpc", "collector:443", True),
        ("http://127.0.0.1:14317", "grpc", "127.0.0.1:14317", False),
        ("http://[::1]:14317", "grpc", "[::1]:14317", False),
        ("https://store.example/otlp", "http", "store.example:4318", True),
    ],
)
def test_where_the_next_hop_is(endpoint: str, protocol: str, address: str, encrypted: bool) -> None:
    found = settings(next_hop={"endpoint": endpoint, "protocol": protocol}).next_hop
    assert (found.address, found.encrypted) == (address, encrypted)


@pytest.mark.parametrize(
    "endpoint",
    ["collector:4317", "", "ftp://x", "http://a:b@c", "http://x:99999", "http://x/path", "http://x?y", "http://"],
)
def test_what_is_no_endpoint(endpoint: str) -> None:
    with pytest.raises(ConfigError, match="next_hop"):
        settings(next_hop={"endpoint": endpoint})


@pytest.mark.parametrize("headers", [{"a b": "c"}, {"": "c"}, {"a": "b\nc"}, {"a": "ä"}, {"a-bin": "x"}])
def test_headers_that_cannot_be_sent(headers: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"next_hop\.headers"):
        settings(next_hop={"headers": headers})


def test_a_certificate_goes_with_its_key() -> None:
    with pytest.raises(ConfigError, match="together"):
        settings(next_hop={"tls": {"cert_file": "x"}})


def test_files_of_tls_go_with_an_endpoint_that_speaks_it() -> None:
    with pytest.raises(ConfigError, match="https"):
        settings(next_hop={"endpoint": "http://a", "tls": {"ca_file": "x"}})


def test_memory_for_one_request_at_least() -> None:
    with pytest.raises(ConfigError, match=r"four times otlp\.max_request_bytes"):
        settings(memory_limit_bytes=256 << 20)
    assert settings(memory_limit_bytes=256 << 20, otlp={"max_request_bytes": 16 << 20})
