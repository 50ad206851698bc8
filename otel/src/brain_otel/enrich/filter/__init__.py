"""Drops or keeps records by rules, the first that fits decides."""

from __future__ import annotations

from typing import Final

from brain_otel.enrich.filter.config import FilterSettings
from brain_otel.enrich.filter.enricher import Filter
from brain_otel.enrich.kind import EnricherKind

KIND: Final = EnricherKind(name="filter", settings=FilterSettings, build=Filter)
