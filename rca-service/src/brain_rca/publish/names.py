"""Names that the outside world sees and that other parts must know without knowing the sinks."""

from __future__ import annotations

from typing import Final

BRAIN_ALERTNAME: Final = "BrainRootCause"
"""The alert that this service posts; the intake must never analyse it, or it would answer itself for ever."""
