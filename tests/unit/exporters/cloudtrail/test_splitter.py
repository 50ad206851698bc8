"""Files of any layout and any damage are cut into records exactly."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_common.errors import InputError
from brain_exporters.cloudtrail import splitter as module
from brain_exporters.cloudtrail.gunzip import Truncated, windows
from brain_exporters.cloudtrail.splitter import Splitter


def _split(text: bytes, size: int) -> tuple[list[Any], list[bytes], bool]:
    splitter = Splitter()
    pieces = [piece for at in range(0, len(text), size) for piece in splitter.feed(text[at : at + size])]
    pieces += splitter.finish()
    good = [json.loads(bytes(raw)) for piece in pieces for raw in piece.good]
    return good, [bad for piece in pieces for bad in piece.bad], splitter.truncated


_text = st.text(alphabet='ab"\\{}[],: é', max_size=12)
_value = st.recursive(_text | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3), max_leaves=6)
_record = st.dictionaries(_text, _value | st.lists(st.dictionaries(_text, _value, max_size=2)), max_size=4)


@given(records=st.lists(_record, max_size=30), indent=st.sampled_from([None, 1]), window=st.integers(64, 400))
def test_records_with_braces_in_strings_come_out_whole(records: list[Any], indent: int | None, window: int) -> None:
    layout = (",", ":") if indent is None else None
    text = json.dumps({"Records": records}, separators=layout, indent=indent, ensure_ascii=False).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "WINDOW", window)
        good, bad, truncated = _split(text, window)
    assert (good, bad, truncated) == (records, [], False)


def test_a_bad_record_in_the_middle_costs_only_itself() -> None:
    record = b'{"eventVersion":"1","a":%d}'
    text = b'{"Records":[' + b",".join([record % 1, b'{"eventVersion":"1",bad}', record % 2]) + b"]}"
    good, bad, truncated = _split(text, 1000)
    assert [one["a"] for one in good] == [1, 2]
    assert (bad, truncated) == ([b'{"eventVersion":"1",bad}'], False)


def test_what_is_cut_off_in_a_record_gives_those_before_it() -> None:
    good, bad, truncated = _split(b'{"Records":[{"a":1},{"a":2},{"a":"x', 1000)
    assert ([one["a"] for one in good], bad, truncated) == ([1, 2], [b'{"a":"x'], True)


def test_lists_and_objects_one_after_another_are_understood() -> None:
    assert _split(b'[{"a":1},\n {"a":2}]', 1000)[0] == [{"a": 1}, {"a": 2}]
    assert _split(b'{"a":1}\n{"a":2}{"a":3}', 1000) == ([{"a": 1}, {"a": 2}, {"a": 3}], [], False)


def test_members_one_after_another_inflate_in_windows_of_the_same_size() -> None:
    packed = gzip.compress(b"a" * 1000) + gzip.compress(b"b" * 500)
    for part in (1, 7, 4096):
        parts = (packed[at : at + part] for at in range(0, len(packed), part))
        assert list(windows(parts, 600, 10_000)) == [b"a" * 600, b"a" * 400 + b"b" * 200, b"b" * 300]


def test_a_bomb_is_given_up_and_a_cut_stream_says_so() -> None:
    bomb = gzip.compress(b"\0" * 10_000_000)
    with pytest.raises(InputError, match="more than 1000000 bytes"):
        list(windows([bomb], 1 << 16, 1_000_000))
    with pytest.raises(Truncated):
        list(windows([gzip.compress(b"abc")[:-9]], 1 << 16, 1_000_000))
