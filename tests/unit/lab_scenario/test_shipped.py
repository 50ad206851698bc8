"""The scenario files that come with the lab: one for each fault, and what they say is what the simulator breaks."""

from __future__ import annotations

from pathlib import Path

import pytest

from brain_common.errors import ConfigError
from brain_lab.faults import registry as faults
from brain_lab.platforms import registry as platforms
from brain_lab.scenario import Scenario, load_scenario, load_scenarios
from brain_lab.scenario.play import truths

SHIPPED = Path(__file__).parents[3] / "lab" / "scenarios"
NAMES = (*faults.names(), *faults.combinations())


def shipped(name: str) -> Scenario:
    return load_scenario(SHIPPED / f"{name}.yaml", platforms.names(), faults.names())


def test_every_fault_and_combination_has_a_file_and_no_file_is_left_over() -> None:
    assert {path.stem for path in SHIPPED.iterdir()} == set(NAMES)


def test_every_platform_is_played() -> None:
    assert {scenario.platform for scenario in load_scenarios(SHIPPED)} == set(platforms.names())


@pytest.mark.parametrize("name", NAMES)
def test_a_file_breaks_what_its_name_says_and_tells_the_truth_of_it(name: str) -> None:
    scenario = shipped(name)
    assert scenario.fault == name
    broken = truths(scenario)
    assert len(broken) == len(scenario.faults)
    for part, truth in zip(scenario.faults, broken, strict=True):
        assert part.truth is not None
        assert part.truth.entity == str(truth.entity)
        assert part.truth.accepted == tuple(str(one) for one in truth.accepted)
        assert part.truth.kinds == truth.kinds
        assert part.fix is not None
        assert part.fix.proposal == truth.proposal


def test_a_folder_without_scenarios_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no \*\.yaml file"):
        load_scenarios(tmp_path)
