"""The step: groups and records that may hold something are looked at closely, all others pass untouched.

Three looks, each dearer than the one before and at less: the bytes of a group, the bytes of each record of a group
that is suspected, the texts of each record that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from prometheus_client import Counter

from brain_otel.batch import Group
from brain_otel.enrich.kind import Context
from brain_otel.enrich.own_counter import own_counter
from brain_otel.enrich.redact.card import Card
from brain_otel.enrich.redact.config import RedactSettings
from brain_otel.enrich.redact.contact import Email, Phone
from brain_otel.enrich.redact.custom import Custom
from brain_otel.enrich.redact.hl7 import Hl7
from brain_otel.enrich.redact.in_context import health_rules
from brain_otel.enrich.redact.medicare import Medicare
from brain_otel.enrich.redact.rule import Rule
from brain_otel.enrich.redact.seen import Seen
from brain_otel.enrich.redact.walk import change_strings, change_texts
from brain_otel.signals import Signal

# Large groups are looked at in pieces, since looking takes twice the memory. They overlap by more than a rule looks at.
_PIECE: Final = 1024 * 1024
_OVERLAP: Final = 512


class Redact:
    """Takes out what its rules find."""

    def __init__(self, settings: RedactSettings, context: Context) -> None:
        self._rules = tuple(rules_of(settings))
        self._redacted = own_counter(
            context, "redact", "brain_otel_redacted", "Values that were taken out or masked.", ["rule", "signal"]
        )

    def enrich(self, group: Group) -> None:
        """Look at everything in it."""
        rules = _suspecting(self._rules, group.message)
        if not rules:
            return
        found = _Found(rules, self._redacted, group.signal)
        change_strings(group.message, found.change)
        found.look_into(group.message.resource)
        for scope in group.scopes():
            change_strings(scope, found.change)
            found.look_into(scope.scope)
        for record in group.records():
            found.look_into(record)
        if _suspecting(rules, group.message):  # also of fields that this version of OTLP does not know
            group.message.DiscardUnknownFields()


class _Found:
    """What the rules that suspect something find in a group."""

    def __init__(self, rules: Sequence[Rule], redacted: Counter, signal: Signal) -> None:
        self._rules = rules
        self._redacted = redacted
        self._signal = signal

    def look_into(self, message: Any) -> None:  # noqa: ANN401 - a resource, a scope or a record
        """Change all its texts, if it is suspected."""
        rules = _suspecting(self._rules, message)
        if rules:
            change_texts(message, _Found(rules, self._redacted, self._signal).change)

    def change(self, text: str, key: str) -> str:
        """A text without what the rules find."""
        for rule in self._rules:
            text, count = rule.redact(text, key)
            if count:
                self._redacted.labels(rule.name, self._signal).inc(count)
        return text


def _suspecting(rules: Sequence[Rule], message: Any) -> list[Rule]:  # noqa: ANN401 - any message
    data = message.SerializeToString()
    if len(data) <= _PIECE:
        seen = Seen(data)
        return [rule for rule in rules if rule.suspects(seen)]
    pieces = (Seen(data[start : start + _PIECE + _OVERLAP]) for start in range(0, len(data), _PIECE))
    suspecting = {rule.name for seen in pieces for rule in rules if rule.suspects(seen)}
    return [rule for rule in rules if rule.name in suspecting]


def rules_of(settings: RedactSettings) -> Iterator[Rule]:
    """In an order in which none spoils what another would know things by: segments first, then words, then digits."""
    if "hipaa" in settings.rules:
        yield Hl7()
        yield from health_rules()
        yield Medicare()
    if "pci" in settings.rules:
        yield Card(settings.cards_show)
    if "email" in settings.rules:
        yield Email()
    if "phone" in settings.rules:
        yield Phone()
    for name, pattern in settings.patterns.items():
        yield Custom(name, pattern)
