"""What a file may leave out."""

from __future__ import annotations

from typing import Any

import pytest

from brain_common.settings import check_settings
from brain_exporters.runtime.exporter import load_kind
from tests.contract.exporters.cases import CASES

PORTS = {"kube-events": 9851, "cloudtrail": 9852, "cost": 9853, "changes": 9854}


@pytest.mark.parametrize(("name", "port"), PORTS.items())
@pytest.mark.parametrize("http", [None, {}, {"host": "0.0.0.0"}])
def test_an_exporter_has_a_port_of_its_own(name: str, port: int, http: dict[str, Any] | None, tmp_path: Any) -> None:
    kind = load_kind(name)
    data = CASES[name](tmp_path, "http://127.0.0.1:1") | {"state": str(tmp_path / "state")}
    settings = check_settings(data if http is None else data | {"http": http}, kind.settings, "test")
    assert settings.http.port == port
    assert settings.http.host == ((http or {}).get("host") or "127.0.0.1")
