"""Rules for suspicious calls: a YAML file of ours, extended by one of the user's; each looks into the record."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings, load_yaml
from brain_common.yaml_lines import YamlLines
from brain_exporters.cloudtrail.records import Record

SEVERITIES: Final = ("critical", "high", "medium", "low", "info")
_DEEPEST: Final = 12  # levels of a record that ** looks into


class Condition(Settings):
    """One thing that has to hold."""

    path: str = Field(description="Keys with dots between; [] after one: any element; **: any depth.", min_length=1)
    equals: tuple[str, ...] | None = Field(default=None, description="One of these, as text.")
    exists: bool | None = Field(default=None, description="Whether there is a value.")
    matches: str | None = Field(default=None, description="Regular expression found in the value, as text.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.equals, self.exists, self.matches)) != 1:
            raise ValueError("give one of equals, exists, matches")
        return self

    @field_validator("matches")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    def holds(self, record: Mapping[str, Any]) -> bool:
        """For a whole record."""
        found = [value for value in _values(record, self.path.split(".")) if value is not None]
        if self.exists is not None:
            return bool(found) == self.exists
        if self.equals is not None:
            return any(_text(value) in self.equals for value in found)
        return any(re.search(self.matches or "", _text(value)) for value in found)


class Rule(Settings):
    """One rule."""

    name: str = Field(description="Names it in metrics and rows.", pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")
    severity: Literal["critical", "high", "medium", "low", "info"] = Field(description="How bad it may be.")
    description: str = Field(description="One sentence.", min_length=1, max_length=200)
    technique: str = Field(default="", description="Technique of MITRE ATT&CK.", pattern=r"^(T\d{4}(\.\d{3})?)?$")
    services: tuple[str, ...] = Field(default=(), description="Such as iam.amazonaws.com; empty: all.")
    operations: tuple[str, ...] = Field(default=(), description="Such as CreateUser or Put*; empty: all.")
    error: Literal["none", "any", "only"] = Field(default="none", description="Whether failed calls count.")
    where: tuple[Condition, ...] = Field(default=(), description="All of these hold.")
    enabled: bool = Field(default=True, description="false takes a rule away.")


class RuleFile(Settings):
    """A file of them."""

    rules: tuple[Rule, ...] = Field(description="In any order.")

    @field_validator("rules")
    @classmethod
    def _named_once(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        names = [rule.name for rule in rules]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"the name {name} is given twice")
        return rules


class Rules:
    """All rules, by what they look at first: most calls are of no rule's service and operation."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._exact: dict[tuple[str, str], list[Rule]] = {}
        self._open: list[Rule] = []
        self._seen: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            if not rule.enabled:
                continue
            if rule.services and rule.operations and not any(name.endswith("*") for name in rule.operations):
                for key in ((service, operation) for service in rule.services for operation in rule.operations):
                    self._exact.setdefault(key, []).append(rule)
            else:
                self._open.append(rule)

    def candidates(self, service: str, operation: str) -> Sequence[Rule]:
        """Those that may match calls of this name."""
        key = (service, operation)
        found = self._seen.get(key)
        if found is None:
            found = [*self._exact.get(key, ()), *(r for r in self._open if _named(r, service, operation))]
            if len(self._seen) < 50_000:  # names come from data
                self._seen[key] = found
        return found

    def possible(self, record: Record) -> Sequence[Rule]:
        """Those of the candidates that what is decoded of a record does not rule out."""
        candidates = self.candidates(record.service, record.operation)
        return [rule for rule in candidates if _possible(rule, record)] if candidates else candidates

    @staticmethod
    def matching(candidates: Sequence[Rule], record: Mapping[str, Any]) -> list[Rule]:
        """Those of the candidates that do match."""
        failed = record.get("errorCode") is not None
        return [rule for rule in candidates if _error_fits(rule, failed) and all(c.holds(record) for c in rule.where)]


def load_rules(own: Path | None) -> Rules:
    """Ours, and the user's.

    Raises:
        ConfigError: The user's file is wrong; the message has line and key.
    """
    with as_file(files("brain_exporters.cloudtrail") / "rules.yaml") as shipped:
        rules = {rule.name: rule for rule in _load(shipped)}
    if own is not None:
        rules |= {rule.name: rule for rule in _load(own)}
    return Rules(list(rules.values()))


def _load(path: Path) -> Sequence[Rule]:
    data = load_yaml(path)
    try:
        lines = YamlLines(path, path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"rules: {path} cannot be read: {error.strerror}") from error
    return check_settings(data, RuleFile, str(path), {}, lines).rules


def _named(rule: Rule, service: str, operation: str) -> bool:
    if rule.services and service not in rule.services:
        return False
    return not rule.operations or any(
        operation.startswith(name[:-1]) if name.endswith("*") else operation == name for name in rule.operations
    )


def _possible(rule: Rule, record: Record) -> bool:
    if not _error_fits(rule, record.error_code is not None):
        return False
    for condition in rule.where:
        read = _QUICK.get(condition.path)
        if read is not None and condition.equals is not None and read(record) not in condition.equals:
            return False
    return True


_QUICK: Final[Mapping[str, Callable[[Record], str | None]]] = {
    "errorCode": lambda record: record.error_code,
    "eventType": lambda record: record.type,
    "userIdentity.type": lambda record: record.identity.type if record.identity else None,
}
"""What is decoded of every record anyhow: most conditions of rules without a service fail here."""


def _error_fits(rule: Rule, failed: bool) -> bool:
    return rule.error == "any" or (rule.error == "only") == failed


def _values(value: Any, path: Sequence[str], depth: int = 0) -> Iterator[Any]:  # noqa: ANN401 - JSON
    """Every value at a path."""
    if not path:
        yield value
        return
    key, rest = path[0], path[1:]
    if key == "**":
        yield from _values(value, rest, depth) if rest else ()
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        for each in inner if depth < _DEEPEST else ():
            if not rest and not isinstance(each, Mapping | list):
                yield each
            yield from _values(each, path, depth + 1)
        return
    many = key.endswith("[]")
    found = value.get(key.removesuffix("[]")) if isinstance(value, Mapping) else None
    for each in found if many and isinstance(found, list) else () if many else (found,):
        yield from _values(each, rest, depth)


def _text(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
