"""What differs between lines of one kind by its form alone, put aside before they are compared.

A number is a number in every line, so a miner need not learn it; with them put aside, most lines are the same text as
an earlier one. The class of an HTTP status stays: ``200`` and ``503`` of one request are two kinds of line.
"""

from __future__ import annotations

import re
from typing import Final

from brain_engine.logs.error_class import error_class, has_stack_trace
from brain_engine.logs.message import message_of

LONGEST_LINE: Final = 1024  # characters that are looked at
MASK: Final = "<*>"

_COLOUR: Final = re.compile(r"\x1b\[[0-9;?]{0,16}[A-Za-z]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_STATUS: Final = re.compile(r'(?<=HTTP/[12]\.[01]" )([1-5])\d\d\b|(?<=\bstatus[=:])([1-5])\d\d\b')
# One pass over the line, cheapest to recognise first. Digits decide, so a line without any is not searched.
_VALUES: Final = re.compile(
    r"(?<![\w.])(?:"
    r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"  # UUID
    r"|\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?"  # ISO 8601
    r"|(?:\d{1,3}\.){3}\d{1,3}(?::\d{1,5})?"  # IPv4, with a port
    r"|(?:[A-Za-z0-9][\w-]{0,62}\.){1,8}[A-Za-z][\w-]{0,62}:\d{1,5}"  # host and port
    r"|\d\d:\d\d:\d\d(?:[.,]\d{1,9})?"  # time of the day
    r"|0x[0-9a-fA-F]+"
    r"|(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{6,64}"  # hashes and ids
    r"|[+-]?\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?:ns|us|µs|ms|s|m|h|[kKMGT]i?[bB]?|B|%)?"  # numbers, with a unit
    r")(?![\w])"
)
_QUOTED: Final = re.compile(r"\"[^\"]*\d[^\"]*\"|'[^']*\d[^']*'")
_DIGIT: Final = re.compile(r"\d")


def masked(line: str) -> str:
    """The line as a miner compares it: its message, first line only, one blank between words, values as ``<*>``.

    Of a stack trace the class of the error is put behind the first line, as that is what tells it from others.

    Args:
        line: One line, or several of one event, of any length and content.
    """
    head = line[:LONGEST_LINE]
    if not head.isprintable():
        head = _printable(line, head)
    text = message_of(head)
    if _DIGIT.search(text):
        text = _STATUS.sub(_status_class, text)
        text = _QUOTED.sub(_inside, text)
        text = _VALUES.sub(MASK, text)
    return " ".join(text.split())


def _printable(line: str, head: str) -> str:
    first, newline, _ = _COLOUR.sub("", head).strip().partition("\n")
    first = _CONTROL.sub(" ", first)
    if newline and has_stack_trace(line) and (error := error_class(line)) is not None and error not in first:
        return f"{first} {error}"
    return first


def _status_class(found: re.Match[str]) -> str:
    return f"{found[1] or found[2]}xx"


def _inside(found: re.Match[str]) -> str:
    quote = found[0][0]
    return f"{quote}{MASK}{quote}"
