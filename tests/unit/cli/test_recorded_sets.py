"""Help names every data set that there is a loader for."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_cli.recorded_sets import DATASETS
from brain_lab import recorded


@pytest.mark.parametrize("command", [["bench", "rca"], ["lab", "replay"]])
def test_help_names_every_data_set(command: list[str]) -> None:
    assert DATASETS == recorded.DATASETS
    said = CliRunner(env={"COLUMNS": "200"}).invoke(app, [*command, "--help"]).output
    assert "petshop, rcd, rcaeval4, nezha, nezha-past or causalrca." in said
