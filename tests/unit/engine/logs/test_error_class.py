"""Which error lines and stack traces tell of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.logs.error_class import LONGEST, error_class, has_stack_trace

JAVA = """java.lang.RuntimeException: cannot pay
\tat com.example.Pay.pay(Pay.java:1)
Caused by: com.example.GatewayException: no gateway
\t... 12 more
Caused by: java.net.ConnectException: Connection refused
\t... 20 more"""

PYTHON = """Traceback (most recent call last):
  File "a.py", line 1, in <module>
    int("x")
ValueError: invalid literal

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "a.py", line 3, in <module>
    raise KeyError("x")
KeyError: 'x'"""

DOTNET = """Unhandled exception. System.InvalidOperationException: cannot pay
 ---> System.Net.Sockets.SocketException (111): Connection refused
   at Shop.Pay() in Pay.cs:line 1"""

GO = """panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()"""

SAID = [
    (JAVA, "java.net.ConnectException"),
    (PYTHON, "ValueError"),
    (
        "Traceback (most recent call last):\n  File\nsqlalchemy.exc.OperationalError: (psycopg) x",
        "sqlalchemy.exc.OperationalError",
    ),
    (DOTNET, "System.Net.Sockets.SocketException"),
    (GO, "runtime error: index out of range"),
    ("panic: no configuration\n\ngoroutine 1 [running]:", "panic"),
    ("thread 'main' panicked at src/main.rs:1:5:\nno", "panic"),
    ("TypeError: x is not a function\n    at Object.<anonymous> (a.js:1:1)", "TypeError"),
    ("2026-11-25 ERROR org.springframework.dao.DataAccessException: no", "org.springframework.dao.DataAccessException"),
    ("Error: connect ECONNREFUSED 10.0.0.1:5432", "ECONNREFUSED"),
    ("dial tcp 10.0.0.1:5432: connect: connection refused", "ECONNREFUSED"),
    ('open() "/x" failed (2: No such file or directory)', "ENOENT"),
    ("write: no space left on device", "ENOSPC"),
    ("rpc error: code = DeadlineExceeded desc = context deadline exceeded", "DEADLINE_EXCEEDED"),
    ("call failed: StatusCode.UNAVAILABLE", "UNAVAILABLE"),
    ("upstream answered 503 Service Unavailable", "HTTP 503"),
    ("request failed with status code 502", "HTTP 502"),
    ("request failed status=500 path=/", "HTTP 500"),
]


@pytest.mark.parametrize(("text", "expected"), SAID)
def test_the_class_is_the_root_cause(text: str, expected: str) -> None:
    assert error_class(text) == expected


@pytest.mark.parametrize("text", ["", "it broke", "order 503 of 504", "status 200", "all is well", "rated 500 of 1000"])
def test_without_a_sign_there_is_none(text: str) -> None:
    assert error_class(text) is None


@pytest.mark.parametrize("text", [JAVA, PYTHON, DOTNET, GO])
def test_stack_traces_are_seen(text: str) -> None:
    assert has_stack_trace(text)
    assert not has_stack_trace("two lines\nof text")


def test_the_root_cause_of_a_very_long_trace_is_found() -> None:
    text = "java.lang.RuntimeException: x\n" + "\tat a.B.c(D.java:1)\n" * 20_000 + "Caused by: java.io.EOFException\n"
    assert error_class(text) == "java.io.EOFException"


@given(st.text(max_size=400) | st.text("abA.:$\n\t '>-(Ecauxption", max_size=300))
def test_any_text_is_taken_and_the_class_is_short(text: str) -> None:
    found = error_class(text)
    assert found is None or 0 < len(found) <= LONGEST
