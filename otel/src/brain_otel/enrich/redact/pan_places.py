"""Where card numbers are in a text.

A card number stands in one piece, in groups as on a card (4 4 4 4, 4 6 5, 4 6 4, 4 4 4 4 3), or digit by digit, with a
space, a dot or a dash between. Other groups are not looked at: columns of numbers would be card numbers by chance, one
in twenty.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from brain_otel.enrich.redact.pan import LONGEST, SHORTEST, is_pan

_RUN: Final = re.compile(r"[0-9](?:[ .-]?[0-9]){12,}+")
_GROUP: Final = re.compile(r"[0-9]+")
_SEPARATORS: Final = str.maketrans("", "", " .-")
_WHOLE_PART: Final = re.compile(r"(?<![.0-9])[0-9]{1,4}\.\Z")
_MOST_GROUPS: Final = 5
_LONGEST_ROW: Final = 24  # single digits: more of them in a row are a table
_ON_CARDS: Final = frozenset({(4, 6, 5), (4, 6, 4)})
_KEY: Final = re.compile(r"_-?\Z")  # blk_-4980916519894289629: a random number of 64 bits
_LONGEST_USUAL: Final = 16  # digits
_HEX: Final = frozenset("0123456789abcdefABCDEF")
_LONGEST_ID: Final = 64  # characters before and behind digits that may make them a hexadecimal id

Place = tuple[int, int]


def card_numbers(text: str) -> Iterator[Place]:
    """Start and end of each; they may overlap where digits can be read in two ways."""
    for run in _RUN.finditer(text):
        groups = [group.span() for group in _GROUP.finditer(text, *run.span())]
        for start, end in _readings(groups):
            digits = text[start:end].translate(_SEPARATORS).encode()
            if is_pan(digits) and not _belongs_to_more(text, start, end):
                yield start, end


def _readings(groups: Sequence[Place]) -> Iterator[Place]:
    """Neighbouring groups that are written as a card number is."""
    for first, (start, end) in enumerate(groups):
        if SHORTEST <= end - start <= LONGEST:
            yield start, end
        elif end - start == 4:
            yield from _as_on_a_card(groups[first : first + _MOST_GROUPS])
    for single, run in groupby(groups, key=lambda group: group[1] - group[0] == 1):
        if single:
            yield from _one_by_one(list(run))


def _as_on_a_card(groups: Sequence[Place]) -> Iterator[Place]:
    lengths: tuple[int, ...] = ()
    for start, end in groups:
        lengths += (end - start,)
        *others, last = lengths
        if sum(lengths) >= SHORTEST and (lengths in _ON_CARDS or (set(others) == {4} and last <= 4)):
            yield groups[0][0], end


def _one_by_one(digits: Sequence[Place]) -> Iterator[Place]:
    if len(digits) > _LONGEST_ROW:
        return
    for first, (start, _) in enumerate(digits):
        for _, end in digits[first + SHORTEST - 1 : first + LONGEST]:
            yield start, end


def _belongs_to_more(text: str, start: int, end: int) -> bool:
    """Whether the digits are part of a hexadecimal id, a UUID for one, the fraction of a number or a key."""
    in_front = text[max(start - 8, 0) : start]
    long = end - start > _LONGEST_USUAL
    if text[start:end].isdigit() and (_WHOLE_PART.search(in_front) or (long and _KEY.search(in_front))):
        return True
    before = _letters(text[max(start - _LONGEST_ID, 0) : start][::-1])
    around = before + _letters(text[end : end + _LONGEST_ID])
    return bool(around) and _HEX.issuperset(around)


def _letters(text: str) -> str:
    """Letters and digits up to the first other character."""
    for place, character in enumerate(text):
        if not (character.isascii() and character.isalnum()):
            return text[:place]
    return text
