"""Remembers what was counted already, exactly and in bounded memory: 8 bytes each.

Names (eventIDs; files with their ETags) are kept as 64-bit digests in sorted arrays. Arrays of similar size are merged,
so that there are few to look through. They belong to generations of which the oldest is forgotten as a whole: a
repetition is found as long as fewer than ``most`` names came in between. Two different names have the same digest with
probability ``most`` / 2^64, some 10^-12: such a one would be taken for a repetition.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

Digests = NDArray[np.uint64]
_GENERATIONS: Final = 8
_UUID: Final = 36  # characters
_FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)  # odd, golden ratio: spreads bits by multiplication


def digests(names: Sequence[str]) -> Digests:
    """One number for each name, the same in each process."""
    whole = "".join(names).encode("utf-8", "replace")
    if len(whole) != _UUID * len(names) or any(len(name) != _UUID for name in names):
        found = [hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=8).digest() for name in names]
        return np.frombuffer(b"".join(found), np.uint64)
    table = np.zeros((len(names), 40), np.uint8)
    table[:, :_UUID] = np.frombuffer(whole, np.uint8).reshape(-1, _UUID)
    words = table.view(np.uint64)
    mixed = np.zeros(len(names), np.uint64)
    for place in range(words.shape[1]):
        mixed = (mixed ^ words[:, place]) * _FACTOR
        mixed ^= mixed >> np.uint64(29)
    return mixed


class Seen:
    """A set of names that survives restarts as notes.

    Args:
        prefix: Of the notes' keys.
        notes: Those there are.
        most: Names remembered; the oldest eighth goes when there are more.
    """

    def __init__(self, prefix: str, notes: Mapping[str, bytes], most: int) -> None:
        self._prefix = prefix
        self._room = max(1, most // (_GENERATIONS - 1))
        self._kept: dict[str, Digests] = {key: np.frombuffer(value, np.uint64) for key, value in notes.items()}
        self._next = max((int(key.rpartition("/")[2]) for key in self._kept), default=0) + 1

    def __len__(self) -> int:
        return sum(map(len, self._kept.values()))

    def new(self, found: Digests) -> NDArray[np.bool_]:
        """For each: whether it was not seen before, neither earlier in ``found``."""
        fresh = np.zeros(len(found), bool)
        fresh[np.unique(found, return_index=True)[1]] = True
        for kept in self._kept.values():
            place = np.minimum(np.searchsorted(kept, found), len(kept) - 1)
            fresh &= kept[place] != found
        return fresh

    def adding(self, found: Digests) -> dict[str, bytes | None]:
        """The notes that add these; they count from ``added`` on, when the notes are durable."""
        if not len(found):
            return {}
        notes: dict[str, bytes | None] = {}
        merged = np.sort(found)
        generation, used = self._generation()
        for key in sorted(used, reverse=True):  # the youngest first
            if len(self._kept[key]) > 2 * len(merged):
                break
            merged = np.sort(np.concatenate([merged, self._kept[key]]))
            notes[key] = None
        notes[f"{self._prefix}{generation:08d}/{self._next:012d}"] = merged.tobytes()
        notes.update(dict.fromkeys(self._forgotten(generation)))
        return notes

    def added(self, notes: Mapping[str, bytes | None]) -> None:
        """The notes are durable."""
        for key, value in notes.items():
            if value is None:
                self._kept.pop(key, None)
            else:
                self._kept[key] = np.frombuffer(value, np.uint64)
                self._next += 1

    def _generation(self) -> tuple[int, list[str]]:
        """The one that is being filled, and its notes."""
        generation = max(map(self._of, self._kept), default=0)
        used = [key for key in self._kept if self._of(key) == generation]
        if sum(len(self._kept[key]) for key in used) >= self._room:
            return generation + 1, []
        return generation, used

    def _forgotten(self, generation: int) -> list[str]:
        return [key for key in self._kept if self._of(key) <= generation - _GENERATIONS]

    def _of(self, key: str) -> int:
        return int(key.removeprefix(self._prefix).partition("/")[0])
