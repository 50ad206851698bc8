"""Nothing that was accepted is lost: the next hop away, the processor killed, and more than it has room for."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_lab.bench.otel.losses import MEMORY_LIMIT, killed, next_hop_away, overload
from tests.servers.provide import require

pytestmark = pytest.mark.timeout(170)

CONFIG = {"enrich": [{"tags": {"attributes": {"brain.industry": "finance"}}}]}


@pytest.fixture(autouse=True)
def program(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Collector that the tests use."""
    monkeypatch.setenv("BRAIN_OTELCOL_BIN", str(require("otelcol")))


def test_what_came_while_the_next_hop_was_away_arrives(tmp_path: Path) -> None:
    left = next_hop_away(tmp_path, "logs", seconds=10, config=CONFIG)
    assert left.accepted > 0
    assert left.lost == 0


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    left = killed(tmp_path, "spans", kills=5, config=CONFIG)
    assert left.accepted > 0
    assert left.lost == 0
    assert left.repeated <= left.accepted


def test_more_than_it_has_room_for_is_refused_so_that_it_comes_again(tmp_path: Path) -> None:
    over = overload(tmp_path, "logs", requests=200, in_flight=200, config=CONFIG)
    assert over.refused > 0
    assert over.dropped == 0
    assert over.balance.accepted > 0
    assert over.balance.lost == 0
    assert over.peak_rss_bytes < MEMORY_LIMIT
