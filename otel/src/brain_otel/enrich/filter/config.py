"""Settings of the enricher ``filter``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from brain_common.settings import Settings
from brain_otel.enrich.patterns import SafePattern
from brain_otel.signals import Signal

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
Value = str | bool | int | float
Severity = Literal["trace", "debug", "info", "warn", "error", "fatal"]
SpanKind = Literal["unspecified", "internal", "server", "client", "producer", "consumer"]
SpanStatus = Literal["unset", "ok", "error"]

OTHERWISE = "otherwise"
_OF_ONE_SIGNAL = {
    "severity_at_least": Signal.LOGS,
    "severity_below": Signal.LOGS,
    "span_name": Signal.TRACES,
    "span_kind": Signal.TRACES,
    "span_status": Signal.TRACES,
    "metric_name": Signal.METRICS,
}


class MatchSettings(Settings):
    """What a text or the value of an attribute has to be; give one of the three."""

    equals: Value | None = Field(default=None, description="This; numbers and booleans as they are written.")
    any_of: Sequence[Value] | None = Field(default=None, min_length=1, max_length=1000, description="One of these.")
    matches: SafePattern | None = Field(
        default=None,
        description="A regular expression found anywhere in it; repeats need an upper bound, and it may be tried in "
        "at most 1,000 ways at one place.",
    )

    @model_validator(mode="after")
    def _one(self) -> MatchSettings:
        if sum(given is not None for given in (self.equals, self.any_of, self.matches)) != 1:
            raise ValueError("give one of equals, any_of and matches")
        return self


class RuleSettings(Settings):
    """One rule; a record that meets all its conditions is dropped or kept, and no later rule is asked."""

    name: RuleName = Field(description="For the metric.")
    action: Literal["drop", "keep"] = Field(description="What happens to a record that meets all conditions.")
    signal: Signal | None = Field(default=None, description="`logs`, `traces` or `metrics`; all three when left out.")
    resource: Mapping[str, MatchSettings] = Field(default={}, description="Attributes of the resource, by key.")
    attributes: Mapping[str, MatchSettings] = Field(
        default={}, description="Attributes of the log record or span, by key; metrics have none of their own."
    )
    severity_at_least: Severity | None = Field(default=None, description="Of a log record; not met where it has none.")
    severity_below: Severity | None = Field(default=None, description="Of a log record; not met where it has none.")
    span_name: MatchSettings | None = Field(default=None, description="Name of a span.")
    span_kind: Sequence[SpanKind] | None = Field(
        default=None, min_length=1, description="Kind of a span, any of these."
    )
    span_status: Sequence[SpanStatus] | None = Field(
        default=None, min_length=1, description="Status of a span, any of these."
    )
    metric_name: MatchSettings | None = Field(default=None, description="Name of a metric.")

    @model_validator(mode="after")
    def _signals_agree(self) -> RuleSettings:
        given = {name: signal for name, signal in _OF_ONE_SIGNAL.items() if getattr(self, name) is not None}
        for name, signal in given.items():
            if self.signal is not signal:
                raise ValueError(f"{name} is a condition on {signal}: set signal: {signal}")
        if self.attributes and self.signal not in {Signal.LOGS, Signal.TRACES}:
            raise ValueError("attributes is a condition on logs or traces: set signal to one of them")
        return self


class FilterSettings(Settings):
    """Rules in their order."""

    rules: Sequence[RuleSettings] = Field(
        min_length=1, max_length=200, description="Asked in this order; the first whose conditions are met decides."
    )
    otherwise: Literal["keep", "drop"] = Field(
        default="keep", description="What happens to a record that no rule fits, of any signal."
    )

    @model_validator(mode="after")
    def _names_differ(self) -> FilterSettings:
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names) or OTHERWISE in names:
            raise ValueError(f"rules need names of their own, and {OTHERWISE!r} is taken")
        return self
