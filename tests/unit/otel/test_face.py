"""What the processor shows of itself, on a real port."""

from __future__ import annotations

import asyncio
from pathlib import Path

import bcrypt
import httpx
import pytest
from pydantic import HttpUrl

from brain_otel.config import MetricsSettings
from brain_otel.face import own_registry, serving_face
from brain_otel.reach import Reach

pytestmark = pytest.mark.anyio


async def nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def test_ready_from_the_first_time_on_that_the_next_hop_is_reached() -> None:
    server = await asyncio.start_server(nothing, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    tried = asyncio.Event()

    async def sleep(_: float) -> None:
        tried.set()
        await asyncio.sleep(0.01)

    reach = Reach(HttpUrl(f"http://127.0.0.1:{port}"), sleep=sleep)
    task = asyncio.create_task(reach.run())
    async with serving_face(own_registry(), MetricsSettings(port=0), reach) as url, httpx.AsyncClient() as client:
        await tried.wait()
        assert (await client.get(f"{url}/-/ready")).status_code == 503
        assert (await client.get(f"{url}/-/healthy")).status_code == 200
        assert "next hop: 127.0.0.1" in (await client.get(url)).text
        server = await asyncio.start_server(nothing, "127.0.0.1", port)
        await asyncio.wait_for(task, 10)
        server.close()
        assert (await client.get(f"{url}/-/ready")).status_code == 200  # and stays so


async def test_metrics_in_the_format_that_is_asked_for() -> None:
    reach = Reach(HttpUrl("http://127.0.0.1:1"))
    async with serving_face(own_registry(), MetricsSettings(port=0), reach) as url, httpx.AsyncClient() as client:
        plain = await client.get(f"{url}/metrics")
        new = await client.get(f"{url}/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert new.headers["content-type"].startswith("application/openmetrics-text")
    assert new.text.endswith("# EOF\n")
    assert "brain_otel_build_info{" in plain.text


async def test_metrics_behind_a_password(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(f"basic_auth_users:\n  prometheus: {bcrypt.hashpw(b'open sesame', bcrypt.gensalt(4)).decode()}\n")
    settings = MetricsSettings(port=0, web_config_file=file)
    reach = Reach(HttpUrl("http://127.0.0.1:1"))
    async with serving_face(own_registry(), settings, reach) as url, httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/metrics")).status_code == 401
        assert (await client.get(f"{url}/metrics", auth=("prometheus", "open sesame"))).status_code == 200
        assert (await client.get(f"{url}/-/ready")).status_code == 503
