"""CloudTrail records: what is read of one, and how a file of any size becomes chunks of them.

A file is ``{"Records": [...]}``, gzipped. It is inflated and taken apart piece by piece: memory is bounded by the
piece, not by the file. Also read: what a subscription of CloudWatch Logs puts into S3, whose messages are records.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from brain_common.errors import InputError

PIECE: Final = 4 << 20  # bytes inflated at once: some thousand records, worth a commit
_LARGEST_RECORD: Final = 4 << 20  # bytes; CloudTrail's own limit is 256 KiB (1 MiB from S3 to the lake)
_GZIP: Final = 16 + zlib.MAX_WBITS


class Issuer(msgspec.Struct, frozen=True):
    """Who issued the session."""

    arn: str = ""


class SessionContext(msgspec.Struct, frozen=True):
    """Of an assumed role."""

    issuer: Issuer | None = msgspec.field(default=None, name="sessionIssuer")


class Identity(msgspec.Struct, frozen=True):
    """Who called."""

    type: str = ""
    arn: str = ""
    account: str = msgspec.field(default="", name="accountId")
    invoked_by: str = msgspec.field(default="", name="invokedBy")
    session: SessionContext | None = msgspec.field(default=None, name="sessionContext")


class Resource(msgspec.Struct, frozen=True):
    """What was called upon."""

    arn: str = msgspec.field(default="", name="ARN")


class Record(msgspec.Struct, frozen=True):
    """One call, as far as it is read."""

    id: str = msgspec.field(name="eventID")
    time: str = msgspec.field(name="eventTime")
    service: str = msgspec.field(name="eventSource")
    operation: str = msgspec.field(name="eventName")
    region: str = msgspec.field(default="", name="awsRegion")
    type: str = msgspec.field(default="", name="eventType")
    account: str | None = msgspec.field(default=None, name="recipientAccountId")
    identity: Identity | None = msgspec.field(default=None, name="userIdentity")
    source_ip: str | None = msgspec.field(default=None, name="sourceIPAddress")
    user_agent: str | None = msgspec.field(default=None, name="userAgent")
    error_code: str | None = msgspec.field(default=None, name="errorCode")
    error_message: str | None = msgspec.field(default=None, name="errorMessage")
    read_only: bool | str | None = msgspec.field(default=None, name="readOnly")
    resources: list[Resource] | None = None
    parameters: msgspec.Raw = msgspec.field(default=msgspec.Raw(b"null"), name="requestParameters")

    @property
    def reads(self) -> bool:
        """Whether it cannot have changed anything; by its name where it does not say."""
        if self.read_only is None:
            return self.operation.startswith(_READING)
        return self.read_only in (True, "true")


_READING: Final = ("Describe", "Get", "List", "Head", "Lookup", "BatchGet", "Query", "Scan", "Select", "Check")


class _Message(msgspec.Struct, frozen=True):
    message: str


class _Envelope(msgspec.Struct, frozen=True):
    """What a subscription of CloudWatch Logs delivers."""

    kind: str = msgspec.field(default="", name="messageType")
    events: list[_Message] = msgspec.field(default_factory=list, name="logEvents")


_raws: Final = msgspec.json.Decoder(list[msgspec.Raw])
_record: Final = msgspec.json.Decoder(Record)
_envelope: Final = msgspec.json.Decoder(_Envelope)


def decode(raw: bytes | msgspec.Raw) -> Record:
    """One record.

    Raises:
        InputError: It is none.
    """
    try:
        return _record.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(str(error)) from error


@dataclass(slots=True)
class Inflater:
    """Bytes as they are or gzipped, also several gzips in a row, as pieces of bounded size.

    Attributes:
        whole: Whether the last gzip was complete when the bytes ended.
    """

    whole: bool = True
    _stream: zlib._Decompress | None = field(default=None, repr=False)

    def pieces(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Inflated pieces.

        Raises:
            InputError: The gzip is damaged; what came before was given.
        """
        gzipped: bool | None = None
        begin = b""
        for part in chunks:
            chunk = begin + part
            if gzipped is None and len(chunk) < 2:
                begin = chunk
                continue
            begin = b""
            if gzipped is None:
                gzipped = chunk[:2] == b"\x1f\x8b"
            if gzipped:
                yield from self._inflated(chunk)
            else:
                yield chunk
        if begin:
            yield begin

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._stream is None:
                self._stream, self.whole = zlib.decompressobj(_GZIP), False
            try:
                piece = self._stream.decompress(data, PIECE)
            except zlib.error as error:
                raise InputError(f"damaged gzip: {error}") from error
            data = self._stream.unconsumed_tail
            if piece:
                yield piece
            if self._stream.eof:
                data, self._stream, self.whole = self._stream.unused_data, None, True


