"""The page on steps: its configurations are some, and its example of an own step works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_otel.batch import Batch
from brain_otel.config import OtelSettings
from brain_otel.enrich.kind import Context, enricher_names
from brain_otel.signals import WIRES, Signal
from brain_otel.steps import build_steps, configured_steps
from tests.contract.otel.cases import T0
from tests.repo.plugin_page import blocks, installed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "otel" / "enrichers.md"
TEXT = PAGE.read_text(encoding="utf-8")


def settings(title: str) -> OtelSettings:
    """The configuration that the page shows under this title."""
    (block,) = blocks(TEXT, "yaml", title)
    return check_settings(yaml.safe_load(block), OtelSettings, title)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package of the page, installed."""
    with installed(TEXT, tmp_path, monkeypatch):
        yield


def test_the_configuration_is_one() -> None:
    assert [kind.name for kind, _ in configured_steps(settings("otel.yaml"))] == [
        "tags",
        "incidents",
        "changes",
        "cost",
    ]


@pytest.mark.usefixtures("acme")
def test_the_own_step_is_found_and_names_the_team() -> None:
    assert "team" in enricher_names()
    steps = build_steps(settings("otel-team.yaml"), Context("", ManualClock(T0), CollectorRegistry()))
    wire = WIRES[Signal.LOGS]
    request = wire.request()
    attributes = request.resource_logs.add().resource.attributes
    attributes.add(key="k8s.namespace.name").value.string_value = "shop"
    steps.enrich(Batch(wire, request))
    assert {pair.key: pair.value.string_value for pair in attributes}["acme.team"] == "checkout-crew"


def test_every_step_is_in_its_table() -> None:
    assert [name for name in enricher_names() if f"| [`{name}`](" not in TEXT] == []
