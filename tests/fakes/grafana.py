"""The lab's Grafana, which also refuses what Grafana's own OpenAPI document does not allow."""

from __future__ import annotations

from collections.abc import Iterable

from brain_lab.fakes.grafana import DEFAULT_LIMIT, MAX_TAGS_JSON
from brain_lab.fakes.grafana import FakeGrafana as _FakeGrafana
from tests.fakes.openapi import Contract

__all__ = ["DEFAULT_LIMIT", "MAX_TAGS_JSON", "FakeGrafana"]


class FakeGrafana(_FakeGrafana):
    """See the lab's; ``violations`` is filled where the document is beside the checkout."""

    def __init__(
        self,
        *,
        token: str | None = None,
        dashboards: Iterable[str] = (),
        missing_dashboard: int = 404,
        missing_annotation: int = 404,
        port: int = 0,
    ) -> None:
        contract = Contract.load("grafana-openapi3.json", "/api")
        super().__init__(
            token=token,
            dashboards=dashboards,
            missing_dashboard=missing_dashboard,
            missing_annotation=missing_annotation,
            port=port,
            check=contract.violations if contract is not None else None,
        )
