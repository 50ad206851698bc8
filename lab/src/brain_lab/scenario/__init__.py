"""What is played, and what the right answer is: one YAML file, or one row of a plan.

A scenario says what breaks, where and when; not how a simulator does it. So the same file will serve simulated
platforms, real processes and real clusters.
"""

from brain_lab.scenario.load import load_scenario, load_scenarios
from brain_lab.scenario.model import Answer, FaultPart, Fix, Load, Scenario
from brain_lab.scenario.plan import plan, seeds_of, spread

__all__ = [
    "Answer",
    "FaultPart",
    "Fix",
    "Load",
    "Scenario",
    "load_scenario",
    "load_scenarios",
    "plan",
    "seeds_of",
    "spread",
]
