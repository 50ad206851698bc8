"""The newest change of a resource, out of a lake on the disk and over the way that snapshots take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from brain_common.errors import InputError
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import CHANGES
from brain_lake.writer import LakeWriter
from brain_otel.enrich.changes import Changes, ChangeSettings
from brain_otel.side import reads
from brain_otel.side.snapshots import encode
from tests.unit.otel.enrich.samples import T0, added, context


def change(name: str, ago: float, **columns: Any) -> dict[str, Any]:
    """A row of the table."""
    return {
        "timestamp": round((T0 - ago) * 1e6),
        "cluster": "",
        "namespace": "shop",
        "kind": "workload",
        "name": name,
        "source": "kubernetes",
        "change_kind": "rollout",
        "result": "succeeded",
        "change_id": f"{name}-{ago:g}",
        "title": f"{name} was rolled out",
        "actor": "alex",
        **columns,
    }


@pytest.fixture
def lake(tmp_path: Path) -> LakeLocation:
    return LakeLocation.local(tmp_path / "lake")


def write(lake: LakeLocation, *rows: dict[str, Any]) -> None:
    LakeWriter(lake).append(CHANGES, pa.Table.from_pylist(list(rows), schema=CHANGES.columns))


def read(lake: LakeLocation, seconds: float = 1800.0) -> list[reads.ChangeRow]:
    return reads.read_changes(LakeReader(lake), T0 - seconds, T0 + 300)


def test_the_newest_change_of_each_entity_is_read(lake: LakeLocation) -> None:
    write(lake, change("cart", 600), change("front", 30, change_kind="config", source="argocd"))
    write(lake, change("cart", 60), change("cart", 3600), change("old", 3600))
    assert sorted((row.name, row.change_id, row.change_kind, row.at) for row in read(lake)) == [
        ("cart", "kubernetes:cart-60", "rollout", T0 - 60),
        ("front", "argocd:front-30", "config", T0 - 30),
    ]


def test_what_changes_nothing_that_runs_is_no_change(lake: LakeLocation) -> None:
    write(lake, change("cart", 60), *(change("cart", 30, change_kind=kind) for kind in ("pipeline", "merge", "plan")))
    assert [row.change_id for row in read(lake)] == ["kubernetes:cart-60"]


def test_a_table_that_nobody_has_written_is_empty(lake: LakeLocation) -> None:
    assert read(lake) == []


def test_one_reading_is_bounded_and_keeps_the_newest(lake: LakeLocation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reads, "MOST_CHANGES", 2)
    write(lake, *(change(f"s{n}", n) for n in range(5)))
    assert sorted(row.name for row in read(lake)) == ["s0", "s1"]


def test_a_resource_carries_its_change(lake: LakeLocation) -> None:
    given = context()
    step = Changes(ChangeSettings(), given)
    write(lake, change("cart", 60))
    for name, seconds in given.snapshots.wanted.items():  # as the process beside the worker does
        given.snapshots.deliver(name, encode(reads.READS[name](LakeReader(lake), T0 - seconds, T0)))
    assert added(step, {"service.name": "cart", "k8s.namespace.name": "shop"}) == {
        "brain.change.id": "kubernetes:cart-60",
        "brain.change.kind": "rollout",
        "brain.change.time": "2023-11-14T22:12:20Z",
    }


def test_a_call_of_aws_is_a_change_of_what_it_named(lake: LakeLocation) -> None:
    given = context()
    step = Changes(ChangeSettings(), given)
    call = {"namespace": "123456789012", "kind": "cloud-resource", "source": "cloudtrail", "change_kind": "config"}
    write(lake, change("i-0abc", 60, **call))
    given.snapshots.deliver(reads.CHANGES, encode(read(lake)))
    host = {"host.id": "i-0abc", "cloud.account.id": "123456789012", "service.name": "cart"}
    assert added(step, host)["brain.change.id"] == "cloudtrail:i-0abc-60"


def test_times_that_cannot_be_are_refused(lake: LakeLocation) -> None:
    with pytest.raises(InputError):
        reads.read_changes(LakeReader(lake), float("nan"), T0)
