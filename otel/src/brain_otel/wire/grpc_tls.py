"""TLS of the gRPC listener; renewed certificates are shown to new connections, those that are open go on.

A change that cannot be used is logged once and not taken over: the listener stays as it was.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import grpc

from brain_common.errors import ConfigError
from brain_common.serving.config import TlsSettings
from brain_common.serving.tls import check_tls

_log = logging.getLogger(__name__)


def listener_credentials(tls: TlsSettings, key: str) -> Any:  # noqa: ANN401 - grpc has no types
    """Credentials that follow their files.

    Args:
        tls: The files.
        key: Theirs in the configuration, for messages.

    Raises:
        ConfigError: They cannot be used.
    """
    files = _Files(tls, key)
    return grpc.dynamic_ssl_server_credentials(
        files.configuration(), files.changed, require_client_authentication=tls.client_ca_file is not None
    )


class _Files:
    def __init__(self, tls: TlsSettings, key: str) -> None:
        self._tls = tls
        self._key = key
        self._seen = self._stamps()

    def configuration(self) -> Any:  # noqa: ANN401 - grpc has no types
        """Of the files as they are."""
        check_tls(self._tls, self._key)
        pair = (self._tls.key_file.read_bytes(), self._tls.cert_file.read_bytes())
        authority = self._tls.client_ca_file.read_bytes() if self._tls.client_ca_file else None
        return grpc.ssl_server_certificate_configuration([pair], authority)

    def changed(self) -> Any:  # noqa: ANN401 - grpc has no types
        """Asked by gRPC before each handshake; None: nothing changed."""
        stamps = self._stamps()
        if stamps == self._seen:
            return None
        self._seen = stamps
        try:
            configuration = self.configuration()
        except (ConfigError, OSError) as error:
            _log.error("the changed TLS files are not used: %s", error)
            return None
        _log.info("%s: read again", self._key)
        return configuration

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(
            _stamp(path) for path in (self._tls.cert_file, self._tls.key_file, self._tls.client_ca_file) if path
        )


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Mounted secrets change by a link: so the inode counts, too."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
