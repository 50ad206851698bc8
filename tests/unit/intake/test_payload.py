"""Alertmanager's payload becomes a group, or an error that says which field is wrong."""

from __future__ import annotations

import json
from typing import Any

import pytest

from brain_common.errors import InputError
from brain_rca.intake.payload import LAST_TIME, parse_group
from brain_rca.model import Alert, AlertGroup
from tests.unit.intake.payloads import STARTED, STARTED_AT, alert, body, payload

DEPTH = 100_000


def parsed(**changes: Any) -> AlertGroup:
    return parse_group(body(**changes), "main")


def only_alert(**changes: Any) -> Alert:
    [one] = parsed(alerts=[alert(**changes)]).alerts
    return one


def refused(raw: bytes) -> str:
    with pytest.raises(InputError) as caught:
        parse_group(raw, "main")
    return str(caught.value)


def with_text(text: bytes) -> bytes:
    """A payload whose service is called ``text``, raw."""
    raw = body()
    assert raw.count(b'"cart"') == 1
    return raw.replace(b'"cart"', b'"' + text + b'"')


def with_extra(text: bytes) -> bytes:
    """A payload with one more field, raw."""
    return body()[:-1] + b', "extra": ' + text + b"}"


# What Alertmanager sends


def test_every_field_arrives() -> None:
    assert parsed(truncatedAlerts=7) == AlertGroup(
        source="main",
        receiver="brain",
        group_key='{}:{namespace="shop"}',
        status="firing",
        alerts=(
            Alert(
                fingerprint="c0ffee5eed15600d",
                status="firing",
                labels={"alertname": "HighLatency", "service": "cart", "severity": "warning"},
                annotations={"summary": "cart is slow"},
                starts_at=STARTED_AT,
                ends_at=None,
                generator_url="http://prometheus:9090/graph?g0.expr=up",
            ),
        ),
        group_labels={"namespace": "shop"},
        common_labels={"alertname": "HighLatency"},
        common_annotations={"summary": "cart is slow"},
        external_url="http://alertmanager:9093",
        truncated_alerts=7,
    )


def test_what_may_be_left_out_has_a_default() -> None:
    optional = ("truncatedAlerts", "groupLabels", "commonLabels", "commonAnnotations", "externalURL")
    bare = {"status": "firing", "labels": {"alertname": "A"}, "startsAt": STARTED}
    group = parsed(alerts=[bare], **dict.fromkeys(optional, ...))
    assert (group.truncated_alerts, group.group_labels, group.common_labels) == (0, {}, {})
    assert (group.common_annotations, group.external_url) == ({}, "")
    [one] = group.alerts
    assert (one.annotations, one.generator_url, one.ends_at) == ({}, "", None)
    assert len(one.fingerprint) == 16


@pytest.mark.parametrize("field", ["groupLabels", "commonLabels", "commonAnnotations"])
def test_null_for_a_map_is_as_good_as_none(field: str) -> None:
    assert parsed(**{field: None}) == parsed(**{field: ...})


def test_null_for_the_annotations_of_an_alert_is_as_good_as_none() -> None:
    assert only_alert(annotations=None) == only_alert(annotations=...)


@pytest.mark.parametrize("value", [1, None, "x", [1, {"a": []}], {"status": "resolved", "alerts": []}])
def test_unknown_fields_are_tolerated_at_every_level(value: Any) -> None:
    plain = parsed()
    assert parsed(future=value, alerts=[alert(future=value)]) == plain


def test_a_resolved_group_says_when_its_alerts_ended() -> None:
    group = parsed(status="resolved", alerts=[alert(status="resolved", endsAt="2024-03-01T12:05:00Z")])
    assert group.status == "resolved"
    assert group.alerts[0].ends_at == STARTED_AT - 0.25 + 300


@pytest.mark.parametrize("ends_at", ["0001-01-01T00:00:00Z", None, ..., "1969-12-31T23:59:59Z"])
def test_no_end_has_many_spellings(ends_at: Any) -> None:
    assert only_alert(status="resolved", endsAt=ends_at).ends_at is None


def test_a_firing_alert_has_no_end() -> None:
    """Alertmanager writes there when it would give up on the alert, which is no end."""
    assert only_alert(endsAt="2024-03-01T12:05:00Z").ends_at is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2024-03-01T12:00:00.25Z", STARTED_AT),
        ("2024-03-01T14:00:00.25+02:00", STARTED_AT),
        ("2024-03-01T07:00:00.25-05:00", STARTED_AT),
        ("2024-03-01T12:00:00.250000499Z", STARTED_AT),
        ("2024-03-01T12:00:00.25", STARTED_AT),
        ("1970-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("0001-01-01T00:00:00+14:00", 0.0),
        ("9999-12-31T23:59:59Z", LAST_TIME),
        ("9999-12-31T23:59:59.999999Z", LAST_TIME),
        ("9999-12-31T23:59:59-12:00", LAST_TIME),
    ],
)
def test_times_are_seconds_since_the_epoch_in_utc(text: str, seconds: float) -> None:
    assert only_alert(startsAt=text).starts_at == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text",
    ["", "now", "1709294400", "2024-02-30T00:00:00Z", "2024-03-01", "10000-01-01T00:00:00Z", "2024-03-01T25:00Z"],
)
def test_what_is_no_time_is_refused_by_its_field(text: str) -> None:
    assert "alerts[0].startsAt" in refused(body(alerts=[alert(startsAt=text)]))


