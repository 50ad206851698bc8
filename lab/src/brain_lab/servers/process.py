"""One child process with a log file: started, watched until it is ready, and ended by its own pid.

Every server here is one of these. It knows nothing of ports, HTTP or configuration, and it never ends
anything but the process it started: a server's own children end with their parent.
"""

from __future__ import annotations

import contextlib
import pwd
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from brain_lab.servers.errors import AddressInUse, ServerFailed

TAIL_LINES: Final = 15
"""Lines of the log shown in an error: enough for a Go panic's cause or a rejected configuration."""

POLL_SECONDS: Final = 0.05


class ServerProcess:
    """A program that runs until it is told to stop.

    Args:
        name: What to call it in messages.
        argv: The program and its arguments.
        log: The file that receives its output, appended to; its folder must exist.
        environ: Its environment; the parent's by default.
        user: Whom to run as, for servers that refuse root.
        stop_signal: The one that asks for an orderly end; SIGTERM nearly everywhere.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.log = log
        self._environ = environ
        self._user = user
        self._stop_signal = stop_signal
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start it and return at once."""
        with self.log.open("ab") as log:
            self._log_start = log.tell()
            self._child = subprocess.Popen(
                self.argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=None if self._environ is None else dict(self._environ),
                user=self._user,
                group=None if self._user is None else group_of(self._user),
                extra_groups=None if self._user is None else [],
            )

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        return self._child.pid if self._child is not None and self._child.poll() is None else None

    def wait_until(self, ready: Callable[[], bool], timeout: float) -> None:
        """Return once `ready` holds and the process is still alive.

        Raises:
            AddressInUse: It exited because its port was taken.
            ServerFailed: It exited, or was not ready in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            answered = ready()
            self._raise_if_exited()
            if answered:
                return
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} was not ready after {timeout:g} s; {self._tail()}")
            time.sleep(POLL_SECONDS)

    def wait_for_end(self, timeout: float) -> None:
        """Return once it has ended by itself, with status 0.

        Raises:
            ServerFailed: It ended otherwise, or not in time.
        """
        child = self._child
        if child is None:
            raise ServerFailed(f"{self.name} was never started")
        try:
            status = child.wait(timeout)
        except subprocess.TimeoutExpired as error:
            raise ServerFailed(f"{self.name} has not ended after {timeout:g} s; {self._tail()}") from error
        if status:
            raise ServerFailed(f"{self.name} ended with status {status}; {self._tail()}")

    def stop(self, grace: float = 20.0) -> None:
        """Ask it to end, and end it after the grace period. Does nothing when it has ended."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.send_signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(grace)
        self.kill()

    def kill(self) -> None:
        """End it the way a crash would: no time to flush or to say goodbye."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()

    def output(self) -> str:
        """What it has written since it was last started."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def _raise_if_exited(self) -> None:
        status = self._child.poll() if self._child is not None else None
        if status is None:
            return
        kind = AddressInUse if "address already in use" in self.output().lower() else ServerFailed
        raise kind(f"{self.name} exited with status {status} before it was ready; {self._tail()}")

    def _tail(self) -> str:
        lines = self.output().splitlines()[-TAIL_LINES:]
        return f"the last lines of {self.log}:\n" + "\n".join(f"  {line}" for line in lines or ["(empty)"])


def group_of(user: str) -> int:
    """The primary group of a user, to step down from root completely."""
    return pwd.getpwnam(user).pw_gid
