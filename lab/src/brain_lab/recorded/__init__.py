"""Public recorded incidents, read from a folder the user has; used by the replay and by the scorers.

One loader per data set, behind one Protocol (`registry`). A case holds what an engineer could have seen:
series, call graph, alert. Where the fault was injected is kept apart in `truth`, for scoring only, and a
case's id finds its folder and goes nowhere else.
"""

from brain_lab.recorded.model import AlertTarget, Measure, RecordedCase, Recording, SeriesKey
from brain_lab.recorded.registry import DATASETS, list_cases, load_case
from brain_lab.recorded.truth import Truth, truth

__all__ = [
    "DATASETS",
    "AlertTarget",
    "Measure",
    "RecordedCase",
    "Recording",
    "SeriesKey",
    "Truth",
    "list_cases",
    "load_case",
    "truth",
]
