"""What bills in the lake say of a window: who cost more than usual, once that is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from brain_common.entity import Entity, EntityKind
from brain_common.spikes import DAY
from brain_engine.series import EventKind, Family
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import COST
from brain_lake.writer import LakeWriter
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.lake import LakeEvidence
from brain_rca.evidence.lake_bills import SCORE, bills
from brain_rca.evidence.protocol import Window
from brain_rca.evidence.raw import RawEvidence

NOON = datetime(2026, 3, 20, 12, tzinfo=UTC).timestamp()
TODAY = int(NOON // DAY) * DAY
LAST = TODAY - 2 * DAY  # the last day whose bill has had a day to come in
WINDOW = Window(baseline_start=NOON - 3600, start=NOON - 600, end=NOON, step=60.0)
ACCOUNT = "210987654321"
EC2 = Entity("c1", ACCOUNT, EntityKind.CLOUD_RESOURCE, "AmazonEC2")
CART = Entity("c1", "", EntityKind.SERVICE, "cart")


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def charged(
    folder: Path,
    amounts: Sequence[float],
    *,
    read: float = NOON - 7200.0,
    last: int = LAST,
    service: str = "AmazonEC2",
    tag: tuple[str, str] | None = None,
    named: str = "",
    kind: str = "service",
) -> None:
    """One amount a day until ``last``; ``named`` is what the tag names."""
    days = [last - DAY * back for back in range(len(amounts))][::-1]
    same = {
        "cluster": "c1",
        "namespace": "",
        "kind": kind if named else "cloud-resource",
        "name": named or ACCOUNT,
        "source": "cost-explorer",
        "account_id": ACCOUNT,
        "region": "eu-central-1",
        "service": service,
        "usage_type": "",
        "cost_type": "unblended",
        "currency": "USD",
        "tags": json.dumps(dict([tag])) if tag else None,
    }
    columns = {name: pa.array([text] * len(days), pa.string()) for name, text in same.items()}
    times = {
        "timestamp": [moment(day) for day in days],
        "period_end": [moment(day + DAY) for day in days],
        "retrieved_at": [moment(read)] * len(days),
    }
    LakeWriter(LakeLocation.local(folder)).append(COST, pa.table({**columns, **times, "amount": list(amounts)}))


def said(folder: Path, window: Window = WINDOW) -> RawEvidence:
    return bills(LakeReader(LakeLocation.local(folder)), window)


def scores(found: RawEvidence) -> dict[Entity, list[float]]:
    [panel] = found.panels
    assert panel.signal == SCORE
    assert panel.signal.family is Family.COST
    return {entity: panel.values[row].tolist() for row, entity in enumerate(panel.entities)}


def test_no_bills_say_nothing(tmp_path: Path) -> None:
    assert said(tmp_path) == RawEvidence()


def test_a_spike_that_is_read_in_the_window_is_news_from_then_on(tmp_path: Path) -> None:
    charged(tmp_path, [100.0] * 30, last=LAST - DAY)
    charged(tmp_path, [300.0], read=NOON - 300.0)
    found = said(tmp_path)
    [course] = scores(found).values()
    known = np.flatnonzero(np.array(course) > 0)
    assert len(course) == 61
    assert known.tolist() == list(range(55, 61))
    [event] = found.events
    assert (event.at, event.entity, event.kind, event.warning) == (NOON - 300.0, EC2, EventKind.COST, True)
    assert event.message == "AmazonEC2 cost 300.00 USD on 2026-03-18, 200.00 more than such days do"


def test_a_spike_that_was_known_before_is_no_news(tmp_path: Path) -> None:
    charged(tmp_path, [*[100.0] * 30, 300.0])
    charged(tmp_path, [301.0], read=NOON - 300.0)  # a correction
    found = said(tmp_path)
    assert found.events == []
    assert min(scores(found)[EC2]) > 4.0


def test_what_was_read_later_is_not_known_yet(tmp_path: Path) -> None:
    charged(tmp_path, [100.0] * 31)
    charged(tmp_path, [300.0], read=NOON + 60.0)
    assert set(scores(said(tmp_path))[EC2]) == {0.0}


def test_a_day_that_is_not_complete_is_neither_rise_nor_fall(tmp_path: Path) -> None:
    charged(tmp_path, [*[100.0] * 30, 3.0, 900.0], last=TODAY, read=NOON - 300.0)
    found = said(tmp_path)
    assert (set(scores(found)[EC2]) - {0.0}, found.events) == (set(), [])


def test_a_day_becomes_complete_in_the_window(tmp_path: Path) -> None:
    midnight = Window(TODAY - 1800.0, TODAY - 600.0, TODAY + 600.0, 60.0)
    charged(tmp_path, [*[100.0] * 30, 300.0], read=TODAY - 7200.0)
    found = said(tmp_path, midnight)
    assert [event.at for event in found.events] == [TODAY]
    course = scores(found)[EC2]
    assert (course[0], course[29], course[30] > 4.0) == (0.0, 0.0, True)


def test_the_tag_that_names_an_entity_joins_and_the_account_is_not_charged_twice(tmp_path: Path) -> None:
    charged(tmp_path, [100.0] * 31)
    charged(tmp_path, [*[10.0] * 30, 90.0], tag=("app", "cart"), named="cart")
    charged(tmp_path, [*[90.0] * 30, 9.0], tag=("team", "shop"))
    found = scores(said(tmp_path))
    assert found.keys() == {EC2, CART}
    assert set(found[EC2]) == {0.0}
    assert min(found[CART]) > 4.0


def test_too_few_days_have_no_score(tmp_path: Path) -> None:
    charged(tmp_path, [*[100.0] * 9, 900.0])
    assert np.isnan(scores(said(tmp_path))[EC2]).all()


def test_an_entity_of_an_unknown_kind_is_left_out(tmp_path: Path) -> None:
    charged(tmp_path, [100.0] * 31)
    charged(tmp_path, [100.0] * 31, tag=("app", "cart"), named="cart", kind="thing")
    assert scores(said(tmp_path)).keys() == {EC2}


@pytest.mark.anyio
async def test_the_source_hands_bills_over_but_not_with_a_baseline_of_earlier(tmp_path: Path) -> None:
    charged(tmp_path, [100.0] * 31)
    source = LakeEvidence(LakeLocation.local(tmp_path), load_catalogue(), 30.0, has_signals=False)
    assert [panel.signal for panel in (await source.read(WINDOW)).panels] == [SCORE]
    earlier = Window(WINDOW.baseline_start, WINDOW.start, WINDOW.start - 60.0, 60.0)
    assert (await source.read(earlier)).panels == []
