"""A listener's TLS files: whether they can be used, asked before anything listens and by ``--check-config``; and the
same files later on, since certificates are renewed while a process runs.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Self

from brain_common.errors import ConfigError
from brain_common.serving.config import TlsSettings

_log = logging.getLogger(__name__)
Stamps = tuple[tuple[int, int, int] | None, ...]


def check_tls(tls: TlsSettings, key: str) -> None:
    """Read the files as a listener would.

    Args:
        tls: The files.
        key: Theirs in the configuration, such as ``http.tls``; messages begin with it.

    Raises:
        ConfigError: One cannot be read, is no PEM, or the key is not the certificate's.
    """
    for name in ("cert_file", "key_file", "client_ca_file"):
        file: Path | None = getattr(tls, name)
        if file is not None:
            _check_readable(f"{key}.{name}", file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:  # with a password, or OpenSSL would ask for it at the terminal
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except ssl.SSLError as error:
        raise _unusable(f"{key}: cert_file {tls.cert_file} with key_file {tls.key_file}", error) from error
    try:
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
    except ssl.SSLError as error:
        raise _unusable(f"{key}.client_ca_file: {tls.client_ca_file}", error) from error


def _check_readable(key: str, file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error.strerror}") from error


def _unusable(what: str, error: ssl.SSLError) -> ConfigError:
    return ConfigError(f"{what} cannot be used: {error.reason or error.strerror}")


def stamps(paths: Iterable[Path]) -> Stamps:
    """What changes when a file does. Mounted secrets change by a link: so the inode counts, too."""
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


class LiveTls:
    """TLS files as they are now; a change that cannot be used is logged once and not taken over.

    Raises:
        ConfigError: At start, one cannot be used.
    """

    def __init__(self, tls: TlsSettings, key: str) -> None:
        self.tls = tls
        self._key = key
        self._paths = [path for path in (tls.cert_file, tls.key_file, tls.client_ca_file) if path]
        self._seen = stamps(self._paths)
        check_tls(tls, key)
        self._context = self._made()

    def changed(self) -> bool:
        """Whether they are other ones than at the last question, and can be used."""
        now = stamps(self._paths)
        if now == self._seen:
            return False
        self._seen = now
        try:
            check_tls(self.tls, self._key)
            self._context = self._made()
        except (ConfigError, OSError) as error:
            _log.error("the changed TLS files are not used: %s", error)
            return False
        _log.info("%s: read again", self._key)
        return True

    def context(self) -> ssl.SSLContext:
        """For a listener of an event loop: each new connection is shown what the files say then."""

        def fresh() -> ssl.SSLContext:
            self.changed()
            return self._context

        return FollowingContext(fresh)

    def _made(self) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        made.load_cert_chain(self.tls.cert_file, self.tls.key_file, password="")
        if self.tls.client_ca_file:
            made.load_verify_locations(self.tls.client_ca_file)
            made.verify_mode = ssl.CERT_REQUIRED
        return made


class FollowingContext(ssl.SSLContext):
    """Event loops ask their listener's one context for each connection; this one asks for the fresh one."""

    _fresh: Callable[[], ssl.SSLContext]

    def __new__(cls, fresh: Callable[[], ssl.SSLContext]) -> Self:
        made = super().__new__(cls, ssl.PROTOCOL_TLS_SERVER)
        made._fresh = fresh
        return made

    def __init__(self, fresh: Callable[[], ssl.SSLContext]) -> None:
        super().__init__()

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401 - handed on
        return self._fresh().wrap_bio(*args, **options)
