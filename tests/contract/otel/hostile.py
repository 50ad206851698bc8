"""Groups of records as a stranger may send them: anything that OTLP's protobuf can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from typing import Any

from hypothesis import strategies as st
from opentelemetry.proto.common.v1 import common_pb2 as common

from brain_otel.batch import Batch, Group
from brain_otel.signals import WIRES, Signal

_KEYS = (
    "",
    "service.name",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.deployment.name",
    "k8s.pod.name",
    "k8s.pod.uid",
    "k8s.pod.ip",
    "k8s.node.name",
    "cloud.resource_id",
    "http.request.header.authorization",
)
_WORDS = st.sampled_from(["", "cart", "shop", "unknown_service", "10.0.0.7", "password=hunter2", "a/b%2F", "x" * 5000])
_SCALARS = (
    st.builds(lambda text: common.AnyValue(string_value=text), _WORDS | st.text(max_size=50))
    | st.builds(lambda value: common.AnyValue(bool_value=value), st.booleans())
    | st.builds(lambda value: common.AnyValue(int_value=value), st.integers(-(2**63), 2**63 - 1))
    | st.builds(lambda value: common.AnyValue(double_value=value), st.floats())
    | st.builds(lambda value: common.AnyValue(bytes_value=value), st.binary(max_size=20))
    | st.just(common.AnyValue())
)


def _pairs(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[common.KeyValue]]:
    keys = st.sampled_from(_KEYS) | st.text(max_size=20)
    pair = st.builds(lambda key, value: common.KeyValue(key=key, value=value), keys, values)
    return st.lists(pair | st.just(common.KeyValue()), max_size=4)  # the same key may come twice


_VALUES = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda all_: common.AnyValue(array_value=common.ArrayValue(values=all_)))
        | _pairs(inner).map(lambda all_: common.AnyValue(kvlist_value=common.KeyValueList(values=all_)))
    ),
    max_leaves=5,
)
_ATTRIBUTES = _pairs(_VALUES)


@st.composite
def groups(draw: st.DrawFn, signals: Sequence[Signal], known: Mapping[str, str], added: Set[str]) -> Group:
    """One group of one of these signals.

    Args:
        draw: Of hypothesis.
        signals: Which may come.
        known: Attributes of a resource that the step knows; half of the groups have them.
        added: Attributes that the step adds; some resources say them already.
    """
    wire = WIRES[draw(st.sampled_from(list(signals)))]
    request = wire.request()
    message = getattr(request, wire.groups).add()
    if draw(st.booleans()):
        for key, value in known.items():
            message.resource.attributes.add(key=key).value.string_value = value
    for key in draw(st.sets(st.sampled_from(sorted(added)))) if added and draw(st.booleans()) else ():
        message.resource.attributes.add(key=key, value=draw(_VALUES))
    message.resource.attributes.extend(draw(_ATTRIBUTES))
    for _ in range(draw(st.integers(0, 2))):
        scope = getattr(message, wire.scopes).add()
        scope.scope.attributes.extend(draw(_ATTRIBUTES))
        for _ in range(draw(st.integers(0, 3))):
            _fill(draw, wire.signal, getattr(scope, wire.records).add())
    peer = draw(st.sampled_from(["", "10.0.0.7", "::1", "nonsense"]))
    return Batch(wire, request, peer).groups[0]


def _fill(draw: st.DrawFn, signal: Signal, record: Any) -> None:
    if signal is Signal.METRICS:
        record.name = draw(st.text(max_size=20))
        record.gauge.data_points.add().attributes.extend(draw(_ATTRIBUTES))
        return
    record.attributes.extend(draw(_ATTRIBUTES))
    if signal is Signal.LOGS:
        record.body.CopyFrom(draw(_VALUES))
        record.severity_text = draw(st.text(max_size=10))
    else:
        record.name = draw(st.text(max_size=20))
        record.trace_id = draw(st.binary(max_size=17))
        record.status.code = draw(st.integers(0, 2))
