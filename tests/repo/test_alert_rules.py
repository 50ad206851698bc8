"""What holds for every rule: names, labels, annotations, a runbook, a test that sees it silent and firing."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
RULE_FILES = sorted((ROOT / "alert-rules/rules").glob("*.yaml"))
RUNBOOKS = ROOT / "docs/runbooks"
GROUPS = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
ALERTS = [rule for group in GROUPS for rule in group["rules"] if "alert" in rule]
RECORDS = [rule for group in GROUPS for rule in group["rules"] if "record" in rule]
NAMES = sorted({rule["alert"] for rule in ALERTS})
MINUTES = {"m": 1, "h": 60}


def _tests(path: Path) -> list[dict[str, Any]]:
    tests: list[dict[str, Any]] = yaml.safe_load(_test_file(path).read_text())["tests"]
    return tests


def _test_file(path: Path) -> Path:
    return ROOT / "alert-rules/tests" / f"{path.stem}-test.yaml"


def _all_tests() -> Iterator[dict[str, Any]]:
    for path in RULE_FILES:
        yield from _tests(path)


def _minutes(text: str) -> int:
    return int(text[:-1]) * MINUTES[text[-1]]


def _identity(rule: dict[str, Any]) -> str:
    return "-".join([rule["alert"], *rule["labels"].values()])


def test_there_are_rules_of_both_kinds() -> None:
    assert len(ALERTS) >= 10
    assert len(RECORDS) >= 20


@pytest.mark.parametrize("path", RULE_FILES, ids=lambda path: path.stem)
def test_a_file_holds_one_group_of_its_name_and_has_a_test_file(path: Path) -> None:
    (group,) = yaml.safe_load(path.read_text())["groups"]
    assert group["name"].removeprefix("brain-") == path.stem.removeprefix("brain-")
    assert all(re.fullmatch(r"[a-z]\w*( [\w,.%'-]+){3,}", test["name"], re.I) for test in _tests(path))


def test_no_test_file_is_left_over() -> None:
    assert sorted(_test_file(path) for path in RULE_FILES) == sorted((ROOT / "alert-rules/tests").iterdir())


@pytest.mark.parametrize("rule", ALERTS, ids=_identity)
def test_an_alert_says_what_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert re.fullmatch(r"Brain([A-Z][a-z]+)+", rule["alert"])
    assert rule["alert"] != "BrainRootCause"
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    assert rule["annotations"]["runbook_url"] == (
        f"https://github.com/ai-devops-brain/ai-devops-brain/blob/main/docs/runbooks/{rule['alert']}.md"
    )


@pytest.mark.parametrize("rule", ALERTS, ids=_identity)
def test_an_alert_is_tested_silent_a_minute_before_it_fires(rule: dict[str, Any]) -> None:
    """With its own labels, so that the test of a warning does not stand for that of its critical."""
    assert any(_fires_after_silence(test.get("alert_rule_test", []), rule) for test in _all_tests())


def _fires_after_silence(checks: list[dict[str, Any]], rule: dict[str, Any]) -> bool:
    mine = [check for check in checks if check["alertname"] == rule["alert"]]
    silent = {_minutes(check["eval_time"]) for check in mine if not check["exp_alerts"]}
    return any(
        _minutes(check["eval_time"]) - 1 in silent
        and rule["labels"].items() <= alert["exp_labels"].items()
        and alert["exp_annotations"].keys() == rule["annotations"].keys()
        for check in mine
        for alert in check["exp_alerts"]
    )


@pytest.mark.parametrize("name", sorted({rule["record"] for rule in RECORDS}))
def test_a_recording_rule_is_named_by_level_metric_and_operation(name: str) -> None:
    levels = "service|service_source|service_source_le|workload|pod"
    operations = r"rate|rate5m|ratio|mean|p\d\d|median1h|median1d|info"
    assert re.fullmatch(rf"({levels}):[a-z][a-z0-9_]*:({operations})", name)


@pytest.mark.parametrize("name", sorted({rule["record"] for rule in RECORDS}))
def test_a_recording_rule_is_tested_or_is_read_by_one_that_is(name: str) -> None:
    """What is only a step towards a result is tested by the result."""
    checked = {check["expr"] for test in _all_tests() for check in test.get("promql_expr_test", [])}
    steps = "service_source:", "service_source_le:"
    readers = {rule["record"] for rule in RECORDS if name in rule["expr"]} if name.startswith(steps) else set()
    assert name in checked or readers & checked


def test_the_signals_other_parts_read_are_recorded() -> None:
    durations = {f"service:request_duration_seconds:{op}" for op in ("mean", "p50", "p90", "p95", "p99")}
    wanted = durations | {"service:requests:rate", "service:request_errors:ratio"}
    assert wanted <= {rule["record"] for rule in RECORDS}


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert sorted(path.stem for path in RUNBOOKS.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_answers_the_four_questions(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text()
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.M) == ["Meaning", "Impact", "Diagnosis", "Mitigation"]
    assert "```promql\n" in text


def test_the_generator_would_change_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    main = runpy.run_path(str(ROOT / "alert-rules/generate.py"))["main"]
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_the_generator_stamps_another_address() -> None:
    stamp = runpy.run_path(str(ROOT / "alert-rules/generate.py"))["stamp"]
    rule = "      - alert: BrainRcaDown\n          runbook_url: x\n"
    assert stamp(rule, "https://wiki/r") == (
        "      - alert: BrainRcaDown\n          runbook_url: https://wiki/r/BrainRcaDown.md\n"
    )
    assert stamp(stamp(rule, "https://wiki/r"), "x") == stamp(rule, "x")
