"""Whether a delivery comes from who it says: one ``Door`` a source, by what its sender can show.

Every comparison takes the same time wherever the first difference is, and a header that comes twice is none, since
nobody can tell which one a proxy in front has looked at. Secrets are lines of files, read again when a file changes: to
rotate one, let the file hold both, change the sender, and take the old line away.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from starlette.datastructures import Headers

from brain_common.errors import TemporaryError
from brain_common.serving.auth import Authenticator
from brain_common.serving.config import CallerSettings

MIN_SECRET: Final = 8  # characters; a shorter one can be guessed
_MAX_FILE: Final = 64 << 10  # bytes; protects from a mistyped path
_log = logging.getLogger(__name__)

_Stamp = tuple[int, int, int]


class SecretFiles:
    """The secrets that are good now.

    Args:
        paths: UTF-8 files, one secret a line.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = tuple(paths)
        self._read: dict[Path, tuple[_Stamp, tuple[str, ...]]] = {}
        self._said: dict[Path, str] = {}

    def current(self) -> tuple[str, ...]:
        """All of them; looks at the files' times only, unless they changed.

        Raises:
            TemporaryError: There is none, so nobody can be told from anybody.
        """
        found = tuple(secret for path in self._paths for secret in self._of(path))
        if not found:
            raise TemporaryError("the secrets of this source cannot be read now")
        return found

    def _of(self, path: Path) -> tuple[str, ...]:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_ino, status.st_size)
            known = self._read.get(path)
            if known is None or known[0] != stamp:
                known = self._read[path] = (stamp, _secrets(path))
                self._say(path, "" if known[1] else "holds no secret")
        except (OSError, ValueError) as error:
            self._read.pop(path, None)
            self._say(path, getattr(error, "strerror", None) or "is no text of the expected size")
            return ()
        return known[1]

    def _say(self, path: Path, problem: str) -> None:
        """Once, not at each delivery."""
        if problem and self._said.get(path) != problem:
            _log.warning("secret_files: %s: %s; lines need %d characters", path, problem, MIN_SECRET)
        self._said[path] = problem


def _secrets(path: Path) -> tuple[str, ...]:
    with path.open("rb") as file:
        text = file.read(_MAX_FILE + 1)
    if len(text) > _MAX_FILE:
        raise ValueError
    lines = (line.strip() for line in text.decode("utf-8").splitlines())
    return tuple(line for line in lines if len(line) >= MIN_SECRET)


class Door(Protocol):
    """Lets deliveries of one source in.

    Attributes:
        reads_body: Whether the body is needed to tell; where not, it is not even read from somebody unknown.
    """

    reads_body: bool

    def shown(self, headers: Headers) -> bool:
        """Whether there is a credential at all; asked before the body is read."""
        ...

    async def admits(self, headers: Headers, body: bytes) -> bool:
        """Whether it is right.

        Raises:
            TemporaryError: Nobody can say now.
        """
        ...


class OpenDoor:
    """For ``allow_unauthenticated``: everybody on this machine, but no page that a browser here has opened."""

    reads_body = False

    def shown(self, headers: Headers) -> bool:
        return "origin" not in headers  # browsers send it with every POST of a page

    async def admits(self, headers: Headers, body: bytes) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class Signature:
    """How a signature of the body is written: before the hex digits of the HMAC stands ``prefix``."""

    algorithm: str
    prefix: str = ""


GITHUB: Final[Mapping[str, Signature]] = {"x-hub-signature-256": Signature("sha256", "sha256=")}
TERRAFORM: Final[Mapping[str, Signature]] = {
    "x-tfc-task-signature": Signature("sha512"),  # run tasks
    "x-tfe-notification-signature": Signature("sha512"),  # notifications
}


class SignatureDoor:
    """For senders that sign the body; ``headers`` says which header holds what."""

    reads_body = True

    def __init__(self, secrets: SecretFiles, headers: Mapping[str, Signature]) -> None:
        self._secrets = secrets
        self._headers = headers

    def shown(self, headers: Headers) -> bool:
        return self._one(headers) is not None

    async def admits(self, headers: Headers, body: bytes) -> bool:
        found = self._one(headers)
        if found is None:
            return False
        signature, value = found
        good = False
        for secret in self._secrets.current():  # no early exit: the time must not tell which one was near
            made = signature.prefix + hmac.new(secret.encode(), body, signature.algorithm).hexdigest()
            good |= hmac.compare_digest(made.encode(), value.encode("latin-1"))
        return good

    def _one(self, headers: Headers) -> tuple[Signature, str] | None:
        shown = [(how, value) for name, how in self._headers.items() for value in headers.getlist(name)]
        return shown[0] if len(shown) == 1 and shown[0][1] else None


class TokenDoor:
    """For senders that show the secret itself in a header."""

    reads_body = False

    def __init__(self, secrets: SecretFiles, header: str) -> None:
        self._secrets = secrets
        self._header = header

    def shown(self, headers: Headers) -> bool:
        return len(headers.getlist(self._header)) == 1

    async def admits(self, headers: Headers, body: bytes) -> bool:
        values = headers.getlist(self._header)
        good = False
        for secret in self._secrets.current():
            good |= len(values) == 1 and hmac.compare_digest(_digest(secret.encode()), _digest(_bytes(values[0])))
        return good


class CallerDoor:
    """For senders that show a bearer token or a password, as everywhere else in the product.

    Args:
        secrets: Tokens from files; None: there are only ``callers``.
        callers: Those of the configuration.
        header: Where the token is, if not in ``Authorization``.
    """

    reads_body = False

    def __init__(self, secrets: SecretFiles | None, callers: Sequence[CallerSettings], header: str | None) -> None:
        self._secrets = secrets
        self._callers = tuple(callers)
        self._header = header
        self._tokens: tuple[str, ...] = ()
        self._authenticator = Authenticator(self._callers)

    def shown(self, headers: Headers) -> bool:
        return len(self._values(headers)) == 1

    async def admits(self, headers: Headers, body: bytes) -> bool:
        tokens = self._current()
        if tokens != self._tokens:
            self._tokens = tokens
            more = [CallerSettings.model_validate({"name": "file", "bearer_token": token}) for token in tokens]
            self._authenticator = Authenticator([*self._callers, *more])
        return await asyncio.to_thread(self._authenticator.identify, self._values(headers)) is not None

    def _current(self) -> tuple[str, ...]:
        """The tokens of files; that none can be read is no reason to refuse those of the configuration."""
        try:
            return self._secrets.current() if self._secrets else ()
        except TemporaryError:
            if not self._callers:
                raise
            return ()

    def _values(self, headers: Headers) -> list[str]:
        if self._header is None:
            return headers.getlist("authorization")
        return [f"Bearer {value}" for value in headers.getlist(self._header)]


def _digest(text: bytes) -> bytes:
    return hashlib.sha256(text).digest()


def _bytes(header: str) -> bytes:
    """As it came over the wire: Starlette reads headers as Latin-1, senders mean UTF-8."""
    return header.encode("latin-1")
