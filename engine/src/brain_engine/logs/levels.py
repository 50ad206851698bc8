"""Names of levels, and the severity numbers of OpenTelemetry that they stand for.

https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber and its appendix B, which maps syslog,
log4j, zap, .NET and others. A name that means different things to different loggers gets the number of the most common
meaning: ``critical`` is .NET's and Python's highest level, while syslog's ``crit`` is second to two.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Severity:
    """How severe a line says that it is.

    Attributes:
        number: 1 to 24, as OTLP's SeverityNumber.
        text: The name that the line gave it.
    """

    number: int
    text: str


WARN: Final = 13  # and above: a warning or worse
ERROR: Final = 17  # and above: an error

_NUMBERS: Final = {
    1: ("trace", "trce", "trc", "finest", "verbose", "vrb"),
    4: ("finer",),
    5: ("debug", "dbug", "dbg", "debug1", "debug2", "debug3", "debug4", "debug5", "fine"),
    8: ("config",),
    9: ("info", "information", "informational", "inf", "log"),
    10: ("notice",),
    13: ("warn", "warning", "wrn", "deprecated"),
    17: ("error", "err", "eror", "severe", "fail", "failure"),
    18: ("crit", "dpanic"),
    19: ("alert",),
    21: ("fatal", "critical", "ftl", "crt", "emerg", "emergency", "panic"),
}
NUMBERS: Final = {name: number for number, names in _NUMBERS.items() for name in names}

# RFC 5424, table 2: severity by its number.
SYSLOG: Final = tuple(
    Severity(number, text)
    for number, text in (
        (21, "emerg"),
        (19, "alert"),
        (18, "crit"),
        (17, "err"),
        (13, "warning"),
        (10, "notice"),
        (9, "info"),
        (5, "debug"),
    )
)
# bunyan and pino write hundreds of lines a second with these numbers in "level".
NODE: Final = {"10": 1, "20": 5, "30": 9, "40": 13, "50": 17, "60": 21}


def named(word: str) -> Severity | None:
    """The severity of a level's name in any case, such as ``WARN``; of a number, as Node's loggers use them."""
    number = NUMBERS.get(word.lower()) or NODE.get(word)
    return Severity(number, word) if number is not None else None
