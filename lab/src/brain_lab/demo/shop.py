"""The shop of the demo: twelve parts, who calls whom how often, and how fast each of them is by itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from brain_common.entity import Entity, EntityKind

CLUSTER: Final = "demo"
NAMESPACE: Final = "shop"


@dataclass(frozen=True, slots=True)
class Part:
    """A service or a database.

    Attributes:
        name: Its name.
        own_seconds: Mean time it spends on a request itself, without what it calls.
        cores: CPU it uses at the usual load.
        megabytes: Memory it uses.
        calls: Callee → calls per request.
        kind: What it is.
    """

    name: str
    own_seconds: float
    cores: float
    megabytes: float
    calls: dict[str, float] = field(default_factory=dict)
    kind: EntityKind = EntityKind.SERVICE

    @property
    def entity(self) -> Entity:
        """Its full name."""
        return Entity(CLUSTER, NAMESPACE, self.kind, self.name)


# Callers before callees: load flows down the list, latency and errors flow up.
PARTS: Final = (
    Part(
        "web",
        0.015,
        1.4,
        310,
        {"checkout": 0.15, "catalog": 0.7, "search": 0.4, "recommendations": 0.5, "accounts": 0.3},
    ),
    Part("checkout", 0.02, 0.5, 260, {"cart": 1.0, "payments": 1.0, "shipping": 1.0}),
    Part("recommendations", 0.03, 1.1, 740, {"catalog": 1.0}),
    Part("search", 0.025, 0.9, 900, {"catalog-db": 1.0}),
    Part("catalog", 0.008, 0.6, 220, {"catalog-db": 1.2}),
    Part("cart", 0.006, 0.2, 130),
    Part("payments", 0.03, 0.4, 240, {"fraud-check": 1.0, "ledger-db": 2.0}),
    Part("shipping", 0.012, 0.15, 150, {"accounts": 0.5}),
    Part("accounts", 0.007, 0.3, 180),
    Part("fraud-check", 0.045, 0.7, 520),
    Part("catalog-db", 0.003, 1.2, 2100, kind=EntityKind.DATABASE),
    Part("ledger-db", 0.004, 0.8, 1800, kind=EntityKind.DATABASE),
)
WEB_REQUESTS: Final = 120.0
"""Requests/s at the front door, averaged over the day."""
