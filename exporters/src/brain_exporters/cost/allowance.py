"""How many paid requests a day may still be made; a restart does not begin anew."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Final

from brain_common.clock import Clock
from brain_common.errors import TemporaryError
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

_NOTE: Final = "allowance"


class Allowance:
    """Counted before each request, on disk: a process that dies has rather counted one too many than one too few."""

    def __init__(self, ledger: Ledger, clock: Clock, per_day: int) -> None:
        self._ledger = ledger
        self._clock = clock
        self._per_day = per_day
        self._guard = threading.Lock()
        day, _, used = ledger.notes(_NOTE).get(_NOTE, b"").decode().partition(" ")
        self._day, self._used = day, int(used or 0)

    def take(self) -> None:
        """One request.

        Raises:
            TemporaryError: The day's are used up, or the count cannot be kept.
        """
        with self._guard:
            used = self._used if self._today() == self._day else 0
            if used >= self._per_day:
                raise TemporaryError(
                    f"the {self._per_day} paid requests of {self._day} are used up; values age until midnight UTC, "
                    "or raise cost_explorer.requests_per_day"
                )
            batch = Batch(notes={_NOTE: f"{self._today()} {used + 1}".encode()})
            batch.count("cost_paid_requests", ())
            self._ledger.commit(batch)
            self._day, self._used = self._today(), used + 1

    def remaining(self) -> int:
        """Of today."""
        return max(0, self._per_day - (self._used if self._today() == self._day else 0))

    def _today(self) -> str:
        return datetime.fromtimestamp(self._clock.now(), UTC).date().isoformat()
