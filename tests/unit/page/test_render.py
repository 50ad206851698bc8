"""Pages as text: what they say, and that nothing in the data can change what they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import msgspec
import pytest

from brain_rca.model import Feedback, FeedbackKind, Incident, Look, Weighing
from brain_rca.page.headers import STYLE
from brain_rca.page.render import render_feedback, render_incident, render_list, render_message
from brain_rca.page.summary import IncidentPage, summarize
from brain_rca.page.view import Draft
from tests.unit.page import samples

SAMPLES = (
    samples.rich,
    samples.failed_sink,
    samples.pending,
    samples.analysis_failed,
    samples.judged_anew,
    samples.no_cause,
    samples.resolved,
    samples.many_alerts,
    samples.long_names,
    samples.hostile,
    samples.big,
    samples.worst,
)
TAGS = {
    "a",
    "article",
    "aside",
    "b",
    "body",
    "circle",
    "code",
    "col",
    "colgroup",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "figcaption",
    "figure",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "head",
    "header",
    "html",
    "li",
    "line",
    "link",
    "main",
    "meta",
    "nav",
    "ol",
    "p",
    "path",
    "pre",
    "rect",
    "section",
    "span",
    "strong",
    "style",
    "summary",
    "svg",
    "table",
    "tbody",
    "td",
    "text",
    "th",
    "thead",
    "time",
    "title",
    "tr",
    "ul",
}
FORM_TAGS = {"button", "datalist", "fieldset", "form", "input", "label", "legend", "option"}
VOID = {"col", "input", "link", "meta"}


class Page(HTMLParser):
    """Tags and attributes in order, checking that they close as they opened."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def attributes(self, name: str) -> list[str]:
        return [value for _, attributes in self.tags if (value := attributes.get(name)) is not None]


def page_of(sample: Callable[[], Incident]) -> str:
    return render_incident(sample(), samples.NOW)


def words(html: str) -> str:
    """The text of a page, white space of any kind made one space."""
    return " ".join(re.sub(r"<[^>]*>", " ", html.split("</style>")[1]).split())


@pytest.mark.parametrize("sample", SAMPLES)
def test_every_page_is_well_formed_small_and_loads_nothing(sample: Callable[[], Incident]) -> None:
    html = page_of(sample)
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS
    assert len(html.encode()) < 500_000
    assert page.attributes("src") == []
    assert page.attributes("style") == []
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    for href in page.attributes("href"):
        assert re.match(r"https?://|#|\?|\.\./|[0-9a-f]{16}(\.json)?$|data:image/svg\+xml,", href), href


@pytest.mark.parametrize("sample", SAMPLES)
def test_ids_are_unique_and_references_lead_somewhere(sample: Callable[[], Incident]) -> None:
    page = Page(page_of(sample))
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert set(page.attributes("aria-labelledby")) <= set(ids)
    assert {href[1:] for href in page.attributes("href") if href.startswith("#")} <= set(ids)


def test_the_verdict_comes_first() -> None:
    said = words(render_incident(msgspec.structs.replace(samples.rich(), feedback=()), samples.NOW))
    assert "Most likely cause: payments-db , saturation, 82 % ." in said
    assert said.index("Most likely cause") < said.index("Ranked causes") < said.index("Timeline")


def test_the_page_holds_the_evidence() -> None:
    html = page_of(samples.rich)
    said = words(html)
    for text in (
        "First alert 2025-11-25 03:14:00 UTC (10 min ago)",
        "Cause began 03:12:15 UTC (12 min ago) Trouble began 03:12:30 UTC (11 min ago) known to 15 s",
        "3 of 3 alerts firing",
        "none of these 5 %",
        "All pooled connections in use, usually a third",
        "score 0.99",
        "began 03:12:30",
        "began 03:12:30 over 03:16:15",
        "usually 34 %, then typically",
        "highest single value",
        "CPU of payments-db stayed at its usual 31 %.",
        "Raise the connection pool of payments-db from 20 to 60",
        "not validated",
        "kubectl -n shop rollout undo",
        "Traces: Tempo did not answer within 5 s.",
        "webhook:chat pending",
        "database in shop · prod-eu",
    ):
        assert text in said, text
    assert '<span class="add">+              value: &#34;60&#34;' in html
    assert html.count('class="draw"') == 5
    assert 'datetime="2025-11-25T03:14:00Z"' in html
    assert "sum by (service) (rate(db_wait_seconds{namespace=&#34;shop&#34;" in html


