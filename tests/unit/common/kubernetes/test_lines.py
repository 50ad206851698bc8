"""Lines of a watch are whole, whatever the bytes are cut into, and bounded."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from brain_common.clients.kubernetes.lines import Lines


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\n", b"")), max_size=20), st.integers(1, 7))
def test_lines_are_the_same_however_the_bytes_are_cut(texts: list[bytes], size: int) -> None:
    data = b"".join(text + b"\n" for text in texts)
    cutter = Lines()
    found = [each for at in range(0, len(data), size) for each in cutter.feed(data[at : at + size])]
    assert found == [text for text in texts if text]


def test_a_line_without_end_does_not_fill_the_memory() -> None:
    cutter = Lines(longest=1000)
    found = [each for _ in range(100) for each in cutter.feed(b"x" * 100)]
    assert [set(each) for each in found] == [{ord("x")}]
    assert list(cutter.feed(b"x\nnext\n")) == [b"next"]
