"""Wherever in a message of any signal a card number stands, it does not stand there afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st

from brain_otel.batch import Batch
from brain_otel.enrich.redact.config import RedactSettings
from brain_otel.enrich.redact.enricher import Redact, rules_of
from brain_otel.enrich.redact.pan import is_pan
from brain_otel.enrich.redact.seen import Seen
from brain_otel.signals import WIRES, Signal
from tests.unit.otel.enrich.made import Made

_PREFIXES = ("4", "51", "2221", "34", "36", "6011", "3530", "62", "2200", "67", "81")
_LENGTHS = {"34": 15, "36": 14}
_DEEPEST = 9


def luhn_digit(digits: str) -> str:
    return next(check for check in "0123456789" if is_luhn(digits + check))


def is_luhn(digits: str) -> bool:
    """Written otherwise than in the product, on purpose."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


@st.composite
def pans(draw: st.DrawFn) -> str:
    prefix = draw(st.sampled_from(_PREFIXES))
    length = _LENGTHS.get(prefix, 16)
    filler = draw(st.text("0123456789", min_size=length, max_size=length))
    digits = (prefix + filler)[: length - 1]
    return digits + luhn_digit(digits)


@st.composite
def written(draw: st.DrawFn) -> tuple[str, str]:
    """A card number and a way to write it."""
    pan = draw(pans())
    separator = draw(st.sampled_from(["", "", " ", "-", "."]))
    if not separator or len(pan) == 14:
        return pan, pan
    cuts = (4, 10) if len(pan) == 15 else (4, 8, 12)
    ends = (*cuts, len(pan))
    return pan, separator.join(pan[start:end] for start, end in zip((0, *cuts), ends, strict=True))


# What may stand beside it without making it part of something else: no digits, letters of ids, separators.
_NOISE = st.text(st.sampled_from("xyz \n\t\"'{}:=/,;é漢*_#"), max_size=80)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, str]:
    pan, form = draw(written())
    return pan, draw(_NOISE) + form + draw(_NOISE)


def places(descriptor: Descriptor, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Paths to all string fields, and to the bytes of an attribute's value."""
    for field in descriptor.fields:
        if len(path) >= _DEEPEST:
            return
        if field.type == FieldDescriptor.TYPE_STRING or field.name == "bytes_value":
            yield (*path, field.name)
        elif field.type == FieldDescriptor.TYPE_MESSAGE:
            yield from places(field.message_type, (*path, field.name))


def plant(message: Any, path: tuple[str, ...], text: str) -> None:
    """Put the text at the end of the path; what is repeated on the way gets one member."""
    for name in path[:-1]:
        inner = getattr(message, name)
        if message.DESCRIPTOR.fields_by_name[name].is_repeated:
            message = inner.add()
        else:
            inner.SetInParent()
            message = inner
    field = message.DESCRIPTOR.fields_by_name[path[-1]]
    if field.is_repeated:
        getattr(message, field.name).append(text)
    else:
        setattr(message, field.name, text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text)


PLACES = [
    (signal, path)
    for signal, wire in WIRES.items()
    for path in places(wire.request.DESCRIPTOR)
    if path[0] == wire.groups
]


def survives(pan: str, data: bytes) -> bool:
    """Whether its digits stand there one after another, whatever is between two of them."""
    return re.search(rb"[ .-]?".join(digit.encode() for digit in pan), data) is not None


def test_there_are_places_of_all_kinds() -> None:
    names = {(signal, path[-1]) for signal, path in PLACES}
    assert {(Signal.TRACES, "trace_state"), (Signal.METRICS, "description"), (Signal.LOGS, "event_name")} <= names
    assert any("exemplars" in path for _, path in PLACES)
    assert any(path.count("kvlist_value") and "links" in path for _, path in PLACES)


@settings(max_examples=200, deadline=None)
@given(place=st.sampled_from(PLACES), text=texts())
def test_no_card_number_survives_in_any_field(place: tuple[Signal, tuple[str, ...]], text: tuple[str, str]) -> None:
    signal, path = place
    pan, planted = text
    message = WIRES[signal].request()
    plant(message, path, planted)
    made = Made("redact")
    once = made.on(Batch(WIRES[signal], message))
    assert not survives(pan, once.message.SerializeToString())
    assert made.counted("brain_otel_redacted_total", rule="card", signal=signal) >= 1.0
    again = once.message.SerializeToString()
    assert made.on(once).encode() == Batch.decode(signal, again).encode()


@settings(max_examples=200, deadline=None)
@given(pan=pans(), place=st.sampled_from([place for place in PLACES if place[1][-1] == "string_value"]))
def test_no_card_number_survives_as_a_number(pan: str, place: tuple[Signal, tuple[str, ...]]) -> None:
    signal, path = place
    message = WIRES[signal].request()
    plant(message, path, "x")
    value: Any = message
    for name in path[:-1]:
        inner = getattr(value, name)
        value = inner[0] if value.DESCRIPTOR.fields_by_name[name].is_repeated else inner
    value.int_value = int(pan)
    Made("redact").on(Batch(WIRES[signal], message))
    assert value.WhichOneof("value") == "string_value"
    assert pan not in value.string_value


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=200) | st.text("0123456789 -.a|", max_size=120) | texts().map(lambda pair: pair[1]))
def test_any_text_is_taken_and_a_second_time_changes_nothing(text: str) -> None:
    for rule in rules_of(RedactSettings(rules=["pci", "hipaa", "email", "phone"])):
        once, _ = rule.redact(text, "")
        assert rule.redact(once, "") == (once, 0)


@settings(max_examples=200, deadline=None)
@given(
    text=st.text("0123456789 -.af|PIDssnmrn", max_size=80) | texts().map(lambda pair: pair[1]),
    before=st.binary(max_size=4),
    behind=st.binary(max_size=6),
)
def test_the_quick_test_misses_nothing_that_the_rule_finds(text: str, before: bytes, behind: bytes) -> None:
    """Whatever tags and lengths stand beside a text in a message."""
    foreign = b"\x0a" + before[:2] + text.encode() + behind[:2] + b"\x0a"
    for rule in rules_of(RedactSettings(rules=["pci", "hipaa", "email", "phone"])):
        if rule.redact(text, "")[1]:
            assert rule.suspects(Seen(foreign)), rule.name


@given(digits=st.text("0123456789", min_size=13, max_size=19))
def test_a_card_number_has_a_right_check_digit(digits: str) -> None:
    assert not is_pan(digits.encode()) or is_luhn(digits)


def test_the_step_is_closed() -> None:
    from brain_otel.enrich.redact import KIND

    assert KIND.closed
    assert KIND.build is Redact
