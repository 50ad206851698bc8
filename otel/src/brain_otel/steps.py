"""The steps of the configuration, in its order, each run so that its failure is its own."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from brain_common.errors import ConfigError
from brain_common.settings import Settings, check_settings
from brain_otel.batch import Batch, Group
from brain_otel.config import OtelSettings
from brain_otel.enrich.kind import Context, Enricher, EnricherKind, load_enricher
from brain_otel.signals import Signal

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Step:
    """One step that runs."""

    kind: EnricherKind
    enricher: Enricher


class Steps:
    """All of them, one after another for each group."""

    def __init__(self, steps: Sequence[Step], context: Context) -> None:
        self._runs = {signal: _runs(steps, signal) for signal in Signal}
        self._failures = Counter(
            "brain_otel_enrich_failures",
            "Groups of records that a step failed on.",
            ["enricher"],
            registry=context.registry,
        )
        self._dropped = Counter(
            "brain_otel_enrich_dropped_records",
            "Records dropped because a step failed that takes away what must not leave.",
            ["enricher", "signal"],
            registry=context.registry,
        )
        self._said: set[tuple[str, str]] = set()

    def enrich(self, batch: Batch) -> None:
        """Run each step on each group, or on one of those whose resource is the same."""
        for resource_only, steps in self._runs[batch.signal]:
            if not resource_only:
                self._run(steps, batch.groups)
                continue
            for first, *others in batch.alike():
                self._run(steps, [first])
                for other in others:
                    other.take_resource(first)

    def _run(self, steps: Sequence[Step], groups: Sequence[Group]) -> None:
        for step in steps:
            for group in groups:
                try:
                    step.enricher.enrich(group)
                except Exception as error:  # noqa: BLE001 - a plug-in on hostile data; the data must go on
                    self._failed(step, error)
                    if step.kind.closed:
                        self._dropped.labels(step.kind.name, group.signal).inc(group.drop())

    def _failed(self, step: Step, error: Exception) -> None:
        self._failures.labels(step.kind.name).inc()
        said = (step.kind.name, type(error).__name__)
        if said not in self._said:  # once: hostile data would fill the log
            self._said.add(said)
            _log.exception("%s: failed on a group; counted from now on", step.kind.name)


def _runs(steps: Sequence[Step], signal: Signal) -> list[tuple[bool, list[Step]]]:
    """Neighbours that are asked alike, in their order."""
    wanted = [step for step in steps if signal in step.kind.signals]
    return [(alike, list(run)) for alike, run in itertools.groupby(wanted, lambda step: step.kind.resource_only)]


def configured_steps(settings: OtelSettings) -> Iterator[tuple[EnricherKind, Settings]]:
    """Kinds and their checked settings.

    Raises:
        ConfigError: A step is unknown, or its settings are wrong.
    """
    for place, entry in enumerate(settings.enrich):
        if len(entry) != 1:
            raise ConfigError(f"enrich.{place}: give one step an entry, as `- name: settings`")
        ((name, values),) = entry.items()
        try:
            kind = load_enricher(name)
        except ConfigError as error:
            raise ConfigError(f"enrich.{place}: {error}; is its package installed?") from error
        yield kind, check_settings(dict(values or {}), kind.settings, f"enrich.{place}.{name}")


def build_steps(settings: OtelSettings, context: Context) -> Steps:
    """Every step, built.

    Raises:
        ConfigError: As ``configured_steps``, or from a step.
    """
    return Steps([Step(kind, kind.build(own, context)) for kind, own in configured_steps(settings)], context)
