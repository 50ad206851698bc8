"""What `brain lab run --out` prints, done: a Prometheus on the folder, and the product asked about it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

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


def analyzed(printed: str, *options: str) -> Result:
    """The answer of the printed commands."""
    tsdb, config, flags = re.findall(
        r"^prometheus --storage.tsdb.path=(\S+) --config.file=(\S+) (\S+)$", printed, re.M
    )[0]
    analyze = re.findall(r"^brain (rca analyze .*)$", printed, re.M)[0].split(" ")
    with Prometheus(
        data_dir=Path(tsdb).parent, config=Path(config), flags=[flags], binary=require("prometheus")
    ) as server:
        analyze[analyze.index("http://localhost:9090")] = server.url
        return CliRunner().invoke(app, [*analyze, *options])


def test_the_printed_commands_lead_to_the_cause(tmp_path: Path, promtool: Path) -> None:
    out = tmp_path / "out"
    arguments = ["healthcare", "--fault", "crash-loop", "--out", str(out), "--end", f"{END}"]
    done = CliRunner().invoke(app, ["lab", "run", *arguments])
    assert done.exit_code == 0, done.output
    (config,) = re.findall(r"^prometheus .* --config.file=(\S+) ", done.output, re.M)
    subprocess.run([promtool, "check", "config", config], check=True, capture_output=True)
    answer = analyzed(done.output, "--json")
    assert answer.exit_code == 0, answer.output
    (truth,) = json.loads((out / "truth.json").read_text())["truth"]
    expected = RunTruth(truth["entity"], tuple(truth["kinds"]), truth["onset_seconds"])
    causes = json.loads(answer.stdout)["analysis"]["causes"]
    assert any(expected.names(cause["entity"]) for cause in causes[:3])


@pytest.mark.parametrize(("length", "short"), [(40, True), (55, False)])
def test_a_run_too_short_for_a_baseline_says_what_suffices(tmp_path: Path, length: int, short: bool) -> None:
    out = tmp_path / "out"
    arguments = ["healthcare", "--fault", "crash-loop", "--length", f"{length}", "--end", f"{END}", "--out", str(out)]
    done = CliRunner().invoke(app, ["lab", "run", *arguments])
    assert done.exit_code == 0, done.output
    assert "judged by its metrics only" in done.stdout
    assert ("--length 55 suffices" in done.stderr) == short
    answer = analyzed(done.stdout)
    assert ("there is no baseline" in answer.stdout) == short
