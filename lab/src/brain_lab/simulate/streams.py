"""Kafka's consumer groups: messages come in from the producers of a topic and wait until somebody reads them."""

from __future__ import annotations

from typing import Final

import numpy as np

from brain_lab.simulate.knobs import Knobs
from brain_lab.simulate.network import Array, Network
from brain_lab.simulate.recording import TICK

POLL_SECONDS: Final = 0.3
"""What a message waits although nothing is wrong: batching of producer and consumer."""

_MINUTE: Final = 1.0 - float(np.exp(-TICK / 60.0))
"""Weight of a tick in the mean over about a minute."""


class Streams:
    """Lag of all groups between two ticks."""

    def __init__(self, network: Network) -> None:
        groups = len(network.group_topic)
        self._network = network
        self.lag, self._stuck = np.zeros(groups), np.zeros(groups)
        self._usual = np.zeros(groups)
        self.coming = np.zeros(groups)
        self.taken = np.zeros(groups)
        self.delays = np.full(groups, POLL_SECONDS)

    def step(self, served: Array, capacity: Array, knobs: Knobs) -> Array:
        """Integrate the lag over a tick.

        Args:
            served: [S] requests/s that each station answered well in the tick before; those produce messages.
            capacity: [S] messages/s that each consumer can work off.
            knobs: Of this tick.

        Returns:
            [S] messages/s that each consumer takes.
        """
        n = self._network
        coming = np.bincount(n.produced_group, served[n.producer] * n.produced, len(self.lag)) + knobs.produce_add
        able = capacity[n.group_station] * knobs.consumers_times
        self._stuck = np.where(knobs.stalled > 0.0, self._stuck + knobs.stalled * coming * TICK, 0.0)
        waiting = np.maximum(self.lag - self._stuck, 0.0)
        taken = np.minimum(waiting / TICK + (1.0 - knobs.stalled) * coming, able)
        self.lag = np.maximum(self.lag + (coming - taken) * TICK, 0.0)
        self.coming, self.taken = coming, taken
        self._usual = self._usual + _MINUTE * (coming - self._usual) if self._usual.any() else coming
        self.delays = POLL_SECONDS + self.lag / np.maximum(self._usual, 0.5)
        load = np.zeros(len(n.names))
        load[n.group_station] = taken
        return load
