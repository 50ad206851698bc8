"""Why an incident has no judgement, or none of now: "no cause" is a verdict, and no verdict is none."""

from __future__ import annotations

from typing import Final

from brain_rca.model import AnalysisState
from brain_rca.publish.text import clean

_MAX_ERROR: Final = 400  # characters
_FAILED: Final = "judgement failed, it is tried again"


def unjudged(state: AnalysisState, error: str, *, has_analysis: bool) -> str:
    """One line in plain words; empty where the judgement is there.

    Args:
        state: How far the judgement is.
        error: Why the last attempt failed; empty otherwise.
        has_analysis: Whether there is an earlier judgement, which is then shown.
    """
    if state is AnalysisState.FAILED:
        failed = f"the last {_FAILED}, and what is shown is the one before" if has_analysis else _FAILED
        return f"{failed}: {clean(error, _MAX_ERROR)}" if error else failed
    return "" if has_analysis else "not judged yet"
