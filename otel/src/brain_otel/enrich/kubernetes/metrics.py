"""The step's own metrics."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import Counter, Gauge

from brain_common.clock import Clock
from brain_common.errors import BrainError
from brain_otel.enrich.kind import Context
from brain_otel.enrich.own_counter import own_counter

_log = logging.getLogger(__name__)


class Metrics:
    """All of them; shared by the lookups and the watches."""

    def __init__(self, context: Context) -> None:
        prefix, registry = "brain_otel_kubernetes", context.registry
        self._clock = context.clock
        about = "Resources by whether their pod is known (hit), is not (miss), or no rule applied (none)."
        lookups = own_counter(context, "kubernetes", f"{prefix}_lookups", about, ["result"])
        self._pods = Gauge(f"{prefix}_pods", "Pods known, those included that were just deleted.", registry=registry)
        self._synced = Gauge(
            f"{prefix}_last_sync_timestamp_seconds",
            "When the API server was last heard of, seconds since the epoch.",
            ["resource"],
            registry=registry,
        )
        self._errors = Counter(
            f"{prefix}_watch_errors", "Lists and watches that failed.", ["resource"], registry=registry
        )
        self._lists = Counter(f"{prefix}_lists", "Times that all objects were listed.", ["resource"], registry=registry)
        self._watches = Gauge(f"{prefix}_watches", "1 while a watch is open.", ["resource"], registry=registry)
        self._malformed = Counter(
            f"{prefix}_malformed", "Objects that could not be read.", ["resource"], registry=registry
        )
        self.hits, self.misses, self.nones = (lookups.labels(result) for result in ("hit", "miss", "none"))
        self.refused = Counter(
            f"{prefix}_pods_refused", "Pods beyond max_pods, each time one was told of.", registry=registry
        )

    def count_pods(self, count: Callable[[], float]) -> None:
        """How many there are is asked at each scrape."""
        self._pods.set_function(count)

    def report(self, resource: str) -> WatchReport:
        """For one reflector."""
        return WatchReport(
            resource,
            self._clock,
            self._synced.labels(resource),
            self._errors.labels(resource),
            self._lists.labels(resource),
            self._watches.labels(resource),
            self._malformed.labels(resource),
        )


class WatchReport:
    """How one watch goes; a failure is logged once, until it has healed."""

    def __init__(
        self,
        resource: str,
        clock: Clock,
        synced: Gauge,
        errors: Counter,
        lists: Counter,
        watches: Gauge,
        malformed: Counter,
    ) -> None:
        self._resource = resource
        self._clock = clock
        self._synced = synced
        self._errors = errors
        self._lists = lists
        self._watches = watches
        self._malformed = malformed
        self._said = ""

    def heard(self) -> None:
        """The API server was heard of."""
        self._synced.set(self._clock.now())
        if self._said:
            self._said = ""
            _log.info("kubernetes: %s are up to date again", self._resource)

    def failed(self, error: BrainError) -> None:
        """It failed."""
        self._errors.inc()
        if not self._said:
            self._said = str(error)
            _log.warning("kubernetes: %s stay as they were: %s", self._resource, error)

    def listed(self) -> None:
        """All were listed."""
        self._lists.inc()

    def watching(self, is_open: bool) -> None:
        """A watch was opened, or has ended."""
        self._watches.set(is_open)

    def malformed(self) -> None:
        """One could not be read."""
        self._malformed.inc()
