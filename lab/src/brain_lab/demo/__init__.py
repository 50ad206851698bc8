"""The incident of `make demo`: generated from a seed, written into a lake, so that no server is needed."""

from brain_lab.demo.incident import DemoEvent, DemoIncident, generate

__all__ = ["DemoEvent", "DemoIncident", "generate"]
