"""Rules for suspicious calls: which calls, what has to hold of the record, how grave it is.

A file is a mapping from the rule's name to the rule. The packaged ``rules.yaml`` is read first; a user's file adds
rules, and replaces or disables those of the same name.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from pydantic import Field, model_validator

from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_common.yaml_lines import YamlLines

Severity = Literal["critical", "high", "medium", "low", "info"]


class Condition(Settings):
    """What has to hold of the values at one path; exactly one test."""

    path: str = Field(
        min_length=1, description="Keys from the top of the record by dots; * stands for each item of a list."
    )
    equals: str | bool | int | None = Field(default=None, description="The value, as text without regard to case.")
    any_of: list[str] | None = Field(default=None, description="One of these.")
    contains: str | None = Field(default=None, description="Text that is within the value, without regard to case.")
    exists: bool | None = Field(default=None, description="Whether there is such a value.")
    open_cidr: bool | None = Field(default=None, description="The value is a network that holds all addresses.")

    @model_validator(mode="after")
    def _one(self) -> Condition:
        tests = (self.equals, self.any_of, self.contains, self.exists, self.open_cidr)
        if sum(test is not None for test in tests) != 1:
            raise ValueError("give exactly one of equals, any_of, contains, exists, open_cidr")
        return self

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether any value at the path passes."""
        found = list(_values(record, self.path.split(".")))
        if self.exists is not None:
            return bool(found) is self.exists
        if self.open_cidr is not None:
            return any(map(_is_open, found)) is self.open_cidr
        texts = [_text(value) for value in found]
        if self.contains is not None:
            return any(self.contains.lower() in text for text in texts)
        wanted = self.any_of if self.any_of is not None else [self.equals]
        return not {_text(value) for value in wanted}.isdisjoint(texts)


class Rule(Settings):
    """One rule: all that is given has to hold."""

    description: str = Field(min_length=1, description="One sentence: what happened and why it matters.")
    severity: Severity = Field(description="critical, high, medium, low or info.")
    technique: str = Field(default="", pattern=r"^(T\d{4}(\.\d{3})?)?$", description="Number in MITRE ATT&CK.")
    service: str = Field(min_length=1, description="eventSource, such as ec2.amazonaws.com.")
    operations: list[str] = Field(min_length=1, description="Values of eventName.")
    outcome: Literal["success", "denied", "any"] = Field(
        default="success", description="success: without errorCode; denied: refused for want of rights; any."
    )
    all: list[Condition] = Field(default=[], description="Conditions that all have to hold.")
    any: list[Condition] = Field(default=[], description="Conditions of which one has to hold.")
    none: list[Condition] = Field(default=[], description="Conditions of which none may hold.")
    enabled: bool = Field(default=True, description="False: the rule is not used.")

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Whether a record of one of its operations matches."""
        return (
            self._outcome(record.get("errorCode"))
            and all(condition.holds(record) for condition in self.all)
            and (not self.any or any(condition.holds(record) for condition in self.any))
            and not any(condition.holds(record) for condition in self.none)
        )

    def _outcome(self, error: object) -> bool:
        if self.outcome == "any":
            return True
        if self.outcome == "success":
            return not error
        return isinstance(error, str) and ("denied" in error.lower() or "unauthorized" in error.lower())


class Rules:
    """All rules that are used, by call."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self.rules = {name: rule for name, rule in rules.items() if rule.enabled}
        self._by_call: dict[tuple[str, str], list[str]] = {}
        for name, rule in self.rules.items():
            for operation in rule.operations:
                self._by_call.setdefault((rule.service, operation), []).append(name)

    def concern(self, service: str, operation: str) -> bool:
        """Whether any rule looks at such calls."""
        return (service, operation) in self._by_call

    def matching(self, service: str, operation: str, raw: bytes | msgspec.Raw) -> list[str]:
        """Names of those that match a record."""
        names = self._by_call.get((service, operation))
        if not names:
            return []
        record = msgspec.json.decode(raw)
        return [name for name in names if self.rules[name].holds(record)]


def load_rules(extra: Path | None) -> Rules:
    """The packaged rules with those of a user's file.

    Raises:
        ConfigError: The file is wrong; the message has line and key.
    """
    rules = _read(Path(__file__).with_name("rules.yaml"))
    if extra is not None:
        rules |= _read(extra)
    return Rules(rules)


def _read(path: Path) -> dict[str, Rule]:
    data = load_yaml(path)
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: expected names of rules at the top")
    lines = YamlLines(path, path.read_text(encoding="utf-8"))
    return {
        str(name): check_settings(
            rule, Rule, f"{path}: line {lines.of((str(name),))}: {name}", {}, _Below(lines, str(name))
        )
        for name, rule in data.items()
    }


class _Below(YamlLines):
    """Lines of one rule within its file."""

    def __init__(self, lines: YamlLines, name: str) -> None:
        self._all = lines
        self._name = name

    def of(self, location: Iterable[str | int]) -> int:
        """The line of a key of the rule."""
        return self._all.of((self._name, *location))


def _values(value: object, path: list[str]) -> Iterable[object]:
    if not path:
        if value is not None:
            yield value
    elif isinstance(value, dict):
        if path[0] in value:
            yield from _values(value[path[0]], path[1:])
    elif isinstance(value, list) and path[0] == "*":
        for item in value:
            yield from _values(item, path[1:])


def _text(value: object) -> str:
    return str(value).lower()


def _is_open(value: object) -> bool:
    try:
        return ipaddress.ip_network(str(value), strict=False).prefixlen == 0
    except ValueError:
        return False
