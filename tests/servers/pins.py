"""The servers the tests run against: which module, which version, which programs of it.

All but one are written in Go. Each version of these is one that compiles from the Go module proxy alone. Newer
ones often do not: Alertmanager's module lacks its UI folder from v0.34 on, and Thanos v0.42.5 asks for a newer Go.
When a pin moves, look at the `go` line of its go.mod and at `GO_VERSION` in `brain_lab.servers.binaries`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

COMMON_VERSION: Final = "github.com/prometheus/common/version.Version"

MANIFEST: Final = "manifest.yaml"
"""What the Collector was put together from, beside its program."""


@dataclass(frozen=True)
class GoPin:
    """One module to compile.

    Attributes:
        name: What `make servers` and the cache call it.
        module: Its Go module.
        version: The module's version.
        commands: The programs wanted, each with its package inside the module.
        release: What the server calls this version of itself.
        version_variable: The Go variable that holds the release, set by the linker; None where it knows by itself.
        tags: Go build tags.
        siblings: The version of the modules that its go.mod replaces with folders beside it. A module's zip
            lacks those, so they are taken from the module proxy; None where it replaces none.
        manifest: Where the module is the Collector's builder: what it is to put together. The commands are then
            packages of what it generates. None for all others.
    """

    name: str
    module: str
    version: str
    commands: Mapping[str, str]
    release: str
    version_variable: str | None
    tags: tuple[str, ...] = ()
    siblings: str | None = None
    manifest: Path | None = None

    @property
    def key(self) -> str:
        """The name of its folder in the cache."""
        return f"{self.name}-{self.version}"

    @property
    def programs(self) -> Collection[str]:
        """What it provides."""
        return self.commands

    @property
    def parts(self) -> Mapping[str, Path]:
        """What it is put together from beyond its version: files, by the names of their copies in the cache."""
        return {} if self.manifest is None else {MANIFEST: self.manifest}


@dataclass(frozen=True)
class MavenPin:
    """One Java server, put together from jars.

    Attributes:
        name: What `make servers` and the cache call it.
        release: What the server calls this version of itself, and its jars.
        folder: Holds `pom.xml`, which names the jars; `main`; and a script for each program.
        main: The file of the class that starts it.
        programs: What it provides.
    """

    name: str
    release: str
    folder: Path
    main: str
    programs: Collection[str]

    @property
    def version(self) -> str:
        """The release, as versions of all servers are written."""
        return f"v{self.release}"

    @property
    def key(self) -> str:
        """See ``GoPin.key``."""
        return f"{self.name}-{self.version}"

    @property
    def parts(self) -> Mapping[str, Path]:
        """See ``GoPin.parts``."""
        return {name: self.folder / name for name in ("pom.xml", self.main, *self.programs)}


Pin = GoPin | MavenPin

PINS: Final[tuple[Pin, ...]] = (
    GoPin(
        name="telemetrygen",
        module="github.com/open-telemetry/opentelemetry-collector-contrib/cmd/telemetrygen",
        version="v0.145.0",
        commands={"telemetrygen": "."},
        release="0.145.0",
        version_variable=None,
    ),
    GoPin(
        name="toxiproxy",
        module="github.com/Shopify/toxiproxy/v2",
        version="v2.5.0",
        commands={"toxiproxy-server": "./cmd/server"},
        release="2.5.0",
        version_variable="github.com/Shopify/toxiproxy/v2.Version",
    ),
    GoPin(
        name="etcd",
        module="go.etcd.io/etcd/server/v3",
        version="v3.7.3",
        commands={"etcd": "."},
        release="3.7.3",
        version_variable=None,
        siblings="v3.7.3",
    ),
    GoPin(
        name="versitygw",
        module="github.com/versity/versitygw",
        version="v1.8.0",
        commands={"versitygw": "./cmd/versitygw"},
        release="v1.8.0",
        version_variable="main.Version",
    ),
    GoPin(
        name="kwok",
        module="sigs.k8s.io/kwok",
        version="v0.8.0",
        commands={"kwok": "./cmd/kwok"},
        release="0.8.0",
        version_variable=None,
    ),
    GoPin(
        name="alertmanager",
        module="github.com/prometheus/alertmanager",
        version="v0.31.1",
        commands={"alertmanager": "./cmd/alertmanager", "amtool": "./cmd/amtool"},
        release="0.31.1",
        version_variable=COMMON_VERSION,
    ),
    GoPin(
        name="prometheus",
        module="github.com/prometheus/prometheus",
        version="v0.316.0",
        commands={"prometheus": "./cmd/prometheus", "promtool": "./cmd/promtool"},
        release="3.16.0",
        version_variable=COMMON_VERSION,
    ),
    GoPin(
        name="thanos",
        module="github.com/thanos-io/thanos",
        version="v0.42.0",
        commands={"thanos": "./cmd/thanos"},
        release="0.42.0",
        version_variable=COMMON_VERSION,
        # It casts labels between two types of one layout; any other tag makes that cast read garbage.
        tags=("slicelabels",),
    ),
    GoPin(
        name="loki",
        module="github.com/grafana/loki/v3",
        version="v3.7.7",
        commands={"loki": "./cmd/loki"},
        release="3.7.7",
        version_variable="github.com/grafana/loki/v3/pkg/util/build.Version",
        # Of its one sibling, pkg/push: the version that its own go.mod asks for.
        siblings="v0.0.0-20250630054201-94c0ba7b0952",
    ),
    GoPin(
        name="kubernetes",
        module="k8s.io/kubernetes",
        version="v1.34.2",
        commands={
            "kube-apiserver": "./cmd/kube-apiserver",
            "kube-controller-manager": "./cmd/kube-controller-manager",
            "kube-scheduler": "./cmd/kube-scheduler",
        },
        release="v1.34.2",
        version_variable="k8s.io/component-base/version.gitVersion",
        siblings="v0.34.2",
    ),
    GoPin(
        name="jaeger",
        module="github.com/jaegertracing/jaeger",
        # The last of version 1: of version 2, the module proxy has none. Both have the same API of queries.
        version="v1.76.0",
        commands={"jaeger-all-in-one": "./cmd/all-in-one"},
        release="v1.76.0",
        version_variable="github.com/jaegertracing/jaeger/internal/version.latestVersion",
    ),
    GoPin(
        name="otelcol",
        module="go.opentelemetry.io/collector/cmd/builder",
        # For newer ones, the module proxy lacks some of the components.
        version="v0.145.0",
        commands={"otelcol": "."},
        release="0.145.0",
        version_variable=None,
        manifest=Path(__file__).with_name("otelcol.yaml"),
    ),
    MavenPin(
        name="opensearch",
        release="2.19.6",
        folder=Path(__file__).with_name("opensearch"),
        main="SingleNode.java",
        programs=("opensearch",),
    ),
)


def pin_of(program: str) -> Pin:
    """The pin that provides a program."""
    return next(pin for pin in PINS if program in pin.programs)
