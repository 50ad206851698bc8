"""What lines of common loggers say about their severity."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_engine.logs.levels import named
from brain_engine.logs.severity import severity_of

SAID = [
    (
        r'{"log":"17:25:35.011 ERROR o.a.c.Dispatcher#175 threw an exception\n","stream":"stdout","time":"2026-11-25"}',
        17,
        "ERROR",
    ),
    (r'{"log":"{\"level\":\"warn\",\"msg\":\"slow\"}\n","stream":"stderr"}', 13, "warn"),
    ("2026-11-25T15:15:45.000Z  INFO 1 --- [cart] [nio-8080-exec-1] c.e.web.Filter : GET /", 9, "INFO"),
    ("[2026-12-20 00:00:36,888] WARN Deleting segment 912806 (kafka.log.Log)", 13, "WARN"),
    ("2026-10-18 18:01:47,978 ERROR [main] org.example.Main: cannot", 17, "ERROR"),
    ("081109 203615 148 INFO dfs.DataNode: terminating", 9, "INFO"),
    ("- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42 R02-M1 RAS KERNEL FATAL data TLB error", 21, "FATAL"),
    ("2026-11-25 15:00:00,123 - my.module - CRITICAL - out of cheese", 21, "CRITICAL"),
    ("WARNING:root:disk is nearly full", 13, "WARNING"),
    ("Nov 25, 2026 3:16:33 PM com.example.Main main\nSEVERE: it broke", 17, "SEVERE"),
    ("[Sun Dec 04 04:47:44 2005] [notice] workerEnv.init() ok", 10, "notice"),
    ("[Wed Oct 11 14:32:52 2026] [core:error] [pid 1] AH00126: Invalid URI", 17, "error"),
    ('2026/10/25 14:49:34 [crit] 54053#0: *1 open() "/x" failed', 18, "crit"),
    ("[2026-11-25 10:00:00.000][7][warning][config] [source/x.cc:1] gRPC config stream closed", 13, "warning"),
    ('{"time":"2026-11-25T15:16:07Z","level":"WARN","msg":"slow request"}', 13, "WARN"),
    ('{"severity": "ERROR", "message": "no"}', 17, "ERROR"),
    ('{"level":50,"time":1790000000000,"msg":"pino"}', 17, "50"),
    ('{"log.level":"debug","message":"ecs"}', 5, "debug"),
    ('time="2026-11-25T15:00:00Z" level=warning msg="logrus"', 13, "warning"),
    ("ts=2026-11-25T15:00:00Z caller=main.go:1 level=error err=no", 17, "error"),
    ("ERRO[0001] logrus on a terminal", None, ""),
    ("WARN[0001] logrus on a terminal", 13, "WARN"),
    ("I1125 15:15:45.000000       1 controller.go:1] synced", 9, "I"),
    ("E1125 15:15:45.000000       1 controller.go:1] failed", 17, "E"),
    ("<11>Nov 25 15:15:45 host app[1]: it broke", 17, "err"),
    ("<165>1 2026-11-25T15:15:45Z host app - - - hello", 10, "notice"),
    ("2026-11-25 15:17:18.172 UTC [27] LOG:  checkpoint complete", 9, "LOG"),
    ("2026-11-25 15:17:18.172 UTC [27] FATAL:  too many connections", 21, "FATAL"),
    ("1:M 25 Nov 2026 15:16:33.012 * DB saved on disk", 10, "*"),
    ("1:M 25 Nov 2026 15:16:33.012 # WARNING overcommit_memory is 0", 13, "WARNING"),
    ("warn: Microsoft.AspNetCore.Hosting[0]", 13, "warn"),
    ("fail: Microsoft.AspNetCore.Server.Kestrel[13]", 17, "fail"),
    ("[12:00:00 ERR] Serilog says no", 17, "ERR"),
    ("2026-11-25T15:15:45.123456Z ERROR shop::cart: no such cart", 17, "ERROR"),
    ("\x1b[2m2026-11-25T15:15:45Z\x1b[0m \x1b[31mERROR\x1b[0m shop: no", 17, "ERROR"),
    ("2026-11-25T15:15:45.000Z\terror\tcart/main.go:12\tno cart", 17, "error"),
    ("PHP Fatal error:  Uncaught Error: x", 21, "Fatal"),
    ("Traceback (most recent call last):\n  File", 17, ""),
    ("panic: runtime error: index out of range [5] with length 3", 21, "panic"),
    ('Exception in thread "main" java.lang.IllegalStateException: x', 17, ""),
    ("Error: cannot find module", 17, "Error"),
]

SILENT = [
    "",
    "   ",
    "Failed password for root from 10.0.0.1 port 34100 ssh2",
    "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0",
    '10.0.0.1 - - [17/May/2026:10:05:03 +0000] "GET /error HTTP/1.1" 500 203023 "-" "-"',
    '{"message":"an error occurred","levels":3}',
    '{"level":7}',
    "no error was found in the log",
    "the info desk is closed",
    "retrying after error from server",
    "<999>is no priority",
    "Information about orders",
    "I1125 is a room",
]


@pytest.mark.parametrize(("line", "number", "text"), SAID)
def test_levels_are_read_where_loggers_write_them(line: str, number: int | None, text: str) -> None:
    found = severity_of(line)
    if number is None:
        assert found is None
    else:
        assert found is not None
        assert (found.number, found.text) == (number, text)


@pytest.mark.parametrize("line", SILENT)
def test_what_a_line_does_not_say_is_not_guessed(line: str) -> None:
    assert severity_of(line) is None


def test_only_the_beginning_of_a_line_is_looked_at() -> None:
    assert severity_of('{"message":"' + "x" * 600 + '","level":"error"}') is None


def test_names_of_levels_are_known_in_any_case() -> None:
    assert (named("Warn"), named("INFORMATION"), named("nonsense")) == (
        severity_of("[Warn] x"),
        severity_of("INFORMATION: x"),
        None,
    )


@given(st.text(max_size=600) | st.text('<>{}[]"=:*#. 0123456789levIFWEROR', max_size=120))
def test_any_line_is_taken(line: str) -> None:
    found = severity_of(line)
    assert found is None or 1 <= found.number <= 24
