"""What looks at records that the next hop has accepted: the service graph, the copy to the lake."""

from __future__ import annotations

from typing import Protocol

from brain_otel.batch import Batch


class Observer(Protocol):
    """Told of each batch once, after its sender was answered; a batch that was refused comes again and is not told.

    Called in the event loop: no I/O, no waiting, and it keeps nothing of the batch beyond the call except what it has
    counted against its own bound.
    """

    def observe(self, batch: Batch) -> None:
        """Look at it; may not change it."""
        ...
