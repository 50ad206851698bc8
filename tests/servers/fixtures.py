"""Pytest fixtures for the real servers: factories that start one and end it with the test.

    def test_it(prometheus, alertmanager):
        am = alertmanager()
        prom = prometheus(rules=[...])

The programs that the collected tests need are compiled before the first test runs, so that no test's
time-out has to cover a compiler.
"""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

import pytest

from brain_lab.servers.alertmanager import Alertmanager
from brain_lab.servers.alertmanager import default_config as alertmanager_config
from brain_lab.servers.document import Document
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.prometheus import default_config as prometheus_config
from brain_lab.servers.thanos import Thanos
from brain_lab.servers.toxiproxy import Toxiproxy
from tests.servers.provide import locate, require

PROGRAMS: Final = {
    "prometheus": "prometheus",
    "alertmanager": "alertmanager",
    "thanos": "thanos",
    "toxiproxy": "toxiproxy-server",
}
"""The fixtures whose programs may have to be compiled first."""


class PrometheusFactory(Protocol):
    """Starts a Prometheus; without `data_dir` it gets an empty one."""

    def __call__(
        self,
        *,
        config: Document | None = None,
        rules: Sequence[Document] = (),
        flags: Sequence[str] = (),
        data_dir: Path | None = None,
    ) -> Prometheus: ...


class AlertmanagerFactory(Protocol):
    """Starts an Alertmanager; with `peers`, as a member of their cluster."""

    def __call__(
        self,
        *,
        config: Document | None = None,
        peers: Sequence[str] | None = None,
        flags: Sequence[str] = (),
        data_dir: Path | None = None,
    ) -> Alertmanager: ...


class ThanosFactory(Protocol):
    """Starts a sidecar for each Prometheus, and a Query over them."""

    def __call__(self, *servers: Prometheus, replica_labels: Sequence[str] = ()) -> Thanos: ...


class ToxiproxyFactory(Protocol):
    """Starts a Toxiproxy without proxies."""

    def __call__(self) -> Toxiproxy: ...


def pytest_collection_finish(session: pytest.Session) -> None:
    """Compile what is missing, in sight of whoever waits for it."""
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for fixture in sorted(PROGRAMS.keys() & needed):
            locate(PROGRAMS[fixture])


@pytest.fixture
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrometheusFactory]:
    """Starts Prometheus servers."""
    binary = require("prometheus")
    with ExitStack() as running:

        def start(
            *,
            config: Document | None = None,
            rules: Sequence[Document] = (),
            flags: Sequence[str] = (),
            data_dir: Path | None = None,
        ) -> Prometheus:
            server = Prometheus(
                data_dir=data_dir or tmp_path_factory.mktemp("prometheus"),
                config=prometheus_config() if config is None else config,
                rules=rules,
                flags=flags,
                binary=binary,
            )
            return running.enter_context(server)

        yield start


@pytest.fixture
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertmanagerFactory]:
    """Starts Alertmanagers."""
    binary = require("alertmanager")
    with ExitStack() as running:

        def start(
            *,
            config: Document | None = None,
            peers: Sequence[str] | None = None,
            flags: Sequence[str] = (),
            data_dir: Path | None = None,
        ) -> Alertmanager:
            server = Alertmanager(
                data_dir=data_dir or tmp_path_factory.mktemp("alertmanager"),
                config=alertmanager_config() if config is None else config,
                peers=peers,
                flags=flags,
                binary=binary,
            )
            return running.enter_context(server)

        yield start


@pytest.fixture
def thanos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ThanosFactory]:
    """Puts Thanos over running Prometheus servers; request it after `prometheus`, so that it ends first."""
    binary = require("thanos")
    with ExitStack() as running:

        def start(*servers: Prometheus, replica_labels: Sequence[str] = ()) -> Thanos:
            folder = tmp_path_factory.mktemp("thanos")
            over = Thanos(data_dir=folder, servers=servers, replica_labels=replica_labels, binary=binary)
            return running.enter_context(over)

        yield start


@pytest.fixture
def toxiproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToxiproxyFactory]:
    """Starts Toxiproxies."""
    binary = require("toxiproxy-server")
    with ExitStack() as running:

        def start() -> Toxiproxy:
            server = Toxiproxy(data_dir=tmp_path_factory.mktemp("toxiproxy"), binary=binary)
            return running.enter_context(server)

        yield start


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One PostgreSQL for the whole session, in a folder that its unprivileged user can reach."""
    binary = require("postgres")
    with (
        tempfile.TemporaryDirectory(prefix="brain-postgres-") as folder,
        Postgres(data_dir=Path(folder), binary=binary) as server,
    ):
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty database of this test's own."""
    name = f"test_{uuid.uuid4().hex}"
    yield postgres.create_database(name)
    postgres.drop_database(name)
