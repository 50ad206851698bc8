"""Links to a query in Grafana's Explore: from configuration, and none where nothing is configured."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from brain_common.clients.http import HttpSettings
from brain_rca.page.text import web_address
from brain_rca.publish.config import GrafanaSinkConfig, PublishConfig, build_links
from tests.unit.analysis.samples import WINDOW

QUERY = 'sum by (service) (rate(x{a="b&c"}[2m])) > 0'


def grafana(**changes: object) -> PublishConfig:
    http = HttpSettings.model_validate({"url": "https://grafana.example.org/g"})
    return PublishConfig(grafana=GrafanaSinkConfig.model_validate({"http": http, **changes}))


def test_the_query_and_the_window_arrive_whole() -> None:
    link = build_links(grafana(explore_datasource="prom-1", organisation_id=7))(QUERY, WINDOW)
    asked = parse_qs(urlsplit(link).query)
    [pane] = json.loads(asked["panes"][0]).values()
    assert link.startswith("https://grafana.example.org/g/explore?")
    assert pane["queries"][0]["expr"] == QUERY
    assert pane["datasource"] == "prom-1"
    assert pane["range"] == {"from": f"{WINDOW.baseline_start * 1000:.0f}", "to": f"{WINDOW.end * 1000:.0f}"}
    assert asked["orgId"] == ["7"]
    assert web_address(link) == link  # the page shows it


def test_without_a_data_source_there_is_none() -> None:
    assert build_links(grafana())(QUERY, WINDOW) == ""
    assert build_links(PublishConfig())(QUERY, WINDOW) == ""
