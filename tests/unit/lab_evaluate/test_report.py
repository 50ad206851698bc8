"""The report: complete, harmless whatever a run is called, and right about what its pictures show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from brain_lab.evaluate.report import render_report
from brain_lab.evaluate.report.course import HIGH, TOP, course
from brain_lab.evaluate.report.heat_map import heat_map
from brain_lab.evaluate.report.reliability import SIDE, reliability
from brain_lab.evaluate.report.words import clip, lasted, seconds, share, short
from brain_lab.evaluate.report.worst import worst
from brain_lab.evaluate.run_result import RunResult
from brain_lab.evaluate.scores import score
from tests.unit.lab_evaluate.samples import FAULTS, evaluation, fault, quiet

NASTY = '<script>alert(1)</script>"&\u202e'


class Tags(HTMLParser):
    """Every tag and address of a page; fails on one that is closed and was not open."""

    VOID = frozenset({"meta", "link", "br"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</style>")[1]))


def test_a_whole_evaluation() -> None:
    page = render_report(evaluation(), "explain-away")
    tags = Tags(page)
    said = text_of(page)
    assert tags.open == []
    assert tags.addresses == []
    assert not tags.seen & {"script", "iframe", "img", "link", "object"}
    assert "http" not in page.replace("http-equiv", "")
    assert "prefers-color-scheme:dark" in page
    assert all(name in said for name in (*FAULTS, "finance", "healthcare", "automotive", "explain-away"))
    assert "its signals are logs" in said
    assert "promtool could not make a block: no space" in said
    assert "1 run failed for reasons of its own" in said


def test_pictures_are_well_formed() -> None:
    pictures = re.findall(r"<svg.*?</svg>", render_report(evaluation(), "explain-away"), re.S)
    assert len(pictures) == 3
    for picture in pictures:
        assert ElementTree.fromstring(picture).get("aria-label")


def test_the_same_runs_give_the_same_page() -> None:
    assert render_report(evaluation(), "n-sigma") == render_report(evaluation(), "n-sigma")


@pytest.mark.parametrize(
    "runs",
    [
        [],
        [quiet(named=False)],
        [quiet(named=True)],
        [fault(1)],
        [fault(None, detect=None)],
        [RunResult.failed("finance", "oom-kill", 0, "broken")],
        [RunResult.failed("finance", None, 0, "")],
        [fault(None, detect=None, unreadable="its signals are costs")],
    ],
    ids=["none", "quiet", "false alarm", "right", "unnoticed", "failed", "quiet failed", "unreadable"],
)
def test_few_runs(runs: Sequence[RunResult]) -> None:
    assert Tags(render_report(runs, "explain-away")).open == []


def test_what_runs_are_called_cannot_harm_the_page() -> None:
    runs = [
        fault(2, platform=NASTY, name=NASTY, unreadable=NASTY, kind=NASTY),
        fault(3, platform=NASTY, name=NASTY, kind=NASTY),
        RunResult.failed(NASTY, NASTY, 0, NASTY * 100),
    ]
    page = render_report(runs, NASTY)
    assert "<script" not in page
    assert "\u202e" not in page
    assert Tags(page).open == []


def test_the_heat_map_has_the_hardest_fault_on_top() -> None:
    found = heat_map(score([fault(1, name="easy"), fault(2, name="hard"), fault(1, name="easy", platform="iot")]))
    assert [label.text for label in found.labels] == ["hard", "easy"]
    assert [head.text for head in found.heads] == ["finance", "iot", "all: first", "all: first three"]
    hard = found.squares[:4]
    assert [square.text for square in hard] == ["0/1", "–", "0 %", "100 %"]
    assert hard[1].strength is None
    assert hard[1].spoken == "hard, iot: not run"
    assert hard[3].tone == "strong"
    assert found.squares[4].strength == pytest.approx(0.95)


def test_a_dot_of_the_reliability_diagram_stands_where_it_should() -> None:
    found = reliability(score([fault(1, probability=0.8), fault(2, probability=0.8)]).calibration)
    (dot,) = found.dots
    assert dot.x == pytest.approx(found.left + 0.8 * SIDE)
    assert dot.y == pytest.approx(found.top + 0.5 * SIDE)
    assert dot.high < dot.y < dot.low
    assert dot.spoken == "2 answers with 80 % in the mean: 50 % right"


def test_lines_end_at_the_share_that_was_ever_localised() -> None:
    found = course(
        [fault(1, detect=30, localise=60), fault(3, detect=30, localise=90), fault(None), fault(None, detect=None)]
    )
    assert found is not None
    ends = {curve.name: curve.end_y for curve in found.curves}
    assert ends["alert"] == TOP + HIGH * 0.25
    assert ends["three"] == TOP + HIGH * 0.5
    assert ends["one"] == TOP + HIGH * 0.75
    assert found.x_ticks[-1].label == "1.5 min"


def test_labels_of_lines_that_end_together_do_not_overlap() -> None:
    found = course([fault(1)])
    assert found is not None
    places = sorted(curve.label_y for curve in found.curves)
    assert min(b - a for a, b in pairwise(places)) >= 17.0


def test_nothing_noticed_has_no_course() -> None:
    assert course([fault(None, detect=None), quiet(named=True)]) is None


def test_the_surest_mistakes_come_first_and_say_what_was_said() -> None:
    runs = [
        fault(2, seed=1, probability=0.5),
        fault(None, seed=2, probability=0.9, kind="disk"),
        fault(1, seed=3),
        fault(None, seed=4, detect=None),
        quiet(named=True, seed=5),
        quiet(named=False, seed=6),
        fault(None, seed=7, unreadable="logs"),
    ]
    found = worst(runs)
    assert [one.seed for one in found] == [2, 5, 1, 4]
    assert found[0].said == "service other0, disk, 90 %"
    assert found[0].truth == "service cart"
    assert [one.place for one in found] == ["not listed", "false alarm", "place 2", "not listed"]
    assert found[3].said == "nothing: no alert fired"


def test_words() -> None:
    assert [seconds(value) for value in (None, 0.44, 85.0, 300.0)] == ["–", "0.4 s", "85 s", "5.0 min"]
    assert share(None) == lasted(None) == "–"
    assert short("no entity") == "no entity"
    assert short("c/n/pod/a%2Fb") == "pod a/b"
    assert len(clip("x" * 1000)) == 160
