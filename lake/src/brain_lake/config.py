"""Where the lake is."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from brain_common.settings import Settings


class LakeSettings(Settings):
    """A local folder."""

    path: Path = Field(description="Folder of the lake; made when it is not there.")
