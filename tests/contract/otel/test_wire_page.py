"""The page on the wire: its configuration is one, and its metrics are all there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from brain_common.errors import ConfigError
from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.wire.check import check_wire
from brain_otel.wire.metrics import WireMetrics
from brain_otel.wire.refusal import Outcome
from tests.fakes.authority import Authority
from tests.repo.plugin_page import blocks

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "otel" / "wire.md").read_text(encoding="utf-8")


def test_the_configuration_is_one(tmp_path: Path) -> None:
    (block,) = blocks(TEXT, "yaml", "otel.yaml")
    authority = Authority(tmp_path, "ca")
    cert, key = authority.issue("tls")
    with pytest.raises(ConfigError, match=r"otlp\.grpc\.tls\.cert_file: /etc/brain/tls/tls\.crt cannot be read"):
        check_wire(check_settings(yaml.safe_load(block), OtelSettings, "otel.yaml"))
    for name, file in (("tls/tls.crt", cert), ("tls/tls.key", key), ("tls/ca.crt", authority.file)):
        block = block.replace(f"/etc/brain/{name}", str(file))
    with pytest.raises(ConfigError, match=r"next_hop\.tls\.ca_file: /etc/brain/store-ca\.crt cannot be read"):
        check_wire(check_settings(yaml.safe_load(block), OtelSettings, "otel.yaml"))
    block = block.replace("/etc/brain/store-ca.crt", str(authority.file))
    settings = check_settings(yaml.safe_load(block), OtelSettings, "otel.yaml")
    check_wire(settings)
    assert settings.next_hop.address == "store.example:4317"
    assert "another-token" not in repr(settings)


def test_every_metric_and_outcome_is_in_its_table() -> None:
    registry = CollectorRegistry()
    WireMetrics(registry).budget(lambda: 0, lambda: 0)
    names = {metric.name + ("_total" if metric.type == "counter" else "") for metric in registry.collect()}
    table = TEXT.partition("## Metrics")[2]
    assert set(re.findall(r"^\| `(brain_otel_\w+)`", table, re.M)) == names
    assert {f"`{outcome}`" for outcome in Outcome} <= set(re.findall(r"`\w+`", table))
