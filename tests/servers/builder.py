"""Compiles a pinned Go server; `cache` decides when, and where it goes.

Each module is compiled as the main module, from its own folder in Go's module cache: so its `replace`
directives, which `go install module@version` refuses, and its checksums hold, and Thanos needs no go.mod
of our own. Kubernetes and etcd replace their siblings by folders beside them, which a module's zip lacks;
they build with a copy of their go.mod that takes the siblings from the module proxy. The Collector has no
main module: its builder is compiled first, and generates one from a manifest.
"""

from __future__ import annotations

import collections
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from brain_lab.servers.binaries import GO_VERSION, runnable
from tests.servers.errors import BuildError, ToolMissingError
from tests.servers.pins import GoPin
from tests.servers.progress import Progress

GO_DEFAULT_FOLDER: Final = Path("/usr/local/go/bin")
"""Where Go's own installation instructions put it, often without telling PATH."""

SHOWN_ERROR_LINES: Final = 20


def find_go(environ: Mapping[str, str]) -> Path:
    """The `go` command.

    Raises:
        ToolMissingError: It is neither on PATH nor in its usual folder.
    """
    on_path = shutil.which("go", path=environ.get("PATH", ""))
    for candidate in (Path(on_path or ""), GO_DEFAULT_FOLDER / "go"):
        if runnable(candidate):
            return candidate
    raise ToolMissingError(
        f"Go is not on PATH. Install Go >= {GO_VERSION} (https://go.dev/doc/install; any Go >= 1.21 "
        "fetches a newer one by itself) and run `make servers`"
    )


def build(pin: GoPin, staging: Path, environ: Mapping[str, str], progress: Progress) -> None:
    """Compile the pin's programs into the folder `bin` of `staging`, which holds its parts.

    Raises:
        ToolMissingError: There is no Go.
        BuildError: Go could not fetch or compile it.
    """
    go = find_go(environ)
    source = _download(pin, go, environ, progress)
    if pin.manifest is not None:
        source = _put_together(pin, pin.manifest, go, source, staging, environ, progress)
    flags = _module_flags(pin, go, source, staging.parent, environ)
    for program, package in pin.commands.items():
        command = [str(go), "build", *flags, "-o", str(staging / "bin" / program), package]
        _compile(pin, program, command, source, environ, progress)


def _download(pin: GoPin, go: Path, environ: Mapping[str, str], progress: Progress) -> Path:
    progress("downloading the module")
    command = [str(go), "mod", "download", "-json", f"{pin.module}@{pin.version}"]
    with tempfile.TemporaryDirectory() as nowhere:
        done = subprocess.run(
            command, cwd=nowhere, env=_go_environ(environ), capture_output=True, text=True, check=False
        )
    if done.returncode != 0:
        raise BuildError(f"go could not download {pin.module}@{pin.version}:\n{done.stdout}{done.stderr}")
    return Path(json.loads(done.stdout)["Dir"])


def _put_together(
    pin: GoPin, manifest: Path, go: Path, source: Path, staging: Path, environ: Mapping[str, str], progress: Progress
) -> Path:
    """The main module that the Collector's builder generates from the manifest."""
    generator = staging.with_name("generator")
    _compile(pin, "the builder", [str(go), "build", "-v", "-o", str(generator), "."], source, environ, progress)
    progress("generating the main module")
    on_path = {**environ, "PATH": f"{go.parent}:{environ.get('PATH', '')}"}
    _run(pin, [str(generator), f"--config={manifest}", "--skip-compilation"], staging.parent, on_path)
    return staging.with_name("sources")


def _module_flags(pin: GoPin, go: Path, source: Path, scratch: Path, environ: Mapping[str, str]) -> list[str]:
    version = [f"-X {pin.version_variable}={pin.release}"] if pin.version_variable else []
    flags = ["-v", "-trimpath", "-buildvcs=false", f"-tags={','.join(pin.tags)}"]
    flags += ["-ldflags", " ".join(["-s", "-w", *version])]
    if pin.siblings is None:
        return flags
    # The sums of the siblings are not in the module's go.sum; -mod=mod adds them, checked like any download.
    return [*flags, "-mod=mod", f"-modfile={_own_go_mod(pin, go, source, scratch, environ)}"]


def _own_go_mod(pin: GoPin, go: Path, source: Path, scratch: Path, environ: Mapping[str, str]) -> Path:
    """A copy of the module's go.mod and go.sum, with published siblings for those it expects beside it."""
    own = scratch / "go.mod"
    for name in (own.name, "go.sum"):
        (scratch / name).write_bytes((source / name).read_bytes())
    edit = [str(go), "mod", "edit"]
    described = _run(pin, [*edit, "-json", str(own)], scratch, environ)
    replaced = [entry["Old"]["Path"] for entry in json.loads(described)["Replace"] if "Version" not in entry["New"]]
    _run(pin, [*edit, *(f"-replace={path}={path}@{pin.siblings}" for path in replaced), str(own)], scratch, environ)
    return own


def _run(pin: GoPin, command: list[str], folder: Path, environ: Mapping[str, str]) -> str:
    done = subprocess.run(command, cwd=folder, env=_go_environ(environ), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"go could not prepare {pin.module}@{pin.version}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _compile(
    pin: GoPin, program: str, command: list[str], source: Path, environ: Mapping[str, str], progress: Progress
) -> None:
    last = collections.deque[str](maxlen=SHOWN_ERROR_LINES)
    with subprocess.Popen(command, cwd=source, env=_go_environ(environ), stderr=subprocess.PIPE, text=True) as child:
        compiled = 0
        for line in child.stderr or ():
            last.append(line)
            compiled += not line.startswith("go: ")
            progress(f"{program}, {compiled} packages compiled")
    if child.returncode != 0:
        raise BuildError(f"go could not compile {program} of {pin.module}@{pin.version}:\n{''.join(last)}")


def _go_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """No C compiler, no workspace and no flags of the user's: the same programs everywhere."""
    return {**environ, "CGO_ENABLED": "0", "GOWORK": "off", "GOFLAGS": "-mod=readonly"}
