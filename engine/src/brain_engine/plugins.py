"""Detectors and rankers by name: built-ins are registered through the same entry points as anybody else's."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from brain_engine.findings import Detector
from brain_engine.rank.protocol import Ranker

_DETECTORS = "ai_devops_brain.detectors"
_RANKERS = "ai_devops_brain.rankers"


class UnknownPluginError(LookupError):
    """No such entry point; the message names those that exist."""


def load_detector(name: str) -> Detector:
    """The detector registered as ``name``.

    Raises:
        UnknownPluginError: There is none.
    """
    return cast("Detector", _load(_DETECTORS, name))


def load_ranker(name: str) -> Ranker:
    """The ranker registered as ``name``.

    Raises:
        UnknownPluginError: There is none.
    """
    return cast("Ranker", _load(_RANKERS, name))


def _load(group: str, name: str) -> object:
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise UnknownPluginError(f"{name!r} is not among the entry points of {group}: {', '.join(sorted(found))}")
    return found[name].load()()
