"""The rules, as promtool sees them: they parse, and every test file passes."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.servers.provide import require

ALERT_RULES = Path(__file__).resolve().parents[3] / "alert-rules"
RULES = sorted(ALERT_RULES.glob("rules/*.yaml"))
TESTS = sorted(ALERT_RULES.glob("tests/*-test.yaml"))


def test_promtool_accepts_every_rule_file_without_a_warning() -> None:
    command = [require("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *RULES]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.count("SUCCESS") == len(RULES)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.stem)
def test_promtool_passes(path: Path) -> None:
    command = [require("promtool"), "test", "rules", path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_promtool_would_notice_a_changed_threshold(tmp_path: Path) -> None:
    """The tests above run promtool on files of its own format; one that tested nothing would pass as well."""
    for folder in ("rules", "tests"):
        (tmp_path / folder).mkdir()
    rules = (ALERT_RULES / "rules/service-symptoms.yaml").read_text()
    assert "ratio > 0.05" in rules
    (tmp_path / "rules/service-symptoms.yaml").write_text(rules.replace("ratio > 0.05", "ratio > 0.07"))
    test = tmp_path / "tests/service-symptoms-test.yaml"
    test.write_text((ALERT_RULES / "tests/service-symptoms-test.yaml").read_text())
    command = [require("promtool"), "test", "rules", test]
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 1
    assert "six percent of failures" in result.stdout + result.stderr


def test_promtool_accepts_every_query_of_the_runbooks(tmp_path: Path) -> None:
    blocks = [
        block
        for path in sorted((ALERT_RULES.parent / "docs/runbooks").glob("*.md"))
        for block in re.findall(r"```promql\n(.+?)```", path.read_text(), re.DOTALL)
    ]
    assert len(blocks) >= 20
    rules = [{"record": f"runbook:query:{number}", "expr": block} for number, block in enumerate(blocks)]
    path = tmp_path / "queries.yaml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "runbooks", "rules": rules}]}))
    command = [require("promtool"), "check", "rules", path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
