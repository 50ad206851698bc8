"""The page in a real browser: no script runs, nothing is fetched, nothing overflows, both themes show."""

from __future__ import annotations

import re

import pytest

from tests.integration.page.browser import Browser, read_picture
from tests.integration.page.conftest import SAMPLES, Site

BACKGROUNDS = {"light": (0xF5, 0xF5, 0xF2), "dark": (0x0F, 0x12, 0x16)}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_page_loads_alone_and_without_complaint(browser: Browser, site: Site, name: str) -> None:
    visit = browser.visit(site.incident(name) + "?refresh=off")
    assert visit.console == ()
    assert set(site.asked) == {site.incident(name).removeprefix(site.url)}
    assert "example.org" not in visit.network
    assert "<h1>" in visit.dom
    assert "<script" not in visit.dom.lower()


def test_the_dom_holds_what_the_engineer_needs(browser: Browser, site: Site) -> None:
    dom = browser.visit(site.incident("rich") + "?refresh=off").dom
    assert 'Confirmed: <strong title="prod-eu/shop/database/payments-db">payments-db</strong>, saturation' in dom
    assert dom.count('class="draw"') == 5
    assert len(re.findall(r'<path class="data" d="M', dom)) == 5
    assert "not validated" in dom


def test_a_page_that_breaks_its_policy_is_noticed(browser: Browser, site: Site) -> None:
    visit = browser.visit(site.url + "/broken")
    assert len(visit.console) >= 3
    assert all("Content Security Policy" in line for line in visit.console)


@pytest.mark.parametrize("path", ["/incidents", "/incidents/nothing", "/incidents/by-fingerprint/feed?try=12"])
def test_the_other_pages_load_without_complaint(browser: Browser, site: Site, path: str) -> None:
    visit = browser.visit(site.url + path)
    assert visit.console == ()
    assert "<h1" in visit.dom


def test_a_fingerprint_leads_to_the_page(browser: Browser, site: Site) -> None:
    dom = browser.visit(site.url + "/incidents/by-fingerprint/0000000000000000").dom
    assert "<h1>" in dom
    assert any(path.startswith("/incidents/0") for path in site.asked)


@pytest.mark.parametrize("width", [380, 760, 1280])
@pytest.mark.parametrize("name", ["rich", "long_names", "hostile", "many_alerts"])
def test_nothing_overflows(browser: Browser, site: Site, name: str, width: int) -> None:
    page = site.incident(name).removeprefix(site.url)
    dom = browser.visit(f"{site.url}/ruler?width={width}&path={page}?refresh=off").dom
    assert "overflow=0 loose=0 scripts=0" in dom


@pytest.mark.parametrize("width", [380, 1280])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/incidents", ""])
def test_both_themes_paint_something(browser: Browser, site: Site, path: str, theme: str, width: int) -> None:
    url = site.url + path if path else site.incident("rich") + "?refresh=off"
    picture = read_picture(browser.screenshot(url, theme, width, 1200))
    assert (picture.width, picture.height) == (width, 1200)
    assert picture.corner == BACKGROUNDS[theme]
    assert picture.different_rows > 300
