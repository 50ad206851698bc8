"""Cuts the text of a log file into records without ever holding the whole of it.

CloudTrail writes ``{"Records":[{…},{…}]}``; also understood are a bare list and objects one after another. A window of
the text is cut behind the last ``},{`` where what is in front of it is, in brackets, a JSON list: that holds at no
place inside a string or a nested value, so the cut is exact, and the work is msgspec's. Only text in which that does
not work out (a bad record, an odd layout) is walked token by token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import msgspec

WINDOW: Final = 2 << 20
"""Bytes cut at once. Cuts depend on the text alone, so that a file read again gives the same pieces."""
MOST_RECORD: Final = 2 << 20
"""Bytes of one record. CloudTrail's limit is 256 KB, and 1 MB with enriched events."""
_TRIES: Final = 8  # cuts tried from the end of a window, before it is walked
_HEAD: Final = re.compile(
    rb'\s*(?:\{(?:\s*"[A-Za-z]{1,40}"\s*:\s*(?:"[^"\\]{0,200}"|[0-9a-z.]+)\s*,)*\s*"Records"\s*:\s*)?\['
)
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|[{}\[\]]', re.DOTALL)
# A string that goes on behind the window is a token to its end: braces in it are not looked at.
_GAP: Final = re.compile(rb"[\s,]*")
_START: Final = b'{"eventVersion"'
_list = msgspec.json.Decoder(list[msgspec.Raw])


class Piece(msgspec.Struct):
    """Consecutive records of a file; ``bad`` are those that are no JSON, which come after ``good`` ones."""

    good: list[msgspec.Raw]
    bad: list[bytes]


class Splitter:
    """Fed with text of any length, gives pieces; ``finish`` gives the rest.

    Attributes:
        truncated: The text ended within the list, known after ``finish``.
    """

    def __init__(self) -> None:
        self._text = b""
        self._began = False
        self._bare = False  # objects one after another, in no list
        self._over = False
        self.truncated = False

    def feed(self, text: bytes) -> Iterator[Piece]:
        """Add text, whose length has to be the same for the same file each time."""
        if self._over:
            return
        self._text += text
        if not self._began and len(self._text) < WINDOW:
            return
        yield from self._cut()

    def finish(self) -> Iterator[Piece]:
        """The rest."""
        self._begin()
        while self._text and not self._over:
            before = len(self._text)
            yield from self._walk(last=True)
            if len(self._text) == before:
                break
        rest = self._text.strip()
        self.truncated = not self._over and not (self._bare and not rest)
        if rest and not self._over:
            yield Piece([], [rest[:MOST_RECORD]])
        self._text = b""

    def _begin(self) -> None:
        if self._began:
            return
        self._began = True
        head = _HEAD.match(self._text)
        self._bare = head is None
        if head:
            self._text = self._text[head.end() :]

    def _cut(self) -> Iterator[Piece]:
        self._begin()
        while len(self._text) >= WINDOW and not self._over:
            found = None if self._bare else self._quick()
            if found is not None:
                yield found
                continue
            before = len(self._text)
            yield from self._walk(last=False)
            if len(self._text) == before:
                return

    def _quick(self) -> Piece | None:
        """Cut where it works out at once."""
        end = len(self._text)
        for _ in range(_TRIES):
            end = self._text.rfind(b"},{", 0, end)
            if end < 0:
                return None
            try:
                good = _list.decode(b"[" + self._text[: end + 1] + b"]")
            except (msgspec.DecodeError, RecursionError):
                continue
            self._text = self._text[end + 2 :]
            return Piece(good, [])
        return None

    def _walk(self, *, last: bool) -> Iterator[Piece]:
        """Token by token: the objects that are whole; those among them that are no JSON are bad."""
        good: list[msgspec.Raw] = []
        text, at = self._text, 0
        while True:
            gap = _GAP.match(text, at)
            at = gap.end() if gap else at
            if text[at : at + 1] == b"]" and not self._bare:
                self._over = True
                break
            end = _end_of_object(text, at)
            if end is None and (last or len(text) - at > MOST_RECORD):
                end = _next_start(text, at)
            if end is None:
                break
            one = text[at:end].rstrip(b" \r\n\t,")
            at = end
            if len(one) <= MOST_RECORD and _is_json(one):
                good.append(msgspec.Raw(one))
            else:
                yield Piece(good, [one[:MOST_RECORD]])
                good = []
        self._text = text[at:]
        if good:
            yield Piece(good, [])


def _end_of_object(text: bytes, at: int) -> int | None:
    """Where the object that begins at ``at`` ends; None when it does not, or none begins there."""
    if text[at : at + 1] != b"{":
        return None
    depth = 0
    for token in _TOKEN.finditer(text, at, at + MOST_RECORD):
        mark = text[token.start()]
        if mark in b"{[":
            depth += 1
        elif mark in b"}]":
            depth -= 1
            if depth == 0:
                return token.end()
    return None


def _next_start(text: bytes, at: int) -> int | None:
    """Where a record seems to begin again behind a bad one."""
    found = text.find(_START, at + 1)
    return found if found >= 0 else None


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text, type=msgspec.Raw)
        text.decode()
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return text[:1] == b"{"
