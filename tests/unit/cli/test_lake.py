"""``brain lake``: says what it did, and refuses what would be a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_common.errors import ConfigError
from brain_lake.schemas import EVENTS
from tests.unit.lake.rows import START, event_rows, lake

COMMANDS = ("status", "compact", "retain", "vacuum")


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A lake with an hour in three files, long ago."""
    folder = tmp_path / "lake"
    for _ in range(3):
        lake(folder)[0].append(EVENTS, event_rows([START - 300 * 86400]))
    return folder


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["lake", *arguments], catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_the_result_is_a_table_or_json(command: str, filled: Path) -> None:
    assert "events" in run(command, "--lake", str(filled))
    [row] = json.loads(run(command, "--lake", str(filled), "--json"))
    assert row["table"] == "events"


def test_an_hour_is_joined_and_then_deleted(filled: Path, tmp_path: Path) -> None:
    config = tmp_path / "exporter.yaml"
    config.write_text(f"lake: {{path: {filled}}}\nlake_upkeep: {{retention_days: 3650}}\ncluster: c1\n")
    [joined] = json.loads(run("compact", "--config", str(config), "--json"))
    assert (joined["files_before"], joined["files_after"]) == (3, 1)
    assert json.loads(run("retain", "--config", str(config), "--json"))[0]["partitions"] == 0
    assert (
        json.loads(run("retain", "--config", str(config), "--days", "1", "--dry-run", "--json"))[0]["partitions"] == 1
    )
    assert json.loads(run("retain", "--config", str(config), "--days", "1", "--json"))[0]["partitions"] == 1
    assert json.loads(run("status", "--lake", str(filled), "--json"))[0]["rows"] == 0


def test_only_the_table_that_is_named(filled: Path) -> None:
    assert "no tables yet" in run("status", "--lake", str(filled), "--table", "cost")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either --lake"),
        (["--lake", ".", "--config", "x.yaml"], "give either --lake"),
        (["--lake", "/no/such/folder"], "--lake /no/such/folder: no such folder"),
        (["--config", "/no/such.yaml"], "cannot be read"),
        (["--lake", ".", "--table", "profiles"], "--table profiles: no such table; there are metrics"),
    ],
)
def test_what_would_be_a_mistake_is_refused(command: str, arguments: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        CliRunner().invoke(app, ["lake", command, *arguments], catch_exceptions=False)
