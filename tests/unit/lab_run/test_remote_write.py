"""What is sent to Prometheus, read back by a reader of the wire format that knows nothing of the writer."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from brain_lab.live.remote_write import BATCH, Encoder
from brain_lab.live.snappy import block, varint
from brain_lab.replay.series import PromSeries

STALE = 0x7FF0000000000002


def number(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if not data[at - 1] & 0x80:
            return value, at


def fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and content of each field of a message; of doubles the eight bytes."""
    at = 0
    while at < len(data):
        tag, at = number(data, at)
        if tag & 7 == 0:
            value, at = number(data, at)
            yield tag >> 3, value
            continue
        size, at = (8, at) if tag & 7 == 1 else number(data, at)
        yield tag >> 3, data[at : at + size]
        at += size


def content(message: bytes, name: int) -> list[bytes]:
    return [value for found, value in fields(message) if found == name and isinstance(value, bytes)]


def series(*values: float, metric: str = "up", **labels: str) -> PromSeries:
    return PromSeries(metric, False, labels, np.array(values))


def sent(one: PromSeries, row: int, moment: float = 1000.5) -> list[tuple[list[tuple[str, str]], bytes, int]]:
    """Labels, eight bytes of the value, milliseconds."""
    found = []
    for request in Encoder([one]).requests(row, moment):
        for message in content(request, 1):
            pairs = [
                [part.decode() for _, part in fields(label) if isinstance(part, bytes)] for label in content(message, 1)
            ]
            (sample,) = content(message, 2)
            value, when = (part for _, part in fields(sample))
            assert isinstance(value, bytes)
            assert isinstance(when, int)
            found.append(([(name, text) for name, text in pairs], value, when))
    return found


def test_labels_are_sorted_and_values_and_times_exact() -> None:
    ((labels, value, when),) = sent(series(0.1, 2.5, zone="a", app="shop"), 1)
    assert labels == [("__name__", "up"), ("app", "shop"), ("zone", "a")]
    assert struct.unpack("<d", value) == (2.5,)
    assert when == 1_000_500


def test_a_series_that_ended_is_marked_once() -> None:
    one = series(1.0, np.nan, np.nan)
    ((_, value, _),) = sent(one, 1)
    assert struct.unpack("<Q", value) == (STALE,)
    assert sent(one, 2) == []


def test_many_series_go_in_several_requests() -> None:
    many = [series(1.0, n=f"{n}") for n in range(BATCH + 1)]
    sizes = [len(content(request, 1)) for request in Encoder(many).requests(0, 1.0)]
    assert sizes == [BATCH, 1]


def test_a_block_is_a_length_and_a_literal() -> None:
    assert block(b"") == b"\x00"
    text = bytes(range(256)) * 300
    length, at = number(block(text), 0)
    assert length == len(text)
    assert block(text)[at] == 63 << 2
    assert int.from_bytes(block(text)[at + 1 : at + 5], "little") == len(text) - 1
    assert block(text)[at + 5 :] == text


def test_varints_are_those_of_protocol_buffers() -> None:
    assert [varint(n) for n in (0, 127, 128, 300)] == [b"\x00", b"\x7f", b"\x80\x01", b"\xac\x02"]
