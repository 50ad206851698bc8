"""The geometry of an evidence plot."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brain_rca.model import Plot
from brain_rca.page import plot as plots
from brain_rca.page.plot import Drawing, draw
from tests.unit.page.samples import ONSET, START, series

WINDOW = (ONSET - 600, ONSET + 900)


def drawing(plot: Plot, onset: float | None = ONSET, direction: str = "up", until: float | None = None) -> Drawing:
    result = draw(plot, onset, WINDOW, direction, until)
    assert result is not None
    return result


def flat(values: tuple[float | None, ...], unit: str = "seconds", baseline: float | None = None) -> Plot:
    times = tuple(START + 15.0 * index for index in range(len(values)))
    return Plot(title="t", unit=unit, times=times, values=values, baseline=baseline)


def corners(path: str) -> list[tuple[int, int]]:
    """Absolute positions along a path of M, h0 and l."""
    found: list[tuple[int, int]] = []
    for command, right, down in re.findall(r"([Ml])(-?\d+) (-?\d+)", path):
        base = found[-1] if command == "l" else (0, 0)
        found.append((base[0] + int(right), base[1] + int(down)))
    return found


def test_axes_end_on_round_numbers_in_a_unit_of_their_size() -> None:
    result = drawing(series("wait", "seconds", 0.004, 1.83))
    assert [tick.label.replace("\N{NARROW NO-BREAK SPACE}", " ") for tick in result.y_ticks] == [
        "0 s",
        "1 s",
        "2 s",
        "3 s",
    ]
    assert [tick.label for tick in result.x_ticks] == ["02:30", "02:45", "03:00", "03:15"]
    assert result.y_ticks[0].at == plots.PIXELS
    assert result.y_ticks[-1].at == 0


def test_bytes_ratios_and_narrow_ranges_get_distinct_ticks() -> None:
    for unit, low, high in (
        ("bytes", 3.1e8, 4.9e8),
        ("ratio", 0.0, 0.00031),
        ("count", 1e9, 1e9 + 3),
        ("", 5.0, 5.0),
    ):
        labels = [tick.label for tick in drawing(flat((low, high), unit)).y_ticks]
        assert len(labels) == len(set(labels)) >= 3, labels


def test_onset_window_and_baseline_are_where_they_belong() -> None:
    result = drawing(series("wait", "seconds", 0.5, 1.0))
    assert result.onset is not None
    assert result.onset.at == pytest.approx(100 * (ONSET - START) / (239 * 15), abs=0.01)
    assert result.window is not None
    assert result.window[0] == pytest.approx(100 * (ONSET - 600 - START) / (239 * 15), abs=0.01)
    assert result.baseline is not None
    assert 0 < result.baseline.at < plots.PIXELS
    assert "usual level 500" in result.spoken


def test_an_onset_outside_the_plot_is_not_drawn() -> None:
    assert drawing(flat((1.0, 2.0)), onset=START - 1).onset is None
    assert drawing(flat((1.0, 2.0)), onset=None).onset is None


def test_the_end_is_marked_and_spoken_like_the_onset() -> None:
    result = drawing(series("wait", "seconds", 0.5, 1.0), until=ONSET + 300)
    assert result.until is not None
    assert result.until.at == pytest.approx(100 * (ONSET + 300 - START) / (239 * 15), abs=0.01)
    assert result.until.label == "over 03:17:15"
    assert result.spoken.endswith("began 03:12:15 UTC, over 03:17:15 UTC")


def test_an_end_outside_the_plot_is_not_drawn_and_what_lasts_has_none() -> None:
    assert drawing(flat((1.0, 2.0)), until=START + 16).until is None
    assert "over" not in drawing(flat((1.0, 2.0)), until=None).spoken


def test_the_line_starts_left_ends_right_and_stays_inside() -> None:
    points = corners(drawing(series("wait", "seconds", 0.1, 2.0)).path)
    assert (points[0][0], points[-1][0]) == (0, plots.WIDTH)
    assert all(0 <= down <= plots.HEIGHT for _, down in points)


def test_a_gap_breaks_the_line_and_a_lone_point_is_a_dot() -> None:
    path = drawing(flat((1.0, 2.0, None, 3.0, math.nan, 1.0, 1.0))).path
    assert path.count("M") == 3
    assert "h0M" in path


def test_thinning_keeps_every_spike() -> None:
    values = [1.0] * 5000
    values[1234], values[4321] = 9.0, -9.0
    points = corners(drawing(flat(tuple(values))).path)
    assert len(points) <= plots.MAX_POINTS
    highs = {down for _, down in points}
    assert len(highs) == 3  # the level, the spike up and the spike down


def test_the_caption_names_the_bad_extreme() -> None:
    assert drawing(flat((1.0, 4.0))).peak.startswith("highest single value 4")
    assert drawing(flat((1.0, 4.0)), direction="down").peak.startswith("lowest single value 1")


def test_too_little_to_draw_is_no_drawing() -> None:
    assert draw(flat(()), ONSET, WINDOW) is None
    assert draw(flat((1.0,)), ONSET, WINDOW) is None
    assert draw(flat((None, math.nan, 2.0)), ONSET, WINDOW) is None
    same = Plot(title="t", unit="", times=(1.0, 1.0), values=(1.0, 2.0))
    assert draw(same, ONSET, WINDOW) is None


ANY = st.floats(allow_nan=True, allow_infinity=True)


@given(
    st.lists(st.tuples(ANY, st.one_of(st.none(), ANY)), max_size=30),
    st.one_of(st.none(), ANY),
    st.one_of(st.none(), ANY),
    st.sampled_from(["seconds", "bytes", "ratio", "", "x/y"]),
)
def test_no_numbers_break_the_drawing(
    points: list[tuple[float, float | None]], baseline: float | None, onset: float | None, unit: str
) -> None:
    times, values = tuple(at for at, _ in points), tuple(value for _, value in points)
    result = draw(Plot(title="t", unit=unit, times=times, values=values, baseline=baseline), onset, WINDOW)
    if result is not None:
        assert 2 <= len(result.y_ticks) <= 8
        assert len(result.x_ticks) <= 8
        assert all(-1 <= down <= plots.HEIGHT + 1 for _, down in corners(result.path))
