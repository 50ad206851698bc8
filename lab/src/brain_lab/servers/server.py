"""What all servers here share: a free port, a start that survives losing it, a context manager.

A server module adds two answers: the command line for a given port, and whether it is ready there. A
port is chosen by binding port 0 and letting go, so another process may take it in between; then the
server says so in its log, exits, and is started again elsewhere.
"""

from __future__ import annotations

import signal
import socket
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import ClassVar, Final, Self

from brain_lab.servers.binaries import find
from brain_lab.servers.errors import AddressInUse
from brain_lab.servers.process import ServerProcess

HOST: Final = "127.0.0.1"
ATTEMPTS: Final = 5


def free_port() -> int:
    """A TCP port of the loopback address that nobody held a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def get(port: int, path: str) -> bytes | None:
    """The body of a 200 answer; None for any other answer, and while nobody listens."""
    connection = HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.read() if response.status == 200 else None
    except (OSError, HTTPException):
        return None
    finally:
        connection.close()


@dataclass(kw_only=True)
class Server(ABC):
    """A server on loopback: ready when entered, gone when left; `start` and `stop` do the same by hand.

    Attributes:
        data_dir: The folder for its configuration, data and log; kept, so that a restart finds its data.
        flags: Further command line arguments.
        binary: The program; found by its name otherwise.
        port: The port to bind; a free one otherwise, chosen anew at each start.
        ready_timeout: Seconds until a server that does not answer counts as failed.
    """

    program: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    stop_grace: ClassVar[float] = 20.0
    """Seconds for an orderly end."""

    data_dir: Path
    flags: Sequence[str] = ()
    binary: Path | None = None
    port: int | None = None
    ready_timeout: float = 60.0
    _process: ServerProcess | None = field(default=None, init=False, repr=False)
    _bound: int | None = field(default=None, init=False, repr=False)

    @abstractmethod
    def _command(self, port: int) -> list[str]:
        """Write what the server reads at its start, and say how to start it."""

    @abstractmethod
    def _answers(self, port: int) -> bool:
        """Whether it is ready to serve."""

    @property
    def address(self) -> str:
        """`127.0.0.1:<port>` while it runs."""
        if self._bound is None:
            raise RuntimeError(f"{self.program} is not running")
        return f"{HOST}:{self._bound}"

    @property
    def process(self) -> ServerProcess:
        """The process behind it, to read its output or to kill it."""
        if self._process is None:
            raise RuntimeError(f"{self.program} was never started")
        return self._process

    @property
    def pid(self) -> int:
        """Of its process, which must run."""
        pid = self.process.pid
        if pid is None:
            raise RuntimeError(f"{self.program} is not running")
        return pid

    @property
    def executable(self) -> Path:
        """The program that will be started."""
        return self.binary or find(self.program)

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            ServerMissing: The program is not on this machine.
            ServerFailed: It did not come up.
        """
        if self._process is not None and self._process.pid is not None:
            raise RuntimeError(f"{self.program} is already running")
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self._launch(self.port or free_port())
                return
            except AddressInUse:
                if self.port is not None or attempt == ATTEMPTS:
                    raise

    def stop(self) -> None:
        """End it in an orderly way; does nothing when it is not running."""
        if self._process is not None:
            self._process.stop(self.stop_grace)
        self._bound = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _launch(self, port: int) -> None:
        self._process = ServerProcess(
            self.program,
            self._command(port),
            self.data_dir / f"{self.program}.log",
            environ=self._environ(),
            user=self._user(),
            stop_signal=self.stop_signal,
        )
        self._process.start()
        try:
            self._process.wait_until(lambda: self._answers(port), self.ready_timeout)
        except BaseException:
            self._process.stop()
            raise
        self._bound = port

    def _environ(self) -> Mapping[str, str] | None:
        return None

    def _user(self) -> str | None:
        return None


@dataclass(kw_only=True)
class HttpServer(Server):
    """A server that answers 200 on a path of its own once it is ready."""

    ready_path: ClassVar[str] = "/-/ready"

    @property
    def url(self) -> str:
        """`http://127.0.0.1:<port>` while it runs."""
        return f"http://{self.address}"

    def _answers(self, port: int) -> bool:
        return get(port, self.ready_path) is not None
