"""Scenario files: what they mean, and that a wrong one is told by file, line and key."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from brain_common.errors import ConfigError
from brain_lab.scenario import FaultPart, Load, Scenario, load_scenario, plan, seeds_of
from brain_lab.scenario.play import play

GOOD = """\
# The ledger's database is locked by a report.
platform: finance
seed: 7
load:
  length_seconds: 1800
  factor: 1.5
faults:
  - fault: database-lock
    target: ledger-db
    onset_seconds: 600
    duration_seconds: 300
    truth:
      entity: prod/finance/database/ledger-db
      accepted: [prod/finance/service/ledger-db]
      kinds: [latency, saturation]
    fix:
      proposal: config
      what: a statement timeout for reports
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "scenario.yaml"
    path.write_text(text)
    return path


def problem(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as raised:
        load_scenario(written(folder, text), platforms=("finance", "healthcare"), faults=("database-lock", "oom-kill"))
    return str(raised.value).removeprefix(str(folder / "scenario.yaml"))


def test_a_whole_scenario(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, GOOD))
    (part,) = scenario.faults
    assert scenario.platform == "finance"
    assert scenario.fault == "database-lock"
    assert scenario.load.factor == 1.5
    assert part.target == "ledger-db"
    assert part.truth is not None
    assert part.truth.kinds == ("latency", "saturation")
    assert part.fix is not None
    assert part.fix.proposal == "config"
    assert scenario.title == "finance, database-lock, seed 7"


def test_little_is_needed(tmp_path: Path) -> None:
    scenario = load_scenario(written(tmp_path, "platform: healthcare\n"))
    assert scenario.faults == ()
    assert scenario.fault == ""
    assert scenario.load == Load()
    assert scenario.title == "healthcare, no fault, seed 0"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 7", "sede: 7", ": line 3: sede: unknown key"),
        ("    target: ledger-db", "    tarqet: ledger-db", ": line 9: faults.0.tarqet: unknown key"),
        (
            "onset_seconds: 600",
            "onset_seconds: soon",
            ": line 10: faults.0.onset_seconds: Input should be a valid number",
        ),
        (
            "      entity: prod/finance/database/ledger-db",
            "      entity: ledger-db",
            ": line 13: faults.0.truth.entity: ",
        ),
        ("[latency, saturation]", "[latency, Much Slower]", ": line 15: faults.0.truth.kinds.1: "),
        ("proposal: config", "proposal: pray", ": line 17: faults.0.fix.proposal: Input should be 'terraform'"),
        ("  - fault: database-lock\n    target", "  - target", ": line 8: faults.0.fault: Field required"),
        ("fault: database-lock", "fault: data-base-lock", ": line 8: faults.0.fault: 'data-base-lock' is none of"),
        ("platform: finance", "platform: farming", ": line 2: platform: 'farming' is none of finance, healthcare"),
        ("platform: finance", "seed: 8\nplatform: finance", ", line 4: seed: given twice"),
        ("onset_seconds: 600", "onset_seconds: 1800", ": line 1: (top): faults.0.onset_seconds: 1800"),
        ("seed: 7", "seed: [7", ": is no YAML: "),
    ],
)
def test_what_is_wrong_is_told_by_line_and_key(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    assert problem(tmp_path, GOOD.replace(old, new)).startswith(said)


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", "a: &a [*a]", "platform: &p {x: *p}"])
def test_no_shape_of_yaml_breaks_it(tmp_path: Path, text: str) -> None:
    assert problem(tmp_path, text)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"absent\.yaml: cannot be read"):
        load_scenario(tmp_path / "absent.yaml")


def test_a_plan_has_every_platform_fault_and_seed_and_quiet_runs() -> None:
    scenarios = plan(["finance", "healthcare"], ["oom-kill", "oom-kill+database-lock"], [1, 2])
    broken = [one for one in scenarios if one.faults]
    quiet = [one for one in scenarios if not one.faults]
    assert len(broken) == 8
    assert [part.fault for part in broken[2].faults] == ["oom-kill", "database-lock"]
    assert broken[0].faults[0].onset_seconds == 900.0
    assert len({(one.platform, one.seed) for one in quiet}) == len(quiet) == 12
    assert plan(["finance"], ["oom-kill"], [1]) == plan(["finance"], ["oom-kill"], [1])


def test_a_scenario_travels_between_processes() -> None:
    scenario = plan(["finance"], ["oom-kill"], [1])[0]
    assert pickle.loads(pickle.dumps(scenario)) == scenario
    assert isinstance(scenario, Scenario)


@pytest.mark.parametrize(("text", "seeds"), [("7", [7]), ("1..3", [1, 2, 3]), (" 2..2 ", [2])])
def test_seeds(text: str, seeds: list[int]) -> None:
    assert list(seeds_of(text)) == seeds


@pytest.mark.parametrize("text", ["", "a", "3..1", "1-3", "1..", "0..1000", "1..2..3", "-1"])
def test_no_seeds(text: str) -> None:
    with pytest.raises(ConfigError, match="seeds"):
        seeds_of(text)


def test_two_faults_without_a_target_break_two_things() -> None:
    pair = tuple(FaultPart(fault=name, onset_seconds=300.0) for name in ("database-lock", "database-read-spike"))
    for seed in range(4):
        recording = play(Scenario(platform="healthcare", seed=seed, faults=pair, load=Load(length_seconds=600.0)))
        assert len({truth.entity for truth in recording.truth}) == 2
