"""A whole run in one folder: every file is there, readable, and the same each time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from brain_lab.emit.cloud.budgets import Budget
from brain_lab.emit.cloud.prices import USAGES, charge
from brain_lab.emit.events.reasons import occurrences
from brain_lab.emit.folder import Emission, write_emission
from brain_lab.emit.traces.calls import spans_of
from tests.contract.lab_emit.test_cloud import changes, some_calls
from tests.unit.lab_emit.samples import START, cost_rows, log, trees


def emission() -> Emission:
    return Emission(
        log(5),
        spans_of(trees(5), np.random.default_rng(1)),
        occurrences("BackOff", "pay-1", "shop", [START]),
        some_calls(),
        changes(),
        cost_rows(30),
        (Budget("all", "111122223333", 1.0),),
    )


def test_every_kind_has_its_folder_and_the_bytes_are_the_same_each_time(tmp_path: Path) -> None:
    one, two = (write_emission(emission(), tmp_path / name) for name in ("one", "two"))
    assert [path.relative_to(tmp_path / "one") for path in one] == [path.relative_to(tmp_path / "two") for path in two]
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
    assert {path.relative_to(tmp_path / "one").parts[0] for path in one} == {
        "logs",
        "traces",
        "events",
        "changes",
        "cloudtrail",
        "cost",
    }
    assert {path for path in (tmp_path / "one").rglob("*") if path.is_file()} == set(one)
    assert all(path.stat().st_size for path in one)


def test_nothing_makes_nothing(tmp_path: Path) -> None:
    assert write_emission(Emission(), tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_changes_of_one_kind_make_no_files_of_the_others(tmp_path: Path) -> None:
    terraform = [change for change in changes() if change.kind == "terraform_run"]
    paths = write_emission(Emission(changes=terraform), tmp_path)
    assert sorted(path.name for path in paths) == ["changes.jsonl", "terraform-runs.jsonl"]


@pytest.mark.parametrize("name", sorted(USAGES))
def test_every_usage_becomes_a_row_of_the_bill(name: str) -> None:
    row = charge(name, START, 730.0, account="111122223333", region="eu-central-1")
    assert row.hour == 1_764_036_000 * 10**9
    assert row.usage_type.startswith("EUC1-")
    monthly = row.unit in ("GB-Mo", "Metrics")
    assert row.cost == pytest.approx(USAGES[name].price * (1.0 if monthly else 730.0))
