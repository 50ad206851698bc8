"""Settings of what is made from spans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import Field, field_validator

from brain_common.settings import Settings

# Those of the Collector's two connectors, so that dashboards and rules fit both.
BUCKETS: Final = (0.002, 0.004, 0.006, 0.008, 0.01, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0, 1.4, 2.0, 5.0, 10.0, 15.0)
PEERS: Final = (
    "peer.service",
    "db.namespace",
    "db.name",
    "messaging.destination.name",
    "db.system.name",
    "db.system",
    "server.address",
    "net.peer.name",
)
Bound = Annotated[float, Field(gt=0)]


class RedSettings(Settings):
    """Rate, errors and duration of each service's operations."""

    enabled: bool = Field(default=True, description="Whether they are made.")
    internal: bool = Field(
        default=False,
        description="Of INTERNAL spans, too: most spans are, and nobody outside the service waits for them.",
    )
    max_series: int = Field(
        default=5000,
        ge=10,
        le=1_000_000,
        description="Combinations of service, span name, kind and status, 1 to 3 KiB each; more become one series.",
    )


class ServiceGraphSettings(Settings):
    """Who calls whom, from spans that the next hop has accepted."""

    enabled: bool = Field(default=True, description="Whether spans are looked at.")
    dimensions: Sequence[str] = Field(
        default=("k8s.namespace.name",),
        max_length=8,
        description="Resource attributes that become labels, as `client_…` and `server_…`.",
    )
    peer_attributes: Sequence[str] = Field(
        default=PEERS, description="Span attributes that name who sends no spans itself, the first that is there."
    )
    infer_failures: bool = Field(
        default=False,
        description="Whether a span without a status failed by its HTTP (500 and above, of servers) or gRPC code: for "
        "instrumentation that does not set it. Costs two microseconds a span.",
    )
    buckets: Sequence[Bound] = Field(
        default=BUCKETS, min_length=1, max_length=64, description="Upper bounds of histograms, in seconds, ascending."
    )
    wait_seconds: float = Field(
        default=10.0, gt=0, le=600, description="How long one end of a call waits for the other; SDKs send every 5 s."
    )
    max_pending: int = Field(
        default=50_000,
        ge=100,
        le=10_000_000,
        description="Ends that wait, half a KiB each; the oldest are dropped. Five seconds of 10,000 calls a second.",
    )
    max_series: int = Field(
        default=5000, ge=10, le=1_000_000, description="Edges, 2 to 5 KiB each; what is more becomes one series."
    )
    series_expiry_seconds: float = Field(
        default=900.0, ge=60, description="What was not seen for so long is no longer shown."
    )
    edge_seconds: float = Field(default=60.0, ge=1, le=3600, description="How often edges go to the lake.")
    red: RedSettings = Field(default=RedSettings(), description="Metrics of each operation.")

    @field_validator("buckets")
    @classmethod
    def _ascending(cls, buckets: Sequence[float]) -> Sequence[float]:
        if any(not math.isfinite(bound) for bound in buckets) or list(buckets) != sorted(set(buckets)):
            raise ValueError("buckets: give finite bounds in ascending order; +Inf is added")
        return tuple(buckets)
