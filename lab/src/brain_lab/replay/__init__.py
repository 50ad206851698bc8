"""Turns a recorded incident into a Prometheus TSDB in which it ends now, with the rules that fire on it.

Called by `brain lab replay` and by the tests that need a real Prometheus with a real incident in it.
"""

from brain_lab.replay.run import ReplayResult, replay

__all__ = ["ReplayResult", "replay"]
