"""Whatever is sent, a group comes out that everything after can handle, or ``InputError``; nothing else, ever."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brain_common.errors import InputError
from brain_rca.intake.payload import LAST_TIME, parse_group
from brain_rca.model import AlertGroup
from tests.unit.intake.payloads import alert, body, payload

# A busy machine is slow at times, which is nothing that these tests are about.
PATIENT = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])

TEXTS = st.text(st.characters(), max_size=20)  # lone surrogates included
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
ANYTHING = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4))
TIMES = st.datetimes(timezones=st.timezones() | st.none()).map(lambda moment: moment.isoformat())
LABELS = st.dictionaries(TEXTS, TEXTS, max_size=5)
STATUSES = st.sampled_from(["firing", "resolved"])


def spoilt(whole: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """``whole`` with some fields replaced by anything, or gone."""
    changes = st.dictionaries(st.sampled_from(sorted(whole)), ANYTHING | st.just(...), max_size=3)
    return changes.map(lambda change: {k: v for k, v in {**whole, **change}.items() if v is not ...})


GOOD_ALERTS = st.builds(alert, status=STATUSES, labels=LABELS, annotations=LABELS, startsAt=TIMES, endsAt=TIMES)
GOOD = st.builds(
    payload,
    status=STATUSES,
    receiver=TEXTS,
    groupKey=TEXTS,
    truncatedAlerts=st.integers(),
    groupLabels=LABELS,
    alerts=st.lists(GOOD_ALERTS | spoilt(alert()), max_size=3),
)


def outcome(raw: bytes) -> AlertGroup | None:
    """The group; None for the one error that is allowed."""
    try:
        return parse_group(raw, "main")
    except InputError:
        return None


def check(group: AlertGroup) -> None:
    """What everything after the intake relies on."""
    assert msgspec.json.decode(msgspec.json.encode(group), type=AlertGroup) == group
    assert 1 <= len(group.alerts) <= 5000
    assert 0 <= group.truncated_alerts < 1 << 32
    for one in group.alerts:
        assert 0 <= one.starts_at <= LAST_TIME
        assert one.ends_at is None or (math.isfinite(one.ends_at) and 0 < one.ends_at <= LAST_TIME)
        assert len(one.fingerprint) == 16
        assert not any("\x00" in text for text in (*one.labels, *one.labels.values()))


@PATIENT
@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    assert outcome(raw) is None


@PATIENT
@given(ANYTHING)
def test_any_json(value: Any) -> None:
    assert outcome(json.dumps(value).encode()) is None


@PATIENT
@given(GOOD)
def test_a_payload_with_any_values(value: dict[str, Any]) -> None:
    group = outcome(json.dumps(value).encode())
    if group is not None:
        check(group)


@PATIENT
@given(spoilt(payload()))
def test_a_payload_with_spoilt_fields(value: dict[str, Any]) -> None:
    group = outcome(json.dumps(value).encode())
    if group is not None:
        check(group)


@PATIENT
@given(st.data())
def test_a_payload_with_spoilt_bytes(data: st.DataObject) -> None:
    raw = bytearray(body())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    group = outcome(bytes(raw))
    if group is not None:
        check(group)