def test_a_fingerprint_is_kept_in_lower_case() -> None:
    assert only_alert(fingerprint="C0FFEE5EED15600D").fingerprint == "c0ffee5eed15600d"


@pytest.mark.parametrize("value", ["", "xyz", "c0ffee", "c0ffee5eed15600d00", "c0ffee5eed15600d\n", "../../etc/passwd"])
def test_what_is_no_fingerprint_is_made_from_the_labels(value: str) -> None:
    stand_in = only_alert(fingerprint=...).fingerprint
    assert only_alert(fingerprint=value).fingerprint == stand_in
    assert only_alert(fingerprint=value, labels={"alertname": "Other"}).fingerprint != stand_in


def test_the_order_of_labels_does_not_make_another_fingerprint() -> None:
    forward = only_alert(fingerprint=..., labels={"a": "1", "b": "2"})
    backward = only_alert(fingerprint=..., labels={"b": "2", "a": "1"})
    assert forward.fingerprint == backward.fingerprint


# What is wrong is named


@pytest.mark.parametrize("field", ["version", "groupKey", "status", "receiver", "alerts"])
def test_a_missing_field_is_named(field: str) -> None:
    assert f"`{field}`" in refused(body(**{field: ...}))


@pytest.mark.parametrize("field", ["status", "labels", "startsAt"])
def test_a_missing_field_of_an_alert_is_named_with_its_place(field: str) -> None:
    message = refused(body(alerts=[alert(), alert(**{field: ...})]))
    assert f"`{field}`" in message
    assert "alerts[1]" in message


@pytest.mark.parametrize("wrong", [None, 4, 4.5, True, [], {}])
@pytest.mark.parametrize("field", ["version", "groupKey", "status", "receiver", "externalURL"])
def test_text_of_another_type_is_named(field: str, wrong: Any) -> None:
    assert f"$.{field}`" in refused(body(**{field: wrong}))


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("truncatedAlerts", "3"),
        ("truncatedAlerts", 1.5),
        ("truncatedAlerts", True),
        ("truncatedAlerts", None),
        ("alerts", None),
        ("alerts", {}),
        ("alerts", "x"),
        ("groupLabels", []),
        ("commonLabels", "x"),
    ],
)
def test_another_type_is_named(field: str, wrong: Any) -> None:
    assert f"$.{field}`" in refused(body(**{field: wrong}))


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"labels": {"a": 1}}, "alerts[1].labels[...]"),
        ({"labels": {"a": None}}, "alerts[1].labels[...]"),
        ({"labels": ["a"]}, "alerts[1].labels"),
        ({"annotations": {"a": ["b"]}}, "alerts[1].annotations[...]"),
        ({"startsAt": 1709294400}, "alerts[1].startsAt"),
        ({"startsAt": None}, "alerts[1].startsAt"),
        ({"endsAt": 5}, "alerts[1].endsAt"),
        ({"fingerprint": 5}, "alerts[1].fingerprint"),
        ({"generatorURL": []}, "alerts[1].generatorURL"),
        ({"status": "suppressed"}, "alerts[1].status"),
        ({"status": ""}, "alerts[1].status"),
    ],
)
def test_what_is_wrong_in_an_alert_is_named_with_its_place(change: dict[str, Any], place: str) -> None:
    assert place in refused(body(alerts=[alert(), alert(**change)]))


@pytest.mark.parametrize("version", ["", "3", "5", "4.0", " 4", "4\n"])
def test_another_version_is_refused(version: str) -> None:
    assert refused(body(version=version)).startswith("version ")


@pytest.mark.parametrize("status", ["", "Firing", "pending", "firing "])
def test_another_status_is_refused(status: str) -> None:
    assert refused(body(status=status)).startswith("status ")


@pytest.mark.parametrize("key", ["", "k" * 4097])
def test_a_group_key_that_identifies_nothing_is_refused(key: str) -> None:
    assert "groupKey" in refused(body(groupKey=key))


def test_a_group_without_alerts_is_refused() -> None:
    assert "alerts" in refused(body(alerts=[]))


