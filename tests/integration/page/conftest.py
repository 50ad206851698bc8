"""The page on a loopback port, and a browser to look at it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from brain_common.clock import ManualClock
from brain_rca.model import Incident
from brain_rca.page.headers import security_headers
from brain_rca.page.routes import page_routes
from tests.integration.page.browser import Browser, find_chromium
from tests.unit.page import samples
from tests.unit.page.memory_store import MemoryStore

SAMPLES = {
    sample.__name__: sample
    for sample in (
        samples.rich,
        samples.no_cause,
        samples.pending,
        samples.analysis_failed,
        samples.failed_sink,
        samples.resolved,
        samples.many_alerts,
        samples.long_names,
        samples.hostile,
        samples.big,
    )
}
# Same origin as the page, so its script may look into the frame; it stands outside the page's own policy.
RULER = """<!doctype html><iframe id=f width=%s height=800 src="%s"></iframe><p id=out></p><script>
f.onload = () => { const d = f.contentDocument, e = d.documentElement;
  const loose = [...d.querySelectorAll('[aria-labelledby]')]
    .filter(x => !d.getElementById(x.getAttribute('aria-labelledby'))).length;
  out.textContent = `overflow=${e.scrollWidth - e.clientWidth} loose=${loose} scripts=${d.scripts.length}`; }
</script>"""
BROKEN = "<!doctype html><style>p{color:red}</style><img src=http://example.org/x><script>document.title='ran'</script>"


@dataclass
class Site:
    """Where the page is, and which paths were asked for."""

    url: str
    asked: list[str] = field(default_factory=list)

    def incident(self, name: str) -> str:
        return f"{self.url}/incidents/{identity(name)}"


def identity(name: str) -> str:
    """A sample's id on the test site."""
    return f"{list(SAMPLES).index(name):016x}"


def kept() -> list[Incident]:
    return [msgspec.structs.replace(make(), id=identity(name)) for name, make in SAMPLES.items()]


async def ruler(request: Request) -> Response:
    return HTMLResponse(RULER % (request.query_params["width"], request.query_params["path"]))


async def broken(request: Request) -> Response:
    """What the tests must notice: a page that wants everything its policy forbids."""
    return HTMLResponse(BROKEN, headers=security_headers())


def application(asked: list[str]) -> ASGIApp:
    pages = page_routes(MemoryStore(kept()), clock=ManualClock(samples.NOW), frame_ancestors=("'self'",))
    app = Starlette(routes=[Route("/ruler", ruler), Route("/broken", broken), *pages])

    async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            asked.append(scope["path"])
        await app(scope, receive, send)

    return recorded


@pytest.fixture
def site() -> Iterator[Site]:
    listener = socket.create_server(("127.0.0.1", 0))
    found = Site(f"http://127.0.0.1:{listener.getsockname()[1]}")
    config = uvicorn.Config(application(found.asked), log_level="critical", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield found
    server.should_exit = True
    thread.join(timeout=20)
    listener.close()


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(find_chromium(), tmp_path)
