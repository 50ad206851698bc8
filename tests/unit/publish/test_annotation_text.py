"""The HTML of an annotation: our own few tags, whatever is in the incident."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from msgspec.structs import replace

from brain_rca.publish.annotation_text import MAX_LENGTH, annotation_html
from brain_rca.publish.summary import summarize
from tests.unit.publish.samples import EXTERNAL_URL, HOSTILE, INCIDENT_ID, cause, hostile, incident, judged

LINK = f"{EXTERNAL_URL}/incidents/{INCIDENT_ID}"


class Tags(HTMLParser):
    """Collects what a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.text = ""
        self.other: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_decl(self, decl: str) -> None:
        self.other.append(decl)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


def parsed(text: str) -> Tags:
    tags = Tags()
    tags.feed(text)
    tags.close()
    return tags


def html(text: str) -> str:
    return annotation_html(summarize(*judged(hostile(text)), EXTERNAL_URL))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_values_add_no_tag_no_attribute_and_no_link(text: str) -> None:
    page = parsed(html(text))
    assert {tag for tag, _ in page.seen} <= {"a", "b", "br", "i"}
    assert [attributes for _, attributes in page.seen if attributes] == [(("href", LINK),)]
    assert page.other == []


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_the_size_is_capped_and_the_link_stays(text: str) -> None:
    made = html(text)
    assert len(made) <= MAX_LENGTH
    assert made.endswith(f'<a href="{LINK}">Incident, evidence and proposals</a>')
    made.encode()


def test_lines_are_left_out_whole() -> None:
    made = html("<" * 10_000)
    assert len(made) > MAX_LENGTH / 2
    assert made.count("<b>") == made.count("</b>") == 1
    assert made.count("<i>") == made.count("</i>")


def test_what_a_reader_sees() -> None:
    causes = [cause(), cause("prod/shop/database/ledger", rank=2, kind="latency", probability=0.06)]
    one = incident(causes=causes)
    assert one.analysis is not None
    found = replace(one.analysis, missing=("Node metrics could not be fetched.",))
    made = annotation_html(summarize(one, found, EXTERNAL_URL))
    assert made.split("<br>") == [
        "<b>Likely root cause: payments (workload in shop): cpu, 82 %</b>",
        "HighLatency (namespace=shop), critical, open",
        "Cause began 2025-11-25 03:13:00 UTC",
        "1. payments (workload in shop): cpu, 82 %",
        "&nbsp;&nbsp;<i>CPU of prod/shop/workload/payments rose from 0.2 to 1.9 cores.</i>",
        "2. ledger (database in shop): latency, 6 %",
        "&nbsp;&nbsp;<i>CPU of prod/shop/database/ledger rose from 0.2 to 1.9 cores.</i>",
        "None of these: 10 %",
        "Proposed fix: Raise the limit of prod/shop/workload/payments (not validated)",
        "Evidence that could not be fetched: 1",
        f'<a href="{LINK}">Incident, evidence and proposals</a>',
    ]
