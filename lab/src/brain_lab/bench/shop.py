"""The demo's small shop as evidence, for benches that need analyses but not large ones."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from brain_lab.demo import generate
from brain_lab.demo.into_lake import write
from brain_lab.demo.shop import CLUSTER, NAMESPACE

ABOUT: Final[Mapping[str, str]] = {"cluster": CLUSTER, "namespace": NAMESPACE, "service": "checkout"}
"""Labels of alerts about a service that the fault reaches."""

_SEED: Final = 7


def write_shop(root: Path) -> None:
    """Three hours of it until now, with its fault, as a lake below ``root``."""
    write(generate(_SEED, time.time()), root)
