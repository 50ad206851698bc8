"""Pytest fixtures for the real servers: factories that start one and end it with the test.

    def test_it(prometheus, alertmanager):
        am = alertmanager()
        prom = prometheus(rules=[...])

The programs that the collected tests need are built before the first test runs, so that no test's
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
from brain_lab.servers.collector import Collector
from brain_lab.servers.control_plane import ControlPlane
from brain_lab.servers.document import Document
from brain_lab.servers.jaeger import Jaeger
from brain_lab.servers.kube_programs import PROGRAMS as KUBE_PROGRAMS
from brain_lab.servers.kube_programs import STAGES
from brain_lab.servers.loki import Loki
from brain_lab.servers.opensearch import OpenSearch
from brain_lab.servers.postgres import Postgres
from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.prometheus import default_config as prometheus_config
from brain_lab.servers.s3_gateway import S3Gateway
from brain_lab.servers.telemetrygen import Telemetrygen
from brain_lab.servers.thanos import Thanos
from brain_lab.servers.toxiproxy import Toxiproxy
from tests.servers.otlp_file import INTAKE, OtlpFile, into_file
from tests.servers.provide import locate, require

PROGRAMS: Final[Mapping[str, Sequence[str]]] = {
    "prometheus": ["prometheus"],
    "alertmanager": ["alertmanager"],
    "thanos": ["thanos"],
    "toxiproxy": ["toxiproxy-server"],
    "s3_gateway": ["versitygw"],
    "loki": ["loki"],
    "collector": ["otelcol"],
    "telemetrygen": ["telemetrygen"],
    "jaeger": ["jaeger-all-in-one"],
    "opensearch": ["opensearch"],
    "control_plane": KUBE_PROGRAMS,
    "shared_control_plane": KUBE_PROGRAMS,
}
"""The fixtures whose programs may have to be built first."""


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


class S3GatewayFactory(Protocol):
    """Starts an S3 gateway without buckets."""

    def __call__(self) -> S3Gateway: ...


class LokiFactory(Protocol):
    """Starts a Loki without lines."""

    def __call__(self) -> Loki: ...


class CollectorFactory(Protocol):
    """Starts an OpenTelemetry Collector; without `data_dir` it gets an empty one."""

    def __call__(
        self,
        config: Document,
        *,
        addresses: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        flags: Sequence[str] = (),
        data_dir: Path | None = None,
    ) -> Collector: ...


class ControlPlaneFactory(Protocol):
    """Starts a Kubernetes control plane without nodes."""

    def __call__(
        self,
        *,
        tokens: Mapping[str, Sequence[str]] | None = None,
        apiserver_flags: Sequence[str] = (),
        with_kwok: bool = True,
        stages: Document = STAGES,
        node_grace_seconds: int = 10,
    ) -> ControlPlane: ...


def pytest_collection_finish(session: pytest.Session) -> None:
    """Build what is missing, in sight of whoever waits for it."""
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


@pytest.fixture
def s3_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3GatewayFactory]:
    """Starts S3 gateways."""
    binary = require("versitygw")
    with ExitStack() as running:

        def start() -> S3Gateway:
            server = S3Gateway(data_dir=tmp_path_factory.mktemp("s3"), binary=binary)
            return running.enter_context(server)

        yield start


@pytest.fixture
def loki(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LokiFactory]:
    """Starts Lokis."""
    binary = require("loki")
    with ExitStack() as running:

        def start() -> Loki:
            return running.enter_context(Loki(data_dir=tmp_path_factory.mktemp("loki"), binary=binary))

        yield start


@pytest.fixture
def collector(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectorFactory]:
    """Starts OpenTelemetry Collectors."""
    binary = require("otelcol")
    with ExitStack() as running:

        def start(
            config: Document,
            *,
            addresses: Sequence[str] = (),
            environ: Mapping[str, str] | None = None,
            flags: Sequence[str] = (),
            data_dir: Path | None = None,
        ) -> Collector:
            server = Collector(
                data_dir=data_dir or tmp_path_factory.mktemp("collector"),
                config=config,
                addresses=addresses,
                environ=environ or {},
                flags=flags,
                binary=binary,
            )
            return running.enter_context(server)

        yield start


@pytest.fixture
def otlp_file(collector: CollectorFactory, tmp_path: Path) -> OtlpFile:
    """Takes OTLP/gRPC and writes it into a file."""
    path = tmp_path / "arrived.json"
    return OtlpFile(path, collector(into_file(path), addresses=[INTAKE]))


@pytest.fixture
def telemetrygen() -> Telemetrygen:
    """Sends loads of telemetry."""
    return Telemetrygen(binary=require("telemetrygen"))


@pytest.fixture
def jaeger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Jaeger]:
    """A Jaeger without traces."""
    with Jaeger(data_dir=tmp_path_factory.mktemp("jaeger"), binary=require("jaeger-all-in-one")) as server:
        yield server


@pytest.fixture
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlaneFactory]:
    """Starts Kubernetes control planes, for tests that break theirs or need flags of their own."""
    binaries = {program: require(program) for program in KUBE_PROGRAMS}
    with ExitStack() as running:

        def start(
            *,
            tokens: Mapping[str, Sequence[str]] | None = None,
            apiserver_flags: Sequence[str] = (),
            with_kwok: bool = True,
            stages: Document = STAGES,
            node_grace_seconds: int = 10,
        ) -> ControlPlane:
            plane = ControlPlane(
                data_dir=tmp_path_factory.mktemp("kubernetes"),
                tokens=tokens or {},
                apiserver_flags=apiserver_flags,
                with_kwok=with_kwok,
                stages=stages,
                node_grace_seconds=node_grace_seconds,
                binaries=binaries,
            )
            return running.enter_context(plane)

        yield start


@pytest.fixture(scope="session")
def shared_control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """One control plane for the whole session, with one node; its user `reader` may do nothing yet."""
    plane = ControlPlane(
        data_dir=tmp_path_factory.mktemp("kubernetes"),
        tokens={"reader": ["readers"]},
        binaries={program: require(program) for program in KUBE_PROGRAMS},
    )
    with plane:
        plane.add_node("node-0")
        yield plane


@pytest.fixture
def kube_namespace(shared_control_plane: ControlPlane) -> Iterator[str]:
    """A namespace of this test's own in the shared control plane."""
    name = f"test-{uuid.uuid4().hex}"
    shared_control_plane.create_namespace(name)
    yield name
    shared_control_plane.delete_namespace(name)


@pytest.fixture(scope="session")
def opensearch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSearch]:
    """One OpenSearch for the whole session; tests name their indices by `index_prefix`."""
    with OpenSearch(data_dir=tmp_path_factory.mktemp("opensearch"), binary=require("opensearch")) as server:
        yield server


@pytest.fixture
def index_prefix(opensearch: OpenSearch) -> Iterator[str]:
    """What the names of this test's own indices begin with; they are gone afterwards."""
    prefix = f"test-{uuid.uuid4().hex}-"
    yield prefix
    opensearch.ask("DELETE", f"/{prefix}*")


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
