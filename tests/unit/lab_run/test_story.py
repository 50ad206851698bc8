"""A live run tells what has come, once, and nothing of the future."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from brain_common.errors import ConfigError
from brain_lab.emit.folder import Emission
from brain_lab.emit.records import NANOS, LogRecord, Origin, Severity
from brain_lab.live.story import Addresses, Story, forward_sender, otlp_client, so_far
from brain_lab.run.request import Request, played
from brain_lab.scenario.play import MONDAY
from brain_lab.tell.emission import Amounts, emission_of

START = MONDAY + 36000.0


@pytest.fixture(scope="module")
def emission() -> Emission:
    return emission_of(played(Request("automotive", "bad-rollout", 1, START, 900.0, 400.0)), Amounts(500, 500, 1, 1))


def test_nothing_of_the_future_is_known(emission: Emission) -> None:
    now = START + 450.0
    known = so_far(emission, now)
    assert 0 < len(known.events) < len(emission.events)
    assert all(one.last <= now * NANOS for one in known.events)
    assert all(one.end <= now * NANOS for one in known.changes)
    assert all(one.time < now * NANOS for one in known.calls)
    assert not known.logs


@pytest.mark.anyio
async def test_files_only_grow(emission: Emission, tmp_path: Path) -> None:
    story = Story(emission, START, tmp_path, Addresses())
    await story.tell(START + 450.0)
    events = tmp_path / "events" / "kubernetes-events.jsonl"
    before = events.read_bytes()
    trails = {path: gzip.decompress(path.read_bytes()) for path in (tmp_path / "cloudtrail").rglob("*.gz")}
    await story.tell(START + 890.0)
    assert events.read_bytes().startswith(before)
    assert len(events.read_bytes()) > len(before)
    assert all(gzip.decompress(path.read_bytes()) == text for path, text in trails.items())
    assert all(json.loads(line) for line in events.read_text().splitlines())
    await story.close()


@pytest.mark.anyio
async def test_a_line_is_told_once(tmp_path: Path) -> None:
    lines = [LogRecord(int((START + n) * NANOS), Origin("shop"), Severity.INFO, f"{n}") for n in range(10)]
    story = Story(Emission(logs=lines), START + 2.0, tmp_path, Addresses())
    assert [await story.tell(START + at) for at in (4.0, 4.0, 9.0, 20.0)] == [2, 0, 5, 0]


@pytest.mark.parametrize("address", ["", ":24224", "host:port"])
def test_a_wrong_forward_address_is_said(address: str) -> None:
    with pytest.raises(ConfigError, match="--forward"):
        forward_sender(address)


@pytest.mark.parametrize("address", ["localhost", "localhost:otlp"])
def test_a_wrong_otlp_address_is_said(address: str) -> None:
    with pytest.raises(ConfigError, match="--otlp"):
        otlp_client(address)
