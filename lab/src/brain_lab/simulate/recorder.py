"""Keeps the state of every tick in arrays that are made when a state is first seen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from brain_lab.simulate.network import Array


class Recorder:
    """Single precision: half the memory, and far below the noise of any exporter.

    Args:
        rows: Ticks that will be recorded.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._groups: dict[str, dict[str, NDArray[np.float32]]] = {}

    def put(self, group: str, row: int, states: Mapping[str, Array]) -> None:
        """Record the states of a group of things, [n] each, in a row."""
        arrays = self._groups.setdefault(group, {})
        for name, values in states.items():
            if name not in arrays:
                arrays[name] = np.zeros((self._rows, len(values)), dtype=np.float32)
            arrays[name][row] = values

    def states(self, group: str) -> Mapping[str, NDArray[np.float32]]:
        """[T, n] by name of the state."""
        return self._groups.get(group, {})