def split(pieces: Iterable[bytes]) -> Iterator[list[msgspec.Raw]]:
    """The records of a file, piece by piece, undecoded.

    Raises:
        InputError: It is no file of records, or ends in the middle; what was whole before was given.
    """
    buffer, begun, pieces = b"", False, iter(pieces)
    for piece in pieces:
        buffer += piece
        if not begun:
            if len(buffer) < 64 and b"[" not in buffer:
                continue
            if buffer.lstrip()[:1] == b"{" and b'"messageType"' in buffer[:4096]:
                yield from _envelopes(buffer, pieces)
                return
            start = _BEGIN.match(buffer)
            if start is None:
                raise InputError('does not begin with {"Records":[')
            buffer, begun = buffer[start.end() :], True
        if len(buffer) >= PIECE:
            raws, buffer = _whole_ones(buffer)
            if raws:
                yield raws
            elif len(buffer) > PIECE + _LARGEST_RECORD:
                raise InputError(f"a record of more than {_LARGEST_RECORD >> 20} MiB")
    if not begun:
        raise InputError("is empty" if not buffer.strip() else 'does not begin with {"Records":[')
    yield from _last_ones(buffer)


_BEGIN: Final = re.compile(rb'\s*\{\s*"Records"\s*:\s*\[')
_END: Final = re.compile(rb"\]\s*\}\s*\Z")
_BOUNDARY: Final = b'},{"eventVersion"'
"""Between two records as CloudTrail writes them. Within a string its quotes would be escaped; nested within a record
it would leave brackets open on both sides, and the part before it would not decode."""


def _whole_ones(buffer: bytes) -> tuple[list[msgspec.Raw], bytes]:
    """Records that are whole, and the rest."""
    end = len(buffer)
    for _ in range(4):
        end = buffer.rfind(_BOUNDARY, 0, end)
        if end < 0:
            break
        try:
            return _raws.decode(b"[%b]" % buffer[: end + 1]), buffer[end + 2 :]
        except msgspec.DecodeError:
            continue
    return _by_brackets(buffer)


_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def _by_brackets(buffer: bytes) -> tuple[list[msgspec.Raw], bytes]:
    """The same for a file that is written otherwise, by counting brackets: twenty times slower."""
    raws, depth, begin, done = [], 0, 0, 0
    for token in _TOKEN.finditer(buffer):
        sign = token[0]
        if sign in (b"{", b"["):
            begin = token.start() if depth == 0 else begin
            depth += 1
        elif sign in (b"}", b"]"):
            depth -= 1
            if depth < 0:
                break
            if depth == 0:
                raws.append(msgspec.Raw(buffer[begin : token.end()]))
                done = token.end()
    return raws, buffer[done:].lstrip(b", \r\n\t")


def _last_ones(buffer: bytes) -> Iterator[list[msgspec.Raw]]:
    end = _END.search(buffer[-64:])
    if end is not None:
        try:
            raws = _raws.decode(b"[%b]" % buffer[: len(buffer) - len(buffer[-64:]) + end.start()])
        except msgspec.DecodeError:
            raws = []
        if raws or not buffer[:-1].strip(b" \r\n\t]}"):
            if raws:
                yield raws
            return
    raws, rest = _by_brackets(buffer)
    if raws:
        yield raws
    if end is None or rest.strip(b" \r\n\t]}"):
        raise InputError("ends in the middle of a record")


def _envelopes(begin: bytes, pieces: Iterable[bytes]) -> Iterator[list[msgspec.Raw]]:
    """Envelopes stand one after another, without anything between."""
    buffer = begin
    for piece in pieces:
        buffer += piece
        if len(buffer) > 8 * PIECE:
            raise InputError(f"envelopes of more than {8 * PIECE >> 20} MiB")
    raws, rest = _by_brackets(buffer)
    for raw in raws:
        try:
            found = _envelope.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"no envelope of CloudWatch Logs: {error}") from error
        if found.kind == "DATA_MESSAGE" and found.events:
            yield [msgspec.Raw(event.message.encode()) for event in found.events]
    if rest.strip():
        raise InputError("ends in the middle of an envelope")
