"""A reader sees whole commits only, and a writer that is killed leaves a lake that can be read and gone on with."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from brain_common.clock import ManualClock
from brain_lake.config import UpkeepSettings
from brain_lake.location import LakeLocation
from brain_lake.maintenance import Maintenance
from brain_lake.schemas import EDGES
from brain_lake.writer import Batch
from tests.unit.lake.rows import START, edge_rows, lake

ROWS: Final = 500
WRITER: Final = """
import sys
from pathlib import Path
from brain_lake.schemas import EDGES
from brain_lake.writer import Batch
from tests.unit.lake.rows import START, edge_rows, lake
writer, _ = lake(Path(sys.argv[1]))
number = (writer.last_batch(EDGES, "w") or 0) + 1
for number in range(number, int(sys.argv[2])):
    writer.append(EDGES, edge_rows(500, START + number % 7 * 3600), Batch("w", number))
    print(number, flush=True)
"""
ROOT: Final = Path(__file__).resolve().parents[3]


def start_writer(folder: Path, batches: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(folder), str(batches)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": "."})


def count(folder: Path) -> int:
    _, reader = lake(folder)
    found: int = reader.rows(EDGES, START, START + 86400, columns=("edge_kind",), limit=100_000).num_rows
    return found


def test_a_reader_in_another_process_sees_whole_commits_only(tmp_path: Path) -> None:
    _, reader = lake(tmp_path)
    upkeep = Maintenance(LakeLocation.local(tmp_path), UpkeepSettings(), ManualClock(START + 86400))
    seen = []
    with start_writer(tmp_path, 60) as process:
        while process.poll() is None:
            seen.append(reader.rows(EDGES, START, START + 86400, limit=100_000).num_rows)
            if len(seen) % 5 == 0:
                upkeep.compact(EDGES)
                upkeep.vacuum(EDGES)
    assert process.returncode == 0
    assert [rows % ROWS for rows in seen] == [0] * len(seen)
    assert seen == sorted(seen)
    assert len(set(seen)) > 5
    assert count(tmp_path) == 59 * ROWS


def test_a_writer_that_is_killed_at_any_moment_goes_on_where_it_was(tmp_path: Path) -> None:
    rng, told = random.Random(4), 0
    for _ in range(6):
        with start_writer(tmp_path, 10_000) as process:
            assert process.stdout is not None
            told = max(told, int(process.stdout.readline()))
            time.sleep(rng.random() * 0.2)
            process.send_signal(signal.SIGKILL)
            told = max([told, *(int(line) for line in process.stdout.read().split("\n")[:-1])])
        writer, _ = lake(tmp_path)
        last = writer.last_batch(EDGES, "w")
        assert last is not None
        assert told <= last <= told + 1  # nothing acknowledged is lost; one may have come in without being told
        assert count(tmp_path) == min(last * ROWS, 100_000)


def test_what_was_committed_but_not_acknowledged_is_known(tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    writer.append(EDGES, edge_rows(3), Batch("w", 1))
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            WRITER.replace("print(number, flush=True)", "import os; os._exit(9)"),
            str(tmp_path),
            "9",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "."},
    ) as process:
        assert process.wait() == 9
    assert writer.last_batch(EDGES, "w") == 2


@pytest.mark.parametrize("half", [b"", b'{"commitInfo":{', b"\x00" * 100])
def test_a_commit_that_was_being_written_is_none(half: bytes, tmp_path: Path) -> None:
    writer, _ = lake(tmp_path)
    writer.append(EDGES, edge_rows(3))
    log = tmp_path / "edges/_delta_log"
    (log / "_commit_0123.json.tmp").write_bytes(half)
    (log / "00000000000000000001.json#1").write_bytes(half)
    writer.append(EDGES, edge_rows(3))
    assert count(tmp_path) == 6
