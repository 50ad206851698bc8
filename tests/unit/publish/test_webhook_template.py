"""Bodies of outgoing webhooks: right whatever the labels; wrong templates are found at the start and reach nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from brain_common.errors import ConfigError, PermanentError
from brain_rca.model import Incident, Plot
from brain_rca.publish.webhook_template import BUILT_IN, MAX_BODY, BodyTemplate
from tests.unit.publish.samples import EXTERNAL_URL, HOSTILE, INCIDENT_ID, alert, hostile, incident, judged

JSON = BodyTemplate(BUILT_IN["json"], "body")
CHAT = BodyTemplate(BUILT_IN["chat"], "body")


def body(template: BodyTemplate, one: Incident) -> Any:
    return json.loads(template.render(*judged(one), EXTERNAL_URL))


# The built-in ones


def test_the_one_for_programs_has_everything() -> None:
    made = body(JSON, incident())
    assert made["version"] == 1
    assert made["link"] == f"{EXTERNAL_URL}/incidents/{INCIDENT_ID}"
    assert made["incident"]["analysis"]["causes"][0]["entity"] == "prod/shop/workload/payments"
    assert made["summary"]["causes"][0]["text"] == "1. payments (workload in shop): cpu, 82 %"


def test_the_one_for_chats_is_short() -> None:
    assert body(CHAT, incident()) == {
        "text": "HighLatency (namespace=shop) (critical, open)\n"
        "Likely root cause: payments (workload in shop): cpu, 82 %\n"
        "Cause began 2025-11-25 03:13:00 UTC\n"
        "Proposed fix: Raise the limit of prod/shop/workload/payments (not validated)\n"
        f"{EXTERNAL_URL}/incidents/{INCIDENT_ID}"
    }


def test_both_say_so_when_nothing_was_found() -> None:
    one = incident(causes=[])
    assert body(JSON, one)["summary"]["headline"] == "No root cause found: nothing deviates enough"
    assert "No root cause found" in body(CHAT, one)["text"]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_both_are_json_whatever_the_labels(text: str) -> None:
    made = body(JSON, hostile(text))
    assert set(made) == {"version", "link", "summary", "incident"}
    assert set(body(CHAT, hostile(text))) == {"text"}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_chat_message_mentions_nobody_and_disguises_no_link(text: str) -> None:
    message = body(CHAT, hostile(text))["text"]
    assert not set("<>") & set(message)
    assert len(message) < 20_000


def test_numbers_that_json_has_not_become_null() -> None:
    one = incident()
    assert one.analysis is not None
    odd = replace(one.analysis, seconds=float("nan"), window_end=float("inf"))
    made = json.loads(JSON.render(one, odd, EXTERNAL_URL))
    assert made["incident"]["id"] == INCIDENT_ID
    made = body(JSON, replace(one, analysis=odd))
    assert (made["incident"]["analysis"]["seconds"], made["incident"]["analysis"]["window_end"]) == (None, None)


def test_a_storm_is_told_without_its_alerts() -> None:
    one = incident(*[alert(f"{n}", annotations={"description": "x" * 1000}) for n in range(5000)])
    assert one.analysis is not None
    plot = Plot(title="cpu", unit="cores", times=(1.0,), values=(2.0,))
    first = one.analysis.causes[0]
    plotted = replace(first, findings=(replace(first.findings[0], plot=plot),))
    one = replace(one, truncated_alerts=7, analysis=replace(one.analysis, causes=(plotted,), entities=("a",)))
    rendered = JSON.render(*judged(one), EXTERNAL_URL)
    made = json.loads(rendered)["incident"]
    assert len(rendered) < MAX_BODY
    assert (made["alerts"], made["truncated_alerts"]) == ([], 5007)
    assert made["analysis"]["causes"][0]["findings"][0]["plot"] is None
    assert made["analysis"]["entities"] == []


def test_long_texts_are_cut_where_everything_is_too_large() -> None:
    made = body(JSON, hostile("é" * 100_000))["incident"]
    assert made["group_key"] == "é" * 499 + "…"
    assert body(JSON, hostile("é" * 1000))["incident"]["group_key"] == "é" * 1000


def test_a_small_incident_is_told_with_its_alerts() -> None:
    assert len(body(JSON, incident(alert("a"), alert("b")))["incident"]["alerts"]) == 2


def test_what_is_still_too_large_is_refused() -> None:
    whole = BodyTemplate("{{ 'x' * (1000 if incident.source == 'sample' else 2000000) }}", "body", "text/plain")
    with pytest.raises(PermanentError, match="more than 1048576"):
        whole.render(*judged(incident()), EXTERNAL_URL)


# The user's own


def test_a_template_of_ones_own() -> None:
    source = '{"what": {{ summary.headline | tojson }}, "team": {{ incident.group_labels.get("team", "?") | tojson }}}'
    template = BodyTemplate(source, "body")
    one = incident(group_labels={"team": 'a"b'})
    assert body(template, one) == {
        "what": "Likely root cause: payments (workload in shop): cpu, 82 %",
        "team": 'a"b',
    }


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_values_with_tojson_stay_values(text: str) -> None:
    template = BodyTemplate('{"a": {{ incident.group_key | tojson }}, "b": [{{ summary.title | tojson }}]}', "body")
    made = body(template, hostile(text))
    assert set(made) == {"a", "b"}
    assert made["a"] == text.encode(errors="replace").decode()


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("{% if %}", "Expected an expression"),
        ("{{ summary.headline ", "unexpected end of template"),
        ("{{ sumary.headline }}", "'sumary' is undefined"),
        ("{{ summary.headlines }}", "no attribute 'headlines'"),
        ("{{ summary.causes[0].entity | tojson }}", "no element 0"),
        ("{{ incident.alerts[0].labels.alertname | tojson }}", "no element 0"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% for a in range(10**9) %}{% endfor %}", "OverflowError"),
        ("{{ summary.nothing | tojson }}", "template: "),
        ("{% include 'other' %}", "no loader"),
        ("{{ summary | nofilter }}", "No filter named 'nofilter'"),
        ('{"a": "{{ summary.headline }}"}', "not JSON"),
        ('{"a": {{ summary.headline }}}', "not JSON"),
        ("jsn", "not JSON"),
    ],
)
def test_a_wrong_template_stops_the_start_and_names_its_key(source: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        BodyTemplate(source, "publish.webhooks.3.body")
    assert str(caught.value).startswith("publish.webhooks.3.body: the template does not work: ")
    assert problem in str(caught.value)


def test_other_content_need_not_be_json() -> None:
    template = BodyTemplate("{{ summary.headline }}", "body", "text/plain; charset=utf-8")
    assert template.render(*judged(incident()), EXTERNAL_URL).startswith(b"Likely root cause")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/cloudevents+json"])
def test_json_by_any_of_its_names_is_checked(content_type: str) -> None:
    with pytest.raises(ConfigError, match="not JSON"):
        BodyTemplate('{"a": "{{ summary.headline }}"}', "body", content_type)


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__.__mro__[1].__subclasses__()",
        "incident.__class__",
        "summary.causes.__class__",
        "incident['__class__'].__init__",
        "lipsum.__globals__['os'].popen('id').read()",
        "cycler.__init__.__globals__.os",
        "self._TemplateReference__context",
        "(incident | attr('__class__')).__base__",
        "'{0.__class__.__init__.__globals__}'.format(summary)",
        "joiner.__init__.__globals__",
        "range.__self__",
        "incident.update({'id': 'x'})",
        "incident.clear()",
        "summary.causes.append(1)",
    ],
)
def test_templates_reach_nothing_but_their_values(expression: str) -> None:
    with pytest.raises(ConfigError, match="the template does not work"):
        BodyTemplate("{{ " + expression + " }}", "body", "text/plain")


def test_a_template_in_a_label_is_not_carried_out() -> None:
    template = BodyTemplate("{{ incident.group_key }}", "body", "text/plain")
    assert template.render(*judged(hostile("{{ 7*7 }}{% raw %}")), EXTERNAL_URL) == b"{{ 7*7 }}{% raw %}"
