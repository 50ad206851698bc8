"""Settings of the enricher ``redact``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from brain_common.settings import Settings
from brain_otel.enrich.patterns import SafePattern
from brain_otel.enrich.redact.card import Shown

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]


class RedactSettings(Settings):
    """What must not leave."""

    rules: Sequence[Literal["pci", "hipaa", "email", "phone"]] = Field(
        default=("pci", "hipaa"),
        description="`pci`: card numbers. `hipaa`: social security, medical record, Medicare, provider and NHS "
        "numbers, dates of birth, and segments of HL7 messages that name a patient. `email`, `phone`: such addresses.",
    )
    cards_show: Shown = Field(
        default="first-six-and-last-four",
        description="Digits of a card number that stay; PCI DSS 3.4.1 allows no more than first six and last four.",
    )
    patterns: Mapping[RuleName, SafePattern] = Field(
        default={},
        max_length=32,
        description="More rules, each `name: regular expression`; repeats need an upper bound, and a pattern may be "
        "tried in at most 1,000 ways at one place, so that no text can make it slow.",
    )
