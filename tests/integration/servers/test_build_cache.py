"""The build cache keeps its promise: one build per version, whole or not there, however it is called.

Shell scripts play Go and Maven, so that a build takes a moment instead of minutes; the callers are real processes.
"""

from __future__ import annotations

import dataclasses
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.servers import builder, provide
from tests.servers.builder import find_go
from tests.servers.cache import ensure, is_built
from tests.servers.errors import BuildError, ToolMissingError
from tests.servers.pins import MANIFEST, PINS, GoPin, pin_of
from tests.servers.progress import ConsoleProgress


def go_pin(program: str) -> GoPin:
    """The pin of a program written in Go."""
    pin = pin_of(program)
    assert isinstance(pin, GoPin)
    return pin


PIN = go_pin("promtool")

BUILD_SCRIPT = Path(__file__).parents[3] / "tests/servers/build.py"

FAKE_GO = """#!/bin/sh
if [ "$1" = mod ]; then echo '{{"Dir": "{folder}"}}'; exit 0; fi
while [ "$1" != -o ]; do shift; done
echo "$2" >> {folder}/builds
mkdir -p "$(dirname "$2")"
printf half > "$2"
echo some/package >&2
sleep {seconds}
printf whole >> "$2"
chmod +x "$2"
exit {status}
"""


def fake_go(folder: Path, seconds: float = 0.0, status: int = 0) -> Mapping[str, str]:
    """An environment whose Go counts its builds in the file `builds`, and whose cache is empty."""
    programs = folder / "path"
    programs.mkdir()
    go = programs / "go"
    go.write_text(FAKE_GO.format(folder=folder, seconds=seconds, status=status))
    go.chmod(0o755)
    return {"PATH": f"{programs}:/usr/bin:/bin", "BRAIN_CACHE_DIR": str(folder / "cache")}


def builds(folder: Path) -> int:
    """How often a program was compiled."""
    return len((folder / "builds").read_text().splitlines())


def start_build(environ: Mapping[str, str]) -> subprocess.Popen[str]:
    """A caller of its own, the way `make servers` is one."""
    script = [sys.executable, str(BUILD_SCRIPT), PIN.name]
    pythonpath = os.pathsep.join(sys.path)
    return subprocess.Popen(
        script,
        env={**environ, "PYTHONPATH": pythonpath},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_callers_at_the_same_time_share_one_build(tmp_path: Path) -> None:
    environ = fake_go(tmp_path, seconds=0.5)
    callers = [start_build(environ) for _ in range(5)]
    for caller in callers:
        _, said = caller.communicate(timeout=60)
        assert caller.returncode == 0, said
    assert builds(tmp_path) == len(PIN.commands)
    for program in PIN.commands:
        assert (ensure(PIN, environ) / program).read_text() == "halfwhole"


def test_a_killed_build_leaves_nothing_that_looks_built(tmp_path: Path) -> None:
    environ = fake_go(tmp_path, seconds=30)
    caller = start_build(environ)
    deadline = time.monotonic() + 30
    while not (tmp_path / "builds").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(caller.pid, signal.SIGKILL)
    caller.communicate(timeout=10)
    assert not is_built(PIN, environ)

    go = tmp_path / "path" / "go"
    go.write_text(go.read_text().replace("sleep 30", "sleep 0"))
    ensure(PIN, environ)
    assert is_built(PIN, environ)
    left = sorted(path.name for path in (tmp_path / "cache" / "servers").iterdir())
    assert left == [f".{PIN.key}.lock", PIN.key]


def test_a_build_that_lost_a_program_is_made_again(tmp_path: Path) -> None:
    environ = fake_go(tmp_path)
    (ensure(PIN, environ) / "promtool").unlink()
    assert (ensure(PIN, environ) / "promtool").exists()


def test_another_manifest_is_another_build(tmp_path: Path) -> None:
    environ = fake_go(tmp_path)
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text("exporters: []\n")
    pin = dataclasses.replace(go_pin("otelcol"), manifest=manifest)
    home = tmp_path / "cache" / "servers" / pin.key
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "otelcol").touch(mode=0o755)
    (home / MANIFEST).write_text("exporters: []\n")
    assert is_built(pin, environ)
    manifest.write_text("exporters: [debug]\n")
    assert not is_built(pin, environ)


def test_a_build_that_fails_says_what_go_said_and_is_not_kept(tmp_path: Path) -> None:
    environ = fake_go(tmp_path, status=1)
    with pytest.raises(BuildError, match=r"(?s)could not compile prometheus .*some/package"):
        ensure(PIN, environ)
    assert not is_built(PIN, environ)


