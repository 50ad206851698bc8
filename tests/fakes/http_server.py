"""The misbehaving HTTP server of the lab, under the name that tests import."""

from __future__ import annotations

from brain_lab.fakes.http_server import LONGEST_HANG, Answer, Application, FakeServer, Recorded, Trouble

__all__ = ["LONGEST_HANG", "Answer", "Application", "FakeServer", "Recorded", "Trouble"]
