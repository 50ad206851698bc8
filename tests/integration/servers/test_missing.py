"""A program that is not there: found elsewhere first, then a sentence that helps, then skipped or failed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from brain_lab.servers.binaries import find
from brain_lab.servers.errors import ServerMissing
from tests.servers import builder, provide


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """No Go, no Java, no servers, an empty cache; the folder is the only one on PATH."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("BRAIN_CACHE_DIR", str(tmp_path / "cache"))
    for variable in ("BRAIN_PROMETHEUS_BIN", "BRAIN_TOXIPROXY_SERVER_BIN", "BRAIN_OPENSEARCH_BIN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(builder, "GO_DEFAULT_FOLDER", folder)
    set_ambient(monkeypatch, tmp_path)
    yield folder
    provide.locate.cache_clear()


def set_ambient(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, **extra: str) -> None:
    """The environment the test session is said to have begun in."""
    ambient = {"PATH": str(tmp_path / "path"), "BRAIN_CACHE_DIR": str(tmp_path / "cache"), **extra}
    monkeypatch.setattr(provide, "AMBIENT", ambient)
    provide.locate.cache_clear()


def program(path: Path) -> Path:
    """A file that could be run."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o755)
    return path


@pytest.mark.usefixtures("bare_machine")
def test_the_message_says_how_to_get_the_program() -> None:
    expected = r"run `make servers` .* Go >= 1\.\d+\.\d+ .* BRAIN_TOXIPROXY_SERVER_BIN"
    with pytest.raises(ServerMissing, match=expected):
        find("toxiproxy-server")


def test_the_override_wins_over_the_cache_and_the_cache_over_path(
    bare_machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path = program(bare_machine / "prometheus")
    assert find("prometheus") == on_path
    cached = program(tmp_path / "cache/servers/prometheus-v0.9.0/bin/prometheus")
    assert find("prometheus") == cached
    newer = program(tmp_path / "cache/servers/prometheus-v0.316.0/bin/prometheus")
    assert find("prometheus") == newer
    override = program(tmp_path / "own")
    monkeypatch.setenv("BRAIN_PROMETHEUS_BIN", str(override))
    assert find("prometheus") == override
    assert provide.require("prometheus") == override


@pytest.mark.usefixtures("bare_machine")
def test_an_override_that_cannot_be_run_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAIN_PROMETHEUS_BIN", "/no/such/file")
    with pytest.raises(ServerMissing, match="BRAIN_PROMETHEUS_BIN names /no/such/file"):
        find("prometheus")


@pytest.mark.usefixtures("bare_machine")
@pytest.mark.parametrize(("program", "needed"), [("prometheus", "Go"), ("opensearch", "Java .* and Maven")])
def test_a_missing_server_skips_its_tests(program: str, needed: str) -> None:
    with pytest.raises(pytest.skip.Exception, match=f"run `make servers` .* needs {needed}"):
        provide.require(program)


@pytest.mark.usefixtures("bare_machine")
def test_a_missing_server_fails_its_tests_in_ci(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    set_ambient(monkeypatch, tmp_path, CI="true")
    with pytest.raises(pytest.fail.Exception, match="run `make servers`"):
        provide.require("prometheus")


def test_a_build_that_breaks_fails_everywhere(bare_machine: Path) -> None:
    go = bare_machine / "go"
    go.write_text("#!/bin/sh\necho no route to anywhere >&2\nexit 1\n")
    go.chmod(0o755)
    with pytest.raises(pytest.fail.Exception, match=r"(?s)could not download.*no route to anywhere"):
        provide.require("prometheus")
