"""Evidence from Loki: which streams the entities write is asked once, then all of them are read together, in spans."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

from pydantic import Field

from brain_common.clients.fetch import FetchSettings
from brain_common.clients.loki import LokiLine
from brain_common.entity import Entity
from brain_engine.logs.levels import named
from brain_engine.logs.masks import LONGEST_LINE
from brain_engine.logs.templates import TemplateMiner
from brain_rca.evidence.log_counts import LogRecord, Span, counts_of, span, spans_of
from brain_rca.evidence.log_owner import Owners
from brain_rca.evidence.log_reading import GRACE_SECONDS, within
from brain_rca.evidence.protocol import Focus, Window
from brain_rca.evidence.raw import RawEvidence

# Labels by which streams are looked for; whose they are is then said by ``Owners``.
_NAMESPACES: Final = ("namespace", "k8s_namespace_name", "service_namespace")
_NAMES: Final = ("service_name", "app", "container")
_MOST_NAMES: Final = 200  # in one selector of the question for streams
_MOST_VALUES: Final = 50  # streams' labels in one selector
_MOST_BATCHES: Final = 8  # selectors, each asked once a span
_LEVELS: Final = ("detected_level", "level", "severity_text", "severity")
_SPECIAL: Final = re.compile(r"([\\.+*?()|\[\]{}^$])")
# The server shortens lines, so that an answer has a size whatever programs write.
_SHORTENED: Final = f' | line_format "{{{{ __line__ | trunc {LONGEST_LINE} }}}}"'

Selector = tuple[str, frozenset[Entity]]


class LokiSettings(FetchSettings):
    """A Loki, or a gateway in front of several."""

    source_seconds: float = Field(30.0, gt=0, le=300, description="For all queries of a judgement together.")
    most_lines: int = Field(
        5000,
        ge=100,
        le=100_000,
        description="Lines of one answer; Loki refuses more than its `max_entries_limit_per_query`, by default 5000.",
    )


class Lines(Protocol):
    """What is needed of a server; see ``brain_common.clients.loki.LokiClient``."""

    async def series(self, selectors: Sequence[str], start: float, end: float) -> list[dict[str, str]]: ...

    async def lines(self, query: str, start: float, end: float, limit: int) -> list[LokiLine]: ...

    async def aclose(self) -> None: ...


class LokiEvidence:
    """Implements ``PartSource``."""

    name = "loki"

    def __init__(self, client: Lines, settings: LokiSettings, miner: TemplateMiner) -> None:
        self._client = client
        self._limit = settings.most_lines
        self._seconds = settings.source_seconds
        self._miner = miner
        self.deadline_seconds = settings.source_seconds + GRACE_SECONDS

    async def read(self, window: Window, focus: Focus | None) -> RawEvidence:
        """See ``PartSource``; without a focus there is nothing to read: all lines of a system are too many."""
        if focus is None or not focus.entities:
            return RawEvidence()
        started = time.monotonic()
        owners = Owners(focus)
        streams = await self._client.series(list(_looked_for(focus)), window.baseline_start, window.end)
        selectors, left_out = _selectors(streams, owners)
        left = max(self._seconds - (time.monotonic() - started), 0.0)
        questions = [
            self._span(owners, selector, entities, start, end)
            for selector, entities in selectors
            for start, end in spans_of(window)
        ]
        spans, missing = await within(left, questions) if questions else ([], [])
        counts, lacking = await asyncio.to_thread(counts_of, window, spans, self._miner)
        missing += [f"loki: {text}" for text in lacking]
        if left_out:
            missing.append(f"loki: {left_out} of the entities write more streams than are asked for at once")
        return RawEvidence(counts=counts, missing=missing)

    async def aclose(self) -> None:
        """Let go of connections."""
        await self._client.aclose()

    async def _span(self, owners: Owners, selector: str, entities: frozenset[Entity], start: float, end: float) -> Span:
        lines = await self._client.lines(selector + _SHORTENED, start, end, self._limit)
        owner_of: dict[int, Entity | None] = {}  # lines of a stream share their labels
        records = []
        for line in lines:
            if id(line.labels) not in owner_of:
                owner = owners.of(line.labels)
                owner_of[id(line.labels)] = owner.entity if owner is not None else None
            entity = owner_of[id(line.labels)]
            if entity in entities and start <= line.at < end:
                records.append(LogRecord(line.at, entity, _level(line.labels), line.text))
        return span(start, end, entities, records, lines[-1].at if len(lines) >= self._limit else None)


def _looked_for(focus: Focus) -> Iterator[str]:
    namespaces = sorted({entity.namespace for entity in focus.entities if entity.namespace})
    names = sorted({entity.name for entity in focus.entities})
    for labels, values in ((_NAMESPACES, namespaces), (_NAMES, names)):
        for label in labels:
            for some in _parts(values, _MOST_NAMES):
                yield _one_of({}, label, some)


def _selectors(streams: Iterable[Mapping[str, str]], owners: Owners) -> tuple[list[Selector], int]:
    """Selectors for all streams of the focus, and how many entities are in none of them.

    Streams of one namespace that are told apart by the same label share a selector.
    """
    groups: dict[tuple[str, str, str], dict[str, Entity]] = {}
    for labels in streams:
        owner = owners.of(labels)
        if owner is not None:
            space = next((name for name in _NAMESPACES if labels.get(name)), "")
            key = (space, labels.get(space, ""), owner.label)
            groups.setdefault(key, {})[labels[owner.label]] = owner.entity
    found: list[Selector] = []
    for (space, namespace, label), entities in sorted(groups.items()):
        for some in _parts(sorted(entities), _MOST_VALUES):
            fixed = {space: namespace} if space else {}
            found.append((_one_of(fixed, label, some), frozenset(entities[value] for value in some)))
    taken, rest = found[:_MOST_BATCHES], found[_MOST_BATCHES:]
    known = {entity for _, entities in taken for entity in entities}
    return taken, len({entity for _, entities in rest for entity in entities} - known)


def _one_of(fixed: Mapping[str, str], label: str, values: Sequence[str]) -> str:
    matchers = [f"{name}={_quoted(value)}" for name, value in fixed.items()]
    pattern = "|".join(_SPECIAL.sub(r"\\\1", value) for value in values)
    return "{" + ", ".join([*matchers, f"{label}=~{_quoted(pattern)}"]) + "}"


def _quoted(text: str) -> str:
    """As a string of LogQL, which are Go's."""
    return json.dumps(text, ensure_ascii=False)


def _parts(values: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (values[place : place + size] for place in range(0, len(values), size))


def _level(labels: Mapping[str, str]) -> int:
    found = next((known for name in _LEVELS if (known := named(labels.get(name, ""))) is not None), None)
    return found.number if found is not None else 0
