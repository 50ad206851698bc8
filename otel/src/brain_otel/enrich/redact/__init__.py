"""Takes card numbers and health identifiers out of all signals, before anything leaves."""

from __future__ import annotations

from typing import Final

from brain_otel.enrich.kind import EnricherKind
from brain_otel.enrich.redact.config import RedactSettings
from brain_otel.enrich.redact.enricher import Redact

KIND: Final = EnricherKind(name="redact", settings=RedactSettings, build=Redact, closed=True)
