"""What a run is asked for, and what is refused in one line."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_common.errors import ConfigError, InputError
from brain_lab.run.listing import fault_lines, platform_lines
from brain_lab.run.request import Request, names_of, played, whole

START = 1_789_344_000.0


def test_the_same_request_gives_the_same_run() -> None:
    request = Request("automotive", "latency-spike", 3, START, 600.0, 300.0)
    one, other = played(request), played(request)
    assert one.truth == other.truth
    assert one.truth[0].onset == START + 300.0
    assert one.times[-1] == START + 600.0
    assert (one.stations["latency"] == other.stations["latency"]).all()


def test_faults_are_joined_and_none_is_none() -> None:
    assert names_of("none") == []
    assert names_of("oom-kill+latency-spike") == ["oom-kill", "latency-spike"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request("bank", "none", 1, START, 600.0, 0.0), "none of finance"),
        (Request("finance", "nope", 1, START, 600.0, 0.0), "fault 'nope': none of none, latency-spike"),
        (Request("finance", "oom-kill", 1, START, 600.0, 600.0), "onset at minute 10: not within the run"),
        (Request("finance", "none", 1, START, 60.0, 0.0), "lasts from 5 to 1440 minutes"),
        (Request("automotive", "oom-kill", 1, START, 600.0, 0.0, "nobody"), "'nobody'"),
    ],
)
def test_what_cannot_be_played_is_said(request_: Request, words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        played(request_)


def test_a_moment_is_cut_to_a_tick() -> None:
    assert whole(1003.9) == 1000.0


def test_every_line_of_the_lists_says_something() -> None:
    lines = [*platform_lines(), *fault_lines()]
    assert all(len(about) > 20 for _, about in lines)
    assert len({about for _, about in lines}) == len(lines)


def test_the_command_lists_them() -> None:
    done = CliRunner().invoke(app, ["lab", "run", "--list"])
    assert done.exit_code == 0
    assert all(name in done.output for name, _ in [*platform_lines(), *fault_lines()])


@pytest.mark.parametrize("arguments", [["finance"], ["--out", "somewhere"], ["finance", "--live", "--end", "1"]])
def test_half_a_command_says_what_is_missing(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, ["lab", "run", *arguments])
    assert isinstance(done.exception, InputError)
