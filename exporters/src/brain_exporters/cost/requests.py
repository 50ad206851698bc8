"""How many paid requests are left today; kept by the ledger, so that a restart does not begin anew."""

from __future__ import annotations

from datetime import UTC, datetime

from brain_common.clock import Clock
from brain_common.errors import TemporaryError
from brain_exporters.runtime.batch import Batch
from brain_exporters.runtime.ledger import Ledger

_NOTE = "requests/"


class RequestBudget:
    """Spends requests, one by one.

    Args:
        most: A day.
        ledger: Remembers.
        clock: Whose day it is, UTC.
    """

    def __init__(self, most: int, ledger: Ledger, clock: Clock) -> None:
        self._most = most
        self._ledger = ledger
        self._clock = clock
        self._spent = {key: int(value) for key, value in ledger.notes(_NOTE).items()}

    @property
    def left(self) -> int:
        """Of today."""
        return max(0, self._most - self._spent.get(self._today(), 0))

    def spend(self) -> None:
        """One request, counted before it is made.

        Raises:
            TemporaryError: None is left until midnight UTC.
        """
        today = self._today()
        spent = self._spent.get(today, 0)
        if spent >= self._most:
            raise TemporaryError(f"all {self._most} requests of today are used; the next one goes out after 0:00 UTC")
        batch = Batch(notes={today: str(spent + 1).encode(), **{key: None for key in self._spent if key != today}})
        self._ledger.commit(batch)
        self._spent = {today: spent + 1}

    def _today(self) -> str:
        return f"{_NOTE}{datetime.fromtimestamp(self._clock.now(), UTC):%Y-%m-%d}"
