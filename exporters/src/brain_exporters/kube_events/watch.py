"""List, then watch from there, for ever: what happened to the objects of a collection, each change once.

The way of informers: a list gives all objects and a resourceVersion; a watch from that version gives every change
after it; a version that is too old (410) means to list anew. What a list cannot tell is which objects were deleted
meanwhile, so whoever keeps them compares.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import msgspec

from brain_common.errors import TemporaryError
from brain_exporters.kube_events.client import GoneError, KubeClient, decode


@dataclass(frozen=True, slots=True)
class Delta:
    """Some changes.

    Attributes:
        changed: Objects as they are now, as JSON; from a list, all there are on its page.
        deleted: Objects as they were last.
        version: From where to watch on once these are taken; empty within a list, which is taken whole.
        listed: These are the last ones of a list: what was not among its pages is gone.
        malformed: Lines that were none.
    """

    changed: Sequence[msgspec.Raw] = field(default_factory=list)
    deleted: Sequence[msgspec.Raw] = field(default_factory=list)
    version: str = ""
    listed: bool = False
    malformed: int = 0


class _Metadata(msgspec.Struct, frozen=True):
    version: str = msgspec.field(default="", name="resourceVersion")


class _Object(msgspec.Struct, frozen=True):
    metadata: _Metadata = _Metadata()
    code: int = 0
    message: str = ""


class _Line(msgspec.Struct, frozen=True):
    type: str
    object: msgspec.Raw


class _List(msgspec.Struct, frozen=True):
    metadata: _Metadata
    items: list[msgspec.Raw] | None = None  # of some kinds null where there are none


_lines = msgspec.json.Decoder(_Line)
_objects = msgspec.json.Decoder(_Object)


async def follow(
    client: KubeClient, path: str, version: str | None, metadata_only: bool = False
) -> AsyncIterator[Delta]:
    """Changes from ``version`` on, endless; without one, or where it is too old, all objects first.

    Raises:
        BrainError: Of the client; call again with the last version taken.
    """
    while True:
        try:
            if not version:
                async for delta in _listed(client, path, metadata_only):
                    yield delta
                    version = delta.version or version
            async for lines in client.watch(path, version or "0", metadata_only):
                delta = _read(lines, version or "0")
                version = delta.version
                yield delta
        except GoneError:
            version = None


async def _listed(client: KubeClient, path: str, metadata_only: bool) -> AsyncIterator[Delta]:
    held: _List | None = None
    async for page in client.pages(path, metadata_only):
        if held is not None:
            yield Delta(changed=held.items or [])
        held = decode(page, _List)
    assert held is not None
    yield Delta(changed=held.items or [], version=held.metadata.version, listed=True)


def _read(lines: Sequence[bytes], version: str) -> Delta:
    changed: list[msgspec.Raw] = []
    deleted: list[msgspec.Raw] = []
    malformed = 0
    for line in lines:
        if not line.strip():
            continue
        try:
            found = _lines.decode(line)
            about = _objects.decode(found.object)
        except (msgspec.DecodeError, UnicodeDecodeError):
            malformed += 1
            continue
        if found.type == "ERROR":
            if changed or deleted:  # what came before it counts; the next watch is told the same
                break
            if about.code == 410:
                raise GoneError(about.message)
            raise TemporaryError(f"API server: the watch ended: {about.code}: {about.message[:300]}")
        version = about.metadata.version or version
        if found.type == "DELETED":
            deleted.append(found.object)
        elif found.type != "BOOKMARK":
            changed.append(found.object)
    return Delta(changed, deleted, version, malformed=malformed)
