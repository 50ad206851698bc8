"""Which events are taken."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from brain_exporters.kube_events.config import RuleSettings
from brain_exporters.kube_events.wire import Event

NOT_INCLUDED: Final = "not-included"
"""Label ``rule`` of what no rule of ``include`` matches."""

_FIELDS: Final = ("type", "reason", "namespace", "kind", "component")
_REMEMBERED: Final = 50_000  # combinations of those fields


class Rules:
    """Judges an event by its fields; the same fields are judged once."""

    def __init__(self, include: Sequence[RuleSettings], exclude: Sequence[RuleSettings]) -> None:
        self._include = [_compiled(rule) for rule in include]
        self._exclude = [(rule.name, _compiled(rule)) for rule in exclude]
        self._any = bool(include or exclude)
        self._judged: dict[tuple[str, ...], str | None] = {}

    def drops(self, event: Event) -> str | None:
        """Name of the rule that keeps it out; None: it is taken."""
        if not self._any:
            return None
        about = event.regarding
        key = (event.type or "", event.reason or "", about.namespace, about.kind, event.component)
        if key not in self._judged:
            if len(self._judged) >= _REMEMBERED:
                self._judged.clear()
            self._judged[key] = self._judge(key)
        return self._judged[key]

    def _judge(self, key: tuple[str, ...]) -> str | None:
        if self._include and not any(_matches(rule, key) for rule in self._include):
            return NOT_INCLUDED
        return next((name for name, rule in self._exclude if _matches(rule, key)), None)


def _compiled(rule: RuleSettings) -> list[re.Pattern[str] | None]:
    patterns = [getattr(rule, field) for field in _FIELDS]
    return [None if pattern is None else re.compile(pattern) for pattern in patterns]


def _matches(rule: Sequence[re.Pattern[str] | None], key: Sequence[str]) -> bool:
    return all(pattern is None or pattern.fullmatch(text) for pattern, text in zip(rule, key, strict=True))
