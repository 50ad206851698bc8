"""What faults do to the simulation that leave everything that runs alone."""

from __future__ import annotations

from brain_lab.simulate.knobs import Knobs


def still(_at: float, _knobs: Knobs) -> None:
    """Turn nothing."""
