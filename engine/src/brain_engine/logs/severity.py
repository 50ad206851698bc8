"""How severe a line of a log says that it is.

Read are forms in which loggers write a level, never the sense of a sentence: a line that says "failed" but gives no
level has no severity. Only the beginning of a line is looked at.
"""

from __future__ import annotations

import re
from typing import Final

from brain_engine.logs.levels import NUMBERS, SYSLOG, Severity, named
from brain_engine.logs.message import message_of

LOOKED_AT: Final = 512  # characters

_TOKENS: Final = 14  # of a line's head; a level that comes later is none
_PROSE: Final = 2  # words in small letters that may stand before it: host and program of syslog, a logger's name

_JSON: Final = re.compile(  # without IGNORECASE, which would make it several times slower
    r'"(?:[lL]evel|[sS]everity|lvl|log\.level|[lL]og[lL]evel|levelname|log_level|severity_text|severityText|@l|priority'
    r'|LEVEL|SEVERITY)"\s?:\s?(?:"([A-Za-z]{3,16}[1-5]?)"|(10|20|30|40|50|60)\b)'
)
_LOGFMT: Final = re.compile(r'(?<![\w.])(?:level|lvl|severity|loglevel)="?([A-Za-z]{3,16})\b', re.IGNORECASE)
_PRI: Final = re.compile(r"<(\d{1,3})>")
_KLOG: Final = re.compile(r"([IWEFD])\d{4} \d\d:\d\d:\d\d")
_KLOG_NUMBERS: Final = {
    "I": Severity(9, "I"),
    "W": Severity(13, "W"),
    "E": Severity(17, "E"),
    "F": Severity(21, "F"),
    "D": Severity(5, "D"),
}
_REDIS: Final = re.compile(
    r"(?:\d+:[XCSM] |\[\d+\] )?\d{1,2} [A-Z][a-z]{2} (?:\d{4} )?\d\d:\d\d:\d\d(?:\.\d{3})? ([-.*#]) "
)
_REDIS_NUMBERS: Final = {
    ".": Severity(5, "."),
    "-": Severity(7, "-"),
    "*": Severity(10, "*"),
    "#": Severity(13, "#"),
}
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]{0,16}m")
_PHP: Final = re.compile(r"PHP (Fatal|Parse|Warning|Notice|Deprecated)\b")
_PHP_NUMBERS: Final = {"Fatal": 21, "Parse": 17, "Warning": 13, "Notice": 10, "Deprecated": 13}
_CRASH: Final = re.compile(
    r'(?:Traceback \(most recent call last\)|Exception in thread "|Unhandled exception[.:]|Uncaught [A-Z]\w*Error)'
)
_CRASHED: Final = Severity(17, "")
_DIGITS: Final = frozenset("0123456789")
# Levels as most loggers write them, found without a closer look.
_PLAIN: Final = {
    form.format(name): Severity(number, name)
    for lower, number in NUMBERS.items()
    if lower != "log"
    for form, name in (("{}", lower.upper()), ("[{}]", lower.upper()), ("{}:", lower.upper()), ("[{}]", lower))
}
_AROUND: Final = "[](){}<>\"'|:,;-=*"  # of a token


def severity_of(line: str) -> Severity | None:
    """What the line says; None where it says nothing in a form that is known.

    Args:
        line: One line, or several of one event; only the first 512 characters are looked at.
    """
    head = line[:LOOKED_AT]
    if "\x1b" in head:
        head = _COLOUR.sub("", head)
    head = head.lstrip()
    first = head[:1]
    if first == "{":
        return _keyed(_JSON, head) or _of_wrapped(head)
    if first == "<" and (found := _PRI.match(head)) and int(found[1]) < 192:
        return SYSLOG[int(found[1]) % 8]
    if first in _KLOG_NUMBERS and (found := _KLOG.match(head)):
        return _KLOG_NUMBERS[found[1]]
    return _named_in_head(head) or _of_its_own_form(head)


def _keyed(pattern: re.Pattern[str], head: str) -> Severity | None:
    found = pattern.search(head)
    return named(found[found.lastindex or 1]) if found else None


def _of_wrapped(head: str) -> Severity | None:
    """Of a line that a container runtime put into JSON, which has no level of its own."""
    inner = message_of(head)
    return severity_of(inner) if len(inner) < len(head) else None


def _named_in_head(head: str) -> Severity | None:
    """The first level among the tokens before the message begins."""
    prose = 0
    tokens = head.split(None, _TOKENS)[:_TOKENS]
    for place, token in enumerate(tokens):
        if (plain := _PLAIN.get(token)) is not None:
            return plain
        if token[0] in _DIGITS and "][" not in token:
            continue
        if token[0] == '"':  # of a request or a text: the message has begun
            break
        word = token.strip(_AROUND)
        if word.lower() in NUMBERS:
            if _as_level(word, token, place, tokens):
                return named(word)
        elif (inner := _inside(token)) is not None:
            return inner
        if word.islower() and word.isalpha():
            prose += 1
            if prose > _PROSE:
                break
    return None


def _as_level(word: str, token: str, place: int, tokens: list[str]) -> bool:
    """Whether a name of a level stands there as one: in capitals, in brackets, or in front with a colon."""
    if word.isupper():
        return word != "LOG" or token.endswith(":")  # PostgreSQL's; otherwise a word as others
    if token[0] in "[<(" or token[-1] == "]":
        return True
    if place == 0:
        return token[-1] == ":"
    return (place <= 3 and tokens[place - 1][-1].isdigit()) or _after_time(tokens[place - 1])


def _after_time(token: str) -> bool:
    return token[-1] == "Z" and token[:1].isdigit()


def _inside(token: str) -> Severity | None:
    """A level joined to something else: ``WARNING:root:…``, ``[core:error]``, ``[7][warning][…]``, ``level=…``."""
    if "=" in token:
        return _keyed(_LOGFMT, token)
    if "][" in token or token[0] == "[":
        for part in token.strip("[]:").replace("][", ":").split(":"):
            if part in NUMBERS:
                return named(part)
        return None
    front = token.partition(":" if ":" in token else "[")[0]
    return named(front) if front.isupper() and front.lower() in NUMBERS else None


def _of_its_own_form(head: str) -> Severity | None:
    if (found := _REDIS.match(head)) is not None:
        return _REDIS_NUMBERS[found[1]]
    if "level=" in head or "severity=" in head:
        return _keyed(_LOGFMT, head)
    if head.startswith("PHP ") and (found := _PHP.match(head)) is not None:
        return Severity(_PHP_NUMBERS[found[1]], found[1])
    return _CRASHED if _CRASH.match(head) else None
