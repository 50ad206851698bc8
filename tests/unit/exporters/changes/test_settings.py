"""The configuration, the example and the permissions as they are shipped."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_common.settings import absent_credentials, check_settings, load_settings
from brain_exporters.changes.config import ChangesSettings

ROOT = Path(__file__).resolve().parents[4]


def settings(**own: Any) -> ChangesSettings:
    return check_settings({"state": "/tmp/x", **own}, ChangesSettings, "test")


def test_the_example_is_good() -> None:
    found = load_settings(ROOT / "examples" / "exporters" / "changes.yaml", ChangesSettings)
    assert [name for name, _ in found.sources()] == ["generic", "falco"]


def test_a_secret_that_is_not_there_yet_is_said() -> None:
    found = settings(github={"secret_files": ["/nowhere/a", "/nowhere/b"]})
    assert list(absent_credentials(found)) == [f"secret_files /nowhere/{name} does not exist yet" for name in "ab"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.com"])
def test_nobody_is_let_in_unseen_from_other_machines(host: str) -> None:
    with pytest.raises(ConfigError, match="no loopback"):
        settings(generic={"allow_unauthenticated": True}, http={"host": host, "port": 1})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.8.0.1"])
def test_on_this_machine_it_can_be_allowed(host: str) -> None:
    assert settings(generic={"allow_unauthenticated": True}, http={"host": host, "port": 1}).generic


def test_a_source_can_be_polled_only() -> None:
    found = settings(argocd={"poll": {"url": "https://argocd.example.com"}})
    assert found.argocd is not None
    assert not found.argocd.has_webhook
