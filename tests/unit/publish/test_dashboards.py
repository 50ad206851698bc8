"""Which dashboards an incident belongs on; only uids are taken out of what alerts say."""

from __future__ import annotations

import pytest

from brain_rca.publish.dashboards import MAX_DASHBOARDS, ORGANISATION, Target, targets
from tests.unit.publish.samples import HOSTILE, OPENED, alert, incident


def named(**annotations: str) -> tuple[Target, ...]:
    return targets(incident(alert(annotations=annotations)))


def test_the_uid_that_the_alert_names() -> None:
    assert named(dashboard_uid="abc_DEF-1") == (Target("abc_DEF-1"),)


@pytest.mark.parametrize(
    "url",
    [
        "https://grafana.example/d/abc/checkout?var-ns=shop&from=now-1h",
        "https://grafana.example/grafana/d/abc",
        "/d/abc/",
        "https://grafana.example/d/abc?orgId=1#panel",
        "javascript:/d/abc/",  # never opened, so the scheme does not matter
    ],
)
def test_the_uid_in_the_url(url: str) -> None:
    assert named(dashboard_url=url) == (Target("abc"),)


def test_the_uid_wins_over_the_url() -> None:
    assert named(dashboard_uid="one", dashboard_url="/d/two/") == (Target("one"),)


def test_an_unusable_uid_leaves_the_url() -> None:
    assert named(dashboard_uid="../../admin", dashboard_url="/d/two/") == (Target("two"),)


def test_the_panel() -> None:
    assert named(dashboard_uid="a", panel_id="12") == (Target("a", 12),)
    assert named(dashboard_uid="a", panel_id="-1") == (Target("a", 0),)
    assert named(dashboard_uid="a", panel_id="9" * 50) == (Target("a", 0),)


@pytest.mark.parametrize(
    "url",
    ["https://x/d/", "https://x/dashboards", "https://x/?next=/d/abc/", "http://[/d/abc/", "https://x/d/" + "a" * 41],
)
def test_no_uid_means_the_organisation(url: str) -> None:
    assert named(dashboard_url=url) == (ORGANISATION,)


def test_a_huge_url_is_not_even_looked_at() -> None:
    assert named(dashboard_url="https://x/" + "a/" * 5000 + "d/abc") == (ORGANISATION,)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip("x")], ids=repr)
def test_hostile_values_name_no_dashboard(text: str) -> None:
    assert named(dashboard_uid=text, dashboard_url=text, panel_id=text) == (ORGANISATION,)


def test_the_oldest_alerts_choose_and_there_are_few() -> None:
    alerts = [
        alert(f"{n}", annotations={"dashboard_uid": f"d{n}"}, starts_at=OPENED + (9 - n if n < 9 else n))
        for n in range(20)
    ]
    found = targets(incident(*alerts))
    assert [target.uid for target in found] == ["d8", "d7", "d6"]
    assert len(found) == MAX_DASHBOARDS


def test_one_dashboard_named_by_many_alerts_is_one_target_with_the_first_panel() -> None:
    alerts = [alert(f"{n}", annotations={"dashboard_uid": "d", "panel_id": f"{n + 1}"}) for n in range(5)]
    assert targets(incident(*alerts)) == (Target("d", 1),)
