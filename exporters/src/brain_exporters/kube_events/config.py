"""Settings of the kube-events exporter."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from brain_common.settings import Settings
from brain_exporters.runtime.config import ExporterSettings, WebSettings

PORT = 9851


class EventRule(Settings):
    """Matches an event when every pattern given matches its whole value (regular expressions)."""

    type: str | None = Field(default=None, description="Normal or Warning.")
    reason: str | None = Field(default=None, description="Such as BackOff.")
    kind: str | None = Field(default=None, description="Kind of the involved object, such as Pod.")
    namespace: str | None = Field(default=None, description="Namespace of the involved object.")
    component: str | None = Field(default=None, description="Who reported it, such as kubelet.")

    @model_validator(mode="after")
    def _something(self) -> Self:
        patterns = [value for value in self.model_dump().values() if value is not None]
        if not patterns:
            raise ValueError("a rule without any pattern would match all events")
        for pattern in patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
        return self


class ApiSettings(Settings):
    """How the API server is reached: without a kubeconfig as a pod of the cluster, else as kubectl does it."""

    kubeconfig: Path | None = Field(default=None, description="File as kubectl reads it; in a pod, leave it out.")
    context: str | None = Field(default=None, description="Context of that file; its current one when left out.")


class StateSettings(Settings):
    """States of objects that the judgement needs and kube-state-metrics lacks."""

    enabled: bool = Field(default=True, description="Read them; needs the rules of the role that say so.")
    interval_seconds: float = Field(default=30.0, ge=5, le=3600, description="Seconds between two readings.")


class CertificateSettings(Settings):
    """Expiry of certificates in TLS secrets: needs ``list secrets``, so it has credentials of its own."""

    api: ApiSettings = Field(default_factory=ApiSettings, description="Credentials that may list secrets.")
    namespaces: tuple[str, ...] = Field(
        default=(), description="Where to look; empty: everywhere, which needs a cluster role."
    )
    interval_seconds: float = Field(default=300.0, ge=30, le=86400, description="Seconds between two readings.")


class LeaderSettings(Settings):
    """Two replicas, of which one counts: the holder of a Lease."""

    namespace: str = Field(description="Namespace of the Lease.")
    name: str = Field(default="brain-kube-events", description="Name of the Lease.")
    identity: str = Field(description="This replica; in a pod ${env:HOSTNAME}.", min_length=1)
    lease_seconds: float = Field(default=15.0, ge=3, le=300, description="How long a silent holder keeps it.")


class KubeEventsSettings(ExporterSettings):
    """The whole file."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="Where /metrics is served.")
    api: ApiSettings = Field(default_factory=ApiSettings, description="How the API server is reached.")
    namespaces: tuple[str, ...] = Field(default=(), description="Namespaces to watch; empty: all of them.")
    include: tuple[EventRule, ...] = Field(default=(), description="Only events that match one; empty: all.")
    exclude: tuple[EventRule, ...] = Field(default=(), description="Events that match one are dropped, and counted.")
    involved_object_name: bool = Field(
        default=False, description="Add the label involved_object_name to kube_events_total: a series for each object."
    )
    event_ttl_seconds: float = Field(
        default=3600.0, ge=60, le=7 * 86400, description="--event-ttl of the API server: how long it keeps events."
    )
    state: Path = Field(
        default=Path("kube-events.state"), description="File of counters and positions; keep it across restarts."
    )
    states: StateSettings = Field(default_factory=StateSettings, description="States of objects.")
    certificates: CertificateSettings | None = Field(
        default=None, description="Expiry of certificates; not read when absent."
    )
    leader_election: LeaderSettings | None = Field(default=None, description="For replicas; absent: this is the one.")

    @field_validator("namespaces")
    @classmethod
    def _different(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("a namespace is named twice; its events would be counted twice")
        return names
