"""Whether the sources answer: ``<x>_up`` and its parts, and a line in the log when that changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from brain_common.clock import Clock
from brain_common.errors import BrainError
from brain_common.trouble import Trouble

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Source:
    up: bool = False
    last_success: float = 0.0
    failures: int = 0
    trouble: Trouble = field(default_factory=Trouble)


class Health:
    """Told by collectors how each of their sources does.

    Args:
        prefix: Of the metrics, such as ``kube_events``.
        sources: Names of the sources; each is down until it has answered.
        clock: For the time of the last success.
    """

    def __init__(self, prefix: str, sources: Sequence[str], clock: Clock) -> None:
        self._prefix = prefix
        self._clock = clock
        self._guard = threading.Lock()
        self._sources = {name: _Source() for name in sources}

    def ok(self, source: str) -> None:
        """It has answered."""
        with self._guard:
            state = self._sources.setdefault(source, _Source())
            if state.trouble.over():
                _log.info("%s: works again", source)
            state.up, state.last_success = True, self._clock.now()

    def failed(self, source: str, error: BrainError) -> None:
        """It has not; the same reason is logged once, not at each try."""
        with self._guard:
            state = self._sources.setdefault(source, _Source())
            state.up = False
            state.failures += 1
            if state.trouble.news(error):
                _log.warning("%s: %s", source, error)

    def telling(self, source: str) -> Callable[[BrainError | None], None]:
        """A function to call with what went wrong, or None."""

        def told(error: BrainError | None) -> None:
            if error is None:
                self.ok(source)
            else:
                self.failed(source, error)

        return told

    @property
    def up(self) -> bool:
        """Whether all sources answered last time."""
        return all(state.up for state in self._sources.values())

    @property
    def answered(self) -> bool:
        """Whether all sources have answered once: from then on there is something to scrape."""
        return all(state.last_success for state in self._sources.values())

    def reasons(self) -> dict[str, str]:
        """Why each source that is down is so, for the landing page."""
        return {name: state.trouble.words or "not asked yet" for name, state in self._sources.items() if not state.up}

    def collect(self) -> Iterator[Metric]:
        """The families, fresh."""
        p = self._prefix
        yield GaugeMetricFamily(f"{p}_up", "1 when all sources answered last time, else 0.", value=float(self.up))
        up = GaugeMetricFamily(f"{p}_source_up", "1 when the source answered last time, else 0.", labels=["source"])
        last = GaugeMetricFamily(
            f"{p}_source_last_success_timestamp_seconds",
            "When the source answered last, seconds since the epoch; 0 before.",
            labels=["source"],
        )
        failures = CounterMetricFamily(f"{p}_source_failures", "Tries that failed.", labels=["source"])
        for name, state in self._sources.items():
            up.add_metric([name], float(state.up))
            last.add_metric([name], state.last_success)
            failures.add_metric([name], state.failures)
        yield from (up, last, failures)
