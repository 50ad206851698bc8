"""What of a line is compared with others: its message, with values put aside."""

from __future__ import annotations

import pytest

from brain_engine.logs.masks import masked
from brain_engine.logs.message import message_of


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("took 12 ms, 3.5s or 40%", "took <*> ms, <*> or <*>"),
        ("sent 64KB of 1,024 in -1.5e3", "sent <*> of <*> in <*>"),
        ("peer 10.2.3.4:5432 (10.2.3.4)", "peer <*> (<*>)"),
        ("id 3f2504e0-4f89-11d3-9a0c-0305e82c3301 at 0xdeadBEEF", "id <*> at <*>"),
        ("commit 9fceb02d0ae598e95dc970b74767f19372d61af8", "commit <*>"),
        ("at 2024-05-01T10:00:00.123Z or 10:00:00,5", "at <*> or <*>"),
        ("dialling db.shop.svc:5432 failed", "dialling <*> failed"),
        ("key 'user:17' and \"a 5 b\" but 'kept'", "key '<*>' and \"<*>\" but 'kept'"),
        ("utf8 and sha256 and v2 stay", "utf8 and sha256 and v2 stay"),
        ('10.0.0.1 - - "GET /a/17 HTTP/1.1" 503 12', '<*> - - "<*>" 5xx <*>'),
        ("status=404 path=/x", "status=4xx path=/x"),
        ("\x1b[31mred\x1b[0m  alert", "red alert"),
        ("first line\nsecond line", "first line"),
        ("", ""),
    ],
)
def test_values_are_put_aside(line: str, expected: str) -> None:
    assert masked(line) == expected


def test_a_stack_trace_is_told_by_its_error() -> None:
    trace = 'Traceback (most recent call last):\n  File "a.py", line 3, in <module>\nKeyError: 17'
    assert masked(trace) == "Traceback (most recent call last): KeyError"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"level":"error","msg":"no route","error":"timed out"}', "no route: timed out"),
        ('{"level":"info","message":"no end', "no end"),
        ('{"level":"info"}', '{"level":"info"}'),
        ("[1, 2]", "[1, 2]"),
        ('time=now level=warn msg="disk is full" err="no space"', "disk is full: no space"),
        ("level=warn msg=short", "short"),
        ("2024-05-01T10:00:00.123456789Z stderr F plain text", "plain text"),
        ('2024-05-01T10:00:00.123456789+02:00 stdout P {"msg":"inner"}', "inner"),
    ],
)
def test_a_message_is_found_in_its_wrapping(line: str, message: str) -> None:
    assert message_of(line) == message
