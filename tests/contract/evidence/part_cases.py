"""The sources of evidence, each behind a server that can be made to fail; those of log lines over one small scene.

A further source is one more line of ``CASES``: how it is made over a transport. One of log lines is a line of
``LINES``, with what a server of it answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx
import pyarrow as pa

from brain_common.clients.elasticsearch import ElasticsearchClient
from brain_common.clients.jaeger import JaegerClient, JaegerSettings
from brain_common.clients.loki import LokiClient
from brain_common.clients.prometheus import PrometheusClient, PrometheusSettings
from brain_common.clients.tempo import TempoClient, TempoSettings
from brain_common.entity import Entity, EntityKind
from brain_engine.logs.drain import DrainMiner
from brain_lake.location import LakeLocation
from brain_lake.schemas import LOGS
from brain_lake.writer import LakeWriter
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.elasticsearch import ElasticsearchEvidence, ElasticsearchSettings
from brain_rca.evidence.lake_logs import LakeLogs
from brain_rca.evidence.loki import LokiEvidence, LokiSettings
from brain_rca.evidence.prometheus import PrometheusEvidence
from brain_rca.evidence.protocol import PartSource, Window
from brain_rca.evidence.traces.jaeger import JaegerEvidence
from brain_rca.evidence.traces.tempo import TempoEvidence
from tests.fakes.elasticsearch import FakeElasticsearch
from tests.fakes.loki import FakeLoki, Stream

Answer = Callable[[httpx.Request], httpx.Response]
POD, OTHER_POD = "cart-6d5f8c7b9d-x2x9k", "front-6d5f8c7b9d-aaaaa"
CART = Entity("lab", "shop", EntityKind.SERVICE, "cart")
CART_POD = Entity("lab", "shop", EntityKind.POD, POD)
START, STEP = 1_700_000_000.0 // 15 * 15, 15.0
WINDOW = Window(START, START + 2400, START + 3600, STEP)
SECONDS = 0.2  # deadline where a server hangs


@dataclass(frozen=True)
class Said:
    """What a program wrote: when, in which pod of the namespace ``shop``, how severe, and what."""

    at: float
    pod: str
    level: str
    text: str


@dataclass(frozen=True)
class Scene:
    """All that is written."""

    said: Sequence[Said] = ()
    window: Window = field(default=WINDOW)


class FailingCase(Protocol):
    """One kind of source; ``name`` is for people."""

    @property
    def name(self) -> str: ...

    def away(self, folder: Path) -> PartSource: ...

    def hanging(self, folder: Path) -> PartSource | None:
        """None for what has no server."""
        ...

    def flooding(self, folder: Path) -> PartSource | None:
        """Answers with more bytes than are taken."""
        ...


class Case(FailingCase, Protocol):
    """A source of log lines; ``most`` is how many lines of a span of time it takes."""

    @property
    def most(self) -> int: ...

    def serving(self, scene: Scene, folder: Path) -> PartSource: ...


@dataclass(frozen=True)
class FailingServerCase:
    """A source with a server behind HTTP."""

    name: str
    make: Callable[[httpx.AsyncBaseTransport, float], PartSource]

    def away(self, folder: Path) -> PartSource:
        return self.make(httpx.MockTransport(_refused), 0.5)

    def hanging(self, folder: Path) -> PartSource | None:
        return self.make(_Hanging(), SECONDS)

    def flooding(self, folder: Path) -> PartSource | None:
        return self.make(httpx.MockTransport(lambda request: httpx.Response(200, content=b" " * (1 << 20))), 30.0)


@dataclass(frozen=True)
class ServerCase:
    """A source of log lines with a server behind HTTP."""

    name: str
    most: int
    make: Callable[[httpx.AsyncBaseTransport, float], PartSource]
    answers: Callable[[Scene], Answer]

    def serving(self, scene: Scene, folder: Path) -> PartSource:
        return self.make(httpx.MockTransport(self.answers(scene)), 30.0)

    def away(self, folder: Path) -> PartSource:
        return FailingServerCase(self.name, self.make).away(folder)

    def hanging(self, folder: Path) -> PartSource | None:
        return FailingServerCase(self.name, self.make).hanging(folder)

    def flooding(self, folder: Path) -> PartSource | None:
        return FailingServerCase(self.name, self.make).flooding(folder)


class _Hanging(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        raise AssertionError


def _refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


class LakeLogsCase:
    """Tables in a folder."""

    name = "lake logs"
    most = 5000

    def serving(self, scene: Scene, folder: Path) -> PartSource:
        rows = [_row(one) for one in scene.said]
        if rows:
            names = ("timestamp", "cluster", "namespace", "kind", "name", "severity_number", "severity_text", "body")
            columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
            LakeWriter(LakeLocation.local(folder)).append(LOGS, pa.table(columns))
        return LakeLogs(LakeLocation.local(folder), 30.0, DrainMiner())

    def away(self, folder: Path) -> PartSource:
        source = self.serving(Scene([Said(START, POD, "error", "text")]), folder)
        (folder / "logs" / "_delta_log" / "00000000000000000000.json").write_text("garbage")
        return source

    def hanging(self, folder: Path) -> PartSource | None:
        return None

    def flooding(self, folder: Path) -> PartSource | None:
        return None


def _row(one: Said) -> tuple[object, ...]:
    number = {"info": 9, "error": 17}[one.level]
    text = one.text.encode(errors="replace").decode()
    return datetime.fromtimestamp(one.at, UTC), "lab", "shop", "pod", one.pod, number, one.level, text


def _loki(transport: httpx.AsyncBaseTransport, seconds: float) -> PartSource:
    settings = LokiSettings.model_validate(_address(seconds) | {"most_lines": 1000})
    return LokiEvidence(LokiClient(settings, transport), settings, DrainMiner())


def _elasticsearch(transport: httpx.AsyncBaseTransport, seconds: float) -> PartSource:
    settings = ElasticsearchSettings.model_validate(_address(seconds) | {"most_lines": 1000})
    return ElasticsearchEvidence(ElasticsearchClient(settings, transport), settings, DrainMiner())


def _address(seconds: float) -> dict[str, object]:
    return {**_server(seconds), "source_seconds": seconds}


def _server(seconds: float) -> dict[str, object]:
    return {"url": "http://server.test", "deadline_seconds": seconds, "most_bytes": 900_000}


def _loki_answers(scene: Scene) -> Answer:
    streams: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for one in scene.said:
        streams.setdefault((one.pod, one.level), []).append((one.at, one.text))
    return FakeLoki(
        [
            Stream({"namespace": "shop", "pod": pod, "detected_level": level}, lines)
            for (pod, level), lines in streams.items()
        ]
    )


def _elasticsearch_answers(scene: Scene) -> Answer:
    return FakeElasticsearch(
        [
            {
                "@timestamp": round(one.at * 1000),
                "log": one.text,
                "level": one.level,
                "kubernetes": {"namespace_name": "shop", "pod_name": one.pod, "labels": {"app": one.pod.split("-")[0]}},
            }
            for one in scene.said
        ]
    )


def _prometheus(transport: httpx.AsyncBaseTransport, seconds: float) -> PartSource:
    settings = PrometheusSettings.model_validate(_server(seconds))
    return PrometheusEvidence(PrometheusClient(settings, transport), load_catalogue(), "lab", seconds)


def _tempo(transport: httpx.AsyncBaseTransport, seconds: float) -> PartSource:
    return TempoEvidence(TempoClient(TempoSettings.model_validate(_server(seconds)), transport), "lab", 24, seconds)


def _jaeger(transport: httpx.AsyncBaseTransport, seconds: float) -> PartSource:
    return JaegerEvidence(JaegerClient(JaegerSettings.model_validate(_server(seconds)), transport), "lab", 24, seconds)


LINES: tuple[Case, ...] = (
    ServerCase("loki", 1000, _loki, _loki_answers),
    ServerCase("elasticsearch", 1000, _elasticsearch, _elasticsearch_answers),
    LakeLogsCase(),
)
CASES: tuple[FailingCase, ...] = (
    *LINES,
    FailingServerCase("prometheus", _prometheus),
    FailingServerCase("tempo", _tempo),
    FailingServerCase("jaeger", _jaeger),
)
