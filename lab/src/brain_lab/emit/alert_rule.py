"""What an alert rule is: PromQL for a real Prometheus, and the same condition on a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brain_lab.simulate.recording import Recording


@dataclass(frozen=True, slots=True)
class Rule:
    """An alert rule.

    Attributes:
        alert: Its name.
        expression: PromQL.
        labels: What it adds.
        summary: One sentence.
        broken: [T] whether the condition is true, from what the metrics are made of.
    """

    alert: str
    expression: str
    labels: Mapping[str, str]
    summary: str
    broken: Callable[[Recording], NDArray[np.bool_]]