def test_the_message_repeats_no_more_than_a_little_and_no_control_character() -> None:
    for raw in (body(version="\n\x1b[31m" * 1000), body(status="x\r\n" * 1000)):
        message = refused(raw)
        assert len(message) < 200
        assert message.isprintable()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b" ",
        b"{",
        b"null",
        b"[]",
        b"4",
        b'"x"',
        b"<html>",
        body()[:-1],
        body() + b"x",
        body() + body(),
        b"\xef\xbb\xbf" + body(),
        json.dumps(payload()).encode("utf-16"),
        b"\x00" * 100,
        body().replace(b"0,", b"NaN,"),
        body().replace(b"0,", b"Infinity,"),
        body().replace(b'"version"', b"'version'"),
    ],
    ids=range(17),
)
def test_what_is_no_json_object_is_refused(raw: bytes) -> None:
    assert refused(raw).startswith("not a webhook payload: ")


# What is hostile


@pytest.mark.parametrize(
    "text",
    [b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\\ud800", b"\\udc00", b"\\ud83d\\ud83d", b"\\x41"],
)
def test_what_is_no_unicode_is_refused(text: bytes) -> None:
    assert "not a webhook payload" in refused(with_text(text))


@pytest.mark.parametrize("text", ["caf\u00e9", "\U0001f525", "a\tb\nc", "</script>", "{{ 7*7 }}"])
def test_other_text_is_text(text: str) -> None:
    assert only_alert(labels={"service": text}).labels == {"service": text}


@pytest.mark.parametrize("hidden", ["\u202e", "\u2066", "\u200b", "\ufeff", "\u2028"])
def test_what_hides_or_reorders_text_is_dropped(hidden: str) -> None:
    assert only_alert(labels={"service": f"pay{hidden}ments"}).labels == {"service": "payments"}


@pytest.mark.parametrize("code", [*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), *range(0x7F, 0xA0)])
def test_control_characters_are_dropped_wherever_they_are(code: int) -> None:
    dirty, clean = f"a{chr(code)}b", "ab"
    pair = {dirty: dirty}
    group = parse_group(
        body(
            groupKey=dirty,
            receiver=dirty,
            externalURL=dirty,
            groupLabels=pair,
            commonLabels=pair,
            commonAnnotations=pair,
            alerts=[alert(labels=pair, annotations=pair, generatorURL=dirty)],
        ),
        dirty,
    )
    [one] = group.alerts
    assert {group.source, group.group_key, group.receiver, group.external_url, one.generator_url} == {clean}
    for pairs in (
        group.group_labels,
        group.common_labels,
        group.common_annotations,
        one.labels,
        one.annotations,
    ):
        assert pairs == {clean: clean}


def test_giant_texts_are_cut() -> None:
    giant = "x" * 1_000_000
    group = parsed(receiver=giant, externalURL=giant, alerts=[alert(labels={giant: giant}, annotations={"a": giant})])
    [one] = group.alerts
    assert {len(text) for text in (group.receiver, group.external_url, one.annotations["a"])} == {4096}
    assert [(len(name), len(value)) for name, value in one.labels.items()] == [(256, 4096)]


def test_of_too_many_labels_the_first_by_name_are_kept() -> None:
    labels = {f"l{n:04d}": "v" for n in reversed(range(1000))}
    assert list(only_alert(labels=labels).labels) == [f"l{n:04d}" for n in range(128)]


def test_of_too_many_alerts_the_rest_is_counted() -> None:
    group = parsed(truncatedAlerts=3, alerts=[alert(fingerprint=f"{n:016x}") for n in range(5004)])
    assert (len(group.alerts), group.truncated_alerts) == (5000, 7)
    assert group.alerts[-1].fingerprint == f"{4999:016x}"


@pytest.mark.parametrize(
    ("sent", "kept"), [(-1, 0), (5, 5), (1 << 31, 1 << 31), (1 << 32, 1 << 31), (1 << 64, 1 << 31), (10**300, 1 << 31)]
)
def test_the_number_of_truncated_alerts_stays_within_reason(sent: int, kept: int) -> None:
    assert parsed(truncatedAlerts=sent).truncated_alerts == kept


@pytest.mark.parametrize(
    "nested",
    [b"[" * DEPTH + b"]" * DEPTH, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, b"[" * DEPTH],
    ids=["list", "object", "open"],
)
def test_deep_nesting_is_refused_where_it_is_not_even_looked_at(nested: bytes) -> None:
    assert "not a webhook payload" in refused(with_extra(nested))


def test_of_a_key_twice_the_last_counts() -> None:
    assert parse_group(with_extra(b'1, "receiver": "other"'), "main").receiver == "other"
    assert refused(with_extra(b'1, "version": "3"')).startswith("version ")


def test_the_source_is_the_callers_business() -> None:
    assert parsed(source="evil").source == "main"