def test_siblings_come_from_the_module_proxy(tmp_path: Path) -> None:
    """A real Go edits the copy of go.mod; only its compiler is played."""
    try:
        go = find_go(provide.AMBIENT)
    except ToolMissingError as error:
        if provide.AMBIENT.get("CI") == "true":
            raise
        pytest.skip(str(error))
    (tmp_path / "go.mod").write_text(
        "module example.org/main\n\ngo 1.24\n\n"
        "replace (\n\texample.org/api => ./staging/api\n\texample.org/fork => example.org/own v1.2.3\n)\n"
    )
    (tmp_path / "go.sum").touch()
    environ = fake_go(tmp_path)
    fake = tmp_path / "path" / "go"
    copied = 'for word; do case "$word" in -modfile=*) cp "${word#-modfile=}" "%s";; esac; done\n' % (tmp_path / "used")
    edits = f'if [ "$1 $2" = "mod edit" ]; then exec {go} "$@"; fi\n'
    fake.write_text(fake.read_text().replace("#!/bin/sh\n", f"#!/bin/sh\n{edits}{copied}", 1))
    ensure(dataclasses.replace(PIN, siblings="v0.9.0"), environ)
    used = (tmp_path / "used").read_text()
    assert "example.org/api => example.org/api v0.9.0" in used
    assert "example.org/fork => example.org/own v1.2.3" in used
    assert "./staging" in (tmp_path / "go.mod").read_text()


def test_without_go_the_error_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builder, "GO_DEFAULT_FOLDER", tmp_path)
    with pytest.raises(ToolMissingError, match=r"Install Go >= 1\.\d+\.\d+ .* `make servers`"):
        ensure(PIN, {"PATH": str(tmp_path), "BRAIN_CACHE_DIR": str(tmp_path)})


def tool(path: Path, script: str) -> None:
    """A program on PATH."""
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def fake_maven(folder: Path) -> Mapping[str, str]:
    """An environment whose Maven has one jar, and whose cache is empty."""
    environ = fake_go(folder)
    programs = folder / "path"
    tool(programs / "mvn", f"echo $* >> {folder}/builds; mkdir lib; echo Copying a.jar; touch lib/a.jar")
    tool(programs / "javac", "mkdir classes")
    tool(programs / "java", "")
    return environ


def test_a_java_server_is_put_together_once(tmp_path: Path) -> None:
    environ, pin = fake_maven(tmp_path), pin_of("opensearch")
    for _ in range(2):
        home = ensure(pin, environ).parent
    assert (tmp_path / "builds").read_text().count(f"-Drevision={pin.release}") == builds(tmp_path) == 1
    assert os.access(home / "bin" / "opensearch", os.X_OK)
    assert {"lib", "classes", "pom.xml"} <= {path.name for path in home.iterdir()}
    (home / "pom.xml").write_text("another")
    assert not is_built(pin, environ)


def test_a_java_server_that_cannot_be_fetched_says_what_maven_said(tmp_path: Path) -> None:
    environ, pin = fake_maven(tmp_path), pin_of("opensearch")
    tool(tmp_path / "path" / "mvn", "echo no route to anywhere; exit 1")
    with pytest.raises(BuildError, match=r"(?s)mvn could not put opensearch-v.* together.*no route to anywhere"):
        ensure(pin, environ)
    assert not is_built(pin, environ)


def test_without_maven_the_error_says_how_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ToolMissingError, match=r"mvn, javac, java not on PATH. Install .* maven.* `make servers`"):
        ensure(pin_of("opensearch"), {"PATH": str(tmp_path), "BRAIN_CACHE_DIR": str(tmp_path)})


def test_the_list_tells_what_is_built(tmp_path: Path) -> None:
    environ = fake_go(tmp_path)
    ensure(PIN, environ)
    script = [sys.executable, str(BUILD_SCRIPT), "--list"]
    listed = subprocess.run(
        script,
        env={**environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert len(listed) == len(PINS)
    assert [line.split()[0] for line in listed if "not built" not in line] == [PIN.name]


def test_a_log_is_not_flooded_by_steps() -> None:
    log = io.StringIO()
    progress = ConsoleProgress("thanos v1", done=1, total=4, stream=log)
    for count in range(500):
        progress(f"{count} packages")
    progress.finish("built")
    assert log.getvalue() == "[2/4] thanos v1: built, 0 s\n"
