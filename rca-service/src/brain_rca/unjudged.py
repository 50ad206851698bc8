"""Why an incident has no judgement, or none of now: "no cause" is a verdict, and no verdict is none."""

from __future__ import annotations

from typing import Final

from brain_rca.model import AnalysisState, Incident
from brain_rca.publish.text import clean

_MAX_ERROR: Final = 400  # characters
_FAILED: Final = "judgement failed, it is tried again"


def unjudged(incident: Incident) -> str:
    """One line in plain words; empty where the judgement is there."""
    if incident.analysis_state is AnalysisState.FAILED:
        failed = f"the last {_FAILED}, and what is shown is the one before" if incident.analysis else _FAILED
        error = incident.analysis_error
        return f"{failed}: {clean(error, _MAX_ERROR)}" if error else failed
    return "" if incident.analysis else "not judged yet"
