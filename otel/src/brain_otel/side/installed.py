"""Whether there is what the side process needs; asked before any process is started."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from brain_common.errors import ConfigError
from brain_otel.config import OtelSettings

_NEEDED: Final = ("deltalake", "duckdb", "pyarrow")


def check_lake(settings: OtelSettings) -> None:
    """Nothing is loaded: the parent of the processes has no room for it.

    Raises:
        ConfigError: A lake is configured, and the libraries for it are not installed.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if settings.lake is not None and missing:
        raise ConfigError(f"lake: {', '.join(missing)} not installed; install ai-devops-brain[otel,lake]")
