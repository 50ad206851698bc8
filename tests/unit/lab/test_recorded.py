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
    assert truth("petshop", folders.petshop(tmp_path / "p"), "low/test/issue_0") == (folders.NASTY, "latency", "low")
    assert truth("rcd", folders.rcd(tmp_path / "r"), "carts-cpu/1") == ("carts", "cpu", "")
    assert truth("rcaeval4", folders.rcaeval4(tmp_path / "e"), "shop/carts_cpu_1") == ("carts", "cpu", "shop")


def test_nezha_cases_are_moments_of_a_day_and_tell_nothing_else(tmp_path: Path) -> None:
    root = folders.nezha(tmp_path)
    assert list_cases("nezha", root) == ("2022-08-22/04:10:30", "2022-08-22/04:18:30")
    assert truth("nezha", root, "2022-08-22/04:10:30") == ("store", "cpu_contention", "2022-08-22")


def test_nezha_rows_stand_for_the_minute_that_ended_with_them(tmp_path: Path) -> None:
    case = load_case("nezha", folders.nezha(tmp_path), "2022-08-22/04:10:30")
    cpu = case.incident.values[SeriesKey("store", Measure.CPU)]
    assert case.step == 60.0
    assert case.edges == (("web", "store"),)
    assert cpu.tolist() == [0.3, 0.3, 0.3, 0.3]  # collected from 04:11:20 to 04:14:20
    assert case.incident.values[SeriesKey("web", Measure.MEMORY)][0] == 200 * 2**20
    assert {key.measure for key in case.normal.values} == {
        Measure.CPU,
        Measure.MEMORY,
        Measure.LATENCY_P99,
        Measure.REQUEST_RATE,
    }


def test_nezha_normal_minutes_are_those_of_no_fault_with_the_ones_before_at_the_end(tmp_path: Path) -> None:
    case = load_case("nezha", folders.nezha(tmp_path), "2022-08-22/04:10:30")
    cpu = case.normal.values[SeriesKey("store", Measure.CPU)]
    # Collected at 04:17:20 and 04:18:20, then from 04:00:20 to 04:10:20: without the two faults and their recovery.
    assert cpu.tolist() == pytest.approx([0.021, 0.02, *(0.02 + n % 2 / 1000 for n in range(11))])
    assert np.diff(case.normal.times).tolist() == [60.0] * 12


def test_nezha_latency_without_requests_is_a_gap(tmp_path: Path) -> None:
    case = load_case("nezha", folders.nezha(tmp_path), "2022-08-22/04:10:30")
    latency = case.normal.values[SeriesKey("web", Measure.LATENCY_P99)]
    assert np.flatnonzero(np.isnan(latency)).tolist() == [7]  # of 04:05


def test_nezha_calls_are_read_from_spans_where_there_is_no_table(tmp_path: Path) -> None:
    root = folders.nezha_flow(folders.nezha(tmp_path))
    (root / "rca_data" / "2022-08-22" / "metric" / "dependency.csv").unlink()
    assert load_case("nezha", root, "2022-08-22/04:10:30").edges == (("web", "store"),)


@pytest.mark.parametrize("text", ["[]", '{"04": [{"inject_time": "soon"}]}', '{"04": 1}'])
def test_a_damaged_fault_list_is_refused(tmp_path: Path, text: str) -> None:
    root = folders.nezha(tmp_path)
    (root / "rca_data" / "2022-08-22" / "2022-08-22-fault_list.json").write_text(text)
    with pytest.raises(InputError, match="fault_list"):
        list_cases("nezha", root)


def test_a_time_from_another_century_is_refused(tmp_path: Path) -> None:
    root = folders.nezha(tmp_path)
    path = next((root / "rca_data").glob("*/metric/web-*"))
    path.write_text(path.read_text().replace("2022-08-22 04:22", "2122-08-22 04:22"))
    with pytest.raises(InputError, match="a time must be wrong"):
        load_case("nezha", root, "2022-08-22/04:10:30")


def test_causalrca_is_split_into_its_first_third_and_the_rest(tmp_path: Path) -> None:
    case = load_case("causalrca", folders.causalrca(tmp_path), "cpu-hog1_carts")
    assert case.step == 5.0
    assert (len(case.normal.times), len(case.incident.times)) == (20, 40)
    assert case.incident.values[SeriesKey("carts", Measure.CPU)][-1] == 1.0
    assert case.normal.values[SeriesKey("carts", Measure.MEMORY)][0] == 94e6
    assert case.normal.values[SeriesKey("carts", Measure.DISK_READS)][0] == 500.0
    assert len(case.normal.values) == 6
    assert truth("causalrca", tmp_path, "cpu-hog1_carts") == ("carts", "cpu-hog1", "")


def test_a_table_of_a_few_rows_has_no_periods(tmp_path: Path) -> None:
    folders.write(tmp_path / "cpu_carts.csv", [["carts_ctn_cpu"], ["1"], ["2"]])
    with pytest.raises(InputError, match="2 rows"):
        load_case("causalrca", tmp_path, "cpu_carts")


@pytest.mark.parametrize("case_id", ["carts-cpu/2", "../r/carts-cpu/1", "/etc", ""])
def test_a_case_that_is_not_listed_is_refused(tmp_path: Path, case_id: str) -> None:
    with pytest.raises(InputError, match="none of the 1 cases"):
        load_case("rcd", folders.rcd(tmp_path / "r"), case_id)


def test_unknown_sets_and_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="none of petshop, rcd, rcaeval4, nezha, nezha-past, causalrca"):
        list_cases("nasa", tmp_path)
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


@pytest.mark.parametrize(
    ("dataset", "case_id", "name"),
    [
        ("rcd", "carts-cpu/1", "normal.csv"),
        ("rcd", "carts-cpu/1", "anomalous.csv"),
        ("rcaeval4", "shop/carts_cpu_1", "normal.csv"),
        ("rcaeval4", "shop/carts_cpu_1", "anomalous.csv"),
        ("petshop", "low/test/issue_0", "metrics.csv"),
        ("petshop", "low/test/issue_0", "target.json"),
    ],
)
def test_a_case_that_lacks_a_file_is_listed_and_refused(tmp_path: Path, dataset: str, case_id: str, name: str) -> None:
    root = folders.maker(dataset)(tmp_path)
    (root / case_id / name).unlink()
    assert list_cases(dataset, root) == (case_id,)
    with pytest.raises(InputError, match=f"{case_id}/{name}: cannot be read"):
        load_case(dataset, root, case_id)


def test_cases_of_another_data_set_are_refused_when_they_are_listed(tmp_path: Path) -> None:
    folders.rcd(tmp_path)
    with pytest.raises(InputError, match="case 'carts-cpu/1' is not named <service>_<fault>_<n>"):
        list_cases("rcaeval4", tmp_path)


def test_a_day_of_nezha_that_lacks_its_fault_list_is_refused(tmp_path: Path) -> None:
    root = folders.nezha(tmp_path)
    folders.nezha(tmp_path, "2022-08-23")
    (root / "rca_data" / "2022-08-22" / "2022-08-22-fault_list.json").unlink()
    with pytest.raises(InputError, match=r"2022-08-22-fault_list\.json: cannot be read"):
        list_cases("nezha", root)


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
