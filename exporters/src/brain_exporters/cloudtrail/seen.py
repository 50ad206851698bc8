"""Records that were taken, by the first 64 bits of their ids: one that comes again in another file is not counted.

An eventID is a random UUID: among ten million of them, two share 64 bits with a probability of three in a million. Ids
are kept for as many hours as the settings say, and no more than ``MOST``; what is older comes again only with its file,
and files are remembered by name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from brain_exporters.runtime.batch import Batch

NOTE: Final = "i/"
MOST: Final = 6_000_000  # ids, 48 MB: a day of 70 records a second
_MERGE: Final = 24  # arrays of one hour that are looked through before they become one
Ids = npt.NDArray[np.uint64]


class Seen:
    """Ids by hour of arrival.

    Args:
        notes: Those under ``NOTE``, at start.
        hours: How long an id is kept.
    """

    def __init__(self, notes: Mapping[str, bytes], hours: int) -> None:
        self._hours = hours
        self._arrays: dict[int, list[Ids]] = {}
        self._keys: dict[int, list[str]] = {}
        self._count = 0
        self._next = 0
        for key, value in notes.items():
            hour, number = (int(part) for part in key.removeprefix(NOTE).split("/"))
            self._add(hour, np.frombuffer(value, np.uint64), key)
            self._next = max(self._next, number + 1)

    def fresh(self, ids: Sequence[str]) -> npt.NDArray[np.bool_]:
        """Which of them are new; of equal ones among them the first."""
        values = hashes(ids)
        _, first = np.unique(values, return_index=True)
        new = np.zeros(len(values), dtype=np.bool_)
        new[first] = True
        for arrays in self._arrays.values():
            for array in arrays:
                places = np.minimum(np.searchsorted(array, values), len(array) - 1)
                new &= array[places] != values
        return new

    def note(self, ids: Sequence[str], now: float, batch: Batch) -> tuple[int, Ids, str]:
        """Put ids into a batch; hand the result to ``add`` once it is committed."""
        hour, values = int(now // 3600), np.sort(hashes(ids))
        key = f"{NOTE}{hour}/{self._next:012d}"
        self._next += 1
        batch.notes[key] = values.tobytes()
        for old in self._outdated(hour):
            batch.notes.update(dict.fromkeys(self._keys[old]))
        return hour, values, key

    def add(self, noted: tuple[int, Ids, str]) -> None:
        """What was committed."""
        for old in self._outdated(noted[0]):
            self._count -= sum(len(array) for array in self._arrays.pop(old))
            del self._keys[old]
        self._add(*noted)

    def _outdated(self, hour: int) -> list[int]:
        """Hours that are over, and the oldest ones when there are too many ids."""
        old, count = [], self._count
        for each in sorted(self._arrays):
            if each < hour and (each <= hour - self._hours or count > MOST):
                old.append(each)
                count -= sum(len(array) for array in self._arrays[each])
        return old

    def _add(self, hour: int, values: Ids, key: str) -> None:
        if not len(values):
            return
        arrays = self._arrays.setdefault(hour, [])
        arrays.append(values)
        if len(arrays) > _MERGE:
            self._arrays[hour] = [np.sort(np.concatenate(arrays))]
        self._keys.setdefault(hour, []).append(key)
        self._count += len(values)


def hashes(ids: Sequence[str]) -> Ids:
    """The first 64 bits of each; of what is no UUID a hash."""
    return np.fromiter((_bits(each) for each in ids), np.uint64, len(ids))


def _bits(text: str) -> int:
    try:
        return int(text[:18].replace("-", ""), 16)
    except ValueError:
        return int.from_bytes(hashlib.sha256(text.encode(errors="replace")).digest()[:8])
