"""A recorded case as a store of traces: what it answers when it is asked about a part of the system."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brain_cli.recorded_flow import RecordedFlow
from brain_common.entity import Entity, EntityKind
from brain_engine.flow.tables import NOWHERE
from brain_engine.plugins import load_miner
from brain_lab.bench.rca import NOW
from brain_lab.recorded import load_case
from brain_lab.replay.flow import flow_of
from brain_lab.replay.timeline import lay_out, plan_for
from brain_rca.evidence.protocol import Focus, Window
from tests.unit.lab import folders

pytestmark = pytest.mark.anyio

WINDOW = Window(baseline_start=NOW - 7200, start=NOW - 1800, end=NOW, step=15.0)


@pytest.fixture
def source(tmp_path: Path) -> RecordedFlow:
    case = load_case("nezha", folders.nezha_flow(folders.nezha(tmp_path)), "2022-08-22/04:10:30")
    flow = flow_of(lay_out(case, NOW, plan_for(case.step)))
    assert flow is not None
    return RecordedFlow(flow, load_miner("drain"))


def focus(name: str) -> Focus:
    return Focus(frozenset({Entity("lab", "replay", EntityKind.SERVICE, name)}))


async def test_traces_that_meet_the_focus_are_given_whole_with_their_lines(source: RecordedFlow) -> None:
    found = await source.read(WINDOW, focus("store"))
    assert found.spans is not None
    assert found.lines is not None
    assert found.spans.entities == ("//service/store", "//service/web")
    assert (len(found.spans.trace), len(found.lines.at)) == (12, 6)
    assert found.lines.templates == ("INFO found it at <*>",)
    assert set(found.lines.severity.tolist()) == {9}
    assert {found.spans.entities[one] for one in found.spans.entity[found.lines.span].tolist()} == {"//service/store"}
    assert np.count_nonzero(found.spans.parent == NOWHERE) == 6


async def test_of_others_and_other_times_there_is_nothing(source: RecordedFlow) -> None:
    assert (await source.read(WINDOW, focus("somebody"))).spans is None
    assert (await source.read(Window(NOW - 600, NOW - 300, NOW - 250, 15.0), None)).spans is None
