"""What an exporter is: the plug point of the entry-point group ``ai_devops_brain.exporters``.

Each exporter's package has ``config.py`` (its settings), ``client.py`` (how its source is asked) and ``collector.py``
(what becomes of the answers), and an ``ExporterKind`` named by its entry point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from prometheus_client import Metric
from starlette.routing import BaseRoute

from brain_common.clock import Clock
from brain_common.plugins import load_plugin, plugin_names
from brain_exporters.runtime.config import ExporterSettings
from brain_exporters.runtime.counters import CounterSpec
from brain_exporters.runtime.health import Health
from brain_exporters.runtime.ledger import Ledger

GROUP: Final = "ai_devops_brain.exporters"


@dataclass(frozen=True, slots=True)
class Context:
    """What the runtime gives an exporter."""

    ledger: Ledger
    health: Health
    clock: Clock


class Exporter(Protocol):
    """One that runs.

    ``run`` asks the source until it is cancelled. What may heal is told to ``Context.health`` and tried again there: a
    ``run`` that raises ends the process.
    """

    async def run(self) -> None:
        """Until cancelled."""
        ...

    def collect(self) -> Iterable[Metric]:
        """Families besides the ledger's counters, fresh, from what is in memory: a scrape asks no source."""
        ...

    def routes(self) -> Sequence[BaseRoute]:
        """Paths besides those every exporter has; each does its own authentication."""
        ...


@dataclass(frozen=True, slots=True)
class ExporterKind:
    """How an exporter is made.

    Attributes:
        name: In the command line.
        prefix: Of its metrics.
        title: One line for the landing page.
        settings: Its configuration file.
        counters: Of the ledger; where a setting chooses labels, a function of the settings.
        sources: Names of the sources that the settings ask for, for ``Health``.
        build: Makes one; asks no source. Raises ``ConfigError``.
        lake_seconds: Between two commits to the lake: longer is cheaper, shorter lets a replica that takes over find
            what the one before it had.
    """

    name: str
    prefix: str
    title: str
    settings: type[ExporterSettings]
    counters: Sequence[CounterSpec] | Callable[[Any], Sequence[CounterSpec]]
    sources: Callable[[Any], Sequence[str]]
    build: Callable[[Any, Context], Exporter]
    lake_seconds: float = 5.0


def exporter_names() -> list[str]:
    """The exporters that are installed."""
    return plugin_names(GROUP)


def load_kind(name: str) -> ExporterKind:
    """One of them.

    Raises:
        ConfigError: There is none of this name.
    """
    return load_plugin(GROUP, name, ExporterKind)
