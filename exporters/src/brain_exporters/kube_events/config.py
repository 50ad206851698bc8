"""Settings of the exporter of Kubernetes events."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from brain_common.clients.kubernetes.config import ClientSettings
from brain_common.serving.config import WebSettings
from brain_common.settings import Settings
from brain_exporters.runtime.config import ExporterSettings

PORT = 9851


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from error
    return text


Pattern = Annotated[str, AfterValidator(_pattern)]


class RuleSettings(Settings):
    """Chooses events. Every field is a regular expression for the whole text; absent ones match all."""

    name: str = Field(pattern=r"^[a-z0-9-]{1,64}$", description="Label rule of kube_events_dropped_total.")
    type: Pattern | None = Field(default=None, description="Normal or Warning.")
    reason: Pattern | None = Field(default=None, description="Reason, such as FailedScheduling.")
    namespace: Pattern | None = Field(default=None, description="Namespace of the object; empty for what has none.")
    kind: Pattern | None = Field(default=None, description="Kind of the object, such as Pod.")
    component: Pattern | None = Field(default=None, description="Who reported it, such as kubelet.")


class LeaderSettings(Settings):
    """The Lease by which one of several replicas is chosen; the defaults in seconds are those of client-go."""

    namespace: str = Field(min_length=1, max_length=63, description="Namespace of the Lease.")
    name: str = Field(default="kube-events", min_length=1, max_length=253, description="Name of the Lease.")
    identity: str | None = Field(
        default=None, min_length=1, max_length=253, description="Name of this replica; absent: that of the host."
    )
    lease_seconds: int = Field(default=15, ge=3, le=600, description="Silence after which a leader is replaced.")
    renew_seconds: float = Field(default=10.0, gt=0, description="A leader that cannot renew for so long steps down.")
    retry_seconds: float = Field(default=2.0, gt=0, description="Pause between two looks at the Lease.")


class ObjectsSettings(Settings):
    """The state of objects: rollouts, stale configuration, autoscalers, quotas, Karpenter."""

    interval_seconds: float = Field(default=60.0, ge=1, le=3600, description="Pause between two rounds of lists.")


class CertificateSettings(Settings):
    """Certificates in secrets of type kubernetes.io/tls: needs the right to list secrets, so has its own account."""

    client: ClientSettings = Field(description="Account that may list secrets, and nothing else.")
    namespaces: list[str] = Field(
        default_factory=list, max_length=1000, description="Where to look; empty: everywhere."
    )
    interval_seconds: float = Field(default=600.0, ge=1, le=86400, description="Pause between two looks.")


class KubeEventsSettings(ExporterSettings):
    """Configuration file of ``brain exporter kube-events``."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="Listener of /metrics.")
    client: ClientSettings = Field(default=ClientSettings(), description="How the API server is reached.")
    namespace: str | None = Field(default=None, description="Watch events of one namespace; absent: of all.")
    initial: Literal["skip", "count"] = Field(
        default="skip",
        description="At the very first start, what happened in the hour before (the API server keeps it): not counted, "
        "or counted as if it happened now.",
    )
    object_name: bool = Field(
        default=False, description="Label involved_object_name too; more series, bounded by max_series."
    )
    include: list[RuleSettings] = Field(
        default_factory=list, max_length=100, description="When given, only what one of these matches is taken."
    )
    exclude: list[RuleSettings] = Field(
        default_factory=list, max_length=100, description="What one of these matches is not; the first one counts it."
    )
    leader_election: LeaderSettings | None = Field(
        default=None, description="For two replicas: only the one that holds the Lease works; absent: there is one."
    )
    objects: ObjectsSettings | None = Field(
        default=ObjectsSettings(), description="State gauges and rows of changes; null: none."
    )
    certificates: CertificateSettings | None = Field(
        default=None, description="Expiry of certificates in secrets; absent: none are read."
    )
    watch_seconds: int = Field(
        default=300, ge=1, le=3600, description="After so long the API server ends a watch, and it is begun again."
    )
    batch_events: int = Field(
        default=5_000, ge=1, le=50_000, description="Events committed at once at the most; else once a second."
    )
