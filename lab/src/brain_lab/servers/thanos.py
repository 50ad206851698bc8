"""Thanos over one or more running Prometheus servers: a sidecar for each, and one Query in front.

It counts as ready when Query has found every sidecar, not merely when its own port answers: a query
before that gives an empty result, not an error. No object storage is involved, so there is nothing older
than what the Prometheus servers hold.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Self

from brain_lab.servers.prometheus import Prometheus
from brain_lab.servers.server import HOST, HttpServer, free_port, get


@dataclass(kw_only=True)
class Sidecar(HttpServer):
    """A Thanos sidecar: serves one Prometheus over the Store API.

    Attributes:
        prometheus_url: The Prometheus, which must have external labels that no other one has.
    """

    program: ClassVar[str] = "thanos"

    prometheus_url: str
    _grpc_port: int = field(default=0, init=False, repr=False)

    @property
    def grpc_address(self) -> str:
        """Its Store API."""
        return f"{HOST}:{self._grpc_port}"

    def _command(self, port: int) -> list[str]:
        self._grpc_port = free_port()
        return [
            str(self.executable),
            "sidecar",
            f"--prometheus.url={self.prometheus_url}",
            f"--tsdb.path={self.data_dir}",
            f"--http-address={HOST}:{port}",
            f"--grpc-address={self.grpc_address}",
            *self.flags,
        ]


@dataclass(kw_only=True)
class Query(HttpServer):
    """A Thanos Query: the Prometheus API over many stores.

    Attributes:
        stores: The Store APIs it asks.
        replica_labels: External labels that tell replicas apart; series that differ in these only are merged.
    """

    program: ClassVar[str] = "thanos"

    stores: Sequence[str]
    replica_labels: Sequence[str] = ()

    def _command(self, port: int) -> list[str]:
        return [
            str(self.executable),
            "query",
            f"--http-address={HOST}:{port}",
            f"--grpc-address={HOST}:{free_port()}",
            *(f"--endpoint={store}" for store in self.stores),
            *(f"--query.replica-label={label}" for label in self.replica_labels),
            *self.flags,
        ]

    def _answers(self, port: int) -> bool:
        return super()._answers(port) and _found_stores(port) >= len(self.stores)


@dataclass(kw_only=True)
class Thanos:
    """Sidecars and a Query, ready when entered; ended in the opposite order.

    Attributes:
        data_dir: The folder for their logs and scratch files.
        servers: The running Prometheus servers to put behind it.
        replica_labels: As for `Query`.
        binary: The program; found by its name otherwise.
    """

    data_dir: Path
    servers: Sequence[Prometheus]
    replica_labels: Sequence[str] = ()
    binary: Path | None = None
    _query: Query | None = field(default=None, init=False, repr=False)
    _stack: ExitStack = field(default_factory=ExitStack, init=False, repr=False)

    @property
    def url(self) -> str:
        """The Prometheus API of the Query."""
        if self._query is None:
            raise RuntimeError("thanos is not running")
        return self._query.url

    def start(self) -> None:
        """Start all of it and wait until Query sees every sidecar."""
        with ExitStack() as stack:
            sidecars = [stack.enter_context(self._sidecar(n, p)) for n, p in enumerate(self.servers)]
            self._query = stack.enter_context(
                Query(
                    data_dir=self.data_dir / "query",
                    stores=[sidecar.grpc_address for sidecar in sidecars],
                    replica_labels=self.replica_labels,
                    binary=self.binary,
                )
            )
            self._stack = stack.pop_all()

    def stop(self) -> None:
        """End all of it; does nothing when it is not running."""
        self._query = None
        self._stack.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _sidecar(self, number: int, prometheus: Prometheus) -> Sidecar:
        folder = self.data_dir / f"sidecar-{number}"
        return Sidecar(data_dir=folder, prometheus_url=prometheus.url, binary=self.binary)


def _found_stores(port: int) -> int:
    answer = get(port, "/api/v1/stores")
    by_kind = json.loads(answer)["data"] if answer else {}
    return sum(1 for stores in by_kind.values() for store in stores if not store.get("lastError"))
