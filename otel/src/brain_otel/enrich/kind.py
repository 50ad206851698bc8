"""What a step is: the plug point of the entry-point group ``ai_devops_brain.enrichers``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from prometheus_client import CollectorRegistry

from brain_common.clock import Clock
from brain_common.plugins import load_plugin, plugin_names
from brain_common.settings import Settings
from brain_otel.batch import Group
from brain_otel.enrich.upstream import UpstreamMetrics
from brain_otel.side.snapshots import Snapshots
from brain_otel.signals import Signal

GROUP: Final = "ai_devops_brain.enrichers"


class Enricher(Protocol):
    """Looks at one group of records after another, in the event loop: no I/O, no waiting.

    What it needs of the outside world it keeps in memory, refreshed by a task that it gives to
    ``Context.background``. An exception counts as a failure of this step; the group goes on without it.
    """

    def enrich(self, group: Group) -> None:
        """Change the group as it has to be."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What the processor gives a step.

    Attributes:
        cluster: Name of the cluster that this processor stands in; empty where there is only one.
        clock: Time.
        registry: For the step's own metrics, named ``brain_otel_…``.
        background: Tasks that run as long as the processor does, by name: appended to while building. One that ends
            by an exception ends the processor, so what may heal is tried again inside.
        snapshots: What is read outside the worker; subscribed to while building.
        upstreams: How the sources of steps do; an ``Upstream`` keeps them.
    """

    cluster: str
    clock: Clock
    registry: CollectorRegistry
    background: list[tuple[str, Callable[[], Awaitable[None]]]] = field(default_factory=list)
    snapshots: Snapshots = field(default_factory=Snapshots)
    upstreams: UpstreamMetrics = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "upstreams", UpstreamMetrics(self.registry))


@dataclass(frozen=True, slots=True)
class EnricherKind:
    """How a step is made.

    Attributes:
        name: In the configuration.
        settings: What may be configured.
        build: Makes one; asks nobody anything. Raises ``ConfigError``.
        signals: What it looks at.
        closed: When it fails on a group, the group is dropped and counted instead of passed on: for steps that
            take away what must not leave.
        resource_only: It reads and changes nothing but the resource of a group, and does the same to equal ones: it is
            asked once for all groups of a request that have the same.
    """

    name: str
    settings: type[Settings]
    build: Callable[[Any, Context], Enricher]
    signals: Sequence[Signal] = tuple(Signal)
    closed: bool = False
    resource_only: bool = False


def enricher_names() -> list[str]:
    """The steps that are installed."""
    return plugin_names(GROUP)


def load_enricher(name: str) -> EnricherKind:
    """One of them.

    Raises:
        ConfigError: There is none of this name.
    """
    return load_plugin(GROUP, name, EnricherKind)
