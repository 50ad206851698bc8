"""Addresses of Grafana's Explore that show a query over an incident's window; built from configuration, never fetched.

The form is Grafana's ``schemaVersion=1`` with ``panes``
(https://grafana.com/docs/grafana/latest/explore/get-started-with-explore/#generate-explore-urls-from-external-tools).
"""

from __future__ import annotations

import json
from urllib.parse import quote

from brain_rca.evidence.protocol import Window


def explore_link(grafana: str, datasource: str, organisation: int | None, query: str, window: Window) -> str:
    """The address.

    Args:
        grafana: Where Grafana is.
        datasource: Uid of its data source for the metrics.
        organisation: Number of the organisation; the reader's own when absent.
        query: PromQL.
        window: Shown from its baseline's start to its end.
    """
    source = {"type": "prometheus", "uid": datasource}
    span = {"from": f"{window.baseline_start * 1000:.0f}", "to": f"{window.end * 1000:.0f}"}
    asked = {"refId": "A", "expr": query, "datasource": source}
    panes = json.dumps({"a": {"datasource": datasource, "queries": [asked], "range": span}}, separators=(",", ":"))
    whose = f"&orgId={organisation}" if organisation is not None else ""
    return f"{grafana.rstrip('/')}/explore?schemaVersion=1&panes={quote(panes, safe='')}{whose}"
