"""The page on logs and privacy: its configuration is one."""

from __future__ import annotations

from pathlib import Path

import yaml

from brain_common.settings import check_settings
from brain_otel.config import OtelSettings
from brain_otel.steps import configured_steps
from tests.repo.plugin_page import blocks

PAGE = Path(__file__).resolve().parents[3] / "docs" / "otel" / "logs-and-privacy.md"


def test_the_configuration_is_one() -> None:
    (block,) = blocks(PAGE.read_text(encoding="utf-8"), "yaml", "otel.yaml")
    settings = check_settings(yaml.safe_load(block), OtelSettings, "otel.yaml")
    assert [kind.name for kind, _ in configured_steps(settings)] == ["logs", "filter", "redact"]