def test_a_step_of_the_weighing_says_what_it_was_made_of_where_that_is_known() -> None:
    page = render_incident(samples.rich(), samples.NOW)
    assert 'db wait seconds<span class="soft how">7.2 nats × 1/2 as its second finding</span>' in page
    assert '<th scope="row">db pool used ratio</th>' in page


def test_a_long_query_is_whole_on_the_page() -> None:
    query = f"max(up{{job=~{'x' * 1300}}})"
    [first, *others], incident = samples.causes(), samples.rich()
    looked = msgspec.structs.replace(first, look=(Look(what="How it goes on.", command=query),))
    assert incident.analysis is not None
    judged = msgspec.structs.replace(incident.analysis, causes=(looked, *others))
    assert query in render_incident(msgspec.structs.replace(incident, analysis=judged), samples.NOW)


def test_a_step_that_an_earlier_release_kept_is_read() -> None:
    kept = msgspec.json.decode(b'{"what": "latency p99", "nats": 3.5}', type=Weighing)
    assert kept == Weighing(what="latency p99", nats=3.5, how="")


def test_a_failed_sink_shows_its_error() -> None:
    said = words(page_of(samples.failed_sink))
    assert "grafana failed 30 s ago, 9 attempts POST /api/annotations: 401 Unauthorized" in said


@pytest.mark.parametrize(
    ("sample", "text"),
    [
        (samples.pending, "The analysis is under way."),
        (
            samples.analysis_failed,
            "The last attempt to analyse failed. Prometheus did not answer within 30 s",
        ),
        (samples.judged_anew, "A newer analysis is under way; what is shown is the result of 03:14:32 UTC"),
        (
            samples.no_cause,
            "No cause found. Of 412 series around checkout none deviates from its usual level.",
        ),
        (samples.resolved, "Lasted 9 min 15 s Resolved 03:23:15 UTC"),
        (samples.many_alerts, "37 further alerts are not listed"),
    ],
)
def test_every_state_says_what_it_is(sample: Callable[[], Incident], text: str) -> None:
    assert text.replace(".", " .") in words(page_of(sample)).replace(".", " .").replace("  ", " ")


def test_without_a_cause_it_says_where_to_look_next() -> None:
    said = words(page_of(samples.no_cause))
    assert "Nearest to a cause Where to look next: each has less than the 4 nats" in said
    assert "payments-db" in said
    assert "2.30 nats" in said or "2.3 nats" in said
    assert "db wait rose from 20 ms to typically 50 ms" in said
    assert "It alerts, and nothing else is known of it." in said
    assert "Nearest to a cause" not in words(page_of(samples.rich))


@pytest.mark.parametrize(
    ("sample", "seconds"), [(samples.pending, "5"), (samples.rich, "60"), (samples.resolved, None)]
)
def test_a_page_asks_again_while_something_may_change(sample: Callable[[], Incident], seconds: str | None) -> None:
    def refreshes(html: str) -> list[str | None]:
        return [a["content"] for tag, a in Page(html).tags if tag == "meta" and a.get("http-equiv") == "refresh"]

    assert refreshes(page_of(sample)) == ([seconds] if seconds else [])
    assert refreshes(render_incident(sample(), samples.NOW, refresh=False)) == []


