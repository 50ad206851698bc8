"""Every bench on a small scale against real servers: it measures what it says. Figures are never asserted here."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from brain_cli.main import app
from brain_lab.bench import analysis, crash, intake, outage
from tests.servers.provide import require

pytestmark = pytest.mark.timeout(170)


@pytest.fixture(autouse=True)
def programs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benches find the programs that the tests use."""
    for name in ("prometheus", "promtool", "alertmanager", "toxiproxy-server", "postgres"):
        monkeypatch.setenv(f"BRAIN_{name.upper().replace('-', '_')}_BIN", str(require(name)))


def quiet(_: str) -> None:
    """No progress wanted."""


def test_analysis_times_groups_that_are_fetched_anew_and_finds_the_cause() -> None:
    figures = analysis.run(groups=2, services=8, progress=quiet)
    assert (figures.groups, figures.services, figures.signals) == (2, 8, 30)
    assert figures.cause_first == 2
    assert figures.queries >= 30
    assert 0 < figures.seconds["p50"] <= figures.seconds["p95"] <= figures.seconds["max"]
    assert {bar.figure for bar in figures.bars} == {"seconds.p95", "cpu_seconds", "rss_bytes"}


def test_intake_counts_answers_and_incidents() -> None:
    figures = intake.run(groups=10, connections=4, progress=quiet)
    assert (figures.notifications, figures.answered, figures.incidents) == (100, 100, 10)
    assert 0 < figures.answer_seconds["p50"] <= figures.answer_seconds["p99"]


def test_crash_kills_a_service_that_keeps_its_word() -> None:
    figures = crash.run(kills=2, store="sqlite", progress=quiet)
    assert (figures.kills, figures.lost, figures.doubled) == (2, 0, 0)
    assert 0 < figures.incidents <= figures.accepted
    assert figures.retried > 0


@pytest.mark.timeout(420)  # two waits for annotations, which change once a minute at most
def test_outage_takes_a_server_away_and_all_catches_up() -> None:
    figures = outage.run(seconds=6, progress=quiet, servers=["postgres"])
    assert (figures.lost, figures.doubled, figures.restarts) == (0, 0, 0)
    assert set(figures.catch_up_seconds) == {"postgres"}
    assert figures.failures["postgres"] > 0
    assert 0 < figures.incidents <= figures.accepted


def test_the_command_prints_figures_as_json_and_fails_when_one_misses_its_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "ANSWER_BAR", 0.0)
    result = CliRunner().invoke(app, ["bench", "intake", "--groups", "2", "--connections", "2", "--json"])
    figures = json.loads(result.stdout)
    assert result.exit_code == 1
    assert {bar["figure"]: bar["met"] for bar in figures["bars"]} == {
        "answer_seconds.p99": False,
        "answered": True,
        "incidents": True,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["analysis", "--groups", "81"],
        ["analysis", "--services", "3"],
        ["intake", "--groups", "0"],
        ["crash", "--kills", "0"],
        ["crash", "--store", "redis"],
        ["outage", "--seconds", "0"],
    ],
)
def test_what_is_out_of_bounds_is_refused_before_anything_starts(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["bench", *arguments])
    assert result.exit_code == 2
    assert f"Invalid value for '{arguments[1]}'" in result.output
