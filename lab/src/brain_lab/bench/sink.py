"""The Grafana of the benches: counts creations and notes when each incident's first annotation arrived."""

from __future__ import annotations

import time
from typing import Any

from brain_lab.fakes.grafana import FakeGrafana
from brain_lab.fakes.http_server import Answer

_TAG = "incident="


class AnnotationSink(FakeGrafana):
    """Takes annotations for the organisation; lets everybody in.

    Attributes:
        arrived: By incident id, ``time.perf_counter()`` of its first annotation's creation.
    """

    def __init__(self) -> None:
        super().__init__()
        self.arrived: dict[str, float] = {}

    def doubled(self) -> int:
        """How many were created though their incident had one, whether or not they were removed again."""
        return self.created - len(self.arrived)

    def _create(self, command: dict[str, Any]) -> Answer:
        answer = super()._create(command)
        if answer.status == 200:
            for tag in command["tags"]:
                if tag.startswith(_TAG):
                    self.arrived.setdefault(tag.removeprefix(_TAG), time.perf_counter())
        return answer
