"""``brain lab evaluate`` without a simulator behind it: what is planned, what is printed, what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brain_cli import evaluation as module
from brain_cli.evaluation import Request, evaluation, planned
from brain_cli.main import app
from brain_common.errors import ConfigError, InputError
from brain_lab.evaluate.run_result import RunResult
from brain_lab.faults import registry as faults
from brain_lab.platforms import registry as platforms
from brain_lab.scenario import FaultPart, Load, Scenario
from brain_lab.scenario.play import LEAD_SECONDS, begins, possible
from tests.unit.lab_evaluate import judges

SOME = Request(("automotive",), ("latency-spike", "oom-kill"), "1..2", "explain-away", 1, "")


def request(**changes: object) -> Request:
    return Request(**{**{name: getattr(SOME, name) for name in Request.__slots__}, **changes})  # type: ignore[arg-type]


def test_a_plan_has_all_platforms_and_faults_where_none_are_named() -> None:
    scenarios = planned(request(platforms=(), faults=(), seeds="1"))
    assert {scenario.platform for scenario in scenarios} == set(platforms.names())
    assert {scenario.fault for scenario in scenarios} - {""} == {*faults.names(), *faults.combinations()}


def test_where_no_platform_is_named_each_fault_and_seed_is_played_on_one_in_turn() -> None:
    scenarios = planned(request(platforms=(), faults=("latency-spike", "idle-gpu"), seeds="1..3"))
    broken = [(one.fault, one.seed, one.platform) for one in scenarios if one.faults]
    assert len(broken) == 6
    assert {platform for fault, _, platform in broken if fault == "latency-spike"} == set(platforms.names())
    assert {platform for fault, _, platform in broken if fault == "idle-gpu"} == {"automotive"}


def test_faults_that_a_platform_has_nothing_for_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "possible", lambda scenario: scenario.fault != "oom-kill")
    assert {scenario.fault for scenario in planned(SOME)} == {"", "latency-spike"}
    with pytest.raises(ConfigError, match="none of the platforms"):
        planned(request(faults=("oom-kill",)))


WRITTEN = """\
platform: automotive
faults:
  - fault: latency-spike
    target: {target}
"""


def test_files_say_what_is_played_instead_of_a_plan(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_text(WRITTEN.format(target="mqtt-gateway"))
    (tmp_path / "a.yaml").write_text("platform: finance\nseed: 4\n")
    scenarios = planned(request(platforms=(), faults=(), scenarios=tmp_path))
    assert [(one.platform, one.seed, one.fault) for one in scenarios] == [
        ("finance", 4, ""),
        ("automotive", 0, "latency-spike"),
    ]


@pytest.mark.parametrize(
    "changes", [{"platforms": ("finance",), "faults": ()}, {"platforms": (), "faults": ("oom-kill",)}]
)
def test_files_and_a_plan_at_once_are_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match="leave out"):
        planned(request(scenarios=tmp_path, **changes))


def test_a_target_in_a_file_that_is_not_there_is_said_before_anything_is_played(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(WRITTEN.format(target="nobody"))
    with pytest.raises(ConfigError, match="nobody"):
        planned(request(platforms=(), faults=(), scenarios=tmp_path))


def test_a_target_that_is_not_there_is_not_possible() -> None:
    part = FaultPart(fault="latency-spike", target="nobody")
    assert not possible(Scenario(platform="automotive", faults=(part,)))
    assert possible(Scenario(platform="automotive"))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"platforms": ("farming",)}, "'farming'"),
        ({"faults": ("gremlins",)}, "'gremlins'"),
        ({"seeds": "3..1"}, "'3..1'"),
        ({"ranker": "crystal-ball"}, "--ranker: 'crystal-ball' is not among"),
        ({"ablated": "gut-feeling"}, "--ablate: 'gut-feeling' is none of latency, "),
    ],
)
def test_what_is_not_there_is_refused_before_anything_runs(changes: dict[str, object], said: str) -> None:
    with pytest.raises((ConfigError, InputError), match=said):
        evaluation(request(**changes), judges.right)


def test_every_run_is_scored() -> None:
    done = evaluation(SOME, judges.right)
    assert (done.scores.top1, done.scores.specificity) == (1.0, 1.0)
    assert len(done.runs) == 2 * 2 + 2 * 3
    assert "latency-spike" in done.page()


def test_the_command_prints_json_and_writes_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SimulatedJudge", lambda ranker, ablated: judges.raising)
    report = tmp_path / "report.html"
    options = ["--platform", "automotive", "--faults", "latency-spike, oom-kill", "--seeds", "1..2", "--workers", "1"]
    answer = CliRunner().invoke(app, ["lab", "evaluate", *options, "--json", "--report", str(report)])
    assert answer.exit_code == 0, answer.output
    said = json.loads(answer.stdout)
    assert {"top1", "top3", "avg5", "specificity", "overall", "by_fault", "by_platform", "calibration"} <= set(said)
    assert said["ranker"] == "explain-away"
    assert said["overall"]["failed"] == 5
    assert "seed 1 broke" in report.read_text()


def test_a_report_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    def never(scenario: Scenario) -> RunResult:
        raise KeyboardInterrupt(scenario)

    with pytest.raises(InputError, match=r"^--report .*report\.html: No such file or directory; is its folder there"):
        evaluation(request(report=tmp_path / "none" / "report.html"), never)


def test_a_wrong_plan_leaves_the_report_of_the_last_one(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    report.write_text("of the last one")
    with pytest.raises(ConfigError):
        evaluation(request(faults=("gremlins",), report=report), judges.right)
    assert report.read_text() == "of the last one"


def test_the_command_prints_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SimulatedJudge", lambda ranker, ablated: judges.right)
    options = ["--platform", "automotive", "--faults", "latency-spike", "--seeds", "1", "--workers", "1"]
    answer = CliRunner().invoke(app, ["lab", "evaluate", *options])
    assert answer.exit_code == 0, answer.output
    assert "latency-spike" in answer.stdout
    assert "100 %" in answer.stdout


def test_scenarios_begin_at_their_hour_with_a_lead_in_front() -> None:
    assert begins(Scenario(platform="automotive", load=Load(start_hour=0))) % 86400.0 == 0.0
    assert begins(Scenario(platform="automotive", load=Load(start_hour=11.5))) % 86400.0 == 11.5 * 3600.0
    assert LEAD_SECONDS >= 1800.0 + 900.0  # the baseline, and the look back from an alert at the usual onset
