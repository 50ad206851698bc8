"""Attributes and resources as OTLP has them: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from brain_lab.emit.records import Attributes, Origin
from brain_lab.emit.text import clean

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

SCOPE: Final = "ai-devops-brain-lab"
"""Name of the instrumentation scope of everything that the lab emits."""

_encode: Final = msgspec.json.Encoder().encode


def json_text(text: str) -> str:
    """A text as a JSON string, with its quotes."""
    return _encode(clean(text)).decode()


def json_attributes(attributes: Attributes) -> str:
    """Attributes as JSON: an array of keys and typed values; 64-bit numbers are texts, as the specification demands."""
    pairs = (f'{{"key":{json_text(key)},"value":{_json_value(value)}}}' for key, value in attributes.items())
    return f"[{','.join(pairs)}]"


def key_values(attributes: Attributes) -> list[KeyValue]:
    """Attributes as messages."""
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue

    return [KeyValue(key=clean(key), value=_any_value(value)) for key, value in attributes.items()]


def resource_attributes(origin: Origin) -> Attributes:
    """What OpenTelemetry's resource detectors and the Collector's k8sattributes processor would say of the process."""
    workload = origin.workload or (origin.service if origin.pod else "")
    found = {
        "service.name": origin.service,
        "service.namespace": origin.namespace,
        "service.version": origin.version,
        "service.instance.id": origin.pod,
        "telemetry.sdk.language": origin.language,
        "k8s.cluster.name": origin.cluster,
        "k8s.namespace.name": origin.namespace if origin.pod else "",
        "k8s.deployment.name": workload,
        "k8s.pod.name": origin.pod,
        "k8s.container.name": origin.container or (origin.service if origin.pod else ""),
        "k8s.node.name": origin.node,
    }
    return {key: value for key, value in found.items() if value}


class AttributeTexts:
    """JSON of attribute mappings, each made once: records of one kind share their mapping.

    Mappings are told apart by identity, so this must not outlive the records that are written.
    """

    def __init__(self) -> None:
        self._made: dict[int, str] = {}

    def of(self, attributes: Attributes) -> str:
        """The mapping as JSON."""
        text = self._made.get(id(attributes))
        if text is None:
            text = self._made[id(attributes)] = json_attributes(attributes)
        return text


def _json_value(value: str | int | float | bool) -> str:
    if isinstance(value, str):
        return f'{{"stringValue":{json_text(value)}}}'
    if isinstance(value, bool):
        return f'{{"boolValue":{"true" if value else "false"}}}'
    if isinstance(value, int):
        return f'{{"intValue":"{value}"}}'
    return f'{{"doubleValue":{_encode(value).decode()}}}'


def _any_value(value: str | int | float | bool) -> AnyValue:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue

    if isinstance(value, str):
        return AnyValue(string_value=clean(value))
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    return AnyValue(int_value=value) if isinstance(value, int) else AnyValue(double_value=value)
