"""Which files count, and what they sum to."""

from __future__ import annotations

import csv
import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from brain_common.errors import PermanentError
from brain_exporters.cost.config import FilesSettings
from brain_exporters.cost.files import Files, Folder
from brain_exporters.cost.model import Snapshot
from tests.unit.lab.folders import SHARED

_NOW = datetime(2024, 10, 2, tzinfo=UTC).timestamp()
_SAMPLE = SHARED / "focus_cost" / "FOCUS-1.0" / "focus_sample.csv"
_FOCUS = "ChargePeriodStart,SubAccountId,RegionId,ServiceName,BillingCurrency,BilledCost,EffectiveCost,ResourceId,Tags"


def _fetch(folder: Path, kind: str = "focus", tags: tuple[str, ...] = (), before: Snapshot | None = None) -> Snapshot:
    settings = FilesSettings.model_validate({"folder": folder, "format": kind, "tags": tags})
    return Files(Folder(folder), settings, 42).fetch(_NOW, before)


def _amounts(snapshot: Snapshot, cost_type: str) -> dict[tuple[str, str], float]:
    return {(each.service, each.tag[1]): each.amount for each in snapshot.charges if each.cost_type == cost_type}


def _cur(path: Path, *amounts: float) -> None:
    names = ("UsageStartDate", "UsageAccountId", "ProductCode", "UnblendedCost")
    head = ",".join([*(f"lineItem/{name}" for name in names), "resourceTags/user:team"])
    rows = [f"2024-09-30T0{place}:00:00Z,111122223333,AmazonEC2,{each},shop" for place, each in enumerate(amounts)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("\n".join([head, *rows]).encode()))


def test_focus_by_day_and_by_tag(tmp_path: Path) -> None:
    rows = [
        """2024-09-30 01:00:00,1,us-east-1,EC2,USD,1.5,1.0,NULL,"{""team"": ""shop""}\"""",
        "2024-09-30 02:00:00,1,us-east-1,EC2,USD,2.5,1.0,arn:aws:ec2:us-east-1:1:instance/i-0ab1,NULL",
        "2024-01-01 02:00:00,1,us-east-1,EC2,USD,9,9,NULL,NULL",
    ]
    (tmp_path / "focus.csv").write_text("\n".join([_FOCUS, *rows]))
    found = _fetch(tmp_path, tags=("team",))
    billed = {(each.tag, each.amount) for each in found.charges if each.cost_type == "billed"}
    assert billed == {(("", ""), 4.0), (("team", "shop"), 1.5), (("team", ""), 2.5)}
    assert found.nodes == {}  # one hour is no full day


@pytest.mark.parametrize("hours", [range(24), range(1)])
def test_an_instance_has_the_price_of_its_last_full_day(tmp_path: Path, hours: range) -> None:
    each = 2.4 / len(hours)
    rows = [f"2024-09-30 {hour:02}:00:00,1,r,EC2,USD,9,{each},arn:x:instance/i-0ab1,NULL" for hour in hours]
    (tmp_path / "focus.csv").write_text("\n".join([_FOCUS, *rows]))
    assert _fetch(tmp_path).nodes == pytest.approx({"i-0ab1": 0.1})


def test_files_that_did_not_change_are_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "focus.csv").write_text(f"{_FOCUS}\n2024-09-30,1,r,EC2,USD,1,1,NULL,NULL")
    found = _fetch(tmp_path)
    assert _fetch(tmp_path, before=found) is found


def test_the_newest_manifest_of_a_month_names_what_counts(tmp_path: Path) -> None:
    month = tmp_path / "report" / "20240901-20241001"
    _cur(month / "first" / "report-00001.csv.gz", 100)
    _cur(month / "second" / "report-00001.csv.gz", 1, 2)
    key = "prefix/report/20240901-20241001/second/report-00001.csv.gz"
    (month / "report-Manifest.json").write_text(json.dumps({"reportKeys": [key]}))
    assert _amounts(_fetch(tmp_path, "cur", ("team",)), "unblended") == {("AmazonEC2", ""): 3, ("AmazonEC2", "shop"): 3}


def test_without_a_manifest_the_newest_folder_of_a_month_counts(tmp_path: Path) -> None:
    for place, name in enumerate(("old", "new")):
        file = tmp_path / "20240901-20241001" / name / "a.csv.gz"
        _cur(file, 10 * (place + 1))
        os.utime(file, (1000 + place, 1000 + place))
    assert _amounts(_fetch(tmp_path, "cur"), "unblended") == {("AmazonEC2", ""): 20}


def test_cur_2_in_parquet_with_tags_in_a_map(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "BILLING_PERIOD=2024-09"
    folder.mkdir(parents=True)
    table = pa.table(
        {
            "line_item_usage_start_date": [datetime(2024, 9, 30, 5)],  # noqa: DTZ001 - AWS writes no zone
            "line_item_usage_account_id": ["1"],
            "line_item_product_code": ["AmazonS3"],
            "line_item_currency_code": ["USD"],
            "line_item_unblended_cost": [2.5],
            "resource_tags": pa.array([[("user_team", "shop")]], pa.map_(pa.string(), pa.string())),
        }
    )
    pq.write_table(table, folder / "x.snappy.parquet")
    found = _amounts(_fetch(tmp_path, "cur", ("team",)), "unblended")
    assert found == {("AmazonS3", ""): 2.5, ("AmazonS3", "shop"): 2.5}


@pytest.mark.parametrize("text", ["a,b\n1,2", "", "ChargePeriodStart,BilledCost\nnever,much"])
def test_a_file_of_another_kind_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(PermanentError, match="files"):
        _fetch(tmp_path)


@pytest.mark.skipif(not _SAMPLE.is_file(), reason="the sample of the FOCUS group is not here")
def test_the_sample_of_the_focus_group_sums_to_what_is_in_it(tmp_path: Path) -> None:
    (tmp_path / "focus.csv").symlink_to(_SAMPLE)
    with _SAMPLE.open(encoding="utf-8") as file:
        billed = sum(float(row["BilledCost"]) for row in csv.DictReader(file))
    found = sum(each.amount for each in _fetch(tmp_path).charges if each.cost_type == "billed")
    assert found == pytest.approx(billed)


def test_a_file_of_another_kind_beside_a_good_one_is_named(tmp_path: Path) -> None:
    (tmp_path / "focus.csv").write_text(f"{_FOCUS}\n2024-09-30,1,r,EC2,USD,1,1,NULL,NULL")
    (tmp_path / "other.csv").write_text("a,b\n1,2")
    with pytest.raises(PermanentError, match=r"other\.csv has no column ChargePeriodStart"):
        _fetch(tmp_path)
