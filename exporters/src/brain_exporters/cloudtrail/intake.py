"""From pieces of a file, or answers of an API, to batches: each record counted once, bad ones kept aside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import msgspec
import pyarrow as pa

from brain_common.errors import InputError
from brain_exporters.cloudtrail.quarantine import Quarantine
from brain_exporters.cloudtrail.record import Record, decode
from brain_exporters.cloudtrail.seen import Seen, digests
from brain_exporters.cloudtrail.tabulate import Tabulator, times
from brain_exporters.runtime.batch import Batch

_IDS = "ids/"
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

    def take(self, raws: Sequence[msgspec.Raw], bad: Iterable[bytes], origin: str) -> Taken:
        """Count records that were not seen before.

        Args:
            raws: Records, in JSON.
            bad: What is no JSON.
            origin: Where they are from, for those kept aside.
        """
        taken = Taken()
        for text in bad:
            self._reject(taken.batch, text, origin, "no JSON")
        good, kept, moments = self._decoded(taken.batch, raws, origin)
        if not good:
            return taken
        found = digests([record.event_id for record in good])
        fresh = self._ids.new(found)
        repeated = len(good) - int(fresh.sum())
        if repeated:
            taken.batch.count("cloudtrail_duplicates", (), repeated)
            places = fresh.nonzero()[0].tolist()
            good, kept = [good[n] for n in places], [kept[n] for n in places]
            moments = moments.take(pa.array(places, pa.int64()))
        self._tabulator.fill(taken.batch, good, kept, moments)
        taken.ids = self._ids.adding(found[fresh])
        taken.batch.notes.update(taken.ids)
        return taken

    def done(self, taken: Taken) -> None:
        """It is durable."""
        self._ids.added(taken.ids)

    def _decoded(
        self, batch: Batch, raws: Sequence[msgspec.Raw], origin: str
    ) -> tuple[list[Record], list[msgspec.Raw], pa.Array]:
        """All at once; one by one when one of them is bad."""
        try:
            text = b"[" + b",".join(raws) + b"]"
            text.decode()  # what msgspec skips it does not check
            good = _list.decode(text)
            if any(not 0 < len(record.event_id) <= 128 for record in good):
                raise InputError("eventID")
            return good, list(raws), times(good)
        except (ValueError, RecursionError, InputError):  # msgspec's and pyarrow's errors are ValueErrors
            return self._one_by_one(batch, raws, origin)

    def _one_by_one(
        self, batch: Batch, raws: Sequence[msgspec.Raw], origin: str
    ) -> tuple[list[Record], list[msgspec.Raw], pa.Array]:
        good, kept = [], []
        for raw in raws:
            try:
                bytes(raw).decode()
                record = decode(raw)
                times([record])
            except (ValueError, InputError) as error:
                self._reject(batch, bytes(raw), origin, str(error))
                continue
            good.append(record)
            kept.append(raw)
        return good, kept, times(good)

    def _reject(self, batch: Batch, text: bytes, origin: str, why: str) -> None:
        batch.count("cloudtrail_malformed_records", ())
        self._quarantine.keep(text, origin, why)
