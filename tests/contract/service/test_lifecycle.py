"""The whole service in the test's own event loop: it starts, works, and leaves nothing behind when it ends."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from brain_common.clock import ManualClock, SystemClock
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_rca.config import RcaSettings
from brain_rca.model import AnalysisState
from brain_rca.service import Running, check, running, writer_name
from brain_rca.store.sqlite import SqliteStore
from tests.contract.cli.shop import END, FakePrometheus, group
from tests.fakes.credentials import PASSWORD, callers

pytestmark = pytest.mark.anyio

LIMIT = 20.0  # seconds until a test that polls gives up


@pytest.fixture
def prometheus() -> Iterator[FakePrometheus]:
    with FakePrometheus() as server:
        yield server


@pytest.fixture
def payload(tmp_path: Path) -> bytes:
    return group(tmp_path, severity="critical").read_bytes()


def settings(folder: Path, server: FakePrometheus, **parts: Any) -> RcaSettings:
    data = {
        "http": {"port": 0},
        "grpc": {"port": 0},
        "store": {"sqlite": str(folder / "incidents.sqlite")},
        "evidence": {"prometheus": {"url": server.url}},
        "audit": {"anchor_file": str(folder / "anchors")},
        **parts,
    }
    return check_settings(data, RcaSettings, "test")


def remains() -> tuple[int, set[str]]:
    """Tasks beside the caller's, and threads that are not of a pool."""
    threads = {thread.name for thread in threading.enumerate() if thread.name.startswith("store-writer")}
    return len(asyncio.all_tasks()) - 1, threads


@asynccontextmanager
async def client(service: Running) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.url, timeout=10, trust_env=False) as one:
        yield one


async def post(service: Running, payload: bytes) -> str:
    async with client(service) as one:
        answer = await one.post("/api/v1/alertmanager", content=payload)
    assert answer.status_code == 200
    return str(answer.json()["incident"])


async def until(what: Callable[[], object]) -> None:
    async with asyncio.timeout(LIMIT):
        while not what():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


async def judged(service: Running, incident_id: str) -> dict[str, Any]:
    """The incident as the page shows it, once its judgement is done."""
    async with asyncio.timeout(LIMIT), client(service) as one:
        while True:
            found: dict[str, Any] = (await one.get(f"/incidents/{incident_id}.json")).json()
            if found["analysis_state"] == "done":
                return found
            await asyncio.sleep(0.02)


async def test_it_starts_and_ends_twice_and_leaves_nothing_behind(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes
) -> None:
    before = remains()
    configured = settings(tmp_path, prometheus)
    known = ""
    for _ in range(2):
        async with running(configured, ManualClock(END)) as service, client(service) as one:
            assert (await one.get("/-/healthy")).text == "healthy\n"
            assert (await one.get("/-/ready")).text == "ready\n"
            assert service.grpc_port
            known = known or await post(service, payload)
            assert (await judged(service, known))["analysis"]["causes"][0]["entity"] == "lab/shop/service/cart"
        async with client(service) as one:
            with pytest.raises(httpx.ConnectError):
                await one.get("/-/healthy")
        assert remains() == before


async def test_an_idle_one_ends_by_itself_and_need_not_be_cut_off(tmp_path: Path, prometheus: FakePrometheus) -> None:
    async with running(settings(tmp_path, prometheus, grpc=None)) as service:
        assert service.grpc_port is None
        [judging] = [task for task in asyncio.all_tasks() if task.get_name() == "analysis"]
    assert judging.done()
    assert not judging.cancelled()


async def test_a_judgement_is_published_audited_and_counted(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes
) -> None:
    configured = settings(tmp_path, prometheus, grpc=None)
    async with running(configured, ManualClock(END)) as service, client(service) as one:
        await judged(service, await post(service, payload))
        await until((tmp_path / "anchors").exists)
        metrics = (await one.get("/metrics")).text
        openmetrics = await one.get("/metrics", headers={"Accept": "application/openmetrics-text"})
    assert 'brain_rca_groups_received_total{outcome="opened"} 1.0' in metrics
    assert 'brain_rca_analyses_total{result="cause"} 1.0' in metrics
    assert "process_resident_memory_bytes" in metrics
    assert openmetrics.headers["content-type"].startswith("application/openmetrics-text")
    assert openmetrics.text.endswith("# EOF\n")
    assert json.loads((tmp_path / "anchors").read_text())["sequence"] == 1


