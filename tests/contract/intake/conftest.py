"""The webhook on a real port: with a store that does what a test says, or as part of the whole service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.errors import BrainError
from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings, ListenSettings
from brain_common.serving.http import serving
from brain_rca.http_app import build_app
from brain_rca.intake.timing import IntakeSettings
from brain_rca.intake.webhook import Webhook
from brain_rca.metrics import Metrics
from brain_rca.model import Severity
from brain_rca.store.protocol import Acceptance, Notification, Outcome
from brain_rca.wake import Wake
from tests.e2e.service import service
from tests.fakes.http_server import Answer, FakeServer
from tests.fakes.raw_client import PATIENCE
from tests.unit.intake.payloads import body

NOW = 1_709_294_500.0
PATH = "/api/v1/alertmanager"
WORDS = {"page": Severity.CRITICAL, "P1": Severity.CRITICAL, "P4": Severity.INFO}
TOKENS = [
    CallerSettings.model_validate({"name": name, "bearer_token": f"token-of-{name}"}) for name in ("eu-west", "us-east")
]


class HeldStore:
    """Accepts a notification when it is let, or fails as it is told; nothing else of a store."""

    def __init__(self) -> None:
        self.entered: list[Notification] = []
        self.durable: list[Notification] = []
        self.trouble: BrainError | None = None
        self.go = asyncio.Event()
        self.go.set()

    def reset(self) -> None:
        self.entered, self.durable, self.trouble = [], [], None
        self.go.set()

    async def accept(self, notification: Notification) -> Acceptance:
        self.entered.append(notification)
        await self.go.wait()
        if self.trouble is not None:
            raise self.trouble
        self.durable.append(notification)
        return Acceptance(incident_id="00000000c0ffee00", outcome=Outcome.OPENED)


@dataclass
class Listening:
    """A webhook that listens."""

    port: int
    store: HeldStore
    registry: CollectorRegistry
    client: httpx.AsyncClient
    wake: Wake
    before: dict[str, float] = field(default_factory=dict)

    def reset(self) -> None:
        """As if it had just been started."""
        self.store.reset()
        self.wake.analyses.clear()
        self.before = {
            outcome: self._count(outcome) for outcome in ("opened", "ignored", "refused", "busy", "unauthorized")
        }

    async def post(self, content: bytes | None = None, path: str = PATH, **options: Any) -> httpx.Response:
        return await self.client.post(path, content=body() if content is None else content, **options)

    def counted(self, outcome: str) -> float:
        return self._count(outcome) - self.before.get(outcome, 0.0)

    def _count(self, outcome: str) -> float:
        return self.registry.get_sample_value("brain_rca_groups_received_total", {"outcome": outcome}) or 0.0


@contextlib.asynccontextmanager
async def listening(
    settings: IntakeSettings | None = None, callers: Sequence[CallerSettings] = ()
) -> AsyncIterator[Listening]:
    """Serve the webhook alone while the block runs."""
    store, registry, wake = HeldStore(), CollectorRegistry(), Wake()
    webhook = Webhook(
        store,  # type: ignore[arg-type]
        Authenticator(callers),
        settings or IntakeSettings(),
        ManualClock(NOW),
        Metrics(registry),
        wake,
    )
    app = build_app(webhook.routes(), store, registry)  # type: ignore[arg-type]
    async with (
        serving(app, ListenSettings(port=0)) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE) as client,
    ):
        yield Listening(port, store, registry, client, wake)


async def eventually(what: str, look: Callable[[], object]) -> None:
    """Until ``look`` says something true."""
    for _ in range(int(PATIENCE / 0.002)):
        if look():
            return
        await asyncio.sleep(0.002)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for a module, so that its tests can share a listener."""
    return "asyncio"


@pytest.fixture(scope="module")
async def open_webhook() -> AsyncIterator[Listening]:
    async with listening(IntakeSettings(debounce_seconds=7, severities=WORDS)) as one:
        yield one


@pytest.fixture(scope="module")
async def closed_webhook() -> AsyncIterator[Listening]:
    async with listening(callers=TOKENS) as one:
        yield one


@pytest.fixture
def webhook(open_webhook: Listening) -> Listening:
    """A webhook that anybody may call."""
    open_webhook.reset()
    return open_webhook


@pytest.fixture
def guarded(closed_webhook: Listening) -> Listening:
    """A webhook that knows its callers."""
    closed_webhook.reset()
    return closed_webhook


@pytest.fixture(scope="module")
def prometheus() -> Iterator[FakeServer]:
    """Has nothing to tell, so that a judgement is quick."""
    nothing = {"status": "success", "data": {"resultType": "matrix", "result": []}}
    with FakeServer(lambda *_: Answer(200, nothing)) as server:
        yield server


def service_config(folder: Path, prometheus: FakeServer, **parts: Any) -> dict[str, Any]:
    return {
        "http": {"port": 0},
        "grpc": None,
        "store": {"sqlite": str(folder / "incidents.sqlite")},
        "evidence": {"prometheus": {"url": prometheus.url}},
        **parts,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("service")


@pytest.fixture(scope="module")
def url(folder: Path, prometheus: FakeServer) -> Iterator[str]:
    """The whole service, which knows no callers."""
    with service(service_config(folder, prometheus, intake={"debounce_seconds": 0})) as running:
        yield running.url
