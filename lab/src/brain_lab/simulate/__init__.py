"""Plays a platform: a queueing network on nodes that it shares, with autoscalers, rollouts and queues, from a seed.

`run` is all that others need. Equations are in `flow` and `queueing`, what a fault may turn in `knobs`.
"""

from brain_lab.simulate.engine import run
from brain_lab.simulate.recording import TICK, Pod, Recording, Truth

__all__ = ["TICK", "Pod", "Recording", "Truth", "run"]
