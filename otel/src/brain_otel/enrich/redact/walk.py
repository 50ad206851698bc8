"""Every text of a message, whatever its kind: found by its descriptor, so that a field of a later OTLP is not missed.

Texts are string fields, keys among them, and the strings, bytes and numbers of ``AnyValue``. Ids of traces and spans
are bytes of their own kind and no texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from brain_otel.enrich.redact.card import number_is_card

Change = Callable[[str, str], str]  # text, key: text

_STRING: Final = FieldDescriptor.TYPE_STRING
_MESSAGE: Final = FieldDescriptor.TYPE_MESSAGE
_VALUE: Final = AnyValue.DESCRIPTOR
_PAIR: Final = KeyValue.DESCRIPTOR


def change_texts(message: Any, change: Change, key: str = "") -> None:  # noqa: ANN401 - any message
    """Put what ``change`` makes of them in the place of all texts, in a message and those in it.

    Args:
        message: Of any type.
        change: Told the text, and the key of the attribute that it is the value of.
        key: Of the attribute that the message is the value of.
    """
    if message.DESCRIPTOR is _VALUE:
        _change_value(message, change, key)
        return
    if message.DESCRIPTOR is _PAIR:
        change_strings(message, change)
        change_texts(message.value, change, message.key)
        return
    change_strings(message, change)
    for field, value in message.ListFields():
        if field.type == _MESSAGE:
            for inner in value if field.is_repeated else (value,):
                change_texts(inner, change, key)


def change_strings(message: Any, change: Change) -> None:  # noqa: ANN401 - any message
    """The same for a message's own string fields only."""
    for field, value in message.ListFields():
        if field.type != _STRING:
            continue
        if field.is_repeated:
            value[:] = [change(text, "") for text in value]
        elif (changed := change(value, "")) != value:
            setattr(message, field.name, changed)


def _change_value(value: Any, change: Change, key: str) -> None:  # noqa: ANN401 - AnyValue
    kind = value.WhichOneof("value")
    if kind == "array_value":
        for inner in value.array_value.values:
            _change_value(inner, change, key)
    elif kind == "kvlist_value":
        for pair in value.kvlist_value.values:
            change_texts(pair, change)
    elif kind == "bytes_value":
        text = value.bytes_value.decode("latin-1")  # each byte a character: what is not changed comes back as it was
        if (changed := change(text, key)) != text:
            value.bytes_value = changed.encode("latin-1")
    elif kind is not None and kind != "bool_value":
        text = _as_text(getattr(value, kind))
        if (changed := change(text, key)) != text:
            value.string_value = changed


def _as_text(value: str | int | float) -> str:
    if isinstance(value, float):
        return str(int(value)) if number_is_card(value) else ""
    return str(value)
