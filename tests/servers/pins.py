"""The servers the tests run against: which module, which version, which programs of it.

Each version is one that compiles from the Go module proxy alone. Newer ones often do not: Alertmanager's
module lacks its UI folder from v0.34 on, and Thanos v0.42.5 asks for a newer Go. When a pin moves, look
at the `go` line of its go.mod and at `GO_VERSION` in `brain_lab.servers.binaries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

COMMON_VERSION: Final = "github.com/prometheus/common/version.Version"


@dataclass(frozen=True)
class Pin:
    """One module to compile.

    Attributes:
        name: What `make servers` and the cache call it.
        module: Its Go module.
        version: The module's version.
        commands: The programs wanted, each with its package inside the module.
        release: What the server calls this version of itself.
        version_variable: The Go variable that holds the release, set by the linker.
        tags: Go build tags.
    """

    name: str
    module: str
    version: str
    commands: Mapping[str, str]
    release: str
    version_variable: str
    tags: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.name}-{self.version}"


PINS: Final = (
    Pin(
        name="toxiproxy",
        module="github.com/Shopify/toxiproxy/v2",
        version="v2.5.0",
        commands={"toxiproxy-server": "./cmd/server"},
        release="2.5.0",
        version_variable="github.com/Shopify/toxiproxy/v2.Version",
    ),
    Pin(
        name="alertmanager",
        module="github.com/prometheus/alertmanager",
        version="v0.31.1",
        commands={"alertmanager": "./cmd/alertmanager", "amtool": "./cmd/amtool"},
        release="0.31.1",
        version_variable=COMMON_VERSION,
    ),
    Pin(
        name="prometheus",
        module="github.com/prometheus/prometheus",
        version="v0.316.0",
        commands={"prometheus": "./cmd/prometheus", "promtool": "./cmd/promtool"},
        release="3.16.0",
        version_variable=COMMON_VERSION,
    ),
    Pin(
        name="thanos",
        module="github.com/thanos-io/thanos",
        version="v0.42.0",
        commands={"thanos": "./cmd/thanos"},
        release="0.42.0",
        version_variable=COMMON_VERSION,
        # It casts labels between two types of one layout; any other tag makes that cast read garbage.
        tags=("slicelabels",),
    ),
)


def pin_of(program: str) -> Pin:
    """The pin that provides a program."""
    return next(pin for pin in PINS if program in pin.commands)