async def test_an_anchor_file_that_cannot_be_written_does_not_stop_the_judgements(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    configured = settings(tmp_path, prometheus, grpc=None, audit={"anchor_file": str(tmp_path / "gone" / "anchors")})
    async with running(configured, ManualClock(END)) as service:
        await judged(service, await post(service, payload))
        other = json.loads(payload) | {"groupKey": "another"}
        await judged(service, await post(service, json.dumps(other).encode()))
        await until(lambda: caplog.text.count("audit.anchor_file") == 2)


@pytest.mark.parametrize("trouble", ["hang", "slow"])
async def test_it_ends_under_work_and_the_next_one_takes_over(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes, trouble: str
) -> None:
    before = remains()
    configured = settings(tmp_path, prometheus, grpc=None)
    prometheus.hang() if trouble == "hang" else prometheus.delay(0.05)
    async with running(configured, ManualClock(END)) as service:
        known = await post(service, payload)
        await until(lambda: prometheus.requests or trouble == "hang")
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert remains() == before
    prometheus.heal()
    async with running(configured, ManualClock(END)) as service:
        found = await judged(service, known)
    assert found["analysis"]["missing"] == []
    assert (found["id"], found["notifications"]) == (known, 1)


async def test_what_was_accepted_shortly_before_the_end_is_kept(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes
) -> None:
    warning = payload.replace(b"critical", b"warning")
    async with running(settings(tmp_path, prometheus, grpc=None), ManualClock(END)) as service:
        known = await post(service, warning)
    store = SqliteStore(tmp_path / "incidents.sqlite", 0.0, ManualClock(END))
    await store.open()
    kept = await store.get(known)
    await store.close()
    assert kept is not None
    assert kept.analysis_state is AnalysisState.PENDING
    assert prometheus.requests == []


# What stops the start


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield int(one.getsockname()[1])


async def refused(configured: RcaSettings) -> str:
    """Why it does not start; whatever was started before is gone again."""
    before = remains()
    with pytest.raises(ConfigError) as caught:
        async with running(configured):
            pass
    assert remains() == before
    return str(caught.value)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"analysis": {"detector": "eyes"}}, "analysis: 'eyes' is not among the entry points"),
        ({"analysis": {"ranker": "dice"}}, "analysis: 'dice' is not among the entry points"),
        ({"proposals": "gone.yaml"}, "gone.yaml: cannot be read"),
        ({"evidence": {"lake": {"path": "x"}, "catalogues": ["gone.yaml"]}}, "gone.yaml: cannot be read"),
        ({"http": {"port": 0, "host": "203.0.113.1"}}, "http.host: cannot listen on 203.0.113.1:0"),
        ({"store": {"sqlite": "/dev/null/incidents.sqlite"}}, "store /dev/null/incidents.sqlite: "),
    ],
)
async def test_a_wrong_setting_stops_the_start_and_a_right_one_starts_after_it(
    tmp_path: Path, prometheus: FakePrometheus, parts: dict[str, Any], message: str
) -> None:
    assert message in await refused(settings(tmp_path, prometheus, **parts))
    async with running(settings(tmp_path, prometheus, grpc=None)) as service, client(service) as one:
        assert (await one.get("/-/ready")).status_code == 200


async def test_a_port_that_is_taken_stops_the_start(tmp_path: Path, prometheus: FakePrometheus, taken: int) -> None:
    text = await refused(settings(tmp_path, prometheus, http={"port": taken}))
    assert text == f"http.port: cannot listen on 127.0.0.1:{taken}: Address already in use"


async def test_a_store_of_another_process_stops_the_start(tmp_path: Path, prometheus: FakePrometheus) -> None:
    store = SqliteStore(tmp_path / "incidents.sqlite", 0.0, SystemClock())
    await store.open()
    with pytest.raises(ConfigError, match=r"incidents\.sqlite"):
        async with running(settings(tmp_path, prometheus)):
            pass
    await store.close()


async def test_checking_starts_nothing(tmp_path: Path, prometheus: FakePrometheus) -> None:
    before = remains()
    check(settings(tmp_path, prometheus))
    assert remains() == before
    assert list(tmp_path.iterdir()) == []
    assert prometheus.requests == []


def test_every_start_writes_an_audit_chain_of_its_own() -> None:
    assert len({writer_name() for _ in range(10)}) == 10
    assert writer_name().startswith(socket.gethostname())


async def test_what_is_said_on_the_page_is_kept_and_anchored(
    tmp_path: Path, prometheus: FakePrometheus, payload: bytes
) -> None:
    known = next(each for each in callers() if "username" in each)
    async with running(settings(tmp_path, prometheus, callers=[known])) as service, client(service) as browser:
        browser.auth = httpx.BasicAuth(known["username"], PASSWORD)
        answer = await browser.post("/api/v1/alertmanager", content=payload)
        path = f"/incidents/{answer.json()['incident']}/feedback"
        form = await browser.get(path)
        token = form.text.split('name="token" value="')[1][:64]
        said = {"token": token, "say": "confirmed", "other": "lab/shop/service/cart", "fix": "restarted"}
        said["unseen"] = "yes"  # it may not have been judged yet
        sent = await browser.post(path, data=said, headers={"Origin": service.url})
        assert sent.status_code == 303
        incident = (await browser.get(path.removesuffix("/feedback") + ".json")).json()
        entries = await service.store.read_audit()
    assert [(one["entity"], one["actor"]) for one in incident["feedback"]] == [(said["other"], known["name"])]
    [entry] = [entry for entry in entries if entry.action == "cause confirmed"]
    assert entry.digest in (tmp_path / "anchors").read_text()
