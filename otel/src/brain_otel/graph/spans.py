"""What is read of spans: who sent them, what the attributes say of the other end, whether they failed.

Old and new semantic conventions, since both are on the wire: https://opentelemetry.io/docs/specs/semconv/
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from brain_otel.attributes import Attributes

UNSPECIFIED, INTERNAL, SERVER, CLIENT, PRODUCER, CONSUMER = range(6)
ERROR: Final = 2
SENDING: Final = (CLIENT, PRODUCER)
KINDS: Final = tuple(
    f"SPAN_KIND_{name}" for name in ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
)
STATUSES: Final = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
TRACE_ID, SPAN_ID = 16, 8
"""Bytes of an id: https://opentelemetry.io/docs/specs/otel/trace/api/#spancontext"""
LONGEST: Final = 256
"""Characters of a name that are kept."""

Values = Mapping[str, str | int]
DATABASE: Final = frozenset({"db.system.name", "db.system", "db.namespace", "db.name"})
_HTTP: Final = ("http.response.status_code", "http.status_code")
_GRPC: Final = "rpc.grpc.status_code"
OUTCOMES: Final = frozenset({*_HTTP, _GRPC})
_CALLED: Final = frozenset({"http.route", "url.path", "http.target", "client.address"})
GUESSED: Final = OUTCOMES | _CALLED
# UNKNOWN, DEADLINE_EXCEEDED, UNIMPLEMENTED, INTERNAL, UNAVAILABLE, DATA_LOSS: the rest is the caller's fault.
_GRPC_SERVER: Final = frozenset({2, 4, 12, 13, 14, 15})


class Node(NamedTuple):
    """One end of an edge.

    Attributes:
        cluster: Empty where there is only one.
        service: Name; of a virtual node, what a peer attribute says.
        dimensions: Values of the configured resource attributes.
    """

    cluster: str
    service: str
    dimensions: tuple[str, ...]


def node_of(resource: Attributes, cluster: str, dimensions: Sequence[str]) -> Node:
    """Who sent the spans of a resource; its service is empty where it does not say."""
    return Node(
        resource.get("k8s.cluster.name", cluster)[:LONGEST],
        resource.get("service.name")[:LONGEST],
        tuple(resource.get(name)[:LONGEST] for name in dimensions),
    )


def values(pairs: Any, wanted: Collection[str]) -> dict[str, str | int]:  # noqa: ANN401 - protobuf's repeated field
    """The attributes that are wanted, of text or whole numbers."""
    found = {}
    for pair in pairs:
        key = pair.key
        if key in wanted:
            value = pair.value
            found[key] = value.string_value or value.int_value
    return found


def failed(kind: int, known: Values) -> bool:
    """Whether a span failed whose status is unset: instrumentation that does not set it says so by other means."""
    grpc = known.get(_GRPC)
    if kind == CLIENT:
        return bool(grpc)
    status = next((known[key] for key in _HTTP if key in known), 0)
    return (isinstance(status, int) and status >= 500) or grpc in _GRPC_SERVER


def peer(known: Values, attributes: Sequence[str]) -> str:
    """Name of the other end, empty where nothing names it."""
    if known:
        for key in attributes:
            if key in known and (name := str(known[key])[:LONGEST]):
                return name
    return ""


def guessed(known: Values, peers: Collection[str]) -> int:
    """The kind of a span that does not say: who names a peer calls, who knows a route is called."""
    if not known.keys().isdisjoint(_CALLED):
        return SERVER
    return INTERNAL if known.keys().isdisjoint(peers) else CLIENT
