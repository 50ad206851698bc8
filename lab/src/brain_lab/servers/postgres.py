"""A throw-away PostgreSQL cluster from the operating system's own package.

It trusts every local connection and never waits for the disk, so it is for tests and demos only. Nothing
here speaks the PostgreSQL protocol: databases are made by the programs that come with the server, and
clients get a URL.

PostgreSQL refuses to run as root. Started by root, it runs as `postgres` or else as `nobody`, and then that
user must be able to reach `data_dir`: a folder of `tempfile.mkdtemp` will do, one below root's home not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from brain_lab.servers.binaries import override_variable, runnable
from brain_lab.servers.errors import ServerFailed, ServerMissing
from brain_lab.servers.process import group_of
from brain_lab.servers.server import HOST, Server

ROLE: Final = "brain"
PACKAGED: Final = Path("/usr/lib/postgresql")
"""Where Debian and its kin keep one folder per major version, off PATH."""

FAST_NOT_DURABLE: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


def find_postgres() -> Path:
    """The newest `postgres` program of this machine; `initdb` and the rest lie beside it.

    Raises:
        ServerMissing: There is none.
    """
    if override := os.environ.get(override_variable("postgres")):
        candidates = [Path(override)]
    else:
        packaged = sorted(PACKAGED.glob("*/bin/postgres"), key=_major, reverse=True)
        candidates = [*packaged, Path(shutil.which("postgres") or "postgres")]
    for candidate in candidates:
        if runnable(candidate) and runnable(candidate.with_name("initdb")):
            return candidate
    raise ServerMissing(
        "PostgreSQL's server is not on this machine: install the package `postgresql` "
        f"(Debian, Ubuntu), or name the file of `postgres` in {override_variable('postgres')}"
    )


@dataclass(kw_only=True)
class Postgres(Server):
    """A running PostgreSQL; restarted on the same `data_dir`, it finds its databases again.

    Attributes:
        max_connections: Room for several pools of workers at once.
    """

    program: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # SIGTERM would wait for clients to leave

    max_connections: int = 200

    @property
    def executable(self) -> Path:
        """The program that will be started."""
        return self.binary or find_postgres()

    def url(self, database: str = "postgres") -> str:
        """What a client connects to."""
        return f"postgresql://{ROLE}@{self.address}/{database}"

    def create_database(self, name: str) -> str:
        """Make an empty database and return its URL."""
        self._tool("createdb", *self._connection(), name)
        return self.url(name)

    def drop_database(self, name: str) -> None:
        """Remove a database, cutting off whoever is still connected."""
        self._tool("dropdb", *self._connection(), "--force", name)

    def _command(self, port: int) -> list[str]:
        cluster = self.data_dir / "cluster"
        if not (cluster / "PG_VERSION").exists():
            self._init(cluster)
        settings = (
            f"listen_addresses={HOST}",
            f"port={port}",
            "unix_socket_directories=",
            f"max_connections={self.max_connections}",
            *FAST_NOT_DURABLE,
        )
        options = [word for setting in settings for word in ("-c", setting)]
        return [str(self.executable), "-D", str(cluster), *options, *self.flags]

    def _answers(self, port: int) -> bool:
        check = [str(self.executable.with_name("pg_isready")), f"--host={HOST}", f"--port={port}", "--quiet"]
        return subprocess.run(check, env=self._environ(), check=False).returncode == 0

    def _init(self, cluster: Path) -> None:
        if (user := self._user()) is not None:
            _refuse_unreachable(self.data_dir, user)
            shutil.chown(self.data_dir, user)
        self._tool(
            "initdb", f"--pgdata={cluster}", f"--username={ROLE}", "--auth=trust", "--encoding=UTF8",
            "--locale=C", "--no-sync", user=user,
        )  # fmt: skip

    def _tool(self, name: str, *arguments: str, user: str | None = None) -> None:
        command = [str(self.executable.with_name(name)), *arguments]
        done = subprocess.run(
            command,
            env=self._environ(),
            user=user,
            group=None if user is None else group_of(user),
            extra_groups=None if user is None else [],
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise ServerFailed(f"{name} ended with status {done.returncode}: {done.stderr.strip()}")

    def _connection(self) -> list[str]:
        host, port = self.address.split(":")
        return [f"--host={host}", f"--port={port}", f"--username={ROLE}"]

    def _environ(self) -> Mapping[str, str]:
        return {key: value for key, value in os.environ.items() if not key.startswith("PG")}

    def _user(self) -> str | None:
        if os.geteuid() != 0:
            return None
        known = {entry.pw_name for entry in pwd.getpwall()}
        return "postgres" if "postgres" in known else "nobody"


def _major(path: Path) -> int:
    version = path.parent.parent.name
    return int(version) if version.isdigit() else 0


def _refuse_unreachable(folder: Path, user: str) -> None:
    for parent in folder.resolve().parents:
        if not parent.stat().st_mode & stat.S_IXOTH:
            raise ServerFailed(
                f"PostgreSQL runs as {user} here, who cannot enter {parent}: "
                "give it a folder that everybody can reach, such as one of tempfile.mkdtemp()"
            )
