"""The message of a line whose logger wraps it: JSON, logfmt, or the prefix of a container runtime."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_RUNTIME: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d) std(?:out|err) [FP] ")
_MESSAGE: Final = ("message", "msg", "log", "body", "event", "Message", "@m", "@mt", "short_message")
_ERROR: Final = ("error", "err", "exception", "error.message", "exc_info")
_QUOTED: Final = r'"((?:[^"\\]|\\.)*)"?'  # a line that was cut has no closing quote
# A JSON line that was cut is no JSON any more.
_BROKEN: Final = re.compile(rf'"(?:message|msg|log|body)"\s?:\s?{_QUOTED}')
_LOGFMT: Final = re.compile(rf"(?:^|\s)(?:msg|message)=(?:{_QUOTED}|(\S+))")
_LOGFMT_ERROR: Final = re.compile(rf"\s(?:err|error)=(?:{_QUOTED}|(\S+))")


def message_of(line: str) -> str:
    """What the program said, without the form its logger gave it; the line itself where no form is recognised."""
    if line[:1].isdigit() and (found := _RUNTIME.match(line)) is not None:
        line = line[found.end() :]
    if line[:1] == "{":
        return _of_json(line)
    if "msg=" in line or "message=" in line:
        return _of_logfmt(line)
    return line


def _of_json(line: str) -> str:
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        found = _BROKEN.search(line)
        return found[1] if found else line
    if not isinstance(fields, dict):
        return line
    said = [text for names in (_MESSAGE, _ERROR) if (text := _first(fields, names))]
    return ": ".join(said) if said else line


def _first(fields: dict[str, Any], names: tuple[str, ...]) -> str:
    return next((fields[name] for name in names if isinstance(fields.get(name), str)), "")


def _of_logfmt(line: str) -> str:
    said = [found[1] or found[2] or "" for form in (_LOGFMT, _LOGFMT_ERROR) if (found := form.search(line))]
    return ": ".join(said) if said else line
