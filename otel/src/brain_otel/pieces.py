"""Decoding a long request piece by piece, so that somebody can look at the memory in between.

Two bytes of protobuf may become 180 in memory (an empty span), so a body of 64 MiB could take twelve gigabytes before
its decoder returns. A message is the concatenation of its fields, and decoders merge what comes in parts: so runs of
fields go in together, at most 256 KiB at a time, and groups and scopes that are longer are entered. What remains in
one piece is a single record, which is merged as it is.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from google.protobuf.message import DecodeError

from brain_otel.signals import Wire
from brain_otel.wire.refusal import TooLargeError

Look = Callable[[int], None]

LARGEST_PIECE: Final = 256 * 1024  # bytes; 23 MiB in memory when it consists of empty spans
_MANY: Final = 4096
_SMALLEST: Final = 8  # bytes: a group with nothing but the name of its service has 20
_DEEPEST: Final = 100  # levels, as decoders allow
_LENGTH: Final = 2  # wire type of strings and messages
_FIXED: Final = {1: 8, 5: 4}


def decode_in_pieces(wire: Wire, body: bytes, look: Look) -> Any:  # noqa: ANN401 - one of three messages
    """The request.

    Args:
        wire: Of its signal.
        body: As protobuf.
        look: Called before each piece, with the bytes needed beside it; what it raises ends the decoding.

    Raises:
        DecodeError: It is no such request.
        TooLargeError: As ``check_density``.
    """
    message = wire.request()
    if len(body) <= LARGEST_PIECE:
        _merge_run(message, memoryview(body), look)
    else:
        _merge(message, memoryview(body), look)
    return message


def check_density(messages: int, size: int) -> None:
    """Refuse what consists of next to nothing, many times: no sender means it, and it takes seconds and gigabytes.

    Args:
        messages: Groups, scopes or records, next to each other.
        size: Bytes that they have together.

    Raises:
        TooLargeError: They are that small and many.
    """
    if messages > _MANY and size < messages * _SMALLEST:
        raise TooLargeError(f"{messages} groups or records of less than {_SMALLEST} bytes each")


def _merge(message: Any, view: memoryview, look: Look, depth: int = 0) -> None:  # noqa: ANN401
    if depth > _DEEPEST:
        raise DecodeError("nested too deeply")
    begin = end = 0  # of the run that is not merged yet
    for place, (number, start, content, stop) in enumerate(_fields(view), 1):
        check_density(place, stop)
        child = _child(message, number) if stop - start > LARGEST_PIECE else None
        if child or stop - begin > LARGEST_PIECE:
            _merge_run(message, view[begin:start], look)
            begin = start
        if child:
            _merge(child(), view[content:stop], look, depth + 1)
            begin = stop
        end = stop
    _merge_run(message, view[begin:end], look)


def _child(message: Any, number: int) -> Callable[[], Any] | None:  # noqa: ANN401
    """Makes the message that a field of this number goes into; None where it is no message."""
    field = message.DESCRIPTOR.fields_by_number.get(number)
    if field is None or field.message_type is None:
        return None
    if field.is_repeated:
        return getattr(message, field.name).add  # type: ignore[no-any-return]

    def single() -> Any:  # noqa: ANN401
        child = getattr(message, field.name)
        child.SetInParent()  # also where it is empty
        return child

    return single


def _merge_run(message: Any, run: memoryview, look: Look) -> None:  # noqa: ANN401
    if run:
        look(0)
        message.MergeFromString(run)


def _fields(view: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Number, start, start of the content and end of each field; what is strange is left to the decoder, as one run."""
    place, size = 0, len(view)
    while place < size:
        start = place
        tag, place = _varint(view, place)
        kind = tag & 7
        if kind == _LENGTH:
            length, place = _varint(view, place)
            stop = place + length
        elif kind == 0:
            _, stop = _varint(view, place)
        else:
            stop = place + _FIXED[kind] if kind in _FIXED else size
        if stop > size:
            raise DecodeError("a field is longer than its message")
        yield (tag >> 3 if kind == _LENGTH else 0), start, place, stop
        place = stop


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(view) and shift < 64:
        byte = view[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7
    raise DecodeError("a number has no end")
