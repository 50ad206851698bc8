"""The loaders give base units, the right direction of calls, and nothing of the answer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brain_common.errors import InputError
from brain_engine.series import Family
from brain_lab.recorded import AlertTarget, Measure, SeriesKey, list_cases, load_case, truth
from brain_lab.recorded import table as table_module
from tests.unit.lab import folders


def test_petshop_is_found_under_its_dataset_folder_and_without_it(tmp_path: Path) -> None:
    folders.petshop(tmp_path / "dataset")
    assert list_cases("petshop", tmp_path) == ("low/test/issue_0",)
    assert list_cases("petshop", tmp_path / "dataset") == ("low/test/issue_0",)


def test_petshop_units_are_seconds_ratios_and_requests_per_second(tmp_path: Path) -> None:
    case = load_case("petshop", folders.petshop(tmp_path), "low/test/issue_0")
    assert case.step == 300.0
    assert case.incident.values[SeriesKey("web", Measure.REQUEST_RATE)].tolist() == [1.0] * 5
    assert case.incident.values[SeriesKey("web", Measure.ERROR_RATIO)].tolist() == [0.0] * 5
    assert case.incident.values[SeriesKey("web", Measure.LATENCY_MEAN)] == pytest.approx([0.1, 0.1, 0.3, 0.3, 0.3])
    assert case.normal.times.tolist() == [1_700_000_000 + 300 * n for n in range(40)]


def test_petshop_empty_cells_are_gaps(tmp_path: Path) -> None:
    case = load_case("petshop", folders.petshop(tmp_path), "low/test/issue_0")
    latency = case.incident.values[SeriesKey(folders.NASTY, Measure.LATENCY_P99)]
    assert np.isnan(latency).tolist() == [True, False, False, False, False]


def test_petshop_rows_of_the_graph_call_its_columns(tmp_path: Path) -> None:
    case = load_case("petshop", folders.petshop(tmp_path), "low/test/issue_0")
    assert set(case.edges) == {("web", "search"), ("web", folders.NASTY), ("search", folders.NASTY)}
    assert case.target == AlertTarget("web", Measure.LATENCY_MEAN)


def test_rcd_columns_become_cores_bytes_and_seconds(tmp_path: Path) -> None:
    case = load_case("rcd", folders.rcd(tmp_path), "carts-cpu/1")
    assert case.step == 1.0
    assert case.target is None
    assert case.incident.values[SeriesKey("carts", Measure.CPU)][:2] == pytest.approx([1.0, 1.01])
    assert case.normal.values[SeriesKey("carts-db", Measure.CPU)][0] == pytest.approx(0.03)
    assert case.normal.values[SeriesKey("carts", Measure.MEMORY)][0] == 3e8
    assert case.normal.values[SeriesKey("carts", Measure.LATENCY_P50)][0] == 0.0025
    assert len(case.normal.values) == 6


def test_rcaeval4_columns_become_bytes_and_error_ratios(tmp_path: Path) -> None:
    case = load_case("rcaeval4", folders.rcaeval4(tmp_path), "shop/carts_cpu_1")
    values = case.incident.values
    assert case.incident.times.tolist() == list(range(300))
    assert values[SeriesKey("front", Measure.MEMORY)][0] == 94e6
    assert values[SeriesKey("front", Measure.ERROR_RATIO)][0] == 0.25
    assert values[SeriesKey("front", Measure.LATENCY_P90)][0] == 0.0138
    assert values[SeriesKey("front", Measure.LATENCY_P50)][0] == 0.0069
    assert values[SeriesKey("front", Measure.SOCKETS)][0] == 12.0
    assert len(values) == 8


def test_errors_already_given_as_a_ratio_stay_one(tmp_path: Path) -> None:
    table = {"front_load": [40.0, 40.0], "front_error": [0.5, 0.0]}
    folders.columns(tmp_path / "shop" / "front_cpu_1", table, table)
    case = load_case("rcaeval4", tmp_path, "shop/front_cpu_1")
    assert case.normal.values[SeriesKey("front", Measure.ERROR_RATIO)].tolist() == [0.5, 0.0]


def test_rows_are_put_in_order_and_repeated_times_kept_once(tmp_path: Path) -> None:
    table = {"time": [3.0, 1.0, 2.0, 2.0, float("nan")], "a_cpu": [30.0, 10.0, 21.0, 22.0, 99.0]}
    folders.columns(tmp_path / "a-cpu" / "1", table, table)
    case = load_case("rcd", tmp_path, "a-cpu/1")
    assert case.normal.times.tolist() == [1.0, 2.0, 3.0]
    assert case.normal.values[SeriesKey("a", Measure.CPU)] == pytest.approx([0.1, 0.22, 0.3])


def test_truth_is_told_apart_from_the_case(tmp_path: Path) -> None:
    assert truth("petshop", folders.petshop(tmp_path / "p"), "low/test/issue_0") == (folders.NASTY, "")
    assert truth("rcd", folders.rcd(tmp_path / "r"), "carts-cpu/1") == ("carts", "cpu")
    assert truth("rcaeval4", folders.rcaeval4(tmp_path / "e"), "shop/carts_cpu_1") == ("carts", "cpu")


@pytest.mark.parametrize("case_id", ["carts-cpu/2", "../r/carts-cpu/1", "/etc", ""])
def test_a_case_that_is_not_listed_is_refused(tmp_path: Path, case_id: str) -> None:
    with pytest.raises(InputError, match="none of the 1 cases"):
        load_case("rcd", folders.rcd(tmp_path / "r"), case_id)


def test_unknown_sets_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of petshop, rcd, rcaeval4"):
        list_cases("nezha", tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        list_cases("rcd", tmp_path / "absent")
    with pytest.raises(InputError, match="no cases of this data set"):
        load_case("rcd", tmp_path, "carts-cpu/1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("time,carts_cpu\n", "no data"),
        ("time,carts_cpu\n1,2,3\n", "line 2: 3 cells, the header has 2"),
        ("time,carts_cpu\n1,two\n", "line 2"),
        ("time,carts\n1,2\n", "no column ends in one of"),
    ],
)
def test_damaged_tables_are_named_with_their_line(tmp_path: Path, text: str, message: str) -> None:
    folders.rcd(tmp_path)
    (tmp_path / "carts-cpu" / "1" / "normal.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        load_case("rcd", tmp_path, "carts-cpu/1")


def test_files_beyond_the_cap_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folders.rcd(tmp_path)
    monkeypatch.setattr(table_module, "MAX_BYTES", 100)
    with pytest.raises(InputError, match="larger than 100 bytes"):
        load_case("rcd", tmp_path, "carts-cpu/1")


@pytest.mark.parametrize("text", ["[]", "{", '{"target": {"node": "web", "metric": "moon", "agg": "p50"}}'])
def test_a_damaged_target_is_refused(tmp_path: Path, text: str) -> None:
    folders.petshop(tmp_path)
    (tmp_path / "low" / "test" / "issue_0" / "target.json").write_text(text)
    with pytest.raises(InputError, match=r"target\.json"):
        load_case("petshop", tmp_path, "low/test/issue_0")


def test_every_measure_belongs_to_a_family() -> None:
    assert {measure.family for measure in Measure} == {
        Family.LATENCY,
        Family.ERRORS,
        Family.LOAD,
        Family.CPU,
        Family.MEMORY,
        Family.DISK,
        Family.NETWORK,
    }
