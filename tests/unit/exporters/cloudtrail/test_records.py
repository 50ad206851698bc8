"""A file becomes its records whatever its size and however it is cut, and what is damaged gives what is whole."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.errors import InputError
from brain_exporters.cloudtrail import records
from brain_exporters.cloudtrail.records import Inflater, decode, split
from tests.unit.exporters.cloudtrail.trail import document, file, record


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for begin in range(0, len(data), size):
        yield data[begin : begin + size]


def ids(data: bytes, size: int = 1000) -> list[str]:
    return [decode(raw).id for raws in split(Inflater().pieces(cut(data, size))) for raw in raws]


def damaged(data: bytes, size: int = 1000) -> tuple[list[str], str]:
    """What came before the error, and its words."""
    found = []
    try:
        for raws in split(Inflater().pieces(cut(data, size))):
            found += [decode(raw).id for raw in raws]
    except InputError as error:
        return found, str(error)
    pytest.fail("it was taken for a good one")


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "PIECE", 2048)


@pytest.mark.usefixtures("small_pieces")
@given(st.integers(0, 40), st.integers(1, 5000), st.booleans(), st.randoms(use_true_random=False))
def test_every_record_comes_once_and_in_order(count: int, size: int, zipped: bool, random: Any) -> None:
    made = [record(requestParameters={"text": 'a},{"eventVersion"' * random.randrange(4)}) for _ in range(count)]
    data = file(made) if zipped else document(made)
    assert ids(data, size) == [each["eventID"] for each in made]


@pytest.mark.usefixtures("small_pieces")
def test_records_within_records_are_no_records() -> None:
    made = [record(responseElements=[record(), record()]) for _ in range(20)]
    assert ids(file(made)) == [each["eventID"] for each in made]


@pytest.mark.usefixtures("small_pieces")
def test_other_spacing_and_order_of_keys() -> None:
    made = [dict(reversed(record().items())) for _ in range(20)]
    data = msgspec.json.format(document(made), indent=2)
    assert ids(data, 700) == [each["eventID"] for each in made]


def test_several_gzips_in_a_row_are_one_file() -> None:
    made = [record() for _ in range(5)]
    data = document(made)
    assert ids(gzip.compress(data[:500]) + gzip.compress(data[500:])) == [each["eventID"] for each in made]


@pytest.mark.usefixtures("small_pieces")
def test_a_file_that_ends_early_gives_what_is_whole() -> None:
    made = [record() for _ in range(30)]
    data = document(made)
    for end in (len(data) - 1, len(data) - 3, len(data) - 100, len(data) // 2):
        found, words = damaged(data[:end])
        assert found == [each["eventID"] for each in made][: len(found)]
        assert len(found) >= 30 * end // len(data) - 1
        assert "ends in the middle" in words


def test_a_damaged_gzip_is_told() -> None:
    data = bytearray(file([record() for _ in range(300)]))
    data[len(data) // 2] ^= 0xFF
    _, words = damaged(bytes(data))
    assert "gzip" in words or "ends in the middle" in words


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b"hello", b'{"records":[]}', b'{"Records":{}}', b"\x1f\x8b"])
def test_what_is_no_file_of_records_says_so(data: bytes) -> None:
    assert damaged(data)[0] == []


def test_a_file_without_records_is_good() -> None:
    assert ids(file([])) == []


def test_envelopes_of_a_log_group_hold_records() -> None:
    made = [record() for _ in range(6)]

    def envelope(part: list[dict[str, Any]], kind: str = "DATA_MESSAGE") -> bytes:
        events = [{"id": "1", "timestamp": 1, "message": msgspec.json.encode(each).decode()} for each in part]
        return msgspec.json.encode({"messageType": kind, "logGroup": "trail", "logEvents": events})

    data = envelope(made[:4]) + envelope([record()], "CONTROL_MESSAGE") + envelope(made[4:])
    assert ids(gzip.compress(data)) == [each["eventID"] for each in made]


@given(st.binary(max_size=3000))
def test_any_bytes_end_in_an_answer(data: bytes) -> None:
    for prefix in (b"", b'{"Records":[', b"\x1f\x8b\x08", b'{"messageType":"DATA_MESSAGE",'):
        try:
            for raws in split(Inflater().pieces(cut(prefix + data, 100))):
                for raw in raws:
                    decode(raw)
        except InputError:
            pass
