"""The Alertmanager example, as amtool sees it: valid, and each kind of alert goes where the example says."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.servers.provide import require

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "alert-rules/alertmanager/alertmanager.yaml"
TEMPLATE = ROOT / "rca-service/src/brain_rca/publish/templates/brain.tmpl"
CASES = yaml.safe_load((EXAMPLE.parent / "routes-test.yaml").read_text())


def _amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([require("amtool"), *arguments], capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example with the template of this checkout instead of the one in a container."""
    text = EXAMPLE.read_text()
    assert "/etc/alertmanager/templates/brain.tmpl" in text
    path = tmp_path / "alertmanager.yaml"
    path.write_text(text.replace("/etc/alertmanager/templates/brain.tmpl", str(TEMPLATE)))
    return path


def test_the_example_and_its_template_are_valid(example: Path) -> None:
    result = _amtool("check-config", example)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 templates" in result.stdout


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_route(case: dict[str, Any]) -> None:
    labels = [f"{name}={value}" for name, value in case["labels"].items()]
    expected = f"--verify.receivers={','.join(case['receivers'])}"
    result = _amtool("config", "routes", "test", "--config.file", EXAMPLE, expected, *labels)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_template_the_example_uses_is_defined() -> None:
    used = set(re.findall(r'{{ template "([\w.]+)"', EXAMPLE.read_text()))
    defined = set(re.findall(r'{{-? ?define "([\w.]+)"', TEMPLATE.read_text()))
    assert used
    assert used <= defined


def test_every_receiver_has_a_route_test() -> None:
    receivers = {receiver["name"] for receiver in yaml.safe_load(EXAMPLE.read_text())["receivers"]}
    assert receivers == {name for case in CASES for name in case["receivers"]}
