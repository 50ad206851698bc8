"""Numbers in manifests: what stands there now, and what to put instead.

The present value is only known if somebody read it; else both sides are placeholders, which no API server
accepts, so that a proposal cannot be applied without having been read. Called when a proposal is drawn up.
"""

from __future__ import annotations

import math
from enum import StrEnum

from pydantic import Field

from brain_common.settings import Settings

_MEBI = 1 << 20
_GIBI = 1 << 30
_LARGEST = float(1 << 60)  # beyond any limit, volume or number of replicas; a float is still exact enough here


class Unit(StrEnum):
    """How Kubernetes writes it."""

    BYTES = "bytes"  # 512Mi, rounded up to whole mebibytes
    CORES = "cores"  # 250m, rounded up to whole millicores
    COUNT = "count"  # 3


class Fact(StrEnum):
    """What a caller may know of the present configuration."""

    MEMORY_LIMIT = "memory_limit"  # bytes of one container
    CPU_LIMIT = "cpu_limit"  # cores of one container
    MAX_REPLICAS = "max_replicas"  # of the autoscaler
    VOLUME_SIZE = "volume_size"  # bytes of one claim
    POOL_SIZE = "pool_size"  # connections of one instance


class Quantity(Settings):
    """A value that a proposal changes by a factor."""

    fact: Fact = Field(description="Which value of the present configuration.")
    unit: Unit = Field(description="How it is written: bytes, cores or count.")
    factor: float = Field(gt=0, le=10, description="What to multiply it by; not 1.")

    def texts(self, now: float | None) -> tuple[str, str]:
        """The present value and the proposed one, or placeholders if it is unknown or makes no sense."""
        if now is None or not (math.isfinite(now) and 0 < now < _LARGEST):
            return "<current>", f"<{self.factor:g} x current>"
        return written(now, self.unit), written(self._changed(now), self.unit)

    def _changed(self, now: float) -> float:
        """A changed count is another count; and never none."""
        if self.unit is not Unit.COUNT:
            return now * self.factor
        return max(now + 1, now * self.factor) if self.factor > 1 else max(1.0, math.floor(now * self.factor))


def written(value: float, unit: Unit) -> str:
    """As in a manifest; rounded up, as less than asked for would be no help."""
    if unit is Unit.COUNT:
        return str(math.ceil(value))
    if unit is Unit.CORES:
        millicores = math.ceil(round(value * 1000, 6))
        return f"{millicores}m" if millicores % 1000 else str(millicores // 1000)
    if value >= _GIBI and value % _GIBI == 0:
        return f"{int(value) // _GIBI}Gi"
    return f"{math.ceil(value / _MEBI)}Mi"
