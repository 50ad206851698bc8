"""Every answer of the listener tells the browser what it may do, also where there is nothing."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_rca.http_app import build_app
from brain_rca.page.headers import security_headers
from brain_rca.page.routes import page_routes
from tests.unit.page import samples
from tests.unit.page.memory_store import MemoryStore

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def ask(method: str, path: str, **options: Any) -> httpx.Response:
    store = MemoryStore([samples.rich()])
    app = build_app(page_routes(store, clock=ManualClock(samples.NOW), **options), store, CollectorRegistry())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://brain") as client:
        return await client.request(method, path)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/incidents/<script>/x", 404),
        ("POST", "/incidents", 405),
        ("GET", "/incidents/", 307),
        ("GET", "/metrics", 200),
        ("GET", "/-/healthy", 200),
        ("GET", "/incidents", 200),
    ],
)
async def test_every_answer_has_the_headers(method: str, path: str, status: int) -> None:
    answer = await ask(method, path)
    assert answer.status_code == status
    for name, value in security_headers().items():
        assert answer.headers.get_list(name) == [value]


async def test_what_a_page_allows_stays_allowed() -> None:
    answer = await ask("GET", "/incidents", frame_ancestors=("https://grafana.example.org",))
    [policy] = answer.headers.get_list("content-security-policy")
    assert "frame-ancestors https://grafana.example.org" in policy
