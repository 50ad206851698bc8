"""Why a pinned server is not there to run."""

from __future__ import annotations


class ToolMissingError(Exception):
    """What would build it is not on this machine; the message says how to get it."""


class BuildError(Exception):
    """It was tried and not delivered; the message holds the last lines of what was said."""
