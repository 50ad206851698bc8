"""Rule ``card``: card numbers, shown as PCI DSS 3.4.1 lets them be, or not at all.

The quick test looks at encoded messages, where the tag and length of a field, or a fixed number, may stand beside a
text and happen to be digits or letters. It forgives as many: two bytes before, and any that follow.
"""

from __future__ import annotations

import re
import struct
from typing import Final, Literal

from brain_otel.enrich.redact.pan import LONGEST, SHORTEST, is_pan
from brain_otel.enrich.redact.pan_places import Place, card_numbers
from brain_otel.enrich.redact.seen import Seen

Shown = Literal["first-six-and-last-four", "last-four", "nothing"]

_SHOWN: Final = {"first-six-and-last-four": (6, 4), "last-four": (0, 4), "nothing": (0, 0)}
_IN_ONE_PIECE: Final = b"0" * SHORTEST
_TWO_GROUPS: Final = b"0000 0000"  # 4 4 4 …, or 4 6 …
_THIRD_GROUP: Final = (b" 0000", b"00 0000")
_ONE_BY_ONE: Final = b"0 0 0 0 0 0 0"
_SHORT: Final = 15  # digits: of shorter numbers first six and last four would leave too little to guess
_BEFORE: Final = 2  # bytes: tag and length of the text
_BEHIND: Final = 6  # bytes: tag and a fixed32 of the next field, or tag and length
_LONGEST_ID: Final = 64
_TOKEN: Final = re.compile(rb"[0-9A-Za-z]+")
_LETTER: Final = re.compile(rb"[A-Za-z]")
_DIGITS: Final = re.compile(rb"[0-9]+")
_HEX: Final = frozenset(b"0123456789abcdefABCDEF")
_UUID: Final = re.compile(rb"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")
_INTO_UUID: Final = (4, 9, 14)  # where three groups of four digits may stand in one
_LARGE_INT: Final = re.compile(rb"\x18([\x80-\xff]{5,8}[\x01-\x7f])")  # AnyValue.int_value of 13 digits and more
_LARGE_DOUBLE: Final = re.compile(rb"!(.{6}(?:[\x60-\xff]\x42|[\x00-\xef]\x43))", re.DOTALL)  # AnyValue.double_value


class Card:
    """Looks for them in texts, whole numbers and floating-point numbers.

    Args:
        shown: Which digits stay.
    """

    name = "card"

    def __init__(self, shown: Shown) -> None:
        self._first, self._last = _SHOWN[shown]

    def suspects(self, seen: Seen) -> bool:
        """Whether there are digits in them that could be one."""
        return _in_one_piece(seen) or _in_groups(seen) or _as_number(seen.data)

    def redact(self, text: str, key: str) -> tuple[str, int]:
        """With a star for each digit that has to go."""
        del key
        found = list(card_numbers(text))
        if not found:
            return text, 0
        masked = _starred(text, found, self._first, self._last)
        # What stays of one may, with digits beside it, look like another: of that nothing stays.
        return _starred(masked, list(card_numbers(masked)), 0, 0), len(found)


def _starred(text: str, places: list[Place], first: int, last: int) -> str:
    characters = list(text)
    for start, end in places:
        digits = [place for place in range(start, end) if "0" <= text[place] <= "9"]
        shown = first if len(digits) >= _SHORT else 0
        for place in digits[shown : len(digits) - last]:
            characters[place] = "*"
    return "".join(characters)


def _in_one_piece(seen: Seen) -> bool:
    place = seen.shape.find(_IN_ONE_PIECE)
    while place >= 0:
        run = _DIGITS.match(seen.data, place)
        assert run is not None  # the shape says so
        if _may_be_card(seen.data, place, run.end()):
            return True
        place = seen.shape.find(_IN_ONE_PIECE, run.end())
    return False


def _may_be_card(data: bytes, start: int, end: int) -> bool:
    if _within_hex_id(data, start, end):
        return False
    return any(
        is_pan(data[left:right])
        for left in range(start, start + _BEFORE + 1)
        for right in range(left + SHORTEST, min(left + LONGEST, end) + 1)
    )


def _within_hex_id(data: bytes, start: int, end: int) -> bool:
    """Whether digits and letters from a to f surround it, more than a tag, a length and a number could be."""
    before = _near(data[max(start - _LONGEST_ID, 0) : start][::-1])
    behind = _near(data[end : end + _LONGEST_ID])
    if not _HEX.issuperset(before + behind):
        return False
    return _LETTER.search(before, _BEFORE) is not None or _LETTER.search(behind, _BEHIND) is not None


def _near(data: bytes) -> bytes:
    found = _TOKEN.match(data)
    return found[0] if found else b""


def _in_groups(seen: Seen) -> bool:
    if _ONE_BY_ONE in seen.shape:
        return True
    place = seen.shape.find(_TWO_GROUPS)
    while place >= 0:
        if seen.shape.startswith(_THIRD_GROUP, place + len(_TWO_GROUPS)) and not _within_uuid(seen.data, place):
            return True
        place = seen.shape.find(_TWO_GROUPS, place + 1)
    return False


def _within_uuid(data: bytes, place: int) -> bool:
    return any(into <= place and _UUID.match(data, place - into) for into in _INTO_UUID)


def _as_number(data: bytes) -> bool:
    if any(is_pan(b"%d" % _varint(found[1])) for found in _LARGE_INT.finditer(data)):
        return True
    return any(number_is_card(struct.unpack("<d", found[1])[0]) for found in _LARGE_DOUBLE.finditer(data))


def number_is_card(value: float) -> bool:
    """Whether a floating-point number is a card number; above 2^53 they are not exact any more."""
    return 1e12 <= value < 2**53 and value == int(value) and is_pan(b"%d" % int(value))


def _varint(data: bytes) -> int:
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data))
