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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

import pytest

from brain_lab.servers.alertmanager import Alertmanager
from brain_lab.servers.alertmanager import default_config as alertmanager_config
from brain_lab.servers.control_plane import PROGRAMS as CONTROL_PLANE
from brain_lab.servers.control_plane import ControlPlane
from brain_lab.servers.document import Document
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.prometheus import default_config as prometheus_config
from brain_lab.servers.s3_gateway import S3Gateway
from brain_lab.servers.thanos import Thanos
from brain_lab.servers.toxiproxy import Toxiproxy
from tests.servers.provide import locate, require

PROGRAMS: Final = {
    "prometheus": ("prometheus",),
    "alertmanager": ("alertmanager",),
    "thanos": ("thanos",),
    "toxiproxy": ("toxiproxy-server",),
    "control_plane": CONTROL_PLANE,
    "s3_gateway": ("versitygw",),
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


class ControlPlaneFactory(Protocol):
    """Starts a Kubernetes control plane with the given users, by name with their groups."""

    def __call__(
        self,
        *,
        users: Mapping[str, Sequence[str]] | None = None,
        flags: Sequence[str] = (),
        controller_flags: Sequence[str] = (),
    ) -> ControlPlane: ...


def pytest_collection_finish(session: pytest.Session) -> None:
    """Compile what is missing, in sight of whoever waits for it."""
    if session.config.option.collectonly:
        return
    needed = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    capture = session.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        for fixture in sorted(PROGRAMS.keys() & needed):
            for program in PROGRAMS[fixture]:
                locate(program)


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


@pytest.fixture(scope="module")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlaneFactory]:
    """Starts Kubernetes control planes that live as long as a module's tests: each takes four seconds."""
    for program in CONTROL_PLANE:
        require(program)
    with ExitStack() as running:

        def start(
            *,
            users: Mapping[str, Sequence[str]] | None = None,
            flags: Sequence[str] = (),
            controller_flags: Sequence[str] = (),
        ) -> ControlPlane:
            plane = ControlPlane(
                data_dir=tmp_path_factory.mktemp("control-plane"),
                users=users or {},
                flags=flags,
                controller_flags=controller_flags,
            )
            return running.enter_context(plane)

        yield start


@pytest.fixture(scope="session")
def s3_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Gateway]:
    """One S3 server for the whole session; each test makes a bucket of its own."""
    binary = require("versitygw")
    with S3Gateway(data_dir=tmp_path_factory.mktemp("s3"), binary=binary) as server:
        yield server


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
