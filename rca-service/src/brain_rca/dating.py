"""Since when an alert fires, as far as what it says can be.

Called where an incident is opened and where its judgement is told. ``Alert.starts_at`` stays what was sent: it tells a
repeated notification from news.
"""

from __future__ import annotations

from typing import Final

# Seconds that an alert may have been firing before anybody hears of it: as long as incidents are kept by default.
_LONGEST: Final = 400 * 86400.0


def began(starts_at: float, told_at: float) -> float:
    """``starts_at``, or ``told_at`` where that cannot be, both in seconds since the epoch.

    Nothing begins after it was told, and year 1 is what Go writes where no time is set.
    """
    return starts_at if told_at - _LONGEST <= starts_at <= told_at else told_at
