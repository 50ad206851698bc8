"""What every exporter promises, whatever its source: asked of each one that is installed, with nobody at the other end.

An exporter is here by its entry point; what it needs in its configuration file stands in ``cases.py``.
"""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families
from typer.testing import CliRunner

from brain_cli.main import app
from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_exporters.runtime import health
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.exporter import ExporterKind, exporter_names, load_kind
from brain_exporters.runtime.run import Running, running
from tests.contract.exporters.cases import CASES
from tests.servers.provide import require

pytestmark = pytest.mark.anyio

DOCS = Path(__file__).resolve().parents[3] / "docs" / "exporters"
GONE = "http://127.0.0.1:1"  # nobody listens on port 1
SOON = 20.0  # seconds; far more than anything here takes on a busy machine
ENDING = 5.0  # seconds an exporter may take to end while its source does not answer


@pytest.fixture(params=exporter_names())
def kind(request: pytest.FixtureRequest) -> ExporterKind:
    return load_kind(request.param)


def config(kind: ExporterKind, folder: Path, url: str = GONE) -> dict[str, Any]:
    """The smallest file there is, with a source at ``url``."""
    return {
        "state": str(folder / "state"),
        "lake": {"path": str(folder / "lake")},
        "http": {"port": 0},
        **CASES[kind.name](folder, url),
    }


def counters(kind: ExporterKind, folder: Path) -> Sequence[CounterSpec]:
    """Of this configuration: a setting may choose labels."""
    if callable(kind.counters):
        return kind.counters(check_settings(config(kind, folder), kind.settings, "test"))
    return kind.counters


@asynccontextmanager
async def started(kind: ExporterKind, data: dict[str, Any]) -> AsyncIterator[Running]:
    async with running(kind, check_settings(data, kind.settings, "test")) as run:
        yield run


async def get(url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False, timeout=SOON) as client:
        return await client.get(url, headers=headers)


async def asked(run: Running) -> None:
    """Wait until the exporter has tried its source; one that has none to ask is ready at once."""
    async with asyncio.timeout(SOON):
        while "not asked yet" in run.context.health.reasons().values():  # noqa: ASYNC110 - health tells nobody
            await asyncio.sleep(0.02)


@contextmanager
def silent_server() -> Iterator[str]:
    """Takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_every_exporter_is_here() -> None:
    assert set(CASES) == set(exporter_names())
    assert len(CASES) >= 4


async def test_what_every_exporter_exposes(kind: ExporterKind, tmp_path: Path) -> None:
    async with started(kind, config(kind, tmp_path)) as run:
        await asked(run)
        text = (await get(f"{run.url}/metrics")).text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    prefix = kind.prefix
    for name in ("up", "scrape_duration_seconds", "build_info", "source_up", "lake_waiting_bytes"):
        assert f"{prefix}_{name}" in families
    for spec in counters(kind, tmp_path):
        assert families[spec.name].type == "counter"
    assert families[f"{prefix}_build_info"].samples[0].labels["version"]


def checked(promtool: Path, exposition: bytes) -> str:
    """What Prometheus' own linter says."""
    command = [promtool, "check", "metrics"]
    done = subprocess.run(command, input=exposition, capture_output=True, check=False, timeout=SOON)
    return done.stderr.decode() + done.stdout.decode()


async def test_its_exposition_is_what_prometheus_wants(kind: ExporterKind, tmp_path: Path) -> None:
    promtool = require("promtool")
    async with started(kind, config(kind, tmp_path)) as run:
        await asked(run)
        plain = await get(f"{run.url}/metrics")
        modern = await get(f"{run.url}/metrics", accept="application/openmetrics-text; version=1.0.0")
    said = await asyncio.to_thread(checked, promtool, plain.content)
    ours = [line for line in said.splitlines() if kind.prefix in line or "brain_" in line or "aws_" in line]
    assert ours == []
    assert len(list(openmetrics_families(modern.text))) > 5
    assert modern.text.endswith("# EOF\n")
    assert not re.search(r"^\w+(\{.*\})? \S+ \d{10,}$", plain.text, re.M), "a sample has a timestamp"


