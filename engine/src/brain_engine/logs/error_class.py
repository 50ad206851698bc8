"""Which error a line or stack trace tells of: the type of the exception, the name of the errno, the status.

Of a chain of exceptions it is the root cause. Names only, never messages: they are few, so they can be counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

LONGEST: Final = 128  # characters of a class
LOOKED_AT: Final = 64 * 1024  # characters of a stack trace, from its end where it is longer: the root stands there

_TYPE: Final = r"(?:[A-Za-z_$][\w$]{0,63}[.:]{1,2}){0,12}[A-Z_][\w$]{0,95}"
_NAMED: Final = rf"{_TYPE}(?:Exception|Error|Throwable|Fault|Interrupt|Exit|Iteration|Warning)"
_CAUSED_BY: Final = re.compile(rf"Caused by: ({_TYPE})")
_INNER: Final = re.compile(rf" ---> (?:\([^)]{{1,40}}\) ?)?({_TYPE})")
_PYTHON: Final = re.compile(r"^((?:[A-Za-z_]\w{0,63}\.){0,12}[A-Za-z_]\w{0,95})(?:: |:?$)", re.MULTILINE)
_GO: Final = re.compile(r"^panic: (runtime error: [a-z ]{1,60})?", re.MULTILINE)
_RUST: Final = re.compile(r"^thread '[^']{0,128}' (?:\(\d{1,9}\) )?panicked at", re.MULTILINE)
_EXCEPTION: Final = re.compile(rf"(?<![\w.$])({_NAMED})(?![\w$])")
_ERRNO: Final = re.compile(
    r"(?<![A-Za-z0-9_])(E(?:2BIG|ACCES|ADDRINUSE|AGAIN|BADF|BUSY|CONNABORTED|CONNREFUSED|CONNRESET|DQUOT|EXIST|HOSTUNREACH"
    r"|INTR|INVAL|IO|ISDIR|MFILE|NETUNREACH|NFILE|NOENT|NOMEM|NOSPC|NOTCONN|NOTDIR|NOTEMPTY|NOTFOUND|PERM|PIPE|PROTO"
    r"|ROFS|SHUTDOWN|STALE|TIMEDOUT|AI_AGAIN))(?![A-Za-z0-9_])"
)
_GRPC: Final = (
    "CANCELLED|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|RESOURCE_EXHAUSTED"
    "|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED|UNKNOWN"
)
_GRPC_CODE: Final = re.compile(rf"(?:StatusCode\.|code ?[=:] ?|status ?[=:] ?)({_GRPC})(?![A-Za-z_])")
_GRPC_GO: Final = re.compile(r"rpc error: code = ([A-Z][A-Za-z]{1,24})")
_HTTP: Final = re.compile(r"(?i:status(?:[ _]?code)?\"?[ =:]{1,3}|http(?:/[\d.]{1,3})?\"? )([45]\d\d)(?!\d)")
_HTTP_WORDS: Final = re.compile(
    r"(?<!\d)(500 Internal Server Error|502 Bad Gateway|503 Service Unavailable|504 Gateway Time-?out"
    r"|429 Too Many Requests|401 Unauthorized|403 Forbidden|404 Not Found)",
    re.IGNORECASE,
)
# strerror(3) of glibc, which also Go, Python and others print.
_STRERROR: Final = {
    "address already in use": "EADDRINUSE",
    "broken pipe": "EPIPE",
    "cannot allocate memory": "ENOMEM",
    "connection refused": "ECONNREFUSED",
    "connection reset by peer": "ECONNRESET",
    "connection timed out": "ETIMEDOUT",
    "network is unreachable": "ENETUNREACH",
    "no route to host": "EHOSTUNREACH",
    "no space left on device": "ENOSPC",
    "no such file or directory": "ENOENT",
    "permission denied": "EACCES",
    "read-only file system": "EROFS",
    "too many open files": "EMFILE",
}
_TRACE_SIGNS: Final = (
    "Traceback (most recent call last)",
    "\n\tat ",
    "\n    at ",
    "\n   at ",
    "\ngoroutine ",
    "Caused by: ",
    " panicked at ",
)


def has_stack_trace(text: str) -> bool:
    """Whether the text holds a stack trace of Java, Python, Go, Node, .NET or Rust."""
    return any(sign in text for sign in _TRACE_SIGNS) or text.startswith("panic: ")


def error_class(text: str) -> str | None:
    """The class of the error that a text tells of, at most 128 characters; None where there is no sign of one.

    Args:
        text: A line or a stack trace that is known to be about an error: of the word ``TimeoutError`` in another
            it would be said, too.
    """
    if len(text) > LOOKED_AT:
        text = text[: LOOKED_AT // 2] + text[-LOOKED_AT // 2 :]
    for find in _FINDERS:
        if found := find(text):
            return found[:LONGEST]
    return None


def _root(text: str) -> str | None:
    """The last cause of a chain, of the JVM or of .NET."""
    if "Caused by: " in text:
        return _last(_CAUSED_BY, text)
    return _last(_INNER, text) if " ---> " in text else None


def _python(text: str) -> str | None:
    """What stands unindented behind the first traceback: Python ends with the exception, and tells the cause first."""
    start = text.find("Traceback (most recent call last)")
    if start < 0:
        return None
    found = _PYTHON.search(text, text.find("\n", start) + 1) if "\n" in text[start:] else None
    return found[1] if found else None


def _panic(text: str) -> str | None:
    if "panic" not in text:
        return None
    if found := _GO.search(text):
        return (found[1] or "panic").rstrip()
    return "panic" if _RUST.search(text) else None


def _strerror(text: str) -> str | None:
    lower = text.lower()
    return next((name for words, name in _STRERROR.items() if words in lower), None)


def _go_status(text: str) -> str | None:
    """Go prints codes in its own way: DeadlineExceeded is DEADLINE_EXCEEDED everywhere else."""
    found = _GRPC_GO.search(text)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", found[1]).upper() if found else None


def _http(text: str) -> str | None:
    found = _HTTP_WORDS.search(text) or _HTTP.search(text)
    return f"HTTP {found[1][:3]}" if found else None


def _first(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    def find(text: str) -> str | None:
        found = pattern.search(text)
        return found[1] if found else None

    return find


def _last(pattern: re.Pattern[str], text: str) -> str | None:
    found = None
    for found in pattern.finditer(text):  # noqa: B007 - the last one is wanted
        pass
    return found[1] if found else None


_FINDERS: Final = (
    _root,
    _python,
    _panic,
    _first(_EXCEPTION),
    _go_status,
    _first(_GRPC_CODE),
    _first(_ERRNO),
    _strerror,
    _http,
)
