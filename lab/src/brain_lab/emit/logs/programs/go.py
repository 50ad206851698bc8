"""Go services: one JSON object a line, as `log/slog`'s JSONHandler writes it.

https://pkg.go.dev/log/slog#JSONHandler
"""

from __future__ import annotations

import json
from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.programs.words import TROUBLES
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity
from brain_lab.emit.text import clean

_LEVELS: Final = {Severity.DEBUG: "DEBUG", Severity.INFO: "INFO", Severity.WARN: "WARN"}


def json_inner(text: str) -> str:
    """Text as it stands between the quotes of a JSON string."""
    return json.dumps(clean(text), ensure_ascii=False)[1:-1]


def _line(message: str, more: str = "", severity: Severity = Severity.INFO, weight: float = 1.0) -> Template:
    level = _LEVELS.get(severity, "ERROR")
    text = f'{{"time":"{{micros}}","level":"{level}","msg":"{message}","service":"{{service}}"{more}}}'
    return Template(text, severity, weight)


def _request(status: str, severity: Severity, weight: float) -> Template:
    more = f',"method":"{{method}}","path":"{{path}}","status":{{{status}}},"duration_ms":{{ms}},"trace_id":"{{trace}}"'
    fields = (("method", "http.request.method"), (status, "http.response.status_code"))
    return Template(_line("request", more, severity).text, severity, weight, fields)


def _of(fault: LogFault) -> tuple[Template, ...]:
    words = TROUBLES[fault]
    return (_line("request failed", f',"error":"{words.go}","trace_id":"{{trace}}"', words.severity),)


PROGRAM: Final = Program(
    "go",
    usual=(
        _request("status", Severity.INFO, 8.0),
        _line("processed batch", ',"topic":"{topic}","partition":{partition},"records":{count}', weight=1.5),
        _line("cache refreshed", ',"entries":{number},"duration_ms":{ms}', weight=0.6),
        _line("connection pool", ',"in_use":{thread},"idle":3', Severity.DEBUG, 0.5),
        _line("slow request", ',"path":"{path}","duration_ms":{ms},"trace_id":"{trace}"', Severity.WARN, 0.15),
    ),
    failed=(_request("failed_status", Severity.ERROR, 1.0),),
    faults={fault: _of(fault) for fault in TROUBLES},
    escape=json_inner,
)
