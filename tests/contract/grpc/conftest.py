"""The gRPC API on a real port over a real store; judgements are made by the tests, when they say so."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from brain_api.rca.v1 import rca_pb2 as pb
from brain_api.rca.v1 import rca_pb2_grpc
from brain_common.clock import ManualClock
from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings, ListenSettings, TlsSettings
from brain_rca.audit import AuditLog
from brain_rca.feedback.desk import FeedbackDesk
from brain_rca.grpc_api import servicer as servicer_module
from brain_rca.grpc_api.server import serving_grpc
from brain_rca.grpc_api.servicer import RcaServicer
from brain_rca.intake.timing import IntakeSettings
from brain_rca.metrics import Metrics
from brain_rca.store.sqlite import SqliteStore
from brain_rca.wake import Wake
from tests.contract.store.samples import COOLDOWN, T0, analysis

PATIENCE = 10.0  # seconds that anything on loopback may take on a busy machine


class Api:
    """The service's parts behind the port, and a client before it."""

    def __init__(self, store: SqliteStore, clock: ManualClock, callers: Sequence[CallerSettings]) -> None:
        self.store = store
        self.clock = clock
        self.wake = Wake()
        settings = IntakeSettings(debounce_seconds=600)
        metrics = Metrics(CollectorRegistry())
        desk = FeedbackDesk(store, AuditLog(store, "writer", clock, None), clock, self.wake)
        self.servicer = RcaServicer(store, Authenticator(callers), settings, clock, metrics, self.wake, desk)
        self.port = 0
        self.channel: grpc.aio.Channel
        self.stub: rca_pb2_grpc.RcaServiceStub

    async def judge(self) -> str:
        """Judge the incident that is longest due, as soon as there is one; returns its id."""
        async with asyncio.timeout(PATIENCE):
            while (claim := await self.store.claim_analysis(self.clock.now(), 60.0)) is None:  # noqa: ASYNC110
                await asyncio.sleep(0.002)
        await self.store.finish_analysis(claim, analysis(), self.clock.now(), ["grafana"], None)
        await self.wake.analysed()
        return claim.incident.id

    async def analysed(self, request: pb.AlertGroup) -> pb.Incident:
        """Send a group and judge it."""
        answer, _ = await asyncio.gather(self.stub.Analyze(request, timeout=PATIENCE), self.judge())
        return answer


@contextlib.asynccontextmanager
async def serving_api(
    folder: Path, callers: Sequence[CallerSettings] = (), tls: TlsSettings | None = None
) -> AsyncIterator[Api]:
    """Serve while the block runs; without TLS there is a client, too."""
    clock = ManualClock(T0)
    store = SqliteStore(folder / "incidents.sqlite", COOLDOWN, clock)
    await store.open()
    api = Api(store, clock, callers)
    try:
        async with contextlib.AsyncExitStack() as stack:
            listen = ListenSettings(port=0, tls=tls)
            api.port = await stack.enter_async_context(serving_grpc(api.servicer, listen))
            api.channel = await stack.enter_async_context(grpc.aio.insecure_channel(f"127.0.0.1:{api.port}"))
            api.stub = rca_pb2_grpc.RcaServiceStub(api.channel)
            yield api
    finally:
        await store.close()


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for changes often: nobody wakes the servicer about what a test does to the store."""
    monkeypatch.setattr(servicer_module, "POLL_SECONDS", 0.01)


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with serving_api(tmp_path) as one:
        yield one


def group(key: str = "k", *services: str, status: str = "firing", ago: float = 60, **fields: Any) -> pb.AlertGroup:
    """A group of one alert a service."""
    return pb.AlertGroup(
        **{
            "receiver": "brain",
            "group_key": key,
            "status": status,
            "alerts": [member(service, status, ago) for service in services or ("cart",)],
            **fields,
        }
    )


def member(service: str = "cart", status: str = "firing", ago: float = 60, **fields: Any) -> pb.Alert:
    """An alert that began ``ago`` seconds before the test; a resolved one ended half way."""
    ended = {"ends_at": Timestamp(seconds=int(T0 - ago / 2))} if status == "resolved" else {}
    return pb.Alert(
        **{
            "status": status,
            "labels": {"alertname": "HighLatency", "service": service},
            "starts_at": Timestamp(seconds=int(T0 - ago)),
            **ended,
            **fields,
        }
    )


@dataclass(frozen=True)
class Refused:
    """What a call was told, and its typed details."""

    code: grpc.StatusCode
    message: str
    reason: str
    domain: str
    metadata: dict[str, str]
    fields: list[str]
    retry_seconds: float | None


async def refused(call: Awaitable[Any]) -> Refused:
    """The refusal of a call that must not succeed."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return told(caught.value)


def told(error: grpc.aio.AioRpcError) -> Refused:
    """The details of an error, which must agree with its status."""
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    status = status_pb2.Status.FromString(packed)
    if packed:
        assert (status.code, status.message) == (error.code().value[0], error.details())
    info = error_details_pb2.ErrorInfo()
    violations = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    found = [detail.Unpack(kind) for detail in status.details for kind in (info, violations, retry)]
    assert sum(found) == len(status.details)
    return Refused(
        code=error.code(),
        message=error.details() or "",
        reason=info.reason,
        domain=info.domain,
        metadata=dict(info.metadata),
        fields=[violation.field for violation in violations.field_violations],
        retry_seconds=retry.retry_delay.ToNanoseconds() / 1e9 if retry.HasField("retry_delay") else None,
    )
