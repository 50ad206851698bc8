"""Region annotations: one for an incident and dashboard, whatever crashes, gets lost or is deleted."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from brain_common.clients.grafana import GrafanaAnnotations, GrafanaRefusal
from brain_common.clock import ManualClock
from brain_common.errors import PermanentError, TemporaryError
from brain_rca.model import Incident, Severity
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.sink import Sink
from tests.contract.publish.conftest import NOW, TOKEN, raw, settings, trickle
from tests.fakes.grafana import MAX_TAGS_JSON, FakeGrafana
from tests.unit.publish.samples import (
    EXTERNAL_URL,
    GROUP,
    HOSTILE,
    INCIDENT_ID,
    OPENED,
    TAG,
    alert,
    cause,
    hostile,
    incident,
    told,
)

pytestmark = pytest.mark.anyio


def on(*uids: str, **more: Any) -> Incident:
    """An incident whose alerts name these dashboards, the first one first."""
    alerts = [
        alert(uid, annotations={"dashboard_uid": uid}, starts_at=OPENED + place) for place, uid in enumerate(uids)
    ]
    return incident(*alerts, **more)


def ms(seconds: float) -> int:
    return round(seconds * 1000)


def only(grafana: FakeGrafana) -> dict[str, Any]:
    [annotation] = grafana.annotations.values()
    return annotation


def places(grafana: FakeGrafana) -> list[str]:
    return [annotation["dashboardUID"] for annotation in grafana.with_tag(TAG)]


def sent(grafana: FakeGrafana) -> list[str]:
    return [request.method for request in grafana.requests]


async def failing(sink: Sink, one: Incident, known: str = "", attempts: int = 0) -> str:
    """Publish, and expect that it may go well later; returns the message."""
    with pytest.raises(TemporaryError) as caught:
        await sink.publish(one, told(external_id=known, attempts=attempts))
    return str(caught.value)


# From opening to closing


async def test_the_first_publication_creates_a_region(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    assert await grafana_sink.publish(incident(), told()) == "1@"
    assert only(grafana) == {
        "id": 1,
        "dashboardUID": "",
        "panelId": 0,
        "time": ms(OPENED),
        "timeEnd": ms(NOW),
        "tags": ["brain", TAG, f"group={GROUP}", "severity=critical", "service=checkout"],
        "text": only(grafana)["text"],
    }
    assert only(grafana)["text"].startswith("<b>Likely root cause: payments (workload in shop): cpu, 82 %</b><br>")
    assert sent(grafana) == ["GET", "POST"]


async def test_an_incident_that_is_not_judged_yet_is_not_shown(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    assert await grafana_sink.publish(incident(judged=False), told(external_id="1@")) == "1@"
    assert grafana.requests == []


async def test_a_changed_ranking_is_patched(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    known = await grafana_sink.publish(incident(), told())
    changed = incident(causes=[cause("prod/shop/database/ledger")], severity=Severity.WARNING)
    assert await grafana_sink.publish(changed, told(external_id=known)) == known
    assert only(grafana)["text"].startswith("<b>Likely root cause: ledger (database in shop)")
    assert "severity=warning" in only(grafana)["tags"]
    assert sent(grafana) == ["GET", "POST", "PATCH"]


async def test_a_refresh_moves_the_end_to_now(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, clock: ManualClock
) -> None:
    known = await grafana_sink.publish(incident(), told())
    clock.advance(60)
    await grafana_sink.publish(incident(), told(external_id=known))
    assert (only(grafana)["time"], only(grafana)["timeEnd"]) == (ms(OPENED), ms(NOW + 60))


async def test_closing_sets_the_end_for_good(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, clock: ManualClock
) -> None:
    known = await grafana_sink.publish(incident(), told())
    clock.advance(600)
    await grafana_sink.publish(incident(closed_at=NOW + 500), told(external_id=known))
    assert only(grafana)["timeEnd"] == ms(NOW + 500)
    assert "resolved" in only(grafana)["text"]


async def test_an_incident_closed_before_it_was_ever_shown(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    await grafana_sink.publish(incident(closed_at=OPENED + 40), told())
    assert (only(grafana)["time"], only(grafana)["timeEnd"]) == (ms(OPENED), ms(OPENED + 40))


async def test_an_older_alert_that_joins_moves_the_begin(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    known = await grafana_sink.publish(incident(), told())
    await grafana_sink.publish(incident(opened_at=OPENED - 900), told(external_id=known))
    assert only(grafana)["time"] == ms(OPENED - 900)


@pytest.mark.parametrize("opened_at", [0.0, NOW + 5 * 86400])
async def test_odd_clocks_make_one_valid_region(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, opened_at: float
) -> None:
    odd = incident(opened_at=opened_at)
    grafana.lose_answer(method="POST")
    await failing(grafana_sink, odd)
    await grafana_sink.publish(odd, told(attempts=1))
    assert only(grafana)["time"] == max(1, ms(opened_at))
    assert only(grafana)["timeEnd"] >= only(grafana)["time"]


# Never a second one


async def test_found_again_after_a_lost_answer(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    grafana.lose_answer(method="POST")
    await failing(grafana_sink, incident())
    known = await grafana_sink.publish(incident(), told(attempts=1))
    assert known == "1@?"
    assert sent(grafana) == ["GET", "POST", "GET", "PATCH"]


async def test_found_again_after_a_crash_between_creating_and_recording(
    grafana: FakeGrafana, grafana_sink: GrafanaSink
) -> None:
    await grafana_sink.publish(on("board"), told())
    assert await grafana_sink.publish(on("board"), told()) == "1@board"
    assert sent(grafana).count("POST") == 1


async def test_found_again_by_a_second_replica(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, clock: ManualClock
) -> None:
    await grafana_sink.publish(incident(), told())
    other = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
    assert await other.publish(incident(opened_at=OPENED - 3600), told()) == "1@"
    await other.aclose()
    assert sent(grafana).count("POST") == 1


async def test_one_that_turns_up_late_is_deleted(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    """The first request was given up, but Grafana carried it out after the second attempt had looked."""
    grafana.fail(503, method="POST", times=1)
    await failing(grafana_sink, incident())
    known = await grafana_sink.publish(incident(), told(attempts=1))
    late = {**only(grafana), "id": 99}
    grafana.annotations[99] = late
    assert await grafana_sink.publish(incident(), told(external_id=known)) == "1@"
    assert list(grafana.annotations) == [1]


async def test_closing_looks_for_doubles_once_more(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    known = await grafana_sink.publish(on("board"), told())
    grafana.annotations[99] = {**only(grafana), "id": 99}
    await grafana_sink.publish(on("board", closed_at=NOW), told(external_id=known))
    assert list(grafana.annotations) == [1]


async def test_a_double_that_may_not_be_deleted_is_only_a_blemish(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, caplog: pytest.LogCaptureFixture
) -> None:
    known = await grafana_sink.publish(incident(), told())
    grafana.annotations[99] = {**only(grafana), "id": 99}
    grafana.fail(403, method="DELETE")
    await grafana_sink.publish(incident(closed_at=NOW), told(external_id=known))
    assert grafana.annotations[1]["timeEnd"] == ms(NOW)
    assert "annotation 99 is a double but stays" in caplog.text
    del grafana.annotations[99]


async def test_annotations_of_others_are_left_alone(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    await grafana_sink.publish(incident(incident_id="ffffffffffffffff"), told())
    mine = {**only(grafana), "id": 50, "tags": ["brain", "deploy"]}
    grafana.annotations[50] = mine
    await grafana_sink.publish(incident(closed_at=NOW), told(attempts=1))
    assert list(grafana.annotations) == [1, 50, 2]
    assert grafana.annotations[50] == mine


# Deleted by people


@pytest.mark.parametrize("missing_annotation", [404, 403])
async def test_deleted_by_a_person_it_is_created_once_again(clock: ManualClock, missing_annotation: int) -> None:
    with FakeGrafana(token=TOKEN, dashboards=("board",), missing_annotation=missing_annotation) as grafana:
        sink = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
        known = await sink.publish(on("board"), told())
        grafana.annotations.clear()
        known = await sink.publish(on("board"), told(external_id=known))
        assert (known, places(grafana)) == ("2@board+", ["board"])
        known = await sink.publish(on("board"), told(external_id=known))
        assert known == "2@board+"
        grafana.annotations.clear()
        known = await sink.publish(on("board"), told(external_id=known))
        assert (known, grafana.annotations) == ("0@board", {})
        grafana.requests.clear()
        assert await sink.publish(on("board"), told(external_id=known)) == "0@board"
        assert grafana.requests == []
        await sink.aclose()


async def test_deleted_while_a_double_stands_the_double_is_taken(
    grafana: FakeGrafana, grafana_sink: GrafanaSink
) -> None:
    known = await grafana_sink.publish(on("board"), told())
    grafana.annotations[99] = {**grafana.annotations.pop(1), "id": 99}
    changed = on("board", causes=[])
    assert await grafana_sink.publish(changed, told(external_id=known)) == "99@board"
    assert only(grafana)["text"].startswith("<b>No root cause found")


# Where


@pytest.mark.parametrize("annotations", [{"dashboard_uid": "board"}, {"dashboard_url": "https://g/x/d/board/slug?a=b"}])
async def test_on_the_dashboard_that_the_alert_names(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, annotations: dict[str, str]
) -> None:
    one = incident(alert(annotations={**annotations, "panel_id": "4"}))
    assert await grafana_sink.publish(one, told()) == "1@board"
    assert (only(grafana)["dashboardUID"], only(grafana)["panelId"]) == ("board", 4)


async def test_on_each_of_several_dashboards(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    one = on("board", "second")
    known = await grafana_sink.publish(one, told())
    assert known == "1@board,2@second"
    await grafana_sink.publish(one, told(external_id=known))
    await grafana_sink.publish(replace(one, closed_at=NOW), told(external_id=known))
    assert places(grafana) == ["board", "second"]
    assert {annotation["timeEnd"] for annotation in grafana.annotations.values()} == {ms(NOW)}


async def test_a_dashboard_that_joins_later(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    known = await grafana_sink.publish(on("board"), told())
    assert await grafana_sink.publish(on("board", "second"), told(external_id=known)) == "1@board,2@second"


@pytest.mark.parametrize("answer", [400, 404, 422, 403])
async def test_a_dashboard_that_is_not_to_be_had_means_the_organisation(
    clock: ManualClock, answer: int, caplog: pytest.LogCaptureFixture
) -> None:
    with FakeGrafana(token=TOKEN, missing_dashboard=answer) as grafana:
        sink = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
        known = await sink.publish(on("gone", "lost"), told())
        assert (known, places(grafana)) == ("1@gone~,1@lost~", [""])
        grafana.requests.clear()
        await sink.publish(on("gone", "lost"), told(external_id=known))
        assert sent(grafana) == ["PATCH"]
        await sink.publish(on("gone", "lost"), told())
        await sink.aclose()
        assert places(grafana) == [""]
    assert "annotating the organisation instead" in caplog.text


async def test_a_grafana_that_falls_back_by_itself(clock: ManualClock) -> None:
    with FakeGrafana(token=TOKEN, missing_dashboard=200) as grafana:
        sink = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
        known = await sink.publish(on("gone"), told())
        await sink.publish(on("gone", closed_at=NOW), told(external_id=known))
        assert await sink.publish(on("gone"), told()) == "1@gone~"
        assert places(grafana) == [""]
        await sink.aclose()


async def test_a_missing_dashboard_does_not_keep_it_off_another(
    grafana: FakeGrafana, grafana_sink: GrafanaSink
) -> None:
    known = await grafana_sink.publish(on("gone"), told())
    known = await grafana_sink.publish(on("gone", "board"), told(external_id=known))
    assert known == "2@board,1@gone~"
    assert places(grafana) == ["", "board"]


async def test_a_dashboard_named_too_late_is_left_out(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    """Who stands in the organisation stays there: two annotations would show on a dashboard with a tag query."""
    known = await grafana_sink.publish(incident(), told())
    assert await grafana_sink.publish(on("board"), told(external_id=known)) == "1@"
    await grafana_sink.publish(on("board", closed_at=NOW), told(external_id=known))
    assert places(grafana) == [""]
    assert only(grafana)["timeEnd"] == ms(NOW)


async def test_a_dashboard_pushed_out_by_older_alerts_is_still_closed(
    grafana: FakeGrafana, grafana_sink: GrafanaSink
) -> None:
    known = await grafana_sink.publish(on("board", "second", "third"), told())
    one = on("fourth", "board", "second", "third", closed_at=NOW - 50)
    await grafana_sink.publish(one, told(external_id=known))
    assert sorted(places(grafana)) == ["board", "second", "third"]
    assert {annotation["timeEnd"] for annotation in grafana.annotations.values()} == {ms(NOW - 50)}


async def test_a_dashboard_deleted_later_means_the_organisation(clock: ManualClock) -> None:
    with FakeGrafana(token=TOKEN, dashboards=("board",)) as grafana:
        sink = GrafanaSink(GrafanaAnnotations(settings(grafana.url)), EXTERNAL_URL, clock)
        known = await sink.publish(on("board"), told())
        grafana._dashboards = frozenset()
        grafana.annotations.clear()
        assert await sink.publish(on("board"), told(external_id=known)) == "2@board~+"
        assert places(grafana) == [""]
        await sink.aclose()


# Hostile data


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_values_are_published_within_grafanas_limits(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, text: str
) -> None:
    known = await grafana_sink.publish(hostile(text), told())
    await grafana_sink.publish(replace(hostile(text), closed_at=NOW), told(external_id=known))
    made = only(grafana)
    assert set(made["tags"]) >= {"brain", TAG}
    assert not [tag for tag in made["tags"] if set(tag) & set("<>&:\"'\n")]
    assert len(json.dumps(made["tags"], ensure_ascii=False, separators=(",", ":")).encode()) <= MAX_TAGS_JSON
    assert len(made["text"]) <= 8000
    assert "<script" not in made["text"]
    assert "<img" not in made["text"]
    assert made["text"].count("<a ") == 1


# Errors


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_credential_is_permanent_and_says_so(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, status: int
) -> None:
    grafana.fail(status, body={"message": f"no entry with Bearer {TOKEN}"})
    with pytest.raises(PermanentError) as caught:
        await grafana_sink.publish(on("board"), told())
    assert grafana.url in str(caught.value)
    assert "find annotations" in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert isinstance(caught.value, GrafanaRefusal)
    assert caught.value.status == status


async def test_who_may_only_read_is_told_so(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    grafana.fail(403, method="POST", body={"message": "You'll need additional permissions: annotations:create"})
    with pytest.raises(PermanentError, match="annotations:create"):
        await grafana_sink.publish(on("board"), told())
    assert grafana.annotations == {}


async def test_who_may_not_change_does_not_create_instead(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    known = await grafana_sink.publish(incident(), told())
    grafana.fail(403, method="PATCH")
    with pytest.raises(PermanentError, match="change annotation"):
        await grafana_sink.publish(incident(), told(external_id=known))
    assert sent(grafana).count("POST") == 1


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE"])
async def test_what_may_heal_is_temporary_and_heals(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, status: int, method: str
) -> None:
    known = "" if method in ("GET", "POST") else await grafana_sink.publish(incident(), told())
    if method == "DELETE":
        grafana.annotations[99] = {**only(grafana), "id": 99}
    one = incident(closed_at=NOW)
    grafana.fail(status, method=method, times=1)
    await failing(grafana_sink, one, known)
    await grafana_sink.publish(one, told(external_id=known, attempts=1))
    assert only(grafana)["timeEnd"] == ms(NOW)


async def test_a_grafana_that_does_not_answer_is_temporary(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    grafana.hang()
    assert grafana.url in await failing(grafana_sink, incident())
    grafana.heal()


async def test_a_grafana_that_is_away_is_temporary_and_caught_up(
    grafana: FakeGrafana, grafana_sink: GrafanaSink
) -> None:
    known = await grafana_sink.publish(incident(), told())
    grafana.stop()
    await failing(grafana_sink, incident(), known)
    grafana.start()
    await grafana_sink.publish(incident(closed_at=NOW), told(external_id=known, attempts=1))
    assert only(grafana)["timeEnd"] == ms(NOW)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_no_redirect_is_followed(grafana: FakeGrafana, grafana_sink: GrafanaSink, status: int) -> None:
    with FakeGrafana() as elsewhere:
        headers = {"Location": f"{elsewhere.url}/api/annotations"}
        grafana.fail(status, headers=headers)
        with pytest.raises(PermanentError, match="redirected"):
            await grafana_sink.publish(incident(), told())
        assert elsewhere.requests == []
    assert len(grafana.requests) == 1


@pytest.mark.parametrize("body", [{"message": "<html>log in</html>"}, "text", 7])
async def test_something_else_than_grafana_is_noticed(
    grafana: FakeGrafana, grafana_sink: GrafanaSink, body: object
) -> None:
    grafana.fail(200, method="GET", body=body)
    assert "is this Grafana?" in await failing(grafana_sink, incident())


async def test_an_answer_without_id_is_found_by_tag(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    grafana.fail(200, method="POST", times=1, body={"message": "ok"})
    assert "no id" in await failing(grafana_sink, incident())
    assert await grafana_sink.publish(incident(), told(attempts=1)) == "1@?"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"<html>log in</html>", "the answer is no JSON; is this Grafana?"),
        (b"\xff\xfe", "the answer is no JSON; is this Grafana?"),
        (b"[" * 5000, "is this Grafana?"),
        (b'"signed out"', "the answer is no JSON object; is this Grafana?"),
        (b"[" + b" " * (5 << 20) + b"]", "the answer is larger than 4194304 bytes; is this Grafana?"),
    ],
    ids=["page", "bytes", "deep", "text", "large"],
)
async def test_no_other_answer_passes_for_a_change(answer: bytes, message: str) -> None:
    with raw(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer)) as url:
        annotations = GrafanaAnnotations(settings(url, timeout_seconds=5))
        for call in (
            annotations.update(1, begin=OPENED, end=NOW, tags=["brain"], text="x"),
            annotations.delete(1),
        ):
            with pytest.raises(TemporaryError, match=re.escape(message)):
                await call
        await annotations.aclose()


async def test_an_answer_that_never_ends_is_too_slow() -> None:
    with trickle() as url:
        annotations = GrafanaAnnotations(settings(url))
        with pytest.raises(TemporaryError, match=r"no answer within 0\.5 s"):
            await annotations.delete(1)
        await annotations.aclose()


@pytest.mark.parametrize("status", [429, 503])
async def test_when_to_come_back_is_handed_on(grafana: FakeGrafana, grafana_sink: GrafanaSink, status: int) -> None:
    grafana.fail(status, headers={"Retry-After": "7"})
    with pytest.raises(TemporaryError) as caught:
        await grafana_sink.publish(incident(), told())
    assert caught.value.retry_after == 7


async def test_a_reason_that_is_no_json_is_told(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    grafana.fail(403, body={"error": "not from this network"})
    with pytest.raises(PermanentError, match=r"answered 403: .*not from this network"):
        await grafana_sink.publish(incident(), told())


# Requests


async def test_credentials_and_organisation_are_sent(grafana: FakeGrafana, clock: ManualClock, tmp_path: Any) -> None:
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    http = settings(grafana.url, bearer={"token_file": str(file)}, headers={"X-Team": "shop"})
    sink = GrafanaSink(GrafanaAnnotations(http, organisation_id=7), EXTERNAL_URL, clock)
    known = await sink.publish(incident(), told())
    file.write_text("rotated")
    with pytest.raises(PermanentError):
        await sink.publish(incident(), told(external_id=known))
    file.unlink()
    with pytest.raises(PermanentError, match=r"bearer\.token_file"):
        await sink.publish(incident(), told(external_id=known))
    await sink.aclose()
    headers = grafana.requests[0].headers
    assert (headers["authorization"], headers["x-grafana-org-id"], headers["x-team"]) == (
        f"Bearer {TOKEN}",
        "7",
        "shop",
    )
    assert grafana.requests[-1].headers["authorization"] == "Bearer rotated"


async def test_a_path_prefix_is_kept(clock: ManualClock) -> None:
    with FakeGrafana(token=TOKEN) as grafana:
        sink = GrafanaSink(GrafanaAnnotations(settings(f"{grafana.url}/grafana/")), EXTERNAL_URL, clock)
        with pytest.raises(PermanentError):
            await sink.publish(incident(), told())
        await sink.aclose()
        assert grafana.requests[0].path == "/grafana/api/annotations"


async def test_the_search_is_narrow(grafana: FakeGrafana, grafana_sink: GrafanaSink) -> None:
    await grafana_sink.publish(incident(), told())
    query = grafana.requests[0].query
    assert query.split("&") == [
        f"from={ms(OPENED - 86400)}",
        f"to={ms(NOW + 86400)}",
        "tags=brain",
        f"tags=incident%3D{INCIDENT_ID}",
        "limit=100",
    ]
