"""Which events are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from brain_exporters.kube_events.config import EventRule
from brain_exporters.kube_events.event import Event


class Rules:
    """Included by one rule, or there are none; and not excluded by any."""

    def __init__(self, include: Sequence[EventRule], exclude: Sequence[EventRule]) -> None:
        self._include = [_matcher(rule) for rule in include]
        self._exclude = [_matcher(rule) for rule in exclude]

    def keep(self, event: Event) -> bool:
        """Whether it is counted and kept."""
        if self._include and not any(matches(event) for matches in self._include):
            return False
        return not any(matches(event) for matches in self._exclude)


def _matcher(rule: EventRule) -> Callable[[Event], bool]:
    readers: dict[str, Callable[[Event], str]] = {
        "type": lambda event: event.type,
        "reason": lambda event: event.reason,
        "kind": lambda event: event.involved.kind,
        "namespace": lambda event: event.involved.namespace,
        "component": lambda event: event.component,
    }
    given = [(readers[name], re.compile(value)) for name, value in rule.model_dump().items() if value is not None]
    return lambda event: all(pattern.fullmatch(read(event)) for read, pattern in given)
