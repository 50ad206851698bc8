"""What a run tells arrives in the lake in the form in which exporters and processor write it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from brain_cli.told_lake import write_told
from brain_lab.scenario import FaultPart, Load, Scenario
from brain_lab.scenario.play import play
from brain_lab.simulate import Recording
from brain_lake.location import LakeLocation
from brain_lake.reader import LakeReader
from brain_lake.schemas import CHANGES, CLOUDTRAIL, EVENTS, LOGS, SPANS, TableSchema

SHORT = Load(length_seconds=900.0)


@pytest.fixture(scope="module")
def recording() -> Recording:
    faults = (FaultPart(fault="iam-access-denied", onset_seconds=300.0),)
    return play(Scenario(platform="automotive", seed=1, load=SHORT, faults=faults))


@pytest.fixture(scope="module")
def reader(recording: Recording, tmp_path_factory: pytest.TempPathFactory) -> LakeReader:
    root: Path = tmp_path_factory.mktemp("lake")
    write_told(recording, root)
    return LakeReader(LakeLocation.local(root))


def rows(reader: LakeReader, table: TableSchema, recording: Recording) -> list[Mapping[str, Any]]:
    first, last = float(recording.times[0]), float(recording.times[-1])
    found: list[Mapping[str, Any]] = reader.rows(table, first - 60.0, last + 60.0, limit=100_000).to_pylist()
    return found


def test_all_tables_are_there(reader: LakeReader, recording: Recording) -> None:
    for table in (EVENTS, CHANGES, CLOUDTRAIL, LOGS, SPANS):
        assert rows(reader, table, recording), table.name
        assert {row["cluster"] for row in rows(reader, table, recording)} == {recording.platform.cluster}


def test_pods_of_events_are_known_by_their_workload(reader: LakeReader, recording: Recording) -> None:
    services = {service.name for service in recording.platform.services}
    about = [row for row in rows(reader, EVENTS, recording) if row["involved_kind"] == "Pod"]
    assert any(row["kind"] == "workload" and row["name"] in services for row in about)


def test_refused_calls_keep_their_error_and_who_called(reader: LakeReader, recording: Recording) -> None:
    refused = [row for row in rows(reader, CLOUDTRAIL, recording) if row["error_code"]]
    assert {"AccessDenied"} & {row["error_code"] for row in refused}
    assert any(f"irsa-{recording.truth[0].entity.name}" in row["principal_arn"] for row in refused)


def test_what_terraform_did_is_a_change(reader: LakeReader, recording: Recording) -> None:
    found = [row for row in rows(reader, CHANGES, recording) if row["source"] == "terraform"]
    assert "succeeded" in {row["result"] for row in found}
