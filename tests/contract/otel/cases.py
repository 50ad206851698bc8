"""What each step needs to be put to the test: settings, something to know, and a resource that it knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from brain_api.rca.v1 import rca_pb2 as pb
from brain_common.entity import Entity, EntityKind
from brain_otel.enrich.cost import Price
from brain_otel.enrich.incidents import parts_of
from brain_otel.enrich.index import EntityIndex
from brain_otel.enrich.kind import Context
from brain_otel.side.reads import CHANGES, ChangeRow
from brain_otel.side.snapshots import encode
from tests.unit.otel.enrich.kubernetes.objects import learn, pod

T0: Final = 1_700_000_000.0
GONE: Final = "http://127.0.0.1:1"  # nobody listens on port 1


def knows_enough(_: Any, __: Context) -> None:
    """It asks nobody."""


@dataclass(frozen=True)
class Case:
    """One step.

    Attributes:
        settings: The smallest that make it do something, with its source at a given URL.
        wrong: A setting that cannot be, by its key.
        adds: Attributes that it gives to ``resource``; all that it may ever add to one.
        resource: Attributes of a resource that it knows.
        learn: Tells it what its source would.
        rewrites: Why it may change what a resource or record says itself; empty where it must not.
        twice: Why doing it twice may differ from doing it once; empty where it must not.
    """

    settings: Callable[[str], dict[str, Any]]
    wrong: tuple[str, Any]
    adds: frozenset[str]
    resource: Mapping[str, str] = field(default_factory=dict)
    learn: Callable[[Any, Context], None] = knows_enough
    rewrites: str = ""
    twice: str = ""


CART: Final = {"service.name": "cart", "k8s.namespace.name": "shop", "k8s.deployment.name": "cart"}
_CART: Final = Entity("", "shop", EntityKind.WORKLOAD, "cart")


def _learn_changes(_: Any, context: Context) -> None:
    row = ChangeRow("", "shop", "workload", "cart", T0 - 60, "kubernetes:c1", "rollout", "alex")
    context.snapshots.deliver(CHANGES, encode([row]))


def _learn_costs(step: Any, _: Context) -> None:
    step._prices.learn(EntityIndex([(_CART, Price("brain.cost.usd_per_hour", 0.25))]))


def _learn_incidents(step: Any, _: Context) -> None:
    cause = pb.Cause(entity=str(_CART), probability=0.8, findings=[pb.Finding(entity=str(_CART), score=0.9)])
    opened = Timestamp(seconds=int(T0))
    incident = pb.Incident(id="00000000000000aa", opened_at=opened, analysis=pb.Analysis(causes=[cause]))
    step._parts.learn(EntityIndex(parts_of([incident], 0.1)))


def _learn_pods(step: Any, _: Context) -> None:
    learn(step._cluster, [pod("p1")])


CASES: Final[Mapping[str, Case]] = {
    "changes": Case(
        settings=lambda _: {"actor": True},
        wrong=("within_seconds", -1),
        adds=frozenset({"brain.change.id", "brain.change.kind", "brain.change.time", "brain.change.actor"}),
        resource=CART,
        learn=_learn_changes,
    ),
    "cost": Case(
        settings=lambda url: {"prometheus": {"url": url}},
        wrong=("prometheus", {"url": "no url"}),
        adds=frozenset({"brain.cost.usd_per_hour"}),
        resource=CART,
        learn=_learn_costs,
    ),
    "filter": Case(
        settings=lambda _: {"rules": [{"name": "debug", "action": "drop", "signal": "logs", "severity_below": "info"}]},
        wrong=("rules", []),
        adds=frozenset(),
        rewrites="it takes records away",
    ),
    "incidents": Case(
        settings=lambda url: {"endpoint": url},
        wrong=("endpoint", "no url"),
        adds=frozenset(
            {
                "brain.incident.id",
                "brain.incident.cause_probability",
                "brain.anomaly.state",
                "brain.anomaly.score",
            }
        ),
        resource=CART,
        learn=_learn_incidents,
    ),
    "kubernetes": Case(
        settings=lambda _: {},
        wrong=("max_pods", 0),
        adds=frozenset(
            {
                *("k8s.namespace.name", "k8s.pod.name", "k8s.pod.start_time", "k8s.deployment.name", "k8s.node.name"),
                *("k8s.container.name", "container.image.name", "container.image.tag", "service.name"),
                *("cloud.availability_zone", "cloud.region", "brain.workload.name", "brain.workload.kind"),
            }
        ),
        resource={"k8s.pod.uid": "p1"},
        learn=_learn_pods,
    ),
    "logs": Case(
        settings=lambda _: {},
        wrong=("nothing", 1),
        adds=frozenset(),
        rewrites="it adds to records, where they say nothing themselves",
    ),
    "redact": Case(
        settings=lambda _: {"rules": ["pci", "hipaa", "email", "phone"]},
        wrong=("patterns", {"slow": "(a+)+"}),
        adds=frozenset(),
        rewrites="it takes out what must not leave, wherever it stands",
    ),
    "tags": Case(
        settings=lambda _: {"attributes": {"brain.industry": "finance"}},
        wrong=("overwrite", "perhaps"),
        adds=frozenset({"brain.industry"}),
        resource=CART,
    ),
}
