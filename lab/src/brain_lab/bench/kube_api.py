"""An API server that has nothing but events, as many a second as asked: the load of the bench of kube-events.

    python -m brain_lab.bench.kube_api PORT OBJECTS RATE TOTAL

What it answers is a function of the resourceVersion alone: version ``n`` is the ``n``-th happening, the one of object
``n % OBJECTS``; a watch from ``n`` gets every later one, paced at RATE a second, up to TOTAL. So the truth is known at
every moment, whatever a client that dies and comes back has asked for. As from the real one, every line of a watch is
a chunk of its own. ``GET /version-now`` says how far it is.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from typing import Final
from urllib.parse import parse_qs, urlsplit

_PAGE: Final = 500
_BEAT: Final = 0.02  # seconds between two bursts
_BURST: Final = 2_000  # lines written at once at the most
_EVENT: Final = (
    '{"metadata":{"name":"app-%(uid)d.17f","namespace":"shop-%(group)d","uid":"%(uid)08d-0000-4000-8000-000000000000",'
    '"resourceVersion":"%(version)d","creationTimestamp":"2026-01-01T00:00:00Z","managedFields":[{"manager":"kubelet",'
    '"operation":"Update","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:count"'
    ':{},"f:firstTimestamp":{},"f:involvedObject":{},"f:lastTimestamp":{},"f:message":{},"f:reason":{},"f:type":{}}}]},'
    '"reason":"Reason%(kind)d","regarding":{"kind":"Pod","namespace":"shop-%(group)d","name":"app-%(uid)d-x2x4z",'
    '"uid":"%(uid)08d-1111-4000-8000-000000000000","apiVersion":"v1"},"note":"Back-off restarting failed container app '
    'in pod app-%(uid)d-x2x4z","type":"Warning","deprecatedSource":{"component":"kubelet","host":"node-%(kind)d"},'
    '"deprecatedFirstTimestamp":"2026-01-01T00:00:00Z","deprecatedLastTimestamp":"2026-01-01T01:00:00Z",'
    '"deprecatedCount":%(count)d}'
)


class EventLoad:
    """The load.

    Args:
        objects: Events that exist; each is a series of its own.
        rate: Happenings a second.
        total: When it ends.
    """

    def __init__(self, objects: int, rate: float, total: int) -> None:
        self._objects = objects
        self._rate = rate
        self._total = total
        self._began = time.monotonic()

    def version(self) -> int:
        """How many have happened: each object once, from the start."""
        return min(self._objects + int((time.monotonic() - self._began) * self._rate), self._total)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                target = urlsplit(head.split(" ", 2)[1])
                query = {key: values[0] for key, values in parse_qs(target.query).items()}
                if query.get("watch"):
                    await self._watch(int(query["resourceVersion"]), writer)
                elif target.path == "/version-now":
                    await _answer(writer, str(self.version()))
                else:
                    await _answer(writer, self._list(query.get("continue", "")))
        writer.close()

    def _list(self, token: str) -> str:
        start, version = (int(part) for part in token.split("-")) if token else (0, self.version())
        end = min(start + _PAGE, self._objects)
        more = f'"{end}-{version}"' if end < self._objects else '""'
        # The last version of an object: the greatest number up to ``version`` that is its own modulo all objects.
        items = (self._event(uid + (version - 1 - uid) // self._objects * self._objects) for uid in range(start, end))
        return f'{{"metadata":{{"resourceVersion":"{version}","continue":{more}}},"items":[{",".join(items)}]}}'

    def _event(self, place: int) -> str:
        """The object as it was after happening number ``place``, from 0."""
        uid = place % self._objects
        count = place // self._objects + 1
        return _EVENT % {"uid": uid, "group": uid // 100, "kind": uid % 100, "version": place + 1, "count": count}

    async def _watch(self, version: int, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            until = min(self.version(), version + _BURST)
            lines = (f'{{"type":"MODIFIED","object":{self._event(place)}}}\n' for place in range(version, until))
            writer.write(b"".join(b"%x\r\n%b\r\n" % (len(line), line.encode()) for line in lines))
            version = until
            await writer.drain()
            await asyncio.sleep(_BEAT)


async def _answer(writer: asyncio.StreamWriter, body: str) -> None:
    data = body.encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    await writer.drain()


async def _main(port: int, objects: int, rate: float, total: int) -> None:
    load = EventLoad(objects, rate, total)
    async with await asyncio.start_server(load.serve, "127.0.0.1", port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
