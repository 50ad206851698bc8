"""The report in a real browser: nothing to complain about, nothing fetched, readable in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_lab.evaluate.report import render_report
from tests.integration.page.browser import THEMES, Browser, find_chromium, read_picture
from tests.unit.lab_evaluate.samples import evaluation


@pytest.fixture
def browser(tmp_path: Path) -> Browser:
    return Browser(find_chromium(), tmp_path)


@pytest.fixture
def address(tmp_path: Path) -> str:
    page = tmp_path / "report.html"
    page.write_text(render_report(evaluation(), "explain-away"), encoding="utf-8")
    return page.as_uri()


def test_the_browser_has_nothing_to_say_and_fetches_nothing(browser: Browser, address: str) -> None:
    visit = browser.visit(address)
    assert "How good the judgement is" in visit.dom
    assert visit.console == ()
    assert "http://" not in visit.dom.replace("http://www.w3.org", "")


def test_it_is_light_and_dark(browser: Browser, address: str) -> None:
    corners = {}
    for theme in THEMES:
        picture = read_picture(browser.screenshot(address, theme, 1280, 900))
        assert picture.different_rows > 200
        corners[theme] = sum(picture.corner)
    assert corners["dark"] < 150 < 600 < corners["light"]
