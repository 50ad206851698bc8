"""Detectors, rankers and miners by name: built-ins are registered through the same entry points as anybody else's."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import cast

from brain_engine.deviations import Detector
from brain_engine.logs.templates import TemplateMiner
from brain_engine.rank.protocol import Ranker

_DETECTORS = "ai_devops_brain.detectors"
_RANKERS = "ai_devops_brain.rankers"
_MINERS = "ai_devops_brain.template_miners"


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


def load_miner(name: str) -> TemplateMiner:
    """The template miner registered as ``name``.

    Raises:
        UnknownPluginError: There is none.
    """
    return cast("TemplateMiner", _load(_MINERS, name))


def _load(group: str, name: str) -> object:
    found = {point.name: point for point in entry_points(group=group)}
    if name not in found:
        raise UnknownPluginError(f"{name!r} is not among the entry points of {group}: {', '.join(sorted(found))}")
    return found[name].load()()