def test_hostile_text_is_shown_and_does_nothing() -> None:
    html = page_of(samples.hostile)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in html
    assert "<script" not in html
    assert "{{7*7}}" in html
    assert "\u202e" not in html
    assert "\x00" not in html
    assert html.count("</style>") == 1
    assert html.encode()


def test_a_link_from_data_is_only_ever_a_web_address() -> None:
    rich = samples.rich()
    bad = msgspec.structs.replace(
        rich.alerts[0], generator_url="javascript:alert(1)", annotations={"runbook_url": "https://u:p@h/"}
    )
    html = render_incident(msgspec.structs.replace(rich, alerts=(bad,)), samples.NOW)
    assert "javascript:" not in html
    assert "u:p@h" not in html


def test_the_style_is_the_one_that_the_header_allows() -> None:
    assert f"<style>{STYLE}</style>" in page_of(samples.rich)
    assert "url(" not in STYLE
    assert "@import" not in STYLE


def test_an_incident_closed_for_silence_says_so() -> None:
    closed = samples.resolved()
    silent = msgspec.structs.replace(closed, closed_for_silence=True)
    assert "The alerts were resolved." in words(render_incident(closed, samples.NOW))
    said = words(render_incident(silent, samples.NOW))
    assert "Closed for silence: notifications ceased" in said
    assert "The alerts were resolved." not in said


def test_the_list_marks_open_ones_and_names_top_causes() -> None:
    found = (samples.pending(), samples.rich(), samples.resolved(), samples.no_cause(), samples.hostile())
    found = tuple(msgspec.structs.replace(one, feedback=()) for one in found)
    page = IncidentPage(incidents=tuple(map(summarize, found)), next="12.5," + "a" * 16)
    html = render_list(page, samples.NOW)
    Page(html)
    said = words(html)
    assert "payments-db , saturation, 82 %" in said
    assert "analysis under way" in said
    assert "no cause found" in said
    assert html.count('<li class="open critical">') == 4
    assert 'href="incidents?before=12.5,aaaaaaaaaaaaaaaa"' in html


def said_of(entity: str, **changes: Any) -> Incident:
    """The sample, after somebody confirmed ``entity`` as its cause."""
    said = Feedback(entity=entity, kind=FeedbackKind.CONFIRMED, fault_kind="memory", actor="ann", at=samples.NOW)
    return msgspec.structs.replace(samples.rich(), feedback=(said,), **changes)


@pytest.mark.parametrize(
    ("entity", "text"),
    [
        ("prod-eu/shop/service/payments", "Confirmed: payments , memory. The judgement gave it 9 % , as number 2 ."),
        ("prod-eu/mail/service/relay", "Confirmed: relay , memory. The judgement did not list it; it had found most"),
    ],
)
def test_a_confirmed_cause_is_the_headline_also_where_the_judgement_was_another(entity: str, text: str) -> None:
    said = words(render_incident(said_of(entity), samples.NOW))
    assert text in said
    assert "Most likely cause" not in said
    row = words(render_list(IncidentPage(incidents=(summarize(said_of(entity)),)), samples.NOW))
    assert f"confirmed: {entity.rpartition('/')[2]} , memory" in row
    assert "82 %" not in row


def test_a_headline_that_was_rejected_says_so() -> None:
    one = said_of("prod-eu/shop/database/payments-db")
    rejected = msgspec.structs.replace(one.feedback[0], kind=FeedbackKind.REJECTED)
    one = msgspec.structs.replace(one, feedback=(rejected,))
    assert "82 % ; a person said that it is not." in words(render_incident(one, samples.NOW))
    row = words(render_list(IncidentPage(incidents=(summarize(one),)), samples.NOW))
    assert "82 % , rejected by a person" in row


def test_a_cause_confirmed_where_none_was_found_is_the_headline() -> None:
    said = words(
        render_incident(said_of("prod-eu/mail/service/relay", analysis=samples.no_cause().analysis), samples.NOW)
    )
    assert "Confirmed: relay , memory. No cause found." in said


