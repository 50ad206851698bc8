"""What `brain lab run --out` prints, done: a Prometheus on the folder, and the product asked about it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_lab.evaluate.run_result import RunTruth
from brain_lab.servers.prometheus import Prometheus
from tests.servers.provide import require

END = 1_789_380_000.0
"""Monday 14 September 2026, 10:00 UTC."""


@pytest.fixture(autouse=True)
def promtool(monkeypatch: pytest.MonkeyPatch) -> Path:
    """The command finds the one that the tests use."""
    found = require("promtool")
    monkeypatch.setenv("BRAIN_PROMTOOL_BIN", str(found))
    return found


def test_the_printed_commands_lead_to_the_cause(tmp_path: Path, promtool: Path) -> None:
    out = tmp_path / "out"
    arguments = ["healthcare", "--fault", "crash-loop", "--out", str(out), "--end", f"{END}"]
    done = CliRunner().invoke(app, ["lab", "run", *arguments])
    assert done.exit_code == 0, done.output
    tsdb, config, flags = re.findall(
        r"^prometheus --storage.tsdb.path=(\S+) --config.file=(\S+) (\S+)$", done.output, re.M
    )[0]
    analyze = re.findall(r"^brain (rca analyze .*)$", done.output, re.M)[0].split(" ")
    subprocess.run([promtool, "check", "config", config], check=True, capture_output=True)
    with Prometheus(
        data_dir=Path(tsdb).parent, config=Path(config), flags=[flags], binary=require("prometheus")
    ) as server:
        analyze[analyze.index("http://localhost:9090")] = server.url
        answer = CliRunner().invoke(app, [*analyze, "--json"])
    assert answer.exit_code == 0, answer.output
    (truth,) = json.loads((out / "truth.json").read_text())["truth"]
    expected = RunTruth(truth["entity"], tuple(truth["kinds"]), truth["onset_seconds"])
    causes = json.loads(answer.stdout)["analysis"]["causes"]
    assert any(expected.names(cause["entity"]) for cause in causes[:3])
