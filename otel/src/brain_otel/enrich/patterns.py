"""Regular expressions of users, held to what cannot take long.

Python's ``re`` tries one way after another, and a pattern such as ``(a+)+$`` has more ways than there is time. Nobody
can stop it inside the event loop, so what is dear is refused when the configuration is read: the number of ways in
which a pattern can be tried at one place of a text is the product of what its repeats and alternatives leave open.
With at most ``MOST_WAYS`` of them a text takes time in proportion to its length, as with RE2.

This reads the syntax only as far as it must: groups, classes, repeats, alternatives. It refuses more than would be
dangerous (``a*b*`` is harmless), which is the price of a rule that can be said in a sentence.
"""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Final

from pydantic import AfterValidator

MOST_WAYS: Final = 1000
_LONGEST: Final = 512  # characters
_REPEAT: Final = re.compile(r"[*+?]|\{(\d{1,6})?(,)?(\d{1,6})?\}")
_GROUP: Final = re.compile(r"\((?:\?(?:[aimsux]{1,6}\)|[aimsux]{0,6}:|P<\w{1,64}>|=|!|<=|<!))?")
_CLASS: Final = re.compile(r"\[\^?\]?(?:\\.|[^\]\\])*\]", re.DOTALL)


def check_pattern(text: str) -> str:
    """The pattern, if it compiles and is quick on every text.

    Raises:
        ValueError: It is neither; says what to write instead.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"a pattern has at most {_LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a pattern that will mean something else one day, such as [[:alpha:]]
            re.compile(text)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise ValueError(f"no regular expression: {error}") from None
    ways = _Reader(text).ways()
    if ways > MOST_WAYS:
        raise ValueError(
            f"can be tried in {ways} ways at one place, at most {MOST_WAYS} are allowed: give repeats narrower bounds"
        )
    return text


SafePattern = Annotated[str, AfterValidator(check_pattern)]


class _Reader:
    """Counts ways while reading a pattern that is known to compile, once from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0

    def ways(self) -> int:
        """Of the whole pattern."""
        return self._alternatives()

    def _alternatives(self) -> int:
        """Ways of branches up to the end of the group, added up."""
        total = self._sequence()
        while self._at("|"):
            self._place += 1
            total += self._sequence()
        return total

    def _sequence(self) -> int:
        product = 1
        while self._place < len(self._text) and self._text[self._place] not in "|)":
            inner = self._item()
            product *= self._repeated(inner)
        return product

    def _item(self) -> int:
        """Ways of one item without its repeat; afterwards the reader stands behind it."""
        text, place = self._text, self._place
        if text[place] == "(":
            return self._group()
        if text[place] == "\\":
            if text[place + 1].isdigit() and text[place + 1] != "0":
                raise ValueError("a pattern may not refer back to what it matched")
            self._place += 2
        elif text[place] == "[":
            found = _CLASS.match(text, place)
            assert found is not None  # it compiles
            self._place = found.end()
        else:
            self._place += 1
        return 1

    def _group(self) -> int:
        opening = _GROUP.match(self._text, self._place)
        if opening is None or (self._text.startswith("(?", self._place) and opening.end() == self._place + 1):
            raise ValueError("of groups with (? only (?:…), (?P<name>…), flags and looks around are allowed")
        self._place = opening.end()
        if opening[0].endswith(")"):  # flags for the whole pattern
            return 1
        ways = self._alternatives()
        self._place += 1  # its closing parenthesis
        return ways

    def _repeated(self, inner: int) -> int:
        """Ways of an item with ``inner`` ways and the repeat that follows."""
        found = _REPEAT.match(self._text, self._place)
        if found is None or found[0] in {"{}", "{,}"}:
            return inner
        self._place = found.end()
        if self._place < len(self._text) and self._text[self._place] in "?+":  # lazy and possessive: no more ways
            self._place += 1
        least, most = _bounds(found)
        if most is None:
            raise ValueError(f"{found[0]!r} has no upper bound: write {{{least},64}} instead")
        if inner > 1 and most > 1:
            raise ValueError("a repeated group may not hold repeats or alternatives of its own")
        return inner * (most - least + 1)

    def _at(self, character: str) -> bool:
        return self._text.startswith(character, self._place)


def _bounds(repeat: re.Match[str]) -> tuple[int, int | None]:
    if repeat[0] == "?":
        return 0, 1
    if repeat[0] in "*+":
        return int(repeat[0] == "+"), None
    least = int(repeat[1] or 0)
    if repeat[2] is None:
        return least, least
    return least, int(repeat[3]) if repeat[3] else None
