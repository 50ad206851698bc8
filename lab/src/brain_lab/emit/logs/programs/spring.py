"""Java services: the console pattern of Spring Boot 3 with Logback.

https://docs.spring.io/spring-boot/reference/features/logging.html#features.logging.log-format
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.words import TROUBLES
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity

_LEVELS: Final = {Severity.DEBUG: "DEBUG", Severity.INFO: " INFO", Severity.WARN: " WARN", Severity.FATAL: "ERROR"}
_REQUEST: Final = (("method", "http.request.method"), ("status", "http.response.status_code"))
_FAILED: Final = (("method", "http.request.method"), ("failed_status", "http.response.status_code"))


def _line(
    logger: str, message: str, severity: Severity = Severity.INFO, weight: float = 1.0, *, thread: str = "exec-{thread}"
) -> Template:
    level = _LEVELS.get(severity, "ERROR")
    text = f"{{iso}} {level} 1 --- [{{service}}] [nio-8080-{thread}] {logger:<40.40} : {message}"
    tags = {"thread.name": "http-nio", "code.namespace": logger}
    return Template(text, severity, weight, (), tags)


def _request(message: str, severity: Severity, fields: tuple[tuple[str, str], ...], weight: float = 1.0) -> Template:
    line = _line("c.e.web.RequestLoggingFilter", message, severity, weight)
    return Template(line.text, severity, weight, fields, line.tags)


def _of(fault: LogFault) -> tuple[Template, ...]:
    words = TROUBLES[fault]
    logger = "o.s.boot.SpringApplication" if fault is LogFault.CRASH else "c.e.client.DownstreamClient"
    line = _line(logger, words.java, words.severity, 3.0)
    if words.severity < Severity.ERROR:
        return (line,)
    trace = (
        "\n\tat com.example.client.DownstreamClient.call(DownstreamClient.java:{thread})"
        "\n\tat com.example.web.RequestHandler.handle(RequestHandler.java:87)"
        "\n\tat java.base/java.lang.Thread.run(Thread.java:1583)"
    )
    return line, Template(line.text + trace, line.severity, 1.0, (), line.tags)


PROGRAM: Final = Program(
    "spring",
    usual=(
        _request("{method} {path} -> {status} in {ms} ms", Severity.INFO, _REQUEST, 8.0),
        _line("c.e.service.TransferService", "Accepted {table} {short_hex} over {amount} {currency}", weight=3.0),
        _line("c.e.service.CacheLoader", "Loaded {count} {table} in {ms} ms", weight=1.0),
        _line("com.zaxxer.hikari.pool.HikariPool", "HikariPool-1 - Pool stats (total=10, idle=9)", Severity.DEBUG, 0.5),
        _line(
            "o.a.k.c.c.internals.ConsumerCoordinator", "Committed offset {offset} of {topic}-{partition}", weight=0.7
        ),
        _line("c.e.web.ValidationAdvice", "Rejected request: field 'iban' is not well formed", Severity.WARN, 0.2),
    ),
    failed=(
        _request("{method} {path} -> {failed_status} in {ms} ms", Severity.ERROR, _FAILED, 3.0),
        _line(
            "c.e.web.ErrorAdvice", "Unhandled exception for {method} {path}, answered {failed_status}", Severity.ERROR
        ),
    ),
    faults={fault: _of(fault) for fault in TROUBLES},
)
