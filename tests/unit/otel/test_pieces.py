"""A body decoded in pieces is the message that it is, and nobody gets past the look at the memory."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf.message import DecodeError
from hypothesis import given
from hypothesis import strategies as st

from brain_otel import pieces
from brain_otel.pieces import check_density, decode_in_pieces
from brain_otel.signals import WIRES, Signal
from brain_otel.wire.refusal import OverloadError, TooLargeError


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "LARGEST_PIECE", 16)


def value_into(value: Any, made: Any) -> None:
    if isinstance(made, str):
        value.string_value = made
    elif isinstance(made, list):
        value.array_value.SetInParent()
        for each in made:
            value_into(value.array_value.values.add(), each)
    elif isinstance(made, dict):
        value.kvlist_value.SetInParent()
        for key, each in made.items():
            value_into(value.kvlist_value.values.add(key=key).value, each)
    else:
        value.int_value = made


VALUES = st.recursive(
    st.one_of(st.text(max_size=20), st.integers(-5, 2**40)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)


@st.composite
def logs(draw: st.DrawFn) -> Any:
    message = WIRES[Signal.LOGS].request()
    for _ in range(draw(st.integers(0, 3))):
        group = message.resource_logs.add(schema_url=draw(st.text(max_size=30)))
        for name, value in draw(st.dictionaries(st.text(max_size=8), VALUES, max_size=3)).items():
            value_into(group.resource.attributes.add(key=name).value, value)
        for _ in range(draw(st.integers(0, 3))):
            scope = group.scope_logs.add()
            for _ in range(draw(st.integers(0, 4))):
                record = scope.log_records.add(time_unix_nano=draw(st.integers(0, 2**60)), trace_id=b"x" * 16)
                value_into(record.body, draw(VALUES))
    return message


def no_look(_: int) -> None:
    """Memory is there."""


@given(logs())
def test_it_is_the_same_message(message: Any) -> None:
    assert decode_in_pieces(WIRES[Signal.LOGS], message.SerializeToString(), no_look) == message


@given(logs(), st.binary(max_size=6), st.integers(0, 10_000))
def test_what_is_refused_is_no_message_and_the_other_way_round(message: Any, piece: bytes, place: int) -> None:
    body = message.SerializeToString()
    place %= len(body) + 1
    body = body[:place] + piece + body[place:]
    wire = WIRES[Signal.LOGS]
    try:
        expected = wire.request.FromString(body)
    except DecodeError:
        with pytest.raises(DecodeError):
            decode_in_pieces(wire, body, no_look)
    else:
        assert decode_in_pieces(wire, body, no_look) == expected


def test_memory_is_looked_at_before_each_piece() -> None:
    message = WIRES[Signal.LOGS].request()
    scope = message.resource_logs.add().scope_logs.add()
    for _ in range(10):
        scope.log_records.add(severity_text="0123456789")
    looks: list[None] = []

    def look(_: int) -> None:
        if len(looks) == 5:
            raise OverloadError("no more")
        looks.append(None)

    with pytest.raises(OverloadError):
        decode_in_pieces(WIRES[Signal.LOGS], message.SerializeToString(), look)


@pytest.mark.parametrize("depth", [101, 5000])
def test_what_is_nested_too_deeply_is_no_message(depth: int) -> None:
    body = b"x" * 20
    for _ in range(depth):
        body = field(0x0A, field(0x2A, body))  # ArrayValue in AnyValue
    body = field(0x0A, field(0x12, field(0x12, field(0x2A, body))))
    with pytest.raises(DecodeError):
        decode_in_pieces(WIRES[Signal.LOGS], body, no_look)


def field(tag: int, content: bytes) -> bytes:
    size, length = len(content), b""
    while size > 127:
        length += bytes([size & 127 | 128])
        size >>= 7
    return bytes([tag]) + length + bytes([size]) + content


@pytest.mark.parametrize("body", [b"\x0a\x00" * 5000, field(0x0A, b"\x12\x00" * 5000)], ids=["groups", "scopes"])
def test_next_to_nothing_many_times_is_refused(body: bytes) -> None:
    with pytest.raises(TooLargeError, match="less than 8 bytes"):
        decode_in_pieces(WIRES[Signal.LOGS], body, no_look)


@pytest.mark.parametrize(("messages", "size"), [(4096, 4096), (5000, 40_000), (1, 0)])
def test_what_is_not_dense(messages: int, size: int) -> None:
    check_density(messages, size)