async def test_a_source_that_is_away_is_shown_and_said_once(
    kind: ExporterKind, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with started(kind, config(kind, tmp_path)) as run:
        if set(run.context.health.reasons()) <= {"lake"}:
            pytest.skip("it waits for others to call")
        await asked(run)
        await asyncio.sleep(1.5)
        text = (await get(f"{run.url}/metrics")).text
        assert f"{kind.prefix}_up 0.0" in text
        assert (await get(f"{run.url}/-/healthy")).status_code == 200
        assert (await get(f"{run.url}/-/ready")).status_code == 503
    said = [record for record in caplog.records if record.name == health.__name__]  # retries within a try are others
    warnings = [record.getMessage() for record in said if record.levelno >= logging.WARNING]
    assert warnings
    assert len(warnings) == len(set(warnings))


async def test_its_landing_page_leads_to_the_metrics(kind: ExporterKind, tmp_path: Path) -> None:
    async with started(kind, config(kind, tmp_path)) as run:
        page = await get(run.url)
        assert page.status_code == 200
        assert 'href="metrics"' in page.text
        assert kind.title in page.text
        assert "default-src 'none'" in page.headers["content-security-policy"]


async def test_it_ends_soon_while_its_source_does_not_answer(kind: ExporterKind, tmp_path: Path) -> None:
    with silent_server() as url:
        async with started(kind, config(kind, tmp_path, url)) as run:
            await asyncio.sleep(0.3)
            assert (await get(f"{run.url}/metrics")).status_code == 200
            loop = asyncio.get_running_loop()
            began = loop.time()
        assert loop.time() - began < ENDING


async def test_a_second_one_on_its_state_is_refused(kind: ExporterKind, tmp_path: Path) -> None:
    data = config(kind, tmp_path)
    async with started(kind, data):
        with pytest.raises(ConfigError, match="used by another process"):
            async with started(kind, data):
                pass


async def test_it_takes_a_web_configuration_file(kind: ExporterKind, tmp_path: Path) -> None:
    hashed = bcrypt.hashpw(b"open sesame", bcrypt.gensalt(4)).decode()
    file = tmp_path / "web.yaml"
    file.write_text(f"basic_auth_users: {{prometheus: {hashed}}}\n")
    data = config(kind, tmp_path) | {"http": {"port": 0, "web_config_file": str(file)}}
    async with started(kind, data) as run:
        assert (await get(f"{run.url}/metrics")).status_code == 401
        assert (await get(f"{run.url}/-/healthy")).status_code == 200


def written(kind: ExporterKind, folder: Path, **more: object) -> Path:
    file = folder / "exporter.yaml"
    file.write_text(yaml.safe_dump({**config(kind, folder), **more}))
    return file


def test_checking_the_configuration_touches_nothing(kind: ExporterKind, tmp_path: Path) -> None:
    file = written(kind, tmp_path)
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(app, ["exporter", kind.name, "--config", str(file), "--check-config"])
    assert (result.exit_code, result.exception) == (0, None)
    assert f"{file}: good" in result.stdout
    assert sorted(tmp_path.rglob("*")) == before


def test_an_unknown_key_names_itself(kind: ExporterKind, tmp_path: Path) -> None:
    file = written(kind, tmp_path, clutser="x")
    result = CliRunner().invoke(app, ["exporter", kind.name, "--config", str(file), "--check-config"])
    assert isinstance(result.exception, ConfigError)
    assert "clutser: unknown key" in str(result.exception)


async def test_every_metric_and_setting_is_documented(kind: ExporterKind, tmp_path: Path) -> None:
    page = (DOCS / f"{kind.name}.md").read_text(encoding="utf-8")
    async with started(kind, config(kind, tmp_path)) as run:
        own = [*(spec.name + "_total" for spec in counters(kind, tmp_path)), *(f.name for f in run.exporter.collect())]
    assert [name for name in own if name not in page] == []
    schema = kind.settings.model_json_schema()
    assert [name for name in schema["properties"] if f"`{name}" not in page] == []
