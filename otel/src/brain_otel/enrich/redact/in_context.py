"""Rules that know a thing by the word in front of it: nine digits are a social security number only after ``ssn``.

The word may be the key of an attribute, of a JSON or logfmt field, or stand in a sentence; up to eight characters of
punctuation may be between, and ``number`` or ``is``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from brain_otel.enrich.redact.pan import passes_luhn
from brain_otel.enrich.redact.rule import Rule
from brain_otel.enrich.redact.seen import Seen

# What may be between: no "]", so that what is written instead of one value is never the word in front of the next.
_GAP: Final = (
    r"""[\s"'\\:=#(>|.,_-]{0,8}(?:(?:is|was|number|num|no|nr|id|value)(?![a-z])[\s"'\\:=#(>|.,_-]{1,8}){0,2}"""
)
_MONTH: Final = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}"
_DATE: Final = (
    r"[12]\d{3}[-/.]?[01]\d[-/.]?[0-3]\d|[0-3]?\d[-/.][0-3]?\d[-/.](?:[12]\d)?\d\d"
    rf"|[0-3]?\d[ -]{_MONTH}[ ,-]{{1,2}}[12]\d{{3}}|{_MONTH} [0-3]?\d,? [12]\d{{3}}"
)


class InContext:
    """One of them.

    Args:
        name: Of the rule.
        words: Lower-case letters; at least one of them is in every text in which the rule finds something.
        before: Regular expression of the words.
        value: Regular expression of the value.
        right: Whether what looks like a value is one.
    """

    def __init__(
        self, name: str, words: Sequence[bytes], before: str, value: str, right: Callable[[str], bool] = bool
    ) -> None:
        self.name = name
        self._words = tuple(words)
        start = rf"(?:(?<![a-z])(?i:{before})|(?<=[a-z])(?=[A-Z])(?i:{before}))"  # at the start of a word: ssn, userSSN
        self._before = re.compile(start)
        self._pattern = re.compile(rf"({start}(?i:{_GAP}))((?i:{value}))(?![A-Za-z0-9])")
        self._right = right
        self._instead = f"[redacted:{name}]"

    def suspects(self, seen: Seen) -> bool:
        """Whether one of the words is there."""
        letters = seen.words
        return any(word in letters for word in self._words)

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a mark instead of the values."""
        if self._before.search(key):
            changed, count = self._redact(f"{key}={text}")
            return changed[len(key) + 1 :], count
        return self._redact(text)

    def _redact(self, text: str) -> tuple[str, int]:
        count = 0

        def instead(found: re.Match[str]) -> str:
            nonlocal count
            if not self._right(found[2]):
                return found[0]
            count += 1
            return found[1] + self._instead

        return self._pattern.sub(instead, text), count


def _digits(text: str) -> str:
    return text.replace("-", "").replace(" ", "")


def is_ssn(text: str) -> bool:
    """Whether the Social Security Administration may have given out this number.

    https://www.ssa.gov/employer/randomization.html: never 000, 666 or 900 and above, 00, 0000.
    """
    digits = _digits(text)
    return digits[:3] not in {"000", "666"} and digits[0] != "9" and digits[3:5] != "00" and digits[5:] != "0000"


def is_nhs_number(text: str) -> bool:
    """Whether the check digit is right, modulo 11.

    https://www.datadictionary.nhs.uk/attributes/nhs_number.html
    """
    digits = [int(digit) for digit in _digits(text)]
    check = 11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits[:9], strict=True)) % 11
    return check % 11 == digits[9] and check != 10


def is_npi(text: str) -> bool:
    """Whether it is a National Provider Identifier: Luhn's check digit with 80840 in front (45 CFR 162.406)."""
    return passes_luhn(b"80840" + text.encode())


def health_rules() -> tuple[Rule, ...]:
    """Identifiers of HIPAA's list (45 CFR 164.514) that have a word in front; new ones each time."""
    return (
        InContext(
            "ssn",
            (b"ssn", b"social"),
            r"ssn|social[\s_-]?security",
            r"\d{3}-\d{2}-\d{4}|\d{3} \d{2} \d{4}|\d{9}",
            is_ssn,
        ),
        InContext(
            "mrn", (b"mrn", b"medical"), r"mrn|medical[\s_-]?record", r"(?=[a-z-]{0,8}\d)[a-z0-9][a-z0-9-]{3,23}"
        ),
        InContext("npi", (b"npi",), r"npi", r"[12]\d{9}", is_npi),
        InContext("nhs", (b"nhs",), r"nhs", r"\d{3}[ -]\d{3}[ -]\d{4}|\d{10}", is_nhs_number),
        InContext("birth", (b"dob", b"birth"), r"dob|date[\s_-]?of[\s_-]?birth|birth[\s_-]?(?:date|day)", _DATE),
    )
