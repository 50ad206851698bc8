"""The page on running the processor against the processor."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.service import check, running

pytestmark = pytest.mark.anyio

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "otel" / "running.md").read_text(encoding="utf-8")


def test_the_configuration_is_one() -> None:
    (text,) = re.findall(r"```yaml\n# otel\.yaml\n(.*?)```", PAGE, re.S)
    check(check_settings(yaml.safe_load(text), OtelSettings, "running.md"))


async def test_the_metrics_are_those_there_are(tmp_path: Path) -> None:
    data = {"otlp": {"grpc": {"port": 0}, "http": None}, "metrics": {"port": 0}, "lake": {"path": str(tmp_path)}}
    settings = check_settings(data, OtelSettings, "test")
    async with running(settings, side=tmp_path / "nobody") as started, httpx.AsyncClient() as client:
        text = (await client.get(f"{started.metrics_url}/metrics")).text
    families = list(text_string_to_metric_families(text))
    there = {
        f"{family.name}_total" if family.type == "counter" else family.name
        for family in families
        if family.name.startswith("brain_otel_") and not family.name.endswith("_created")
    }
    assert there == set(re.findall(r"`(brain_otel_\w+)`", PAGE))
