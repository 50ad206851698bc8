"""The platforms by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from brain_common.errors import ConfigError
from brain_lab.platforms import automotive, finance, healthcare
from brain_lab.platforms.model import Platform

_BUILDERS: Final[Mapping[str, Callable[[int], Platform]]] = {
    "finance": finance.build,
    "healthcare": healthcare.build,
    "automotive": automotive.build,
}


def names() -> tuple[str, ...]:
    """Of all platforms."""
    return tuple(_BUILDERS)


def check(name: str) -> None:
    """Refuse a name that no platform has.

    Raises:
        ConfigError: It is such a name.
    """
    if name not in _BUILDERS:
        raise ConfigError(f"platform {name!r}: none of {', '.join(_BUILDERS)}")


def build(name: str, seed: int) -> Platform:
    """The platform; another seed places its pods and draws its numbers a little differently.

    Raises:
        ConfigError: There is none of that name.
    """
    check(name)
    return _BUILDERS[name](seed)
