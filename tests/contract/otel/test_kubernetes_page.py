"""The page on the step kubernetes: its configurations are some, its defaults and metrics those there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from brain_common.clock import ManualClock
from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.enrich.kind import Context
from brain_otel.enrich.kubernetes.config import DEFAULT_METADATA, KubernetesSettings
from brain_otel.steps import build_steps
from tests.repo.plugin_page import blocks

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "otel" / "kubernetes.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", ["otel-kubernetes.yaml", "otel-node.yaml"])
def test_a_configuration_is_one_and_has_the_metrics_of_the_page(title: str) -> None:
    (block,) = blocks(TEXT, "yaml", title)
    settings = check_settings(yaml.safe_load(block), OtelSettings, title, {"NODE_NAME": "n1"})
    context = Context("", ManualClock(0.0), CollectorRegistry())
    build_steps(settings, context)
    prefix = "brain_otel_kubernetes_"
    there = {family.name for family in context.registry.collect() if family.name.startswith(prefix)}
    named = {name.removesuffix("_total") for name in re.findall(rf"\| `({prefix}\w+)`", TEXT)}
    assert named == there


def test_every_default_attribute_and_number_is_named() -> None:
    assert [name for name in DEFAULT_METADATA if f"`{name}`" not in TEXT] == []
    for name in ("max_pods", "deleted_grace_seconds"):
        assert f"| `{name}` | {KubernetesSettings.model_fields[name].default:g} |" in TEXT
