"""From pieces of a file, or answers of an API, to batches: each record counted once, bad ones kept aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import pyarrow as pa

from brain_common.errors import InputError
from brain_exporters.cloudtrail.quarantine import Quarantine
from brain_exporters.cloudtrail.record import LONGEST_ID, Record, decode
from brain_exporters.cloudtrail.seen import Digests, Seen, digests
from brain_exporters.cloudtrail.tabulate import Tabulator, times
from brain_exporters.runtime.batch import Batch

_list = msgspec.json.Decoder(list[Record])


@dataclass(slots=True)
class Taken:
    """A batch on its way; ``added`` are the notes to tell ``Intake.done`` of when it is durable."""

    batch: Batch = field(default_factory=Batch)
    ids: dict[str, bytes | None] = field(default_factory=dict)


class Intake:
    """One at a time: between ``take`` and ``done`` (or giving up) there is no other ``take``.

    Args:
        ids: eventIDs counted before.
        tabulator: Fills the batches.
        quarantine: Where bad records go.
    """

    def __init__(self, ids: Seen, tabulator: Tabulator, quarantine: Quarantine) -> None:
        self._ids = ids
        self._tabulator = tabulator
        self._quarantine = quarantine

    def take(self, raws: Sequence[msgspec.Raw], bad: Iterable[bytes], origin: str, *, again: bool = False) -> Taken:
        """Count records that were not seen before.

        Args:
            raws: Records, in JSON.
            bad: What is no JSON.
            origin: Where they are from, for those kept aside.
            again: The source is read over itself: repetitions are expected and not counted, of bad records neither.
        """
        taken = Taken()
        rejected = [(text, "no JSON") for text in bad]
        good, kept, moments = _decoded(raws, rejected)
        found = digests([record.event_id for record in good])
        fresh = self._ids.new(found)
        repeated = len(good) - int(fresh.sum())
        if repeated:
            places = fresh.nonzero()[0].tolist()
            good, kept = [good[n] for n in places], [kept[n] for n in places]
            moments = moments.take(pa.array(places, pa.int64()))
            if not again:
                taken.batch.count("cloudtrail_duplicates", (), repeated)
        self._tabulator.fill(taken.batch, good, kept, moments)
        wrong = self._reject(taken.batch, rejected, origin, again)
        taken.ids = self._ids.adding(np.concatenate([found[fresh], wrong]))
        taken.batch.notes.update(taken.ids)
        return taken

    def done(self, taken: Taken) -> None:
        """It is durable."""
        self._ids.added(taken.ids)

    def _reject(self, batch: Batch, rejected: list[tuple[bytes, str]], origin: str, again: bool) -> Digests:
        """Count bad records and keep them aside; what is to be remembered of them."""
        names = digests([f"bad {text.decode('utf-8', 'replace')}" for text, _ in rejected])
        fresh = self._ids.new(names) if again else np.ones(len(rejected), bool)
        for (text, why), new in zip(rejected, fresh, strict=True):
            if new:
                batch.count("cloudtrail_malformed_records", ())
                self._quarantine.keep(text, origin, why)
        return names[fresh] if again else names[:0]


def _decoded(
    raws: Sequence[msgspec.Raw], rejected: list[tuple[bytes, str]]
) -> tuple[Sequence[Record], Sequence[msgspec.Raw], pa.Array]:
    """All at once; one by one when one of them is bad."""
    try:
        text = b"[" + b",".join(raws) + b"]"
        text.decode()  # what msgspec skips it does not check
        good = _list.decode(text)
        if all(0 < len(record.event_id) <= LONGEST_ID for record in good):
            return good, raws, times(good)
    except (ValueError, RecursionError):  # msgspec's and pyarrow's errors are ValueErrors
        pass
    return _one_by_one(raws, rejected)


def _one_by_one(
    raws: Sequence[msgspec.Raw], rejected: list[tuple[bytes, str]]
) -> tuple[Sequence[Record], Sequence[msgspec.Raw], pa.Array]:
    good, kept = [], []
    for raw in raws:
        try:
            bytes(raw).decode()
            record = decode(raw)
            times([record])
        except (ValueError, InputError) as error:
            rejected.append((bytes(raw), str(error)))
            continue
        good.append(record)
        kept.append(raw)
    return good, kept, times(good)