def test_an_empty_list_says_how_incidents_come() -> None:
    assert "/api/v1/alertmanager" in render_list(IncidentPage(incidents=()), samples.NOW)


def test_a_message_escapes_the_name_of_the_installation() -> None:
    html = render_message("No", "such", root="", title="<b>x</b>")
    assert "<b>x" not in html
    Page(html)


@pytest.mark.parametrize(
    ("validation", "tone", "untried"),
    [("not validated", "warning", True), ("passed", "resolved", False), ("failed", "critical", False)],
)
def test_a_fix_is_marked_by_its_validation(validation: str, tone: str, untried: bool) -> None:
    rich = samples.rich()
    assert rich.analysis is not None
    tried = msgspec.structs.replace(samples.proposal(), validation=validation)
    cause = msgspec.structs.replace(rich.analysis.causes[0], proposals=(tried,))
    analysis = msgspec.structs.replace(rich.analysis, causes=(cause,))
    html = render_incident(msgspec.structs.replace(rich, analysis=analysis), samples.NOW)
    assert html.count(f'<span class="pill {tone}">{validation}</span>') == 2
    assert ("Nobody and nothing has tried this change yet" in html) is untried


def test_what_was_said_what_shares_the_cause_and_what_looked_alike_is_shown() -> None:
    text = words(page_of(samples.rich))
    assert "mended by: raised the memory limit to 1 GiB" in text
    assert "One cause, 3 groups" in text
    assert "HighErrorRate (service=web)" in text
    assert "0.93 : the same cause, the same fault (memory), 5 of 6 signals in common." in text
    assert "Nobody said what mended it." in text


@pytest.mark.parametrize("why_not", ["", "no callers"])
@pytest.mark.parametrize("sample", SAMPLES)
def test_the_form_is_well_formed_whatever_is_in_it(sample: Callable[[], Incident], why_not: str) -> None:
    html = render_feedback(sample(), samples.NOW, token="0" * 64, why_not=why_not)
    page = Page(html)
    assert {tag for tag, _ in page.tags} <= TAGS | FORM_TAGS
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert set(page.attributes("action")) <= {"feedback"}
    assert (why_not in html) if why_not else ("This was the cause" in html)


DATABASE, SERVICE = "prod-eu/shop/database/payments-db", "prod-eu/shop/service/payments"
GONE = "prod-eu/shop/service/web"


@pytest.mark.parametrize(
    ("refused", "chosen", "written"),
    [
        (None, DATABASE, ""),
        (Draft(entity=DATABASE, fix="x" * 501), DATABASE, ""),
        (Draft(entity=SERVICE), SERVICE, ""),
        (Draft(entity=""), "", ""),
        (Draft(entity="", other="web"), "", "web"),
        (Draft(entity=DATABASE, other="web"), "", "web"),  # that one is chosen from the start
        (Draft(entity=SERVICE, other="web"), SERVICE, "web"),
        (Draft(entity=GONE), "", GONE),  # judged anew meanwhile
    ],
)
def test_the_first_cause_is_chosen_until_another_is_chosen_or_written(
    refused: Draft | None, chosen: str, written: str
) -> None:
    html = render_feedback(samples.rich(), samples.NOW, token="0" * 64, refused=refused)
    fields = [attributes for tag, attributes in Page(html).tags if tag == "input"]
    assert [one["value"] for one in fields if one["type"] == "radio" and "checked" in one] == [chosen]
    assert [one["value"] for one in fields if one["name"] == "other"] == [written]


def test_what_was_typed_into_a_refused_form_is_shown_as_text() -> None:
    hostile = samples.HOSTILE
    refused = Draft(entity=hostile, other=hostile, unseen=True, fault=hostile, fix=hostile, wrong=hostile)
    page = Page(render_feedback(samples.rich(), samples.NOW, token="0" * 64, refused=refused))
    assert {tag for tag, _ in page.tags} <= TAGS | FORM_TAGS
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
