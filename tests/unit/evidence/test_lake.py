"""Evidence from a lake into which others write, too: what is not understood is named and does no harm."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from brain_engine.series import Edge, EdgeKind, Event, EventKind, Evidence
from brain_lake.location import LakeLocation
from brain_lake.schemas import CHANGES, EDGES, EVENTS, METRICS
from brain_lake.writer import LakeWriter
from brain_rca.evidence.catalogue import load_catalogue
from brain_rca.evidence.gather import Gatherer
from brain_rca.evidence.lake import LakeEvidence
from brain_rca.evidence.protocol import Window

pytestmark = pytest.mark.anyio

START = 1_700_000_100.0
WINDOW = Window(baseline_start=START, start=START + 30, end=START + 45, step=15.0)
CART, DB = "lab/shop/service/cart", "lab/shop/database/ledger"
CPU = "container_cpu_usage"


def moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def samples(folder: Path, *rows: tuple[float, str, str, str, float]) -> None:
    """Rows of (seconds after the start, kind, name, signal, value)."""
    columns = {
        "timestamp": [moment(START + row[0]) for row in rows],
        "cluster": ["lab"] * len(rows),
        "namespace": ["shop"] * len(rows),
        "kind": [row[1] for row in rows],
        "name": [row[2] for row in rows],
        "signal": [row[3] for row in rows],
        "value": [row[4] for row in rows],
    }
    LakeWriter(LakeLocation.local(folder)).append(METRICS, pa.table(columns))


def edges(folder: Path, *rows: tuple[str, str, str]) -> None:
    columns = {
        "timestamp": [moment(START)] * len(rows),
        "cluster": ["lab"] * len(rows),
        "dependent": [row[0] for row in rows],
        "dependency": [row[1] for row in rows],
        "edge_kind": [row[2] for row in rows],
    }
    LakeWriter(LakeLocation.local(folder)).append(EDGES, pa.table(columns))


def events(folder: Path, *rows: tuple[float, str, str]) -> None:
    """Rows of (seconds after the start, kind, name)."""
    columns: dict[str, Sequence[object]] = {
        "timestamp": [moment(START + row[0]) for row in rows],
        "cluster": ["lab"] * len(rows),
        "namespace": ["shop"] * len(rows),
        "kind": [row[1] for row in rows],
        "name": [row[2] for row in rows],
        "type": ["change"] * len(rows),
        "reason": ["Edited"] * len(rows),
        "message": ["a change"] * len(rows),
        "actor": ["alex"] * len(rows),
    }
    LakeWriter(LakeLocation.local(folder)).append(EVENTS, pa.table(columns))


async def gather(folder: Path, window: Window = WINDOW) -> Evidence:
    source = Gatherer([LakeEvidence(LakeLocation.local(folder), load_catalogue(), 30.0)])
    return (await source.gather(window)).evidence


async def test_a_lake_that_nobody_has_written_to_has_nothing_and_says_so(tmp_path: Path) -> None:
    evidence = await gather(tmp_path / "nowhere")
    assert (evidence.panels, evidence.edges, evidence.events) == ((), (), ())
    assert evidence.missing == ("the lake has no signal of the catalogue in this window",)


async def test_a_lake_that_is_not_there_is_named_once(tmp_path: Path) -> None:
    away = LakeLocation.local(tmp_path / "away")
    beside = LakeEvidence(away, load_catalogue(), 10.0, has_signals=False)
    found = await beside.read(WINDOW)
    assert found.missing == [f"lake: there is no folder {tmp_path / 'away'}, nothing was written there yet"]


async def test_a_sample_belongs_to_the_step_in_which_it_was_measured(tmp_path: Path) -> None:
    rows = [(0.0, 1.0), (14.9, 3.0), (15.0, 5.0), (59.9, 7.0), (60.0, 99.0), (-0.1, 99.0)]
    samples(tmp_path, *((at, "service", "cart", CPU, value) for at, value in rows))
    [panel] = (await gather(tmp_path)).panels
    np.testing.assert_array_equal(panel.values, [[2.0, 5.0, np.nan, 7.0]])


async def test_signals_that_the_catalogue_does_not_know_are_named(tmp_path: Path) -> None:
    samples(tmp_path, (0, "service", "cart", CPU, 1.0), (0, "service", "cart", "mood", 1.0))
    evidence = await gather(tmp_path)
    assert [panel.signal.name for panel in evidence.panels] == [CPU]
    assert evidence.missing == ("mood: in the lake, but not in the signal catalogue",)


@pytest.mark.parametrize("kinds", [("service", "daemon"), ("daemon", "ghost")])
async def test_series_of_an_unknown_kind_are_counted(tmp_path: Path, kinds: tuple[str, str]) -> None:
    samples(tmp_path, *((0.0, kind, "cart", CPU, 1.0) for kind in kinds))
    evidence = await gather(tmp_path)
    known = kinds.count("service")
    assert [panel.entities for panel in evidence.panels] == [(CART,)] * known
    assert evidence.missing == (f"{CPU}: {2 - known} series of the lake are of an unknown kind",)


async def test_edges_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    edges(tmp_path, (CART, DB, "calls"), (CART, "ledger", "calls"), (CART, DB, "likes"))
    evidence = await gather(tmp_path)
    assert evidence.edges == (Edge(CART, DB, EdgeKind.CALLS, "lake"),)
    assert "edges: 2 of the lake name something of an unknown kind" in evidence.missing


async def test_events_come_in_order_and_unreadable_ones_are_counted(tmp_path: Path) -> None:
    events(tmp_path, (30, "database", "ledger"), (5, "service", "cart"), (6, "ghost", "cart"), (-60, "service", "cart"))
    evidence = await gather(tmp_path)
    assert evidence.events == (
        Event(START + 5, CART, "Edited", "a change", "alex", EventKind.CHANGE),
        Event(START + 30, DB, "Edited", "a change", "alex", EventKind.CHANGE),
    )
    assert "events: 1 of the lake name something of an unknown kind" in evidence.missing


def changed(folder: Path, *rows: tuple[float, float | None, str, str, str, str]) -> None:
    """Rows of (seconds after the start, likewise its begin, name, kind of change, result, id)."""
    texts = {
        "cluster": ["lab"] * len(rows),
        "namespace": [""] * len(rows),
        "kind": ["workload" if row[3] == "pipeline" else "cloud-resource" for row in rows],
        "name": [row[2] for row in rows],
        "source": ["any"] * len(rows),
        "change_kind": [row[3] for row in rows],
        "result": [row[4] for row in rows],
        "change_id": [row[5] for row in rows],
        "title": ["t"] * len(rows),
        "actor": ["alex"] * len(rows),
    }
    columns: dict[str, object] = {
        **texts,
        "timestamp": [moment(START + row[0]) for row in rows],
        "started_at": pa.array(
            [None if row[1] is None else moment(START + row[1]) for row in rows], pa.timestamp("us", tz="UTC")
        ),
    }
    LakeWriter(LakeLocation.local(folder)).append(CHANGES, pa.table(columns))


def run(name: str, number: str, began: float) -> list[tuple[float, float | None, str, str, str, str]]:
    """Of Terraform, which tells of its begin and of its end."""
    return [
        (began, None, name, "apply", "started", number),
        (began + 3, None, name, "apply", "failed", number),
    ]


def pipeline(name: str, number: str, began: float, ended: float) -> tuple[float, float | None, str, str, str, str]:
    return (ended, began, name, "pipeline", "failed", number)


async def test_a_pipeline_needs_the_workspace_whose_runs_begin_within_it(tmp_path: Path) -> None:
    changed(
        tmp_path,
        pipeline("infra", "p1", 5, 15),
        pipeline("infra", "p2", 25, 35),
        *run("prod-shop", "r0", 1),  # somebody by hand
        *run("prod-shop", "r1", 8),
        *run("prod-shop", "r2", 28),
        *run("prod-mail", "r3", 9),  # once
        pipeline("site", "p3", 40, 50),
        pipeline("docs", "p4", 41, 51),
        *run("prod-site", "r4", 42),  # within two
        *run("prod-site", "r5", 43),
    )
    found = await gather(tmp_path)
    assert found.edges == (
        Edge("lab//cloud-resource/infra", "lab//cloud-resource/prod-shop", EdgeKind.USES, "pipeline"),
    )
