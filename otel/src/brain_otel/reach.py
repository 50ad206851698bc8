"""Whether the next hop was reached once: what readiness means here.

Once and no more: a next hop that is away later is away for every replica, so taking all of them out of the balancer
would turn answers that say "try again" into connections refused. And before the first time by a connection of our own,
since nobody sends to what is not ready. What it is like later is for the metrics of sending to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from pydantic import HttpUrl

_AGAIN: Final = 1.0  # seconds
_LONGEST: Final = 5.0  # seconds of one try


class Reach:
    """Tries to connect until it has succeeded.

    Args:
        endpoint: Of the next hop.
        sleep: Waits between two tries; an argument so that tests need no time.
    """

    def __init__(self, endpoint: HttpUrl, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._host, self._port = str(endpoint.host).strip("[]"), endpoint.port
        self._sleep = sleep
        self._reason = "not asked yet"
        self._reached = False

    @property
    def up(self) -> bool:
        """Whether it was reached once."""
        return self._reached

    @property
    def answered(self) -> bool:
        """The same."""
        return self._reached

    def reasons(self) -> Mapping[str, str]:
        """Why it was not."""
        return {} if self._reached else {"next hop": self._reason}

    async def run(self) -> None:
        """Until it is reached."""
        while not self._reached:
            try:
                async with asyncio.timeout(_LONGEST):
                    _, writer = await asyncio.open_connection(self._host, self._port)
            except (OSError, TimeoutError) as error:
                self._reason = f"{self._host}:{self._port}: {error or 'no answer'}"
                await self._sleep(_AGAIN)
            else:
                writer.close()
                self._reached = True
