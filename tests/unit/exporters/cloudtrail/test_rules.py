"""Packaged rules against recorded attacks and against calls that are nobody's attack; users' files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from brain_common.errors import ConfigError
from brain_exporters.cloudtrail.rules import Rules, load_rules

_OWN = """own-rule:
  description: A queue was emptied.
  severity: low
  technique: T1485
  service: sqs.amazonaws.com
  operations: [PurgeQueue]
access-key-created:
  description: Off.
  severity: low
  service: iam.amazonaws.com
  operations: [CreateAccessKey]
  enabled: false
"""


_ATTACKS = Path(__file__).resolve().parents[5] / "shared" / "datasets" / "cloudtrail_stratus"


@pytest.mark.skipif(not _ATTACKS.is_dir(), reason="the recorded attacks are not on this machine")
def test_recorded_attacks_are_flagged() -> None:
    """Each of a file of its own; the rules were written with these at hand, so it says that they work, not how well."""
    rules = load_rules(None)
    files = sorted(_ATTACKS.rglob("*.json"))
    assert len(files) > 10
    assert [file.stem for file in files if not any(_matched(rules, record) for record in _records(file))] == []


def _records(file: Path) -> list[dict[str, Any]]:
    document = json.loads(file.read_bytes())
    return document if isinstance(document, list) else document["Records"]


def _matched(rules: Rules, record: dict[str, Any]) -> list[str]:
    return rules.matching(record["eventSource"], record["eventName"], json.dumps(record).encode())


def _names(rules: Rules, service: str, operation: str, **record: object) -> list[str]:
    return rules.matching(f"{service}.amazonaws.com", operation, json.dumps(record).encode())


def _opened(cidr: str) -> dict[str, object]:
    return {"ipPermissions": {"items": [{"ipRanges": {"items": [{"cidrIp": cidr}]}}]}}


@pytest.mark.parametrize(("cidr", "hit"), [("0.0.0.0/0", True), ("10.0.0.0/8", False), ("nonsense", False)])
def test_only_a_group_that_is_open_to_all_is_flagged(cidr: str, hit: bool) -> None:
    names = _names(load_rules(None), "ec2", "AuthorizeSecurityGroupIngress", requestParameters=_opened(cidr))
    assert names == (["security-group-opened"] if hit else [])


def test_a_login_without_a_second_factor_is_flagged_but_not_one_by_a_provider() -> None:
    rules, login = load_rules(None), {"ConsoleLogin": "Success"}
    without = {"responseElements": login, "additionalEventData": {"MFAUsed": "No"}}
    assert _names(rules, "signin", "ConsoleLogin", **without, userIdentity={"type": "IAMUser"})
    assert not _names(rules, "signin", "ConsoleLogin", **without, userIdentity={"type": "AssumedRole"})
    with_factor = {"responseElements": login, "additionalEventData": {"MFAUsed": "Yes"}}
    assert not _names(rules, "signin", "ConsoleLogin", **with_factor, userIdentity={"type": "IAMUser"})


def test_a_call_that_failed_changed_nothing_unless_the_rule_says_that_trying_counts() -> None:
    rules = load_rules(None)
    assert not _names(rules, "cloudtrail", "StopLogging", errorCode="AccessDenied")
    assert _names(rules, "organizations", "LeaveOrganization", errorCode="AccessDenied")


def test_a_users_file_adds_and_switches_off(tmp_path: Path) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(_OWN)
    rules = load_rules(file)
    assert _names(rules, "sqs", "PurgeQueue") == ["own-rule"]
    assert _names(load_rules(None), "iam", "CreateAccessKey") == ["access-key-created"]
    assert not _names(rules, "iam", "CreateAccessKey")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("severity: low", "severity: grave"),
        ("technique: T1485", "techniqe: T1485"),
        ("operations: [PurgeQueue]", "operations: []"),
    ],
)
def test_a_wrong_rule_is_refused_with_its_line_and_key(tmp_path: Path, wrong: str, says: str) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(_OWN.replace(wrong, says, 1))
    line = _OWN.splitlines().index(f"  {wrong}") + 1
    with pytest.raises(ConfigError, match=rf"line {line}: {says.split(':')[0]}"):
        load_rules(file)
