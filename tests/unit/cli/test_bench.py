"""How figures are printed."""

from __future__ import annotations

from typing import Any

import pytest

from brain_cli import bench


def test_a_figure_that_there_is_none_of_is_an_empty_cell(capsys: pytest.CaptureFixture[str]) -> None:
    peers: dict[str, Any] = {"ours": {"top1": 0.5, "failed": 0}, "silent (peer)": {"top1": None, "failed": 20}}
    bench._print({"bench": "rca", "specificity": None, "peers": peers, "bars": []})
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[1:] == [
        ["specificity"],
        ["peers", "top1", "failed"],
        ["ours", "0.500", "0"],
        ["silent", "(peer)", "20"],
    ]
