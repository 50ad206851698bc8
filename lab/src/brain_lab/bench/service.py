"""The service under measurement: ``brain rca serve`` in a process of its own, with a configuration made here.

Benches see it as everybody else does: by its webhook, its JSON and its process id.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import msgspec

from brain_lab.servers.binaries import find, runnable
from brain_lab.servers.server import HOST, HttpServer

WEBHOOK: Final = "/api/v1/alertmanager"
CLUSTER: Final = "bench"
_PAGE = 100  # incidents a request, the most there are
_SECONDS = 30.0  # for one request


class Told(msgspec.Struct):
    """How far one sink has been told."""

    sink: str
    state: str


class Member(msgspec.Struct):
    """An alert of an incident."""

    fingerprint: str


class Incident(msgspec.Struct):
    """The part of an incident's JSON that benches look at."""

    id: str
    group_hash: str
    analysis_state: str
    alerts: list[Member]
    deliveries: list[Told] = []
    analysis: msgspec.Raw = msgspec.Raw(b"null")

    @property
    def analysed(self) -> bool:
        """Judged, as it is now."""
        return self.analysis_state == "done" and bytes(self.analysis) != b"null"


class _Line(msgspec.Struct):
    id: str


class _Page(msgspec.Struct):
    incidents: list[_Line]
    next: str | None = None


@dataclass(kw_only=True)
class Service(HttpServer):
    """A running service.

    Attributes:
        config: Its configuration but for the address it listens on; gRPC is on, on a free port.
    """

    program: ClassVar[str] = "brain"

    config: Mapping[str, Any]

    @property
    def executable(self) -> Path:
        """The ``brain`` of this very environment, where there is one."""
        beside = Path(sys.executable).with_name(self.program)
        return self.binary or (beside if runnable(beside) else find(self.program))

    def kill(self) -> None:
        """End it as a crash would; ``start`` brings it back on the same data."""
        self.process.kill()

    def incident_ids(self) -> list[str]:
        """Of all incidents, newest first."""
        found: list[str] = []
        before: str | None = None
        with self.client() as client:
            while True:
                answer = client.get("/incidents.json", params={"limit": _PAGE} | ({"before": before} if before else {}))
                page = msgspec.json.decode(answer.raise_for_status().content, type=_Page)
                found += [line.id for line in page.incidents]
                before = page.next
                if before is None:
                    return found

    def incidents(self, ids: Sequence[str]) -> list[Incident]:
        """Those of ``ids`` that the service knows."""
        with self.client() as client:
            answers = [client.get(f"/incidents/{one}.json") for one in ids]
        known = [answer.raise_for_status().content for answer in answers if answer.status_code != httpx.codes.NOT_FOUND]
        return [msgspec.json.decode(content, type=Incident) for content in known]

    def client(self) -> httpx.Client:
        """For its JSON."""
        return httpx.Client(base_url=self.url, trust_env=False, timeout=_SECONDS)

    def _command(self, port: int) -> list[str]:
        config_file = self.data_dir / "config.yaml"
        listen = {"http": {"host": HOST, "port": port}, "grpc": {"host": HOST, "port": 0}, "cluster": CLUSTER}
        # JSON is YAML.
        config_file.write_text(json.dumps({**listen, **self.config}, indent=1), encoding="utf-8")
        return [str(self.executable), "rca", "serve", "--config", str(config_file), *self.flags]
