"""OTLP as JSON: the protobuf mapping, except that ids are hexadecimal and enums are numbers.

https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
"""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

import msgspec
from google.protobuf import json_format

from brain_common.errors import InputError
from brain_otel.pieces import check_density
from brain_otel.signals import WIRES, Signal

TIMES: Final = (
    80  # its size that a body may take while it is converted: an empty object of two bytes is a dict and a message
)
_DEEPEST: Final = 64  # levels; values may hold values
_IDS: Final = frozenset({"traceId", "spanId", "parentSpanId"})


def protobuf_of(signal: Signal, body: bytes) -> bytes:
    """The same request as protobuf.

    Raises:
        InputError: It is no JSON, or no request of this signal.
        TooLargeError: As ``check_density``.
    """
    wire = WIRES[signal]
    check_density(body.count(b"{"), len(body))
    try:
        data = _with_base64_ids(msgspec.json.decode(body, type=dict[str, Any]), 0)
        message = json_format.ParseDict(
            data, wire.request(), ignore_unknown_fields=True, max_recursion_depth=2 * _DEEPEST
        )
        return bytes(message.SerializeToString())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"the body is no JSON: {error}") from error
    except (json_format.Error, binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise InputError(f"the JSON is no {wire.request.DESCRIPTOR.name}") from error


def _with_base64_ids(value: Any, depth: int) -> Any:  # noqa: ANN401 - JSON
    if depth > _DEEPEST:
        raise RecursionError("nested too deeply")
    if isinstance(value, list):
        return [_with_base64_ids(each, depth + 1) for each in value]
    if isinstance(value, dict):
        return {name: _id(each) if name in _IDS else _with_base64_ids(each, depth + 1) for name, each in value.items()}
    return value


def _id(value: Any) -> Any:  # noqa: ANN401 - JSON
    return base64.b64encode(bytes.fromhex(value)).decode() if isinstance(value, str) else value
