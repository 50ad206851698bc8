"""Spans and lines of a recorded case: what is the incident's, what it is compared with, and where both are put."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from brain_common.errors import InputError
from brain_engine.flow.tables import NOWHERE
from brain_lab.bench.quiet import quiet_cases
from brain_lab.bench.renaming import renamings
from brain_lab.recorded import RecordedCase, load_case
from brain_lab.recorded.flow import Flow
from brain_lab.recorded.nezha_flow import LONGEST_GAP, NEAR
from brain_lab.replay.flow import flow_of
from brain_lab.replay.timeline import lay_out, plan_for
from tests.unit.lab import folders

NOW = 1_700_000_400.0
CASE = "2022-08-22/04:10:30"


@pytest.fixture
def case(tmp_path: Path) -> RecordedCase:
    return load_case("nezha", folders.nezha_flow(folders.nezha(tmp_path)), CASE)


def flow(of: Flow | None) -> Flow:
    assert of is not None
    return of


def roots(of: Flow) -> list[float]:
    return sorted(of.spans.start[of.spans.parent == NOWHERE].tolist())


def said(of: Flow) -> list[str]:
    """When the lines say that they were written, in the order in which they are laid out."""
    return [of.lines.texts[row][-8:] for row in np.argsort(of.lines.at).tolist()]


def test_the_incident_has_the_traces_that_began_in_its_minutes_each_once(case: RecordedCase) -> None:
    found = flow(case.incident.flow)
    # The row of the minute in which the fault began starts at 04:10:20; the trace of 04:10:40 is in two files.
    assert said(found) == ["04:10:40", "04:11:40"]
    assert [at - case.incident.times[0] for at in roots(found)] == pytest.approx([20.0, 80.0], abs=1.0)


def test_it_is_compared_with_what_is_not_near_the_minutes_after_it_in_front(case: RecordedCase) -> None:
    found = flow(case.normal.flow)
    # The other fault is as near as the minutes around this one.
    assert said(found) == ["05:05:10", "05:06:10", "03:30:10", "03:31:10"]
    assert np.diff(roots(found)).tolist() == pytest.approx([LONGEST_GAP] * 3)
    assert roots(found)[-1] == pytest.approx(case.normal.times[-1] + case.step - NEAR)


def test_with_the_past_only_nothing_that_came_after_is_known(tmp_path: Path) -> None:
    case = load_case("nezha-past", folders.nezha_flow(folders.nezha(tmp_path)), CASE)
    assert said(flow(case.normal.flow)) == ["03:30:10", "03:31:10"]
    assert len(case.normal.times) == 11  # minutes in front of the one in which the fault began


def test_spans_know_their_parents_and_lines_their_spans(case: RecordedCase) -> None:
    for found in (flow(case.incident.flow), flow(case.normal.flow)):
        below = np.flatnonzero(found.spans.parent != NOWHERE)
        assert [found.spans.entities[number] for number in found.spans.entity[below]] == ["store"] * len(below)
        assert (found.spans.trace[found.spans.parent[below]] == found.spans.trace[below]).all()
        assert sorted(found.lines.span.tolist()) == below.tolist()
        assert found.lines.at - found.spans.start[found.lines.span] == pytest.approx(0.04, abs=1e-4)
        assert "INFO of nobody" not in found.lines.texts


def test_a_day_without_traces_has_none(tmp_path: Path) -> None:
    case = load_case("nezha", folders.nezha(tmp_path), CASE)
    assert (case.normal.flow, case.incident.flow) == (None, None)
    assert flow_of(lay_out(case, NOW, plan_for(case.step))) is None


def test_damaged_traces_are_refused(tmp_path: Path) -> None:
    root = folders.nezha(tmp_path)
    path = root / "construct_data" / "2022-08-22" / "trace" / "04_02_trace.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no gzip")
    with pytest.raises(InputError, match="cannot be read as spans"):
        load_case("nezha", root, CASE)
    with gzip.open(path, "wt") as file:
        file.write(f"{','.join(folders.NEZHA_SPAN)}\nt,a,root,web-6cfdd55578-gfj6q,GET,now,1\n")
    with pytest.raises(InputError, match="a time cannot be read"):
        load_case("nezha", root, CASE)


def test_the_replay_puts_both_periods_where_their_metrics_are(case: RecordedCase) -> None:
    timeline = lay_out(case, NOW, plan_for(case.step))
    found = flow(flow_of(timeline))
    began = float(timeline.times[timeline.incident_rows >= 0][0])
    assert [at - began for at in roots(found)[-2:]] == pytest.approx([20.0, 80.0], abs=timeline.scrape_seconds)
    assert roots(found)[-3] == pytest.approx(began - NEAR, abs=timeline.scrape_seconds)
    assert said(found)[-3:] == ["03:31:10", "04:10:40", "04:11:40"]
    below = found.spans.parent != NOWHERE
    assert (found.spans.start[below] - found.spans.start[found.spans.parent[below]]).tolist() == pytest.approx(
        [0.01] * 6
    )


def test_other_names_are_other_names_in_traces_too(case: RecordedCase) -> None:
    for one in renamings(case, 1):
        renamed = flow(one.case(case).incident.flow)
        assert one.back(renamed.spans.entities) == ("store", "web")
        assert not {"store", "web"} & set(renamed.spans.entities)


def test_quiet_windows_have_no_traces(case: RecordedCase) -> None:
    windows = list(quiet_cases([case], 2))
    assert windows
    assert all(one.normal.flow is None and one.incident.flow is None for one in windows)
