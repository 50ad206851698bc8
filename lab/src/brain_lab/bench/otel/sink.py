"""The last hop of the benches: takes OTLP/gRPC and notes in files which records have come, how often, and when first.

    python -m brain_lab.bench.otel.sink PORT FOLDER SECONDS

Each request is answered so many seconds after it came.

The notes are mapped files, made before the answer: they outlive a kill, and others look at them while it runs.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import numpy as np
from numpy.typing import NDArray

from brain_lab.bench.otel.requests import METHODS, numbers_in

SAMPLE: Final = "sample"
"""File with a recent request, as it came."""

_SAMPLE_SECONDS: Final = 1.0
_GRACE: Final = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What has come.

    Attributes:
        times: By number of the record, how often it came; stays at 255.
        first: When it came first, ``time.monotonic()``; 0 while it has not.
    """

    times: NDArray[np.uint8]
    first: NDArray[np.float64]

    @classmethod
    def create(cls, folder: Path, capacity: int) -> Arrivals:
        """Empty files for records with numbers below ``capacity``."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, size in (("times", 1), ("first", 8)):
            with (folder / name).open("wb") as file:
                file.truncate(capacity * size)
        return cls.at(folder)

    @classmethod
    def at(cls, folder: Path) -> Arrivals:
        """Those of a folder, as they are now and become."""
        times = np.memmap(folder / "times", np.uint8, "r+")
        return cls(times, np.memmap(folder / "first", np.float64, "r+"))

    def note(self, numbers: NDArray[np.int64], now: float) -> None:
        """These have come."""
        numbers = numbers[numbers < len(self.times)]
        self.first[numbers] = np.where(self.times[numbers] == 0, now, self.first[numbers])
        np.add.at(self.times, numbers[self.times[numbers] < np.iinfo(np.uint8).max], 1)

    def missing(self, numbers: NDArray[np.int64]) -> int:
        """How many of these have not come."""
        return int(np.count_nonzero(self.times[numbers] == 0))

    def repeated(self) -> int:
        """How many have come more than once."""
        return int(np.count_nonzero(self.times > 1))

    def seen(self) -> int:
        """How many different records have come."""
        return int(np.count_nonzero(self.times))


async def _main(port: int, folder: Path, seconds: float) -> None:
    arrivals = Arrivals.at(folder)

    sampled = 0.0

    async def export(body: bytes, _: Any) -> bytes:  # noqa: ANN401 - grpc has no types
        nonlocal sampled
        now = time.monotonic()
        arrivals.note(numbers_in(body), now)
        if now - sampled > _SAMPLE_SECONDS:
            (folder / SAMPLE).write_bytes(body)
            sampled = now
        await asyncio.sleep(seconds)
        return b""

    server = grpc.aio.server(options=[("grpc.max_receive_message_length", -1), ("grpc.so_reuseport", 0)])
    for method in METHODS.values():
        service = method.split("/")[1]
        handler = grpc.method_handlers_generic_handler(service, {"Export": grpc.unary_unary_rpc_method_handler(export)})
        server.add_generic_rpc_handlers((handler,))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    await told.wait()
    await server.stop(_GRACE)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])))
