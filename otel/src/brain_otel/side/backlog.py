"""Rows that wait in the side process for the lake: as they came, encoded, by table, up to a number of bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

from brain_otel.side.frames import Fate, Rows

_PORTION: Final = 4 << 20  # bytes written by one commit: Arrow takes several times as much for a moment
Tell = Callable[[Fate], None]


@dataclass(slots=True)
class Piece:
    """Rows of one worker.

    Attributes:
        rows: Encoded.
        tell: Says to it what became of them.
        count: How many.
        left_out: Of those, by reason, what cannot be written; known once it was tried.
    """

    rows: msgspec.Raw
    tell: Tell
    count: int
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Portion:
    """Rows for one commit.

    Attributes:
        table: Name.
        number: Grows from portion to portion; kept with the rows in the lake.
        pieces: What workers sent.
        size: Bytes of it.
        tried: The commit was tried; it may have come in without our hearing of it.
    """

    table: str
    number: int
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0
    tried: bool = False


class Backlog:
    """Portions in the order they came; used in the event loop alone.

    Args:
        most_bytes: Of rows, encoded.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._number = 0
        self._portions: deque[Portion] = deque()
        self._open: dict[str, Portion] = {}

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._size

    def add(self, rows: Rows, tell: Tell) -> None:
        """Take rows, or tell at once that there is no room."""
        size = len(bytes(rows.rows))
        if self._size + size > self._most:
            return tell(Fate(rows.table, rows.count, "lake_away"))
        portion = self._open.get(rows.table)
        if portion is None or portion.size + size > _PORTION:
            self._number += 1
            portion = self._open[rows.table] = Portion(rows.table, self._number)
            self._portions.append(portion)
        portion.pieces.append(Piece(rows.rows, tell, rows.count))
        portion.size += size
        self._size += size
        return None

    def first(self) -> Portion | None:
        """The oldest; nothing is added to it any more. It stays until ``done`` or ``refuse``."""
        if not self._portions:
            return None
        portion = self._portions[0]
        if self._open.get(portion.table) is portion:
            del self._open[portion.table]
        return portion

    def done(self, portion: Portion) -> None:
        """Let go of the oldest, which is in the lake, and tell so."""
        self._let_go(portion)
        for piece in portion.pieces:
            for reason, count in piece.left_out.items():
                piece.tell(Fate(portion.table, count, reason))
            piece.tell(Fate(portion.table, piece.count - sum(piece.left_out.values())))

    def refuse(self, portion: Portion) -> None:
        """Let go of the oldest, which the lake will never take, and tell so."""
        self._let_go(portion)
        for piece in portion.pieces:
            piece.tell(Fate(portion.table, piece.count, "refused"))

    def _let_go(self, portion: Portion) -> None:
        self._portions.remove(portion)
        self._size -= portion.size
